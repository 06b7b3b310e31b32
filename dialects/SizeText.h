// Sizes as people write them.
#pragma once

#include "dialects/Sizes.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

namespace nncc {

struct SizeText {
  std::string text;    // "2*batch + 1"; "?" for what has no name
  bool isNamed = true; // whether the size is over symbols with names alone
};

/// `names`: of the symbols, empty where a symbol has none.
SizeText textOf(mlir::AffineExpr size, llvm::ArrayRef<std::string> names);

/// "[batch, 2*seq, 768]"
std::string textOf(llvm::ArrayRef<mlir::AffineExpr> shape, llvm::ArrayRef<std::string> names);

/// The names of a function's symbols, its attribute `nn.dims`; none where it has no such attribute.
llvm::SmallVector<std::string> symbolNames(mlir::Operation *function);

/// How many symbols, the first ones, the sizes of its arguments give a value: others a run
/// computes.
unsigned givenSymbols(mlir::FunctionOpInterface function);

/// One more symbol of a function, without a name: its number.
unsigned addSymbol(mlir::Operation *function);
/// Arguments and results whose elements have less than a byte are bytes in the program
/// (nncc-pack-borders); this attribute of theirs tells the type that the model has.
inline constexpr llvm::StringLiteral declaredTypeAttr = "nn.type";
/// The types of a program's arguments as its model has them.
llvm::SmallVector<mlir::RankedTensorType> argumentTypes(mlir::FunctionOpInterface function);

} // namespace nncc
