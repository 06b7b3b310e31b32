// How each ONNX operator becomes ops of nn.
#pragma once

#include "compiler/import/OpBinder.h"

#include "llvm/ADT/StringMap.h"

#include <map>

namespace nncc {

/// Builds the results of one node, or reports why it cannot.
using Rule = std::function<void(OpBinder &)>;

/// The rules by operator. An operator without one is imported through its function body, if ONNX
/// defines it by one. A rule holds from operator set `since` on until a later rule of the operator.
class Rules {
public:
  /// All rules of nncc.
  static const Rules &get();

  struct Entry {
    Rule rule;
    bool takesValues; // inputs may be more than tensors of numbers: see Values.h
  };
  /// The rule for `op` of an ONNX domain as operator set `opset` defines it, or null.
  const Entry *find(llvm::StringRef domain, llvm::StringRef op, int opset) const;

  /// Registers a rule of ONNX's own domain, or of another one by its qualified name:
  /// "ai.onnx.ml.Binarizer".
  void onOp(llvm::StringRef op, int since, Rule rule) {
    table[op][since] = {std::move(rule), /*takesValues=*/false};
  }
  /// The same, of a rule that takes values of any type.
  void onValues(llvm::StringRef op, int since, Rule rule) {
    table[op][since] = {std::move(rule), /*takesValues=*/true};
  }
  /// Puts `rule`, which gets the one that there was, in the place of all rules of an operator. It
  /// takes values of any type.
  void extend(llvm::StringRef op, std::function<void(OpBinder &, const Rule &)> rule) {
    for (auto &[since, entry] : table[op])
      entry = {[rule, before = entry.rule](OpBinder &b) { rule(b, before); }, /*takesValues=*/true};
  }

private:
  llvm::StringMap<std::map<int, Entry>> table;
};

// One per family of operators, in Rules<Family>.cpp.
void addConstantRules(Rules &rules);
void addElementwiseRules(Rules &rules);
void addActivationRules(Rules &rules);
void addLinearRules(Rules &rules);
void addConvRules(Rules &rules);
void addPoolRules(Rules &rules);
void addAttentionRules(Rules &rules);
void addRecurrentRules(Rules &rules);
void addNormRules(Rules &rules);
void addReduceRules(Rules &rules);
void addShapeRules(Rules &rules);
void addMoveRules(Rules &rules);
void addResizeRules(Rules &rules);
void addGatherRules(Rules &rules);
void addGenerateRules(Rules &rules);
void addQuantRules(Rules &rules);
void addRandomRules(Rules &rules);
void addTrainRules(Rules &rules);
void addMLRules(Rules &rules);
void addFourierRules(Rules &rules);
void addEinsumRules(Rules &rules);
void addSampleRules(Rules &rules);
void addSequenceRules(Rules &rules);
void addSelectRules(Rules &rules);
void addMatrixRules(Rules &rules);
void addDeformRules(Rules &rules);
void addNGramRules(Rules &rules);
void addContribRules(Rules &rules);
/// Last: it extends rules of others.
void addStringRules(Rules &rules);

} // namespace nncc
