// The cost model of 3x3 convolutions by Winograd's algorithm.
#pragma once

#include "targets/cpu/MachineFacts.h"
#include "targets/cpu/Winograd.h"

namespace nncc::cpu {

/// A plan with its costs in cycles of 16 multiplications and additions in f32.
struct WinogradPlan {
  int64_t unitTiles, unitPanels, kBlock, rows, panels;
  double cycles = INFINITY; // on one thread
  double cost = INFINITY;   // what is compared: more where units divide badly among threads
};

/// Whether Winograd's algorithm can compute `op`, which `p` describes.
bool isWinogradContract(kern::ContractOp op, const Contraction &p);

/// Plans of one contraction in tiles of one size, 2 or 4.
class WinogradPlanner {
public:
  /// `threads` share the units; 0: 4 are assumed.
  WinogradPlanner(const Contraction &p, int64_t tile, const MachineFacts &facts, int64_t threads);

  /// The one that costs least.
  WinogradPlan plan() const;

  kern::WinogradPlanAttr attribute(const WinogradPlan &plan) const;

  /// Those that differ from `plan` by one step in one of its numbers.
  llvm::SmallVector<kern::WinogradPlanAttr> neighbours(kern::WinogradPlanAttr plan) const;

  /// Why no good kernel can be made after a plan of another source; "" where one can.
  std::string refusal(kern::WinogradPlanAttr plan) const;

private:
  bool fits(int64_t rows, int64_t wide) const;
  void consider(WinogradPlan &best, int64_t unitTiles, int64_t unitPanels, int64_t kBlock) const;
  double stepCycles(int64_t rows, int64_t wide, const WinogradPlan &plan) const;
  double productCycles(int64_t tiles, int64_t panels, const WinogradPlan &plan) const;
  void estimate(WinogradPlan &plan) const;
  double spilled(const WinogradPlan &plan) const;

  mlir::MLIRContext *context;
  int64_t tile, points, threads;
  int64_t sums; // panels of them that the registers hold
  int64_t depth, panels, tiles;
  double cacheBytes; // of the L2 cache, for what a unit keeps
};

/// A direct convolution, in the same cycles: at 95 % of the FMA port's peak, without the taps in
/// the padding.
double directCycles(const Contraction &p);

} // namespace nncc::cpu
