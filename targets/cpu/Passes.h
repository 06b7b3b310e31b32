// The passes of the CPU target: see Passes.td.
#pragma once

#include "dialects/kern/Kern.h"
#include "dialects/rt/RT.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"

namespace nncc::cpu {
#define GEN_PASS_DECL
#include "targets/cpu/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "targets/cpu/Passes.h.inc"
} // namespace nncc::cpu
