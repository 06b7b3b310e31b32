#include "targets/cpu/AttentionEmitter.h"
#include "targets/cpu/Emitters.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "targets/cpu/PackPanels.h"
#include "targets/kernel/Lanes.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;
using kern::panel;
using Values = SmallVector<Value>;

AttentionEmitter::AttentionEmitter(OpBuilder &b, const Attention &attention, Kernel &kernel)
    : Emitter{b, attention.op->getLoc(), &kernel.sizes}, Attention(attention), kernel(kernel),
      plan(*op.getPlan()), vector(VectorType::get({panel}, b.getF32Type())) {
  blocks = normalForm(length.ceilDiv(panel * plan.getQueries()));
  chunks = normalForm(length.ceilDiv(panel * plan.getQueries() * plan.getUnitBlocks()));
  // Rows of whole panels can be read as they are.
  copies = !plan.getInPlace() || width % panel || constantOf(value.strides[3]) != 1;
  auto known = constantOf(keyCount);
  isOneBlock = known && *known <= plan.getKeyBlock();
  queryPitch = llvm::alignTo(depth, panel) * panel;
  scorePitch = llvm::alignTo(isOneBlock ? *known : plan.getKeyBlock(), panel) * panel;
  resultPitch = llvm::alignTo(width, panel);
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
Value AttentionEmitter::compare(arith::CmpFPredicate predicate, Value x, double y) {
  return arith::CmpFOp::create(b, loc, predicate, x, splat(y));
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
  auto perBlock = [&](int64_t elements) {
    return scratch(b.getAffineConstantExpr(elements * plan.getQueries()));
  };
  queries = perBlock(queryPitch);
  scoreRows = perBlock(scorePitch);
  resultRows = perBlock(panel * resultPitch);
  factors = perBlock(panel);
  if (copies) {
    keys = scratch(normalForm(keyCount * int64_t(llvm::alignTo(depth, panel))));
    values = scratch(normalForm(keyCount * int64_t(llvm::alignTo(width, panel))));
  }
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

/// `plan.rows` rows of the block's results, from `row` on; their weights begin at `scores`.
void AttentionEmitter::resultTile(Value scores, Value row, const Keys &keys, Value column,
                                  int64_t panels) {
  int64_t count = plan.getRows();
  auto at = [&](int64_t r, int64_t j) {
    return add(add(mul(add(row, r), resultPitch), column), j * panel);
  };
  Values sums;
  for (int64_t r = 0; r < count; ++r) {
    Value factor =
        isOneBlock ? Value() : broadcast(memref::LoadOp::create(b, loc, factors, add(row, r)));
    for (int64_t j = 0; j < panels; ++j)
      sums.push_back(factor ? arith::MulFOp::create(b, loc, load(resultRows, at(r, j)), factor)
                            : splat(0));
  }
  Values open; // strides
  int64_t step = strideOf(value.strides[2], open);
  Value first = add(add(value.at, mul(keys.first, value.strides[2])), column);
  auto product = kern::BrgemmOp::create(
      b, loc, ValueRange(sums).getTypes(), scoreRows, scores, value.buffer, first, keys.count, open,
      sums, ArrayRef(panel), ArrayRef(step),
      /*rowStride=*/1, /*panelStride=*/panel, panels, unroll, kern::BlocksAttr());
  for (int64_t r = 0; r < count; ++r)
    for (int64_t j = 0; j < panels; ++j)
      store(product.getResult(r * panels + j), resultRows, at(r, j));
}

/// results = factors * results + transposed scores times values, for the rows that are there.
void AttentionEmitter::results(const Block &block, const Keys &keys) {
  int64_t all = resultPitch / panel, panels = std::min(plan.getPanels(), all);
  auto group = [&](Value column, int64_t panels) {
    loop(divideCeil(block.rows, plan.getRows()), [&](Value i) {
      auto [q, tile] = divide(i, panel / plan.getRows());
      Value scores = add(mul(q, scorePitch), mul(tile, plan.getRows()));
      resultTile(scores, mul(i, plan.getRows()), keys, column, panels);
    });
  };
  if (all / panels)
    loop(constant(all / panels), [&](Value g) { group(mul(g, panels * panel), panels); });
  if (int64_t rest = all % panels)
    group(constant((all - rest) * panel), rest);
}

/// Results of the queries that are `bad`, one vector a panel: sums of 0 times each value.
void AttentionEmitter::clear(const Block &block, ArrayRef<Value> bad) {
  Value any;
  for (Value part : bad) {
    Value one = vector::ReductionOp::create(b, loc, vector::CombiningKind::OR, part);
    any = any ? arith::OrIOp::create(b, loc, any, one) : one;
  }
  auto clear = [&] {
    for (auto [q, part] : llvm::enumerate(bad))
      store(arith::SelectOp::create(b, loc, part, splat(1), splat(0)), factors,
            constant(q * panel));
    loop(constant(resultPitch), panel, [&](Value column) {
      Value sum = loop(size(keyCount), 1, splat(0), [&](Value s, ValueRange carried) {
                    Value at = add(add(value.at, mul(s, value.strides[2])), column);
                    Value next = load(value.buffer, at);
                    return Values{vector::FMAOp::create(b, loc, splat(0), next, carried.front())};
                  }).front();
      loop(block.rows, [&](Value l) {
        Value flag = memref::LoadOp::create(b, loc, factors, l);
        Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
        branch(
            arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ONE, flag, zero),
            [&] { store(sum, resultRows, add(mul(l, resultPitch), column)); }, [] {});
      });
    });
  };
  branch(any, clear, [] {});
}

/// What `guard` says of queries whose weights are NaN. -> the sums that results are divided by
Values AttentionEmitter::guarded(const Block &block, Values max, Values sums) {
  if (op.getGuard() != kern::Guard::None) {
    Values bad;
    for (auto [largest, sum] : llvm::zip(max, sums)) {
      // All scores are -infinity: no key takes part.
      Value isBad = compare(arith::CmpFPredicate::OEQ, largest, -INFINITY);
      if (op.getGuard() == kern::Guard::NaN)
        isBad = arith::OrIOp::create(b, loc, isBad, compare(arith::CmpFPredicate::UNO, sum, 0));
      bad.push_back(isBad);
      sum = arith::SelectOp::create(b, loc, isBad, splat(1), sum);
    }
    clear(block, bad);
  }
  if (constantOf(keyCount).value_or(0) == 0) // sums of no key at all are 0
    for (Value &sum : sums)
      sum = arith::SelectOp::create(b, loc, equals(size(keyCount), 0), splat(1), sum);
  return sums;
}

/// init = factors * results
void AttentionEmitter::storeResults(const Block &block) {
  loop(block.rows, [&](Value l) {
    Value factor = broadcast(memref::LoadOp::create(b, loc, factors, l));
    Value to = add(init.at, mul(add(block.first, l), init.strides[2]));
    for (int64_t e = 0; e < width; e += panel) {
      Value result = load(resultRows, add(mul(l, resultPitch), e));
      storeLanes(*this, arith::MulFOp::create(b, loc, result, factor), init.buffer,
                 add(to, mul(constant(e), init.strides[3])), init.strides[3],
                 firstLanes(*this, width - e, panel));
    }
  });
}

/// queries = scale * the queries of the block, transposed
void AttentionEmitter::packQueries(const Block &block) {
  Value at = add(query.at, mul(block.first, query.strides[2]));
  packPanels(*this, {query.buffer, at, query.strides[2], query.strides[3], block.rows},
             constant(depth), b.getAffineConstantExpr(depth), vector, queries, queryPitch);
  double scale = op.getScale().convertToDouble();
  if (scale == 1)
    return;
  loop(constant(block.panels * queryPitch), panel, [&](Value i) {
    store(arith::MulFOp::create(b, loc, load(queries, i), splat(scale)), queries, i);
  });
}

/// The block `index` of `all` keys, of which those from `end` on take no part.
AttentionEmitter::Keys AttentionEmitter::keysOf(Value index, Value all, Value end) {
  if (isOneBlock)
    return {constant(0), end, all};
  int64_t block = plan.getKeyBlock();
  auto known = getConstantIntValue(all);
  Value first = mul(index, block), count = constant(block);
  if (!known || *known % block)
    count = minimum(count, sub(all, first));
  return {first, op.getCausal() ? minimum(constant(block), sub(end, first)) : count, count};
}

/// Results of a block of queries with one more block of keys. `before`: the largest score and the
/// sum of powers of each query, one vector a panel. -> the same afterwards
Values AttentionEmitter::pair(const Block &block, const Keys &keys, ValueRange before) {
  transposeMask(block, keys);
  Values max = scores(block, keys, Values(before.take_front(block.panels))), sums;
  for (auto [q, largest] : llvm::enumerate(max)) {
    // Where all scores are -infinity, so far or at all, all powers are 0.
    Value isNone = compare(arith::CmpFPredicate::OEQ, largest, -INFINITY);
    Value from = arith::SelectOp::create(b, loc, isNone, splat(0), largest);
    Value sum = powers(constant(q * scorePitch), keys.count, from);
    if (!isOneBlock) {
      Value factor = exponential(arith::SubFOp::create(b, loc, before[q], from));
      store(factor, factors, constant(q * panel));
      sum = vector::FMAOp::create(b, loc, before[block.panels + q], factor, sum);
    }
    sums.push_back(sum);
  }
  results(block, keys);
  llvm::append_range(max, sums);
  return max;
}

void AttentionEmitter::block(const Block &block) {
  packQueries(block);
  Value all = size(keyCount), end = all;
  if (op.getCausal())
    end = minimum(end, add(block.first, block.panels * panel));
  Values state(block.panels, splat(-INFINITY));
  state.append(block.panels, splat(0));
  if (isOneBlock) {
    state = pair(block, keysOf(constant(0), all, end), state);
  } else {
    loop(constant(block.panels * panel * resultPitch), panel,
         [&](Value i) { store(splat(0), resultRows, i); });
    state =
        loop(divideCeil(end, plan.getKeyBlock()), 1, state, [&](Value index, ValueRange carried) {
          return pair(block, keysOf(index, all, end), carried);
        });
  }
  Values max(ArrayRef(state).take_front(block.panels));
  Values sums(ArrayRef(state).drop_front(block.panels));
  for (auto [q, sum] : llvm::enumerate(guarded(block, max, sums)))
    store(arith::DivFOp::create(b, loc, splat(1), sum), factors, constant(q * panel));
  storeResults(block);
}

/// The block `index` of a head. The last one has code of its own where it has fewer panels.
void AttentionEmitter::blockOf(Value index) {
  int64_t panels = plan.getQueries(), whole = panels * panel;
  Value first = mul(index, whole);
  auto known = constantOf(length);
  if (known && *known % whole == 0)
    return block({first, constant(whole), panels});
  int64_t rest = known ? *known % whole : panel, few = llvm::divideCeilSigned(rest, panel);
  Value rows = minimum(constant(whole), sub(size(length), first));
  if (few == panels)
    return block({first, rows, panels});
  Value isFew = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, rows, constant(rest));
  branch(
      isFew,
      [&] {
        block({first, known ? constant(rest) : rows, few});
      },
      [&] {
        block({first, known ? constant(whole) : rows, panels});
      });
}

void AttentionEmitter::unit(Value index) {
  auto [head, chunk] = divide(index, chunks);
  Value batch;
  std::tie(batch, head) = divide(head, heads);
  enterHead(*this, batch, head);
  if (copies) {
    copyRows(key, keys, depth);
    copyRows(value, values, width);
  }
  Value from = mul(chunk, plan.getUnitBlocks()), count = constant(plan.getUnitBlocks());
  auto known = constantOf(blocks);
  if (!known || *known % plan.getUnitBlocks())
    count = minimum(count, sub(size(blocks), from));
  loop(count, [&](Value i) { blockOf(add(from, i)); });
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
  FailureOr<Attention> attention = Attention::of(op, kernel);
  if (failed(attention))
    return failure();
  if (attention->isEmpty()) {
    kernel.setUnits(0);
    return success();
  }
  if (!attention->element().isF32())
    return op.emitError("is of ") << attention->element() << ": a processor computes it in f32";
  if (!op.getPlan())
    return op.emitError("expects a plan: run nncc-cpu-plan-attention before");
  AttentionEmitter(b, *attention, kernel).emit();
  return success();
}
