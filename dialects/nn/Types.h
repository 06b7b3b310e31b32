// From the types of ONNX to what a kernel stores and computes in.
#pragma once

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace nncc::nn {

/// Whether a kernel stores the element as a code of bits, one per byte, and decodes it to compute:
/// floats of less than 16 bits, integers of 2 to 7.
bool isCode(mlir::Type element);

/// The type that a kernel stores: integers lose their sign, codes take a byte each (the unused bits
/// are 0), complex numbers are integers of their size, which are only ever moved.
mlir::Type storageType(mlir::Type element);

/// Bytes of one element between kernels.
int64_t storedBytes(mlir::Type element);

/// A tensor of nn element type as a tensor of storage type, and back. No code.
mlir::Value toStorage(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor);
mlir::Value fromStorage(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor,
                        mlir::Type element);

/// The type of sums of products of elements of the types `lhs` and `rhs`: their own, or i32 for ui8
/// and i8. Null: there are no such products.
mlir::Type productType(mlir::Type lhs, mlir::Type rhs);

/// How values that float8e8m0 does not have are rounded: ONNX's round_mode.
enum class RoundMode { Up, Down, Nearest };

/// What ONNX Cast states for conversions to floats of 8 bits.
struct CastRules {
  bool saturate = true;
  RoundMode round = RoundMode::Up;
};

/// The scalar `x`, stored for element type `from`, as one of `to`: ONNX Cast.
mlir::Value buildCast(mlir::Type from, mlir::Type to, mlir::OpBuilder &b, mlir::Location loc,
                      mlir::Value x, CastRules rules = {});

/// "f32", "ui8" as ONNX users call them: "float", "uint8".
std::string typeName(mlir::Type element);

} // namespace nncc::nn
