#include "targets/cpu/OnlineSoftmax.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {
/// Elements: no block but the last one has less than whole steps of vectors.
constexpr int64_t blockMultiple = 256;

/// The statement of the sweep that reduces to one element, if it is the only one and of this kind.
template <typename Combiner>
const Statement *findReduction(const Sweep &sweep, const NestGroup &group) {
  const Statement *result = nullptr;
  for (const Statement &statement : sweep.statements)
    if (statement.isReduction && std::exchange(result, &statement))
      return nullptr;
  if (!result || result->nest->outputs.size() != 1 ||
      !isa_and_nonnull<Combiner>(result->nest->combiner(0)) || !result->nest->inits[0].scalar)
    return nullptr;
  auto scratch = group.scratch.find(result->nest->outputs[0].base);
  bool isElement = scratch != group.scratch.end() && scratch->second.isBlocked &&
                   llvm::all_of(scratch->second.sizes, isOne);
  return isElement ? result : nullptr;
}

/// How a statement reads a base.
struct Reader {
  size_t sweep;
  const Statement *statement;
  size_t input;
  BlockArgument argument() const {
    return statement->nest->body ? statement->nest->body->getArgument(input) : BlockArgument();
  }
};
SmallVector<Reader> readersOf(int base, ArrayRef<Sweep> sweeps) {
  SmallVector<Reader> result;
  for (auto [s, sweep] : llvm::enumerate(sweeps))
    for (const Statement &statement : sweep.statements)
      for (auto [i, input] : llvm::enumerate(statement.nest->inputs))
        if (input.base == base)
          result.push_back({s, &statement, i});
  return result;
}

/// The only operation that uses the value, where it is an Op.
template <typename Op> Op onlyUser(Value value) {
  return value && value.hasOneUse() ? dyn_cast<Op>(*value.user_begin()) : Op();
}
} // namespace

/// All of one row, on vectors.
bool OnlineSoftmax::isRow(const Sweep &sweep) const {
  return sweep.isVector && !sweep.isRepeated && sweep.loops.size() == 1 &&
         sweep.loops[0].shared < 0 && sweep.loops[0].size == sweeps[maximum].loops[0].size &&
         llvm::all_of(sweep.statements,
                      [](const Statement &s) { return s.nest->extracted.empty(); });
}

bool OnlineSoftmax::matchMaximum(const NestGroup &group) {
  if (sweeps[maximum].loops.empty() || !isRow(sweeps[maximum]))
    return false;
  const Statement *statement = findReduction<arith::MaximumFOp>(sweeps[maximum], group);
  if (!statement)
    return false;
  largest = statement->nest;
  return true;
}

/// Whether the row does not fit into the L1 cache beside its result. Half of the cache holds a
/// block of it, the next one, and powers.
bool OnlineSoftmax::chooseBlock(int64_t l1Bytes) {
  int64_t bytes = largest->outputs[0].element.getIntOrFloatBitWidth() / 8;
  blockSize = std::max<int64_t>(l1Bytes / 6 / bytes / blockMultiple, 1) * blockMultiple;
  return nominal(sweeps[maximum].loops[0].size) > l1Bytes / 2 / bytes;
}

/// Finds exp(x - maximum), which is summed up, and nothing else that is made of the maximum so far.
bool OnlineSoftmax::matchPowers(const NestGroup &group) {
  const Sweep &sweep = sweeps[maximum + 1];
  const Statement *summed = isRow(sweep) ? findReduction<arith::AddFOp>(sweep, group) : nullptr;
  SmallVector<Reader> readers = readersOf(largest->outputs[0].base, sweep);
  if (!summed || readers.size() != 1 || !readers[0].argument())
    return false;
  sum = summed->nest;
  BlockArgument distant = readers[0].argument();
  auto distance = onlyUser<arith::SubFOp>(distant);
  auto power = distance && distance.getRhs() == distant
                   ? onlyUser<math::ExpOp>(distance.getResult())
                   : math::ExpOp();
  if (!power || power->getBlock() != distant.getOwner())
    return false;
  exp = power;
  if (readers[0].statement == summed)
    return onlyUser<arith::AddFOp>(power.getResult()) == sum->combiner(0);
  return matchStoredPowers(*readers[0].statement, *summed);
}

/// `statement` hands the powers to the sum, or keeps them as well.
bool OnlineSoftmax::matchStoredPowers(const Statement &statement, const Statement &summed) {
  const Nest &nest = *statement.nest;
  if (nest.outputs.size() != 1 || !onlyUser<linalg::YieldOp>(exp->getResult(0)))
    return false;
  SmallVector<Reader> readers = readersOf(nest.outputs[0].base, sweeps[maximum + 1]);
  if (readers.size() != 1 || readers[0].statement != &summed ||
      summed.forwarded[readers[0].input].first < 0 ||
      onlyUser<arith::AddFOp>(readers[0].argument()) != sum->combiner(0))
    return false;
  if (statement.isStored[0])
    powers = nest.outputs[0].base;
  return true;
}

/// The powers that are kept are read once, as powers * (c / sum), and nothing else reads the sum.
bool OnlineSoftmax::matchScaling() {
  if (powers < 0)
    return true;
  ArrayRef<Sweep> later = sweeps.drop_front(maximum + 2);
  SmallVector<Reader> ofPowers = readersOf(powers, later);
  SmallVector<Reader> ofSum = readersOf(sum->outputs[0].base, later);
  if (ofPowers.size() != 1 || ofSum.size() != 1 || ofPowers[0].statement != ofSum[0].statement)
    return false;
  scaled = maximum + 2 + ofPowers[0].sweep;
  auto inverse = onlyUser<arith::DivFOp>(ofSum[0].argument());
  auto product = inverse ? onlyUser<arith::MulFOp>(inverse.getResult()) : arith::MulFOp();
  return product && inverse.getRhs() == ofSum[0].argument() && isRow(sweeps[*scaled]) &&
         onlyUser<arith::MulFOp>(ofPowers[0].argument()) == product &&
         llvm::none_of(sweeps[*scaled].statements, [](auto &s) { return s.isReduction; });
}

/// Of what the sweep of the maximum writes, that of the powers reads the point where it is: not yet
/// what comes in later blocks.
bool OnlineSoftmax::readsSamePoints() const {
  for (const Statement &writer : sweeps[maximum].statements)
    for (const Access &output : writer.nest->outputs) {
      if (writer.isReduction)
        continue;
      for (const Reader &reader : readersOf(output.base, sweeps[maximum + 1]))
        if (reader.statement->nest->sizes != writer.nest->sizes ||
            reader.statement->loops != writer.loops ||
            reader.statement->nest->inputs[reader.input].indices != output.indices)
          return false;
    }
  return true;
}

/// One loop for both sweeps. The maximum is first: of memory that a caller has for x and the
/// result, it reads what powers have not overwritten.
void OnlineSoftmax::join() {
  together = sweeps[maximum + 1];
  for (Statement &statement : together.statements)
    for (auto &[from, output] : statement.forwarded)
      if (from >= 0)
        from += sweeps[maximum].statements.size();
  together.statements.insert(together.statements.begin(), sweeps[maximum].statements.begin(),
                             sweeps[maximum].statements.end());
}

std::optional<OnlineSoftmax> OnlineSoftmax::find(ArrayRef<Sweep> sweeps, const NestGroup &group,
                                                 int64_t l1Bytes) {
  for (size_t first = 0; first + 1 < sweeps.size(); ++first) {
    OnlineSoftmax result(sweeps, first);
    if (result.matchMaximum(group) && result.chooseBlock(l1Bytes) && result.matchPowers(group) &&
        result.matchScaling() && result.readsSamePoints()) {
      result.join();
      return result;
    }
  }
  return std::nullopt;
}

void OnlineSoftmax::allocate(Allocate allocate) {
  AffineExpr blocks = normalForm(sweeps[maximum].loops[0].size.ceilDiv(blockSize));
  if (scaled)
    references = allocate(blocks, largest->outputs[0].element);
}

/// A row at a position, while it is emitted.
struct OnlineSoftmax::Row {
  const OnlineSoftmax &softmax;
  Emitter &e;
  const NestGroup &group;
  const Homes &homes;
  const UnitPosition &position;

  Value length() const { return e.size(softmax.sweeps[softmax.maximum].loops[0].size); }
  Value blocks() const { return e.divideCeil(length(), softmax.blockSize); }
  /// A block of what a sweep computes.
  RowPart part(Value block) const {
    Value first = e.mul(block, softmax.blockSize);
    return {first, e.minimum(e.constant(softmax.blockSize), e.sub(length(), first))};
  }
  void sweep(const Sweep &sweep, RowPart part) const {
    SweepEmitter(e, sweep, group, homes, position, part).emit();
  }

  Value element(const Nest *nest) const {
    return group.scratch.find(nest->outputs[0].base)->second.buffer;
  }
  Value load(Value buffer, Value index) const {
    return memref::LoadOp::create(e.b, e.loc, buffer, index);
  }
  Value load(const Nest *nest) const { return load(element(nest), e.constant(0)); }
  void store(Value value, const Nest *nest) const {
    memref::StoreOp::create(e.b, e.loc, value, element(nest), e.constant(0));
  }
  /// exp(x - y), like the powers.
  Value power(Value x, Value y) const {
    IRMapping map;
    map.map(softmax.exp->getOperand(0), arith::SubFOp::create(e.b, e.loc, x, y));
    return e.b.clone(*softmax.exp, map)->getResult(0);
  }
};

bool OnlineSoftmax::emit(size_t index, Emitter &e, const NestGroup &group, const Homes &homes,
                         const UnitPosition &position) const {
  Row row{*this, e, group, homes, position};
  if (index == maximum)
    accumulate(row);
  else if (index == scaled)
    scale(row);
  return index == maximum || index == maximum + 1 || index == scaled;
}

void OnlineSoftmax::accumulate(Row &row) const {
  Emitter &e = row.e;
  // The distance of two infinities is no number: of blocks that hold nothing else, powers are
  // relative to the least number, and 0. A row of them alone has 0 for its sum.
  auto type = cast<FloatType>(largest->outputs[0].element);
  APFloat least = APFloat::getLargest(type.getFloatSemantics(), /*Negative=*/true);
  Value lowest = arith::ConstantOp::create(e.b, e.loc, FloatAttr::get(type, least));
  row.store(arith::MaximumFOp::create(e.b, e.loc, largest->inits[0].scalar, lowest), largest);
  row.store(sum->inits[0].scalar, sum);
  row.sweep(sweeps[maximum], row.part(e.constant(0)));
  e.loop(row.blocks(), 1, lowest, [&](Value block, ValueRange before) {
    Value now = row.load(largest), shrinks = row.power(before[0], now);
    row.store(arith::MulFOp::create(e.b, e.loc, row.load(sum), shrinks), sum);
    if (scaled)
      memref::StoreOp::create(e.b, e.loc, now, references, block);
    // The next block, as far as there is one: an element may be compared twice.
    RowPart part = row.part(block);
    part.ahead = sweeps[maximum].statements.size();
    part.firstAhead = e.minimum(e.add(part.first, blockSize), e.sub(row.length(), part.length));
    row.sweep(together, part);
    return SmallVector<Value>{now};
  });
}

/// From the row's end on, which is in the caches.
void OnlineSoftmax::scale(Row &row) const {
  Emitter &e = row.e;
  Value total = row.load(sum), last = row.load(largest), blocks = row.blocks();
  e.loop(blocks, [&](Value i) {
    Value block = e.sub(e.sub(blocks, e.constant(1)), i);
    Value factor = row.power(row.load(references, block), last);
    row.store(arith::DivFOp::create(e.b, e.loc, total, factor), sum);
    row.sweep(sweeps[*scaled], row.part(block));
  });
}
