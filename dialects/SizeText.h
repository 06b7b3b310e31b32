// Sizes as people write them.
#pragma once

#include "dialects/Sizes.h"

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

/// One more symbol of a function, without a name: its number.
unsigned addSymbol(mlir::Operation *function);

} // namespace nncc
