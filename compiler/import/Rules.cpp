#include "compiler/import/Rules.h"
#include "compiler/import/Opsets.h"

using namespace nncc;

const Rules &Rules::get() {
  static const Rules rules = [] {
    Rules all;
    addConstantRules(all);
    addElementwiseRules(all);
    addActivationRules(all);
    addLinearRules(all);
    addConvRules(all);
    addPoolRules(all);
    addAttentionRules(all);
    addRecurrentRules(all);
    addNormRules(all);
    addReduceRules(all);
    addMatrixRules(all);
    addDeformRules(all);
    addNGramRules(all);
    addShapeRules(all);
    addMoveRules(all);
    addResizeRules(all);
    addGatherRules(all);
    addGenerateRules(all);
    addQuantRules(all);
    addRandomRules(all);
    addTrainRules(all);
    addMLRules(all);
    addFourierRules(all);
    addEinsumRules(all);
    addSampleRules(all);
    addSequenceRules(all);
    addSelectRules(all);
    addContribRules(all);
    addStringRules(all);
    return all;
  }();
  return rules;
}

const Rules::Entry *Rules::find(llvm::StringRef domain, llvm::StringRef op, int opset) const {
  auto versions = table.find(qualifiedName(domain, op));
  if (versions == table.end())
    return nullptr;
  auto next = versions->second.upper_bound(opset);
  return next == versions->second.begin() ? nullptr : &std::prev(next)->second;
}
