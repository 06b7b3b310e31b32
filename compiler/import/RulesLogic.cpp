// Comparisons and logic. Exporters decide shapes and branches by comparing sizes: with values that
// are known at compile time the result is, too.
#include "compiler/import/FoldIntegers.h"
#include "compiler/import/Rules.h"

using namespace mlir;
using namespace nncc;

static Value fold(OpBinder &b, Value lhs, Value rhs,
                  llvm::function_ref<int64_t(int64_t, int64_t)> apply) {
  return foldElements(b, lhs, rhs, b.getBuilder().getI1Type(), apply);
}

Value nncc::foldToBool(OpBinder &b, Value value) {
  return fold(b, value, value, [](int64_t element, int64_t) { return element != 0; });
}

static bool compare(nn::CompareKind kind, int64_t lhs, int64_t rhs) {
  switch (kind) {
  case nn::CompareKind::Equal:
    return lhs == rhs;
  case nn::CompareKind::Less:
    return lhs < rhs;
  case nn::CompareKind::LessEqual:
    return lhs <= rhs;
  case nn::CompareKind::Greater:
    return lhs > rhs;
  case nn::CompareKind::GreaterEqual:
    return lhs >= rhs;
  }
  return false;
}

static Rule importCompare(nn::CompareKind kind) {
  return [kind](OpBinder &b) {
    Value lhs = b.input(0), rhs = b.secondOperand();
    if (Value known = fold(b, lhs, rhs, [&](int64_t x, int64_t y) { return compare(kind, x, y); }))
      return b.result(known);
    nn::CompareOp::Properties properties;
    properties.kind = nn::CompareKindAttr::get(b.getBuilder().getContext(), kind);
    b.result(b.create<nn::CompareOp>({lhs, rhs}, properties));
  };
}

template <typename Op> static Rule importLogic(bool (*apply)(bool, bool)) {
  return [apply](OpBinder &b) {
    Value lhs = b.input(0), rhs = b.secondOperand();
    Value known = fold(b, lhs, rhs, [&](int64_t x, int64_t y) { return apply(x, y); });
    b.result(known ? known : b.create<Op>({lhs, rhs}));
  };
}

static void importNot(OpBinder &b) {
  Value x = b.input(0);
  Value known = fold(b, x, x, [](int64_t element, int64_t) { return element == 0; });
  b.result(known ? known : b.create<nn::NotOp>({x}));
}

void nncc::addLogicRules(Rules &rules) {
  rules.onOp("Equal", 1, importCompare(nn::CompareKind::Equal));
  rules.onOp("Less", 1, importCompare(nn::CompareKind::Less));
  rules.onOp("Greater", 1, importCompare(nn::CompareKind::Greater));
  rules.onOp("LessOrEqual", 12, importCompare(nn::CompareKind::LessEqual));
  rules.onOp("GreaterOrEqual", 12, importCompare(nn::CompareKind::GreaterEqual));
  rules.onOp("And", 1, importLogic<nn::AndOp>([](bool x, bool y) { return x && y; }));
  rules.onOp("Or", 1, importLogic<nn::OrOp>([](bool x, bool y) { return x || y; }));
  rules.onOp("Xor", 1, importLogic<nn::XorOp>([](bool x, bool y) { return x != y; }));
  rules.onOp("Not", 1, importNot);
}
