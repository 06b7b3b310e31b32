// Sequences and optionals of a model whose lengths, and presence, are known when it is compiled:
// they are gone when it is imported. Until then one value stands for a list of them.
#pragma once

#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"

namespace nncc {

/// A value of a tuple type that stands for the elements.
mlir::Value makeSequence(mlir::OpBuilder &b, mlir::Location loc, mlir::ValueRange elements);
bool isSequence(mlir::Value value);
/// Of a value that makeSequence() gave.
mlir::ValueRange elementsOf(mlir::Value sequence);

/// An optional that is empty. One that is not is the value in it.
mlir::Value makeNone(mlir::OpBuilder &b, mlir::Location loc);
bool isNone(mlir::Value value);

} // namespace nncc
