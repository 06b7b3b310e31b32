// Reading and making constants of the graph.
#pragma once

#include "dialects/nn/NN.h"

namespace nncc {

/// The elements of a float constant of at most `most` elements, in row-major order.
std::optional<llvm::SmallVector<double>> readFloats(mlir::Value value, int64_t most = 1 << 16);

/// The elements of an integer constant of at most `most` elements, in row-major order.
std::optional<llvm::SmallVector<int64_t>> readIntegers(mlir::Value value, int64_t most = 1 << 16);

/// The bytes of a constant of 8-bit integers, in row-major order; one byte where all are the same.
std::optional<llvm::ArrayRef<char>> readBytes(mlir::Value value);

/// A constant of `type` with these elements, each rounded to nearest even.
mlir::Value makeFloats(mlir::OpBuilder &b, mlir::Location loc, mlir::RankedTensorType type,
                       llvm::ArrayRef<double> elements);

/// A constant of rank 0.
mlir::Value makeScalar(mlir::OpBuilder &b, mlir::Location loc, mlir::Type element, double scalar);

/// A constant vector of i64.
mlir::Value makeIntegers(mlir::OpBuilder &b, mlir::Location loc, llvm::ArrayRef<int64_t> elements);

bool isConstant(mlir::Value value);

/// Whether `value` is one, or becomes one when constants are evaluated: what a few operations make
/// of constants alone.
bool isComputedOfConstants(mlir::Value value);

/// The bytes that a tensor takes; a size that is not known counts as 64.
int64_t estimateBytes(mlir::Value value);

} // namespace nncc
