#include "targets/cpu/AttentionEmitter.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "targets/cpu/Lanes.h"
#include "targets/cpu/PackPanels.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;
using kern::panel;

static bool isZero(AffineExpr stride) { return constantOf(stride) == 0; }

/// Steps of a reduction that a tile's loop does at once.
static constexpr int64_t unroll = 4;

AttentionEmitter::AttentionEmitter(OpBuilder &b, kern::AttentionOp op, Kernel &kernel)
    : Emitter{b, op.getLoc(), &kernel.sizes}, op(op), kernel(kernel), plan(*op.getPlan()),
      vector(VectorType::get({panel}, b.getF32Type())), query(operand(op.getQuery())),
      key(operand(op.getKey())), value(operand(op.getValue())), init(operand(op.getInit())) {
  Shape queries = shapeOf(op.getQueryType()), values = shapeOf(op.getValueType());
  batches = queries[0], length = queries[2], keyCount = values[2];
  heads = fixed(queries[1]), groups = fixed(values[1]);
  depth = fixed(queries[3]), width = fixed(values[3]);
  blocks = normalForm(length.ceilDiv(panel));
  chunks = normalForm(length.ceilDiv(panel * plan.getUnitBlocks()));
  // Rows of whole panels can be read as they are.
  copies = !plan.getInPlace() || width % panel || constantOf(value.strides[3]) != 1;
  if (!op.getMask())
    return;
  mask = operand(op.getMask());
  for (auto [stride, size] :
       llvm::zip(mask.strides, cast<RankedTensorType>(op.getMask().getType()).getShape()))
    if (size == 1)
      stride = b.getAffineConstantExpr(0);
}

AttentionEmitter::Operand AttentionEmitter::operand(Value tensor) const {
  const Place &place = kernel.place(tensor);
  return {place.buffer, nullptr, place.offset, place.strides};
}

void AttentionEmitter::enterHead(Operand &x, Value batch, Value head) {
  x.at = add(add(size(x.offset), mul(batch, x.strides[0])), mul(head, x.strides[1]));
}

Value AttentionEmitter::splat(double value) {
  APFloat number(value);
  bool losesInfo;
  number.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &losesInfo);
  return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, number));
}
Value AttentionEmitter::broadcast(Value scalar) {
  return vector::BroadcastOp::create(b, loc, VectorType::get({panel}, scalar.getType()), scalar);
}
Value AttentionEmitter::load(Value buffer, Value at) {
  return vector::LoadOp::create(b, loc, vector, buffer, at);
}
void AttentionEmitter::store(Value value, Value buffer, Value at) {
  vector::StoreOp::create(b, loc, value, buffer, at);
}

/// A stride of kern.brgemm: one that is open is an operand.
int64_t AttentionEmitter::strideOf(AffineExpr stride, Values &open) {
  if (auto known = constantOf(stride))
    return *known;
  open.push_back(size(stride));
  return ShapedType::kDynamic;
}

void AttentionEmitter::allocate() {
  auto scratch = [&](AffineExpr elements) {
    return kernel.allocateScratch(b, loc, elements, vector.getElementType());
  };
  queries = scratch(b.getAffineConstantExpr(llvm::alignTo(depth, panel) * panel));
  if (copies) {
    keys = scratch(normalForm(keyCount * int64_t(llvm::alignTo(depth, panel))));
    values = scratch(normalForm(keyCount * int64_t(llvm::alignTo(width, panel))));
  }
  scoreRows = scratch(normalForm(keyCount.ceilDiv(panel) * (panel * panel)));
  factors = scratch(b.getAffineConstantExpr(panel));
}

/// Rows of a head one after the other, of whole panels with zeros behind the last column: a model's
/// heads lie beside one another, at distances that share few sets of the caches.
void AttentionEmitter::copyRows(Operand &x, Value to, int64_t width) {
  int64_t columns = llvm::alignTo(width, panel);
  loop(size(keyCount), [&](Value s) {
    Value from = add(x.at, mul(s, x.strides[2])), row = mul(s, columns);
    for (int64_t e = 0; e < width; e += panel) {
      Value at = add(from, mul(constant(e), x.strides[3]));
      Value part =
          loadLanes(*this, vector, x.buffer, at, x.strides[3], firstLanes(*this, width - e, panel));
      store(part, to, add(row, e));
    }
  });
  x.buffer = to, x.at = constant(0);
  x.strides[2] = b.getAffineConstantExpr(columns), x.strides[3] = b.getAffineConstantExpr(1);
}

/// The mask and what `causal` says, for the 16 queries from `first` on and one key.
Value AttentionEmitter::masked(Value score, Value key, Value first) {
  if (mask.buffer) {
    // Where the mask is by query, its lines have been transposed to where the scores go.
    Value element = isZero(mask.strides[2])
                        ? broadcast(memref::LoadOp::create(b, loc, mask.buffer,
                                                           add(mask.at, mul(key, mask.strides[3]))))
                        : load(scoreRows, mul(key, panel));
    if (op.getFill()) {
      Value takesPart = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, element, splat(0));
      score =
          arith::SelectOp::create(b, loc, takesPart, score, splat(op.getFill()->convertToDouble()));
    } else {
      score = arith::AddFOp::create(b, loc, score, element);
    }
  }
  if (op.getCausal()) {
    auto narrow = [&](Value index) {
      return broadcast(arith::IndexCastOp::create(b, loc, b.getI32Type(), index));
    };
    SmallVector<int32_t> lanes = llvm::to_vector(llvm::seq<int32_t>(0, panel));
    Value lane = arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(VectorType::get({panel}, b.getI32Type()), ArrayRef(lanes)));
    Value row = arith::AddIOp::create(b, loc, narrow(first), lane);
    Value past = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, row, narrow(key));
    score = arith::SelectOp::create(b, loc, past, score, splat(-INFINITY));
  }
  return score;
}

/// The scores of `count` keys, and the largest ones so far. A score that is NaN is passed over, its
/// power is NaN again, but where the largest one tells whether a query has any key.
Value AttentionEmitter::scoreTile(int64_t count, Value first, Value query, Value max) {
  Values open; // strides
  int64_t rowStride = strideOf(key.strides[2], open), step = strideOf(key.strides[3], open);
  Values sums(count, splat(0));
  Value at = add(key.at, mul(first, key.strides[2]));
  auto product = kern::BrgemmOp::create(
      b, loc, ValueRange(sums).getTypes(), key.buffer, at, queries, constant(0), constant(depth),
      open, sums, ArrayRef(step), ArrayRef(panel), rowStride, /*panelStride=*/0, /*nv=*/1, unroll,
      kern::BlocksAttr());
  Values scores(product.getResults());
  double scale = op.getScale().convertToDouble();
  for (auto [i, score] : llvm::enumerate(scores)) {
    if (scale != 1)
      score = arith::MulFOp::create(b, loc, score, splat(scale));
    score = masked(score, add(first, i), query);
    store(score, scoreRows, mul(add(first, i), panel));
  }
  auto larger = [&](Value x, Value y) -> Value {
    if (op.getGuard() == kern::Guard::Empty)
      return arith::MaximumFOp::create(b, loc, x, y);
    Value isLarger = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, y);
    return arith::SelectOp::create(b, loc, isLarger, x, y);
  };
  Values chains{max, splat(-INFINITY), splat(-INFINITY), splat(-INFINITY)};
  for (auto [i, score] : llvm::enumerate(scores))
    chains[i % 4] = larger(score, chains[i % 4]);
  return larger(larger(chains[0], chains[1]), larger(chains[2], chains[3]));
}

/// -> the largest score of each query among the first `limit` keys
Value AttentionEmitter::scores(Value first, Value limit) {
  Value max = splat(-INFINITY), next = constant(0);
  for (int64_t count = plan.getKeys();;) {
    Value left = sub(limit, next);
    Value tiles = divide(left, count).first;
    if (getConstantIntValue(tiles) != 0)
      max = loop(tiles, 1, max, [&](Value i, ValueRange carried) {
              return Values{scoreTile(count, add(next, mul(i, count)), first, carried.front())};
            }).front();
    next = add(next, mul(tiles, count));
    auto rest = getConstantIntValue(sub(limit, next));
    if (count == 1 || rest == 0)
      return max;
    count = rest ? *rest : llvm::divideCeil(count, 2);
  }
}

/// scores = exp(scores - max) -> their sums
Value AttentionEmitter::powers(Value keys, Value max) {
  // Not positive, so never infinite.
  auto flags = arith::FastMathFlagsAttr::get(b.getContext(), arith::FastMathFlags::ninf |
                                                                 arith::FastMathFlags::afn);
  auto rows = [&](Value first, int64_t count) {
    Values parts;
    for (int64_t i = 0; i < count; ++i) {
      Value at = mul(add(first, i), panel);
      Value x = arith::SubFOp::create(b, loc, load(scoreRows, at), max);
      parts.push_back(math::ExpOp::create(b, loc, x, flags));
      store(parts.back(), scoreRows, at);
    }
    for (size_t i = 0; i + 1 < parts.size();) { // pairwise
      parts.push_back(arith::AddFOp::create(b, loc, parts[i], parts[i + 1]));
      i += 2;
    }
    return parts.back();
  };
  auto all = [&](Value from, Value count, int64_t step, Value sum) {
    return loop(count, step, sum,
                [&](Value i, ValueRange carried) {
                  Value part = rows(add(from, i), step);
                  return Values{arith::AddFOp::create(b, loc, carried.front(), part)};
                })
        .front();
  };
  Value whole = mul(divide(keys, unroll).first, unroll), rest = sub(keys, whole), sum = splat(0);
  if (getConstantIntValue(whole) != 0)
    sum = all(constant(0), whole, unroll, sum);
  if (getConstantIntValue(rest) != 0)
    sum = all(whole, rest, 1, sum);
  return sum;
}

/// Zeros in place of the weights that the guard names. -> the sums that weights are divided by
Value AttentionEmitter::guarded(Value keys, Value max, Value sum) {
  if (!constantOf(keyCount)) { // sums of nothing are 0
    Value isZero = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, sum, splat(0));
    sum = arith::SelectOp::create(b, loc, isZero, splat(1), sum);
  }
  if (op.getGuard() == kern::Guard::None)
    return sum;
  Value bad = op.getGuard() == kern::Guard::NaN
                  ? arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, sum, sum)
                  : arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, max, splat(-INFINITY));
  Value any = vector::ReductionOp::create(b, loc, vector::CombiningKind::OR, bad);
  auto clear = [&] {
    loop(keys, [&](Value s) {
      Value at = mul(s, panel);
      store(arith::SelectOp::create(b, loc, bad, splat(0), load(scoreRows, at)), scoreRows, at);
    });
  };
  branch(any, clear, [] {});
  return arith::SelectOp::create(b, loc, bad, splat(1), sum);
}

/// `plan.rows` rows from `row` on of the block's result, of which those below `rows` are there.
void AttentionEmitter::resultTile(Value first, Value row, Value rows, Value keys, Value column,
                                  int64_t panels, int64_t tail) {
  int64_t count = plan.getRows();
  Values sums(count * panels, splat(0));
  Values open; // strides
  int64_t step = strideOf(value.strides[2], open);
  auto product = kern::BrgemmOp::create(b, loc, ValueRange(sums).getTypes(), scoreRows, row,
                                        value.buffer, add(value.at, column), keys, open, sums,
                                        ArrayRef(panel), ArrayRef(step), /*rowStride=*/1,
                                        /*panelStride=*/panel, panels, unroll,
                                        kern::BlocksAttr());
  Value corner =
      add(add(init.at, mul(add(first, row), init.strides[2])), mul(column, init.strides[3]));
  auto storeRow = [&](int64_t r) {
    Value factor = broadcast(memref::LoadOp::create(b, loc, factors, add(row, r)));
    Value at = add(corner, mul(constant(r), init.strides[2]));
    for (int64_t j = 0; j < panels; ++j) {
      Value value = arith::MulFOp::create(b, loc, product.getResult(r * panels + j), factor);
      storeLanes(*this, value, init.buffer, add(at, mul(constant(j * panel), init.strides[3])),
                 init.strides[3], j + 1 == panels ? firstLanes(*this, tail, panel) : nullptr);
    }
  };
  auto all = [&] {
    for (int64_t r = 0; r < count; ++r)
      storeRow(r);
  };
  auto known = getConstantIntValue(rows);
  if (known && *known % count == 0)
    return all();
  auto isThere = [&](int64_t r) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, add(row, r), rows);
  };
  branch(isThere(count - 1), all, [&] {
    for (int64_t r = 0; r + 1 < count; ++r)
      branch(
          isThere(r), [&] { storeRow(r); }, [] {});
  });
}

void AttentionEmitter::result(Value first, Value rows, Value keys) {
  int64_t all = llvm::divideCeil(width, panel), tail = width - (all - 1) * panel;
  int64_t panels = plan.getPanels() < all ? plan.getPanels() : all;
  auto group = [&](Value column, int64_t panels, int64_t tail) {
    loop(divideCeil(rows, plan.getRows()), [&](Value i) {
      resultTile(first, mul(i, plan.getRows()), rows, keys, column, panels, tail);
    });
  };
  // The last group has code of its own where it differs from the others.
  int64_t rest = all % panels ? all % panels : tail < panel ? panels : 0;
  int64_t alike = (all - rest) / panels;
  if (alike)
    loop(constant(alike), [&](Value g) { group(mul(g, panels * panel), panels, panel); });
  if (rest)
    group(constant(alike * panels * panel), rest, tail);
}

/// The queries [first, first + rows) of a head.
void AttentionEmitter::block(Value first, Value rows) {
  Value at = add(query.at, mul(first, query.strides[2]));
  AffineExpr whole = b.getAffineConstantExpr(depth);
  packPanels(*this, {query.buffer, at, query.strides[2], query.strides[3], rows}, constant(depth),
             whole, vector, queries, llvm::alignTo(depth, panel) * panel);
  if (mask.buffer && !isZero(mask.strides[2]))
    packPanels(*this,
               {mask.buffer, add(mask.at, mul(first, mask.strides[2])), mask.strides[2],
                mask.strides[3], rows},
               size(keyCount), keyCount, vector, scoreRows, /*pitch=*/0);
  Value keys = size(keyCount);
  if (op.getCausal())
    keys = minimum(keys, add(first, panel));
  Value max = scores(first, keys);
  Value sum = guarded(keys, max, powers(keys, max));
  store(arith::DivFOp::create(b, loc, splat(1), sum), factors, constant(0));
  result(first, rows, keys);
}

void AttentionEmitter::unit(Value index) {
  auto [head, chunk] = divide(index, chunks);
  Value batch;
  std::tie(batch, head) = divide(head, heads);
  enterHead(query, batch, head);
  enterHead(init, batch, head);
  if (mask.buffer)
    enterHead(mask, batch, head);
  Value group = divide(head, heads / groups).first;
  enterHead(key, batch, group);
  enterHead(value, batch, group);
  if (copies) {
    copyRows(key, keys, depth);
    copyRows(value, values, width);
  }
  Value from = mul(chunk, plan.getUnitBlocks()), count = constant(plan.getUnitBlocks());
  auto known = constantOf(blocks);
  if (!known || *known % plan.getUnitBlocks())
    count = minimum(count, sub(size(blocks), from));
  auto rows = constantOf(length);
  loop(count, [&](Value i) {
    Value first = mul(add(from, i), panel);
    bool isWhole = rows && *rows % panel == 0;
    block(first, isWhole ? constant(panel) : minimum(constant(panel), sub(size(length), first)));
  });
}

void AttentionEmitter::emit() {
  allocate();
  kernel.units = normalForm(batches * heads * chunks);
  auto units = scf::ForOp::create(b, loc, kernel.begin, kernel.end, constant(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(units.getBody());
  unit(units.getInductionVar());
}

LogicalResult nncc::cpu::emitAttention(OpBuilder &b, kern::AttentionOp op, Kernel &kernel) {
  for (auto [operand, dim] :
       {std::pair(op.getQuery(), 1), {op.getQuery(), 3}, {op.getValue(), 1}, {op.getValue(), 3}})
    if (cast<RankedTensorType>(operand.getType()).isDynamicDim(dim))
      return op.emitError("expects heads, depth and width that are known at compile time");
  if (llvm::is_contained(op.getInitType().getShape(), 0)) {
    kernel.setUnits(0);
    return success();
  }
  if (!op.getPlan())
    return op.emitError("expects a plan: run nncc-cpu-plan-attention before");
  if (constantOf(kernel.place(op.getInit()).strides[3]) == 0)
    return op.emitError("the columns of init lie on one another");
  AttentionEmitter(b, op, kernel).emit();
  return success();
}
