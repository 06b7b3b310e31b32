// Arguments and results whose elements have less than a byte become bytes.
#include "dialects/SizeText.h"
#include "dialects/nn/NN.h"
#include "passes/Passes.h"

using namespace mlir;

namespace nncc {
#define GEN_PASS_DEF_PACKBORDERS
#include "passes/Passes.h.inc"

namespace {

bool isPacked(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && nn::isCode(tensor.getElementType()) &&
         tensor.getElementType().getIntOrFloatBitWidth() < 8;
}

RankedTensorType bytesOf(RankedTensorType type) {
  AffineExpr bits = elementCount(shapeOf(type), type.getContext()) *
                    type.getElementType().getIntOrFloatBitWidth();
  return tensorOf(normalForm((bits + 7).floorDiv(8)),
                  IntegerType::get(type.getContext(), 8, IntegerType::Unsigned));
}

struct PackBorders : impl::PackBordersBase<PackBorders> {
  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    OpBuilder b = OpBuilder::atBlockBegin(&function.front());
    for (BlockArgument argument : function.getArguments())
      if (isPacked(argument.getType()))
        unpack(b, function, argument);
    Operation *terminator = function.front().getTerminator();
    b.setInsertionPoint(terminator);
    for (OpOperand &result : terminator->getOpOperands())
      if (Type type = result.get().getType(); isPacked(type)) {
        function.setResultAttr(result.getOperandNumber(), declaredTypeAttr, TypeAttr::get(type));
        result.set(nn::PackOp::create(b, result.get().getLoc(),
                                      bytesOf(cast<RankedTensorType>(type)), result.get()));
      }
    function.setFunctionType(
        b.getFunctionType(function.front().getArgumentTypes(), terminator->getOperandTypes()));
  }

  static void unpack(OpBuilder &b, func::FuncOp function, BlockArgument argument) {
    auto type = cast<RankedTensorType>(argument.getType());
    function.setArgAttr(argument.getArgNumber(), declaredTypeAttr, TypeAttr::get(type));
    argument.setType(bytesOf(type));
    Value shape = nn::buildSizes(b, argument.getLoc(), shapeOf(type));
    auto unpacked = nn::UnpackOp::create(b, argument.getLoc(), type, argument, shape,
                                         TypeAttr::get(type.getElementType()));
    argument.replaceAllUsesExcept(unpacked, unpacked);
  }
};

} // namespace
} // namespace nncc
