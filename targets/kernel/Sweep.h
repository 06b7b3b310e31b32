// Nests of a group that run as one: what one computes, the next takes from its register.
#pragma once

#include "targets/kernel/NestGroup.h"

namespace nncc {

/// A loop of a sweep.
struct SweepLoop {
  mlir::AffineExpr size;
  int shared = -1;      // the group's dim that it is a block of
  bool reduced = false; // for some statement
};

struct Statement {
  const Nest *nest;
  llvm::SmallVector<int> loops; // per loop of the nest: that of the sweep, or -1
  llvm::SmallVector<std::pair<int, int>> forwarded; // per input: statement and output, or -1, -1
  llvm::SmallVector<bool> isStored;                 // per output
  bool isReduction = false;
};

struct Sweep {
  llvm::SmallVector<SweepLoop> loops;
  std::vector<Statement> statements;
  bool isVector = true;    // every statement has a form on vectors
  bool isRepeated = false; // by each unit, in full
  bool isHeavy = false;    // holds functions that take dozens of instructions
};

/// Functions like exp take dozens of instructions; others one.
bool isHeavyOp(mlir::Operation &op);
/// Whether the nest can be evaluated for several points at once.
bool isVectorisable(const Nest &nest, const NestGroup &group, const Homes &homes);

/// In order; joins neighbours where each point needs of the others only the same point.
std::vector<Sweep> formSweeps(const NestGroup &group, const Homes &homes);

/// Gives the intermediates of a group that its sweeps store their memory, of `allocate`.
using Allocate = llvm::function_ref<mlir::Value(mlir::AffineExpr elements, mlir::Type element)>;
void allocateIntermediates(NestGroup &group, llvm::ArrayRef<Sweep> sweeps, Homes &homes,
                           Allocate allocate);

} // namespace nncc
