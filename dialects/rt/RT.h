// The rt dialect: see RT.td.
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/rt/RTDialect.h.inc"
#include "dialects/rt/RTEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/rt/RTAttributes.h.inc"

#define GET_OP_CLASSES
#include "dialects/rt/RTOps.h.inc"

namespace nncc::rt {

/// The blocks of a program: that of the function, and those of its control flow, outer ones first.
llvm::SmallVector<mlir::Block *> programBlocks(mlir::Operation *function);

/// What a call of a scheduled kernel launches, one after the other: the functions of its module
/// that have `rt.units`. The first one has the kernel's name.
llvm::SmallVector<mlir::FunctionOpInterface> launchesOf(mlir::ModuleOp kernel);

} // namespace nncc::rt
