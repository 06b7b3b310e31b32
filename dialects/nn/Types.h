// From the types of ONNX to what a kernel stores and computes in.
#pragma once

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace nncc::nn {

/// The type that a kernel stores: integers lose their sign.
mlir::Type storageType(mlir::Type element);

/// A tensor of nn element type as a tensor of storage type, and back. No code.
mlir::Value toStorage(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor);
mlir::Value fromStorage(mlir::OpBuilder &b, mlir::Location loc, mlir::Value tensor,
                        mlir::Type element);

/// The scalar `x`, stored for element type `from`, as one of `to`: ONNX Cast.
mlir::Value buildCast(mlir::Type from, mlir::Type to, mlir::OpBuilder &b, mlir::Location loc,
                      mlir::Value x);

/// "f32", "ui8" as ONNX users call them: "float", "uint8".
std::string typeName(mlir::Type element);

} // namespace nncc::nn
