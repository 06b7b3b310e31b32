// nn.attention.
#include "dialects/nn/NN.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

/// Reports two sizes that are known and differ.
static LogicalResult expectEqual(int64_t lhs, int64_t rhs, StringRef what, EmitError error) {
  if (ShapedType::isDynamic(lhs) || ShapedType::isDynamic(rhs) || lhs == rhs)
    return success();
  return error("expects " + what + ", found " + Twine(lhs) + " and " + Twine(rhs));
}

LogicalResult AttentionOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                                 EmitError error) {
  const Fact &query = operands[0], &key = operands[1], &value = operands[2];
  for (const Fact *fact : {&query, &key, &value}) {
    if (fact->rank() != 4)
      return error("expects query, key and value of rank 4, found rank " + Twine(fact->rank()));
    if (fact->element != query.element)
      return error("expects query, key and value of one element type");
    if (failed(expectEqual(query.size(0), fact->size(0), "one batch size", error)))
      return failure();
  }
  int64_t heads = query.size(1), groups = key.size(1);
  if (ShapedType::isDynamic(heads) || ShapedType::isDynamic(groups) || groups < 1 || heads % groups)
    return error("expects heads of the query that are a multiple of those of the key");
  if (failed(expectEqual(groups, value.size(1), "key and value of as many heads", error)) ||
      failed(expectEqual(query.size(3), key.size(3), "query and key of one depth", error)) ||
      failed(expectEqual(key.size(2), value.size(2), "as many keys as values", error)))
    return failure();
  Fact &result = results.emplace_back(query);
  result.shape[3] = value.shape[3];
  if (!isPresent(operands, 3))
    return success();
  Fact scores = query;
  scores.shape[3] = key.shape[2];
  Shape shape;
  if (failed(broadcast({scores, operands[3]}, shape, error)))
    return failure();
  if (shape != scores.shape)
    return error("expects a mask that broadcasts to the scores");
  if (!operands[3].element.isInteger(1) && !isa<FloatType>(operands[3].element))
    return error("expects a mask of bools or floats");
  return success();
}

FailureOr<SmallVector<Value>> AttentionOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

void NNDialect::addAttentionOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Attention.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Attention.cpp.inc"
