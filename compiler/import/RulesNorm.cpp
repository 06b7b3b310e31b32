// Normalizations and softmax. Defaults of attributes are ONNX's.
#include "compiler/import/Compose.h"
#include "compiler/import/Rules.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace nncc;

static bool refuseOutputs(OpBinder &b, size_t first) {
  for (size_t i = first; i < b.getOutputCount(); ++i)
    if (b.wants(i)) {
      b.unsupported("its output " + Twine(i) + " is not supported");
      return true;
    }
  return false;
}

template <typename Op> static Value softmax(OpBinder &b, Value x, int64_t axis) {
  typename Op::Properties properties;
  properties.axis = b.i64(axis);
  return b.create<Op>({x}, properties);
}

// Until opset 12 all dims from `axis` on are one; from 13 on only dim `axis` counts.
template <typename Op> static void importSoftmax(OpBinder &b) {
  Value x = b.input(0);
  const int64_t rank = b.rankOf(x);
  const int64_t axis = b.axis(b.integer("axis", b.getOpset() < 13 ? 1 : -1), rank);
  if (b.hasFailed() || b.getOpset() >= 13 || axis == rank - 1)
    return b.result(softmax<Op>(b, x, axis));
  const Shape shape = b.shapeOf(x);
  b.result(b.reshapeTo(softmax<Op>(b, Compose{b}.flatten(x, axis), 1), shape));
}

static void importLayerNorm(OpBinder &b) {
  if (b.wants(1) || b.wants(2)) // the statistics, too
    return b.decline();
  nn::LayerNormOp::Properties properties;
  properties.axis = b.i64(b.integer("axis", -1));
  properties.epsilon = b.f32(b.number("epsilon", 1e-5f));
  SmallVector<Value> operands{b.input(0), b.input(1)};
  if (b.input(2))
    operands.push_back(b.input(2));
  b.result(b.create<nn::LayerNormOp>(operands, properties));
}

static void importRMSNorm(OpBinder &b) {
  nn::RMSNormOp::Properties properties;
  properties.axis = b.i64(b.integer("axis", -1));
  properties.epsilon = b.f32(b.number("epsilon", 1e-5f));
  b.result(b.create<nn::RMSNormOp>({b.input(0), b.input(1)}, properties));
}

// By the statistics of this batch; outputs 1 and 2 are running averages of them.
static void importTrainingBatchNorm(OpBinder &b) {
  Compose f{b};
  Value x = b.input(0);
  const int64_t rank = b.rankOf(x);
  if (rank < 2)
    return (void)b.invalid("the input has " + Twine(rank) + " dims, expected 2 or more");
  SmallVector<int64_t> axes{0};
  for (int64_t axis = 2; axis < rank; ++axis)
    axes.push_back(axis);
  Type element = b.typeOf(x).getElementType();
  Type wide = element.isF64() ? element : Type(b.getBuilder().getF32Type());
  Value input = b.cast(x, wide);
  Value mean = f.reduce(nn::ReduceKind::Mean, input, axes, true);
  Value distance = f.sub(input, mean);
  Value variance = f.reduce(nn::ReduceKind::Mean, f.mul(distance, distance), axes, true);
  Value scale = f.div(f.along(b.cast(b.input(1), wide), 1, rank),
                      f.unary<nn::SqrtOp>(f.add(variance, b.number("epsilon", 1e-5f))));
  Value result = f.add(f.mul(distance, scale), f.along(b.cast(b.input(2), wide), 1, rank));
  b.result(b.cast(result, element));
  const double momentum = b.number("momentum", 0.9f);
  auto average = [&](size_t output, Value past, Value now) {
    if (!b.wants(output) || !now || !past)
      return;
    Value flat = b.reshapeTo(now, b.shapeOf(past));
    Value sum = f.add(f.mul(b.cast(past, wide), momentum), f.mul(flat, 1 - momentum));
    b.result(b.cast(sum, b.typeOf(past).getElementType()), output);
  };
  average(1, b.input(3), mean);
  average(2, b.input(4), variance);
}

// The statistics may be of another float type than x.
static void importBatchNorm(OpBinder &b) {
  const bool training =
      b.getOpset() >= 14 ? b.flag("training_mode") : b.getOpset() < 7 && !b.flag("is_test");
  if (training && b.getOpset() >= 14)
    return importTrainingBatchNorm(b);
  if (b.getOpset() < 9 && !b.flag("spatial", true))
    return (void)b.unsupported("statistics per element (spatial = 0) are not supported");
  if (refuseOutputs(b, 1))
    return;
  nn::BatchNormOp::Properties properties;
  properties.epsilon = b.f32(b.number("epsilon", 1e-5f));
  Type element = b.typeOf(b.input(0)).getElementType();
  SmallVector<Value> operands{b.input(0)};
  for (size_t i = 1; i < 5; ++i)
    operands.push_back(b.cast(b.input(i), element));
  b.result(b.create<nn::BatchNormOp>(operands, properties));
}

static void importInstanceNorm(OpBinder &b) {
  nn::InstanceNormOp::Properties properties;
  properties.epsilon = b.f32(b.number("epsilon", 1e-5f));
  b.result(b.create<nn::InstanceNormOp>({b.input(0), b.input(1), b.input(2)}, properties));
}

// Until opset 20 scale and bias are one value per group; from 21 on one per channel.
static void importGroupNorm(OpBinder &b) {
  Value x = b.input(0);
  const int64_t groups = b.integer("num_groups", 0);
  const bool isPerChannel = b.getOpset() >= 21;
  if (isPerChannel && b.rankOf(b.input(1)) == 1)
    x = b.withSize(x, 1, b.shapeOf(b.input(1))[0], "the scale does not have one value per channel");
  const AffineExpr channels =
      b.rankOf(x) > 1 ? b.shapeOf(x)[1] : b.getBuilder().getAffineConstantExpr(0);
  if (groups < 1)
    return (void)b.invalid("num_groups is " + Twine(groups) + ", expected 1 or more");
  b.requireZeros(channels % groups,
                 "num_groups is " + Twine(groups) + ", expected a divisor of the " +
                     (constantOf(channels) ? b.textOf(channels) + " " : std::string()) +
                     "channels");
  auto perChannel = [&](Value value) {
    if (isPerChannel)
      return value;
    const AffineExpr count = b.getBuilder().getAffineConstantExpr(groups);
    Value column = b.reshape(value, {groups, 1});
    Value spread =
        b.create<nn::ExpandOp>({column, b.sizes({count, normalForm(channels.floorDiv(groups))})});
    return b.reshapeTo(spread, channels);
  };
  nn::GroupNormOp::Properties properties;
  properties.groups = b.i64(groups);
  properties.epsilon = b.f32(b.number("epsilon", 1e-5f));
  b.result(
      b.create<nn::GroupNormOp>({x, perChannel(b.input(1)), perChannel(b.input(2))}, properties));
}

static void importLpNorm(OpBinder &b) {
  nn::LpNormOp::Properties properties;
  properties.axis = b.i64(b.integer("axis", -1));
  properties.p = b.i64(b.integer("p", 2));
  b.result(b.create<nn::LpNormOp>({b.input(0)}, properties));
}

static void importMeanVariance(OpBinder &b) {
  auto axes = b.integers("axes").value_or(SmallVector<int64_t>{0, 2, 3});
  for (int64_t &axis : axes)
    axis = b.axis(axis, b.rankOf(b.input(0)));
  nn::MeanVarianceOp::Properties properties;
  properties.axes = b.array(axes);
  b.result(b.create<nn::MeanVarianceOp>({b.input(0)}, properties));
}

static void importLRN(OpBinder &b) {
  nn::LRNOp::Properties properties;
  properties.size = b.i64(b.integer("size", 1));
  properties.alpha = b.f32(b.number("alpha", 1e-4f));
  properties.beta = b.f32(b.number("beta", 0.75f));
  properties.bias = b.f32(b.number("bias", 1));
  b.result(b.create<nn::LRNOp>({b.input(0)}, properties));
}

void nncc::addNormRules(Rules &rules) {
  rules.onOp("Softmax", 1, importSoftmax<nn::SoftmaxOp>);
  rules.onOp("LogSoftmax", 1, importSoftmax<nn::LogSoftmaxOp>);
  rules.onOp("LayerNormalization", 17, importLayerNorm);
  rules.onOp("RMSNormalization", 23, importRMSNorm);
  rules.onOp("BatchNormalization", 1, importBatchNorm);
  rules.onOp("InstanceNormalization", 1, importInstanceNorm);
  rules.onOp("GroupNormalization", 18, importGroupNorm);
  rules.onOp("LpNormalization", 1, importLpNorm);
  rules.onOp("MeanVarianceNormalization", 9, importMeanVariance);
  rules.onOp("LRN", 1, importLRN);
}
