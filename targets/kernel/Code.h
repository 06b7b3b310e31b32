// From the LLVM IR of kernels to the code of a target: what is the same for all of them.
#pragma once

#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/Error.h"
#include "llvm/Target/TargetMachine.h"

namespace nncc {

/// Runs the passes that `pipeline` makes, which may ask for all of LLVM's analyses, and of which
/// `callbacks`, if any, leaves some out.
void optimize(llvm::Module &module, llvm::TargetMachine &machine,
              const llvm::PipelineTuningOptions &tuning,
              llvm::function_ref<llvm::ModulePassManager(llvm::PassBuilder &)> pipeline,
              llvm::PassInstrumentationCallbacks *callbacks = nullptr);

/// Writes an object file or text.
llvm::Error writeCode(llvm::Module &module, llvm::TargetMachine &machine,
                      llvm::CodeGenFileType type, llvm::raw_pwrite_stream &stream);

} // namespace nncc
