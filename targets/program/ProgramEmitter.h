// The program and the descriptor of a compiled model, as LLVM IR.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "targets/cpu/Machine.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Module.h"

namespace nncc {

/// The kernels of a program on a device: see nncc_image.
struct ProgramImage {
  int32_t kind, capability;
  bool isExact;
  llvm::SmallVector<char, 0> data;
};

/// What the descriptor says besides what the IR knows.
struct ProgramInfo {
  /// The symbol of a part of the program; of a kernel, the begin of it: see KernelNames.h.
  std::string symbol(llvm::StringRef part) const;

  std::string name; // of the model: its symbol is nncc_model_<name>
  /// Of a library with code for several machines: the one that this code is for, in symbols.
  std::string level;
  /// And of all of them, from the best to the least: of the program that has the table of them.
  std::vector<std::string> levels;
  std::string device; // that runs the kernels: "sm_90a"; empty: the processor does
  std::vector<ProgramImage> images;
  std::string compiler;    // name and version
  std::string weightsFile; // empty: embedded, as the symbol `weightsSymbol`
  std::string weightsSymbol;
  uint64_t weightsSize = 0, weightsHash = 0;
};

/// `module` is what stage "target" promises: a function of rt.run, kernels in the LLVM dialect.
llvm::Expected<std::unique_ptr<llvm::Module>> emitProgram(mlir::ModuleOp module,
                                                          const ProgramInfo &info,
                                                          const cpu::Machine &machine,
                                                          llvm::LLVMContext &context);

} // namespace nncc
