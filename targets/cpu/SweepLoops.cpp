// How a sweep becomes loops: which is on vectors, and in what order they nest.
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "targets/cpu/SweepEmitter.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {
constexpr unsigned vectorBytes = 64;

bool usesLoopIndices(const Nest &nest) {
  bool result = false;
  if (nest.body)
    nest.body->walk([&](linalg::IndexOp) { result = true; });
  return result;
}
} // namespace

SweepEmitter::SweepEmitter(Emitter &e, const Sweep &sweep, const NestGroup &group,
                           const Homes &homes, ArrayRef<UnitPosition> positions,
                           std::optional<RowPart> part)
    : e(e), sweep(sweep), group(group), homes(homes), positions(positions), part(part),
      shape(sweep.loops) {
  for (auto [position, unit] : llvm::enumerate(positions))
    for (const Statement &statement : sweep.statements) {
      const Nest &nest = *statement.nest;
      State state{&statement, &unit, position, BodyEvaluator(homes, nest), {}, {}};
      Values offsets;
      for (const auto *list : {&nest.inputs, &nest.outputs, &nest.inits})
        for (const Access &access : *list) {
          Value offset;
          state.streams.push_back(stream(access, state, offset));
          offsets.push_back(offset);
        }
      for (size_t i = 0; i < nest.outputs.size(); ++i)
        state.combiners.push_back(nest.combiner(i));
      states.push_back(std::move(state));
      origins.push_back(offsets);
    }
  sumsApart = llvm::all_of(states, [](const State &state) {
    return !state.statement->isReduction || llvm::all_of(state.combiners, [](Operation *op) {
      return isa_and_nonnull<arith::AddFOp>(op);
    });
  });
  startAtPart();
  joinLoops();
  if (sweep.isVector)
    chooseVectorLoop();
  chooseTile();
  orderLoops();
}

bool SweepEmitter::isAhead(const State &state) const {
  return part && state.statement < sweep.statements.data() + part->ahead;
}

void SweepEmitter::startAtPart() {
  if (!part)
    return;
  for (auto [state, offsets] : llvm::zip(states, origins)) {
    for (auto [stream, offset] : llvm::zip(state.streams, offsets))
      if (stream.buffer)
        offset = e.add(offset,
                       e.mul(isAhead(state) ? part->firstAhead : part->first, stream.strides[0]));
    size_t outputs = state.inputs(), inits = outputs + state.outputs();
    for (size_t o = 0; state.statement->isReduction && o < state.outputs(); ++o) {
      state.streams[inits + o] = state.streams[outputs + o];
      offsets[inits + o] = offsets[outputs + o];
    }
  }
}

Stream SweepEmitter::stream(const Access &access, const State &state, Value &offset) {
  const Statement &statement = *state.statement;
  Stream result;
  result.element = access.element;
  result.strides.assign(shape.size(), e.b.getAffineConstantExpr(0));
  offset = e.constant(0);
  if (!access.isMemory()) {
    result.scalar = access.scalar;
    return result;
  }
  const Base &base = homes.bases[access.base];
  auto scratch = group.scratch.find(access.base);
  bool isIntermediate = scratch != group.scratch.end();
  result.buffer = isIntermediate ? scratch->second.buffer : base.buffer;
  result.memory = base.element;
  auto splat = dyn_cast_or_null<SplatElementsAttr>(base.constant);
  if (splat) {
    result.buffer = nullptr;
    auto value = splat.getSplatValue<TypedAttr>();
    result.scalar = arith::ConstantOp::create(e.b, e.loc, value);
    if (result.scalar.getType() != access.element)
      result.scalar = arith::BitcastOp::create(e.b, e.loc, access.element, result.scalar);
    return result;
  }
  const Nest &nest = *statement.nest;
  if (isIntermediate && scratch->second.isBlocked) {
    const Scratch &layout = scratch->second;
    offset = e.size(layout.elements(e.b.getContext()) * state.position);
    for (auto [dim, stride] : llvm::zip(access.dims, layout.strides)) {
      if (!dim) {
        result.computed = &access;
        continue;
      }
      offset = e.add(offset, e.size(dim->constant * stride));
      for (auto [loop, factor] : llvm::enumerate(dim->factors))
        if (int at = statement.loops[loop]; at >= 0)
          result.strides[at] = normalForm(result.strides[at] + factor * stride);
    }
    return result;
  }
  if (!access.flat) {
    result.computed = &access;
    return result;
  }
  offset = e.size(access.flat->constant);
  for (auto [loop, factor] : llvm::enumerate(access.flat->factors)) {
    if (int shared = nest.shared[loop]; shared >= 0 && !isZero(factor)) {
      offset = e.add(offset, e.mul(state.unit->start[shared], factor));
      if (!group.dims[shared].inner)
        result.nextRow = normalForm(factor * static_cast<int64_t>(positions.size()));
    }
    if (int at = statement.loops[loop]; at >= 0)
      result.strides[at] = normalForm(result.strides[at] + factor);
  }
  return result;
}

/// Loops one of which steps by whole runs of the other become one.
void SweepEmitter::joinLoops() {
  for (const State &state : states)
    if (usesLoopIndices(*state.statement->nest) ||
        llvm::any_of(state.streams, [](const Stream &stream) { return stream.computed; }))
      return;
  auto canJoin = [&](int outer, int inner) {
    if (shape[outer].shared >= 0 || shape[inner].shared >= 0 ||
        shape[outer].reduced != shape[inner].reduced || isOne(shape[outer].size) ||
        isOne(shape[inner].size))
      return false;
    for (const State &state : states)
      for (const Stream &stream : state.streams)
        if (stream.strides[outer] != normalForm(stream.strides[inner] * shape[inner].size))
          return false;
    return true;
  };
  for (size_t outer = 0; outer < shape.size(); ++outer)
    for (size_t inner = 0; inner < shape.size(); ++inner)
      if (outer != inner && canJoin(outer, inner)) {
        shape[inner].size = normalForm(shape[inner].size * shape[outer].size);
        shape[outer].size = e.b.getAffineConstantExpr(1);
        for (State &state : states)
          for (Stream &stream : state.streams)
            stream.strides[outer] = e.b.getAffineConstantExpr(0);
      }
}

/// Whether lanes of this loop would have to be joined, and cannot be.
bool SweepEmitter::isVaryingReduction(int loop) const {
  if (!shape[loop].reduced)
    return false;
  for (const State &state : states)
    if (state.statement->isReduction && llvm::is_contained(state.combiners, nullptr))
      return true;
  return false;
}

int64_t SweepEmitter::score(int loop) const {
  int64_t result = 0;
  for (const State &state : states)
    for (auto [i, stream] : llvm::enumerate(state.streams)) {
      bool isForwarded = i < state.inputs() && state.statement->forwarded[i].first >= 0;
      if (!stream.buffer || isForwarded)
        continue;
      AffineExpr stride = stream.strides[loop];
      result += isOne(stride) ? 4 : isZero(stride) ? 1 : -3;
    }
  int64_t size = nominal(shape[loop].size);
  return result + (size >= 16) - (size < 4 ? 4 : 0);
}

void SweepEmitter::chooseVectorLoop() {
  for (int loop = 0; loop < static_cast<int>(shape.size()); ++loop)
    if (!isOne(shape[loop].size) && !isVaryingReduction(loop) &&
        (vector < 0 || score(loop) >= score(vector)))
      vector = loop;
  if (vector >= 0)
    chooseLanes();
}

/// Bytes of the widest element that differs from lane to lane.
unsigned SweepEmitter::widestElement() const {
  unsigned bits = 8;
  auto count = [&](Type type) {
    if (type.isIntOrFloat())
      bits = std::max(bits, type.getIntOrFloatBitWidth());
  };
  for (const State &state : states) {
    const Nest &nest = *state.statement->nest;
    llvm::DenseSet<Value> varying;
    for (auto [i, stream] : llvm::enumerate(state.streams)) {
      bool isForwarded = i < state.inputs() && state.statement->forwarded[i].first >= 0;
      if (!isForwarded && (!stream.buffer || isZero(stream.strides[vector])))
        continue;
      count(stream.element);
      if (nest.body && i < state.inputs())
        varying.insert(nest.body->getArgument(i));
    }
    if (!nest.body)
      continue;
    if (state.statement->isReduction)
      for (size_t i = 0; i < state.outputs(); ++i)
        varying.insert(nest.body->getArgument(state.inputs() + i));
    for (Operation &op : nest.body->without_terminator()) {
      bool varies = isa<linalg::IndexOp>(op) || llvm::any_of(op.getOperands(), [&](Value operand) {
                      return varying.contains(operand);
                    });
      for (Value result : op.getResults()) {
        if (!varies)
          continue;
        varying.insert(result);
        bool isAddress = llvm::all_of(result.getUsers(), [](Operation *user) {
          return isa<tensor::ExtractOp, arith::IndexCastOp, arith::AddIOp>(user);
        });
        if (!isAddress)
          count(result.getType());
      }
    }
  }
  return bits / 8;
}

void SweepEmitter::chooseLanes() {
  lanes = std::max<int64_t>(vectorBytes / widestElement(), 8);
  int64_t vectors = std::max<int64_t>(nominal(shape[vector].size) / lanes, 1);
  bool isReduction = llvm::any_of(states, [](auto &s) { return s.statement->isReduction; });
  bool isInterleaved = positions.size() > 1;
  int64_t most = sweep.isHeavy ? (shape[vector].reduced && !isInterleaved ? 4 : 1)
                 : isReduction ? 8
                               : 4;
  if (shape[vector].reduced)
    most = std::min<int64_t>(most, isInterleaved ? 2 : 4);
  if (sweep.statements.size() > 2 && !sweep.isHeavy)
    most = std::min<int64_t>(most, 2);
  unroll = std::min(vectors, most);
}

/// A row that was written before, in order, and is changed in place: its end is in the L1 cache.
bool SweepEmitter::isBackward() const {
  if (nominal(shape[vector].size) <= longestKept)
    return false;
  return llvm::all_of(states, [](const State &state) {
    ArrayRef<Stream> streams = state.streams;
    return !state.statement->isReduction &&
           llvm::any_of(streams.take_front(state.inputs()), [&](const Stream &input) {
             return input.buffer && input.buffer == streams[state.inputs()].buffer;
           });
  });
}

/// Parallel loops outside, those with the largest steps of the output first; reductions inside, so
/// that sums stay in registers; the vector loop is the last of its kind.
void SweepEmitter::orderLoops() {
  SmallVector<int> parallel, reduced;
  for (auto [i, loop] : llvm::enumerate(shape))
    if (!isOne(loop.size))
      (loop.reduced ? reduced : parallel).push_back(i);
  const State &last = states.back();
  auto step = [&](int loop) { return nominal(last.streams[last.inputs()].strides[loop]); };
  llvm::sort(parallel, [&](int a, int b) {
    if ((a == vector) != (b == vector))
      return b == vector;
    if ((a == across) != (b == across))
      return b == across;
    return step(a) != step(b) ? step(a) > step(b) : a < b;
  });
  llvm::sort(reduced,
             [&](int a, int b) { return (a == vector) != (b == vector) ? b == vector : a < b; });
  order.append(parallel);
  firstReduced = order.size();
  order.append(reduced);
}
