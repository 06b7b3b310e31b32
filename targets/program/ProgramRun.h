// nncc_descriptor.run: the steps of a program as code.
#pragma once

#include "dialects/Sizes.h"
#include "dialects/rt/RT.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "targets/program/ProgramBuilder.h"
#include "llvm/ADT/MapVector.h"

namespace nncc {

/// One launch of an rt.run: its constant data, and its sizes over the symbols of the program.
struct Dispatch {
  llvm::Constant *data;
  mlir::AffineExpr units, scratch;
  int64_t team;               // the most workers that compute all units together; 0: they cannot
  mlir::AffineExpr workspace; // bytes that all units share; null: none. Behind the planned arena,
                              // or, where the run computes how many, in memory of their own
};

/// The program's rt.run, in its order, each with what it launches one after the other.
using Dispatches = llvm::MapVector<mlir::Operation *, llvm::SmallVector<Dispatch, 1>>;

/// Whether plan() makes the check: it is over given symbols, and not in a branch.
bool isMadeByPlan(rt::CheckOp op, unsigned given);

/// `given`: how many symbols the caller's tensors give. `onDevice`: the memory of the frame is that
/// of nncc_services.device.
llvm::Function *emitRun(ProgramBuilder &program, mlir::func::FuncOp main,
                        const Dispatches &dispatches, unsigned given, bool onDevice);

} // namespace nncc
