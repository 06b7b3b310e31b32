// nn.conv.
#include "dialects/nn/NN.h"
#include "dialects/nn/Window.h"

using namespace mlir;

namespace nncc::nn {

LogicalResult ConvOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                            EmitError error) {
  const Fact &input = operands[0], &weights = operands[1];
  int64_t rank = input.rank(), spatial = rank - 2, groups = op.getGroups();
  if (input.element != weights.element)
    return error("expects input and weights of one element type");
  if (spatial < 1 || spatial > 3 || weights.rank() != rank)
    return error("expects input and weights of one rank from 3 to 5, found " + Twine(rank) +
                 " and " + Twine(weights.rank()));
  int64_t first = op.getChannelsLast() ? 1 : 2;
  int64_t channels = input.size(op.getChannelsLast() ? rank - 1 : 1);
  int64_t outputs = weights.size(0), depth = weights.size(1);
  if (ShapedType::isDynamic(outputs) || ShapedType::isDynamic(depth))
    return error("expects weights of sizes that are known at compile time");
  if (groups < 1 || outputs % groups)
    return error("expects groups that divide the " + Twine(outputs) + " output channels, found " +
                 Twine(groups));
  if (!ShapedType::isDynamic(channels) && channels != depth * groups)
    return error("expects " + Twine(groups) + " groups of " + Twine(depth) +
                 " input channels, found " + Twine(channels));
  SmallVector<int64_t> kernel;
  for (int64_t i = 0; i < spatial; ++i)
    kernel.push_back(weights.size(2 + i));
  Shape image;
  if (failed(inferWindow({kernel, op.getStrides(), op.getDilations(), op.getPads()},
                         ArrayRef(input.shape).slice(first, spatial), image, error)))
    return failure();
  Fact &result = results.emplace_back();
  result.element = input.element;
  result.shape.push_back(input.shape[0]);
  result.shape.append(image);
  result.shape.insert(result.shape.begin() + (op.getChannelsLast() ? rank - 1 : 1),
                      weights.shape[0]);
  return success();
}

FailureOr<SmallVector<Value>> ConvOp::lower(OpBuilder &) {
  return emitOpError("is lowered to a contraction before kernels are formed");
}

LogicalResult ConvTransposeOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                     SmallVectorImpl<Fact> &results, EmitError error) {
  const Fact &input = operands[0], &weights = operands[1];
  int64_t rank = input.rank(), spatial = rank - 2, groups = op.getGroups();
  if (input.element != weights.element)
    return error("expects input and weights of one element type");
  if (spatial < 1 || spatial > 3 || weights.rank() != rank)
    return error("expects input and weights of one rank from 3 to 5, found " + Twine(rank) +
                 " and " + Twine(weights.rank()));
  SmallVector<int64_t> kernel;
  for (int64_t i = 1; i < rank; ++i) {
    if (ShapedType::isDynamic(weights.size(i)))
      return error("expects weights of sizes that are known at compile time");
    kernel.push_back(weights.size(i));
  }
  int64_t channels = input.size(1), outputs = kernel.front();
  if (!ShapedType::isDynamic(channels) && channels != weights.size(0))
    return error("expects " + Twine(weights.size(0)) + " input channels, found " + Twine(channels));
  if (groups < 1 || groups > int64_t(1) << 31 || weights.size(0) % groups)
    return error("expects groups that divide the " + Twine(weights.size(0)) +
                 " input channels, found " + Twine(groups));
  Fact &result = results.emplace_back();
  result.element = input.element;
  result.shape = {input.shape[0],
                  getAffineConstantExpr(outputs * groups, input.element.getContext())};
  kernel.erase(kernel.begin());
  Window window{kernel, op.getStrides(), op.getDilations(), op.getPads()};
  return inferTransposedWindow(window, op.getOutputPads(),
                               ArrayRef(input.shape).drop_front(2), result.shape, error);
}

FailureOr<SmallVector<Value>> ConvTransposeOp::lower(OpBuilder &) {
  return emitOpError("is lowered to a contraction before kernels are formed");
}

void NNDialect::addConvOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Conv.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Conv.cpp.inc"
