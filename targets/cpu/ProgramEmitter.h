// The program and the descriptor of a compiled model, as LLVM IR.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "targets/cpu/Machine.h"
#include "llvm/IR/Module.h"

namespace nncc::cpu {

/// What the descriptor says besides what the IR knows.
struct ProgramInfo {
  std::string name;        // of the model: its symbol is nncc_model_<name>
  std::string compiler;    // name and version
  std::string weightsFile; // empty: embedded, as the symbol `weightsSymbol`
  std::string weightsSymbol;
  uint64_t weightsSize = 0, weightsHash = 0;
};

/// The symbol of kernel `kernel` of model `model`.
std::string kernelSymbol(llvm::StringRef model, llvm::StringRef kernel);

/// `module` is what stage "target" promises: a function of rt.run, kernels in the LLVM dialect.
llvm::Expected<std::unique_ptr<llvm::Module>> emitProgram(mlir::ModuleOp module,
                                                          const ProgramInfo &info,
                                                          const Machine &machine,
                                                          llvm::LLVMContext &context);

} // namespace nncc::cpu
