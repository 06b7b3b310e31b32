// nn.attention.
#include "dialects/nn/Generics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

/// Reports two sizes that are known to differ.
static LogicalResult expectEqual(Fact &result, AffineExpr lhs, AffineExpr rhs, StringRef what,
                                 EmitError error) {
  if (result.mayEqual(lhs, rhs))
    return success();
  return error("expects " + what + ", found " + textOf(lhs) + " and " + textOf(rhs));
}

LogicalResult AttentionOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                                 EmitError error) {
  const Fact &query = operands[0], &key = operands[1], &value = operands[2];
  Fact &result = results.emplace_back(query);
  for (const Fact *fact : {&query, &key, &value}) {
    if (fact->rank() != 4)
      return error("expects query, key and value of rank 4, found rank " + Twine(fact->rank()));
    if (fact->element != query.element)
      return error("expects query, key and value of one element type");
    if (failed(expectEqual(result, query.shape[0], fact->shape[0], "one batch size", error)))
      return failure();
  }
  int64_t heads = query.size(1), groups = key.size(1);
  if (ShapedType::isDynamic(heads) || ShapedType::isDynamic(groups) || groups < 1 || heads % groups)
    return error("expects heads of the query that are a multiple of those of the key");
  const Shape &q = query.shape, &k = key.shape, &v = value.shape;
  if (failed(expectEqual(result, k[1], v[1], "key and value of as many heads", error)) ||
      failed(expectEqual(result, q[3], k[3], "query and key of one depth", error)) ||
      failed(expectEqual(result, k[2], v[2], "as many keys as values", error)))
    return failure();
  result.shape[3] = value.shape[3];
  if (!isPresent(operands, 3))
    return success();
  Shape scores = {q[0], q[1], q[2], k[2]};
  if (failed(expectBroadcast(operands[3].shape, scores, result, error)))
    return failure();
  if (!operands[3].element.isInteger(1) && !isa<FloatType>(operands[3].element))
    return error("expects a mask of bools or floats");
  return success();
}

namespace {
/// The loops of an attention: scores are [N, H, L, S], the result is [N, H, L, E].
struct AttentionLoops {
  Generics g;
  AffineExpr batch, heads, queries, keys, depth, width;
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
  Value product(ArrayRef<AffineExpr> loops, Read lhs, Read rhs) {
    return g.reduce(loops, 4, scalar(g.b, g.loc, compute, 0), {lhs, rhs},
                    [](OpBuilder &b, Location loc, ValueRange x) -> Value {
                      Value part =
                          arith::MulFOp::create(b, loc, widen(b, loc, x[0]), widen(b, loc, x[1]));
                      return arith::AddFOp::create(b, loc, part, x[2]);
                    });
  }
  Value maskedScores(AttentionOp op, Value products);
  Value softmaxPowers(Value scores, Value max);
  Value guarded(Value weights, Value sign, AttentionGuard guard);
};
} // namespace

Value AttentionLoops::maskedScores(AttentionOp op, Value products) {
  Value mask = op.getMask();
  double scale = op.getScale().convertToDouble(), fill = op.getFill().convertToDouble();
  SmallVector<Read> reads{{products, g.identity(4)}};
  Shape shape{batch, heads, queries, keys};
  if (mask)
    reads.push_back(
        {mask, broadcastMap(cast<RankedTensorType>(mask.getType()), tensorOf(shape, compute))});
  return g.map(shape, compute, reads, [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
    Value score = arith::MulFOp::create(b, loc, x[0], scalar(b, loc, compute, scale));
    Value none = scalar(b, loc, compute, -INFINITY);
    if (mask && x[1].getType().isInteger(1))
      score = arith::SelectOp::create(b, loc, x[1], score, scalar(b, loc, compute, fill));
    else if (mask)
      score = arith::AddFOp::create(b, loc, score, narrow(b, loc, x[1], compute));
    if (!op.getCausal())
      return score;
    IndexMath m{b, loc};
    Value past = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, m.loop(3), m.loop(2));
    return arith::SelectOp::create(b, loc, past, score, none);
  });
}

/// exp(score - the largest of its query)
Value AttentionLoops::softmaxPowers(Value scores, Value max) {
  Shape shape{batch, heads, queries, keys};
  return g.map(shape, compute, {{scores, g.identity(4)}, {max, g.without(4, 3)}},
               [](OpBuilder &b, Location loc, ValueRange x) -> Value {
                 return math::ExpOp::create(b, loc, arith::SubFOp::create(b, loc, x[0], x[1]));
               });
}

/// Zeros in place of a query's weights where the guard says so of `sign`: its largest score, or the
/// sum of its powers.
Value AttentionLoops::guarded(Value weights, Value sign, AttentionGuard guard) {
  Shape shape{batch, heads, queries, keys};
  return g.map(shape, compute, {{weights, g.identity(4)}, {sign, g.without(4, 3)}},
               [&](OpBuilder &b, Location loc, ValueRange x) -> Value {
                 bool isEmpty = guard == AttentionGuard::Empty;
                 Value bad = arith::CmpFOp::create(
                     b, loc, isEmpty ? arith::CmpFPredicate::OEQ : arith::CmpFPredicate::UNO, x[1],
                     isEmpty ? scalar(b, loc, compute, -INFINITY) : x[1]);
                 return arith::SelectOp::create(b, loc, bad, scalar(b, loc, compute, 0), x[0]);
               });
}

FailureOr<SmallVector<Value>> AttentionOp::lower(OpBuilder &b) {
  Shape query = shapeOf(getQuery()), key = shapeOf(getKey());
  AttentionLoops a{Generics(b, getLoc()),
                   query[0],
                   query[1],
                   query[2],
                   key[2],
                   query[3],
                   shapeOf(getType())[3],
                   *constantOf(query[1]) / *constantOf(key[1]),
                   computeType(getType().getElementType())};
  Value scores = a.product(Shape{a.batch, a.heads, a.queries, a.keys, a.depth},
                           {getQuery(), a.g.select(5, {0, 1, 2, 4})}, {getKey(), a.perGroup(3, 4)});
  scores = a.maskedScores(*this, scores);
  Shape shape{a.batch, a.heads, a.queries, a.keys};
  auto overKeys = [&](Value operand, double init, auto combine) {
    return a.g.reduce(shape, 3, scalar(b, getLoc(), a.compute, init),
                      Read{operand, a.g.identity(4)}, combine);
  };
  Value max =
      overKeys(scores, -INFINITY, [](OpBuilder &inner, Location loc, ValueRange x) -> Value {
        return arith::MaximumFOp::create(inner, loc, x[0], x[1]);
      });
  Value powers = a.softmaxPowers(scores, max);
  Value sum = overKeys(powers, 0, [](OpBuilder &inner, Location loc, ValueRange x) -> Value {
    return arith::AddFOp::create(inner, loc, x[0], x[1]);
  });
  Value weights = a.g.map(shape, a.compute, {{powers, a.g.identity(4)}, {sum, a.g.without(4, 3)}},
                          [](OpBuilder &inner, Location loc, ValueRange x) -> Value {
                            return arith::DivFOp::create(inner, loc, x[0], x[1]);
                          });
  if (getGuard() != AttentionGuard::None)
    weights = a.guarded(weights, getGuard() == AttentionGuard::Empty ? max : sum, getGuard());
  Value result = a.product(Shape{a.batch, a.heads, a.queries, a.width, a.keys},
                           {weights, a.g.select(5, {0, 1, 2, 4})}, {getValue(), a.perGroup(4, 3)});
  return SmallVector<Value>{a.g.map(shapeOf(getType()), getType().getElementType(),
                                    {{result, a.g.identity(4)}},
                                    [&](OpBuilder &inner, Location loc, ValueRange x) -> Value {
                                      return narrow(inner, loc, x[0], getType().getElementType());
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
