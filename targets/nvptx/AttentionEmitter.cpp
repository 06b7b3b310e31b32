#include "targets/nvptx/AttentionEmitter.h"
#include "targets/nvptx/ContractTile.h"

#include "dialects/nn/Generics.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;
using Values = SmallVector<Value>;

/// Steps of a product that are loaded at once.
static constexpr int64_t steps = 4;

static bool isWhole(AffineExpr size, int64_t block) {
  return bool(exactQuotient(size, getAffineConstantExpr(block, size.getContext())));
}

AttentionEmitter::AttentionEmitter(ThreadBlock &e, const Attention &attention,
                                   const AttentionTile &tile, const KeySplits &splits)
    : e(e), p(attention), tile(tile), splits(splits), chunks(llvm::divideCeil(p.width, tile.width)),
      blocks(normalForm(p.length.ceilDiv(tile.queries()))),
      units(normalForm(p.batches * p.heads * chunks * blocks)),
      isWholeInQueries(isWhole(p.length, tile.queries())),
      isWholeInKeys(isWhole(p.keyCount, tile.keys())), mma(e, tile.multiplier, e.b.getF32Type()) {
  Value row, column;
  std::tie(part, row) = e.divide(e.thread, tile.rowThreads * tile.columnThreads);
  std::tie(row, column) = e.divide(row, tile.columnThreads);
  threadRow = e.mul(row, tile.threadQueries);
  threadKey = column;
  if (tile.isOfMatrices()) {
    auto [warp, ownRow] = e.divide(row, mmaRows / 2);
    threadRow = e.add(e.mul(warp, mmaRows), ownRow);
    threadKey = e.mul(column, tile.group);
  }
  if (tile.isStreamed())
    std::tie(threadKey, column) = e.divide(e.thread, tile.keyLanes);
  threadColumn = e.mul(column, tile.group);
}

void AttentionEmitter::emit() {
  allocateSplits();
  e.units(units * splits.count, [&](Value unitOfSplit) {
    Value inSplit = unitOfSplit;
    if (splits.areSeveral())
      std::tie(split, inSplit) = e.divide(unitOfSplit, units);
    enter(inSplit);
    if (tile.isStreamed())
      return stream();
    testAlignment();
    if (tile.isOfMatrices())
      return matrices();
    Type f32 = e.b.getF32Type();
    queries = e.allocateShared(tile.queries() * tile.queryPitch(), f32);
    slices = e.allocateShared(tile.sliceElements(), f32);
    weights = e.allocateShared(tile.queries() * tile.weightPitch(), f32);
    unit();
  });
}

void AttentionEmitter::enter(Value unit) {
  unitNumber = unit;
  auto [rest, block] = e.divide(unit, blocks); // neighbours read the same keys
  auto [headNumber, chunk] = e.divide(rest, chunks);
  auto [batch, head] = e.divide(headNumber, p.heads);
  p.enterHead(e, batch, head);
  firstQuery = e.mul(block, tile.queries()), firstColumn = e.mul(chunk, tile.width);
}

void AttentionEmitter::unit() {
  if (tile.queryDepth >= p.depth)
    loadQueries(e.constant(0));
  Value end = endOfKeys();
  Values state = firstState();
  finish(e.stride(e.constant(0), end, tile.keys(), state, [&](Value firstKey, ValueRange carried) {
    Values after = tileOfKeys(firstKey, carried);
    std::optional<int64_t> keys = constantOf(p.keyCount);
    if (!keys || *keys > tile.keys()) // nobody reads values
      e.branch(
          isLess(e.add(firstKey, tile.keys()), end), [&] { e.barrier(); }, [] {});
    return after;
  }));
}

/// Behind the last key that takes part.
Value AttentionEmitter::endOfKeys() {
  Value end = e.size(p.keyCount);
  return p.op.getCausal() ? e.minimum(end, e.add(firstQuery, tile.queries())) : end;
}

/// Of each query: the largest score, the sum of weights; then the results.
Values AttentionEmitter::firstState() {
  Values state(tile.threadQueries, number(-INFINITY));
  state.append(tile.threadQueries * (1 + tile.slices() * tile.group), number(0));
  return state;
}

// Scores
// ---------------------------------------------------------------------------------------------------

/// From the largest score, the sum of weights and the results of each query, of this thread or its
/// row, to those after one more tile.
Values AttentionEmitter::tileOfKeys(Value firstKey, ValueRange before) {
  Values scores = scoresOf(firstKey);
  mask(scores, firstKey);
  Values state(before);
  Values factors = toWeights(scores, state);
  addResults(firstKey, rescale(state, factors));
  return state;
}

/// The results in `state`, multiplied by their queries' factors.
MutableArrayRef<Value> AttentionEmitter::rescale(MutableArrayRef<Value> state,
                                                 ArrayRef<Value> factors) {
  MutableArrayRef<Value> results = state.drop_front(2 * tile.threadQueries);
  const int64_t columns = tile.slices() * tile.group;
  for (auto [i, result] : llvm::enumerate(results))
    result = arith::MulFOp::create(e.b, e.loc, result, factors[i / columns]);
  return results;
}

Values AttentionEmitter::scoresOf(Value firstKey) {
  Values scores(tile.threadQueries * tile.threadKeys, number(0));
  if (p.depth == 0)
    return scores;
  int64_t all = numDepthSlices() * tile.depth;
  return e.loop(e.constant(all), tile.depth, scores, [&](Value depth, ValueRange carried) {
    bool isKept = tile.queryDepth >= p.depth;
    if (!isKept)
      loadQueries(depth);
    load(p.key,
         {firstKey, e.size(p.keyCount), depth, e.constant(p.depth), isWholeInKeys,
          p.depth % tile.depth == 0, tile.keys(), tile.depth, tile.keyPitch()},
         slices, e.constant(0));
    e.barrier();
    Values sums = addProducts(isKept ? depth : e.constant(0), carried);
    if (numDepthSlices() > 1)
      e.barrier(); // nobody reads keys
    return sums;
  });
}

/// Of the slice whose first depth is `queryDepth` in what there is of the queries.
Values AttentionEmitter::addProducts(Value queryDepth, ValueRange scores) {
  auto body = [&](Value depth, ValueRange carried) {
    std::vector<Values> keys;
    for (int64_t j = 0; j < tile.threadKeys; ++j)
      keys.push_back(
          e.loadNeighbours(slices, e.add(e.mul(keyOf(j), tile.keyPitch()), depth), steps));
    Values result(carried);
    for (int64_t i = 0; i < tile.threadQueries; ++i) {
      Value row = e.add(e.mul(queryOf(i), tile.queryPitch()), queryDepth);
      Values query = e.loadNeighbours(queries, e.add(row, depth), steps);
      for (int64_t step = 0; step < steps; ++step)
        for (int64_t j = 0; j < tile.threadKeys; ++j) {
          Value &sum = result[i * tile.threadKeys + j];
          sum = math::FmaOp::create(e.b, e.loc, query[step], keys[j][step], sum);
        }
    }
    return result;
  };
  return e.loop(e.constant(tile.depth), steps, scores, body);
}

/// The mask, what `causal` says, and keys behind the last one.
void AttentionEmitter::mask(MutableArrayRef<Value> scores, Value firstKey) {
  Value none = number(-INFINITY);
  auto inside = [&](Value index, AffineExpr size, bool isWhole) {
    return isWhole ? index : e.minimum(index, e.sub(e.size(size), e.constant(1)));
  };
  for (int64_t i = 0; i < tile.threadQueries; ++i)
    for (int64_t j = 0; j < tile.threadKeys; ++j) {
      Value &score = scores[i * tile.threadKeys + j];
      Value query = e.add(firstQuery, queryOf(i)), key = e.add(firstKey, keyOf(j));
      if (p.mask.buffer) {
        Value x = e.mul(inside(query, p.length, isWholeInQueries), p.mask.strides[2]);
        Value y = e.mul(inside(key, p.keyCount, isWholeInKeys), p.mask.strides[3]);
        Value element =
            memref::LoadOp::create(e.b, e.loc, p.mask.buffer, e.add(p.mask.at, e.add(x, y)));
        if (p.op.getFill())
          score = arith::SelectOp::create(e.b, e.loc, isEqual(element, 0),
                                          number(p.op.getFill()->convertToDouble()), score);
        else
          score = arith::AddFOp::create(e.b, e.loc, score, element);
      }
      if (p.op.getCausal())
        score = arith::SelectOp::create(e.b, e.loc, isLess(query, key), none, score);
      if (!isWholeInKeys)
        score = arith::SelectOp::create(e.b, e.loc, isLess(key, e.size(p.keyCount)), score, none);
    }
}

/// The largest scores and sums of weights in `state` go on; scores become weights. -> what earlier
/// results are multiplied by, for each query. `lanes` of a warp have different keys.
Values AttentionEmitter::nextState(MutableArrayRef<Value> scores, MutableArrayRef<Value> state,
                                   int64_t lanes) {
  Values factors;
  for (int64_t i = 0; i < tile.threadQueries; ++i) {
    Value &largest = state[i], &sum = state[tile.threadQueries + i], before = largest;
    MutableArrayRef<Value> own = scores.slice(i * tile.threadKeys, tile.threadKeys);
    Value most = own.front();
    for (Value score : own.drop_front())
      most = maximum(most, score);
    for (int64_t mask = lanes / 2; mask > 0; mask /= 2)
      most = maximum(most, e.shuffleXor(most, mask));
    largest = maximum(before, most);
    Value from = unlessNone(largest);
    factors.push_back(weightOf(before, from));
    sum = arith::MulFOp::create(e.b, e.loc, sum, factors.back());
    for (Value &score : own) {
      score = weightOf(score, from);
      sum = arith::AddFOp::create(e.b, e.loc, sum, score);
    }
  }
  return factors;
}

/// The same; weights go to shared memory.
Values AttentionEmitter::toWeights(MutableArrayRef<Value> scores, MutableArrayRef<Value> state) {
  Values factors = nextState(scores, state, tile.columnThreads);
  for (int64_t i = 0; i < tile.threadQueries; ++i)
    for (int64_t j = 0; j < tile.threadKeys; ++j)
      memref::StoreOp::create(e.b, e.loc, scores[i * tile.threadKeys + j], weights,
                              e.add(e.mul(queryOf(i), tile.weightPitch()), keyOf(j)));
  return factors;
}

// Elements
// ---------------------------------------------------------------------------------------------------

Value AttentionEmitter::number(double value) {
  return arith::ConstantOp::create(e.b, e.loc, e.b.getF32FloatAttr(value));
}
/// In f32.
Value AttentionEmitter::load(const Operand &from, Value at) {
  return nn::widen(e.b, e.loc, memref::LoadOp::create(e.b, e.loc, from.buffer, at));
}
/// NaN where one of them is.
Value AttentionEmitter::maximum(Value x, Value y) {
  return arith::MaximumFOp::create(e.b, e.loc, x, y, arith::FastMathFlags::nsz);
}
/// Of numbers that are not positive; 0 in place of numbers below the normal ones.
Value AttentionEmitter::exponential(Value x) {
  auto flags = arith::FastMathFlagsAttr::get(e.b.getContext(), arith::FastMathFlags::ninf |
                                                                   arith::FastMathFlags::afn);
  return math::ExpOp::create(e.b, e.loc, x, flags);
}
/// exp(score - largest)
Value AttentionEmitter::weightOf(Value score, Value largest) {
  return tile.isOfMatrices() ? powerOf(score, largest)
                             : exponential(arith::SubFOp::create(e.b, e.loc, score, largest));
}
/// Where all scores are -infinity, so far or at all, all weights are 0.
Value AttentionEmitter::unlessNone(Value largest) {
  return arith::SelectOp::create(e.b, e.loc, isEqual(largest, -INFINITY), number(0), largest);
}
Value AttentionEmitter::isLess(Value x, Value y) {
  return arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::slt, x, y);
}
Value AttentionEmitter::isEqual(Value x, double y) {
  return arith::CmpFOp::create(e.b, e.loc, arith::CmpFPredicate::OEQ, x, number(y));
}

static void remarkOn(const Attention &p, const AttentionTile &tile) {
  kern::AttentionOp op = p.op;
  remark::analysis(op.getLoc(), remark::RemarkOpts::name("plan").category("nncc-nvptx"))
      << remark::metric("instruction", name(tile.multiplier))
      << remark::metric("tile", (Twine(tile.queries()) + "x" + Twine(tile.keys())).str())
      << remark::metric("stages", tile.stages) << remark::metric("threads", tile.threads())
      << remark::metric("queries", nominal(p.length)) << remark::metric("keys", nominal(p.keyCount))
      << remark::metric("depth", p.depth) << remark::metric("columns", p.width);
}

FailureOr<int64_t> nncc::nvptx::emitAttention(OpBuilder &b, kern::AttentionOp op, Kernel &kernel,
                                              const ContractFeatures &features, bool onlyResults) {
  FailureOr<Attention> attention = Attention::of(op, kernel);
  if (failed(attention))
    return failure();
  if (attention->isEmpty()) {
    kernel.setUnits(0);
    return warpLanes;
  }
  joinHeads(*attention);
  AttentionTile tile = AttentionTile::choose(*attention, features);
  if (!onlyResults)
    remarkOn(*attention, tile);
  KeySplits splits = KeySplits::choose(*attention, tile, features.capability);
  ThreadBlock block(b, kernel, onlyResults ? splits.resultThreads(tile) : tile.threads());
  block.loc = op.getLoc();
  AttentionEmitter emitter(block, *attention, tile, splits);
  if (onlyResults)
    emitter.emitResults();
  else
    emitter.emit();
  return block.threads;
}
