// kern.argsort -> a block of threads for each of the batch.
#include "dialects/nn/Generics.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "targets/kernel/BodyEvaluator.h"
#include "targets/kernel/Selection.h"
#include "targets/nvptx/BlockDims.h"
#include "targets/nvptx/SelectionEmitter.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

int64_t nncc::nvptx::threadsFor(AffineExpr count) {
  std::optional<int64_t> known = constantOf(count);
  int64_t half = known ? llvm::PowerOf2Ceil(std::max<int64_t>(*known / 2, 1)) : manyThreads;
  return std::clamp(half, warpLanes, manyThreads);
}

Value nncc::nvptx::offsetOf(ThreadBlock &e, const Place &place, ValueRange indices) {
  Value at = e.size(place.offset);
  for (auto [index, stride] : llvm::zip(indices, place.strides))
    at = e.add(at, e.mul(index, stride));
  return at;
}

namespace {
using Values = SmallVector<Value>;

/// What is sorted: integers, or places alone.
struct Entries {
  unsigned keyBits, placeBits; // of a row's element, 0 where it has several; of its place
  unsigned bits() const { return keyBits ? std::max(64u, 2 * placeBits) : 64; }

  static Entries of(kern::ArgSortOp op) {
    Shape shape = shapeOf(op.getOperand());
    unsigned element = op.getOperandType().getElementType().getIntOrFloatBitWidth();
    std::optional<int64_t> rows = constantOf(shape[1]);
    bool isShort = element <= 32 && rows && *rows <= INT32_MAX;
    if (constantOf(shape[2]) != 1)
      return {0, 64};
    return {element <= 32 ? 32u : 64u, isShort ? 32u : 64u};
  }
};

class ArgSortEmitter {
public:
  ArgSortEmitter(ThreadBlock &e, kern::ArgSortOp op)
      : e(e), op(op), entries(Entries::of(op)), type(e.b.getIntegerType(entries.bits())),
        source(e.kernel.place(op.getOperand())), result(e.kernel.place(op.getResult())),
        shape(shapeOf(op.getOperand())), rows(e.size(shape[1])),
        count(e.size(shapeOf(op.getInit())[1])) {}

  void emit() {
    e.units(shape[0], [&](Value unit) {
      batch = unit;
      if (selects())
        return select();
      Value buffer = e.allocate(shape[1], type);
      e.distribute(rows, [&](Value i) { store(entry(i), buffer, i); });
      e.barrier();
      sort(buffer, rows);
      finish(buffer);
    });
  }

private:
  /// Whether it pays to look for a bound first.
  bool selects() {
    constexpr int64_t fewestForEach = 8;
    std::optional<int64_t> known = constantOf(shape[1]),
                           wanted = constantOf(shapeOf(op.getInit())[1]);
    return entries.keyBits && (!known || *known >= fewestForEach * e.threads) &&
           (!wanted || *wanted <= e.threads);
  }

  Value constant(Type type, const APInt &value) {
    return arith::ConstantOp::create(e.b, e.loc, e.b.getIntegerAttr(type, value));
  }
  Value choose(Value condition, Value x, Value y) {
    return arith::SelectOp::create(e.b, e.loc, condition, x, y);
  }
  Value shiftLeft(Value x, Value by) { return arith::ShLIOp::create(e.b, e.loc, x, by); }
  Value load(Value buffer, Value at) { return memref::LoadOp::create(e.b, e.loc, buffer, at); }
  void store(Value value, Value buffer, Value at) {
    memref::StoreOp::create(e.b, e.loc, value, buffer, at);
  }
  Value element(Value row, Value column) {
    Value value = load(source.buffer, offsetOf(e, source, {batch, row, column}));
    return fromMemory(e, value, op.getOperandType().getElementType());
  }
  /// Behind all entries.
  Value behindAll() { return constant(type, APInt::getAllOnes(entries.bits())); }

  Value key(Value element);
  Value entry(Value row);
  Value placeOf(Value entry);
  Value isBefore(Value x, Value y);
  void exchange(Value buffer, Value count, Value i, Value j);
  void sort(Value buffer, Value count);
  void select();
  Value findBound(Value least);
  void collect(Value bound, Value least, Value others, Value number);
  void finish(Value sorted);

  ThreadBlock &e;
  kern::ArgSortOp op;
  Entries entries;
  IntegerType type; // of an entry
  const Place &source, &result;
  Shape shape;
  Value rows, count, batch;
};
} // namespace

/// An unsigned integer whose order is that of the elements.
Value ArgSortEmitter::key(Value x) {
  Type integer = e.b.getIntegerType(entries.keyBits);
  Value sign = constant(integer, APInt::getSignedMinValue(entries.keyBits));
  Value ones = constant(integer, APInt::getAllOnes(entries.keyBits)), bits = x;
  auto flip = [&](Value mask) { bits = arith::XOrIOp::create(e.b, e.loc, bits, mask); };
  if (isa<FloatType>(x.getType())) {
    x = nn::widen(e.b, e.loc, x);
    bits = arith::BitcastOp::create(e.b, e.loc, integer, x);
    // Both zeros are one number; of negative ones the larger magnitude comes first.
    Value isZero = arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OEQ, x,
                                         nn::scalar(e.b, e.loc, x.getType(), 0));
    bits = choose(isZero, constant(integer, APInt::getZero(entries.keyBits)), bits);
    Value isNegative = e.compare(arith::CmpIPredicate::slt, bits,
                                 constant(integer, APInt::getZero(entries.keyBits)));
    flip(choose(isNegative, ones, sign));
    Value isNaN = arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::UNO, x, x);
    bits = choose(isNaN, ones, bits);
  } else {
    if (bits.getType() != integer)
      bits = op.getIsUnsigned() ? arith::ExtUIOp::create(e.b, e.loc, integer, bits).getResult()
                                : arith::ExtSIOp::create(e.b, e.loc, integer, bits).getResult();
    if (!op.getIsUnsigned())
      flip(sign);
  }
  if (op.getDescending())
    flip(ones);
  return bits;
}

Value ArgSortEmitter::entry(Value row) {
  Value place = arith::IndexCastUIOp::create(e.b, e.loc, e.b.getI64Type(), row);
  if (!entries.keyBits)
    return place;
  Value high = key(element(row, e.constant(0)));
  if (entries.keyBits < entries.bits())
    high = arith::ExtUIOp::create(e.b, e.loc, type, high);
  if (entries.bits() > 64)
    place = arith::ExtUIOp::create(e.b, e.loc, type, place);
  high = shiftLeft(high, constant(type, APInt(entries.bits(), entries.placeBits)));
  return arith::OrIOp::create(e.b, e.loc, high, place);
}

/// As an i64.
Value ArgSortEmitter::placeOf(Value entry) {
  if (entries.placeBits < entries.bits())
    entry = arith::TruncIOp::create(e.b, e.loc, e.b.getIntegerType(entries.placeBits), entry);
  return entries.placeBits < 64 ? arith::ExtUIOp::create(e.b, e.loc, e.b.getI64Type(), entry)
                                : entry;
}

Value ArgSortEmitter::isBefore(Value x, Value y) {
  if (entries.keyBits)
    return e.compare(arith::CmpIPredicate::ult, x, y);
  // The first column in which the rows differ tells; where there is none, their places do.
  auto rowOf = [&](Value place) -> Value {
    return arith::IndexCastUIOp::create(e.b, e.loc, e.b.getIndexType(), place);
  };
  Value a = rowOf(x), b = rowOf(y), byPlace = e.compare(arith::CmpIPredicate::ult, x, y);
  Value no = arith::ConstantIntOp::create(e.b, e.loc, 0, 1);
  // Carried: the column, whether x comes first, whether y does.
  auto loop = scf::WhileOp::create(
      e.b, e.loc, TypeRange{e.b.getIndexType(), e.b.getI1Type(), e.b.getI1Type()},
      ValueRange{e.constant(0), no, no},
      [&](OpBuilder &inner, Location loc, ValueRange state) {
        OpBuilder::InsertionGuard guard(e.b);
        e.b.setInsertionPointToEnd(inner.getInsertionBlock());
        Value isOpen = e.compare(arith::CmpIPredicate::eq,
                                 arith::OrIOp::create(e.b, loc, state[1], state[2]), no);
        Value exists = e.compare(arith::CmpIPredicate::ult, state[0], e.size(shape[2]));
        scf::ConditionOp::create(e.b, loc, arith::AndIOp::create(e.b, loc, isOpen, exists), state);
      },
      [&](OpBuilder &inner, Location loc, ValueRange state) {
        OpBuilder::InsertionGuard guard(e.b);
        e.b.setInsertionPointToEnd(inner.getInsertionBlock());
        Value first = element(a, state[0]), second = element(b, state[0]);
        if (op.getDescending())
          std::swap(first, second);
        scf::YieldOp::create(e.b, loc,
                             {e.add(state[0], 1),
                              isLess(e.b, loc, op.getIsUnsigned(), first, second),
                              isLess(e.b, loc, op.getIsUnsigned(), second, first)});
      });
  return choose(arith::OrIOp::create(e.b, e.loc, loop.getResult(1), loop.getResult(2)),
                loop.getResult(1), byPlace);
}

/// Puts two entries into order; those from `count` on are not there, as if they were behind all.
void ArgSortEmitter::exchange(Value buffer, Value count, Value i, Value j) {
  auto inOrder = [&] {
    Value x = load(buffer, i), y = load(buffer, j);
    auto swap = [&] { store(y, buffer, i), store(x, buffer, j); };
    e.branch(isBefore(y, x), swap, [] {});
  };
  e.branch(e.compare(arith::CmpIPredicate::ult, j, count), inOrder, [] {});
}

/// Pass p makes sorted runs of 2^(p+1) entries of two of half of it: its first step compares the
/// one with the other from its end, the others compare those that are 2^(p-1), .., 2, 1 apart. So
/// an entry that comes first moves to the front in all of them, and any count will do.
void ArgSortEmitter::sort(Value buffer, Value count) {
  Value one = e.constant(1), last = e.sub(e.maximum(count, one), one);
  Value wide = arith::IndexCastUIOp::create(e.b, e.loc, e.b.getI64Type(), last);
  Value zeros = math::CountLeadingZerosOp::create(e.b, e.loc, wide);
  Value passes =
      e.sub(e.constant(64), arith::IndexCastUIOp::create(e.b, e.loc, e.b.getIndexType(), zeros));
  e.loop(passes, [&](Value pass) {
    e.loop(e.add(pass, 1), [&](Value step) {
      Value bit = e.sub(pass, step), half = shiftLeft(one, bit), below = e.sub(half, one);
      Value both = shiftLeft(half, one);
      Value mask = choose(e.equals(step, 0), e.sub(both, one), half);
      Value runs = arith::ShRUIOp::create(e.b, e.loc, e.add(last, both), e.add(bit, 1));
      e.distribute(shiftLeft(runs, bit), [&](Value pair) {
        Value low = arith::AndIOp::create(e.b, e.loc, pair, below);
        Value i = e.sub(e.add(pair, pair), low); // twice what is above, and low
        exchange(buffer, count, i, arith::XOrIOp::create(e.b, e.loc, i, mask));
      });
      e.barrier();
    });
  });
}

void ArgSortEmitter::finish(Value sorted) {
  e.distribute(count, [&](Value i) {
    store(placeOf(load(sorted, i)), result.buffer, offsetOf(e, result, {batch, i}));
  });
}

/// An entry up to which there are as many as are wanted. `least` has one for each thread.
Value ArgSortEmitter::findBound(Value least) {
  constexpr int64_t atOnce = 4;
  Values found = e.stride(
      e.thread, rows, atOnce * e.threads, behindAll(), [&](Value first, ValueRange carried) {
        Values loaded;
        for (int64_t i = 0; i < atOnce; ++i) {
          Value row = e.add(first, i * e.threads);
          // Where there are no more, one of its own again: threads have different ones.
          loaded.push_back(
              entry(choose(e.compare(arith::CmpIPredicate::slt, row, rows), row, first)));
        }
        Value best = carried.front();
        for (Value each : loaded)
          best = arith::MinUIOp::create(e.b, e.loc, best, each);
        return Values{best};
      });
  store(found.front(), least, e.thread);
  e.barrier();
  sort(least, e.constant(e.threads));
  Value at = e.sub(e.maximum(count, e.constant(1)), e.constant(1));
  Value bound = load(least, e.minimum(at, e.constant(e.threads - 1)));
  Value isFound = e.compare(arith::CmpIPredicate::ule, count, e.constant(e.threads));
  return choose(isFound, bound, behindAll());
}

/// Those up to the bound, in any order: the first ones in `least`, `others` behind them. `number`
/// is 0, and becomes how many there are.
void ArgSortEmitter::collect(Value bound, Value least, Value others, Value number) {
  Value one = arith::ConstantIntOp::create(e.b, e.loc, 1, 32);
  e.distribute(rows, [&](Value row) {
    Value found = entry(row);
    auto keep = [&] {
      Value pointer = e.pointer(number, e.constant(0), sharedSpace);
      Value slot = LLVM::AtomicRMWOp::create(e.b, e.loc, LLVM::AtomicBinOp::add, pointer, one,
                                             LLVM::AtomicOrdering::monotonic, "block");
      Value at = arith::IndexCastUIOp::create(e.b, e.loc, e.b.getIndexType(), slot);
      e.branch(
          e.compare(arith::CmpIPredicate::ult, at, e.constant(e.threads)),
          [&] { store(found, least, at); }, [&] { store(found, others, at); });
    };
    e.branch(e.compare(arith::CmpIPredicate::ule, found, bound), keep, [] {});
  });
}

void ArgSortEmitter::select() {
  Value least = e.allocateShared(e.threads, type);
  Value number = e.allocateShared(1, e.b.getI32Type()), first = e.constant(0);
  Value others = e.allocate(shape[1], type);
  Value bound = findBound(least);
  Value zero = arith::ConstantIntOp::create(e.b, e.loc, 0, 32);
  e.branch(
      e.equals(e.thread, 0), [&] { store(zero, number, first); }, [] {});
  e.barrier();
  collect(bound, least, others, number);
  e.barrier();
  Value found = arith::IndexCastUIOp::create(e.b, e.loc, e.b.getIndexType(), load(number, first));
  auto few = [&] { sort(least, found), finish(least); };
  auto many = [&] { // elements that are distributed badly, or all of them
    store(load(least, e.thread), others, e.thread);
    e.barrier();
    sort(others, found), finish(others);
  };
  e.branch(e.compare(arith::CmpIPredicate::ule, found, e.constant(e.threads)), few, many);
}

FailureOr<int64_t> nncc::nvptx::emitArgSort(OpBuilder &b, kern::ArgSortOp op, Kernel &kernel) {
  int64_t threads = threadsFor(shapeOf(op.getOperand())[1]);
  ThreadBlock block(b, kernel, threads);
  block.loc = op.getLoc();
  ArgSortEmitter(block, op).emit();
  return threads;
}
