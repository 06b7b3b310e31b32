#include "dialects/nn/NN.h"

#include "mlir/IR/DialectImplementation.h"

using namespace mlir;

#include "dialects/nn/Interfaces.cpp.inc"
#include "dialects/nn/NNDialect.cpp.inc"
#include "dialects/nn/NNEnums.cpp.inc"

namespace nncc::nn {

void NNDialect::initialize() {
  addElementwiseOps();
  addActivationOps();
  addLinearOps();
  addConvOps();
  addPoolOps();
  addNormOps();
  addReduceOps();
  addShapeOps();
  addGatherOps();
  addConstantOps();
}

Operation *NNDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type,
                                          Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  if (!elements || elements.getShapedType() != type)
    return nullptr;
  return ConstantOp::create(builder, loc, elements);
}

std::optional<SmallVector<int64_t>> constantIntegers(Value value) {
  return factOf(value).constants();
}

std::optional<double> constantScalar(Value value) {
  SplatElementsAttr splat;
  if (!matchPattern(value, m_Constant(&splat)) || !isa<FloatType>(splat.getElementType()))
    return std::nullopt;
  APFloat scalar = splat.getSplatValue<APFloat>();
  bool lost = false;
  scalar.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lost);
  return scalar.convertToDouble();
}

} // namespace nncc::nn
