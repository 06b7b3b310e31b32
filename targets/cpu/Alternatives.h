// The plans of a contraction that a measured search tries, and what is asked of a plan that was
// measured elsewhere.
#pragma once

#include "dialects/kern/Kern.h"
#include "targets/cpu/MachineFacts.h"

namespace nncc::cpu {

/// What the choice of a plan depends on beside the problem.
struct PlanChoice {
  MachineFacts facts;
  int64_t threads = 0;           // 0: 4 are assumed
  std::string winograd = "auto"; // see CompileOptions
};

/// Plans near the one that `op` has, the most promising first: other algorithms, the cheapest
/// register tiles by the cost model, and neighbours of the plan. Never the plan itself.
llvm::SmallVector<mlir::Attribute> alternativePlans(kern::ContractOp op, const PlanChoice &choice);

/// Why `plan` is not taken for `op`; "" where a kernel can be made after it.
std::string planRefusal(kern::ContractOp op, mlir::Attribute plan, const PlanChoice &choice);

} // namespace nncc::cpu
