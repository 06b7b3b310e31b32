// What operators take as integers (axes, limits, sizes) where only a run knows them.
#pragma once

#include "compiler/import/Compose.h"

namespace nncc {

/// Formulas of nn ops on small tensors of int64, whose results OpBinder::sizesOf() makes sizes.
struct Parameters {
  OpBinder &b;
  Compose f{b};

  /// The operand as int64 [n]; a scalar as [1].
  mlir::Value wide(mlir::Value value) const;
  mlir::Value count(int64_t n) const;           // 0, 1, ... n - 1
  mlir::Value places(mlir::AffineExpr n) const; // the same
  mlir::Value less(mlir::Value x, mlir::Value y) const;
  mlir::Value equal(mlir::Value x, mlir::Value y) const;
  mlir::Value min(mlir::Value x, mlir::Value y) const { return b.create<nn::MinOp>({x, y}); }
  mlir::Value max(mlir::Value x, mlir::Value y) const { return b.create<nn::MaxOp>({x, y}); }
  mlir::Value both(mlir::Value x, mlir::Value y) const { return b.create<nn::AndOp>({x, y}); }
  mlir::Value flip(mlir::Value x) const { return f.unary<nn::NotOp>(x); }
  mlir::Value toInteger(mlir::Value holds) const {
    return b.cast(holds, b.getBuilder().getI64Type());
  }
  mlir::Value sum(mlir::Value x, int64_t axis) const {
    return f.reduce(nn::ReduceKind::Sum, x, {axis}, /*keepdims=*/false);
  }
  mlir::Value gather(mlir::Value x, mlir::Value indices, int64_t axis = 0) const;
  mlir::Value scatter(mlir::Value data, mlir::Value indices, mlir::Value updates,
                      nn::ScatterKind kind) const;
  mlir::AffineExpr number(int64_t value) const {
    return b.getBuilder().getAffineConstantExpr(value);
  }
  mlir::Value zeros(mlir::AffineExpr count) const; // [count]
  mlir::Value flat(mlir::Value x) const;           // [all elements]
  /// For each element of `x` [n] the sum of those before it.
  mlir::Value sumBefore(mlir::Value x) const;

  /// Ends the run with `text` unless all elements of a tensor of bools hold.
  void require(mlir::Value holds, const llvm::Twine &text) const;
  /// Axes [k] counted from the front; a run ends where one is outside of [-rank, rank), or there
  /// twice.
  mlir::Value axes(mlir::Value axes, int64_t rank) const;
  /// Whether each of `rank` dims is one of `axes`, as bools.
  mlir::Value isListed(mlir::Value axes, int64_t rank) const;
  /// values[i] at place axes[i] of `rank` elements, `otherwise` elsewhere.
  mlir::Value spread(mlir::Value values, mlir::Value axes, int64_t rank,
                     mlir::Value otherwise) const;
  /// The `count` elements of `values` [n] where `keeps` [n] holds, one after the other.
  mlir::Value compact(mlir::Value values, mlir::Value keeps, int64_t count) const;
};

} // namespace nncc
