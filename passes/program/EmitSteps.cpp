#include "passes/program/EmitSteps.h"

#include "dialects/SizeText.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace nncc {

namespace {

using Sizes = SmallVector<AffineExpr>;

class StepEmitter {
public:
  StepEmitter(func::FuncOp function, const ValueHomes &homes, const ArenaPlan &arena,
              const DenseMap<Value, int64_t> &weights)
      : function(function), homes(homes), arena(arena), weights(weights), b(function.getContext()) {
    for (const Owned &owned : homes.owned)
      freed[owned.lastUser].push_back(owned.pointer);
  }

  void emit(Block &block) {
    llvm::DenseSet<AffineExpr> outer = bounded;
    for (Operation &op : llvm::make_early_inc_range(block)) {
      b.setInsertionPointAfter(&op);
      emit(&op);
    }
    bounded = std::move(outer);
  }

  /// What has become steps.
  void erase(Block &block) {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
      if (isa<rt::WhenOp, rt::WhileOp>(op))
        for (Region &region : op.getRegions())
          erase(region.front());
      else if (isa<rt::DispatchOp, rt::ViewOp, rt::ReadOp, rt::WithinOp, rt::IfOp, rt::LoopOp,
                   rt::YieldOp>(op))
        op.erase();
    if (!isa<func::FuncOp>(block.getParentOp()))
      block.eraseArguments(0, block.getNumArguments());
  }

private:
  AffineMap mapOf(ArrayRef<AffineExpr> sizes) { return sizeMap(sizes, b.getContext()); }
  AffineExpr symbol(int64_t number) { return getAffineSymbolExpr(number, b.getContext()); }
  AffineExpr constant(int64_t value) { return getAffineConstantExpr(value, b.getContext()); }

  /// A home without its views.
  struct Address {
    rt::Space space;
    int64_t index, offset;
    AffineExpr start;
  };
  Address addressOf(Value value) {
    auto [base, start] = resolveViews(value);
    const ValueHome *home = homes.lookup(base);
    Address address = {rt::Space::Weights, 0, 0, start};
    if (!home)
      address.offset = weights.lookup(base);
    else
      address = {home->space, home->index, home->offset,
                 home->start ? normalForm(start + home->start) : start};
    if (address.space == rt::Space::Arena) {
      int64_t place = arena.places[address.index];
      address.index = arena.hasSlots ? place : 0;
      address.offset += arena.hasSlots ? 0 : place;
    }
    if (std::optional<int64_t> known = constantOf(address.start)) {
      address.offset += *known;
      address.start = constant(0);
    }
    return address;
  }
  rt::PlaceAttr placeOf(const Address &a) {
    AffineMap start = constantOf(a.start) ? AffineMap() : mapOf(a.start);
    return rt::PlaceAttr::get(b.getContext(), a.space, a.index, a.offset, start);
  }
  rt::PlaceAttr placeOf(Value value) { return placeOf(addressOf(value)); }
  rt::PlaceAttr placeOf(int64_t pointer) {
    return rt::PlaceAttr::get(b.getContext(), rt::Space::Pointer, pointer, 0, AffineMap());
  }

  void emit(Operation *op) {
    if (auto dispatch = dyn_cast<rt::DispatchOp>(op))
      emitDispatch(dispatch);
    else if (auto read = dyn_cast<rt::ReadOp>(op))
      rt::LoadOp::create(b, op->getLoc(), getElementTypeOrSelf(read.getSource()),
                         placeOf(read.getSource()), read.getSymbols(), read.getMinus(),
                         read.getText());
    else if (auto within = dyn_cast<rt::WithinOp>(op))
      emitLimit(within);
    else if (auto branch = dyn_cast<rt::IfOp>(op))
      emitIf(branch);
    else if (auto loop = dyn_cast<rt::LoopOp>(op))
      emitLoop(loop);
    auto last = freed.find(op);
    if (last != freed.end())
      for (int64_t pointer : last->second)
        rt::FreeOp::create(b, op->getLoc(), pointer);
  }

  /// Sizes that a run computes are looked at before the first step that works with them.
  void bound(rt::DispatchOp op) {
    Sizes sizes;
    auto add = [&](AffineExpr size) {
      if (homes.isLate(size) && bounded.insert(size).second)
        sizes.push_back(size);
    };
    for (Value value : op->getResults()) {
      for (AffineExpr size : shapeOf(value))
        add(normalForm(size));
      add(byteSize(value.getType()));
    }
    for (Value value : op->getOperands())
      add(resolveViews(value).second);
    if (op.getDims())
      for (AffineExpr size : op.getDims()->getResults())
        add(normalForm(size));
    if (sizes.empty())
      return;
    auto nodes = op->getAttrOfType<StringAttr>("nodes");
    std::string text = "node '" + (nodes ? nodes.str() : "") + "': a size";
    rt::BoundOp::create(b, op.getLoc(), mapOf(sizes), text);
  }

  void prepare(Value result) {
    const ValueHome *home = homes.lookup(result);
    AffineExpr bytes = byteSize(result.getType());
    Location loc = result.getLoc();
    if (home->before == ValueHome::Before::Allocate)
      rt::AllocateOp::create(b, loc, home->index, mapOf(bytes));
    else if (home->before == ValueHome::Before::AskForOutput)
      rt::OutputOp::create(b, loc, home->index, home->output, mapOf(home->sizes));
    else if (home->before == ValueHome::Before::Grow)
      rt::GrowOp::create(b, loc, home->index, mapOf(normalForm(home->start + bytes)),
                         mapOf(home->start));
  }

  void emitDispatch(rt::DispatchOp op) {
    bound(op);
    llvm::for_each(op.getResults(), [&](Value result) { prepare(result); });
    SmallVector<int32_t> spaces;
    SmallVector<int64_t> indices, offsets;
    Sizes starts;
    SmallVector<Value> values(op.getOperands());
    llvm::append_range(values, op.getResults());
    double bytes = 0;
    for (Value value : values) {
      Address address = addressOf(value);
      spaces.push_back(static_cast<int32_t>(address.space));
      indices.push_back(address.index);
      offsets.push_back(address.offset);
      starts.push_back(address.start);
      bytes += nominal(byteSize(value.getType()));
    }
    auto run = rt::RunOp::create(
        b, op.getLoc(), op.getKernelAttr(), b.getDenseI32ArrayAttr(spaces),
        b.getDenseI64ArrayAttr(indices), b.getDenseI64ArrayAttr(offsets), op.getDimsAttr(),
        symbolCount(starts) ? AffineMapAttr::get(mapOf(starts)) : AffineMapAttr());
    for (StringRef name : {"nodes", "flops"})
      if (Attribute attr = op->getAttr(name))
        run->setAttr(name, attr);
    run->setAttr("bytes", b.getF64FloatAttr(bytes));
  }

  void emitLimit(rt::WithinOp op) {
    AffineExpr count = normalForm(elementCount(shapeOf(op.getSource()), b.getContext()));
    rt::LimitOp::create(b, op.getLoc(), getElementTypeOrSelf(op.getSource()),
                        placeOf(op.getSource()), mapOf(count), op.getLow(), op.getHigh(),
                        op.getText());
  }

  int64_t loadCondition(Location loc, Value condition) {
    int64_t number = addSymbol(function);
    loadCondition(loc, condition, number);
    return number;
  }
  void loadCondition(Location loc, Value condition, int64_t number) {
    rt::LoadOp::create(b, loc, getElementTypeOrSelf(condition), placeOf(condition),
                       ArrayRef<int64_t>(number), ArrayRef<int64_t>(), "a condition");
  }
  void set(Location loc, ArrayRef<int64_t> symbols, ArrayRef<AffineExpr> values) {
    if (!symbols.empty())
      rt::SetOp::create(b, loc, symbols, mapOf(values));
  }
  static ArrayRef<AffineExpr> resultsOf(const std::optional<AffineMap> &map) {
    return map ? map->getResults() : ArrayRef<AffineExpr>();
  }

  void emitIf(rt::IfOp op) {
    int64_t number = loadCondition(op.getLoc(), op.getCondition());
    auto when = rt::WhenOp::create(b, op.getLoc(), number);
    for (auto [from, to] : llvm::zip(op->getRegions(), when->getRegions())) {
      to.takeBody(from);
      emit(to.front());
      auto yield = cast<rt::YieldOp>(to.front().back());
      b.setInsertionPointAfter(yield);
      set(op.getLoc(), op.getSymbols(), resultsOf(yield.getSizes()));
    }
    b.setInsertionPointAfter(when);
  }

  void emitLoop(rt::LoopOp op) {
    Location loc = op.getLoc();
    SmallVector<LoopState> states = homes.loopStates.lookup(op);
    for (auto [state, init] : llvm::zip(states, op.getInits())) {
      rt::PointOp::create(b, loc, state.current, placeOf(init));
      if (state.owned >= 0)
        rt::PointOp::create(b, loc, state.owned, rt::PlaceAttr());
    }
    for (int64_t pointer : homes.growing.lookup(op))
      rt::PointOp::create(b, loc, pointer, rt::PlaceAttr());
    AffineExpr counter = symbol(op.getCounter());
    AffineExpr trip = op.getTrip() ? op.getTrip()->getResult(0) : AffineExpr();
    int64_t holds = op.getConditional() ? loadCondition(loc, op.getCondition()) : -1;
    int64_t goesOn = addSymbol(function);
    auto again = [&](AffineExpr done) {
      AffineExpr result = constant(1);
      if (holds >= 0)
        result = symbol(holds);
      return trip ? normalForm(result * isLess(done, trip)) : result;
    };
    SmallVector<int64_t> symbols{static_cast<int64_t>(op.getCounter()), goesOn};
    llvm::append_range(symbols, op.getSymbols());
    Sizes values{constant(0), again(constant(0))};
    llvm::append_range(values, resultsOf(op.getStarts()));
    set(loc, symbols, values);

    auto body = rt::WhileOp::create(b, loc, goesOn);
    Value next = op.getNextCondition();
    body.getBody().takeBody(op.getBody());
    Block &block = body.getBody().front();
    auto yield = cast<rt::YieldOp>(block.back());
    emit(block);
    b.setInsertionPointToStart(&block);
    for (const LoopState &state : states)
      if (state.buffer >= 0)
        rt::PointOp::create(b, loc, state.next, halfOf(state, counter));
    b.setInsertionPointAfter(yield);
    for (const LoopState &state : states) {
      if (state.owned >= 0) {
        rt::FreeOp::create(b, loc, state.owned);
        rt::PointOp::create(b, loc, state.owned, placeOf(state.next));
      }
      rt::PointOp::create(b, loc, state.current, placeOf(state.next));
    }
    if (next)
      loadCondition(loc, next, holds);
    Sizes following{counter + 1, again(counter + 1)};
    llvm::append_range(following, resultsOf(yield.getSizes()));
    set(loc, symbols, following);
    b.setInsertionPointAfter(body);
  }

  /// The half of the buffer that this iteration writes.
  rt::PlaceAttr halfOf(const LoopState &state, AffineExpr counter) {
    int64_t place = arena.places[state.buffer];
    Address address = {rt::Space::Arena, arena.hasSlots ? place : 0, arena.hasSlots ? 0 : place,
                       normalForm((counter % 2) * state.half)};
    return placeOf(address);
  }

  func::FuncOp function;
  const ValueHomes &homes;
  const ArenaPlan &arena;
  const DenseMap<Value, int64_t> &weights;
  OpBuilder b;
  DenseMap<Operation *, SmallVector<int64_t>> freed;
  llvm::DenseSet<AffineExpr> bounded;
};

} // namespace

void emitSteps(func::FuncOp function, const ValueHomes &homes, const ArenaPlan &arena,
               const DenseMap<Value, int64_t> &weights) {
  StepEmitter emitter(function, homes, arena, weights);
  emitter.emit(function.front());
  // Values are looked up until the last step is there.
  function.front().getTerminator()->setOperands({});
  emitter.erase(function.front());
}

} // namespace nncc
