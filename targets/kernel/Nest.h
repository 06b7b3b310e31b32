// Loop nests: the form in which operations on whole tensors are scheduled.
#pragma once

#include "targets/kernel/Places.h"

#include <vector>

namespace nncc {

/// What a nest reads or writes at each point of its loops: an element of a base, or one scalar.
struct Access {
  int base = -1;                                 // -1: `scalar`
  mlir::Value scalar;                            // null as well: nothing
  mlir::Type element;                            // as the body sees it
  llvm::SmallVector<mlir::AffineExpr> indices;   // into the base, over the loops
  std::optional<Linear> flat;                    // all indices as one, where it is a sum over loops
  llvm::SmallVector<std::optional<Linear>> dims; // each index alone

  bool isMemory() const { return base >= 0; }
};

/// for (loops) outputs = body(inputs, outputs so far)
struct Nest {
  mlir::Operation *op = nullptr;
  Shape sizes; // of the loops; those of size 1 do not count
  llvm::SmallVector<bool> reduced;
  llvm::SmallVector<mlir::AffineExpr>
      loopIndices; // the value of linalg.index for each of op's loops
  std::vector<Access> inputs, outputs;
  std::vector<Access> inits;             // of `outputs`, where the body reads them
  llvm::SmallVector<int> shared;         // per loop: the dim of the group that it runs over, or -1
  llvm::SmallVector<unsigned> extracted; // bases that the body reads at indices it computes
  mlir::Block *body = nullptr;           // null: copies the input

  bool isReduction() const {
    for (auto [size, isReduced] : llvm::zip(sizes, reduced))
      if (isReduced && !isOne(size))
        return true;
    return false;
  }
  mlir::AffineExpr points() const;
  /// The loop over a dim of the group; -1: there is none.
  int loopOver(int dim) const;
  /// The operation that joins a new element to an output so far; null where there is none of the
  /// kind whose parts can be computed apart.
  mlir::Operation *combiner(unsigned output) const;
  /// All accesses that touch memory.
  llvm::SmallVector<const Access *> accesses() const;
};

/// `from` -> `to`, element by element.
Nest copyNest(const Homes &homes, mlir::Operation *op, mlir::Value from, const Home &to);

/// The copies into results that no operation computes.
void buildResultCopies(const Homes &homes, std::vector<Nest> &nests);

/// The nest or nests of one operation.
mlir::LogicalResult buildNest(mlir::Operation *op, const Homes &homes, std::vector<Nest> &nests);

/// Reports a nest that reads what neither has memory nor is written by an earlier one.
mlir::LogicalResult checkReads(llvm::ArrayRef<Nest> nests, const Homes &homes);

/// The nests that compute `ops`, in order. Reports operations that have no such form, and reads of
/// tensors without elements.
mlir::LogicalResult buildNests(llvm::ArrayRef<mlir::Operation *> ops, const Homes &homes,
                               std::vector<Nest> &nests);

} // namespace nncc
