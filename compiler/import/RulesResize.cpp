// Images at another resolution.
#include "compiler/import/Parameters.h"
#include "compiler/import/Rules.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <cmath>

using namespace mlir;
using namespace nncc;

using ResizeProperties = nn::ResizeOp::Properties;

// The enumerator whose name attribute `name` has; reports one that does not exist.
template <typename Attr, typename Symbolize>
static Attr readEnum(OpBinder &b, StringRef name, StringRef otherwise, Symbolize symbolize) {
  const StringRef text = b.string(name, otherwise);
  if (auto value = symbolize(text))
    return Attr::get(b.getBuilder().getContext(), *value);
  b.unsupported(name + " '" + text + "' is not supported");
  return {};
}

static void readResizeEnums(OpBinder &b, ResizeProperties &properties) {
  properties.mode = readEnum<nn::ResizeModeAttr>(
      b, "mode", "nearest", [](StringRef text) { return nn::symbolizeResizeMode(text); });
  // Resize of opset 10 and Upsample have neither attribute; they mean these values.
  const bool old = b.getOpset() < 11;
  properties.coordinates = readEnum<nn::ResizeCoordinatesAttr>(
      b, "coordinate_transformation_mode", old ? "asymmetric" : "half_pixel",
      [](StringRef text) { return nn::symbolizeResizeCoordinates(text); });
  properties.rounding = readEnum<nn::ResizeRoundingAttr>(
      b, "nearest_mode", old ? "floor" : "round_prefer_floor",
      [](StringRef text) { return nn::symbolizeResizeRounding(text); });
  properties.aspect =
      readEnum<nn::ResizeAspectAttr>(b, "keep_aspect_ratio_policy", "stretch", [](StringRef text) {
        return nn::symbolizeResizeAspect(text);
      });
}

// Null for an operand that is left out; exporters write that as a tensor without elements, too.
static Value unlessEmpty(OpBinder &b, Value value) {
  return value && llvm::is_contained(b.typeOf(value).getShape(), 0) ? Value() : value;
}

namespace {
/// What a resize takes, where a run computes it: both.
struct Resolution {
  Value scales, sizes;
};
} // namespace

// floor(size * scale), or sizes that keep the proportions. Null scales: the ratios of the sizes.
static Resolution resolve(OpBinder &b, Value scales, Value sizes, ArrayRef<int64_t> axes,
                          nn::ResizeAspect aspect) {
  Parameters p{b};
  OpBuilder &builder = b.getBuilder();
  Shape from;
  for (int64_t axis : axes)
    from.push_back(b.shapeOf(b.input(0))[axis]);
  if (aspect == nn::ResizeAspect::Stretch && sizes)
    return {Value(), b.knownSizes(sizes, "a size of the result")};
  const Type wide = builder.getF64Type();
  Value own = b.cast(b.sizes(from), wide);
  if (sizes) {
    const auto kind =
        aspect == nn::ResizeAspect::NotLarger ? nn::ReduceKind::Min : nn::ReduceKind::Max;
    Value ratios = p.f.div(b.cast(sizes, wide), own);
    scales = p.f.reduce(kind, ratios, {0}, /*keepdims=*/true);
    scales = b.create<nn::ExpandOp>({scales, b.constant({int64_t(axes.size())})});
  } else {
    scales = b.cast(scales, wide);
  }
  Value number = p.f.mul(own, scales);
  if (sizes)
    number = p.f.add(number, 0.5);
  number = b.cast(p.f.unary<nn::FloorOp>(number), builder.getI64Type());
  return {b.cast(scales, builder.getF32Type()), b.knownSizes(number, "a size of the result")};
}

// Whether the sizes of the result do not follow from what is known before the program runs.
static bool isResolvedByRun(OpBinder &b, Value scales, Value sizes, ArrayRef<int64_t> axes,
                            nn::ResizeAspect aspect) {
  auto isOpen = [&](int64_t axis) { return !constantOf(b.shapeOf(b.input(0))[axis]); };
  if (sizes && aspect == nn::ResizeAspect::Stretch)
    return !nn::factOf(sizes).value;
  if (sizes)
    return !b.integersOf(sizes) || llvm::any_of(axes, isOpen);
  auto known = nn::constantFloats(scales);
  if (!known || known->size() != axes.size())
    return !known;
  return llvm::any_of(llvm::zip(axes, *known), [&](auto pair) {
    auto [axis, scale] = pair;
    return isOpen(axis) && scale != std::floor(scale);
  });
}

// Whether the ratio of two sizes is the same in all runs.
static bool isKnownRatio(AffineExpr size, AffineExpr from) {
  if (constantOf(size) && constantOf(from))
    return true;
  const AffineExpr ratio = exactQuotient(size, from);
  return ratio && constantOf(ratio);
}

// How many elements an average is over follows from the scale.
static bool knowsAverages(OpBinder &b, Value sizes, ArrayRef<int64_t> axes) {
  const std::optional<Shape> known = sizes ? nn::factOf(sizes).value : std::nullopt;
  return !known || llvm::all_of(llvm::zip(*known, axes), [&](auto pair) {
    return isKnownRatio(std::get<0>(pair), b.shapeOf(b.input(0))[std::get<1>(pair)]);
  });
}

static void resize(OpBinder &b, Value roi, Value scales, Value sizes) {
  ResizeProperties properties;
  readResizeEnums(b, properties);
  if (b.hasFailed())
    return;
  const int64_t rank = b.rankOf(b.input(0));
  auto axes = b.integers("axes").value_or(llvm::to_vector(llvm::seq<int64_t>(0, rank)));
  for (int64_t &axis : axes)
    axis = b.axis(axis, rank);
  properties.axes = b.array(axes);
  properties.cubic_coefficient = b.f32(b.number("cubic_coeff_a", -0.75f));
  properties.extrapolation = b.f32(b.number("extrapolation_value", 0));
  properties.exclude_outside = b.unitIf(b.flag("exclude_outside"));
  properties.antialias = b.unitIf(b.flag("antialias"));
  // Only one mode reads it; it may be of another float type.
  if (properties.coordinates.getValue() != nn::ResizeCoordinates::CropAndResize)
    roi = {};
  scales = unlessEmpty(b, scales);
  sizes = scales ? Value() : unlessEmpty(b, sizes);
  if (!scales && !sizes)
    return (void)b.invalid("has neither scales nor sizes");
  for (Value given : {scales, sizes})
    if (given && b.typeOf(given).getShape() != ArrayRef<int64_t>(int64_t(axes.size())))
      return (void)b.invalid("expects a scale or a size for each of " + Twine(axes.size()) +
                             " axes");
  if (const auto aspect = properties.aspect.getValue();
      !b.hasFailed() && isResolvedByRun(b, scales, sizes, axes, aspect)) {
    if (properties.antialias)
      return (void)b.unsupported("antialias needs scales or sizes known before the program runs");
    const Resolution found = resolve(b, scales, sizes, axes, aspect);
    scales = found.scales, sizes = found.sizes;
    properties.aspect =
        nn::ResizeAspectAttr::get(b.getBuilder().getContext(), nn::ResizeAspect::Stretch);
    if (b.hasFailed())
      return;
  }
  if (properties.antialias && !b.hasFailed() && !knowsAverages(b, sizes, axes))
    return (void)b.unsupported("antialias needs a scale that is known at compile time, not an open "
                               "size beside one of another kind; give the sizes of the inputs with "
                               "--dim or --shape");
  SmallVector<Value> operands{b.input(0)};
  for (Value optional : {roi, scales, sizes})
    if (optional)
      operands.push_back(optional);
  properties.operandSegmentSizes = {1, roi ? 1 : 0, scales ? 1 : 0, sizes ? 1 : 0};
  b.result(b.create<nn::ResizeOp>(operands, properties));
}

static void importUpsample(OpBinder &b) {
  Value scales = b.input(1);
  if (const auto *given = b.attribute("scales"); given && b.getOpset() < 9) {
    auto type = RankedTensorType::get({given->floats_size()}, b.getBuilder().getF32Type());
    ArrayRef<float> floats(given->floats().data(), size_t(given->floats_size()));
    scales = b.constant(DenseElementsAttr::get(type, floats));
  }
  resize(b, {}, scales, {});
}

void nncc::addResizeRules(Rules &rules) {
  rules.onOp("Upsample", 7, importUpsample);
  rules.onOp("Resize", 10, [](OpBinder &b) { resize(b, {}, b.input(1), {}); });
  rules.onOp("Resize", 11, [](OpBinder &b) { resize(b, b.input(1), b.input(2), b.input(3)); });
}
