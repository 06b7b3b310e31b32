// Soft-max of long rows, block by block with the maximum so far.
#pragma once

#include "targets/cpu/SweepEmitter.h"

namespace nncc::cpu {

/// Sweeps of a group that compute max(x), then p = exp(x - max(x)) and sum(p), over rows that the
/// L1 cache does not hold, so that x would come from further away twice. They run block by block
/// instead, powers relative to the maximum so far: one loop computes the powers of a block and the
/// maximum of the next one, of which the L1 cache then holds x. The sum so far shrinks by
/// exp(maximum before - maximum).
///
/// Powers that a later sweep reads as p * (c / sum) are left as they are, relative to the maximum
/// that their block knew: that sweep runs block by block as well, with sum / exp(that maximum - the
/// row's) for the sum.
class OnlineSoftmax {
public:
  /// Looks for them among the sweeps of a group, in the order in which they run.
  static std::optional<OnlineSoftmax> find(llvm::ArrayRef<Sweep> sweeps, const NestGroup &group,
                                           int64_t l1Bytes);

  /// The memory for what is kept of each block.
  void allocate(Allocate allocate);

  /// Emits what sweep `index` computes at the position; false where it is none of these.
  bool emit(size_t index, Emitter &e, const NestGroup &group, const Homes &homes,
            const UnitPosition &position) const;

private:
  struct Row; // what is being emitted

  OnlineSoftmax(llvm::ArrayRef<Sweep> sweeps, size_t maximum) : sweeps(sweeps), maximum(maximum) {}
  bool chooseBlock(int64_t l1Bytes);
  bool isRow(const Sweep &sweep) const;
  bool matchMaximum(const NestGroup &group);
  bool matchPowers(const NestGroup &group);
  bool matchStoredPowers(const Statement &statement, const Statement &summed);
  bool matchScaling();
  bool readsSamePoints() const;
  void join();

  void accumulate(Row &row) const;
  void scale(Row &row) const;

  llvm::ArrayRef<Sweep> sweeps;
  int64_t blockSize = 0;        // elements
  size_t maximum;               // the sweep that computes it; that of the powers follows
  std::optional<size_t> scaled; // the one that reads powers
  Sweep together;               // the maximum of the next block and the powers of one
  /// The nests that reduce, each of one output.
  const Nest *largest = nullptr, *sum = nullptr;
  int powers = -1; // the base that keeps them; -1: none
  mlir::Operation *exp = nullptr;
  mlir::Value references; // the maximum that the powers of a block are relative to
};

} // namespace nncc::cpu
