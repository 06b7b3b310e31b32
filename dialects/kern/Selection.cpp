// The operations that choose elements by their values.
#include "dialects/kern/Kern.h"

using namespace mlir;
using namespace nncc::kern;

MutableOperandRange ArgSortOp::getDpsInitsMutable() { return getInitMutable(); }
MutableOperandRange PositionsOp::getDpsInitsMutable() { return getInitMutable(); }
MutableOperandRange SuppressOp::getDpsInitsMutable() { return getInitMutable(); }

LogicalResult ArgSortOp::verify() {
  RankedTensorType operand = getOperandType(), init = getInitType();
  if (operand.getRank() != 3 || init.getRank() != 2 ||
      !agree(operand.getDimSize(0), init.getDimSize(0)))
    return emitOpError("expects an operand [batch, n, m] and init [batch, count]");
  if (!init.getElementType().isSignlessInteger(64) || getType() != init)
    return emitOpError("expects init and a result of one type, of i64");
  return success();
}

LogicalResult PositionsOp::verify() {
  auto mask = cast<RankedTensorType>(getMask().getType());
  auto init = cast<RankedTensorType>(getInit().getType());
  if (mask.getRank() != 1 || !mask.getElementType().isInteger(1))
    return emitOpError("expects a mask [n] of i1");
  if (init.getRank() != 1 || !init.getElementType().isSignlessInteger(64) || getType() != init)
    return emitOpError("expects init [count] and a result of one type, of i64");
  return success();
}

LogicalResult SuppressOp::verify() {
  auto boxes = cast<RankedTensorType>(getBoxes().getType());
  auto scores = cast<RankedTensorType>(getScores().getType());
  auto init = cast<RankedTensorType>(getInit().getType());
  if (boxes.getRank() != 3 || boxes.getDimSize(2) != 4 || scores.getRank() != 3 ||
      !agree(boxes.getDimSize(0), scores.getDimSize(0)) ||
      !agree(boxes.getDimSize(1), scores.getDimSize(2)))
    return emitOpError("expects boxes [B, N, 4] and scores [B, C, N]");
  if (!boxes.getElementType().isF32() || !scores.getElementType().isF32())
    return emitOpError("expects boxes and scores of f32");
  for (Type type : {getOrder().getType(), init, getType()})
    if (cast<RankedTensorType>(type).getShape() != scores.getShape() ||
        !cast<RankedTensorType>(type).getElementType().isSignlessInteger(64))
      return emitOpError("expects an order, init and a result of i64 as large as the scores");
  return success();
}
