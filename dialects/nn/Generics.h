// What the lowerings of ops that are not elementwise share: linalg.generic, spelled shortly. All
// tensors are in storage types and of static shapes.
#pragma once

#include "dialects/nn/NN.h"

namespace nncc::nn {

/// A tensor that a generic reads, and where: a map from its loops.
struct Read {
  mlir::Value tensor;
  mlir::AffineMap map;
};

/// What a scalar is computed in: f32 for narrower floats, else its own type.
mlir::Type computeType(mlir::Type element);

/// The scalar in its compute type, and back in `type`.
mlir::Value widen(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);
mlir::Value narrow(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Type type);

/// The scalar constant `value` of a float or integer type.
mlir::Value scalar(mlir::OpBuilder &b, mlir::Location loc, mlir::Type type, double value);

/// Builds generics one after the other.
class Generics {
public:
  /// The value of one element, from what `reads` give; may ask linalg.index for its place.
  using Body = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;

  Generics(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  /// result[i] = body(reads at i), with one parallel loop per dim of the result.
  mlir::Value map(llvm::ArrayRef<int64_t> shape, mlir::Type element, llvm::ArrayRef<Read> reads,
                  Body body);

  /// result[i without axes] = body(reads at i, result so far), starting at `init`: all of `loops`
  /// in their order, those of `axes` as reductions.
  mlir::Value reduce(llvm::ArrayRef<int64_t> loops, llvm::ArrayRef<int64_t> axes, mlir::Value init,
                     llvm::ArrayRef<Read> reads, Body body);

  /// The same elements in the same order under another shape. No code.
  mlir::Value reshape(mlir::Value tensor, llvm::ArrayRef<int64_t> shape);

  mlir::AffineMap identity(int64_t loops) const { return b.getMultiDimIdentityMap(loops); }
  /// (d0..dn) -> those that are not in `axes`.
  mlir::AffineMap without(int64_t loops, llvm::ArrayRef<int64_t> axes) const;
  /// (d0..dn) -> the dims of `dims`.
  mlir::AffineMap select(int64_t loops, llvm::ArrayRef<int64_t> dims) const;

  mlir::OpBuilder &b;
  mlir::Location loc;
};

/// Arithmetic on indices, in the body of a generic.
struct IndexMath {
  mlir::OpBuilder &b;
  mlir::Location loc;

  mlir::Value constant(int64_t value) const;
  mlir::Value loop(int64_t dim) const;
  mlir::Value add(mlir::Value x, int64_t y) const;
  mlir::Value add(mlir::Value x, mlir::Value y) const;
  mlir::Value mul(mlir::Value x, int64_t y) const;
  mlir::Value clamp(mlir::Value x, int64_t low, int64_t high) const;
  /// An element of an index tensor, counted from the back where negative, inside of [0, size).
  mlir::Value wrap(mlir::Value index, int64_t size) const;
  /// low <= x < high, as i1.
  mlir::Value inside(mlir::Value x, int64_t low, int64_t high) const;
};

/// A valid axis, counted from the front.
inline int64_t fromFront(int64_t axis, int64_t rank) { return axis < 0 ? axis + rank : axis; }

/// Reports an op whose sizes are not all known.
llvm::LogicalResult expectStatic(mlir::Operation *op);

llvm::SmallVector<Fact> factsOf(mlir::ValueRange values);

/// The tensor of `op` as the op's one result, in its nn type.
llvm::SmallVector<mlir::Value> asResult(mlir::OpBuilder &b, mlir::Operation *op,
                                        mlir::Value tensor);

} // namespace nncc::nn
