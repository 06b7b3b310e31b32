// Operators of ai.onnx.ml on tensors of numbers.
#include "compiler/import/Compose.h"
#include "compiler/import/Indices.h"
#include "compiler/import/Rules.h"

using namespace mlir;
using namespace nncc;

static void importBinarizer(OpBinder &b) {
  Compose f{b};
  Value x = b.input(0);
  Value isAbove = f.compare(nn::CompareKind::Greater, x, f.number(x, b.number("threshold", 0)));
  b.result(b.cast(isAbove, b.typeOf(x).getElementType()));
}

// Columns of the last dim; one row of them where the input has no other dim.
static void importArrayFeatureExtractor(OpBinder &b) {
  Value x = b.input(0), indices = b.input(1);
  if (b.rankOf(x) < 1)
    return (void)b.invalid("the input has no dims");
  const int64_t count = llvm::product_of(b.fixedShapeOf(indices));
  SmallVector<int64_t> shape(b.fixedShapeOf(x));
  const AffineExpr size = b.shapeOf(x).back();
  requireWithin(b, indices, normalForm(size * 0), normalForm(size - 1), "an index");
  shape.back() = count;
  if (shape.size() == 1)
    shape.insert(shape.begin(), 1);
  nn::GatherOp::Properties properties;
  properties.axis = b.i64(-1);
  b.result(b.reshape(b.create<nn::GatherOp>({x, b.reshape(indices, {count})}, properties), shape));
}

void nncc::addMLRules(Rules &rules) {
  rules.onOp("ai.onnx.ml.Binarizer", 1, importBinarizer);
  rules.onOp("ai.onnx.ml.ArrayFeatureExtractor", 1, importArrayFeatureExtractor);
}
