#include "targets/kernel/Code.h"

#include "llvm/IR/LegacyPassManager.h"

using namespace llvm;

void nncc::optimize(Module &module, TargetMachine &machine, const PipelineTuningOptions &tuning,
                    function_ref<ModulePassManager(PassBuilder &)> pipeline,
                    PassInstrumentationCallbacks *callbacks) {
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager graph;
  ModuleAnalysisManager modules;
  PassBuilder builder(&machine, tuning, std::nullopt, callbacks);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graph, modules);
  pipeline(builder).run(module, modules);
}

Error nncc::writeCode(Module &module, TargetMachine &machine, CodeGenFileType type,
                      raw_pwrite_stream &stream) {
  legacy::PassManager codegen;
  if (machine.addPassesToEmitFile(codegen, stream, nullptr, type))
    return createStringError("no code can be written for " + module.getTargetTriple().str());
  codegen.run(module);
  return Error::success();
}
