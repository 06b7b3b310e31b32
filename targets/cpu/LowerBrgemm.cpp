// kern.brgemm -> scf.for over vector.fma or dot products of bytes: accumulators are loop-carried
// vectors, so registers.
#include "targets/cpu/DotProduct.h"
#include "targets/cpu/Passes.h"
#include "targets/cpu/WeightReader.h"
#include "targets/kernel/Emitter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace nncc::cpu {
#define GEN_PASS_DEF_LOWERBRGEMM
#include "targets/cpu/Passes.h.inc"
} // namespace nncc::cpu

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {
using Values = SmallVector<Value>;

struct Lowering : Emitter {
  kern::BrgemmOp op;
  DotProduct dot;
  VectorType type = cast<VectorType>(op.getAcc().front().getType());
  bool isOfBytes = type.getElementType().isInteger();
  int64_t nv = op.getNv();
  int64_t mr = op.getAcc().size() / nv;
  int64_t last = op.getCounts().size() - 1;
  Values aStrides{}, bStrides{}, rows{}; // of the loops; from x to each row

  void setStrides() {
    OperandRange open = op.getOpenStrides();
    auto value = [&](int64_t stride) -> Value {
      if (!ShapedType::isDynamic(stride))
        return constant(stride);
      Value next = open.front();
      open = open.drop_front();
      return next;
    };
    Value rowStride = value(op.getRowStride());
    aStrides = llvm::map_to_vector(op.getAStrides(), value);
    bStrides = llvm::map_to_vector(op.getBStrides(), value);
    for (int64_t r = 0; r < mr; ++r)
      rows.push_back(times(constant(r), rowStride));
  }

  /// What replaces the results.
  Values run() {
    Values sums(op.getAcc());
    bool isShifted = isOfBytes && dot.isShifted();
    if (isShifted) // sums of the columns, behind
      sums.append(nv, arith::ConstantOp::create(b, loc, b.getZeroAttr(type)));
    sums = nest(0, op.getAOffset(), op.getBOffset(), op.getPrefetch(), sums);
    if (!isShifted)
      return sums;
    Value seven = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(type, APInt(32, 7)));
    for (int64_t j = 0; j < nv; ++j) {
      Value missing = arith::ShLIOp::create(b, loc, sums[mr * nv + j], seven); // times 128
      for (int64_t r = 0; r < mr; ++r)
        sums[r * nv + j] = arith::AddIOp::create(b, loc, sums[r * nv + j], missing);
    }
    sums.truncate(mr * nv);
    return sums;
  }

  Value times(Value x, Value stride) {
    if (auto known = getConstantIntValue(stride))
      return mul(x, *known);
    auto cx = getConstantIntValue(x);
    if (cx == 0 || cx == 1)
      return cx == 0 ? x : stride;
    return arith::MulIOp::create(b, loc, x, stride, arith::IntegerOverflowFlags::nsw);
  }

  /// The cache line that is read `lead` lines after `at`, where u * `elements`, the way to there
  /// since the iteration began, is at the begin of a line.
  void fetchLead(Value at, int64_t u, int64_t elements) {
    int64_t line = kern::elementsPerLine(op.getB());
    if (op.getLead() && u * elements % line < elements)
      memref::PrefetchOp::create(b, loc, op.getB(), add(at, op.getLead() * line), /*isWrite=*/false,
                                 /*localityHint=*/3, /*isDataCache=*/true);
  }

  /// One step of the reduction, `u` steps after (x, y).
  void step(Value x, Value y, int64_t u, Values &acc) {
    Values columns;
    for (int64_t j = 0; j < nv; ++j) {
      Value at = add(y, add(times(constant(u), bStrides[last]), j * op.getPanelStride()));
      fetchLead(at, u, kern::panel * (isOfBytes ? kern::bytesPerStep : 1));
      columns.push_back(isOfBytes ? dot.loadColumns(*this, type, op.getB(), at)
                                  : loadWeights(*this, type, op.getB(), at));
    }
    for (int64_t j = 0; isOfBytes && dot.isShifted() && j < nv; ++j)
      acc[mr * nv + j] = dot.accumulate(*this, dot.ones(*this, type), columns[j], acc[mr * nv + j]);
    for (int64_t r = 0; r < mr; ++r) {
      Value row = loadRow(add(x, add(times(constant(u), aStrides[last]), rows[r])));
      for (int64_t j = 0; j < nv; ++j) {
        Value &sum = acc[r * nv + j];
        sum = isOfBytes ? dot.accumulate(*this, row, columns[j], sum)
                        : vector::FMAOp::create(b, loc, row, columns[j], sum);
      }
    }
  }

  /// What a row has for one step, in all lanes.
  Value loadRow(Value at) {
    if (isOfBytes)
      return dot.loadRow(*this, type, op.getA(), at);
    return broadcastA(at);
  }

  /// Cache lines of b for later, in the iteration that begins with step `i`. `ahead`: where those
  /// of this run of the innermost loop begin, if any.
  void fetch(Value ahead, Value i, int64_t unroll) {
    if (!ahead)
      return;
    int64_t line = kern::elementsPerLine(op.getB()), lines = op.getPrefetches();
    Value at = add(ahead, mul(divide(i, unroll).first, lines * line));
    for (int64_t next = 0; next < lines; ++next)
      memref::PrefetchOp::create(b, loc, op.getB(), add(at, next * line), /*isWrite=*/false,
                                 /*localityHint=*/2, /*isDataCache=*/true);
  }

  /// `ahead` after `index` runs of the loops below `depth`; null where their iterations are not
  /// constant.
  Value advance(Value ahead, Value index, int64_t depth) {
    int64_t iterations = 1;
    for (int64_t d = depth + 1; d <= last && ahead; ++d) {
      auto count = getConstantIntValue(op.getCounts()[d]);
      if (!count)
        return nullptr;
      iterations *= d == last ? llvm::divideCeilSigned(*count, op.getUnroll()) : *count;
    }
    return ahead
               ? add(ahead,
                     mul(index, iterations * op.getPrefetches() * kern::elementsPerLine(op.getB())))
               : nullptr;
  }

  /// The innermost loop from `first` on, `unroll` steps at a time.
  Values steps(Value first, Value count, int64_t unroll, Value x, Value y, Value ahead,
               ValueRange acc) {
    return loop(count, unroll, acc, [&](Value i, ValueRange carried) {
      Values sums(carried);
      fetch(ahead, i, unroll);
      Value at = add(first, i);
      Value nextX = add(x, times(at, aStrides[last]));
      Value nextY = add(y, times(at, bStrides[last]));
      for (int64_t u = 0; u < unroll; ++u)
        step(nextX, nextY, u, sums);
      return sums;
    });
  }

  Values innermost(Value x, Value y, Value ahead, ValueRange acc) {
    Value count = op.getCounts()[last];
    int64_t unroll = op.getUnroll();
    auto trips = getConstantIntValue(count);
    if (trips == 0)
      return Values(acc);
    if (trips) { // a divisor that is almost as large, else a remainder in straight code
      int64_t divisor = std::min(unroll, *trips);
      while (*trips % divisor)
        --divisor;
      if (2 * divisor > unroll || *trips == divisor)
        return steps(constant(0), count, divisor, x, y, ahead, acc);
    }
    auto [quotient, rest] = divide(count, unroll);
    Value whole = mul(quotient, unroll);
    Values sums(acc);
    if (getConstantIntValue(whole) != 0)
      sums = steps(constant(0), whole, unroll, x, y, ahead, sums);
    if (auto constantRest = getConstantIntValue(rest))
      return *constantRest ? steps(whole, rest, *constantRest, x, y, nullptr, sums) : sums;
    return steps(whole, rest, 1, x, y, nullptr, sums);
  }

  /// The rows of one block of packed weights, which begins at `y`.
  Values blockRows(Value x, Value y, ValueRange acc) {
    kern::BlocksAttr format = *op.getBlocks();
    BlockReader reader(*this, {format.getBits(), format.getRows()}, op.getB(), y,
                       op.getPanelStride(), nv);
    for (int64_t j = 0; j < nv; ++j)
      fetchLead(add(y, j * op.getPanelStride()), /*u=*/0, kern::panel);
    return mr == 1 ? blockOfOneRow(reader, x, acc) : blockOfRows(reader, x, acc);
  }

  /// `body` with the codes of each row of a block, and where `a` has what they are multiplied by.
  Values eachBlockRow(BlockReader &reader, Value x, ValueRange carried,
                      llvm::function_ref<void(ArrayRef<Value>, Value, Values &)> body) {
    int64_t perStep = reader.rowsPerStep(), count = *getConstantIntValue(op.getCounts()[last]);
    int64_t unroll = std::max<int64_t>(1, op.getUnroll() / perStep);
    if (op.getLead()) // a whole line
      unroll = std::max(unroll, kern::cacheLine / kern::panel);
    while (count / perStep % unroll)
      --unroll;
    return loop(constant(count / perStep), unroll, carried, [&](Value i, ValueRange before) {
      Values values(before);
      for (int64_t u = 0; u < unroll; ++u) {
        Value index = add(i, u);
        for (int64_t j = 0; j < nv; ++j)
          fetchLead(reader.codesAt(index, j), u, kern::panel);
        Values codes = reader.codes(index);
        for (int64_t p = 0; p < perStep; ++p)
          body(ArrayRef(codes).slice(p * nv, nv),
               add(x, times(add(mul(index, perStep), p), aStrides[last])), values);
      }
      return values;
    });
  }

  /// Weights are made of the codes, for all rows of the tile.
  Values blockOfRows(BlockReader &reader, Value x, ValueRange acc) {
    SmallVector<BlockReader::Line> lines = reader.lines();
    return eachBlockRow(reader, x, acc, [&](ArrayRef<Value> codes, Value at, Values &sums) {
      Values weights;
      for (auto [code, line] : llvm::zip_equal(codes, lines))
        weights.push_back(vector::FMAOp::create(b, loc, code, line.scale, line.offset));
      for (int64_t r = 0; r < mr; ++r) {
        Value row = broadcastA(add(at, rows[r]));
        for (int64_t j = 0; j < nv; ++j)
          sums[r * nv + j] = vector::FMAOp::create(b, loc, row, weights[j], sums[r * nv + j]);
      }
    });
  }

  /// Of one row, codes are summed up and the sums are scaled: scale * (sum of a * code) + offset *
  /// (sum of a).
  Values blockOfOneRow(BlockReader &reader, Value x, ValueRange acc) {
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
    Values sums = eachBlockRow(reader, x, Values(nv + 1, zero),
                               [&](ArrayRef<Value> codes, Value at, Values &sums) {
                                 Value row = broadcastA(at);
                                 for (int64_t j = 0; j < nv; ++j)
                                   sums[j] = vector::FMAOp::create(b, loc, row, codes[j], sums[j]);
                                 sums[nv] = arith::AddFOp::create(b, loc, sums[nv], row);
                               });
    Values result;
    for (auto [j, line] : llvm::enumerate(reader.lines())) {
      Value sum = vector::FMAOp::create(b, loc, sums[j], line.scale, acc[j]);
      result.push_back(vector::FMAOp::create(b, loc, sums[nv], line.offset, sum));
    }
    return result;
  }

  Value broadcastA(Value at) {
    return vector::BroadcastOp::create(b, loc, type, memref::LoadOp::create(b, loc, op.getA(), at));
  }

  Values nest(int64_t depth, Value x, Value y, Value ahead, ValueRange acc) {
    if (depth == last)
      return op.getBlocks() ? blockRows(x, y, acc) : innermost(x, y, ahead, acc);
    return loop(op.getCounts()[depth], 1, acc, [&](Value i, ValueRange carried) {
      return nest(depth + 1, add(x, times(i, aStrides[depth])), add(y, times(i, bStrides[depth])),
                  advance(ahead, i, depth), carried);
    });
  }
};

struct LowerBrgemm : nncc::cpu::impl::LowerBrgemmBase<LowerBrgemm> {
  using LowerBrgemmBase::LowerBrgemmBase;

  void runOnOperation() override {
    if (!llvm::is_contained<int64_t>({0, 128, 256, 512}, dotBits)) {
      getOperation().emitError("expects dot-bits of 0, 128, 256 or 512, found ")
          << static_cast<int64_t>(dotBits);
      return signalPassFailure();
    }
    auto kind = DotProduct::kindNamed(this->dot);
    if (!kind) {
      getOperation().emitError("expects vpdpbusd, usdot or sdot as dot, found '")
          << this->dot << "'";
      return signalPassFailure();
    }
    if (*kind != DotProduct::Kind::Vpdpbusd && dotBits > 128) {
      getOperation().emitError("expects dot-bits of 0 or 128 with ") << this->dot;
      return signalPassFailure();
    }
    DotProduct dot{dotBits, *kind};
    getOperation()->walk([&](kern::BrgemmOp op) {
      OpBuilder builder(op);
      Lowering lowering{{builder, op.getLoc()}, op, dot};
      lowering.setStrides();
      op->replaceAllUsesWith(lowering.run());
      op->erase();
    });
  }
};
} // namespace
