// Steps of recurrent layers -> kern.recurrence.
#include "dialects/nn/Generics.h"
#include "passes/Passes.h"

#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace nncc {
#define GEN_PASS_DEF_FORMRECURRENCES
#include "passes/Passes.h.inc"
} // namespace nncc

using namespace mlir;
using namespace nncc;

namespace {

/// The arguments of a cell, and its formulas on one element. `gates`: those it has x and sums of.
struct Cell {
  OpBuilder &b;
  Location loc;
  nn::RecurrenceOp op;
  ValueRange arguments;
  int64_t gates;

  Value x(int64_t gate) { return arguments[gate]; }
  Value sum(int64_t gate) { return arguments[gates + gate]; }
  Value param(int64_t i) { return arguments[2 * gates + i]; }
  Value state(int64_t i) {
    int64_t count = nn::RecurrenceOp::statesOf(op.getKind());
    return arguments[arguments.size() - count + i];
  }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y); }
  Value fromOne(Value x) {
    return arith::SubFOp::create(b, loc, nn::scalar(b, loc, x.getType(), 1), x);
  }
  Value total(int64_t gate) { return add(x(gate), sum(gate)); }

  Value activate(int64_t function, Value x) {
    if (std::optional<APFloat> clip = op.getClip()) {
      double bound = clip->convertToDouble();
      x = arith::MaximumFOp::create(b, loc, x, nn::scalar(b, loc, x.getType(), -bound));
      x = arith::MinimumFOp::create(b, loc, x, nn::scalar(b, loc, x.getType(), bound));
    }
    return op.activate(b, loc, function, x);
  }

  SmallVector<Value> rnn() { return {activate(0, total(0))}; }

  SmallVector<Value> gru() {
    Value z = activate(0, total(0)), h = state(0), next = total(2);
    if (op.getLinearBeforeReset()) {
      Value own = op.getParams() ? add(sum(2), param(0)) : sum(2);
      next = add(x(2), mul(activate(0, total(1)), own));
    }
    return {add(mul(fromOne(z), activate(1, next)), mul(z, h))};
  }
  SmallVector<Value> reset() { return {mul(activate(0, total(1)), state(0))}; }

  SmallVector<Value> lstm() {
    enum Gate { I, O, F, C };
    auto value = [&](Gate gate, int64_t peephole, Value c) {
      Value sum = total(gate);
      return activate(0, op.getParams() ? add(sum, mul(param(peephole), c)) : sum);
    };
    Value c = state(1), i = value(I, 0, c);
    Value f = op.getInputForget() ? fromOne(i) : value(F, 2, c);
    Value next = add(mul(f, c), mul(i, activate(1, total(C))));
    Value o = value(O, 1, next);
    // No argument of h is bounded: it is a state.
    return {mul(o, op.activate(b, loc, 2, next)), next};
  }

  SmallVector<Value> states() {
    switch (op.getKind()) {
    case nn::CellKind::RNN:
      return rnn();
    case nn::CellKind::GRU:
      return gru();
    case nn::CellKind::LSTM:
      return lstm();
    }
    llvm_unreachable("a kind of cell");
  }
};

struct FormRecurrence : OpRewritePattern<nn::RecurrenceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::RecurrenceOp op, PatternRewriter &rewriter) const override {
    SmallVector<Value> inits;
    SmallVector<Type> types;
    for (Value result : op.getResults()) {
      if (result.use_empty()) {
        inits.push_back(nullptr);
        continue;
      }
      auto type = llvm::cast<RankedTensorType>(result.getType());
      types.push_back(type);
      inits.push_back(
          nn::Generics(rewriter, op.getLoc()).empty(shapeOf(type), type.getElementType()));
    }
    inits.resize(3);
    if (types.empty())
      return rewriter.notifyMatchFailure(op, "nothing uses its results");
    using nn::Direction;
    SmallVector<bool> reverse;
    if (op.getDirection() != Direction::Reverse)
      reverse.push_back(false);
    if (op.getDirection() != Direction::Forward)
      reverse.push_back(true);
    bool resets = op.getKind() == nn::CellKind::GRU && !op.getLinearBeforeReset();
    auto recurrence = kern::RecurrenceOp::create(
        rewriter, op.getLoc(), types, op.getX(), packWeights(op, rewriter), op.getParams(),
        op.getLengths(), op.getInitialH(), op.getInitialC(), inits[0], inits[1], inits[2],
        rewriter.getDenseBoolArrayAttr(reverse), kern::RecurrencePlanAttr(), resets ? 1 : 0);
    int64_t gates = nn::RecurrenceOp::gatesOf(op.getKind());
    buildBody(op, rewriter, recurrence.getCell(), gates, &Cell::states);
    if (resets)
      buildBody(op, rewriter, recurrence.getReset().front(), gates - 1, &Cell::reset);
    size_t next = 0;
    for (Value result : op.getResults())
      if (!result.use_empty())
        rewriter.replaceAllUsesWith(result, recurrence.getResult(next++));
    rewriter.eraseOp(op);
    return success();
  }

  /// [D, G*H, K] -> [D, H/16, G, K, 16]. The last panel of a gate runs over into the next gate.
  static Value packWeights(nn::RecurrenceOp op, PatternRewriter &rewriter) {
    int64_t gates = nn::RecurrenceOp::gatesOf(op.getKind());
    auto source = llvm::cast<RankedTensorType>(op.getR().getType());
    int64_t units = source.getDimSize(2), panels = llvm::divideCeil(units, kern::panel);
    auto type = source.clone({source.getDimSize(0), panels, gates, units, kern::panel});
    return kern::PackOp::create(rewriter, op.getLoc(), type, op.getR(),
                                ArrayRef<int64_t>{0, 1, 1, 2, 1},
                                ArrayRef<int64_t>{1, kern::panel, units, 1, 1});
  }

  static void buildBody(nn::RecurrenceOp op, PatternRewriter &rewriter, Region &region,
                        int64_t gates, SmallVector<Value> (Cell::*build)()) {
    OpBuilder::InsertionGuard guard(rewriter);
    int64_t params = op.getParams() ? op.getParams().getType().getDimSize(1) : 0;
    int64_t count = 2 * gates + params + nn::RecurrenceOp::statesOf(op.getKind());
    Location loc = op.getLoc();
    Block *body = rewriter.createBlock(
        &region, region.end(), SmallVector<Type>(count, op.getX().getType().getElementType()),
        SmallVector<Location>(count, loc));
    Cell cell{rewriter, loc, op, body->getArguments(), gates};
    kern::StatesOp::create(rewriter, loc, (cell.*build)());
  }
};

struct FormRecurrences : nncc::impl::FormRecurrencesBase<FormRecurrences> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<FormRecurrence>(&getContext());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
