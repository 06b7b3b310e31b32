// Integers in memory that a program looks at before it uses them.
#pragma once

#include "targets/program/ProgramBuilder.h"

namespace nncc {

/// The elements of a tensor, `bits` wide, and the limits of their groups of low.size(), all i64.
struct LimitedIntegers {
  llvm::Value *base, *count;
  unsigned bits;
  bool isSigned;
  llvm::ArrayRef<llvm::Value *> low, high;
};

/// Where a program goes with the first element that is outside, and its limits.
struct OutsideBlock {
  llvm::BasicBlock *block; // to be filled
  llvm::PHINode *element, *low, *high;
};
/// Leaves where a value is less than its `low` or greater than its `high`, all i64. Building goes
/// on where none is.
OutsideBlock leaveIfOutside(ProgramBuilder &program, llvm::ArrayRef<llvm::Value *> values,
                            llvm::ArrayRef<llvm::Value *> low, llvm::ArrayRef<llvm::Value *> high);
/// The same of elements in memory.
OutsideBlock leaveIfOutside(ProgramBuilder &program, const LimitedIntegers &integers);

} // namespace nncc
