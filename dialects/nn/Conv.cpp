// nn.conv.
#include "dialects/nn/Generics.h"
#include "dialects/nn/Window.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

LogicalResult ConvOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                            EmitError error) {
  const Fact &input = operands[0], &weights = operands[1];
  int64_t rank = input.rank(), spatial = rank - 2, groups = op.getGroups();
  Type element = productType(input.element, weights.element);
  if (!element || (isa<IntegerType>(element) && element == input.element))
    return error("expects input and weights of one float type, or of ui8 and i8, found " +
                 typeName(input.element) + " and " + typeName(weights.element));
  if (spatial < 1 || spatial > 3 || weights.rank() != rank)
    return error("expects input and weights of one rank from 3 to 5, found " + Twine(rank) +
                 " and " + Twine(weights.rank()));
  int64_t first = op.getChannelsLast() ? 1 : 2;
  AffineExpr channels = input.shape[op.getChannelsLast() ? rank - 1 : 1];
  int64_t outputs = weights.size(0), depth = weights.size(1);
  if (ShapedType::isDynamic(outputs) || ShapedType::isDynamic(depth))
    return error("expects weights of sizes that are known at compile time");
  if (groups < 1 || outputs % groups)
    return error("expects groups that divide the " + Twine(outputs) + " output channels, found " +
                 Twine(groups));
  Fact &result = results.emplace_back();
  if (!result.mayBeZero(channels - depth * groups))
    return error("expects " + Twine(groups) + " groups of " + Twine(depth) +
                 " input channels, found " + textOf(channels));
  SmallVector<int64_t> kernel;
  for (int64_t i = 0; i < spatial; ++i)
    kernel.push_back(weights.size(2 + i));
  Shape image;
  if (failed(inferWindow({kernel, op.getStrides(), op.getDilations(), op.getPads()},
                         ArrayRef(input.shape).slice(first, spatial), image, error)))
    return failure();
  result.element = element;
  result.shape.push_back(input.shape[0]);
  result.shape.append(image);
  result.shape.insert(result.shape.begin() + (op.getChannelsLast() ? rank - 1 : 1),
                      weights.shape[0]);
  return success();
}

FailureOr<SmallVector<Value>> ConvOp::lower(OpBuilder &) {
  int64_t depth = getWeights().getType().getDimSize(1);
  if (isa<IntegerType>(getType().getElementType()))
    return emitOpError("of integers is implemented for a multiple of 4 input channels in each "
                       "group that is no open size, found ")
           << depth;
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
  int64_t first = op.getChannelsLast() ? 1 : 2, outputs = kernel.front();
  if (groups < 1 || groups > int64_t(1) << 31 || weights.size(0) % groups)
    return error("expects groups that divide the " + Twine(weights.size(0)) +
                 " input channels, found " + Twine(groups));
  Fact &result = results.emplace_back();
  AffineExpr channels = input.shape[op.getChannelsLast() ? rank - 1 : 1];
  if (!result.mayEqual(channels, weights.shape[0]))
    return error("expects " + Twine(weights.size(0)) + " input channels, found " +
                 textOf(channels));
  result.element = input.element;
  kernel.erase(kernel.begin());
  Window window{kernel, op.getStrides(), op.getDilations(), op.getPads()};
  if (failed(inferTransposedWindow(window, op.getOutputPads(),
                                   ArrayRef(input.shape).slice(first, spatial), result.shape,
                                   error)))
    return failure();
  result.shape.insert(op.getChannelsLast() ? result.shape.end() : result.shape.begin(),
                      getAffineConstantExpr(outputs * groups, input.element.getContext()));
  result.shape.insert(result.shape.begin(), input.shape[0]);
  return success();
}

/// The input row that tap `loop` of spatial dim `i` reads for a row of the result, within the
/// image, and whether there is one. `covered`: the rows between the strides and those they meet.
static std::pair<Value, Value> tapRow(IndexMath &m, ConvTransposeOp op, int64_t i,
                                      OpFoldResult covered, int64_t loop) {
  int64_t stride = op.getStrides()[i];
  Value tap = m.mul(m.loop(loop), -op.getDilations()[i]);
  Value row = m.add(m.add(m.loop(3 + i), tap), op.getPads()[i]); // x * stride, if it is one
  Value valid = m.inside(row, covered);
  row = m.clamp(row, covered);
  if (stride > 1) {
    Value rest = arith::RemUIOp::create(m.b, m.loc, row, m.constant(stride));
    Value whole = arith::CmpIOp::create(m.b, m.loc, arith::CmpIPredicate::eq, rest, m.constant(0));
    valid = arith::AndIOp::create(m.b, m.loc, valid, whole);
    row = arith::DivUIOp::create(m.b, m.loc, row, m.constant(stride));
  }
  return {row, valid};
}

/// Result y is the sum over the input rows x and kernel rows k with x * stride + k * dilation - lo
/// = y. Loops: image, group, channel of the group, y1..ys; then input channel of the group, k1..ks.
FailureOr<SmallVector<Value>> ConvTransposeOp::lower(OpBuilder &b) {
  if (getChannelsLast())
    return emitOpError("is decomposed into a convolution before kernels are formed");
  Shape input = shapeOf(getInput()), weights = shapeOf(getWeights()), shape = shapeOf(getType());
  int64_t spatial = input.size() - 2;
  AffineExpr groups = b.getAffineConstantExpr(getGroups()), depth = input[1].floorDiv(getGroups()),
             outputs = weights[1];
  ArrayRef<AffineExpr> image = ArrayRef(input).drop_front(2);
  int64_t outer = 3 + spatial, loopCount = outer + 1 + spatial;
  if (llvm::any_of(image, [](AffineExpr size) { return constantOf(size) == 0; }))
    return emitOpError("expects an image, found an empty one");
  Generics g(b, getLoc());
  Shape split{input[0], groups, depth}, splitWeights{groups, depth, outputs};
  llvm::append_range(split, image);
  llvm::append_range(splitWeights, ArrayRef(weights).drop_front(2));
  Value pixels = g.reshape(getInput(), split), kernel = g.reshape(getWeights(), splitWeights);
  Shape loops{shape[0], groups, outputs};
  SmallVector<int64_t> kernelLoops{1, outer, 2}, reduced;
  llvm::append_range(loops, ArrayRef(shape).drop_front(2));
  loops.push_back(depth);
  llvm::append_range(loops, ArrayRef(weights).drop_front(2));
  SmallVector<OpFoldResult> covered;
  for (auto [size, stride] : llvm::zip(image, getStrides()))
    covered.push_back(g.bound((size - 1) * stride + 1));
  Value exists = g.hasElements(image);
  for (int64_t loop = outer; loop < loopCount; ++loop) {
    reduced.push_back(loop);
    if (loop > outer)
      kernelLoops.push_back(loop);
  }
  Type compute = computeType(getType().getElementType());
  Value sum =
      g.reduce(loops, reduced, scalar(b, getLoc(), compute, 0),
               Read{kernel, g.select(loopCount, kernelLoops)},
               [&](OpBuilder &inner, Location loc, ValueRange v) -> Value {
                 IndexMath m{inner, loc};
                 SmallVector<Value> place{m.loop(0), m.loop(1), m.loop(outer)};
                 Value meets;
                 for (int64_t i = 0; i < spatial; ++i) {
                   auto [row, valid] = tapRow(m, *this, i, covered[i], outer + 1 + i);
                   meets = meets ? Value(arith::AndIOp::create(inner, loc, meets, valid)) : valid;
                   place.push_back(row);
                 }
                 Value x = widen(inner, loc, m.extract(pixels, place, exists));
                 Value product = arith::MulFOp::create(inner, loc, x, widen(inner, loc, v[0]));
                 Value part = arith::SelectOp::create(inner, loc, meets, product,
                                                      scalar(inner, loc, compute, 0));
                 return arith::AddFOp::create(inner, loc, part, v[1]);
               });
  Value result = g.reshape(sum, shape);
  if (compute != getType().getElementType())
    result = g.map(shape, getType().getElementType(), Read{result, g.identity(shape.size())},
                   [](OpBuilder &, Location, ValueRange x) { return x[0]; });
  return SmallVector<Value>{result};
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
