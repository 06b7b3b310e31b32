// Random numbers. With a seed they are NumPy's for that seed, constants of the model; without one
// they come from nn.random, seeded by the node's name: the same in every build.
#include "compiler/import/Compose.h"
#include "compiler/import/RandomState.h"
#include "compiler/import/Rules.h"
#include "compiler/import/TypeMap.h"

#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace nncc;

// More seeded numbers than this are no constants that anybody wants in a file.
static constexpr int64_t maxSeeded = int64_t(1) << 26;

// Numbers of `kind` by the node's seed or name.
static Value randomNumbers(OpBinder &b, nn::RandomKind kind, const Shape &shape, Type element) {
  SmallVector<int64_t> known;
  for (AffineExpr size : shape)
    if (std::optional<int64_t> number = constantOf(size))
      known.push_back(*number);
  auto count = countElements(known);
  if (!count) {
    llvm::consumeError(count.takeError());
    return b.invalid("the shape has a negative or too large dimension");
  }
  const onnx::AttributeProto *seed = b.attribute("seed"); // Dropout's is an integer
  if (!seed || std::isnan(seed->f())) {
    nn::RandomOp::Properties properties;
    properties.kind = nn::RandomKindAttr::get(b.getBuilder().getContext(), kind);
    properties.seed = b.i64(int64_t(llvm::xxh3_64bits(b.getName())));
    properties.to = TypeAttr::get(element);
    return b.create<nn::RandomOp>({b.sizes(shape)}, properties);
  }
  if (known.size() != shape.size())
    return b.unsupported("random numbers with a seed, which are constants, need a shape that is "
                         "known at compile time; give the sizes of the inputs with --dim or "
                         "--shape, or leave out the seed");
  if (*count > maxSeeded)
    return b.unsupported("more than " + Twine(maxSeeded) + " random numbers with a seed");
  const double given = seed->type() == onnx::AttributeProto::INT ? double(seed->i()) : seed->f();
  RandomState state(std::abs(given) < 0x1p62 ? uint32_t(int64_t(given)) : 0);
  std::vector<double> values(*count);
  for (double &value : values)
    value = kind == nn::RandomKind::Uniform ? state.uniform() : state.normal();
  return Compose{b}.floats(known, element, values);
}

// The type of attribute 'dtype'; null after reporting that it is none of floats.
static Type readType(OpBinder &b, Type otherwise) {
  Type element = b.elementType("dtype", otherwise);
  if (!element || isa<FloatType>(element))
    return element;
  b.unsupported("random numbers of type " + elementTypeName(toDataType(element)) +
                " are not supported");
  return {};
}

// offset + factor * numbers, rounded after each step as NumPy does.
static Rule importRandom(nn::RandomKind kind, bool isLike) {
  return [kind, isLike](OpBinder &b) {
    Type element = readType(b, isLike ? b.typeOf(b.input(0)).getElementType()
                                      : Type(b.getBuilder().getF32Type()));
    if (!element)
      return;
    const Shape shape = isLike ? b.shapeOf(b.input(0))
                               : makeShape(b.integers("shape").value_or(SmallVector<int64_t>()),
                                           b.getBuilder().getContext());
    Value numbers = randomNumbers(b, kind, shape, element);
    const bool isUniform = kind == nn::RandomKind::Uniform;
    const double offset = isUniform ? b.number("low", 0) : b.number("mean", 0);
    const double factor = isUniform ? b.number("high", 1) - offset : b.number("scale", 1);
    Compose f{b};
    b.result(f.add(f.mul(numbers, factor), offset));
  };
}

// 1 with the probability that the operand gives, else 0.
static void importBernoulli(OpBinder &b) {
  Value p = b.input(0);
  Type to = b.elementType("dtype", b.typeOf(p).getElementType());
  if (!to)
    return;
  Compose f{b};
  Type wide = b.getBuilder().getF64Type();
  Value numbers = randomNumbers(b, nn::RandomKind::Uniform, b.shapeOf(p), wide);
  // As NumPy's inversion: the larger one of the two outcomes takes the lower numbers.
  p = b.cast(p, wide);
  Value isLikely = f.compare(nn::CompareKind::Greater, p, f.number(p, 0.5));
  Value rest = f.sub(f.number(p, 1), p);
  Value one = f.compare(nn::CompareKind::Greater, numbers, rest);
  Value oneIfLikely = f.compare(nn::CompareKind::LessEqual, numbers, p);
  b.result(b.cast(f.where(isLikely, oneIfLikely, one), to));
}

// Classes drawn by their unnormalized log-probabilities [batch, classes]: how many of the
// cumulated probabilities a uniform number reaches.
static void importMultinomial(OpBinder &b) {
  Value logits = b.input(0);
  const int64_t samples = b.integer("sample_size", 1);
  constexpr char expected[] = "expected an input of 2 dims with 1 class or more, and sample_size "
                              "of 1 or more";
  if (b.rankOf(logits) != 2 || samples < 1)
    return (void)b.invalid(expected);
  const AffineExpr batch = b.shapeOf(logits)[0], classes = b.shapeOf(logits)[1];
  const AffineExpr one = b.getBuilder().getAffineConstantExpr(1);
  b.requireZeros(isLess(classes, one), expected);
  Type to = b.elementType("dtype", b.getBuilder().getI32Type());
  if (to && !to.isInteger(32) && !to.isInteger(64))
    return (void)b.invalid("dtype is none of int32 and int64");
  if (!to)
    return;
  Compose f{b};
  nn::SoftmaxOp::Properties softmax;
  softmax.axis = b.i64(1);
  Value p = b.create<nn::SoftmaxOp>({b.cast(logits, b.getBuilder().getF32Type())}, softmax);
  Value cumulated = b.create<nn::CumSumOp>({p, b.reshape(b.constant({1}), {})});
  const AffineExpr drawn = one * samples;
  Value numbers =
      randomNumbers(b, nn::RandomKind::Uniform, {batch, drawn}, b.getBuilder().getF32Type());
  Value reached =
      f.compare(nn::CompareKind::GreaterEqual, b.reshapeTo(numbers, {batch, drawn, one}),
                b.reshapeTo(cumulated, {batch, one, classes}));
  Value count = f.reduce(nn::ReduceKind::Sum, b.cast(reached, to), {2}, false);
  Value last = b.reshape(b.cast(b.sizes(normalForm(classes - 1)), to), {});
  b.result(b.create<nn::MinOp>({count, last}));
}

// In training, elements are dropped at random and the others scaled; the mask tells which are kept.
// Without it a copy.
static void importDropout(OpBinder &b) {
  Value x = b.input(0), training = b.getOpset() >= 12 ? b.input(2) : Value();
  Compose f{b};
  Builder &builder = b.getBuilder();
  Type element = b.typeOf(x).getElementType(), boolean = builder.getI1Type();
  if (auto known = b.integersOf(training); !training || (known && (*known)[0] == 0)) {
    b.result(x);
    if (b.wants(1)) { // before opset 10 the mask has the type of the data
      Value one = b.scalar(b.getOpset() >= 10 ? boolean : element, 1);
      b.result(b.create<nn::ExpandOp>({one, b.sizes(b.shapeOf(x))}), 1);
    }
    return;
  }
  Value ratio = b.input(1) ? b.cast(b.reshape(b.input(1), {}), builder.getF64Type())
                           : b.scalar(builder.getF64Type(), 0.5);
  Value numbers = randomNumbers(b, nn::RandomKind::Uniform, b.shapeOf(x), builder.getF64Type());
  // The ratio counts in training only.
  Value drop = f.where(b.reshape(training, {}), ratio, f.number(ratio, 0));
  Value keep = f.compare(nn::CompareKind::GreaterEqual, numbers, drop);
  Value scale = b.cast(f.div(f.number(drop, 1), f.sub(f.number(drop, 1), drop)), element);
  b.result(f.where(keep, f.mul(x, scale), f.number(x, 0)));
  if (b.wants(1))
    b.result(keep, 1);
}

void nncc::addRandomRules(Rules &rules) {
  rules.onOp("RandomUniform", 1, importRandom(nn::RandomKind::Uniform, false));
  rules.onOp("RandomNormal", 1, importRandom(nn::RandomKind::Normal, false));
  rules.onOp("RandomUniformLike", 1, importRandom(nn::RandomKind::Uniform, true));
  rules.onOp("RandomNormalLike", 1, importRandom(nn::RandomKind::Normal, true));
  rules.onOp("Bernoulli", 15, importBernoulli);
  rules.onOp("Multinomial", 7, importMultinomial);
  rules.onOp("Dropout", 1, importDropout);
}
