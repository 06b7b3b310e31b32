// The cost model of 3x3 convolutions: direct, or Winograd's algorithm, and how it is scheduled.
#include "targets/cpu/Passes.h"
#include "targets/cpu/Winograd.h"

#include "mlir/IR/Remarks.h"

namespace nncc::cpu {
#define GEN_PASS_DEF_PLANWINOGRAD
#include "targets/cpu/Passes.h.inc"
} // namespace nncc::cpu

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;
using kern::panel;

namespace {
/// Cycles that the transforms take per 16 channels or columns, loads and stores included: of a tile
/// of the input, of the weights of one channel, of a tile of the output.
struct TransformCycles {
  double input, weights, output;
};

struct Plan {
  int64_t unitTiles, unitPanels, kBlock, rows, panels;
  double cycles = INFINITY; // on one thread
  double cost = INFINITY;   // what is compared: more where units divide badly among threads
};

/// Costs in cycles of 16 multiplications and additions in f32.
class Planner {
public:
  /// `sums`: panels of them that the registers hold.
  Planner(const Contraction &p, int64_t tile, int64_t threads, int64_t sums)
      : tile(tile), points((tile + 2) * (tile + 2)), threads(threads), sums(sums),
        depth(fixed(p.depth)), panels(fixed(p.panels())) {
    int64_t images = fixed(p.lineCount()) / fixed(p.y.size);
    tiles =
        images * llvm::divideCeil(fixed(p.y.size), tile) * llvm::divideCeil(fixed(p.x.size), tile);
  }

  Plan plan() const {
    Plan best;
    for (int64_t blocks = 1; blocks <= tiles; blocks += 1 + blocks / 8)
      for (int64_t groups = 1; groups <= panels; ++groups)
        for (int64_t kBlocks = 1; kBlocks <= std::max<int64_t>(1, depth / 32); kBlocks *= 2)
          consider(best, llvm::divideCeil(tiles, blocks), llvm::divideCeil(panels, groups),
                   llvm::divideCeil(depth, kBlocks));
    return best;
  }

private:
  static constexpr int64_t cacheBytes = 900 << 10; // of the L2 cache
  static constexpr double bytesPerCycle = 20;      // of what is beyond it

  TransformCycles transforms() const {
    return tile == 2 ? TransformCycles{160, 110, 130} : TransformCycles{400, 240, 280};
  }

  void consider(Plan &best, int64_t unitTiles, int64_t unitPanels, int64_t kBlock) const {
    for (int64_t wide = 1; wide <= std::min<int64_t>(4, unitPanels); ++wide)
      for (int64_t rows = 1; rows * wide <= (wide > 2 ? sums - 2 : sums) && rows <= unitTiles;
           ++rows) {
        Plan plan{unitTiles, unitPanels, kBlock, rows, wide};
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
  double stepCycles(int64_t rows, int64_t wide, const Plan &plan) const {
    if (!rows || !wide)
      return 0;
    double fromL2 = rows >= plan.unitTiles ? 2.5 * wide : 0;
    return std::max({rows * wide * 1.0, 4.0, fromL2}) + 0.04 * (rows + wide);
  }

  double productCycles(int64_t tiles, int64_t panels, const Plan &plan) const {
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

  void estimate(Plan &plan) const {
    double blocks = llvm::divideCeil(tiles, plan.unitTiles);
    double groups = llvm::divideCeil(panels, plan.unitPanels);
    TransformCycles cycles = transforms();
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
  double spilled(const Plan &plan) const {
    double v = 4.0 * points * plan.unitTiles * depth;
    double u = 4.0 * points * plan.unitPanels * panel * plan.kBlock;
    double m = 4.0 * points * plan.unitTiles * plan.unitPanels * panel;
    double all = v + u + m, over = std::max(0.0, all - cacheBytes) / all;
    double kBlocks = llvm::divideCeil(depth, plan.kBlock);
    return over * (v + 2 * u * kBlocks + 2 * m * kBlocks) / bytesPerCycle;
  }

  int64_t tile, points, threads, sums, depth, panels, tiles;
};

/// A direct convolution, at 95 % of the FMA port's peak, without the taps in the padding.
double directCycles(const Contraction &p) {
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

struct PlanWinograd : nncc::cpu::impl::PlanWinogradBase<PlanWinograd> {
  using PlanWinogradBase::PlanWinogradBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (llvm::is_contained({"auto", "off", "2", "4"}, mode.getValue()))
      return success();
    return emitError(UnknownLoc::get(context), "expects auto, off, 2 or 4 as mode, found '")
           << mode.getValue() << "'";
  }

  void runOnOperation() override {
    if (mode.getValue() == "off")
      return;
    WalkResult result = getOperation()->walk([&](kern::ContractOp op) {
      if (op.getPlan() || op.getWindowRank() != 2 || !op.getBType().getElementType().isF32() ||
          !op.getInitType().hasStaticShape() || op.getInitType().getNumElements() == 0)
        return WalkResult::advance();
      FailureOr<Contraction> contraction = Contraction::of(op, /*kernel=*/nullptr);
      if (failed(contraction))
        return WalkResult::interrupt();
      if (isWinogradShape(*contraction))
        choose(op, *contraction);
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  void choose(kern::ContractOp op, const Contraction &p) {
    // All but a few registers, which panels of the weights and temporaries take.
    int64_t assumed = threads ? threads : 4, each = llvm::divideCeil(panel * 4, registerBytes);
    int64_t sums = std::max<int64_t>(1, (registers - (registers >= 32 ? 4 : 6)) / each);
    Plan two = Planner(p, 2, assumed, sums).plan(), four = Planner(p, 4, assumed, sums).plan();
    double direct = directCycles(p);
    int64_t tile = four.cycles < two.cycles ? 4 : 2;
    if (mode.getValue() != "auto")
      tile = mode.getValue() == "2" ? 2 : 4;
    else if (std::min(two.cycles, four.cycles) >= direct)
      tile = 0;
    if (tile) {
      const Plan &plan = tile == 2 ? two : four;
      op.setPlanAttr(kern::WinogradPlanAttr::get(op.getContext(), tile, plan.unitTiles,
                                                 plan.unitPanels, plan.kBlock, plan.rows,
                                                 plan.panels));
    }
    auto thousands = [](double cycles) { return static_cast<int64_t>(std::round(cycles / 1000)); };
    remark::analysis(op.getLoc(), remark::RemarkOpts::name("winograd").category("nncc-cpu"))
        << remark::metric("tile", tile) << remark::metric("direct_kcycles", thousands(direct))
        << remark::metric("tile_2_kcycles", thousands(two.cycles))
        << remark::metric("tile_4_kcycles", thousands(four.cycles));
  }
};
} // namespace
