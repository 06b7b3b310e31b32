#include "dialects/nn/NN.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "dialects/nn/Interfaces.cpp.inc"
#include "dialects/nn/NNDialect.cpp.inc"
#include "dialects/nn/NNEnums.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/nn/NNTypes.cpp.inc"

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
  addMoveOps();
  addGenerateOps();
  addResizeOps();
  addGatherOps();
  addAttentionOps();
  addRecurrentOps();
  addQuantOps();
  addRandomOps();
  addSampleOps();
  addSelectOps();
  addConstantOps();
  addPackOps();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/nn/NNTypes.cpp.inc"
      >();
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

static double toDouble(APFloat value) {
  bool lost = false;
  value.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lost);
  return value.convertToDouble();
}

std::optional<double> constantScalar(Value value) {
  SplatElementsAttr splat;
  if (!matchPattern(value, m_Constant(&splat)) || !isa<FloatType>(splat.getElementType()))
    return std::nullopt;
  return toDouble(splat.getSplatValue<APFloat>());
}

std::optional<SmallVector<double>> constantFloats(Value value) {
  DenseFPElementsAttr elements;
  if (!matchPattern(value, m_Constant(&elements)) || elements.getNumElements() > Fact::maxValues)
    return std::nullopt;
  return llvm::map_to_vector(elements, toDouble);
}

} // namespace nncc::nn
