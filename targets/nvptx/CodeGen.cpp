#include "targets/nvptx/CodeGen.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "targets/kernel/FloatConversions.h"
#include "targets/nvptx/Assembler.h"
#include "targets/nvptx/Libdevice.h"
#include "targets/nvptx/Toolkit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Passes/PassBuilder.h"

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
  if (Function *function = module->getFunction(inside))
    function->setName(kernel.symbol);
  for (GlobalVariable &variable : module->globals()) // names differ between kernels then
    if (variable.hasLocalLinkage())
      variable.setName(kernel.symbol + "_" + variable.getName());
  expandFloatConversions(*module, machine);
  return module;
}

static void optimize(Module &module, TargetMachine &machine) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager graph;
  ModuleAnalysisManager modules;
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = false; // threads are the vectors
  // It takes loads of 16 bytes apart, of which parts then are one with those of other branches.
  PassInstrumentationCallbacks passes;
  passes.registerShouldRunOptionalPassCallback(
      [](StringRef pass, Any) { return pass != "VectorCombinePass"; });
  PassBuilder builder(&machine, tuning, std::nullopt, &passes);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graph, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O2).run(module, modules);
}

static Expected<SmallVector<char, 0>> writePTX(Module &module, TargetMachine &machine) {
  SmallVector<char, 0> text;
  raw_svector_ostream stream(text);
  legacy::PassManager codegen;
  if (machine.addPassesToEmitFile(codegen, stream, nullptr, CodeGenFileType::AssemblyFile))
    return createStringError("no PTX can be written");
  codegen.run(module);
  text.push_back(0);
  return text;
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
    std::optional<std::string> assembler = findInToolkit("bin/ptxas");
    if (!assembler && kinds.size() == 1)
      return createStringError("cannot find ptxas: install the CUDA toolkit, or leave out 'cubin'");
    if (assembler) {
      Expected<SmallVector<char, 0>> cubin = assemble(*assembler, *ptx, chip);
      if (!cubin)
        return cubin.takeError();
      images.insert(images.begin(), {ImageKind::Cubin, std::move(*cubin)});
    }
  }
  if (is_contained(kinds, ImageKind::PTX))
    images.push_back({ImageKind::PTX, std::move(*ptx)});
  return images;
}

} // namespace nncc::nvptx
