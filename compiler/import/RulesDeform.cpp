// Deformable convolution: one whose places of the kernel move, each by an offset of its own.
#include "compiler/import/Compose.h"
#include "compiler/import/Rules.h"
#include "compiler/import/WindowAttributes.h"

using namespace mlir;
using namespace nncc;

namespace {
struct Deform {
  WindowAttributes window;
  int64_t batch, channels, height, width; // of the input
  int64_t rows, columns;                  // of the result
  int64_t groups;                         // of channels that share their offsets
  int64_t places() const { return window.kernel[0] * window.kernel[1]; }
};
} // namespace

static std::optional<Deform> readDeform(OpBinder &b, Value x, Value weights, Value offsets) {
  if (b.rankOf(x) != 4 || b.rankOf(weights) != 4 || b.rankOf(offsets) != 4) {
    b.unsupported("only images of two dims are supported");
    return std::nullopt;
  }
  auto window = readConvWindow(b, x, weights);
  if (!window || b.hasFailed())
    return std::nullopt;
  ArrayRef<int64_t> size = b.fixedShapeOf(x), moved = b.fixedShapeOf(offsets);
  Deform d{*window, size[0],  size[1],  size[2],
           size[3], moved[2], moved[3], b.integer("offset_group", 1)};
  if (d.groups < 1 || d.channels % d.groups || moved[0] != d.batch ||
      moved[1] != d.groups * d.places() * 2) {
    b.invalid("the offsets are [" + Twine(moved[0]) + ", " + Twine(moved[1]) + ", ..], expected [" +
              Twine(d.batch) + ", " + Twine(d.groups * d.places() * 2) + ", ..] for " +
              Twine(d.groups) + " groups of " + Twine(d.channels) + " channels");
    return std::nullopt;
  }
  return d;
}

// One coordinate of all places, [batch * groups, places, rows, columns, 1], in the coordinates of
// nn.grid_sample: -1 and 1 are the outer edges of the first and the last pixel.
static Value coordinate(OpBinder &b, const Deform &d, Value offsets, int64_t dim) {
  Compose f{b};
  const Type element = b.typeOf(offsets).getElementType();
  const int64_t results = dim ? d.columns : d.rows;
  SmallVector<double> firsts, steps;
  for (int64_t y = 0; y < d.window.kernel[0]; ++y)
    for (int64_t x = 0; x < d.window.kernel[1]; ++x)
      firsts.push_back(double((dim ? x : y) * d.window.dilations[dim] - d.window.pads[dim]));
  for (int64_t i = 0; i < results; ++i)
    steps.push_back(double(i * d.window.strides[dim]));
  Value at = f.add(f.floats({d.places(), 1, 1, 1}, element, firsts),
                   f.floats({dim ? 1 : results, dim ? results : 1}, element, steps));
  at = f.add(f.slice(offsets, 2, dim, dim + 1), at);
  at = f.add(f.mul(at, 2.0 / double(dim ? d.width : d.height)),
             1.0 / double(dim ? d.width : d.height) - 1);
  return b.reshape(at, {d.batch * d.groups, d.places() * d.rows, d.columns, 1});
}

static void importDeformConv(OpBinder &b) {
  Compose f{b};
  Value x = b.input(0), weights = b.input(1), offsets = b.input(2), bias = b.input(3);
  auto deform = readDeform(b, x, weights, offsets);
  if (!deform)
    return;
  const Deform &d = *deform;
  const int64_t shared = d.channels / d.groups, places = d.places();
  offsets = b.reshape(offsets, {d.batch * d.groups, places, 2, d.rows, d.columns});
  Value grid = f.concat({coordinate(b, d, offsets, 1), coordinate(b, d, offsets, 0)}, 3);
  nn::GridSampleOp::Properties properties;
  MLIRContext *context = b.getBuilder().getContext();
  properties.mode = nn::SampleModeAttr::get(context, nn::SampleMode::Linear);
  properties.border = nn::SampleBorderAttr::get(context, nn::SampleBorder::Zeros);
  Value samples = b.create<nn::GridSampleOp>(
      {b.reshape(x, {d.batch * d.groups, shared, d.height, d.width}), grid}, properties);
  samples = b.reshape(samples, {d.batch, d.groups, shared, places, d.rows, d.columns});
  if (Value mask = b.input(4))
    samples = f.mul(samples, b.reshape(mask, {d.batch, d.groups, 1, places, d.rows, d.columns}));
  // What is left is a convolution with a kernel of one place, whose channels are those of all.
  samples = b.reshape(samples, {d.batch, d.channels * places, d.rows, d.columns});
  ArrayRef<int64_t> kernel = b.fixedShapeOf(weights);
  weights = b.reshape(weights, {kernel[0], kernel[1] * places, 1, 1});
  const WindowAttributes point{{1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}};
  Value result = createConv(b, point, samples, weights);
  b.result(bias ? f.add(result, f.along(bias, 1, 4)) : result);
}

void nncc::addDeformRules(Rules &rules) { rules.onOp("DeformConv", 19, importDeformConv); }
