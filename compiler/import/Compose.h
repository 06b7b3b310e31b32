// Formulas of nn ops, for operators that other ones define.
#pragma once

#include "compiler/import/OpBinder.h"

namespace nncc {

/// Shorthand for ops of nn. Numbers become constants of the other operand's element type.
struct Compose {
  OpBinder &b;

  template <typename Op> mlir::Value unary(mlir::Value x) const { return b.create<Op>({x}); }
  mlir::Value number(mlir::Value like, double value) const {
    return like ? b.scalar(b.typeOf(like).getElementType(), value) : like;
  }
  /// A constant; each value is rounded to the nearest one of the float type.
  mlir::Value floats(llvm::ArrayRef<int64_t> shape, mlir::Type element,
                     llvm::ArrayRef<double> values) const;
  mlir::Value add(mlir::Value x, mlir::Value y) const { return b.create<nn::AddOp>({x, y}); }
  mlir::Value sub(mlir::Value x, mlir::Value y) const { return b.create<nn::SubOp>({x, y}); }
  mlir::Value mul(mlir::Value x, mlir::Value y) const { return b.create<nn::MulOp>({x, y}); }
  mlir::Value div(mlir::Value x, mlir::Value y) const { return b.create<nn::DivOp>({x, y}); }
  mlir::Value pow(mlir::Value x, mlir::Value y) const { return b.create<nn::PowOp>({x, y}); }
  mlir::Value add(mlir::Value x, double y) const { return y == 0 ? x : add(x, number(x, y)); }
  mlir::Value mul(mlir::Value x, double y) const { return y == 1 ? x : mul(x, number(x, y)); }

  mlir::Value compare(nn::CompareKind kind, mlir::Value x, mlir::Value y) const;
  mlir::Value where(mlir::Value condition, mlir::Value x, mlir::Value y) const {
    return b.create<nn::WhereOp>({condition, x, y});
  }
  mlir::Value transpose(mlir::Value x, llvm::ArrayRef<int64_t> perm) const;
  mlir::Value concat(mlir::ValueRange values, int64_t axis) const;
  mlir::Value slice(mlir::Value x, int64_t axis, int64_t start, int64_t end) const;
  mlir::Value slice(mlir::Value x, int64_t axis, int64_t start, mlir::AffineExpr end) const;
  /// Parts of an axis, one behind the other. Sizes that are not known may be computed by the run.
  llvm::SmallVector<mlir::Value> split(mlir::Value x, int64_t axis,
                                       llvm::ArrayRef<mlir::AffineExpr> parts, bool isKnown) const;
  /// Zeros behind the elements of an axis, or a part of them, so that there are `size`.
  mlir::Value resize(mlir::Value x, int64_t axis, int64_t size) const;
  mlir::Value reduce(nn::ReduceKind kind, mlir::Value x, llvm::ArrayRef<int64_t> axes,
                     bool keepdims) const;
  /// [dims before `axis` as one, dims from `axis` on as one]
  mlir::Value flatten(mlir::Value x, int64_t axis) const;
  /// `x` moved so that its one dim stands at `axis` of a tensor of `rank` dims.
  mlir::Value along(mlir::Value x, int64_t axis, int64_t rank) const;
};

} // namespace nncc
