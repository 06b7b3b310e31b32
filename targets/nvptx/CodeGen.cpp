#include "targets/nvptx/CodeGen.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "targets/kernel/Code.h"
#include "targets/kernel/FloatInstructions.h"
#include "targets/nvptx/Assembler.h"
#include "targets/nvptx/JitLink.h"
#include "targets/nvptx/Libdevice.h"
#include "targets/nvptx/Toolkit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/Linker/Linker.h"

using namespace llvm;

namespace nncc::nvptx {

Expected<std::vector<ImageKind>> imageKinds(StringRef names) {
  std::vector<ImageKind> kinds;
  for (StringRef name : split(names, ',')) {
    auto kind = StringSwitch<std::optional<ImageKind>>(name)
                    .Case("cubin", ImageKind::Cubin)
                    .Case("ptx", ImageKind::PTX)
                    .Case("bitcode", ImageKind::Bitcode)
                    .Default(std::nullopt);
    if (!kind)
      return createStringError("unknown form of code for a GPU '" + name +
                               "': expected cubin, ptx or bitcode");
    kinds.push_back(*kind);
  }
  return kinds;
}

static Expected<std::unique_ptr<Module>> translate(const NamedKernel &kernel, LLVMContext &context,
                                                   TargetMachine &machine) {
  mlir::ModuleOp source = kernel.module;
  std::string inside = source.getSymName().value_or("").str();
  std::unique_ptr<Module> module = mlir::translateModuleToLLVMIR(source, context, kernel.symbol);
  if (!module)
    return createStringError("kernel " + inside + " cannot be translated to LLVM IR");
  module->setTargetTriple(machine.getTargetTriple());
  module->setDataLayout(machine.createDataLayout());
  for (Function &function : *module) // a kernel may be several launches
    if (!function.isDeclaration() && function.getName().starts_with(inside))
      function.setName(kernel.symbol + function.getName().drop_front(inside.size()));
  for (GlobalVariable &variable : module->globals()) // names differ between kernels then
    if (variable.hasLocalLinkage())
      variable.setName(kernel.symbol + "_" + variable.getName());
  expandFloatInstructions(*module, machine);
  return module;
}

static void optimize(Module &module, TargetMachine &machine) {
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = false; // threads are the vectors
  // It takes loads of 16 bytes apart, of which parts then are one with those of other branches.
  PassInstrumentationCallbacks passes;
  passes.registerShouldRunOptionalPassCallback(
      [](StringRef pass, Any) { return pass != "VectorCombinePass"; });
  nncc::optimize(
      module, machine, tuning,
      [](PassBuilder &builder) {
        return builder.buildPerModuleDefaultPipeline(OptimizationLevel::O2);
      },
      &passes);
}

static Expected<SmallVector<char, 0>> writePTX(Module &module, TargetMachine &machine) {
  SmallVector<char, 0> text;
  raw_svector_ostream stream(text);
  if (Error error = writeCode(module, machine, CodeGenFileType::AssemblyFile, stream))
    return std::move(error);
  text.push_back(0);
  return text;
}

using Code = SmallVector<char, 0>;

/// std::nullopt where there is neither ptxas nor what does its work.
static std::optional<Expected<Code>> makeCubin(ArrayRef<char> ptx, const Chip &chip) {
  if (std::optional<std::string> assembler = findInToolkit("bin/ptxas"))
    return assemble(*assembler, ptx, chip);
  if (std::optional<JitLink> linker = JitLink::find())
    return linker->assemble(ptx, chip);
  return std::nullopt;
}

Expected<std::vector<Image>> generateImages(ArrayRef<NamedKernel> kernels, const Chip &chip,
                                            ArrayRef<ImageKind> kinds) {
  LLVMContext context;
  std::unique_ptr<TargetMachine> machine = chip.create();
  auto whole = std::make_unique<Module>("kernels", context);
  whole->setTargetTriple(machine->getTargetTriple());
  whole->setDataLayout(machine->createDataLayout());
  for (const NamedKernel &kernel : kernels) {
    Expected<std::unique_ptr<Module>> module = translate(kernel, context, *machine);
    if (!module)
      return module.takeError();
    if (Linker::linkModules(*whole, std::move(*module)))
      return createStringError("the kernels cannot be put into one module");
  }
  optimize(*whole, *machine);
  std::vector<Image> images;
  if (is_contained(kinds, ImageKind::Bitcode)) { // the kernels' own code, calls of libm as such
    images.push_back({ImageKind::Bitcode, {}});
    raw_svector_ostream stream(images.back().data);
    WriteBitcodeToFile(*whole, stream);
  }
  if (images.size() == kinds.size())
    return images;
  Expected<bool> isLinked = linkLibdevice(*whole);
  if (!isLinked)
    return isLinked.takeError();
  if (*isLinked)
    optimize(*whole, *machine);
  Expected<SmallVector<char, 0>> ptx = writePTX(*whole, *machine);
  if (!ptx)
    return ptx.takeError();
  if (is_contained(kinds, ImageKind::Cubin)) {
    std::optional<Expected<Code>> cubin = makeCubin(*ptx, chip);
    if (!cubin && kinds.size() == 1)
      return createStringError("cannot find ptxas or libnvJitLink: install the CUDA toolkit, set "
                               "CUDA_ROOT to where it is, or leave out 'cubin'");
    if (cubin && !*cubin)
      return cubin->takeError();
    if (cubin)
      images.insert(images.begin(), {ImageKind::Cubin, std::move(**cubin)});
  }
  if (is_contained(kinds, ImageKind::PTX))
    images.push_back({ImageKind::PTX, std::move(*ptx)});
  return images;
}

} // namespace nncc::nvptx
