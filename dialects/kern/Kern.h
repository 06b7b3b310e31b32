// The kern dialect: see Kern.td.
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/kern/KernDialect.h.inc"
#include "dialects/kern/KernEnums.h.inc"

namespace nncc::kern {
/// Columns of one packed panel of weights, at every ISA level.
constexpr int64_t panel = 16;

/// Bytes of each operand that one step of a product of bytes takes for an element of the result.
constexpr int64_t bytesPerStep = 4;

/// Of a #kern.plan.
constexpr int64_t mostPrefetches = 64, mostLead = 64;

/// Panels of sums in a register tile of a #kern.attention_plan.
constexpr int64_t mostSums = 64;

/// Bytes that are fetched at once, and how many elements of a buffer these are.
constexpr int64_t cacheLine = 64;
int64_t elementsPerLine(mlir::Value buffer);

/// Whether two sizes are the same, or one of them is known at run time only.
bool agree(int64_t a, int64_t b);
} // namespace nncc::kern

#define GET_ATTRDEF_CLASSES
#include "dialects/kern/KernAttributes.h.inc"
#define GET_OP_CLASSES
#include "dialects/kern/KernOps.h.inc"
