// Sizes that are known when the program runs, as straight-line code on i64.
#pragma once

#include "dialects/Sizes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "targets/cpu/ProgramBuilder.h"

namespace nncc::cpu {

/// Expressions over the symbols of the program -> values where the builder is, each part once. The
/// code that is built runs one block after the other: what one block has computed, later ones use.
class ProgramSizes {
public:
  /// `dims`: the int64_t of the symbols.
  ProgramSizes(ProgramBuilder &program, llvm::Value *dims) : program(program), dims(dims) {}

  llvm::Value *value(mlir::AffineExpr expression);

  /// Whether the expression is no size: negative, greater than memory (2^47), or a part of it
  /// cannot be represented.
  llvm::Value *isBad(mlir::AffineExpr expression);

private:
  llvm::Value *symbol(unsigned number);
  llvm::Value *quotient(mlir::AffineExprKind kind, llvm::Value *lhs, llvm::Value *rhs);

  ProgramBuilder &program;
  llvm::Value *dims;
  llvm::DenseMap<mlir::AffineExpr, llvm::Value *> values;
};

/// Where the rt.slot of `function` begin, and where the last one ends.
struct Slots {
  llvm::SmallVector<llvm::Value *> begins;
  llvm::Value *end;
};
Slots computeSlots(ProgramBuilder &program, ProgramSizes &sizes, mlir::func::FuncOp function);

} // namespace nncc::cpu
