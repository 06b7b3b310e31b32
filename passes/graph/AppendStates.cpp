// States of loops that only ever grow at their end: what a loop collects.
#include "dialects/nn/NN.h"
#include "dialects/rt/RT.h"
#include "passes/Passes.h"

using namespace mlir;

namespace nncc {
#define GEN_PASS_DEF_APPENDSTATES
#include "passes/Passes.h.inc"

namespace {

/// A state that the body puts something behind, along the first dim, and does not look at.
struct Appended {
  unsigned state;
  nn::ConcatOp concat;
  RankedTensorType type; // of all that is put there
};

AffineExpr startOf(rt::LoopOp loop, AffineExpr size) {
  auto symbol = dyn_cast<AffineSymbolExpr>(size);
  for (auto [i, own] : llvm::enumerate(loop.getSymbols()))
    if (symbol && symbol.getPosition() == own)
      return loop.getStarts()->getResult(i);
  return {};
}

std::optional<Appended> matchState(rt::LoopOp loop, unsigned i) {
  BlockArgument state = loop.getBody().getArgument(i);
  auto concat = loop.getNextStates()[i].getDefiningOp<nn::ConcatOp>();
  if (!concat || concat.getAxis() != 0 || concat->getBlock() != state.getOwner() ||
      concat.getInputs()[0] != state || !state.hasOneUse() || !concat->hasOneUse() ||
      concat.getInputs().size() < 2)
    return std::nullopt;
  Shape shape = shapeOf(state);
  const AffineExpr start = startOf(loop, shape[0]);
  auto changes = [&](AffineExpr size) { return bool(startOf(loop, size)); };
  if (!start || llvm::any_of(llvm::drop_begin(shape), changes))
    return std::nullopt;
  shape[0] = normalForm(shape[0] - start);
  return Appended{i, concat, tensorOf(shape, getElementTypeOrSelf(state))};
}

Value concatOf(OpBuilder &b, Location loc, Type type, ValueRange values) {
  return values.size() == 1 ? values[0] : nn::ConcatOp::create(b, loc, type, values, 0).getResult();
}

// What the body puts there in one iteration.
Value elementOf(nn::ConcatOp concat) {
  OpBuilder b(concat);
  ValueRange values = concat.getInputs().drop_front();
  Shape shape = shapeOf(values[0]);
  for (Value value : values.drop_front())
    shape[0] = normalForm(shape[0] + shapeOf(value)[0]);
  return concatOf(b, concat.getLoc(), tensorOf(shape, getElementTypeOrSelf(values[0])), values);
}

/// The loop without these states, which it collects behind its other results.
void collectStates(rt::LoopOp loop, ArrayRef<Appended> appended) {
  OpBuilder b(loop);
  rt::YieldOp yield = loop.getYield();
  llvm::BitVector isGone(loop.getInits().size());
  SmallVector<Value> elements;
  for (const Appended &one : appended) {
    isGone.set(one.state);
    elements.push_back(elementOf(one.concat));
  }
  const unsigned first = loop.getConditional();
  llvm::BitVector operands(loop.getNumOperands()), yielded(yield.getNumOperands());
  SmallVector<Type> types;
  SmallVector<Value> old;
  for (auto [i, result] : llvm::enumerate(loop.getResults()))
    if (i < isGone.size() && isGone[i]) {
      operands.set(first + i);
      yielded.set(first + i);
    } else {
      types.push_back(result.getType());
      old.push_back(result);
    }
  for (const Appended &one : appended)
    types.push_back(one.type);
  SmallVector<Value> inits(loop.getInits());
  loop->eraseOperands(operands);
  yield->eraseOperands(yielded);
  yield->insertOperands(yield->getNumOperands(), elements);
  for (const Appended &one : appended)
    one.concat->erase();
  loop.getBody().front().eraseArguments(isGone);
  auto next = rt::LoopOp::create(b, loop.getLoc(), types, loop.getOperands(), loop.getProperties(),
                                 llvm::to_vector(loop->getDiscardableAttrs()));
  next.getBody().takeBody(loop.getBody());
  for (auto [value, result] : llvm::zip(old, next.getResults()))
    value.replaceAllUsesWith(result);
  for (auto [i, one] : llvm::enumerate(appended)) {
    Value all = next.getResult(old.size() + i), init = inits[one.state],
          was = loop.getResult(one.state);
    const bool isEmpty = constantOf(shapeOf(init)[0]) == 0;
    SmallVector<Value> parts{init, all};
    was.replaceAllUsesWith(
        concatOf(b, loop.getLoc(), was.getType(), ValueRange(parts).drop_front(isEmpty)));
  }
  loop.erase();
}

struct AppendStates : impl::AppendStatesBase<AppendStates> {
  void runOnOperation() override {
    SmallVector<rt::LoopOp> loops;
    getOperation().walk([&](rt::LoopOp loop) { loops.push_back(loop); });
    for (rt::LoopOp loop : loops) {
      SmallVector<Appended> appended;
      for (unsigned i = 0; i < loop.getInits().size(); ++i)
        if (auto match = matchState(loop, i))
          appended.push_back(*match);
      if (!appended.empty())
        collectStates(loop, appended);
    }
  }
};

} // namespace
} // namespace nncc
