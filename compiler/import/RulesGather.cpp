// Elements picked and put by index.
#include "compiler/import/Indices.h"
#include "compiler/import/Rules.h"

using namespace mlir;
using namespace nncc;

// Indices along an axis of input 0; one that does not exist, the op reports.
static void requireAlong(OpBinder &b, Value indices, int64_t axis) {
  const Shape shape = b.shapeOf(b.input(0));
  const int64_t rank = int64_t(shape.size());
  if (axis >= -rank && axis < rank)
    requireIndices(b, indices, shape[axis < 0 ? axis + rank : axis]);
}

// Tuples of indices of the dims behind the first `batch` ones; those of another length, the op
// reports.
static void requireTuples(OpBinder &b, Value indices, int64_t batch) {
  const Shape shape = b.shapeOf(b.input(0)), tuples = b.shapeOf(indices);
  const int64_t most = int64_t(shape.size()) - batch;
  const int64_t length = tuples.empty() ? 0 : constantOf(tuples.back()).value_or(0);
  if (batch >= 0 && length > 0 && length <= most)
    requireIndices(b, indices, ArrayRef(shape).slice(batch, length));
}

template <typename Op> static void importGather(OpBinder &b) {
  typename Op::Properties properties;
  properties.axis = b.i64(b.integer("axis", 0));
  requireAlong(b, b.input(1), b.integer("axis", 0));
  b.result(b.create<Op>({b.input(0), b.input(1)}, properties));
}

static void importGatherND(OpBinder &b) {
  nn::GatherNDOp::Properties properties;
  properties.batch_dims = b.i64(b.integer("batch_dims", 0));
  if (const Shape tuples = b.shapeOf(b.input(1)); !tuples.empty() && !constantOf(tuples.back()))
    return (void)b.unsupported(
        "the index tuples are of an open length, which the number of dims of "
        "the result depends on; it must be known at compile time");
  requireTuples(b, b.input(1), b.integer("batch_dims", 0));
  b.result(b.create<nn::GatherNDOp>({b.input(0), b.input(1)}, properties));
}

static nn::ScatterKindAttr readScatterKind(OpBinder &b) {
  const StringRef reduction = b.string("reduction", "none");
  for (auto [name, kind] :
       {std::pair("none", nn::ScatterKind::Replace), std::pair("add", nn::ScatterKind::Add),
        std::pair("mul", nn::ScatterKind::Mul), std::pair("max", nn::ScatterKind::Max),
        std::pair("min", nn::ScatterKind::Min)})
    if (reduction == name)
      return nn::ScatterKindAttr::get(b.getBuilder().getContext(), kind);
  b.invalid("reduction is '" + reduction + "', expected none, add, mul, max or min");
  return {};
}

static void importScatterElements(OpBinder &b) {
  nn::ScatterElementsOp::Properties properties;
  properties.kind = readScatterKind(b);
  properties.axis = b.i64(b.integer("axis", 0));
  requireAlong(b, b.input(1), b.integer("axis", 0));
  b.result(b.create<nn::ScatterElementsOp>({b.input(0), b.input(1), b.input(2)}, properties));
}

static void importScatterND(OpBinder &b) {
  nn::ScatterNDOp::Properties properties;
  properties.kind = readScatterKind(b);
  // The dims of data that the tuples do not name are those of the updates.
  const int64_t last = b.rankOf(b.input(1)) - 1,
                length = last + b.rankOf(b.input(0)) - b.rankOf(b.input(2));
  Value indices = b.withSize(b.input(1), last, std::max<int64_t>(length, 0),
                             "the index tuples do not have " + Twine(length) + " elements");
  requireTuples(b, indices, 0);
  b.result(b.create<nn::ScatterNDOp>({b.input(0), indices, b.input(2)}, properties));
}

void nncc::addGatherRules(Rules &rules) {
  rules.onOp("Gather", 1, importGather<nn::GatherOp>);
  rules.onOp("GatherElements", 11, importGather<nn::GatherElementsOp>);
  rules.onOp("GatherND", 11, importGatherND);
  rules.onOp("Scatter", 9, importScatterElements);
  rules.onOp("ScatterElements", 11, importScatterElements);
  rules.onOp("ScatterND", 11, importScatterND);
}
