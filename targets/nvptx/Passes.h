// The passes of the NVPTX target: see Passes.td.
#pragma once

#include "dialects/rt/RT.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"

namespace nncc::nvptx {
#define GEN_PASS_DECL
#include "targets/nvptx/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "targets/nvptx/Passes.h.inc"
} // namespace nncc::nvptx
