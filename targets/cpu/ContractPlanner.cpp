#include "targets/cpu/ContractPlanner.h"

#include <numeric>

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

/// Rows of a unit of a matrix product where the number of all rows is open.
static constexpr int64_t openUnitRows = 128;

static int64_t usual(AffineExpr size) { return std::max<int64_t>(1, nominal(size)); }

ContractPlanner::ContractPlanner(const Contraction &p, const MachineFacts &facts, int64_t threads)
    : p(p), facts(facts), registers(facts.unit.registers), registerBytes(facts.unit.registerBytes),
      threads(threads ? threads : 4), panels(usual(p.panels())), width(usual(p.x.size)),
      lines(usual(p.lineCount())), batches(usual(p.batchCount())) {}

/// Registers that hold one panel of sums.
int64_t ContractPlanner::registersPerPanel() const {
  return llvm::divideCeil(kern::panel * p.elementBytes(), registerBytes);
}
/// Some registers are left to panels of B and to temporaries. With 32 registers 26 sums do not
/// spill however far the reduction is unrolled, 28 do not where it is not unrolled at all and a
/// panel is one register.
int64_t ContractPlanner::sumRegisters() const { return registers - (registers >= 32 ? 6 : 4); }

bool ContractPlanner::fits(Tile t) const {
  int64_t used = t.rows * t.panels * registersPerPanel();
  if (p.blocks) // scales and zero points of each panel stay in registers, and codes on their way
    return used + (2 * t.panels + 3) * registersPerPanel() < registers;
  // Beside the sums the panels of B of one step, an element of A, and the next one where there is
  // room: 25 sums of 5 panels all spill as soon as the epilogue needs a few registers.
  int64_t step = t.panels * registersPerPanel() + (registers >= 32 ? 2 : 1);
  return (used <= sumRegisters() && used + step < registers) ||
         (used <= sumRegisters() + 2 && t.panels <= 2 && registers >= 32 &&
          registersPerPanel() == 1);
}

/// Cycles of one step of the reduction: the FMA ports, the load ports, the latency of a chain of
/// FMAs, and panels that come from the L2 cache where a tile's do not fit half of the L1 cache.
double ContractPlanner::stepCycles(int64_t rows, int64_t panels) const {
  if (!rows || !panels)
    return 0;
  double vectors = panels * registersPerPanel();
  bool isFar = panels * p.panelBytes() > facts.l1Bytes / 2;
  // Kernels get about half of what loads alone do.
  constexpr double share = 25.6 / 48;
  double fromL2 = isFar ? vectors * registerBytes / (share * facts.l2Rate) : 0;
  return std::max(
      {rows * vectors / facts.fmas, (rows + vectors) / facts.loads, facts.fmaLatency, fromL2});
}

double ContractPlanner::cost(Tile t) const {
  int64_t n = panels, rest = n % t.panels;
  auto line = [&](int64_t panels) {
    return (width / t.rows) * stepCycles(t.rows, panels) + stepCycles(width % t.rows, panels);
  };
  // Square tiles read least.
  double reads = 0.05 * registersPerPanel() * width * n * (1.0 / t.rows + 1.0 / t.panels);
  // Rows of A at a pitch of 4 KiB share one set of the L1 cache; a third of it is B's.
  int64_t setBytes = std::gcd(constantOf(p.x.a).value_or(0) * p.bytesOfA(), 4096);
  double conflicts = setBytes && t.rows * setBytes > facts.l1Bytes * 2 / 3 ? 1.3 : 1;
  // Each body costs text and compile time: remainders, tiles that padding clips.
  int64_t bodies = 1 + (width % t.rows != 0) + ((p.left || p.right) && width / t.rows > 2);
  bodies *= 1 + (rest != 0);
  // Where all rows are one tile, only groups of panels divide the work among threads.
  int64_t groups = batches * llvm::divideCeilSigned(n, t.panels);
  double idle = width * lines <= t.rows ? 0.02 * std::max(0.0, 4.0 * threads / groups - 1) : 0;
  // From memory the faster, the more panels come side by side.
  double wait = streams(t) ? 0.4 / t.panels : 0;
  return ((n / t.panels) * line(t.panels) + line(rest) + reads) * (1 + 0.015 * (bodies - 1)) *
         (1 + idle) * (1 + wait) * conflicts;
}

/// K in blocks whose rows of A and panels of B stay in the caches, if possible of one size; a
/// window's rows where a group of panels would not stay in L2.
int64_t ContractPlanner::chooseBlocks(Tile t) const {
  if (!p.storesSums() || p.blocks)
    return 1;
  if (p.kh * p.kw > 1)
    return t.panels * p.panelBytes() > 0.293 * facts.l2Bytes ? p.kh : 1;
  auto depth = constantOf(p.depth);
  if (!depth || width * lines <= t.rows)
    return 1; // of open depth: of a fixed size; of few rows: B is used once
  int64_t least = std::max<int64_t>(1, llvm::divideCeil(*depth * p.elementBytes(), 3200));
  for (int64_t blocks = least; blocks <= 2 * least; ++blocks)
    if (*depth % blocks == 0)
      return blocks;
  return least;
}

/// Whether there is a next group of panels in the same matrix.
bool ContractPlanner::isPrefetchable() const {
  return p.hasPanelsOfOneSize() && p.batches.empty() && fixed(p.depth) > 0;
}

/// Lines of the next group of panels to fetch in each iteration of the reduction, so that a unit of
/// `tiles` tiles has fetched all of it. None where the L2 cache does not hold two groups, or where
/// so few rows use a panel that reading it is all there is to do.
int64_t ContractPlanner::choosePrefetches(Tile t, int64_t tiles, int64_t unroll) const {
  constexpr int64_t most = 8;
  bool fits = 2 * t.panels * p.panelBytes() <= 0.7 * facts.l2Bytes;
  if (!isPrefetchable() || !fits || tiles < 2 || panels <= t.panels)
    return 0;
  double iterations = static_cast<double>(p.kh * p.kw * nominal(p.depth)) / unroll * tiles;
  return std::clamp<int64_t>(std::ceil(t.panels * p.panelBytes() / kern::cacheLine / iterations), 1,
                             most);
}

/// Whether panels come from memory and are used by one tile: to read them is what there is to do.
bool ContractPlanner::streams(Tile t) const {
  return p.packed && width * lines <= t.rows && batches * panels * p.panelBytes() > facts.l1Bytes;
}

/// How many lines panels that are used once are fetched before they are read. What waits for one
/// that is not there fills the scheduler of a core, with more multiplications and conversions of
/// each line the sooner; a line that one multiplication reads comes as early without.
int64_t ContractPlanner::chooseLead(Tile t) const {
  constexpr int64_t distance = 8;
  bool isConverted = p.blocks || p.weightBytes < p.elementBytes();
  return streams(t) && (isConverted || t.rows > 1) ? distance : 0;
}

int64_t ContractPlanner::allTiles(int64_t rows) const {
  // A few hundred rows should still be divided among threads.
  if (p.hasOpenLines() && constantOf(p.lineCount()) == 1)
    return llvm::divideCeilSigned(openUnitRows, rows);
  return p.nominalTiles(rows) * lines;
}

int64_t ContractPlanner::chooseUnroll(Tile t) const {
  return t.rows * t.panels * registersPerPanel() > sumRegisters() ? 1 : 4;
}

kern::PlanAttr ContractPlanner::planOf(Tile t) const {
  int64_t unroll = chooseUnroll(t);
  int64_t tiles = p.nominalTiles(t.rows), all = allTiles(t.rows);
  int64_t columns = batches * llvm::divideCeil(panels, t.panels);
  // Weights that fit the L2 cache are read again for each chunk of rows; others pass once, with
  // all rows inside.
  bool fit = p.packed && batches * panels * p.panelBytes() <= facts.l2Bytes / 4;
  int64_t unit = all;
  if (fit)
    unit = lines == 1 ? std::min<int64_t>(4, all) : tiles;
  // A panel of B that is packed for a unit should serve so many rows.
  int64_t least = p.packed ? 1 : llvm::divideCeilSigned(64, t.rows);
  int64_t wanted = 4 * threads;
  while (unit > least && columns * llvm::divideCeilSigned(all, unit) < wanted)
    unit = std::max(least, llvm::divideCeilSigned(unit, 2));
  return kern::PlanAttr::get(p.context(), t.rows, t.panels, chooseBlocks(t), unit, unroll, !fit,
                             choosePrefetches(t, unit, unroll), chooseLead(t));
}

std::multimap<double, ContractPlanner::Tile> ContractPlanner::tilesByCost() const {
  std::multimap<double, Tile> tiles{{cost({1, 1}), {1, 1}}};
  for (int64_t panels = 1; panels <= std::min<int64_t>(8, this->panels); ++panels)
    for (int64_t rows = 1; rows <= width && fits({rows, panels}); ++rows)
      if (rows * panels > 1)
        tiles.insert({cost({rows, panels}), {rows, panels}});
  return tiles;
}

SmallVector<kern::PlanAttr> ContractPlanner::plans(size_t count) const {
  SmallVector<kern::PlanAttr> plans;
  for (auto [_, tile] : tilesByCost())
    if (plans.size() < count)
      plans.push_back(planOf(tile));
  return plans;
}

std::optional<ContractPlanner::RowPlan> ContractPlanner::planByRows(int64_t width) const {
  std::multimap<double, Tile> tiles = tilesByCost();
  for (auto [cycles, tile] : tiles) {
    // A line of the product is a row of an image, or all of them.
    bool isRow = this->width == width;
    if (!isRow && width % tile.rows)
      continue;
    int64_t unit = isRow ? p.nominalTiles(tile.rows) : width / tile.rows;
    auto plan = kern::PlanAttr::get(p.context(), tile.rows, tile.panels, chooseBlocks(tile), unit,
                                    chooseUnroll(tile), /*nSlow=*/false, /*prefetches=*/0,
                                    /*lead=*/0);
    return RowPlan{plan, cycles, tiles.begin()->first};
  }
  return std::nullopt;
}

SmallVector<kern::PlanAttr> ContractPlanner::neighbours(kern::PlanAttr plan) const {
  int64_t rows = plan.getRows(), panels = plan.getPanels(), blocks = plan.getKBlocks();
  int64_t unit = plan.getUnitTiles(), unroll = plan.getUnroll(), all = allTiles(rows);
  SmallVector<kern::PlanAttr> result;
  auto add = [&](int64_t blocks, int64_t unit, int64_t unroll, bool nSlow, bool isAhead = true) {
    Tile tile{rows, panels};
    auto other = kern::PlanAttr::get(p.context(), rows, panels, blocks, unit, unroll, nSlow,
                                     isAhead ? choosePrefetches(tile, unit, unroll) : 0,
                                     isAhead ? chooseLead(tile) : 0);
    if (other != plan && !llvm::is_contained(result, other) && refusal(other).empty())
      result.push_back(other);
  };
  add(blocks, std::max<int64_t>(1, unit / 2), unroll, plan.getNSlow());
  add(blocks, std::min(std::max(all, unit), 2 * unit), unroll, plan.getNSlow());
  add(blocks, unit, unroll, !plan.getNSlow());
  if (p.kh * p.kw > 1)
    add(blocks > 1 ? 1 : p.kh, unit, unroll, plan.getNSlow());
  for (int64_t other : {2 * blocks, blocks / 2})
    if (p.kh * p.kw == 1 && other)
      add(other, unit, unroll, plan.getNSlow());
  add(blocks, unit, unroll == 1 ? 4 : 1, plan.getNSlow());
  add(blocks, unit, 2, plan.getNSlow());
  add(blocks, unit, unroll, plan.getNSlow(), /*isAhead=*/false);
  return result;
}

std::string ContractPlanner::refusal(kern::PlanAttr plan) const {
  constexpr int64_t mostTiles = 1 << 30, mostSteps = 16, leastDepth = 16;
  int64_t blocks = plan.getKBlocks();
  Tile tile{plan.getRows(), plan.getPanels()};
  bool isOfRegisters =
      std::min(tile.rows, tile.panels) >= 1 && std::max(tile.rows, tile.panels) <= registers;
  if (!isOfRegisters || (tile.rows * tile.panels > 1 && !fits(tile)))
    return "its register tile does not fit the registers";
  if (plan.getUnitTiles() < 1 || plan.getUnitTiles() > mostTiles)
    return "a unit has from 1 to 2^30 tiles";
  if (plan.getUnroll() < 1 || plan.getUnroll() > mostSteps)
    return "from 1 to 16 steps of the reduction are unrolled";
  if (plan.getPrefetches() < 0 || plan.getPrefetches() > kern::mostPrefetches)
    return "from 0 to 64 lines are fetched ahead";
  if (plan.getLead() < 0 || plan.getLead() > kern::mostLead)
    return "panels are fetched from 0 to 64 lines before they are read";
  if (plan.getLead() && !p.packed)
    return "only packed weights are fetched before they are read";
  if (plan.getPrefetches() && !isPrefetchable())
    return "only packed weights of constant size are fetched ahead";
  if (blocks == 1)
    return "";
  if (blocks < 1)
    return "the reduction has one block or more";
  if (!p.storesSums() || p.blocks)
    return "the reduction is in one block where the result cannot hold sums";
  if (p.kh * p.kw > 1)
    return blocks == p.kh ? "" : "a window's reduction is in one block, or in one per row";
  auto depth = constantOf(p.depth);
  if (!depth)
    return "a reduction of open depth has blocks of a fixed size";
  return blocks <= *depth / leastDepth ? "" : "blocks of the reduction have 16 steps or more";
}
