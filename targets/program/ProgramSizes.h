// Sizes that are known when the program runs, as straight-line code on i64.
#pragma once

#include "dialects/Sizes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "targets/program/ProgramBuilder.h"

namespace nncc {

/// Expressions over the symbols of the program -> values where the builder is. What is over given
/// symbols alone is computed once, and used by the blocks that run after it.
class ProgramSizes {
public:
  /// `dims`: the int64_t of the symbols. The first `given` of them do not change.
  ProgramSizes(ProgramBuilder &program, llvm::Value *dims, unsigned given)
      : program(program), dims(dims), given(given) {}

  llvm::Value *value(mlir::AffineExpr expression);
  void setSymbol(int64_t number, llvm::Value *value) {
    program.store(value, dims, number * sizeof(int64_t));
  }
  /// Whether the expression is over given symbols alone.
  bool isGiven(mlir::AffineExpr expression) const { return symbolCount(expression) <= given; }

  /// Whether the expression is no size: negative, greater than memory (2^47), or a part of it
  /// cannot be represented.
  llvm::Value *isBad(mlir::AffineExpr expression);

  /// What is computed while `build` runs is used there alone: its blocks may not run.
  void inBranch(llvm::function_ref<void()> build) {
    llvm::DenseMap<mlir::AffineExpr, llvm::Value *> before = values, overflowsBefore = overflows;
    build();
    values = std::move(before);
    overflows = std::move(overflowsBefore);
  }

private:
  llvm::Value *symbol(unsigned number);
  /// Whether a part of the expression cannot be represented; null: there are no such parts.
  llvm::Value *overflow(mlir::AffineExpr expression);
  llvm::Value *quotient(mlir::AffineExprKind kind, llvm::Value *lhs, llvm::Value *rhs);

  ProgramBuilder &program;
  llvm::Value *dims;
  unsigned given;
  llvm::DenseMap<mlir::AffineExpr, llvm::Value *> values, overflows;
};

/// The arena: where the rt.slot of `function` begin, and where all that is planned ends.
struct Slots {
  llvm::SmallVector<llvm::Value *> begins;
  llvm::Value *end;

  /// Where the workspace of a kernel begins (see Dispatch).
  llvm::Value *workspace(ProgramBuilder &program) const;
};
Slots computeSlots(ProgramBuilder &program, ProgramSizes &sizes, mlir::func::FuncOp function);

} // namespace nncc
