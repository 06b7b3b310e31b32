// Attention.
#include "compiler/import/Rules.h"

#include <cmath>

using namespace mlir;
using namespace nncc;

// [N, L, H * D] -> [N, H, L, D]
static Value splitHeads(OpBinder &b, Value x, int64_t heads) {
  if (b.rankOf(x) == 4)
    return x;
  const Shape shape = b.shapeOf(x);
  const std::string expected = ("an operand is neither [batch, heads, length, size] nor [batch, "
                                "length, heads * size] with a whole number of " +
                                Twine(heads) + " heads")
                                   .str();
  if (shape.size() != 3 || heads < 1)
    return b.invalid(expected);
  b.requireZeros(shape[2] % heads, expected);
  nn::TransposeOp::Properties properties;
  properties.perm = b.array({0, 2, 1, 3});
  const AffineExpr count = getAffineConstantExpr(heads, shape[0].getContext());
  Value split = b.reshapeTo(x, {shape[0], shape[1], count, normalForm(shape[2].floorDiv(heads))});
  return b.create<nn::TransposeOp>({split}, properties);
}

// [N, H, L, D] -> [N, L, H * D]
static Value mergeHeads(OpBinder &b, Value x) {
  nn::TransposeOp::Properties properties;
  properties.perm = b.array({0, 2, 1, 3});
  Value turned = b.create<nn::TransposeOp>({x}, properties);
  if (!turned)
    return turned;
  const Shape shape = b.shapeOf(turned);
  return b.reshapeTo(turned, {shape[0], shape[1], shape[2] * shape[3]});
}

// A mask of all keys, or none. It may be one of [.., L, S] that broadcasts, but not a shorter one,
// of which the keys behind its end take no part.
static bool takesMask(OpBinder &b, const Shape &query, AffineExpr keys) {
  if (!b.input(3))
    return true;
  const Shape mask = b.shapeOf(b.input(3)), scores = {query[0], query[1], query[2], keys};
  if (mask.size() < 2 || mask.size() > 4 || mask.back() != keys)
    return false;
  return llvm::all_of(llvm::zip(mask, ArrayRef(scores).take_back(mask.size())), [](auto pair) {
    return constantOf(std::get<0>(pair)) == 1 || std::get<0>(pair) == std::get<1>(pair);
  });
}

// A size that two operands share, known of both where it is of one.
static void shareSize(OpBinder &b, Value &x, Value &y, int64_t dim, const Twine &what) {
  if (!x || !y)
    return;
  const AffineExpr size = b.shapeOf(constantOf(b.shapeOf(x)[dim]) ? x : y)[dim];
  x = b.withSize(x, dim, size, what);
  y = b.withSize(y, dim, size, what);
}

// Whether numbers and sizes of the heads are known, which nn.attention is made for.
static bool knowsHeads(OpBinder &b, Value query, Value key, Value value) {
  const Shape q = b.shapeOf(query), k = b.shapeOf(key), v = b.shapeOf(value);
  return constantOf(q[1]) && constantOf(k[1]) && constantOf(q[3]) && constantOf(v[3]);
}

// Caches and further outputs are left to the function body, and so are heads of an open number or
// size.
static void importAttention(OpBinder &b) {
  bool plain = b.number("softcap", 0) == 0 && b.integer("left_window_size", -1) == -1 &&
               b.integer("right_window_size", -1) == -1 && !b.attribute("softmax_precision");
  for (size_t i = 4; i < b.getInputCount(); ++i)
    plain &= !b.input(i);
  for (size_t i = 1; i < b.getOutputCount(); ++i)
    plain &= !b.wants(i);
  if (!plain)
    return b.decline();
  const int64_t keyHeads = b.integer("kv_num_heads", 0);
  Value query = splitHeads(b, b.input(0), b.integer("q_num_heads", 0));
  Value key = splitHeads(b, b.input(1), keyHeads), value = splitHeads(b, b.input(2), keyHeads);
  shareSize(b, query, key, 3, "query and key are not of one depth");
  shareSize(b, key, value, 1, "key and value do not have as many heads");
  if (!query || !key || !value)
    return;
  const std::optional<int64_t> depth = constantOf(b.shapeOf(query)[3]);
  if (depth && *depth < 1)
    return (void)b.invalid("the heads have no elements");
  if (!knowsHeads(b, query, key, value) || !takesMask(b, b.shapeOf(query), b.shapeOf(key)[2]))
    return b.decline();
  nn::AttentionOp::Properties properties;
  properties.scale = b.f32(b.number("scale", float(1 / std::sqrt(double(*depth)))));
  properties.causal = b.unitIf(b.flag("is_causal"));
  properties.fill = b.f32(-INFINITY);
  SmallVector<Value> operands{query, key, value};
  if (b.input(3)) {
    operands.push_back(b.input(3));
    properties.guard =
        nn::AttentionGuardAttr::get(b.getBuilder().getContext(), nn::AttentionGuard::Empty);
  }
  Value result = b.create<nn::AttentionOp>(operands, properties);
  b.result(b.rankOf(b.input(0)) == 3 ? mergeHeads(b, result) : result);
}

void nncc::addAttentionRules(Rules &rules) { rules.onOp("Attention", 23, importAttention); }
