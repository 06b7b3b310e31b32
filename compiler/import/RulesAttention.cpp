// Attention.
#include "compiler/import/Rules.h"

#include <cmath>

using namespace mlir;
using namespace nncc;

// [N, L, H * D] -> [N, H, L, D]
static Value splitHeads(OpBinder &b, Value x, int64_t heads) {
  if (b.rankOf(x) == 4)
    return x;
  ArrayRef<int64_t> shape = b.shapeOf(x);
  if (shape.size() != 3 || heads < 1 || shape[2] % heads != 0)
    return b.invalid("an operand is neither [batch, heads, length, size] nor [batch, length, heads "
                     "* size] with a whole number of " +
                     Twine(heads) + " heads");
  nn::TransposeOp::Properties properties;
  properties.perm = b.array({0, 2, 1, 3});
  return b.create<nn::TransposeOp>({b.reshape(x, {shape[0], shape[1], heads, shape[2] / heads})},
                                   properties);
}

// [N, H, L, D] -> [N, L, H * D]
static Value mergeHeads(OpBinder &b, Value x) {
  nn::TransposeOp::Properties properties;
  properties.perm = b.array({0, 2, 1, 3});
  Value turned = b.create<nn::TransposeOp>({x}, properties);
  if (!turned)
    return turned;
  ArrayRef<int64_t> shape = b.shapeOf(turned);
  return b.reshape(turned, {shape[0], shape[1], shape[2] * shape[3]});
}

// The plain case. Masks, caches and further outputs are left to the function body: there a query
// without any key gives zeros, which the formula of nn.attention does not.
static void importAttention(OpBinder &b) {
  bool plain = b.number("softcap", 0) == 0 && b.integer("left_window_size", -1) == -1 &&
               b.integer("right_window_size", -1) == -1 && !b.attribute("softmax_precision");
  for (size_t i = 3; i < b.getInputCount(); ++i)
    plain &= !b.input(i);
  for (size_t i = 1; i < b.getOutputCount(); ++i)
    plain &= !b.wants(i);
  if (!plain)
    return b.decline();
  const int64_t keyHeads = b.integer("kv_num_heads", 0);
  Value query = splitHeads(b, b.input(0), b.integer("q_num_heads", 0));
  Value key = splitHeads(b, b.input(1), keyHeads), value = splitHeads(b, b.input(2), keyHeads);
  if (!query || b.shapeOf(query)[3] < 1)
    return (void)b.invalid("the heads have no elements");
  nn::AttentionOp::Properties properties;
  properties.scale = b.f32(b.number("scale", float(1 / std::sqrt(double(b.shapeOf(query)[3])))));
  properties.causal = b.unitIf(b.flag("is_causal"));
  Value result = b.create<nn::AttentionOp>({query, key, value}, properties);
  b.result(b.rankOf(b.input(0)) == 3 ? mergeHeads(b, result) : result);
}

void nncc::addAttentionRules(Rules &rules) { rules.onOp("Attention", 23, importAttention); }
