// The cost model of contractions: register tile, blocks of the reduction, units.
#pragma once

#include "targets/cpu/MachineFacts.h"
#include "targets/kernel/Contraction.h"

#include <map>

namespace nncc::cpu {

/// Plans of one contraction. What is open is taken to be of a usual size.
class ContractPlanner {
public:
  /// `threads` share the units; 0: 4 are assumed.
  ContractPlanner(const Contraction &p, const MachineFacts &facts, int64_t threads);

  /// The one that costs least.
  kern::PlanAttr plan() const { return plans(1).front(); }

  /// Of the `count` register tiles that cost least, or fewer, the cheapest first.
  llvm::SmallVector<kern::PlanAttr> plans(size_t count) const;

  /// Plans whose units are rows of images, `width` rows of the product each: one whose tiles end
  /// where such a row does. Cycles are those of one step of the reduction in a line.
  struct RowPlan {
    kern::PlanAttr plan;
    double cycles, leastCycles; // of it, and of the best tile of all
  };
  std::optional<RowPlan> planByRows(int64_t width) const;

  /// Those that differ from `plan` by one step in one of its other numbers.
  llvm::SmallVector<kern::PlanAttr> neighbours(kern::PlanAttr plan) const;

  /// Why no good kernel can be made after a plan of another source; "" where one can.
  std::string refusal(kern::PlanAttr plan) const;

private:
  struct Tile {
    int64_t rows, panels;
  };

  int64_t registersPerPanel() const;
  int64_t sumRegisters() const;
  bool fits(Tile t) const;
  int64_t chooseUnroll(Tile t) const;
  /// All that can be, by their cost; equal ones as they were found.
  std::multimap<double, Tile> tilesByCost() const;
  double stepCycles(int64_t rows, int64_t panels) const;
  double cost(Tile t) const;
  int64_t chooseBlocks(Tile t) const;
  bool isPrefetchable() const;
  int64_t choosePrefetches(Tile t, int64_t tiles, int64_t unroll) const;
  bool streams(Tile t) const;
  int64_t chooseLead(Tile t) const;
  /// Tiles of all lines of one group of panels.
  int64_t allTiles(int64_t rows) const;
  kern::PlanAttr planOf(Tile t) const;

  const Contraction &p;
  MachineFacts facts;
  int64_t registers, registerBytes, threads;
  int64_t panels, width, lines, batches;
};

} // namespace nncc::cpu
