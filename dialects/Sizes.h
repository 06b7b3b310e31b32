// Sizes of tensors that are known when the program runs: expressions over its symbols.
//
// A symbol is a size that the caller chooses (a named dim of an input) or that a run computes. In
// types, sizes are `?` and the encoding tells them apart:
//
//   tensor<?x?x768xf32, affine_map<()[s0, s1] -> (s0, s1 * 2 + 1, 768)>>
//
// Symbols are those of the function around: in the program they are numbered by its attribute
// `nn.dims`, in a kernel by the operands `dims` of its dispatches.
#pragma once

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace nncc {

/// Constants where sizes are static, else expressions over symbols, in normal form.
using Shape = llvm::SmallVector<mlir::AffineExpr>;

std::optional<int64_t> constantOf(mlir::AffineExpr expression);

/// The number of parts that the expression is made of.
int64_t length(mlir::AffineExpr expression);

/// The one form of all expressions that are equal as polynomials: a sum of products, in a fixed
/// order. Quotients and remainders give up the multiples of their divisor. Dims are allowed.
mlir::AffineExpr normalForm(mlir::AffineExpr expression);

/// dividend / divisor where that leaves no remainder for any symbols; else null.
mlir::AffineExpr exactQuotient(mlir::AffineExpr dividend, mlir::AffineExpr divisor);

/// Whether lhs < rhs for all symbols of 1 or more. False where that cannot be told.
bool isAlwaysLess(mlir::AffineExpr lhs, mlir::AffineExpr rhs);

/// Whether the expression is 0 or more for all symbols of `least` or more. False where that cannot
/// be told.
bool isNeverNegative(mlir::AffineExpr expression, int64_t least = 0);

// The choices that arithmetic on shapes makes, as expressions: 1 stands for true. A test on symbols
// is the sign of a difference, -(difference floordiv 2^40), which holds for differences of less
// than 2^40: sizes are.
mlir::AffineExpr isLess(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
mlir::AffineExpr isEqual(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
/// `condition` is 0 or 1.
mlir::AffineExpr select(mlir::AffineExpr condition, mlir::AffineExpr ifTrue,
                        mlir::AffineExpr ifFalse);
/// Whether the expression is made of such choices, or of broadcasts (BroadcastSizes.h).
bool hasChoice(mlir::AffineExpr expression);
mlir::AffineExpr minimum(mlir::AffineExpr lhs, mlir::AffineExpr rhs);
mlir::AffineExpr maximum(mlir::AffineExpr lhs, mlir::AffineExpr rhs);

/// Whether two sizes are over the same symbols, one or more. Such sizes broadcast only if they are
/// equal: that one of them happens to be 1 for some symbols is not what a model means.
bool areOfSameSymbols(mlir::AffineExpr lhs, mlir::AffineExpr rhs);

/// What decisions take an unknown size for: its value if every symbol were `nominalSymbol`.
/// Divisors of 0 give 0.
constexpr int64_t nominalSymbol = 64;
int64_t nominal(mlir::AffineExpr expression);

/// The sizes of a tensor. Those of a type without an encoding are symbols by the number of the dim.
Shape shapeOf(mlir::RankedTensorType type);
inline Shape shapeOf(mlir::Value tensor) {
  return shapeOf(llvm::cast<mlir::RankedTensorType>(tensor.getType()));
}
Shape makeShape(llvm::ArrayRef<int64_t> sizes, mlir::MLIRContext *context);

/// The type of a tensor of these sizes; of a static one without an encoding.
mlir::RankedTensorType tensorOf(llvm::ArrayRef<mlir::AffineExpr> shape, mlir::Type element);

/// Sizes, or other numbers over symbols, as a map.
mlir::AffineMap sizeMap(llvm::ArrayRef<mlir::AffineExpr> sizes, mlir::MLIRContext *context);

/// A size as an attribute: i64, or an affine map of one result.
mlir::Attribute sizeAttr(mlir::AffineExpr size);
/// The size of such an attribute; null where it is none.
mlir::AffineExpr sizeOf(mlir::Attribute attribute);

/// The product of the sizes.
mlir::AffineExpr elementCount(llvm::ArrayRef<mlir::AffineExpr> shape, mlir::MLIRContext *context);

/// The number of symbols that are used, counted from 0: the greatest number plus one.
unsigned symbolCount(llvm::ArrayRef<mlir::AffineExpr> expressions);

/// The value as arithmetic on indices; `symbol` gives the value of a symbol.
mlir::Value buildSize(mlir::OpBuilder &b, mlir::Location loc, mlir::AffineExpr expression,
                      llvm::function_ref<mlir::Value(unsigned)> symbol);

} // namespace nncc
