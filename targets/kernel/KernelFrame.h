// What all targets do with a kernel on tensors before and after they schedule its operations.
#pragma once

#include "targets/kernel/Places.h"

namespace nncc {

/// Takes a kernel `func.func @k(tensors) -> tensors` apart: its tensors get their memory, its sizes
/// values at the begin of the function.
class KernelFrame {
public:
  explicit KernelFrame(mlir::func::FuncOp function) : function(function), b(function.getContext()) {
    kernel.function = function;
  }

  /// Adds the arguments of the scheduled kernel behind the tensors and enters them, of which
  /// `kernel.call` is one, into `kernel`.
  using AddArguments = llvm::function_ref<void(mlir::Block &)>;
  /// Reports what cannot be a kernel, and single elements that cannot be read at its begin.
  mlir::LogicalResult open(AddArguments addArguments);

  /// The operations that compute: those that are a kernel by themselves, and all others.
  void findRoots(llvm::SmallVectorImpl<mlir::Operation *> &wholes,
                 llvm::SmallVectorImpl<mlir::Operation *> &others);

  /// Enters the places of all that `op` reads and writes into `kernel.places`.
  mlir::LogicalResult placeOperands(mlir::Operation *op);

  /// Drops all that is on tensors; the function returns `results`. What `kernel` knows of units and
  /// scratch becomes attributes.
  void close(mlir::ValueRange results);

  mlir::func::FuncOp function;
  mlir::OpBuilder b; // in front of the end of the kernel
  Kernel kernel;
  std::optional<Homes> homes; // once it is open

private:
  mlir::Block &body() { return function.front(); }
  mlir::LogicalResult checkTypes();
  mlir::LogicalResult generalize();
  void dropCasts();
  void bindBuffers();
  void resolveSymbols();
  mlir::LogicalResult resolveScalars();

  llvm::SmallVector<mlir::Value> arguments, results; // buffers
};

} // namespace nncc
