// Index expressions: of dims (loops) and, where sizes are known at run time only, of symbols.
#pragma once

#include "dialects/Sizes.h"

namespace nncc {

/// Indices into a row-major shape of the element that has the flat index `index`.
llvm::SmallVector<mlir::AffineExpr> delinearize(mlir::AffineExpr index,
                                                llvm::ArrayRef<mlir::AffineExpr> shape);
/// The flat index of an element of a row-major shape.
mlir::AffineExpr linearize(llvm::ArrayRef<mlir::AffineExpr> indices,
                           llvm::ArrayRef<mlir::AffineExpr> shape, mlir::MLIRContext *context);

/// The expression in a normal form: products, floor divisions and remainders that cancel out do.
mlir::AffineExpr simplified(mlir::AffineExpr expression);

/// The same where dim d runs from 0 to sizes[d]: floor divisions and remainders that do nothing
/// there are gone too.
mlir::AffineExpr simplifiedInRange(mlir::AffineExpr expression,
                                   llvm::ArrayRef<mlir::AffineExpr> sizes);

/// A sum of multiples of dims. The constant and the factors have no dims; in normal form, so that
/// equal ones are identical.
struct Linear {
  mlir::AffineExpr constant;
  llvm::SmallVector<mlir::AffineExpr> factors;
};
/// The expression as such a sum over `rank` dims, where it is one.
std::optional<Linear> linearOf(mlir::AffineExpr expression, unsigned rank);

inline bool isZero(mlir::AffineExpr expression) { return constantOf(expression) == 0; }
inline bool isOne(mlir::AffineExpr expression) { return constantOf(expression) == 1; }

} // namespace nncc
