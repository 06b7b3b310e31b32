// A kernel while it is scheduled: tensors have become places in flat buffers.
#pragma once

#include "dialects/kern/Kern.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "targets/kernel/KernelSizes.h"

namespace nncc {

/// Where a tensor lives: element i is buffer[offset + sum over d of strides[d] * i[d]], in
/// elements. Broadcast dims and the rows of scratch have stride 0. Views (transpose, reshape,
/// slice) of a place are places: they cost nothing. Offsets and strides are constants, or
/// expressions over the kernel's symbols.
struct Place {
  mlir::Value buffer; // memref<NxT>
  mlir::AffineExpr offset;
  llvm::SmallVector<mlir::AffineExpr> strides;
};

/// An offset or stride that an emitter takes as a constant.
inline int64_t fixed(mlir::AffineExpr expression) {
  return mlir::cast<mlir::AffineConstantExpr>(expression).getValue();
}
inline llvm::SmallVector<int64_t> fixed(llvm::ArrayRef<mlir::AffineExpr> expressions) {
  return llvm::map_to_vector(expressions, [](mlir::AffineExpr e) { return fixed(e); });
}

/// The strides of a dense tensor, row-major.
Shape denseStrides(llvm::ArrayRef<mlir::AffineExpr> sizes, mlir::MLIRContext *context);
Shape denseStrides(mlir::RankedTensorType type);

/// A kernel `func.func @k(tensors) -> tensors` on its way to
/// `func.func @k(%call: !llvm.ptr, %begin: index, %end: index, %worker: i32) -> i32`.
struct Kernel {
  mlir::func::FuncOp function;
  mlir::Value call, begin, end, worker;
  llvm::DenseMap<mlir::Value, Place> places; // of every tensor that an emitter reads or writes
  KernelSizes sizes;
  mlir::AffineExpr units;     // set by the emitter: iterations of the parallel loop
  mlir::AffineExpr scratch;   // bytes of a worker's scratch used so far; see allocateScratch
  mlir::AffineExpr workspace; // bytes that all units share, null: none; see allocateWorkspace
  int64_t l1Bytes = 48 << 10; // the L1 data cache
  bool byteWindows = false;   // whether the machine has the instructions of ByteWindow
  int64_t team = 1; // set by the emitter: the most workers that compute all units together

  void setUnits(int64_t count) {
    units = mlir::getAffineConstantExpr(count, function->getContext());
  }

  const Place &place(mlir::Value tensor) const { return places.find(tensor)->second; }

  /// A flat buffer in a worker's scratch, 64-byte aligned, with 64 spare bytes at its end. `owner`:
  /// the worker whose scratch it is in, this one where null.
  mlir::Value allocateScratch(mlir::OpBuilder &b, mlir::Location loc, mlir::AffineExpr elements,
                              mlir::Type element, mlir::Value owner = {});
  mlir::Value allocateScratch(mlir::OpBuilder &b, mlir::Location loc, int64_t elements,
                              mlir::Type element, mlir::Value owner = {}) {
    return allocateScratch(b, loc, b.getAffineConstantExpr(elements), element, owner);
  }

  /// Flat memory, once in a kernel, that one launch of it hands to the next: the buffer behind
  /// those of its tensors.
  mlir::Value allocateWorkspace(mlir::OpBuilder &b, mlir::Location loc, mlir::AffineExpr elements,
                                mlir::Type element);
};

} // namespace nncc
