// Tiles and units of recurrences.
#include "dialects/Sizes.h"
#include "dialects/kern/Kern.h"
#include "targets/cpu/Passes.h"
#include "targets/cpu/VerifyUnit.h"

#include "mlir/IR/Remarks.h"

namespace nncc::cpu {
#define GEN_PASS_DEF_PLANRECURRENCE
#include "targets/cpu/Passes.h.inc"
} // namespace nncc::cpu

using namespace mlir;
using namespace nncc;
using kern::panel;

namespace {
struct PlanRecurrence : nncc::cpu::impl::PlanRecurrenceBase<PlanRecurrence> {
  using PlanRecurrenceBase::PlanRecurrenceBase;

  LogicalResult initialize(MLIRContext *context) override {
    return nncc::cpu::verifyUnit(context, registers, registerBytes);
  }

  /// The workers that a step is worth sharing between: what each of them reads of the weights has
  /// to take several times as long as to wait for the others.
  static int64_t teamOf(kern::RecurrenceOp op) {
    constexpr int64_t share = 128 << 10; // bytes: more than a microsecond in the second level
    RankedTensorType r = op.getRType();
    int64_t bytes = r.getNumElements() / op.getDirections() * r.getElementTypeBitWidth() / 8;
    return std::clamp<int64_t>(bytes / share, 1, op.getPanels());
  }

  kern::RecurrencePlanAttr plan(kern::RecurrenceOp op) const {
    constexpr int64_t most = 8; // rows of a block: more are bound by arithmetic already
    int64_t bytes = op.getXType().getElementTypeBitWidth() / 8;
    int64_t perPanel = llvm::divideCeil(panel * bytes, registerBytes);
    int64_t sums = std::max<int64_t>(1, (registers - (registers >= 32 ? 6 : 4)) / perPanel);
    AffineExpr batch = shapeOf(op.getXType())[1];
    int64_t rows = std::max<int64_t>(1, nominal(batch)), workers = threads ? threads : 4;
    // Two rows cost little more than one, whose products wait for the weights; four keep them busy.
    int64_t unitRows = constantOf(batch) && rows * op.getDirections() < 8 ? 2 : 4;
    unitRows =
        std::clamp(llvm::divideCeilSigned(rows * op.getDirections(), workers), unitRows, most);
    if (!constantOf(batch))
      unitRows = 4;
    int64_t team = teamOf(op);
    if (team > 1 && constantOf(batch) && rows * op.getDirections() < 4 * workers)
      unitRows = most; // too few for all workers: these share the weights instead of the rows
    unitRows = std::min(unitRows, rows);
    int64_t block = std::min(rows, most) / unitRows * unitRows;
    int64_t tile = llvm::bit_floor(static_cast<uint64_t>(std::min(block, sums)));
    return kern::RecurrencePlanAttr::get(op.getContext(), unitRows, block, tile, sums, team);
  }

  void runOnOperation() override {
    getOperation()->walk([&](kern::RecurrenceOp op) {
      if (op.getPlan())
        return;
      kern::RecurrencePlanAttr chosen = plan(op);
      op.setPlanAttr(chosen);
      remark::analysis(op.getLoc(), remark::RemarkOpts::name("plan").category("nncc-cpu"))
          << remark::metric("plan", chosen)
          << remark::metric("rows", nominal(shapeOf(op.getXType())[1]))
          << remark::metric("units", op.getUnits());
    });
  }
};
} // namespace
