// One register tile of a contraction.
#include "targets/cpu/ContractEmitter.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "targets/cpu/Lanes.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

/// Steps of a reduction that have a sum of their own, about; fewer than the least have one.
static constexpr int64_t stepsPerSum = 384, leastSteps = 512;

/// A number of steps that divides all of them, if one near does.
static int64_t partLength(int64_t steps) {
  const int64_t parts = llvm::divideCeil(steps, stepsPerSum);
  for (int64_t i = parts; i <= 2 * parts; ++i)
    if (steps % i == 0)
      return steps / i;
  return llvm::divideCeil(steps, parts);
}

bool ContractEmitter::sumsInParts() const {
  return nominal(depthBlock) * p.kh * p.kw > leastSteps;
}

static bool isZero(AffineExpr stride) { return constantOf(stride) == 0; }

Value ContractEmitter::mask(Strip strip, int64_t panel) {
  if (panel + 1 < strip.count)
    return nullptr;
  return strip.mask ? strip.mask : firstLanes(*this, strip.tail, kern::panel);
}

Value ContractEmitter::addressC(const Cursor &at, Value row, int64_t panel) {
  return add(add(at.c, mul(row, p.x.c)), panel * kern::panel * fixed(p.n.c));
}

Value ContractEmitter::loadExtra(unsigned i, const Cursor &at, Value row, int64_t panel,
                                 Strip strip) {
  const Epilogue::Extra &extra = p.epilogue.getExtras()[i];
  int64_t stride = fixed(p.n.extras[i]);
  Value from = add(add(at.extras[i], mul(row, p.x.extras[i])), panel * kern::panel * stride);
  return loadLanes(*this, VectorType::get({kern::panel}, extra.element), extra.buffer, from, stride,
                   mask(strip, panel));
}

/// Zeros, or the partial sums of the blocks of the reduction before this one.
ContractEmitter::Values ContractEmitter::initialSums(int64_t rows, Strip strip, const Cursor &at) {
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(vector));
  Values zeros(rows * strip.count, zero);
  if (!block)
    return zeros;
  auto op = scf::IfOp::create(b, loc, ValueRange(zeros).getTypes(), equals(block, 0),
                              /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  scf::YieldOp::create(b, loc, zeros);
  b.setInsertionPointToStart(op.elseBlock());
  Values partial;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t j = 0; j < strip.count; ++j)
      partial.push_back(loadLanes(*this, vector, bufferC, addressC(at, constant(r), j),
                                  fixed(p.n.c), mask(strip, j)));
  scf::YieldOp::create(b, loc, partial);
  return Values(op.getResults());
}

/// Sums, or what the epilogue makes of them, -> C.
void ContractEmitter::storeSums(const Values &sums, int64_t rows, Strip strip, const Cursor &at,
                                bool last) {
  unsigned extras = p.epilogue.getExtras().size();
  llvm::DenseMap<std::tuple<unsigned, int64_t, int64_t>, Value> loaded;
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t j = 0; j < strip.count; ++j) {
      Value value = sums[r * strip.count + j];
      Values values;
      for (unsigned i = 0; last && i < extras; ++i) {
        Value &extra = loaded[{i, isZero(p.x.extras[i]) ? 0 : r, isZero(p.n.extras[i]) ? 0 : j}];
        if (!extra)
          extra = loadExtra(i, at, constant(r), j, strip);
        values.push_back(extra);
      }
      if (last)
        value = p.epilogue.apply(*this, value, values);
      storeLanes(*this, value, bufferC, addressC(at, constant(r), j), fixed(p.n.c), mask(strip, j));
    }
}

/// A heavy epilogue: row by row over the sums in C, so that its code exists once per tile.
void ContractEmitter::finishStored(int64_t rows, Strip strip, const Cursor &at) {
  unsigned extras = p.epilogue.getExtras().size();
  SmallVector<Values> shared(strip.count, Values(extras));
  for (int64_t j = 0; j < strip.count; ++j)
    for (unsigned i = 0; i < extras; ++i)
      if (isZero(p.x.extras[i]))
        shared[j][i] =
            j && isZero(p.n.extras[i]) ? shared[0][i] : loadExtra(i, at, constant(0), j, strip);
  loop(constant(rows), [&](Value r) {
    for (int64_t j = 0; j < strip.count; ++j) {
      Values values = shared[j];
      for (unsigned i = 0; i < extras; ++i)
        if (!values[i])
          values[i] = loadExtra(i, at, r, j, strip);
      Value address = addressC(at, r, j);
      Value sum = loadLanes(*this, vector, bufferC, address, fixed(p.n.c), mask(strip, j));
      storeLanes(*this, p.epilogue.apply(*this, sum, values), bufferC, address, fixed(p.n.c),
                 mask(strip, j));
    }
  });
}

void ContractEmitter::finish(const Values &sums, int64_t rows, Strip strip, const Cursor &at) {
  auto whenLast = [&](llvm::function_ref<void()> last, llvm::function_ref<void()> other) {
    block ? branch(equals(block, lastBlock), last, other) : last();
  };
  if (p.epilogue.isIdentity() || (!block && !p.epilogue.isHeavy()))
    return storeSums(sums, rows, strip, at, /*last=*/!p.epilogue.isIdentity());
  if (!p.epilogue.isHeavy())
    return whenLast([&] { storeSums(sums, rows, strip, at, /*last=*/true); },
                    [&] { storeSums(sums, rows, strip, at, /*last=*/false); });
  storeSums(sums, rows, strip, at, /*last=*/false);
  whenLast([&] { finishStored(rows, strip, at); }, [] {});
}

ContractEmitter::Values ContractEmitter::brgemm(const Reduction &r, ValueRange sums, Strip strip,
                                                const Cursor &at) {
  Values open; // strides
  auto stride = [&](AffineExpr stride) {
    if (auto known = constantOf(normalForm(stride)))
      return *known;
    open.push_back(size(stride));
    return ShapedType::kDynamic;
  };
  int64_t rowStride = stride(p.x.a);
  auto aStrides = llvm::map_to_vector(r.aStrides, stride);
  auto bStrides = llvm::map_to_vector(r.bStrides, stride);
  auto op = kern::BrgemmOp::create(b, loc, sums.getTypes(), bufferA,
                                   add(add(at.a, r.a), mul(constant(r.from), p.x.a)), bufferB,
                                   add(at.b, r.b), r.counts, open, sums, aStrides, bStrides,
                                   rowStride, fixed(panelStride), strip.count, plan.getUnroll());
  return Values(op.getResults());
}

/// What a sum over many steps loses grows with their number: each `stepsPerSum` of them have a sum
/// of their own, which begins at 0. The sums of the tile are in memory meanwhile.
ContractEmitter::Values ContractEmitter::reduceInParts(const Reduction &r, ValueRange sums,
                                                       Strip strip, const Cursor &at) {
  auto place = [&](size_t i) { return constant(int64_t(i) * kern::panel); };
  for (auto [i, sum] : llvm::enumerate(sums))
    vector::StoreOp::create(b, loc, sum, totals, place(i));
  Values zeros(sums.size(), arith::ConstantOp::create(b, loc, b.getZeroAttr(vector)));
  forEachPart(r, [&](const Reduction &part) {
    for (auto [i, sum] : llvm::enumerate(brgemm(part, zeros, strip, at))) {
      Value total = vector::LoadOp::create(b, loc, vector, totals, place(i));
      vector::StoreOp::create(b, loc, arith::AddFOp::create(b, loc, total, sum), totals, place(i));
    }
  });
  Values results;
  for (size_t i = 0; i < sums.size(); ++i)
    results.push_back(vector::LoadOp::create(b, loc, vector, totals, place(i)));
  return results;
}

/// The parts of a reduction that have sums of their own: iterations of its outer loops, until those
/// inside are few steps.
void ContractEmitter::forEachPart(Reduction r, llvm::function_ref<void(const Reduction &)> emit) {
  auto stepsFrom = [&](size_t level) {
    int64_t steps = 1;
    for (Value count : ArrayRef<Value>(r.counts).drop_front(level))
      steps *= getConstantIntValue(count).value_or(std::max(p.kh, p.kw));
    return steps;
  };
  if (r.counts.size() > 1 && stepsFrom(0) > stepsPerSum) {
    Value count = r.counts[0];
    AffineExpr a = r.aStrides[0], bStride = r.bStrides[0];
    r.counts.erase(r.counts.begin());
    r.aStrides.erase(r.aStrides.begin()), r.bStrides.erase(r.bStrides.begin());
    return loop(count, [&](Value i) {
      Reduction part = r;
      part.a = add(r.a, mul(i, a)), part.b = add(r.b, mul(i, bStride));
      forEachPart(part, emit);
    });
  }
  Value steps = r.counts[0];
  auto known = getConstantIntValue(steps);
  const int64_t length = known ? partLength(*known) : stepsPerSum;
  if (r.counts.size() > 1 || known == length)
    return emit(r);
  loop(divideCeil(steps, length), [&](Value i) {
    Reduction part = r;
    Value first = mul(i, length);
    part.a = add(r.a, mul(first, r.aStrides[0])), part.b = add(r.b, mul(first, r.bStrides[0]));
    part.counts[0] = known && *known % length == 0 ? constant(length)
                                                   : minimum(constant(length), sub(steps, first));
    emit(part);
  });
}

void ContractEmitter::tile(int64_t rows, Strip strip, const Cursor &at,
                           ArrayRef<Reduction> reductions) {
  Values sums = initialSums(rows, strip, at);
  for (const Reduction &r : reductions) {
    MutableArrayRef<Value> part(sums.begin() + r.from * strip.count, (r.to - r.from) * strip.count);
    llvm::copy(totals ? reduceInParts(r, ValueRange(part), strip, at)
                      : brgemm(r, ValueRange(part), strip, at),
               part.begin());
  }
  finish(sums, rows, strip, at);
}
