#include "compiler/Emit.h"

#include "compiler/Files.h"
#include "compiler/Link.h"
#include "compiler/WeightsWriter.h"
#include "dialects/SizeText.h"
#include "mlir/IR/Threading.h"
#include "runtime/include/nncc/abi.h"
#include "targets/cpu/CodeGen.h"
#include "targets/program/ProgramEmitter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using llvm::Error;
using llvm::Expected;

namespace nncc {

namespace {

class Emitter {
public:
  Emitter(ArrayRef<Level> levels, const EmitOptions &options) : levels(levels), options(options) {}

  Error run() {
    for (const Level &level : levels.drop_front())
      if (!haveSameWeights(levels.front().module, level.module))
        return llvm::createStringError("the weights for '" + level.target.text +
                                       "' are not those for '" + levels.front().target.text +
                                       "': passes depend on the target before its stages");
    Expected<TemporaryFolder> folder = TemporaryFolder::create();
    if (!folder)
      return folder.takeError();
    temporary = folder->path();
    info.name = options.name;
    info.compiler = "nncc " NNCC_VERSION;
    info.weightsSymbol = info.symbol("weights");
    for (auto step : {&Emitter::emitWeights, &Emitter::emitKernels, &Emitter::emitPrograms})
      if (Error error = (this->*step)())
        return error;
    return finish();
  }

private:
  bool isText() const {
    return options.kind == EmitKind::LLVMIR || options.kind == EmitKind::Assembly;
  }
  cpu::CodeOptions codeOptions() const {
    cpu::CodeOptions result;
    result.kind = isText() ? cpu::CodeKind::Bitcode : cpu::CodeKind::Object;
    result.optLevel = options.optLevel;
    result.cache = options.cache;
    return result;
  }

  Error emitWeights() {
    ModuleOp module = levels.front().module;
    auto size = module->getAttrOfType<IntegerAttr>("rt.weights_size");
    if (!size || size.getInt() == 0)
      return Error::success();
    bool inFile = options.weights == WeightsPlace::File || isText();
    std::string path = inFile ? options.output + ".weights" : temporary + "/weights.o";
    Expected<AtomicFile> file = AtomicFile::create(path);
    if (!file)
      return file.takeError();
    if (inFile) {
      info.weightsFile = llvm::sys::path::filename(path).str();
      nncc_weights_header header = {NNCC_WEIGHTS_MAGIC, 0, 0};
      file->stream().write_zeros(NNCC_WEIGHTS_OFFSET);
      Expected<WeightsSummary> summary = writeWeights(module, file->stream());
      if (!summary)
        return summary.takeError();
      header.size = info.weightsSize = summary->size;
      header.hash = info.weightsHash = summary->hash;
      file->stream().pwrite(reinterpret_cast<const char *>(&header), sizeof(header), 0);
      weightsFile.emplace(std::move(*file)); // kept when the library is there too
      return weightsFile->flush();
    }
    Expected<WeightsSummary> summary =
        writeWeightsObject(module, triple(), info.weightsSymbol, file->stream());
    if (!summary)
      return summary.takeError();
    info.weightsSize = summary->size;
    info.weightsHash = summary->hash;
    objects.push_back(path);
    return file->keep();
  }

  /// What the descriptor of a level says, without the table of all levels.
  ProgramInfo infoOf(const Level &level) const {
    ProgramInfo result = info;
    if (levels.size() > 1)
      result.level = identifier(level.target.name());
    if (level.target.chip)
      result.device = level.target.chip->name;
    return result;
  }

  struct Kernel {
    ModuleOp module;
    KernelName name;
  };
  /// Those that the program runs.
  std::vector<Kernel> kernelsOf(const Level &level) const {
    std::vector<Kernel> kernels;
    llvm::StringMap<KernelName> names = nameKernels(level.module, infoOf(level));
    for (ModuleOp kernel : ModuleOp(level.module).getOps<ModuleOp>())
      if (auto called = names.find(kernel.getSymName().value_or("")); called != names.end())
        kernels.push_back({kernel, called->second});
    return kernels;
  }

  Error emitKernels() {
    std::vector<std::pair<Kernel, const cpu::Machine *>> kernels;
    for (const Level &level : levels)
      if (!level.target.chip)
        for (Kernel &kernel : kernelsOf(level))
          kernels.push_back({std::move(kernel), &level.target.host});
    std::vector<llvm::SmallVector<char, 0>> codes(kernels.size());
    std::vector<std::string> errors(kernels.size());
    cpu::CodeOptions how = codeOptions();
    if (!options.strip)
      how.file = options.name + ".onnx.calls"; // no file that a debugger could find and show
    parallelFor(levels.front().module->getContext(), 0, kernels.size(), [&](size_t i) {
      const auto &[kernel, machine] = kernels[i];
      auto code = cpu::generateKernel(kernel.module, kernel.name, *machine, how);
      if (code)
        codes[i] = std::move(*code);
      else
        errors[i] = llvm::toString(code.takeError());
    });
    for (const std::string &error : errors)
      if (!error.empty())
        return llvm::createStringError(error);
    for (auto [i, code] : llvm::enumerate(codes))
      if (Error error = addCode(std::move(code), "kernel" + std::to_string(i)))
        return error;
    return Error::success();
  }

  /// The code of all kernels of a program for a GPU.
  Error addImages(const Level &level, ProgramInfo &info) {
    std::vector<nvptx::NamedKernel> kernels;
    for (const Kernel &kernel : kernelsOf(level))
      kernels.push_back({kernel.module, kernel.name.symbol});
    auto images = nvptx::generateImages(kernels, *level.target.chip, options.gpuImages);
    if (!images)
      return images.takeError();
    for (nvptx::Image &image : *images) {
      int32_t kind = image.kind == nvptx::ImageKind::Cubin ? NNCC_IMAGE_CUBIN
                     : image.kind == nvptx::ImageKind::PTX ? NNCC_IMAGE_PTX
                                                           : NNCC_IMAGE_BITCODE;
      info.images.push_back({kind, level.target.chip->capability,
                             image.kind == nvptx::ImageKind::Cubin && level.target.chip->isExact,
                             std::move(image.data)});
    }
    return Error::success();
  }

  Error emitPrograms() {
    for (auto [i, level] : llvm::enumerate(levels)) {
      ProgramInfo own = infoOf(level);
      if (i == 0 && levels.size() > 1)
        for (const Level &listed : llvm::reverse(levels))
          own.levels.push_back(infoOf(listed).level);
      if (level.target.chip)
        if (Error error = addImages(level, own))
          return error;
      llvm::LLVMContext context;
      auto program = emitProgram(level.module, own, level.target.host, context);
      if (!program)
        return program.takeError();
      auto code = cpu::generateCode(**program, level.target.host, codeOptions());
      if (!code)
        return code.takeError();
      if (Error error = addCode(std::move(*code), i ? "program" + std::to_string(i) : "program"))
        return error;
    }
    return Error::success();
  }

  Error addCode(llvm::SmallVector<char, 0> code, const std::string &name) {
    if (isText()) {
      bitcode.push_back(std::move(code));
      return Error::success();
    }
    std::string path = temporary + "/" + name + ".o";
    objects.push_back(path);
    return writeFile(path, StringRef(code.data(), code.size()));
  }

  Error finish() {
    Expected<AtomicFile> file = AtomicFile::create(options.output);
    if (!file)
      return file.takeError();
    Error error = Error::success();
    switch (options.kind) {
    case EmitKind::SharedLibrary:
      error = linkShared(objects, file->path(), triple(), options.strip);
      break;
    case EmitKind::Object:
      error = linkRelocatable(objects, file->path());
      break;
    case EmitKind::StaticArchive:
      error = archive(objects, file->path());
      break;
    case EmitKind::LLVMIR:
      error =
          cpu::writeText(bitcode, levels.front().target.host, cpu::TextKind::IR, file->stream());
      break;
    case EmitKind::Assembly:
      error = cpu::writeText(bitcode, levels.front().target.host, cpu::TextKind::Assembly,
                             file->stream());
    }
    if (error)
      return error;
    if (weightsFile)
      if (Error failed = weightsFile->keep())
        return failed;
    return file->keep();
  }

  const std::string &triple() const { return levels.front().target.host.triple; }

  ArrayRef<Level> levels;
  const EmitOptions &options;
  ProgramInfo info;
  std::string temporary;
  std::vector<std::string> objects;
  std::vector<llvm::SmallVector<char, 0>> bitcode; // instead of objects, for text
  std::optional<AtomicFile> weightsFile;
};

} // namespace

std::string identifier(StringRef text) {
  std::string result;
  for (char c : text)
    result += llvm::isAlnum(c) ? c : '_';
  if (result.empty() || llvm::isDigit(result.front()))
    result.insert(0, "_");
  return result;
}

Error emitModel(ArrayRef<Level> levels, const EmitOptions &options) {
  return Emitter(levels, options).run();
}

/// A model's name for something, inside of a comment in C.
static std::string commentText(StringRef name) {
  std::string text = name.str();
  for (size_t i = 0; i < text.size(); ++i) {
    bool isControl = static_cast<unsigned char>(text[i]) < ' ';
    bool isSlash = text[i] == '/' &&
                   ((i > 0 && text[i - 1] == '*') || (i + 1 < text.size() && text[i + 1] == '*'));
    if (isControl || isSlash)
      text[i] = '?';
  }
  return text;
}

Error writeHeader(ModuleOp module, StringRef name, StringRef path) {
  std::string guard = "NNCC_MODEL_" + name.upper() + "_H", text;
  llvm::raw_string_ostream os(text);
  os << "/* The model " << name << ", compiled by nncc " NNCC_VERSION ".\n *\n";
  for (auto function : module.getOps<func::FuncOp>()) {
    for (auto [i, type] : llvm::enumerate(argumentTypes(function))) {
      auto label = function.getArgAttrOfType<StringAttr>(i, "nn.name");
      os << " * input " << i << ": " << commentText(label ? label.getValue() : "") << ", " << type
         << "\n";
    }
    auto types = function->getAttrOfType<ArrayAttr>("rt.result_types");
    auto names = function->getAttrOfType<ArrayAttr>("rt.result_names");
    if (types && names)
      for (auto [i, type] : llvm::enumerate(types))
        os << " * output " << i << ": " << commentText(cast<StringAttr>(names[i]).getValue())
           << ", " << cast<TypeAttr>(type).getValue() << "\n";
  }
  os << " */\n#ifndef " << guard << "\n#define " << guard << "\n\n#include <nncc/abi.h>\n\n"
     << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
     << "const nncc_descriptor *nncc_model_" << name << "(void);\n\n"
     << "#ifdef __cplusplus\n}\n#endif\n#endif\n";
  return writeFile(path, text);
}

} // namespace nncc
