// Attaches what the cost model chooses.
#include "targets/cpu/ContractPlanner.h"
#include "targets/cpu/Passes.h"
#include "targets/cpu/VerifyUnit.h"

#include "mlir/IR/Remarks.h"

namespace nncc::cpu {
#define GEN_PASS_DEF_PLANCONTRACT
#include "targets/cpu/Passes.h.inc"
} // namespace nncc::cpu

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {
struct PlanContract : nncc::cpu::impl::PlanContractBase<PlanContract> {
  using PlanContractBase::PlanContractBase;

  LogicalResult initialize(MLIRContext *context) override {
    return nncc::cpu::verifyUnit(context, registers, registerBytes);
  }

  void runOnOperation() override {
    MachineFacts facts{
        VectorUnit{registers, registerBytes}, fmas, loads, fmaLatency, l1Bytes, l2Bytes, l2Rate};
    WalkResult result = getOperation()->walk([&](kern::ContractOp op) {
      if (op.getPlan())
        return WalkResult::advance();
      FailureOr<Contraction> contraction = Contraction::of(op, /*kernel=*/nullptr);
      if (failed(contraction))
        return WalkResult::interrupt();
      if (llvm::is_contained(op.getInitType().getShape(), 0))
        return WalkResult::advance(); // nothing to compute
      kern::PlanAttr plan = ContractPlanner(*contraction, facts, threads).plan();
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
