// Convolutions over three spatial dims and more.
#include "compiler/import/Compose.h"
#include "compiler/import/WindowAttributes.h"

using namespace mlir;
using namespace nncc;

// `x` with zeros around dim `axis`.
static Value padAxis(OpBinder &b, Value x, int64_t axis, int64_t low, int64_t high) {
  if (low == 0 && high == 0)
    return x;
  SmallVector<int64_t> pads(2 * b.rankOf(x), 0);
  pads[axis] = low;
  pads[b.rankOf(x) + axis] = high;
  nn::PadOp::Properties properties;
  properties.mode = nn::PadModeAttr::get(b.getBuilder().getContext(), nn::PadMode::Constant);
  return b.create<nn::PadOp>({x, b.constant(pads), Compose{b}.number(x, 0)}, properties);
}

// The places of dims first, where dim `from` has moved to `to`.
static SmallVector<int64_t> moveDim(int64_t rank, int64_t from, int64_t to) {
  SmallVector<int64_t> perm = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  perm.erase(perm.begin() + from);
  perm.insert(perm.begin() + to, from);
  return perm;
}

// [N, C, D, rest] -> [N * results, kernel * C, rest], channels in the order of groups, places of
// the kernel, channels of a group.
static Value foldInput(OpBinder &b, const WindowAttributes &window, Value x, AffineExpr results,
                       int64_t groupChannels) {
  Compose f{b};
  Shape grouped = b.shapeOf(x);
  MLIRContext *context = b.getBuilder().getContext();
  grouped[1] = getAffineConstantExpr(b.integer("group", 1), context);
  grouped.insert(grouped.begin() + 2, getAffineConstantExpr(groupChannels, context));
  grouped[3] = results;
  SmallVector<Value> places;
  for (int64_t k = 0; k < window.kernel[0]; ++k) {
    const int64_t first = k * window.dilations[0], stride = window.strides[0];
    const AffineExpr end = normalForm((results - 1) * stride + (first + 1));
    Value part = b.create<nn::SliceOp>(
        {x, b.constant({first}), b.sizes(end), b.constant({2}), b.constant({stride})});
    places.push_back(b.reshapeTo(part, grouped));
  }
  Value all = f.concat(places, 2);
  all = f.transpose(all, moveDim(b.rankOf(x) + 1, 3, 1));
  Shape folded = b.shapeOf(x);
  folded.erase(folded.begin() + 2);
  folded[0] = folded[0] * results;
  folded[1] =
      getAffineConstantExpr(b.integer("group", 1) * window.kernel[0] * groupChannels, context);
  return b.reshapeTo(all, folded);
}

Value nncc::createDeepConv(OpBinder &b, const WindowAttributes &window, Value x, Value weights) {
  Compose f{b};
  const size_t rank = window.rank();
  const int64_t low = window.pads[0], high = window.pads[rank];
  SmallVector<int64_t> shape(b.fixedShapeOf(weights));
  const int64_t channels = shape[1] * b.integer("group", 1);
  x = b.withSize(x, 1, channels, "the weights are for " + Twine(channels) + " channels");
  if (!x || b.hasFailed())
    return {};
  if (shape[1] == 0 || b.fixedSizeOf(x, 1) != channels)
    return b.invalid("the weights are for " + Twine(channels) + " channels, the input has " +
                     Twine(b.fixedSizeOf(x, 1)));
  const AffineExpr padded = normalForm(b.shapeOf(x)[2] + (low + high)),
                   room = normalForm(padded - window.extent(0));
  b.requireZeros(isLess(room, room * 0), "the window spans " + Twine(window.extent(0)) +
                                             " elements, the input has " + b.textOf(padded) +
                                             " with its pads");
  const AffineExpr results = normalForm(room.floorDiv(window.strides[0]) + 1);
  Value input = foldInput(b, window, padAxis(b, x, 2, low, high), results, shape[1]);
  shape[1] *= shape[2];
  shape.erase(shape.begin() + 2);
  weights = b.reshape(f.transpose(weights, moveDim(b.rankOf(weights), 2, 1)), shape);
  auto inner = [&](ArrayRef<int64_t> values) { return SmallVector<int64_t>(values.drop_front()); };
  WindowAttributes left{inner(window.kernel), inner(window.strides), inner(window.dilations),
                        inner(window.pads)};
  left.pads.erase(left.pads.begin() + (rank - 1)); // high of the first dim
  Value y = createConv(b, left, input, weights);
  if (!y)
    return y;
  Shape unfolded = b.shapeOf(y);
  unfolded[0] = b.shapeOf(x)[0];
  unfolded.insert(unfolded.begin() + 1, results);
  return f.transpose(b.reshapeTo(y, unfolded), moveDim(b.rankOf(x), 1, 2));
}
