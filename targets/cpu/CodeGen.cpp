#include "targets/cpu/CodeGen.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "targets/cpu/FloatConversions.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Passes/PassBuilder.h"

using namespace llvm;

namespace nncc::cpu {

static void optimize(Module &module, TargetMachine &machine, unsigned level) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager graph;
  ModuleAnalysisManager modules;
  PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graph, modules);
  ModulePassManager passes;
  StringRef pipeline = level == 0
                           ? "function(early-cse)"
                           : "function(early-cse,instcombine<no-verify-fixpoint>,simplifycfg,"
                             "loop-mssa(licm),early-cse)";
  cantFail(builder.parsePassPipeline(passes, pipeline));
  passes.run(module, modules);
}

static Error emit(Module &module, TargetMachine &target, CodeGenFileType type,
                  raw_pwrite_stream &stream) {
  legacy::PassManager codegen;
  if (target.addPassesToEmitFile(codegen, stream, nullptr, type))
    return createStringError("no code can be written for " + module.getTargetTriple().str());
  codegen.run(module);
  return Error::success();
}

/// Text can be compiled by itself, and holds code for several processors: each function says which.
static void nameProcessor(Module &module, const TargetMachine &target) {
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", target.getTargetCPU());
    function.addFnAttr("target-features", target.getTargetFeatureString());
  }
}

Expected<SmallVector<char, 0>> generateCode(Module &module, const Machine &machine, CodeKind kind,
                                            unsigned optLevel) {
  std::unique_ptr<TargetMachine> target = machine.create();
  module.setTargetTriple(target->getTargetTriple());
  module.setDataLayout(target->createDataLayout());
  module.setPICLevel(PICLevel::BigPIC);
  // So that perf and debuggers can walk through a kernel.
  module.setUwtable(UWTableKind::Async);
  expandFloatConversions(module, *target);
  optimize(module, *target, optLevel);
  SmallVector<char, 0> output;
  raw_svector_ostream stream(output);
  if (kind == CodeKind::Bitcode) {
    nameProcessor(module, *target);
    WriteBitcodeToFile(module, stream);
  } else if (Error error = emit(module, *target, CodeGenFileType::ObjectFile, stream))
    return std::move(error);
  return output;
}

Expected<SmallVector<char, 0>> generateKernel(mlir::ModuleOp kernel, const std::string &symbol,
                                              const Machine &machine, CodeKind kind,
                                              unsigned optLevel) {
  LLVMContext context; // LLVM's data are not shared between threads
  std::string name = kernel.getSymName().value_or("").str();
  std::unique_ptr<Module> module = mlir::translateModuleToLLVMIR(kernel, context, symbol);
  if (!module)
    return createStringError("kernel " + name + " cannot be translated to LLVM IR");
  for (Function &function : *module) {
    if (function.isDeclaration())
      continue;
    if (function.getName() == name) {
      function.setName(symbol);
      function.setVisibility(GlobalValue::HiddenVisibility);
    } else {
      function.setLinkage(GlobalValue::InternalLinkage);
    }
  }
  return generateCode(*module, machine, kind, optLevel);
}

Error writeText(ArrayRef<SmallVector<char, 0>> bitcode, const Machine &machine, TextKind kind,
                raw_pwrite_stream &os) {
  LLVMContext context;
  std::unique_ptr<Module> whole;
  for (const SmallVector<char, 0> &part : bitcode) {
    auto module = parseBitcodeFile(MemoryBufferRef({part.data(), part.size()}, "kernel"), context);
    if (!module)
      return module.takeError();
    if (!whole)
      whole = std::move(*module);
    else if (Linker::linkModules(*whole, std::move(*module)))
      return createStringError("the kernels cannot be put into one module");
  }
  if (kind == TextKind::Assembly)
    return emit(*whole, *machine.create(), CodeGenFileType::AssemblyFile, os);
  whole->print(os, nullptr);
  return Error::success();
}

} // namespace nncc::cpu
