// nn.attention.
#include "dialects/nn/Generics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

/// Reports two sizes that are known and differ.
static LogicalResult expectEqual(int64_t lhs, int64_t rhs, StringRef what, EmitError error) {
  if (ShapedType::isDynamic(lhs) || ShapedType::isDynamic(rhs) || lhs == rhs)
    return success();
  return error("expects " + what + ", found " + Twine(lhs) + " and " + Twine(rhs));
}

LogicalResult AttentionOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                                 EmitError error) {
  const Fact &query = operands[0], &key = operands[1], &value = operands[2];
  for (const Fact *fact : {&query, &key, &value}) {
    if (fact->rank() != 4)
      return error("expects query, key and value of rank 4, found rank " + Twine(fact->rank()));
    if (fact->element != query.element)
      return error("expects query, key and value of one element type");
    if (failed(expectEqual(query.size(0), fact->size(0), "one batch size", error)))
      return failure();
  }
  int64_t heads = query.size(1), groups = key.size(1);
  if (ShapedType::isDynamic(heads) || ShapedType::isDynamic(groups) || groups < 1 || heads % groups)
    return error("expects heads of the query that are a multiple of those of the key");
  if (failed(expectEqual(groups, value.size(1), "key and value of as many heads", error)) ||
      failed(expectEqual(query.size(3), key.size(3), "query and key of one depth", error)) ||
      failed(expectEqual(key.size(2), value.size(2), "as many keys as values", error)))
    return failure();
  Fact &result = results.emplace_back(query);
  result.shape[3] = value.shape[3];
  if (!isPresent(operands, 3))
    return success();
  Fact scores = query;
  scores.shape[3] = key.shape[2];
  Shape shape;
  if (failed(broadcast({scores, operands[3]}, shape, error)))
    return failure();
  if (shape != scores.shape)
    return error("expects a mask that broadcasts to the scores");
  if (!operands[3].element.isInteger(1) && !isa<FloatType>(operands[3].element))
    return error("expects a mask of bools or floats");
  return success();
}

namespace {
/// The loops of an attention: scores are [N, H, L, S], the result is [N, H, L, E].
struct AttentionLoops {
  Generics g;
  int64_t batch, heads, queries, keys, depth, width;
  int64_t shared; // heads of the query that share one of the key
  Type compute;

  /// (n, h, l, x, y) -> an operand of key and value, its last two dims given.
  AffineMap perGroup(int64_t row, int64_t column) const {
    OpBuilder &b = g.b;
    AffineExpr head = b.getAffineDimExpr(1);
    return AffineMap::get(5, 0,
                          {b.getAffineDimExpr(0), shared == 1 ? head : head.floorDiv(shared),
                           b.getAffineDimExpr(row), b.getAffineDimExpr(column)},
                          b.getContext());
  }
  Value product(ArrayRef<int64_t> loops, Read lhs, Read rhs) {
    return g.reduce(loops, 4, scalar(g.b, g.loc, compute, 0), {lhs, rhs},
                    [](OpBuilder &b, Location loc, ValueRange x) -> Value {
                      Value part =
                          arith::MulFOp::create(b, loc, widen(b, loc, x[0]), widen(b, loc, x[1]));
                      return arith::AddFOp::create(b, loc, part, x[2]);
                    });
  }
  Value maskedScores(Value products, Value mask, double scale, bool causal);
  Value softmaxPowers(Value scores);
};
} // namespace

Value AttentionLoops::maskedScores(Value products, Value mask, double scale, bool causal) {
  SmallVector<Read> reads{{products, g.identity(4)}};
  SmallVector<int64_t> shape{batch, heads, queries, keys};
  if (mask)
    reads.push_back({mask, broadcastMap(cast<RankedTensorType>(mask.getType()),
                                        RankedTensorType::get(shape, compute))});
  return g.map(shape, compute, reads, [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
    Value score = arith::MulFOp::create(b, loc, x[0], scalar(b, loc, compute, scale));
    Value none = scalar(b, loc, compute, -INFINITY);
    if (mask && x[1].getType().isInteger(1))
      score = arith::SelectOp::create(b, loc, x[1], score, none);
    else if (mask)
      score = arith::AddFOp::create(b, loc, score, narrow(b, loc, x[1], compute));
    if (!causal)
      return score;
    IndexMath m{b, loc};
    Value past = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, m.loop(3), m.loop(2));
    return arith::SelectOp::create(b, loc, past, score, none);
  });
}

/// exp(score - the largest of its query)
Value AttentionLoops::softmaxPowers(Value scores) {
  SmallVector<int64_t> shape{batch, heads, queries, keys};
  Read all{scores, g.identity(4)};
  Value max = g.reduce(shape, 3, scalar(g.b, g.loc, compute, -INFINITY), all,
                       [](OpBuilder &b, Location loc, ValueRange x) -> Value {
                         return arith::MaximumFOp::create(b, loc, x[0], x[1]);
                       });
  return g.map(shape, compute, {all, {max, g.without(4, 3)}},
               [](OpBuilder &b, Location loc, ValueRange x) -> Value {
                 return math::ExpOp::create(b, loc, arith::SubFOp::create(b, loc, x[0], x[1]));
               });
}

FailureOr<SmallVector<Value>> AttentionOp::lower(OpBuilder &b) {
  if (failed(expectStatic(*this)))
    return failure();
  ArrayRef<int64_t> query = getQuery().getType().getShape(), key = getKey().getType().getShape();
  AttentionLoops a{Generics(b, getLoc()),
                   query[0],
                   query[1],
                   query[2],
                   key[2],
                   query[3],
                   getType().getDimSize(3),
                   query[1] / key[1],
                   computeType(getType().getElementType())};
  Value scores = a.product({a.batch, a.heads, a.queries, a.keys, a.depth},
                           {getQuery(), a.g.select(5, {0, 1, 2, 4})}, {getKey(), a.perGroup(3, 4)});
  scores = a.maskedScores(scores, getMask(), getScale().convertToDouble(), getCausal());
  Value powers = a.softmaxPowers(scores);
  Value sum = a.g.reduce({a.batch, a.heads, a.queries, a.keys}, 3,
                         scalar(b, getLoc(), a.compute, 0), Read{powers, a.g.identity(4)},
                         [](OpBuilder &inner, Location loc, ValueRange x) -> Value {
                           return arith::AddFOp::create(inner, loc, x[0], x[1]);
                         });
  Value weighted = a.product({a.batch, a.heads, a.queries, a.width, a.keys},
                             {powers, a.g.select(5, {0, 1, 2, 4})}, {getValue(), a.perGroup(4, 3)});
  return SmallVector<Value>{a.g.map(getType().getShape(), getType().getElementType(),
                                    {{weighted, a.g.identity(4)}, {sum, a.g.without(4, 3)}},
                                    [](OpBuilder &inner, Location loc, ValueRange x) -> Value {
                                      return arith::DivFOp::create(inner, loc, x[0], x[1]);
                                    })};
}

void NNDialect::addAttentionOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Attention.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Attention.cpp.inc"
