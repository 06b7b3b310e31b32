// Programs at the end of stage "target" -> files.
#pragma once

#include "compiler/Options.h"
#include "mlir/IR/BuiltinOps.h"
#include "targets/Target.h"
#include "targets/cpu/CodeCache.h"
#include "targets/nvptx/CodeGen.h"

namespace nncc {

/// A program at the end of stage "target", scheduled for one target.
struct Level {
  mlir::ModuleOp module;
  Target target;
};

struct EmitOptions {
  EmitKind kind = EmitKind::SharedLibrary;
  WeightsPlace weights = WeightsPlace::Embed;
  std::string name; // of the model
  /// With WeightsPlace::File, and for text, the weights go to `output` + ".weights".
  std::string output;
  unsigned optLevel = 2;
  bool strip = false;                         // see CompileOptions
  llvm::ArrayRef<nvptx::ImageKind> gpuImages; // of a program for a GPU
  const cpu::CodeCache *cache = nullptr;
};

/// Generates the code of all kernels (in parallel, on the context's threads), writes the weights,
/// links. `levels` are one program for several targets, from the least to the best, and have their
/// weights in common. Files appear under their names when they are whole, or not at all.
llvm::Error emitModel(llvm::ArrayRef<Level> levels, const EmitOptions &options);

/// An identifier of C that is like `text`.
std::string identifier(llvm::StringRef text);

/// A C header that declares the model's symbol and its inputs and outputs.
llvm::Error writeHeader(mlir::ModuleOp module, llvm::StringRef name, llvm::StringRef path);

} // namespace nncc
