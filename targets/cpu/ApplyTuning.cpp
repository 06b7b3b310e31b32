// Plans of tuning files -> the operations that they were measured for.
#include "targets/cpu/Alternatives.h"
#include "targets/cpu/Passes.h"
#include "targets/cpu/Tuning.h"
#include "targets/cpu/VerifyUnit.h"

#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringSet.h"

namespace nncc::cpu {
#define GEN_PASS_DEF_APPLYTUNING
#include "targets/cpu/Passes.h.inc"
} // namespace nncc::cpu

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {
remark::RemarkOpts remarkOf(StringRef name) {
  return remark::RemarkOpts::name(name).category("nncc-cpu");
}

struct ApplyTuning : nncc::cpu::impl::ApplyTuningBase<ApplyTuning> {
  using ApplyTuningBase::ApplyTuningBase;

  LogicalResult initialize(MLIRContext *context) override {
    return nncc::cpu::verifyUnit(context, registers, registerBytes);
  }

  void runOnOperation() override {
    if (files.empty())
      return;
    llvm::Expected<Tuning> tuning = Tuning::read(&getContext(), files);
    if (!tuning) {
      emitError(UnknownLoc::get(&getContext())) << llvm::toString(tuning.takeError());
      return signalPassFailure();
    }
    PlanChoice choice;
    choice.facts.unit = {registers, registerBytes};
    choice.winograd = winograd;
    llvm::StringSet<> known;
    getOperation().walk([&](kern::ContractOp op) {
      std::string problem = problemKey(op);
      known.insert(problem);
      const TunedPlan *tuned = op.getPlan() ? nullptr : tuning->find(processor, problem);
      if (!tuned)
        return;
      std::string refusal = planRefusal(op, tuned->plan, choice);
      if (!refusal.empty()) {
        remark::missed(op.getLoc(), remarkOf("tuning"))
            << remark::metric("plan", tuned->plan) << remark::reason("{0}", refusal);
        return;
      }
      op.setPlanAttr(tuned->plan);
      remark::passed(op.getLoc(), remarkOf("tuning"))
          << remark::metric("plan", tuned->plan) << remark::metric("threads", tuned->threads)
          << remark::metric("gain", llvm::formatv("{0:f3}", tuned->gain).str());
    });
    reportUnused(*tuning, known);
  }

  /// Files serve several machines and models: what is of no use here is no error.
  void reportUnused(const Tuning &tuning, const llvm::StringSet<> &known) {
    int64_t ofThis = 0, unknown = 0;
    tuning.forEach(processor, [&](const std::string &problem) {
      ++ofThis;
      unknown += !known.contains(problem);
    });
    int64_t others = tuning.size() - ofThis;
    if (unknown || others)
      remark::analysis(getOperation().getLoc(), remarkOf("tuning-unused"))
          << remark::metric("of_other_processors", others)
          << remark::metric("of_unknown_problems", unknown)
          << remark::metric("processor", processor.getValue());
  }
};
} // namespace
