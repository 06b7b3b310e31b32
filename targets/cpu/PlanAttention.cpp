// Tiles, blocks and units of attention.
#include "dialects/Sizes.h"
#include "dialects/kern/Kern.h"
#include "targets/cpu/MachineFacts.h"
#include "targets/cpu/Passes.h"
#include "targets/cpu/VerifyUnit.h"

#include "mlir/IR/Remarks.h"

namespace nncc::cpu {
#define GEN_PASS_DEF_PLANATTENTION
#include "targets/cpu/Passes.h.inc"
} // namespace nncc::cpu

using namespace mlir;
using namespace nncc;
using kern::panel;

namespace {
/// Times are in cycles.
class Planner {
public:
  Planner(kern::AttentionOp op, const cpu::MachineFacts &facts, int64_t threads)
      : op(op), facts(facts), threads(threads) {
    Shape query = shapeOf(op.getQueryType()), value = shapeOf(op.getValueType());
    length = std::max<int64_t>(1, nominal(query[2]));
    heads = std::max<int64_t>(1, nominal(query[0] * query[1]));
    keyCount = std::max<int64_t>(1, nominal(value[2]));
    isKnown = constantOf(value[2]).has_value();
    depth = constantOf(query[3]).value_or(panel);
    columns =
        std::max<int64_t>(1, llvm::divideCeilSigned(constantOf(value[3]).value_or(panel), panel));
    chooseResultTile();
  }

  kern::AttentionPlanAttr plan() {
    std::optional<double> least;
    Plan best;
    // More panels share each key that is read; 3 suffice.
    int64_t most = std::min<int64_t>({3, llvm::divideCeilSigned(length, panel), sums()});
    for (int64_t queries = 1; queries <= most; ++queries)
      for (int64_t keys = 1; keys <= std::min(sums() / queries, keyCount); ++keys) {
        Plan plan{queries, keys, chooseKeyBlock(queries)};
        double time = chooseUnit(plan);
        if (!least || time < *least)
          least = time, best = plan;
      }
    return kern::AttentionPlanAttr::get(op.getContext(), best.queries, best.keys, best.keyBlock,
                                        result.rows, result.panels, best.unitBlocks, best.inPlace);
  }

private:
  struct Plan {
    int64_t queries, keys, keyBlock, unitBlocks = 1;
    bool inPlace = false;
  };
  /// Of results: queries, and panels of columns.
  struct Tile {
    int64_t rows = 1, panels = 1;
  };

  int64_t registersPerPanel() const {
    return llvm::divideCeilSigned(panel * 4, facts.unit.registerBytes);
  }
  /// Panels of sums that a tile may have; the rest is for operands and temporaries.
  int64_t sums() const {
    int64_t registers = facts.unit.registers;
    return std::clamp<int64_t>((registers - (registers >= 32 ? 6 : 4)) / registersPerPanel(), 1,
                               kern::mostSums);
  }
  /// Of a tile: one step of the reduction. Loads get 0.8 of what they do alone, and chains of sums
  /// that are just long enough wait for each other.
  double step(int64_t rows, int64_t panels) const {
    double vectors = panels * registersPerPanel();
    return std::max({rows * vectors / facts.fmas, (rows + vectors) / (0.8 * facts.loads),
                     1.5 * facts.fmaLatency});
  }

  /// Keys whose scores take half of the L1 cache, in blocks of one size.
  int64_t chooseKeyBlock(int64_t queries) const {
    constexpr double most = 1 << 14;
    double room = std::clamp(facts.l1Bytes / 2 / (queries * panel * 4), double(panel), most);
    int64_t blocks = std::max<int64_t>(1, std::llround(keyCount / room));
    return llvm::alignTo(isKnown ? llvm::divideCeilSigned(keyCount, blocks) : int64_t(room), panel);
  }

  void chooseResultTile() {
    std::optional<double> least;
    for (int64_t rows = 1; rows <= std::min(panel, sums()); rows *= 2)
      for (int64_t panels = 1; panels <= std::min(columns, sums() / rows); ++panels) {
        double time = resultTime({rows, panels}, panel, 1);
        // As many rows as there are: their weights lie side by side.
        if (!least || time <= *least)
          least = time, result = {rows, panels};
      }
  }

  /// Products of the weights of `keys` keys, of `rows` queries.
  double resultTime(Tile tile, int64_t rows, double keys) const {
    int64_t rest = columns % tile.panels, tiles = llvm::divideCeilSigned(rows, tile.rows);
    double perKey =
        (columns / tile.panels) * step(tile.rows, tile.panels) + (rest ? step(tile.rows, rest) : 0);
    // Sums are scaled, loaded and stored.
    double edges = 1.5 * tile.rows * columns * registersPerPanel();
    return tiles * (keys * perKey + edges);
  }

  /// Of `panels` panels, of which `rows` queries are there, and a block of `keys` keys.
  double pairTime(const Plan &plan, int64_t panels, int64_t rows, int64_t keys) const {
    constexpr double edge = 20;                     // of a tile's begin and end
    constexpr double exponential = 9, largest = 40; // of a vector of scores; of a block
    double scores = (keys / plan.keys) * (depth * step(plan.keys, panels) + edge);
    if (int64_t rest = keys % plan.keys) // code of its own
      scores += depth * step(rest, panels) + 5 * edge;
    double softmax = panels * registersPerPanel() * (keys * exponential + largest);
    return scores + softmax + resultTime(result, rows, keys);
  }

  /// Of `panels` panels, of which `rows` queries are there, and `keys` keys.
  double blockTime(const Plan &plan, int64_t panels, int64_t rows, int64_t keys) const {
    constexpr double transpose = 500;
    double time =
        panels * transpose + (keys / plan.keyBlock) * pairTime(plan, panels, rows, plan.keyBlock);
    int64_t rest = keys % plan.keyBlock;
    return rest ? time + pairTime(plan, panels, rows, rest) : time;
  }

  /// Units that leave little to wait for, each of which copies keys and values where several blocks
  /// share them. -> the time of all of them
  double chooseUnit(Plan &plan) {
    int64_t lanes = plan.queries * panel, rest = length % lanes;
    int64_t blocks = llvm::divideCeilSigned(length, lanes);
    // With `causal` keys take part up to the end of a block of queries.
    int64_t keys =
        op.getCausal() ? std::min(keyCount, (std::min(length, keyCount) + lanes) / 2) : keyCount;
    double all = (length / lanes) * blockTime(plan, plan.queries, lanes, keys);
    if (rest)
      all += blockTime(plan, llvm::divideCeilSigned(rest, panel), rest, keyCount);
    // A line of 16 elements in 9 cycles. Where they are not copied, the first block waits for the
    // L2 cache, and lines at a head's pitch meet in few sets of the L1 cache.
    double copy = keyCount * 9.0 * (llvm::divideCeilSigned(depth, panel) + columns);
    double wait = 0.4 * copy, pitch = 1.07;
    std::optional<double> least;
    constexpr int64_t most = 1 << 16;
    for (int64_t unit = std::min(blocks, most);; unit = llvm::divideCeilSigned(unit, 2)) {
      double compute = all / blocks * unit, copied = compute + copy;
      double inPlace = compute * pitch + wait, time = std::min(copied, inPlace);
      int64_t units = heads * llvm::divideCeilSigned(blocks, unit);
      // The last one of a worker begins when others have ended theirs.
      double total = (llvm::divideCeilSigned(units, threads) + 0.25) * time;
      if (!least || total < *least) {
        least = total;
        plan.unitBlocks = unit, plan.inPlace = inPlace < copied;
      }
      if (unit == 1)
        return *least;
    }
  }

  kern::AttentionOp op;
  const cpu::MachineFacts &facts;
  int64_t threads, length, heads, keyCount, depth, columns;
  bool isKnown; // the number of keys
  Tile result;
};

struct PlanAttention : nncc::cpu::impl::PlanAttentionBase<PlanAttention> {
  using PlanAttentionBase::PlanAttentionBase;

  LogicalResult initialize(MLIRContext *context) override {
    return nncc::cpu::verifyUnit(context, registers, registerBytes);
  }

  void runOnOperation() override {
    cpu::MachineFacts facts{cpu::VectorUnit{registers, registerBytes}, fmas, loads, fmaLatency,
                            l1Bytes};
    getOperation()->walk([&](kern::AttentionOp op) {
      if (op.getPlan() || llvm::is_contained(op.getInitType().getShape(), 0))
        return;
      kern::AttentionPlanAttr plan = Planner(op, facts, threads ? threads : 4).plan();
      op.setPlanAttr(plan);
      remark::analysis(op.getLoc(), remark::RemarkOpts::name("plan").category("nncc-cpu"))
          << remark::metric("plan", plan)
          << remark::metric("queries", nominal(shapeOf(op.getQueryType())[2]))
          << remark::metric("keys", nominal(shapeOf(op.getKeyType())[2]));
    });
  }
};
} // namespace
