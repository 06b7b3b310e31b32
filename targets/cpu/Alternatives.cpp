#include "targets/cpu/Alternatives.h"

#include "targets/cpu/ContractPlanner.h"
#include "targets/cpu/WinogradPlanner.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {
/// All plans of one contraction.
class Plans {
public:
  Plans(kern::ContractOp op, const Contraction &p, const PlanChoice &choice)
      : choice(choice), direct(p, choice.facts, choice.threads) {
    if (choice.winograd != "off" && isWinogradContract(op, p))
      for (int64_t tile : {2, 4})
        if (choice.winograd == "auto" || choice.winograd == std::to_string(tile))
          winograd.emplace_back(tile, WinogradPlanner(p, tile, choice.facts, choice.threads));
  }

  std::string refusal(Attribute plan) const {
    if (auto inTiles = dyn_cast<kern::WinogradPlanAttr>(plan)) {
      const WinogradPlanner *planner = find(inTiles);
      return planner ? planner->refusal(inTiles)
                     : "Winograd's algorithm in tiles of this size is not for it, or is not wanted";
    }
    if (!allowsDirect())
      return "Winograd's algorithm is wanted";
    return direct.refusal(cast<kern::PlanAttr>(plan));
  }

  SmallVector<Attribute> alternatives(Attribute to) const {
    SmallVector<Attribute> result, near;
    auto add = [&](Attribute plan) {
      if (plan != to && !llvm::is_contained(result, plan) && refusal(plan).empty())
        result.push_back(plan);
    };
    SmallVector<Attribute> tiles;
    if (allowsDirect())
      llvm::append_range(tiles, direct.plans(mostTiles));
    if (isa<kern::WinogradPlanAttr>(to) && !tiles.empty())
      add(tiles.front());
    for (const auto &[_, planner] : winograd)
      add(planner.attribute(planner.plan()));
    if (auto inTiles = dyn_cast<kern::WinogradPlanAttr>(to)) {
      if (const WinogradPlanner *planner = find(inTiles))
        llvm::append_range(near, planner->neighbours(inTiles));
      tiles.clear(); // of little use unless the direct algorithm is the best one
    } else {
      llvm::append_range(near, direct.neighbours(cast<kern::PlanAttr>(to)));
    }
    for (size_t i = 0; i < std::max(tiles.size(), near.size()); ++i) {
      if (i < tiles.size())
        add(tiles[i]);
      if (i < near.size())
        add(near[i]);
    }
    return result;
  }

private:
  static constexpr size_t mostTiles = 12;

  /// Where a size of tiles is asked for, all that can be are computed in it.
  bool allowsDirect() const {
    return winograd.empty() || choice.winograd == "auto" || choice.winograd == "off";
  }
  const WinogradPlanner *find(kern::WinogradPlanAttr plan) const {
    for (const auto &[tile, planner] : winograd)
      if (tile == plan.getTile())
        return &planner;
    return nullptr;
  }

  const PlanChoice &choice;
  ContractPlanner direct;
  SmallVector<std::pair<int64_t, WinogradPlanner>, 2> winograd;
};
} // namespace

SmallVector<Attribute> nncc::cpu::alternativePlans(kern::ContractOp op, const PlanChoice &choice) {
  FailureOr<Contraction> contraction = Contraction::of(op, /*kernel=*/nullptr);
  if (failed(contraction) || !op.getPlan())
    return {};
  return Plans(op, *contraction, choice).alternatives(op.getPlanAttr());
}

std::string nncc::cpu::planRefusal(kern::ContractOp op, Attribute plan, const PlanChoice &choice) {
  FailureOr<Contraction> contraction = Contraction::of(op, /*kernel=*/nullptr);
  if (failed(contraction))
    return "it is not implemented";
  if (llvm::is_contained(op.getInitType().getShape(), 0))
    return "there is nothing to compute";
  return Plans(op, *contraction, choice).refusal(plan);
}
