// kern.positions -> blocks of threads, each for a part of the mask.
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "targets/kernel/BodyEvaluator.h"
#include "targets/nvptx/SelectionEmitter.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

namespace {
using Values = SmallVector<Value>;
/// Elements of a thread in a round: bytes of one load.
constexpr int64_t each = widestBytes;
/// All elements before a part are counted by its block: of more parts much would be read often.
constexpr int64_t mostParts = 32;

class PositionsEmitter {
public:
  PositionsEmitter(ThreadBlock &e, kern::PositionsOp op)
      : e(e), mask(e.kernel.place(op.getMask())), result(e.kernel.place(op.getResult())),
        size(shapeOf(op.getMask())[0]), elements(e.size(size)),
        count(e.size(shapeOf(op.getInit())[0])) {}

  void emit() {
    const int64_t round = e.threads * each;
    AffineExpr rounds = normalForm(normalForm(size.ceilDiv(round)).ceilDiv(mostParts));
    std::optional<int64_t> known = constantOf(size), ofPart = constantOf(rounds);
    int64_t parts = known ? llvm::divideCeil(std::max<int64_t>(*known, 1),
                                             std::max<int64_t>(*ofPart, 1) * round)
                          : mostParts;
    if (isOne(mask.strides[0]) && areMultiples(mask.offset, each))
      aligned = e.areAligned({{mask.buffer, each}});
    e.units(e.b.getAffineConstantExpr(parts), [&](Value unit) {
      Value length = e.mul(e.maximum(e.size(rounds), e.constant(1)), round);
      first = arith::MulIOp::create(e.b, e.loc, unit, length);
      Value last = e.maximum(e.sub(elements, e.constant(1)), e.constant(0));
      end = e.minimum(e.add(first, length), elements);
      // The block of the last element, which knows how many there are.
      isLast = e.equals(unit, arith::DivUIOp::create(e.b, e.loc, last, length).getResult());
      Value isThere = e.compare(arith::CmpIPredicate::sle, first, last);
      e.branch(
          isThere, [&] { part(parts); }, [] {});
    });
  }

private:
  Value i32(int64_t value) { return arith::ConstantIntOp::create(e.b, e.loc, value, 32); }
  Value toIndex(Value number) {
    return arith::IndexCastUIOp::create(e.b, e.loc, e.b.getIndexType(), number);
  }
  Value isMarked(Value i) {
    Value at = e.add(e.size(mask.offset), e.mul(i, mask.strides[0]));
    Value byte = memref::LoadOp::create(e.b, e.loc, mask.buffer, at);
    return fromMemory(e, byte, e.b.getI1Type());
  }
  void store(Value number, Value place) {
    Value at = e.add(e.size(result.offset), e.mul(place, result.strides[0]));
    memref::StoreOp::create(e.b, e.loc, number, result.buffer, at);
  }

  Value marks(Value at);
  Value marksOfWhole(Value at);
  Value across(Value number, Value shared, Value &before);
  Value countBefore();
  Value place(Value round, Value before, Value shared, bool isRepeated);
  void part(int64_t parts);

  ThreadBlock &e;
  const Place &mask, &result;
  AffineExpr size;
  Value elements, count, aligned;
  Value first, end, isLast; // of the block's part
};
} // namespace

/// The same as `marks` of elements that one load reads.
Value PositionsEmitter::marksOfWhole(Value at) {
  auto bytes = VectorType::get({each}, e.b.getI8Type());
  auto words = VectorType::get({each / 4}, e.b.getI32Type());
  Value loaded =
      vector::LoadOp::create(e.b, e.loc, bytes, mask.buffer, e.add(e.size(mask.offset), at),
                             /*nontemporal=*/false, llvm::MaybeAlign(each));
  loaded = vector::BitCastOp::create(e.b, e.loc, words, loaded);
  Value result;
  for (int64_t i = 0; i < each / 4; ++i) {
    Value word = vector::ExtractOp::create(e.b, e.loc, loaded, ArrayRef<int64_t>{i});
    // The highest bit of each byte that is not 0: of one below 128 by a carry into it.
    Value low = arith::AndIOp::create(e.b, e.loc, word, i32(0x7f7f7f7f));
    Value carried = arith::AddIOp::create(e.b, e.loc, low, i32(0x7f7f7f7f));
    Value high = arith::OrIOp::create(e.b, e.loc, carried, word);
    high = arith::ShRUIOp::create(e.b, e.loc, high, i32(7));
    high = arith::AndIOp::create(e.b, e.loc, high, i32(0x01010101));
    // All four come together in the highest bits of a product.
    Value four = arith::MulIOp::create(e.b, e.loc, high, i32(0x10204080));
    four = arith::ShRUIOp::create(e.b, e.loc, four, i32(28));
    four = arith::ShLIOp::create(e.b, e.loc, four, i32(4 * i));
    result = result ? arith::OrIOp::create(e.b, e.loc, result, four).getResult() : four;
  }
  return result;
}

/// A bit for each of the elements from `at` on, the first one the lowest, 0 behind the end.
Value PositionsEmitter::marks(Value at) {
  auto apart = [&] {
    return e.loop(e.constant(each), 1, {i32(0)}, [&](Value i, ValueRange bits) {
      Value place = e.add(at, i);
      Values marked = e.choose(
          e.compare(arith::CmpIPredicate::slt, place, end), {e.b.getI1Type()},
          [&] { return Values{isMarked(place)}; },
          [&] { return Values{arith::ConstantIntOp::create(e.b, e.loc, 0, 1)}; });
      Value bit = arith::ExtUIOp::create(e.b, e.loc, e.b.getI32Type(), marked.front());
      Value shift = arith::IndexCastUIOp::create(e.b, e.loc, e.b.getI32Type(), i);
      bit = arith::ShLIOp::create(e.b, e.loc, bit, shift);
      return Values{arith::OrIOp::create(e.b, e.loc, bits.front(), bit)};
    });
  };
  if (!aligned)
    return apart().front();
  Value isWhole = e.compare(arith::CmpIPredicate::sle, e.add(at, each), end);
  isWhole = e.both(aligned, isWhole);
  return e
      .choose(
          isWhole, {e.b.getI32Type()}, [&] { return Values{marksOfWhole(at)}; }, apart)
      .front();
}

/// The sum of all threads' numbers, and in `before` that of the threads before this one. `shared`
/// has a place for each warp, which none has read or written since a barrier.
Value PositionsEmitter::across(Value number, Value shared, Value &before) {
  Type type = number.getType();
  Value zero = arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(type)), lane = e.lane();
  Value sum = number;
  before = zero;
  for (int64_t mask = 1; mask < warpLanes; mask *= 2) {
    Value other = e.shuffleXor(sum, mask);
    Value isBehind =
        e.compare(arith::CmpIPredicate::ne,
                  arith::AndIOp::create(e.b, e.loc, lane, e.constant(mask)), e.constant(0));
    Value lower = arith::SelectOp::create(e.b, e.loc, isBehind, other, zero);
    before = arith::AddIOp::create(e.b, e.loc, before, lower);
    sum = arith::AddIOp::create(e.b, e.loc, sum, other);
  }
  if (e.threads == warpLanes)
    return sum;
  Value warp = e.warp(), all = zero;
  e.branch(
      e.equals(lane, 0), [&] { memref::StoreOp::create(e.b, e.loc, sum, shared, warp); }, [] {});
  e.barrier();
  for (int64_t i = 0; i < e.threads / warpLanes; ++i) {
    Value part = memref::LoadOp::create(e.b, e.loc, shared, e.constant(i));
    Value isBefore = e.compare(arith::CmpIPredicate::ugt, warp, e.constant(i));
    before = arith::AddIOp::create(
        e.b, e.loc, before, arith::SelectOp::create(e.b, e.loc, isBefore, part, zero).getResult());
    all = arith::AddIOp::create(e.b, e.loc, all, part);
  }
  return all;
}

/// How many of the elements before the block's part are marked.
Value PositionsEmitter::countBefore() {
  Type i64 = e.b.getI64Type();
  Value zero = arith::ConstantIntOp::create(e.b, e.loc, 0, 64);
  Values own = e.stride(e.mul(e.thread, each), first, e.threads * each, {zero},
                        [&](Value at, ValueRange sum) {
                          Value found = math::CtPopOp::create(e.b, e.loc, marks(at));
                          found = arith::ExtUIOp::create(e.b, e.loc, i64, found);
                          return Values{arith::AddIOp::create(e.b, e.loc, sum.front(), found)};
                        });
  Value before;
  return toIndex(across(own.front(), e.allocateShared(e.threads / warpLanes, i64), before));
}

/// Stores what is marked from `round` on, a stretch for each thread; `before` are the marks before
/// it. Returns those behind it.
Value PositionsEmitter::place(Value round, Value before, Value shared, bool isRepeated) {
  Value at = e.add(round, e.mul(e.thread, each)), bits = marks(at);
  Value found = math::CtPopOp::create(e.b, e.loc, bits), earlier;
  Value all = across(found, shared, earlier);
  Value next = e.add(before, toIndex(earlier));
  e.loop(toIndex(found), 1, {bits}, [&](Value i, ValueRange left) {
    Value lowest = toIndex(math::CountTrailingZerosOp::create(e.b, e.loc, left.front()));
    Value number = arith::IndexCastUIOp::create(e.b, e.loc, e.b.getI64Type(), e.add(at, lowest));
    Value slot = e.add(next, i);
    e.branch(
        e.compare(arith::CmpIPredicate::slt, slot, count), [&] { store(number, slot); }, [] {});
    Value below = arith::SubIOp::create(e.b, e.loc, left.front(), i32(1));
    return Values{arith::AndIOp::create(e.b, e.loc, left.front(), below)};
  });
  if (isRepeated)
    e.barrier();
  return e.add(before, toIndex(all));
}

void PositionsEmitter::part(int64_t parts) {
  Value before = parts == 1 ? e.constant(0) : countBefore();
  Value shared = e.allocateShared(e.threads / warpLanes, e.b.getI32Type());
  const int64_t round = e.threads * each;
  std::optional<int64_t> known = constantOf(size);
  Value all;
  if (known && *known <= round * mostParts)
    all = place(first, before, shared, /*isRepeated=*/false);
  else
    all = e.stride(first, end, round, {before}, [&](Value at, ValueRange marked) {
             return Values{place(at, marked.front(), shared, /*isRepeated=*/true)};
           }).front();
  auto rest = [&] {
    Value zero = arith::ConstantIntOp::create(e.b, e.loc, 0, 64);
    e.stride(e.add(all, e.thread), count, e.threads, [&](Value i) { store(zero, i); });
  };
  e.branch(isLast, rest, [] {});
}

FailureOr<int64_t> nncc::nvptx::emitPositions(OpBuilder &b, kern::PositionsOp op, Kernel &kernel) {
  AffineExpr size = shapeOf(op.getMask())[0];
  // Each thread has several elements at once.
  int64_t threads = threadsFor(normalForm(size.ceilDiv(each / 2)));
  ThreadBlock block(b, kernel, threads);
  block.loc = op.getLoc();
  PositionsEmitter(block, op).emit();
  return threads;
}
