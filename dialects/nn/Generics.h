// What the lowerings of ops that are not elementwise share: linalg.generic, spelled shortly. All
// tensors are in storage types. Sizes are constants, or expressions over the symbols of the kernel.
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

struct IndexMath;

/// Builds generics one after the other.
class Generics {
public:
  /// The value of one element, from what `reads` give; may ask linalg.index for its place.
  using Body = llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location, mlir::ValueRange)>;

  Generics(mlir::OpBuilder &b, mlir::Location loc) : b(b), loc(loc) {}

  /// result[i] = body(reads at i), with one parallel loop per dim of the result.
  mlir::Value map(llvm::ArrayRef<mlir::AffineExpr> shape, mlir::Type element,
                  llvm::ArrayRef<Read> reads, Body body);

  /// result[i without axes] = body(reads at i, result so far), starting at `init`: all of `loops`
  /// in their order, those of `axes` as reductions.
  mlir::Value reduce(llvm::ArrayRef<mlir::AffineExpr> loops, llvm::ArrayRef<int64_t> axes,
                     mlir::Value init, llvm::ArrayRef<Read> reads, Body body);

  /// The same elements in the same order under another shape. No code.
  mlir::Value reshape(mlir::Value tensor, llvm::ArrayRef<mlir::AffineExpr> shape);

  /// The operand read through `index`, which tells the place in it for each place in the result.
  /// `exists`: see IndexMath::extract.
  using Index = llvm::function_ref<mlir::Value(const IndexMath &, int64_t dim, mlir::Value place)>;
  mlir::Value moveByIndex(mlir::Value operand, llvm::ArrayRef<mlir::AffineExpr> shape,
                          mlir::Value exists, Index index);
  /// The operand with the dims of `target`'s last ones where only a run knows whether they are
  /// repeated (see broadcastsAlike), and as it is else.
  mlir::Value repeat(mlir::Value operand, llvm::ArrayRef<mlir::AffineExpr> target);
  /// A tensor of these integers.
  mlir::Value integers(mlir::RankedTensorType type, llvm::ArrayRef<mlir::AffineExpr> elements);
  /// A tensor to be overwritten.
  mlir::Value empty(llvm::ArrayRef<mlir::AffineExpr> shape, mlir::Type element);
  /// The value of a size.
  mlir::Value size(mlir::AffineExpr expression);
  /// A size for tensor ops and the bodies of generics: a constant, or the value of it, made here.
  mlir::OpFoldResult bound(mlir::AffineExpr expression);
  llvm::SmallVector<mlir::OpFoldResult> bounds(llvm::ArrayRef<mlir::AffineExpr> expressions);
  /// Whether all sizes are above 0, as i1; null where they are constants.
  mlir::Value hasElements(llvm::ArrayRef<mlir::AffineExpr> sizes);

  mlir::AffineMap identity(int64_t loops) const { return b.getMultiDimIdentityMap(loops); }
  /// (d0..dn) -> those that are not in `axes`.
  mlir::AffineMap without(int64_t loops, llvm::ArrayRef<int64_t> axes) const;
  /// (d0..dn) -> the dims of `dims`.
  mlir::AffineMap select(int64_t loops, llvm::ArrayRef<int64_t> dims) const;

  mlir::OpBuilder &b;
  mlir::Location loc;
};

/// Arithmetic on indices, in the body of a generic. Sizes are those of Generics::bound().
struct IndexMath {
  mlir::OpBuilder &b;
  mlir::Location loc;

  mlir::Value constant(int64_t value) const;
  mlir::Value value(mlir::OpFoldResult size) const;
  mlir::Value loop(int64_t dim) const;
  mlir::Value add(mlir::Value x, int64_t y) const;
  mlir::Value add(mlir::Value x, mlir::OpFoldResult y) const;
  mlir::Value mul(mlir::Value x, int64_t y) const;
  mlir::Value mul(mlir::Value x, mlir::OpFoldResult y) const;
  mlir::Value sub(mlir::Value x, mlir::Value y) const;
  /// The last index of a dim.
  mlir::Value last(mlir::OpFoldResult size) const;
  /// The nearest index in [0, size); 0 where there is none.
  mlir::Value clamp(mlir::Value x, mlir::OpFoldResult size) const;
  /// An element of an index tensor, counted from the back where negative, inside of [0, size).
  mlir::Value wrap(mlir::Value index, mlir::OpFoldResult size) const;
  /// 0 <= x < size, as i1.
  mlir::Value inside(mlir::Value x, mlir::OpFoldResult size) const;
  /// A size as a float.
  mlir::Value toFloat(mlir::OpFoldResult size, mlir::Type type) const;
  /// The element at these indices; 0 where `exists`, of Generics::hasElements(), is false.
  mlir::Value extract(mlir::Value tensor, mlir::ValueRange indices, mlir::Value exists) const;
};

/// The constant that a size of Generics::bound() is, if it is one.
std::optional<int64_t> knownSize(mlir::OpFoldResult size);

/// A valid axis, counted from the front.
inline int64_t fromFront(int64_t axis, int64_t rank) { return axis < 0 ? axis + rank : axis; }

llvm::SmallVector<Fact> factsOf(mlir::ValueRange values);

/// The tensor of `op` as the op's one result, in its nn type.
llvm::SmallVector<mlir::Value> asResult(mlir::OpBuilder &b, mlir::Operation *op,
                                        mlir::Value tensor);

} // namespace nncc::nn
