// What a user can ask of a compilation. The only place where an option of the compiler is declared:
// the tool, the Python package and the passes read it from here.
#pragma once

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace nncc {

/// Exit codes of the tool, by class of error.
enum class ErrorClass { Usage = 1, InvalidModel = 2, Unsupported = 3, Differs = 4, Internal = 5 };

enum class EmitKind { SharedLibrary, Object, StaticArchive, LLVMIR, Assembly };

/// How a user spells a kind of output, and the extension of its file.
struct EmitFormat {
  EmitKind kind;
  llvm::StringLiteral name, extension, description;
};
inline constexpr EmitFormat emitFormats[] = {
    {EmitKind::SharedLibrary, "so", ".so", "a shared library (default)"},
    {EmitKind::Object, "obj", ".o", "an object file"},
    {EmitKind::StaticArchive, "static", ".a", "a static archive"},
    {EmitKind::LLVMIR, "llvm", ".ll", "LLVM IR, its weights in a file beside it"},
    {EmitKind::Assembly, "asm", ".s", "assembly, its weights in a file beside it"}};
const EmitFormat &emitFormat(EmitKind kind);

enum class WeightsPlace { Embed, File };

/// What constant matrices of f32 are rounded to for matrix products.
enum class WeightType { F32, BF16 };

/// A user's passes at a named point of the pipeline: `--insert=after-graph:my-pass{k=v}`.
struct InsertedPasses {
  bool before = false; // else after
  std::string stage;
  std::string pipeline; // in MLIR's textual form
};

struct CompileOptions {
  std::string input;  // .onnx, or .mlir written by --stop-after
  std::string output; // empty: the input's name with the extension of `emit`

  /// "host", "x86-64-v2", "-v3", "-v4" (the psABI's levels), or "<triple>:<cpu>"; several between
  /// ',', or "x86-64-multi", for one library with code for each; "nvptx:<chip>", such as
  /// "nvptx:sm_90a", for a GPU, or "host+nvptx:<chip>" for both. See Target.
  std::string target = "host";
  unsigned optLevel = 2;
  /// 3x3 convolutions by Winograd's algorithm: "auto", where a cost model finds it faster; "off";
  /// "2" or "4", in tiles of this size wherever it can be.
  std::string winograd = "auto";
  /// Depthwise convolutions and poolings in one kernel with the contractions around them, by bands
  /// of rows: "auto", where a cost model finds it faster; "off"; "always" where it is possible.
  std::string bands = "auto";
  /// Whether products take numbers below 2^-126 for what they are, as IEEE 754 has it: for zero
  /// they are faster.
  bool keepDenormals = false;
  std::string machineFacts;            // a file of numbers of the processor, for the cost models
  std::vector<std::string> tuning;     // files of measured plans; later ones count
  std::map<std::string, int64_t> dims; // --dim batch=8
  std::map<std::string, std::vector<int64_t>> shapes; // --shape x:8x3x224x224; -1 stays open
  bool allValuesAreOutputs = false; // also every float tensor between the nodes of the graph
  EmitKind emit = EmitKind::SharedLibrary;
  bool header = false; // also write a C header
  WeightsPlace weights = WeightsPlace::Embed;
  WeightType weightType = WeightType::F32; // results differ by what rounding loses
  /// Forms of the code for a GPU, between ',': "cubin", for the named chip, left out where there is
  /// no ptxas; "ptx", for it and later ones; "bitcode", LLVM's, for emulators.
  std::string gpuImages = "cubin,ptx";
  /// How a GPU multiplies numbers of f32: "f32" as they are; on its tensor cores, where it has
  /// them, "tf32", operands rounded to 11 bits (a sum is off by at most 2^-10 of that of its
  /// products' magnitudes), or "bf16x3", to 16 bits, in three products (2^-16; infinities become
  /// NaN).
  std::string gpuMath = "f32";
  bool strip = false; // without the names of kernels and nodes that profilers and debuggers show
  std::string name;   // of the model in its symbol nncc_model_<name>; empty: from the output's stem

  std::string stopAfter; // a stage: write its IR to `output` instead
  std::vector<InsertedPasses> insert;
  std::vector<std::string> patterns; // PDLL or PDL files, applied before the graph stage
  std::vector<std::string> plugins;  // pass plug-ins, loaded before `insert` is parsed
  /// A folder where the code of kernels is kept for later compilations; empty: it is not.
  std::string cacheDir;
  unsigned cacheMegabytes = 1024; // that are left in it
  bool verifyEach = false;
  unsigned threads = 0;  // of the compiler; 0: one per processor
  bool verbose = false;  // one line per stage: time, peak memory
  bool progress = false; // one line that is rewritten, for terminals
  std::string remarks;   // regular expression of the passes whose remarks are printed
};

} // namespace nncc
