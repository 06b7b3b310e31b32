// Attaches what the cost model chooses: direct, or Winograd's algorithm, and how it is scheduled.
#include "targets/cpu/Passes.h"
#include "targets/cpu/VerifyUnit.h"
#include "targets/cpu/WinogradPlanner.h"

#include "mlir/IR/Remarks.h"

namespace nncc::cpu {
#define GEN_PASS_DEF_PLANWINOGRAD
#include "targets/cpu/Passes.h.inc"
} // namespace nncc::cpu

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {
struct PlanWinograd : nncc::cpu::impl::PlanWinogradBase<PlanWinograd> {
  using PlanWinogradBase::PlanWinogradBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (llvm::is_contained({"auto", "off", "2", "4"}, mode.getValue()))
      return verifyUnit(context, registers, registerBytes);
    return emitError(UnknownLoc::get(context), "expects auto, off, 2 or 4 as mode, found '")
           << mode.getValue() << "'";
  }

  void runOnOperation() override {
    if (mode.getValue() == "off")
      return;
    WalkResult result = getOperation()->walk([&](kern::ContractOp op) {
      if (op.getPlan())
        return WalkResult::advance();
      FailureOr<Contraction> contraction = Contraction::of(op, /*kernel=*/nullptr);
      if (failed(contraction))
        return WalkResult::interrupt();
      if (isWinogradContract(op, *contraction))
        choose(op, *contraction);
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  void choose(kern::ContractOp op, const Contraction &p) {
    MachineFacts facts;
    facts.unit = {registers, registerBytes};
    facts.l2Bytes = l2Bytes;
    WinogradPlanner ofTwo(p, 2, facts, threads), ofFour(p, 4, facts, threads);
    WinogradPlan two = ofTwo.plan(), four = ofFour.plan();
    double direct = directCycles(p);
    int64_t tile = four.cycles < two.cycles ? 4 : 2;
    if (mode.getValue() != "auto")
      tile = mode.getValue() == "2" ? 2 : 4;
    else if (std::min(two.cycles, four.cycles) >= direct)
      tile = 0;
    if (tile)
      op.setPlanAttr(tile == 2 ? ofTwo.attribute(two) : ofFour.attribute(four));
    auto thousands = [](double cycles) { return static_cast<int64_t>(std::round(cycles / 1000)); };
    remark::analysis(op.getLoc(), remark::RemarkOpts::name("winograd").category("nncc-cpu"))
        << remark::metric("tile", tile) << remark::metric("direct_kcycles", thousands(direct))
        << remark::metric("tile_2_kcycles", thousands(two.cycles))
        << remark::metric("tile_4_kcycles", thousands(four.cycles));
  }
};
} // namespace
