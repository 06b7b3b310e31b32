// nn.resize.
#include "dialects/nn/NN.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

namespace {
/// How one dim is resized.
struct Resized {
  int64_t dim;
  AffineExpr size; // of the result
  double scale = 1;
};
} // namespace

/// Sizes from scales; a symbolic size takes whole scales only.
static LogicalResult applyScales(const Fact &operand, ArrayRef<double> scales,
                                 MutableArrayRef<Resized> dims, EmitError error) {
  for (auto [resized, scale] : llvm::zip(dims, scales)) {
    if (!(scale > 0 && scale < 1e6))
      return error("expects scales above 0 and below a million");
    int64_t size = operand.size(resized.dim);
    resized.scale = scale;
    if (!ShapedType::isDynamic(size))
      resized.size = getAffineConstantExpr(static_cast<int64_t>(std::floor(size * scale)),
                                           operand.element.getContext());
    else if (scale == std::floor(scale))
      resized.size = operand.shape[resized.dim] * static_cast<int64_t>(scale);
    else
      return error("expects a size known at compile time in dim " + Twine(resized.dim));
  }
  return success();
}

/// Scales from sizes.
static LogicalResult applySizes(const Fact &operand, ResizeAspect aspect, ArrayRef<int64_t> sizes,
                                MutableArrayRef<Resized> dims, EmitError error) {
  double common = 0;
  for (auto [resized, size] : llvm::zip(dims, sizes)) {
    int64_t from = operand.size(resized.dim);
    if (ShapedType::isDynamic(from) || from < 1 || size < 0)
      return error("expects sizes of 0 or more, of an operand of a size known at compile time");
    resized.scale = static_cast<double>(size) / from;
    resized.size = getAffineConstantExpr(size, operand.element.getContext());
    if (common == 0 || (aspect == ResizeAspect::NotLarger ? resized.scale < common
                                                          : resized.scale > common))
      common = resized.scale;
  }
  if (aspect == ResizeAspect::Stretch)
    return success();
  for (Resized &resized : dims) {
    resized.scale = common;
    resized.size = getAffineConstantExpr(
        static_cast<int64_t>(std::floor(common * operand.size(resized.dim) + 0.5)),
        operand.element.getContext());
  }
  return success();
}

/// The dims that a resize changes, from what its operands say.
static FailureOr<SmallVector<Resized>> resolveResize(ResizeOp::Adaptor op, ArrayRef<Fact> operands,
                                                     EmitError error) {
  const Fact &operand = operands[0];
  SmallVector<Resized> dims;
  if (failed(normalizeAxes(op.getAxes(), operand.rank(), error)))
    return failure();
  for (int64_t axis : op.getAxes())
    dims.push_back({axis < 0 ? axis + operand.rank() : axis, {}});
  if (static_cast<bool>(op.getScales()) == static_cast<bool>(op.getSizes()))
    return error("expects one of scales and sizes");
  if (op.getCoordinates() == ResizeCoordinates::CropAndResize) {
    std::optional<SmallVector<double>> roi;
    if (op.getRoi())
      roi = constantFloats(op.getRoi());
    if (!roi || roi->size() != 2 * dims.size())
      return error("expects a roi of " + Twine(2 * dims.size()) + " elements known at compile time");
  }
  if (op.getScales()) {
    std::optional<SmallVector<double>> scales = constantFloats(op.getScales());
    if (!scales)
      return error("expects scales known at compile time");
    if (scales->size() != dims.size())
      return error("expects " + Twine(dims.size()) + " scales, found " + Twine(scales->size()));
    if (failed(applyScales(operand, *scales, dims, error)))
      return failure();
    return dims;
  }
  FailureOr<SmallVector<int64_t>> sizes = expectConstants(operands.back(), "sizes", error);
  if (failed(sizes))
    return failure();
  if (sizes->size() != dims.size())
    return error("expects " + Twine(dims.size()) + " sizes, found " + Twine(sizes->size()));
  if (failed(applySizes(operand, op.getAspect(), *sizes, dims, error)))
    return failure();
  return dims;
}

LogicalResult ResizeOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                              EmitError error) {
  FailureOr<SmallVector<Resized>> dims = resolveResize(op, operands, error);
  if (failed(dims))
    return failure();
  Fact &result = results.emplace_back(operands[0]);
  result.value.reset();
  for (const Resized &resized : *dims)
    result.shape[resized.dim] = resized.size;
  return success();
}

FailureOr<SmallVector<Value>> ResizeOp::lower(OpBuilder &) {
  return emitOpError("cannot be lowered");
}

void NNDialect::addResizeOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Resize.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Resize.cpp.inc"
