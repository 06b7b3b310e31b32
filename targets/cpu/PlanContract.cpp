// The cost model of contractions: register tile, blocks of the reduction, units.
#include "targets/cpu/Contraction.h"
#include "targets/cpu/Passes.h"

#include "mlir/IR/Remarks.h"

#include <numeric>

namespace nncc::cpu {
#define GEN_PASS_DEF_PLANCONTRACT
#include "targets/cpu/Passes.h.inc"
} // namespace nncc::cpu

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {
struct Tile {
  int64_t rows, panels;
};

/// Rows of a unit of a matrix product where the number of all rows is open.
constexpr int64_t openUnitRows = 128;

struct Planner {
  const Contraction &p;
  int64_t registers, registerBytes, threads;
  // What is open is taken to be of a usual size.
  int64_t panels = usual(p.panels()), width = usual(p.x.size), lines = usual(p.lineCount());
  int64_t batches = usual(p.batchCount());

  static int64_t usual(AffineExpr size) { return std::max<int64_t>(1, nominal(size)); }

  /// Registers that hold one panel of sums.
  int64_t registersPerPanel() const {
    return llvm::divideCeil(kern::panel * p.elementBytes(), registerBytes);
  }
  /// Some registers are left to panels of B and to temporaries. With 32 registers 26 sums do not
  /// spill however far the reduction is unrolled, 28 do not where it is not unrolled at all.
  int64_t sumRegisters() const { return registers - (registers >= 32 ? 6 : 4); }
  bool fits(Tile t) const {
    int64_t used = t.rows * t.panels * registersPerPanel();
    if (p.blocks) // scales and zero points of each panel stay in registers, and codes on their way
      return used + (2 * t.panels + 3) * registersPerPanel() < registers;
    // Beside the sums the panels of B of one step, an element of A, and the next one where there is
    // room: 25 sums of 5 panels all spill as soon as the epilogue needs a few registers.
    int64_t step = t.panels * registersPerPanel() + (registers >= 32 ? 2 : 1);
    return (used <= sumRegisters() && used + step < registers) ||
           (used <= sumRegisters() + 2 && t.panels <= 2 && registers >= 32);
  }

  /// Cycles of one step of the reduction, in units of the FMA ports: these, the load ports, the
  /// latency of a chain of FMAs, and panels that come from the L2 cache at 26 bytes a cycle.
  double stepCycles(int64_t rows, int64_t panels) const {
    if (!rows || !panels)
      return 0;
    double vectors = panels * registersPerPanel();
    double fromL2 = panels * p.panelBytes() > 24 << 10 ? 2.5 * vectors * registerBytes / 64 : 0;
    return std::max({rows * vectors / 2.0, (rows + vectors) / 2.0, 4.0, fromL2});
  }

  double cost(Tile t) const {
    int64_t n = panels, rest = n % t.panels;
    auto line = [&](int64_t panels) {
      return (width / t.rows) * stepCycles(t.rows, panels) + stepCycles(width % t.rows, panels);
    };
    // Square tiles read least.
    double reads = 0.05 * registersPerPanel() * width * n * (1.0 / t.rows + 1.0 / t.panels);
    // Rows of A at a pitch of the L1 cache's 4 KiB share its 8 ways.
    int64_t setBytes = std::gcd(constantOf(p.x.a).value_or(0) * p.bytesOfA(), 4096);
    double conflicts = setBytes && t.rows * setBytes > 8 * 4096 ? 1.3 : 1;
    // Each body costs text and compile time: remainders, tiles that padding clips.
    int64_t bodies = 1 + (width % t.rows != 0) + ((p.left || p.right) && width / t.rows > 2);
    bodies *= 1 + (rest != 0);
    // Where all rows are one tile, only groups of panels divide the work among threads.
    int64_t groups = batches * llvm::divideCeilSigned(n, t.panels);
    double idle = width * lines <= t.rows ? 0.02 * std::max(0.0, 4.0 * threads / groups - 1) : 0;
    return ((n / t.panels) * line(t.panels) + line(rest) + reads) * (1 + 0.015 * (bodies - 1)) *
           (1 + idle) * conflicts;
  }

  Tile chooseTile() const {
    Tile best{1, 1};
    double least = cost(best);
    for (int64_t panels = 1; panels <= std::min<int64_t>(8, this->panels); ++panels)
      for (int64_t rows = 1; rows <= width && fits({rows, panels}); ++rows)
        if (double c = cost({rows, panels}); c < least)
          least = c, best = {rows, panels};
    return best;
  }

  /// K in blocks whose rows of A and panels of B stay in the caches, if possible of one size; a
  /// window's rows where a group of panels would not stay in L2.
  int64_t chooseBlocks(Tile t) const {
    if (!p.storesSums() || p.blocks)
      return 1;
    if (p.kh * p.kw > 1)
      return t.panels * p.panelBytes() > 600 << 10 ? p.kh : 1;
    auto depth = constantOf(p.depth);
    if (!depth || width * lines <= t.rows)
      return 1; // of open depth: of a fixed size; of few rows: B is used once
    int64_t least = std::max<int64_t>(1, llvm::divideCeil(*depth * p.elementBytes(), 3200));
    for (int64_t blocks = least; blocks <= 2 * least; ++blocks)
      if (*depth % blocks == 0)
        return blocks;
    return least;
  }

  /// Lines of the next group of panels to fetch in each iteration of the reduction, so that a unit
  /// of `tiles` tiles has fetched all of it. None where the caches do not hold two groups, or where
  /// so few rows use a panel that reading it is all there is to do.
  int64_t choosePrefetches(Tile t, int64_t tiles, int64_t unroll) const {
    constexpr int64_t line = 64, most = 1400 << 10;
    if (!p.packed || p.blocks || !p.batches.empty() || !constantOf(p.depth) || tiles < 2 ||
        2 * t.panels * p.panelBytes() > most || panels <= t.panels)
      return 0;
    double iterations = static_cast<double>(p.kh * p.kw * nominal(p.depth)) / unroll * tiles;
    return std::clamp<int64_t>(std::ceil(t.panels * p.panelBytes() / line / iterations), 1, 8);
  }

  kern::PlanAttr plan(MLIRContext *context) const {
    Tile t = chooseTile();
    int64_t unroll = t.rows * t.panels * registersPerPanel() > sumRegisters() ? 1 : 4;
    int64_t tiles = p.nominalTiles(t.rows), all = tiles * lines;
    // A few hundred rows should still be divided among threads.
    if (p.hasOpenLines() && constantOf(p.lineCount()) == 1)
      all = llvm::divideCeilSigned(openUnitRows, t.rows);
    int64_t columns = batches * llvm::divideCeil(panels, t.panels);
    // Weights that fit the L2 cache are read again for each chunk of rows; others pass once, with
    // all rows inside.
    bool fit = p.packed && batches * panels * p.panelBytes() <= 512 << 10;
    int64_t unit = all;
    if (fit)
      unit = lines == 1 ? std::min<int64_t>(4, all) : tiles;
    // A panel of B that is packed for a unit should serve so many rows.
    int64_t least = p.packed ? 1 : llvm::divideCeilSigned(64, t.rows);
    int64_t wanted = 4 * threads;
    while (unit > least && columns * llvm::divideCeilSigned(all, unit) < wanted)
      unit = std::max(least, llvm::divideCeilSigned(unit, 2));
    return kern::PlanAttr::get(context, t.rows, t.panels, chooseBlocks(t), unit, unroll, !fit,
                               choosePrefetches(t, unit, unroll));
  }
};

struct PlanContract : nncc::cpu::impl::PlanContractBase<PlanContract> {
  using PlanContractBase::PlanContractBase;

  void runOnOperation() override {
    WalkResult result = getOperation()->walk([&](kern::ContractOp op) {
      if (op.getPlan())
        return WalkResult::advance();
      FailureOr<Contraction> contraction = Contraction::of(op, /*kernel=*/nullptr);
      if (failed(contraction))
        return WalkResult::interrupt();
      if (llvm::is_contained(op.getInitType().getShape(), 0))
        return WalkResult::advance(); // nothing to compute
      Planner planner{*contraction, registers, registerBytes, threads ? threads : 4};
      kern::PlanAttr plan = planner.plan(op.getContext());
      op.setPlanAttr(plan);
      remark::analysis(op.getLoc(), remark::RemarkOpts::name("plan").category("nncc-cpu"))
          << remark::metric("plan", plan)
          << remark::metric("rows", nominal(contraction->rowCount()))
          << remark::metric("columns", nominal(contraction->n.size))
          << remark::metric("depth",
                            nominal(contraction->depth) * contraction->kh * contraction->kw);
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace
