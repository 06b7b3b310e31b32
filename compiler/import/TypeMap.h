// ONNX's element types as MLIR types, and ONNX's rules on which types an operator takes.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"

#include "onnx/defs/schema.h"

namespace nncc {

/// The element type in nn, where signless means signed and i1 is bool; null where nn has none.
mlir::Type toElementType(int dataType, mlir::MLIRContext *context);

/// The same of values that may be strings: see Values.h.
mlir::Type toValueElementType(int dataType, mlir::MLIRContext *context);

/// The onnx::TensorProto::DataType of a type that toElementType gives, or of strings.
int toDataType(mlir::Type element);

/// The type of a tensor or sequence as ONNX spells it; without a value for an empty optional.
onnx::TypeProto toTypeProto(mlir::Value value);

/// A tensor of known or unknown rank (sizes that are no numbers are dynamic), a sequence or an
/// optional, as Values.h has them; null where nn has no such elements, and of sequences of anything
/// but tensors and optionals of optionals.
mlir::Type toValueType(const onnx::TypeProto &proto, mlir::MLIRContext *context);

/// Which of `inputs` (null: left out) has a type that `schema` does not allow, in words; else
/// empty.
std::string checkInputTypes(const onnx::OpSchema &schema, llvm::ArrayRef<mlir::Value> inputs);

/// Which input of `schema` is left out (null) though it may not, in words; else empty.
std::string checkPresence(const onnx::OpSchema &schema, llvm::ArrayRef<mlir::Value> inputs);

} // namespace nncc
