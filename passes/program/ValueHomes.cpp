#include "passes/program/ValueHomes.h"

#include "dialects/SizeText.h"
#include "dialects/nn/NN.h"

using namespace mlir;

namespace nncc {

int64_t elementBytes(Type type) {
  return nn::storedBytes(cast<RankedTensorType>(type).getElementType());
}

AffineExpr byteSize(Type type) {
  Shape shape = shapeOf(cast<RankedTensorType>(type));
  return normalForm(elementCount(shape, type.getContext()) * elementBytes(type));
}

AffineExpr slotSize(AffineExpr bytes) {
  AffineExpr blocks = (bytes + (memoryAlignment - 1)).floorDiv(memoryAlignment);
  return normalForm(blocks * memoryAlignment + memoryAlignment);
}

std::pair<Value, AffineExpr> resolveViews(Value value) {
  AffineExpr offset = getAffineConstantExpr(0, value.getContext());
  while (auto view = value.getDefiningOp<rt::ViewOp>()) {
    offset = offset + view.getFirst() * elementBytes(view.getSource().getType());
    value = view.getSource();
  }
  return {value, normalForm(offset)};
}

ValueHomes::ValueHomes(func::FuncOp function) : function(function), given(givenSymbols(function)) {
  for (auto [i, argument] : llvm::enumerate(function.getArguments())) {
    ValueHome home;
    home.space = rt::Space::Input;
    home.index = i;
    homes[argument] = home;
  }
}

bool ValueHomes::isLate(Type type) const {
  return llvm::any_of(shapeOf(cast<RankedTensorType>(type)),
                      [&](AffineExpr size) { return isLate(size); });
}

const ValueHome *ValueHomes::lookup(Value base) const {
  auto found = homes.find(base);
  return found == homes.end() ? nullptr : &found->second;
}

void ValueHomes::number(Block &block) {
  for (Operation &op : block) {
    int64_t first = ++position;
    if (isa<rt::IfOp, rt::LoopOp>(op))
      for (Region &region : op.getRegions())
        number(region.front());
    positions[&op] = {first, ++position};
  }
}

int64_t ValueHomes::newBuffer(AffineExpr bytes, Operation *op) {
  auto [first, last] = positions.lookup(op);
  buffers.push_back({bytes, first, last});
  bufferBlocks.push_back(op->getBlock());
  return buffers.size() - 1;
}

int64_t ValueHomes::newOwned(int64_t pointer, Operation *op) {
  owned.push_back({pointer, op});
  ownedBlocks.push_back(op->getBlock());
  return owned.size() - 1;
}

void ValueHomes::put(Value value, const ValueHome &home, const Keeps &kept) {
  homes[value] = home;
  keeps[value] = kept;
  auto branch = value.getDefiningOp<rt::IfOp>();
  if (!branch)
    return;
  for (Region &region : branch->getRegions()) {
    auto yield = cast<rt::YieldOp>(region.front().getTerminator());
    Value yielded = yield.getOperand(cast<OpResult>(value).getResultNumber());
    llvm::DenseMap<AffineExpr, AffineExpr> values; // of the symbols of the branches
    if (std::optional<AffineMap> sizes = yield.getSizes())
      for (auto [symbol, size] : llvm::zip(branch.getSymbols(), sizes->getResults()))
        values[getAffineSymbolExpr(symbol, value.getContext())] = size;
    ValueHome inside = home;
    for (AffineExpr &size : inside.sizes)
      size = normalForm(size.replace(values));
    put(resolveViews(yielded).first, inside, kept);
  }
}

void ValueHomes::assignResult(Value result) {
  Operation *op = result.getDefiningOp();
  ValueHome home;
  Keeps kept;
  if (isLate(result.getType())) {
    home.space = rt::Space::Pointer;
    home.index = pointers++;
    home.before = ValueHome::Before::Allocate;
    kept.owned.push_back(newOwned(home.index, op));
  } else {
    home.index = newBuffer(byteSize(result.getType()), op);
    kept.buffers.push_back(home.index);
  }
  put(result, home, kept);
}

void ValueHomes::assignState(rt::LoopOp loop, size_t i) {
  Value init = loop.getInits()[i], argument = loop.getBody().getArgument(i);
  Value next = resolveViews(loop.getNextStates()[i]).first;
  LoopState state;
  state.current = pointers++;
  state.next = pointers++;
  Keeps kept = keeps.lookup(resolveViews(init).first), own; // what it begins with may be its end
  ValueHome current, following;
  current.space = following.space = rt::Space::Pointer;
  current.index = state.current;
  following.index = state.next;
  if (isLate(argument.getType()) || isLate(next.getType())) {
    state.owned = pointers++;
    kept.owned.push_back(newOwned(state.owned, loop));
    following.before = ValueHome::Before::Allocate;
  } else {
    state.half = slotSize(byteSize(argument.getType()));
    state.buffer = newBuffer(normalForm(state.half * 2), loop);
    kept.buffers.push_back(state.buffer);
  }
  put(next, following, own);
  for (Value value : {argument, Value(loop.getResult(i))}) {
    homes[value] = current;
    keeps[value] = kept;
  }
  loopStates[loop].push_back(state);
}

void ValueHomes::assignElement(rt::LoopOp loop, size_t i) {
  Value result = loop.getResult(loop.getInits().size() + i);
  Value element = resolveViews(loop.getElements()[i]).first;
  assignResult(result);
  ValueHome home = homes[result];
  AffineExpr counter = getAffineSymbolExpr(loop.getCounter(), loop.getContext());
  home.start = loop.isAppended(i) // what there is of it before the iteration
                   ? byteSize(result.getType())
                   : normalForm(counter * byteSize(loop.getElements()[i].getType()));
  if (home.space == rt::Space::Pointer) {
    growing[loop].push_back(home.index);
    home.before = ValueHome::Before::Grow;
  }
  put(element, home, Keeps());
}

void ValueHomes::assignLoop(rt::LoopOp loop) {
  for (size_t i = 0; i < loop.getInits().size(); ++i)
    assignState(loop, i);
  for (size_t i = 0; i < loop.getElements().size(); ++i)
    assignElement(loop, i);
}

void ValueHomes::assignBlock(Block &block) {
  for (Operation &op : block) {
    if (isa<rt::DispatchOp, rt::IfOp>(op))
      for (Value result : op.getResults())
        if (!homes.count(result))
          assignResult(result);
    if (auto loop = dyn_cast<rt::LoopOp>(op))
      assignLoop(loop);
    if (isa<rt::IfOp, rt::LoopOp>(op))
      for (Region &region : op.getRegions())
        assignBlock(region.front());
  }
}

void ValueHomes::extend(Operation *user, Value operand) {
  auto found = keeps.find(resolveViews(operand).first);
  if (found == keeps.end())
    return;
  // Where the memory is made outside of a loop it is needed until the loop ends.
  for (int64_t i : found->second.buffers) {
    int64_t last = positions.lookup(user).first;
    for (Operation *op = user; op->getBlock() != bufferBlocks[i]; op = op->getParentOp())
      if (isa<rt::LoopOp>(op->getParentOp()))
        last = positions.lookup(op->getParentOp()).second;
    if (isa<rt::LoopOp>(user)) // what its state begins with
      last = positions.lookup(user).second;
    buffers[i].last = std::max(buffers[i].last, last);
  }
  for (int64_t i : found->second.owned) {
    Operation *op = user;
    while (op->getBlock() != ownedBlocks[i])
      op = op->getParentOp();
    if (owned[i].lastUser->isBeforeInBlock(op))
      owned[i].lastUser = op;
  }
}

void ValueHomes::extendLives(Block &block) {
  for (Operation &op : block) {
    if (!isa<rt::ViewOp, func::ReturnOp>(op))
      for (Value operand : op.getOperands())
        extend(&op, operand);
    if (isa<rt::IfOp, rt::LoopOp>(op))
      for (Region &region : op.getRegions())
        extendLives(region.front());
  }
}

LogicalResult ValueHomes::assign() {
  number(function.front());
  for (auto [i, value] : llvm::enumerate(function.front().getTerminator()->getOperands())) {
    Value base = resolveViews(value).first;
    if (!isa_and_nonnull<rt::DispatchOp, rt::IfOp>(base.getDefiningOp()) || homes.count(base))
      return function.emitError("result ") << i << " is not written by a kernel of its own";
    ValueHome home;
    home.space = rt::Space::Output;
    home.index = i;
    if (isLate(base.getType())) {
      home.space = rt::Space::Pointer;
      home.index = pointers++;
      home.before = ValueHome::Before::AskForOutput;
      home.output = i;
      home.sizes = shapeOf(value);
    }
    put(base, home, Keeps());
  }
  assignBlock(function.front());
  extendLives(function.front());
  return success();
}

} // namespace nncc
