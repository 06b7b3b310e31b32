// The nn dialect: see the .td files, one per family.
#pragma once

#include "dialects/nn/Fact.h"
#include "dialects/nn/Types.h"
#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/nn/Interfaces.h.inc"
#include "dialects/nn/NNDialect.h.inc"
#include "dialects/nn/NNEnums.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/nn/NNTypes.h.inc"

#define GET_OP_CLASSES
#include "dialects/nn/NNOps.h.inc"

namespace nncc::nn {

/// Of a program some of whose inputs or outputs are more than one tensor: each of them as a
/// dictionary of its `name`, its `type` (Values.td), and the number of `parts` that follow each
/// other among the arguments or results.
inline constexpr llvm::StringLiteral inputsAttr = "nn.inputs", outputsAttr = "nn.outputs";

/// The lowering of every elementwise op.
mlir::FailureOr<llvm::SmallVector<mlir::Value>> lowerElementwise(ScalarOpInterface op,
                                                                 mlir::OpBuilder &b);

/// The map by which an operand of an elementwise op is read for each element of the result.
mlir::AffineMap broadcastMap(mlir::RankedTensorType operand, mlir::RankedTensorType result);

/// The constant behind `value`, if it is one, as 64-bit integers.
std::optional<llvm::SmallVector<int64_t>> constantIntegers(mlir::Value value);

/// The one value that all elements of a float constant have, if they do.
std::optional<double> constantScalar(mlir::Value value);

/// The elements of a small float constant.
std::optional<llvm::SmallVector<double>> constantFloats(mlir::Value value);

} // namespace nncc::nn
