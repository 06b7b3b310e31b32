// Kernels of which some operations write where their data say, such as a scatter: loops that insert
// single elements.
#pragma once

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "targets/kernel/Emitter.h"
#include "targets/kernel/Nest.h"

namespace nncc {

/// Loops that carry tensors -> loops over memory.
class TensorLoops {
public:
  TensorLoops(Emitter &e, const Homes &homes) : e(e), homes(homes) {}

  /// Whether an operation of a kernel is for this class: a loop, or a single insertion.
  static bool isOne(mlir::Operation *op) {
    return mlir::isa<mlir::scf::ForOp, mlir::tensor::InsertOp>(op);
  }

  /// To be called first: the results of `op` begin as `copies` of what it updates.
  mlir::LogicalResult begin(mlir::Operation *op, std::vector<Nest> &copies);
  /// Emits `op`, or reports what in it has no such form.
  mlir::LogicalResult emit(mlir::Operation *op);

  /// Of `loop`, which is all of the operation or inside of it and steps by 1, the iterations first,
  /// first + step, ... alone are emitted.
  void share(mlir::scf::ForOp loop, mlir::Value first, int64_t step) {
    shared = loop, sharedFirst = first, sharedStep = step;
  }

  /// The base in whose memory a tensor is.
  unsigned baseOf(mlir::Value tensor) const { return homes.of(resolve(tensor)).base; }

private:
  void alias(mlir::Value tensor, mlir::Value of) { aliases[tensor] = resolve(of); }
  mlir::Value resolve(mlir::Value tensor) const;
  std::pair<mlir::Value, mlir::Value> address(mlir::Value tensor, mlir::ValueRange indices);
  void store(mlir::tensor::InsertOp op, mlir::Value into);
  mlir::LogicalResult emitInside(mlir::Operation *op);
  mlir::LogicalResult emitExtract(mlir::tensor::ExtractOp op);
  mlir::LogicalResult emitLoop(mlir::scf::ForOp op);

  Emitter &e;
  const Homes &homes;
  mlir::IRMapping scalars;
  llvm::DenseMap<mlir::Value, mlir::Value> aliases; // a tensor in the memory of another one
  mlir::scf::ForOp shared;
  mlir::Value sharedFirst;
  int64_t sharedStep = 1;
};

/// What a target does for a sequence.
struct SequenceParts {
  /// Flat memory for an intermediate.
  llvm::function_ref<mlir::Value(mlir::AffineExpr elements, mlir::Type element)> allocate;
  /// Computes nests; what comes later sees all that they write.
  llvm::function_ref<void(std::vector<Nest>)> computeNests;
  /// Emits `op` by `loops`, which have begun with it; the same.
  llvm::function_ref<mlir::LogicalResult(TensorLoops &loops, mlir::Operation *op)> computeLoops;
};

/// All operations one after the other, with whole tensors between them. Reports what it does not
/// know.
mlir::LogicalResult emitSequence(Emitter &e, llvm::ArrayRef<mlir::Operation *> ops, Homes &homes,
                                 const SequenceParts &parts);

} // namespace nncc
