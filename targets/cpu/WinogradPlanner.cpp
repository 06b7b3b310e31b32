#include "targets/cpu/WinogradPlanner.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;
using kern::panel;

static constexpr double bytesPerCycle = 20; // of what is beyond the L2 cache

namespace {
/// Cycles that the transforms take per 16 channels or columns, loads and stores included: of a tile
/// of the input, of the weights of one channel, of a tile of the output.
struct TransformCycles {
  double input, weights, output;
};
} // namespace

static TransformCycles transformCycles(int64_t tile) {
  return tile == 2 ? TransformCycles{160, 110, 130} : TransformCycles{400, 240, 280};
}

bool nncc::cpu::isWinogradContract(kern::ContractOp op, const Contraction &p) {
  return op.getWindowRank() == 2 && op.getBType().getElementType().isF32() &&
         op.getInitType().hasStaticShape() && op.getInitType().getNumElements() != 0 &&
         isWinogradShape(p);
}

WinogradPlanner::WinogradPlanner(const Contraction &p, int64_t tile, const MachineFacts &facts,
                                 int64_t threads)
    : context(p.context()), tile(tile), points((tile + 2) * (tile + 2)),
      threads(threads ? threads : 4), depth(fixed(p.depth)), panels(fixed(p.panels())),
      cacheBytes(facts.l2Bytes * 0.44) {
  const VectorUnit &unit = facts.unit;
  // All but a few registers, which panels of the weights and temporaries take.
  int64_t each = llvm::divideCeil(panel * 4, unit.registerBytes);
  sums = std::max<int64_t>(1, (unit.registers - (unit.registers >= 32 ? 4 : 6)) / each);
  int64_t images = fixed(p.lineCount()) / fixed(p.y.size);
  tiles =
      images * llvm::divideCeil(fixed(p.y.size), tile) * llvm::divideCeil(fixed(p.x.size), tile);
}

WinogradPlan WinogradPlanner::plan() const {
  WinogradPlan best;
  for (int64_t blocks = 1; blocks <= tiles; blocks += 1 + blocks / 8)
    for (int64_t groups = 1; groups <= panels; ++groups)
      for (int64_t kBlocks = 1; kBlocks <= std::max<int64_t>(1, depth / 32); kBlocks *= 2)
        consider(best, llvm::divideCeil(tiles, blocks), llvm::divideCeil(panels, groups),
                 llvm::divideCeil(depth, kBlocks));
  return best;
}

kern::WinogradPlanAttr WinogradPlanner::attribute(const WinogradPlan &plan) const {
  return kern::WinogradPlanAttr::get(context, tile, plan.unitTiles, plan.unitPanels, plan.kBlock,
                                     plan.rows, plan.panels);
}

bool WinogradPlanner::fits(int64_t rows, int64_t wide) const {
  return rows * wide <= (wide > 2 ? sums - 2 : sums);
}

void WinogradPlanner::consider(WinogradPlan &best, int64_t unitTiles, int64_t unitPanels,
                               int64_t kBlock) const {
  for (int64_t wide = 1; wide <= std::min<int64_t>(4, unitPanels); ++wide)
    for (int64_t rows = 1; fits(rows, wide) && rows <= unitTiles; ++rows) {
      WinogradPlan plan{unitTiles, unitPanels, kBlock, rows, wide};
      // Whole register tiles, but in the last unit.
      if (unitTiles < tiles)
        plan.unitTiles = std::min<int64_t>(tiles, llvm::alignTo(unitTiles, rows));
      if (unitPanels < panels)
        plan.unitPanels = std::min<int64_t>(panels, llvm::alignTo(unitPanels, wide));
      estimate(plan);
      if (plan.cost < best.cost)
        best = plan;
    }
}

/// One step of a register tile: the FMA port, the load ports, the latency of a chain, panels from
/// the L2 cache where no other tile of rows has read them before. Square tiles read least.
double WinogradPlanner::stepCycles(int64_t rows, int64_t wide, const WinogradPlan &plan) const {
  if (!rows || !wide)
    return 0;
  double fromL2 = rows >= plan.unitTiles ? 2.5 * wide : 0;
  return std::max({rows * wide * 1.0, 4.0, fromL2}) + 0.04 * (rows + wide);
}

double WinogradPlanner::productCycles(int64_t tiles, int64_t panels,
                                      const WinogradPlan &plan) const {
  auto along = [&](int64_t wide) {
    return (tiles / plan.rows) * stepCycles(plan.rows, wide, plan) +
           stepCycles(tiles % plan.rows, wide, plan);
  };
  double steps = (panels / plan.panels) * along(plan.panels) + along(panels % plan.panels);
  double blocks = llvm::divideCeil(depth, plan.kBlock);
  // Each sum is stored, and loaded again for the next block.
  double sums = tiles * panels * (3 * blocks - 1);
  return points * (steps * depth + sums);
}

void WinogradPlanner::estimate(WinogradPlan &plan) const {
  double blocks = llvm::divideCeil(tiles, plan.unitTiles);
  double groups = llvm::divideCeil(panels, plan.unitPanels);
  TransformCycles cycles = transformCycles(tile);
  double vectors = llvm::divideCeil(depth, panel);
  double inputs = cycles.input * vectors * tiles * (blocks == 1 ? 1 : groups);
  double weights = cycles.weights * depth * panels * (plan.kBlock == depth ? 1 : blocks);
  double outputs = cycles.output * tiles * panels;
  double products = 0;
  int64_t lastTiles = tiles - (blocks - 1) * plan.unitTiles;
  int64_t lastPanels = panels - (groups - 1) * plan.unitPanels;
  for (bool lastBlock : {false, true})
    for (bool lastGroup : {false, true})
      products += (lastBlock ? 1 : blocks - 1) * (lastGroup ? 1 : groups - 1) *
                  productCycles(lastBlock ? lastTiles : plan.unitTiles,
                                lastGroup ? lastPanels : plan.unitPanels, plan);
  plan.cycles = inputs + weights + outputs + products + spilled(plan) * blocks * groups;
  double units = blocks * groups;
  double idle = std::ceil(units / threads) * threads / units - 1;
  // Bodies of the product for remainders cost text and compile time.
  int64_t bodies = (plan.unitTiles % plan.rows != 0) + (plan.unitPanels % plan.panels != 0);
  plan.cost = plan.cycles * (1 + 0.2 * idle) * (1 + 0.01 * bodies);
}

/// Cycles that a unit waits for what does not stay in the L2 cache.
double WinogradPlanner::spilled(const WinogradPlan &plan) const {
  double v = 4.0 * points * plan.unitTiles * depth;
  double u = 4.0 * points * plan.unitPanels * panel * plan.kBlock;
  double m = 4.0 * points * plan.unitTiles * plan.unitPanels * panel;
  double all = v + u + m, over = std::max(0.0, all - cacheBytes) / all;
  double kBlocks = llvm::divideCeil(depth, plan.kBlock);
  return over * (v + 2 * u * kBlocks + 2 * m * kBlocks) / bytesPerCycle;
}

SmallVector<kern::WinogradPlanAttr> WinogradPlanner::neighbours(kern::WinogradPlanAttr plan) const {
  WinogradPlan old{plan.getUnitTiles(), plan.getUnitPanels(), plan.getKBlock(), plan.getRows(),
                   plan.getPanels()};
  SmallVector<kern::WinogradPlanAttr> result;
  auto add = [&](int64_t WinogradPlan::*number, int64_t value, int64_t most) {
    WinogradPlan other = old;
    other.*number = std::clamp<int64_t>(value, 1, most);
    // Whole register tiles, but in the last unit.
    if (other.unitTiles < tiles)
      other.unitTiles = std::min<int64_t>(tiles, llvm::alignTo(other.unitTiles, other.rows));
    kern::WinogradPlanAttr made = attribute(other);
    if (made != plan && !llvm::is_contained(result, made) && refusal(made).empty())
      result.push_back(made);
  };
  add(&WinogradPlan::unitTiles, old.unitTiles / 2, tiles);
  add(&WinogradPlan::unitTiles, old.unitTiles * 2, tiles);
  add(&WinogradPlan::unitPanels, llvm::divideCeil(old.unitPanels, 2), panels);
  add(&WinogradPlan::unitPanels, old.unitPanels * 2, panels);
  add(&WinogradPlan::kBlock, llvm::divideCeil(old.kBlock, 2), depth);
  add(&WinogradPlan::kBlock, old.kBlock * 2, depth);
  for (int64_t step : {-1, 1}) {
    add(&WinogradPlan::rows, old.rows + step, sums);
    add(&WinogradPlan::panels, old.panels + step, panels);
  }
  return result;
}

std::string WinogradPlanner::refusal(kern::WinogradPlanAttr plan) const {
  constexpr int64_t most = 1 << 20, mostScratch = 64 << 20;
  for (int64_t number : {plan.getUnitTiles(), plan.getUnitPanels(), plan.getKBlock(),
                         plan.getRows(), plan.getPanels()})
    if (number < 1 || number > most)
      return "its numbers are from 1 to 2^20";
  if (!fits(plan.getRows(), plan.getPanels()))
    return "its register tile does not fit the registers";
  int64_t unitTiles = std::min(plan.getUnitTiles(), tiles);
  int64_t unitPanels = std::min(plan.getUnitPanels(), panels);
  int64_t floats = unitTiles * depth + unitPanels * panel * (plan.getKBlock() + unitTiles);
  return 4 * points * floats <= mostScratch ? "" : "a unit takes more than 64 MiB";
}

double nncc::cpu::directCycles(const Contraction &p) {
  auto taps = [](int64_t size, int64_t in, int64_t low) {
    double count = 0;
    for (int64_t x = 0; x < size; ++x)
      for (int64_t t = 0; t < 3; ++t)
        count += x + t >= low && x + t - low < in;
    return count;
  };
  double images = fixed(p.lineCount()) / fixed(p.y.size);
  return images * taps(fixed(p.y.size), fixed(p.h), p.top) *
         taps(fixed(p.x.size), fixed(p.w), p.left) * fixed(p.depth) * fixed(p.panels()) / 0.95;
}
