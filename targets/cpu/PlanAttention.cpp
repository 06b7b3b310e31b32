// Tiles and units of attention.
#include "dialects/Sizes.h"
#include "dialects/kern/Kern.h"
#include "targets/cpu/Passes.h"

#include "mlir/IR/Remarks.h"

namespace nncc::cpu {
#define GEN_PASS_DEF_PLANATTENTION
#include "targets/cpu/Passes.h.inc"
} // namespace nncc::cpu

using namespace mlir;
using namespace nncc;
using kern::panel;

namespace {
struct Planner {
  int64_t registers, registerBytes, threads;

  int64_t registersPerPanel() const { return llvm::divideCeil(panel * 4, registerBytes); }
  /// Panels of sums that a tile may have; the rest is for operands and temporaries.
  int64_t sums() const {
    return std::max<int64_t>(1, (registers - (registers >= 32 ? 6 : 4)) / registersPerPanel());
  }
  /// Cycles of one step of a tile: its multiply-adds, its loads at two a cycle, and the latency of
  /// a chain.
  double step(int64_t rows, int64_t panels) const {
    double vectors = panels * registersPerPanel();
    return std::max({rows * vectors, (rows + vectors) / 2.0, 4.0});
  }

  /// Keys of a tile: so that all tiles are of one size, or the last one is large.
  int64_t chooseKeys(AffineExpr size, bool isCausal) const {
    auto count = constantOf(size);
    if (!count || isCausal) // as many keys as a multiple of 16, or any number: halved tiles follow
      return std::min(panel, sums());
    auto cost = [&](int64_t keys) {
      constexpr double edge = 1; // of a tile's begin and end, in steps
      double rest = *count % keys ? step(*count % keys, 1) + 5 * edge : 0; // code of its own
      return (*count / keys) * (step(keys, 1) + edge) + rest;
    };
    int64_t best = 1;
    for (int64_t keys = 2; keys <= std::min(sums(), *count); ++keys)
      if (cost(keys) <= cost(best))
        best = keys;
    return best;
  }

  kern::AttentionPlanAttr plan(kern::AttentionOp op) const {
    Shape query = shapeOf(op.getQueryType()), value = shapeOf(op.getValueType());
    // As many rows of the result as there are: their weights lie side by side.
    int64_t rows = std::min<int64_t>(panel, llvm::bit_floor(static_cast<uint64_t>(sums())));
    int64_t all = llvm::divideCeil(constantOf(value[3]).value_or(panel), panel);
    int64_t panels = std::clamp<int64_t>(sums() / rows, 1, std::max<int64_t>(all, 1));
    int64_t blocks = std::max<int64_t>(1, nominal(query[2].ceilDiv(panel))), unit = blocks;
    int64_t heads = std::max<int64_t>(1, nominal(query[0] * query[1]));
    // Keys and values are copied for each unit: two blocks should share them.
    while (unit > 2 && heads * llvm::divideCeilSigned(blocks, unit) < 4 * threads)
      unit = llvm::divideCeilSigned(unit, 2);
    return kern::AttentionPlanAttr::get(op.getContext(), chooseKeys(value[2], op.getCausal()), rows,
                                        panels, unit, /*in_place=*/unit == 1);
  }
};

struct PlanAttention : nncc::cpu::impl::PlanAttentionBase<PlanAttention> {
  using PlanAttentionBase::PlanAttentionBase;

  void runOnOperation() override {
    getOperation()->walk([&](kern::AttentionOp op) {
      if (op.getPlan() || llvm::is_contained(op.getInitType().getShape(), 0))
        return;
      Planner planner{registers, registerBytes, threads ? threads : 4};
      kern::AttentionPlanAttr plan = planner.plan(op);
      op.setPlanAttr(plan);
      remark::analysis(op.getLoc(), remark::RemarkOpts::name("plan").category("nncc-cpu"))
          << remark::metric("plan", plan)
          << remark::metric("queries", nominal(shapeOf(op.getQueryType())[2]))
          << remark::metric("keys", nominal(shapeOf(op.getKeyType())[2]));
    });
  }
};
} // namespace
