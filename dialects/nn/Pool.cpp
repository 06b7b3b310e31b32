// nn.pool.
#include "dialects/nn/NN.h"
#include "dialects/nn/Window.h"

using namespace mlir;

namespace nncc::nn {

LogicalResult PoolOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                            EmitError error) {
  const Fact &input = operands[0];
  int64_t rank = input.rank(), spatial = rank - 2;
  if (spatial < 1 || spatial > 3)
    return error("expects an input of rank 3 to 5, found " + Twine(rank));
  int64_t first = op.getChannelsLast() ? 1 : 2;
  Shape image;
  if (failed(inferWindow({op.getKernel(), op.getStrides(), op.getDilations(), op.getPads()},
                         ArrayRef(input.shape).slice(first, spatial), image, error)))
    return failure();
  Fact &result = results.emplace_back(input);
  result.value.reset();
  llvm::copy(image, result.shape.begin() + first);
  return success();
}

FailureOr<SmallVector<Value>> PoolOp::lower(OpBuilder &) {
  return emitOpError("is lowered to a window reduction before kernels are formed");
}

void NNDialect::addPoolOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Pool.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Pool.cpp.inc"
