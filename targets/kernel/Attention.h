// What a kern.attention computes, and where its tensors are.
#pragma once

#include "targets/kernel/Emitter.h"
#include "targets/kernel/Kernel.h"

namespace nncc {

/// The sizes of batch, queries and keys may be open; depth, width and heads are constant.
struct Attention {
  /// A tensor [N, heads, rows, columns], and where the current head begins in it.
  struct Operand {
    mlir::Value buffer, at;
    mlir::AffineExpr offset;
    Shape strides;

    mlir::Type element() const {
      return mlir::cast<mlir::MemRefType>(buffer.getType()).getElementType();
    }
    int64_t elementBytes() const { return element().getIntOrFloatBitWidth() / 8; }
  };

  /// Reports what cannot be scheduled.
  static llvm::FailureOr<Attention> of(kern::AttentionOp op, const Kernel &kernel);

  /// There is no result.
  bool isEmpty();
  /// Of queries, keys, values and the result: f32, f16 or bf16.

  /// Sets where all operands have `head`, of queries, of image `batch`.
  void enterHead(Emitter &e, mlir::Value batch, mlir::Value head);

  kern::AttentionOp op;
  Operand query, key, value, mask, init; // mask: without a buffer where there is none
  mlir::AffineExpr batches, length, keyCount;
  int64_t heads, groups, depth, width;
};

} // namespace nncc
