// Elements picked and put by index.
#include "compiler/import/Rules.h"

using namespace mlir;
using namespace nncc;

template <typename Op> static void importGather(OpBinder &b) {
  typename Op::Properties properties;
  properties.axis = b.i64(b.integer("axis", 0));
  b.result(b.create<Op>({b.input(0), b.input(1)}, properties));
}

static void importGatherND(OpBinder &b) {
  nn::GatherNDOp::Properties properties;
  properties.batch_dims = b.i64(b.integer("batch_dims", 0));
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
  b.result(b.create<nn::ScatterElementsOp>({b.input(0), b.input(1), b.input(2)}, properties));
}

static void importScatterND(OpBinder &b) {
  nn::ScatterNDOp::Properties properties;
  properties.kind = readScatterKind(b);
  b.result(b.create<nn::ScatterNDOp>({b.input(0), b.input(1), b.input(2)}, properties));
}

void nncc::addGatherRules(Rules &rules) {
  rules.onOp("Gather", 1, importGather<nn::GatherOp>);
  rules.onOp("GatherElements", 11, importGather<nn::GatherElementsOp>);
  rules.onOp("GatherND", 11, importGatherND);
  rules.onOp("Scatter", 9, importScatterElements);
  rules.onOp("ScatterElements", 11, importScatterElements);
  rules.onOp("ScatterND", 11, importScatterND);
}
