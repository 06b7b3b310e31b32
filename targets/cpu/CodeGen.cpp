#include "targets/cpu/CodeGen.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LegacyPassManager.h"
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
  StringRef pipeline = level == 0 ? "function(early-cse)"
                                  : "function(early-cse,instcombine<no-verify-fixpoint>,simplifycfg,"
                                    "loop-mssa(licm),early-cse)";
  cantFail(builder.parsePassPipeline(passes, pipeline));
  passes.run(module, modules);
}

Expected<SmallVector<char, 0>> generateCode(Module &module, const Machine &machine, CodeKind kind,
                                            unsigned optLevel) {
  std::unique_ptr<TargetMachine> target = machine.create();
  module.setTargetTriple(target->getTargetTriple());
  module.setDataLayout(target->createDataLayout());
  module.setPICLevel(PICLevel::BigPIC);
  // So that perf and debuggers can walk through a kernel.
  module.setUwtable(UWTableKind::Async);
  optimize(module, *target, optLevel);
  SmallVector<char, 0> output;
  raw_svector_ostream stream(output);
  if (kind == CodeKind::IR) {
    module.print(stream, nullptr);
    return output;
  }
  legacy::PassManager codegen;
  CodeGenFileType type =
      kind == CodeKind::Object ? CodeGenFileType::ObjectFile : CodeGenFileType::AssemblyFile;
  if (target->addPassesToEmitFile(codegen, stream, nullptr, type))
    return createStringError("the target " + machine.triple + " writes no object files");
  codegen.run(module);
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

} // namespace nncc::cpu
