// Constants.
#include "compiler/import/Rules.h"

using namespace mlir;
using namespace nncc;

static void importConstant(OpBinder &b) {
  OpBuilder &builder = b.getBuilder();
  if (const auto *value = b.attribute("value"))
    return b.result(b.constant(value->t()));
  if (const auto *value = b.attribute("sparse_value"))
    return b.result(b.constant(value->sparse_tensor()));
  if (const auto *value = b.attribute("value_int")) {
    auto type = RankedTensorType::get({}, builder.getI64Type());
    return b.result(b.constant(DenseElementsAttr::get(type, int64_t(value->i()))));
  }
  if (auto values = b.integers("value_ints"))
    return b.result(b.constant(*values));
  if (const auto *value = b.attribute("value_float")) {
    auto type = RankedTensorType::get({}, builder.getF32Type());
    return b.result(b.constant(DenseElementsAttr::get(type, value->f())));
  }
  if (const auto *value = b.attribute("value_floats")) {
    auto type = RankedTensorType::get({value->floats_size()}, builder.getF32Type());
    ArrayRef<float> floats(value->floats().data(), size_t(value->floats_size()));
    return b.result(b.constant(DenseElementsAttr::get(type, floats)));
  }
  if (const auto *value = b.attribute("value_string"))
    return b.result(b.constant(StringRef(value->s()), {}));
  if (const auto *value = b.attribute("value_strings"))
    return b.result(b.constant(llvm::to_vector_of<StringRef>(value->strings()),
                               {int64_t(value->strings_size())}));
  b.invalid("a Constant without a value");
}

static void importConstantOfShape(OpBinder &b) {
  Value value = b.scalar(b.getBuilder().getF32Type(), 0);
  if (const auto *attribute = b.attribute("value")) {
    value = b.constant(attribute->t());
    if (value && b.typeOf(value).getNumElements() != 1)
      return (void)b.invalid("attribute 'value' has " + Twine(b.typeOf(value).getNumElements()) +
                             " elements, expected 1");
  }
  DenseElementsAttr dense;
  const Shape sizes = b.sizesOf(b.input(0), "a size of the result");
  if (b.hasFailed() || !matchPattern(value, m_Constant(&dense)))
    return;
  auto known = b.integersOf(b.input(0));
  if (!known) // repeated when the program runs
    return b.result(b.create<nn::ExpandOp>({b.reshape(value, {}), b.sizes(sizes)}));
  auto shape = *known;
  auto count = countElements(shape);
  if (!count) {
    llvm::consumeError(count.takeError());
    return (void)b.invalid("the shape has a negative or too large dimension");
  }
  auto type = RankedTensorType::get(shape, dense.getElementType());
  b.result(b.constant(dense.resizeSplat(type)));
}

void nncc::addConstantRules(Rules &rules) {
  rules.onOp("Constant", 1, importConstant);
  rules.onOp("ConstantOfShape", 9, importConstantOfShape);
  rules.onValues("Identity", 1, [](OpBinder &b) { b.result(b.input(0)); });
}
