// The region of kern.contract and kern.window, which computes one element, on vectors.
#pragma once

#include "targets/kernel/Emitter.h"
#include "targets/kernel/Kernel.h"

namespace nncc {

/// What the terminator of `body` takes, for `arguments` in place of the body's own, which are of
/// one element each: vectors of one length, or all scalars. The operations work on elements.
llvm::SmallVector<mlir::Value> evaluateOnVectors(Emitter &e, mlir::Block &body,
                                                 mlir::ValueRange arguments);

class Epilogue {
public:
  /// Where an extra has the value for an element of init: buffer[offset + sum of strides[d] * i[d]]
  /// over the dims of init; a stride of 0 where the extra is broadcast.
  struct Extra {
    mlir::Value buffer; // null while the kernel has no places
    mlir::Type element;
    mlir::AffineExpr offset;
    Shape strides;
  };

  /// Of a kern.contract or kern.window whose extras have places in `kernel`; without a kernel they
  /// are taken to be dense. Reports what has no form on vectors.
  static llvm::FailureOr<Epilogue> of(mlir::Operation *op, const Kernel *kernel);

  llvm::ArrayRef<Extra> getExtras() const { return extras; }

  /// Functions like exp and erf take hundreds of bytes of code: better looped over elements that
  /// are stored already than inlined for each register of a tile.
  bool isHeavy() const { return heavy; }

  /// No operation: the sum is the element.
  bool isIdentity() const;

  /// The elements of init from their sums and one value per extra: vectors of one length, or all
  /// scalars.
  mlir::Value apply(Emitter &e, mlir::Value sums, mlir::ValueRange extras) const;

private:
  mlir::Block *body = nullptr;
  llvm::SmallVector<Extra> extras;
  bool heavy = false;
};

} // namespace nncc
