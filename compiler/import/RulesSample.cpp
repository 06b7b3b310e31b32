// Elements read at computed places.
#include "compiler/import/Indices.h"
#include "compiler/import/Parameters.h"
#include "compiler/import/Rules.h"

using namespace mlir;
using namespace nncc;

static void importGridSample(OpBinder &b) {
  MLIRContext *context = b.getBuilder().getContext();
  const StringRef mode = b.string("mode", "linear"), border = b.string("padding_mode", "zeros");
  nn::GridSampleOp::Properties properties;
  for (auto [name, known] :
       {std::pair("linear", nn::SampleMode::Linear), std::pair("bilinear", nn::SampleMode::Linear),
        std::pair("nearest", nn::SampleMode::Nearest), std::pair("cubic", nn::SampleMode::Cubic),
        std::pair("bicubic", nn::SampleMode::Cubic)})
    if (mode == name)
      properties.mode = nn::SampleModeAttr::get(context, known);
  for (auto [name, known] :
       {std::pair("zeros", nn::SampleBorder::Zeros), std::pair("border", nn::SampleBorder::Border),
        std::pair("reflection", nn::SampleBorder::Reflection)})
    if (border == name)
      properties.border = nn::SampleBorderAttr::get(context, known);
  if (!properties.mode || !properties.border)
    return (void)b.invalid("mode is '" + mode + "' and padding_mode '" + border +
                           "', expected linear, nearest or cubic, and zeros, border or reflection");
  properties.align_corners = b.unitIf(b.flag("align_corners"));
  const int64_t rank = b.rankOf(b.input(0)), spatial = std::max<int64_t>(rank - 2, 0);
  Value grid = b.withSize(b.input(1), rank - 1, spatial,
                          "the grid does not have " + Twine(spatial) + " coordinates");
  b.result(b.create<nn::GridSampleOp>({b.input(0), grid}, properties));
}

static void importRoiAlign(OpBinder &b) {
  const int64_t samples = b.integer("sampling_ratio", 0);
  if (samples < 1)
    return (void)b.unsupported("sampling_ratio " + Twine(samples) +
                               " (as many samples as a region is large) is not supported");
  const StringRef mode = b.string("mode", "avg");
  if (mode != "avg" && mode != "max")
    return (void)b.invalid("mode is '" + mode + "', expected avg or max");
  // Before opset 16 regions were not moved by half a pixel.
  const StringRef transform = b.string("coordinate_transformation_mode",
                                       b.getOpset() < 16 ? "output_half_pixel" : "half_pixel");
  nn::RoiAlignOp::Properties properties;
  properties.height = b.i64(b.integer("output_height", 1));
  properties.width = b.i64(b.integer("output_width", 1));
  properties.samples = b.i64(samples);
  properties.scale = b.f32(b.number("spatial_scale", 1));
  properties.half_pixel = b.unitIf(transform == "half_pixel");
  properties.max = b.unitIf(mode == "max");
  if (b.rankOf(b.input(0)) > 0) {
    const AffineExpr images = b.shapeOf(b.input(0))[0];
    requireWithin(b, b.input(2), normalForm(images * 0), normalForm(images - 1), "a batch index");
  }
  Value rois = b.withSize(b.input(1), 1, 4, "the regions do not have 4 coordinates");
  b.result(b.create<nn::RoiAlignOp>({b.input(0), rois, b.input(2)}, properties));
}

static void importReverseSequence(OpBinder &b) {
  nn::ReverseSequenceOp::Properties properties;
  const int64_t time = b.integer("time_axis", 0);
  if (time >= 0 && time < b.rankOf(b.input(0))) {
    const AffineExpr length = b.shapeOf(b.input(0))[time];
    requireWithin(b, b.input(1), normalForm(length * 0), length, "a length in sequence_lens");
  }
  properties.time_axis = b.i64(time);
  properties.batch_axis = b.i64(b.integer("batch_axis", 1));
  b.result(b.create<nn::ReverseSequenceOp>({b.input(0), b.input(1)}, properties));
}

static void importTensorScatter(OpBinder &b) {
  const StringRef mode = b.string("mode", "linear");
  if (mode != "linear" && mode != "circular")
    return (void)b.invalid("mode is '" + mode + "', expected linear or circular");
  Value starts = b.input(2);
  if (!starts && b.rankOf(b.input(0)) > 0)
    starts = Parameters{b}.zeros(b.shapeOf(b.input(0))[0]);
  const int64_t axis = b.axis(b.integer("axis", -2), b.rankOf(b.input(0)));
  if (b.hasFailed())
    return;
  // The whole update has to be in the cache, where it does not wrap around.
  if (mode == "linear" && axis < b.rankOf(b.input(1))) {
    const AffineExpr cache = b.shapeOf(b.input(0))[axis], update = b.shapeOf(b.input(1))[axis];
    requireWithin(b, starts, normalForm(cache * 0), normalForm(cache - update), "a write index");
  }
  nn::CacheUpdateOp::Properties properties;
  properties.axis = b.i64(axis);
  properties.circular = b.unitIf(mode == "circular");
  b.result(b.create<nn::CacheUpdateOp>({b.input(0), b.input(1), starts}, properties));
}

static void importCol2Im(OpBinder &b) {
  Value image = b.knownSizes(b.input(1), "a size of the image"),
        kernel = b.knownSizes(b.input(2), "a size of the blocks");
  if (b.hasFailed())
    return;
  const size_t rank = size_t(b.typeOf(image).getNumElements());
  auto strides = b.integers("strides", rank, 1), dilations = b.integers("dilations", rank, 1),
       pads = b.integers("pads", 2 * rank, 0);
  nn::Col2ImOp::Properties properties;
  properties.strides = b.array(strides);
  properties.dilations = b.array(dilations);
  properties.pads = b.array(pads);
  b.result(b.create<nn::Col2ImOp>({b.input(0), image, kernel}, properties));
}

void nncc::addSampleRules(Rules &rules) {
  rules.onOp("GridSample", 16, importGridSample);
  rules.onOp("RoiAlign", 10, importRoiAlign);
  rules.onOp("ReverseSequence", 10, importReverseSequence);
  rules.onOp("TensorScatter", 24, importTensorScatter);
  rules.onOp("Col2Im", 18, importCol2Im);
}
