// What a sweep does at one point, or at neighbouring points at once.
#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "targets/cpu/SweepEmitter.h"
#include "targets/kernel/Lanes.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

/// Evaluates what does not depend on the loops from `depth` on.
void SweepEmitter::hoist(unsigned depth, Cursor &cursor) {
  if (depth >= order.size())
    return;
  for (size_t s = 0; s < states.size(); ++s) {
    const State &state = states[s];
    const Nest &nest = *state.statement->nest;
    LaneMap &values = cursor.values[s];
    for (size_t i = 0; i < state.inputs(); ++i) {
      const Stream &stream = state.streams[i];
      if (!nest.body || nest.body->getArgument(i).use_empty() || stream.computed ||
          state.statement->forwarded[i].first >= 0 || values.contains(nest.body->getArgument(i)))
        continue;
      bool isKnown = llvm::all_of(ArrayRef(order).drop_front(depth),
                                  [&](int loop) { return isZero(stream.strides[loop]); });
      bool isEarly = depth == 0 || stream.scalar; // once per level where an index became known
      isEarly |= depth > 0 && !isZero(stream.strides[order[depth - 1]]);
      // What is hoisted stands for all copies: it must not differ between them.
      isEarly &= cursor.copies == 1 || isZero(stream.strides[vector]);
      if (isKnown && isEarly)
        values[nest.body->getArgument(i)] = load(state, stream, cursor.offsets[s][i], cursor, 0);
    }
    state.evaluator.evaluate(e, values, points(state, cursor, 0), /*scalarOnly=*/true);
  }
}

Value SweepEmitter::placeOf(const State &state, const Stream &stream, const Cursor &cursor,
                            int64_t copy) {
  // Not on vectors: the only lane's index, dim by dim.
  const Access &access = *stream.computed;
  auto scratch = group.scratch.find(access.base);
  Shape strides = denseStrides(homes.bases[access.base].shape, e.b.getContext());
  bool isBlocked = scratch != group.scratch.end() && scratch->second.isBlocked;
  if (isBlocked)
    strides = scratch->second.strides;
  Points at = points(state, cursor, copy);
  for (auto [loop, shared] : llvm::enumerate(state.statement->nest->shared))
    if (isBlocked && shared >= 0)
      at.loops[loop] = state.statement->loops[loop] >= 0
                           ? cursor.loops[state.statement->loops[loop]]
                           : e.constant(0);
  Value offset = e.constant(0);
  for (auto [index, stride] : llvm::zip(access.indices, strides))
    if (!isZero(stride))
      offset = e.add(offset, e.mul(state.evaluator.index(e, index, at)->scalar, stride));
  return offset;
}

Lanes SweepEmitter::load(const State &state, const Stream &stream, Value offset,
                         const Cursor &cursor, int64_t copy) {
  if (stream.scalar)
    return Lanes{stream.scalar, nullptr, false};
  if (stream.computed)
    offset = placeOf(state, stream, cursor, copy);
  AffineExpr stride = strideOf(stream);
  if (isZero(stride) || !cursor.loops[vector]) {
    Value value = memref::LoadOp::create(e.b, e.loc, stream.buffer, offset);
    return Lanes{fromMemory(e, value, stream.element), nullptr, false};
  }
  Value at = e.add(offset, e.size(stride * (copy * lanes)));
  Value value =
      loadLanes(e, VectorType::get({lanes}, stream.memory), stream.buffer, at, stride, cursor.mask);
  return Lanes{nullptr, fromMemory(e, value, stream.element), false};
}

void SweepEmitter::store(const State &state, const Stream &stream, Value offset, Lanes value,
                         const Cursor &cursor, int64_t copy) {
  if (stream.computed)
    offset = placeOf(state, stream, cursor, copy);
  AffineExpr stride = strideOf(stream);
  if (isZero(stride) || !cursor.loops[vector]) {
    memref::StoreOp::create(e.b, e.loc, toMemory(e, value.scalar, stream.memory), stream.buffer,
                            offset);
    return;
  }
  Value at = e.add(offset, e.size(stride * (copy * lanes)));
  Value all = toMemory(e, BodyEvaluator::asVector(e, value, lanes), stream.memory);
  storeLanes(e, all, stream.buffer, at, stride, cursor.mask);
}

/// Evaluates all statements at the point, vector by vector; the accumulators from and to registers.
SweepEmitter::Values SweepEmitter::leaf(const Cursor &cursor, Values carried) {
  for (int64_t copy = 0; copy < cursor.copies; ++copy) {
    fetchRows(cursor, copy);
    Computed computed;
    size_t accumulator = copy; // those of an output are side by side
    for (size_t s = 0; s < states.size(); ++s) {
      const State &state = states[s];
      LaneMap values = cursor.values[s];
      Lanes first = readInputs(s, cursor, copy, computed, values);
      SmallVector<Value *> sums;
      for (size_t o = 0; state.statement->isReduction && o < state.outputs(); ++o) {
        sums.push_back(&carried[accumulator]);
        accumulator += cursor.copies;
      }
      readOutputs(s, cursor, copy, sums, values);
      state.evaluator.evaluate(e, values, points(state, cursor, copy), /*scalarOnly=*/false);
      computed.emplace_back();
      for (size_t o = 0; o < state.outputs(); ++o) {
        Block *body = state.statement->nest->body;
        Lanes value =
            body ? *state.evaluator.lookup(body->getTerminator()->getOperand(o), values) : first;
        computed.back().push_back(value);
        if (sums.empty())
          writeOutput(s, o, cursor, copy, value);
        else
          *sums[o] = nextSum(*sums[o], value, cursor);
      }
    }
  }
  return carried;
}

/// Enters the inputs of the body into `values`; returns the first one, for copies.
Lanes SweepEmitter::readInputs(size_t s, const Cursor &cursor, int64_t copy,
                               const Computed &computed, LaneMap &values) {
  const State &state = states[s];
  Block *body = state.statement->nest->body;
  Lanes first;
  for (size_t i = 0; i < state.inputs(); ++i) {
    auto [statement, output] = state.statement->forwarded[i];
    Value argument = body ? Value(body->getArgument(i)) : Value();
    if (argument && argument.use_empty())
      continue;
    Lanes lanes;
    if (argument && values.contains(argument))
      lanes = values[argument];
    else if (statement >= 0)
      lanes = computed[state.position * sweep.statements.size() + statement][output];
    else if (auto found = cursor.loaded.find({s, i}); found != cursor.loaded.end())
      lanes = Lanes{nullptr, fromMemory(e, found->second, state.streams[i].element), false};
    else
      lanes = load(state, state.streams[i], cursor.offsets[s][i], cursor, copy);
    if (argument)
      values[argument] = lanes;
    if (i == 0)
      first = lanes;
  }
  return first;
}

/// Enters what the body reads of its outputs: accumulators of a reduction, else what was there.
void SweepEmitter::readOutputs(size_t s, const Cursor &cursor, int64_t copy, ArrayRef<Value *> sums,
                               LaneMap &values) {
  const State &state = states[s];
  Block *body = state.statement->nest->body;
  for (size_t o = 0; body && o < state.outputs(); ++o) {
    BlockArgument argument = body->getArgument(state.inputs() + o);
    size_t init = state.inputs() + state.outputs() + o;
    if (!sums.empty())
      values[argument] = lanesOf(*sums[o]);
    else if (state.streams[init].exists())
      values[argument] = load(state, state.streams[init], cursor.offsets[s][init], cursor, copy);
  }
}

Lanes SweepEmitter::lanesOf(Value value) {
  return isa<VectorType>(value.getType()) ? Lanes{nullptr, value, false}
                                          : Lanes{value, nullptr, false};
}

/// The accumulator after a point; lanes that do not exist keep theirs.
Value SweepEmitter::nextSum(Value sum, Lanes value, const Cursor &cursor) {
  if (!isa<VectorType>(sum.getType()))
    return value.scalar;
  Value next = BodyEvaluator::asVector(e, value, lanes);
  if (!cursor.mask || !reducesLanes())
    return next;
  return arith::SelectOp::create(e.b, e.loc, cursor.mask, next, sum);
}

void SweepEmitter::writeOutput(size_t s, size_t output, const Cursor &cursor, int64_t copy,
                               Lanes value) {
  const State &state = states[s];
  if (!state.statement->isStored[output])
    return;
  size_t index = state.inputs() + output;
  const Stream &stream = state.streams[index];
  if (!interleaved || !isTransposed(stream))
    return store(state, stream, cursor.offsets[s][index], value, cursor, copy);
  Value vector = BodyEvaluator::asVector(e, value, lanes);
  (*interleaved)[{s, output}].push_back(toMemory(e, vector, stream.memory));
}

/// Runs `body` from zeros and adds what it sums to `carried`.
SweepEmitter::Values SweepEmitter::accumulate(const Values &carried,
                                              llvm::function_ref<Values(Values)> body) {
  Values zeros;
  for (Value value : carried) {
    Type type = value.getType();
    Attribute zero = e.b.getFloatAttr(getElementTypeOrSelf(type), -0.0);
    if (auto vector = dyn_cast<VectorType>(type))
      zero = DenseElementsAttr::get(vector, zero);
    zeros.push_back(arith::ConstantOp::create(e.b, e.loc, cast<TypedAttr>(zero)));
  }
  Values sums = body(zeros);
  for (auto [sum, value] : llvm::zip(sums, carried))
    sum = arith::AddFOp::create(e.b, e.loc, value, sum);
  return sums;
}

/// The accumulators of all reductions, those of an output side by side.
SweepEmitter::Values SweepEmitter::initial(const Cursor &cursor) {
  Values result;
  for (auto [s, state] : llvm::enumerate(states)) {
    if (!state.statement->isReduction)
      continue;
    for (size_t o = 0; o < state.outputs(); ++o) {
      size_t init = state.inputs() + state.outputs() + o;
      const Stream &stream = state.streams[init];
      Type element = state.streams[state.inputs() + o].element;
      for (int64_t copy = 0; copy < accumulators(cursor); ++copy) {
        if (reducesLanes()) {
          TypedAttr neutral = *arith::getNeutralElement(state.combiners[o]);
          auto splat =
              DenseElementsAttr::get(VectorType::get({lanes}, element), Attribute(neutral));
          result.push_back(arith::ConstantOp::create(e.b, e.loc, splat));
          continue;
        }
        Lanes value = load(state, stream, cursor.offsets[s][init], cursor, copy);
        bool isVector = vector >= 0 && cursor.loops[vector];
        result.push_back(isVector ? BodyEvaluator::asVector(e, value, lanes) : value.scalar);
      }
    }
  }
  return result;
}

Value SweepEmitter::combine(Operation *combiner, Value a, Value b) {
  IRMapping map;
  map.map(combiner->getOperand(0), a);
  map.map(combiner->getOperand(1), b);
  Operation *clone = e.b.clone(*combiner, map);
  clone->getResult(0).setType(a.getType());
  relaxZeros(clone);
  return clone->getResult(0);
}

/// A fixed tree over the lanes.
Value SweepEmitter::acrossLanes(Operation *combiner, Value vector) {
  int64_t count = cast<VectorType>(vector.getType()).getNumElements();
  for (; count > 1; count /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < count / 2; ++i)
      low.push_back(i), high.push_back(i + count / 2);
    Value a = vector::ShuffleOp::create(e.b, e.loc, vector, vector, low);
    Value b = vector::ShuffleOp::create(e.b, e.loc, vector, vector, high);
    vector = combine(combiner, a, b);
  }
  return vector::ExtractOp::create(e.b, e.loc, vector, ArrayRef<int64_t>{0});
}

void SweepEmitter::finish(const Cursor &cursor, Values carried) {
  int64_t sets = accumulators(cursor);
  size_t accumulator = 0;
  for (size_t s = 0; s < states.size(); ++s) {
    const State &state = states[s];
    if (!state.statement->isReduction)
      continue;
    for (size_t o = 0; o < state.outputs(); ++o, ++accumulator) {
      size_t init = state.inputs() + state.outputs() + o, output = state.inputs() + o;
      MutableArrayRef<Value> parts(&carried[accumulator * sets], sets);
      auto storeResult = [&](Lanes value, int64_t copy) {
        if (state.statement->isStored[o])
          store(state, state.streams[output], cursor.offsets[s][output], value, cursor, copy);
      };
      if (!reducesLanes()) {
        for (auto [copy, value] : llvm::enumerate(parts))
          storeResult(lanesOf(value), copy);
        continue;
      }
      Operation *combiner = state.combiners[o];
      for (int64_t step = 1; step < sets; step *= 2)
        for (int64_t i = 0; i + step < sets; i += 2 * step)
          parts[i] = combine(combiner, parts[i], parts[i + step]);
      Value sum = acrossLanes(combiner, parts[0]);
      Value first = load(state, state.streams[init], cursor.offsets[s][init], cursor, 0).scalar;
      Attribute known;
      if (!matchPattern(first, m_Constant(&known)) || known != *arith::getNeutralElement(combiner))
        sum = combine(combiner, first, sum);
      storeResult(Lanes{sum, nullptr, false}, 0);
    }
  }
}
