// nn.matmul.
#include "dialects/WeightBlocks.h"
#include "dialects/nn/Generics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

LogicalResult MatMulOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                              EmitError error) {
  Fact lhs = operands[0], rhs = operands[1];
  Type element = productType(lhs.element, rhs.element);
  if (!element)
    return error("expects operands of one element type, or of ui8 and i8, found " +
                 typeName(lhs.element) + " and " + typeName(rhs.element));
  if (!lhs.rank() || !rhs.rank())
    return error("expects operands of rank 1 or more, found a scalar");
  bool row = lhs.rank() == 1, column = rhs.rank() == 1;
  AffineExpr one = getAffineConstantExpr(1, lhs.shape[0].getContext());
  if (row)
    lhs.shape.insert(lhs.shape.begin(), one);
  if (column)
    rhs.shape.push_back(one);
  AffineExpr inner = lhs.shape.back(), outer = rhs.shape[rhs.rank() - 2];
  Fact lhsBatch = lhs, rhsBatch = rhs;
  lhsBatch.shape.truncate(lhs.rank() - 2);
  rhsBatch.shape.truncate(rhs.rank() - 2);
  Fact &result = results.emplace_back();
  result.element = element;
  if (!result.mayEqual(inner, outer))
    return error("expects equal inner sizes, found " + textOf(inner) + " and " + textOf(outer));
  if (failed(broadcast({lhsBatch, rhsBatch}, result, error)))
    return failure();
  if (!row)
    result.shape.push_back(lhs.shape[lhs.rank() - 2]);
  if (!column)
    result.shape.push_back(rhs.shape.back());
  return success();
}

/// A sum of products over the inner dim, of any element type; contractions of floats are
/// kern.contract before they come here.
FailureOr<SmallVector<Value>> MatMulOp::lower(OpBuilder &b) {
  RankedTensorType lhs = getLhs().getType(), rhs = getRhs().getType(), type = getType();
  bool row = lhs.getRank() == 1, column = rhs.getRank() == 1;
  int64_t rank = type.getRank(), batch = rank - !row - !column;
  MLIRContext *context = getContext();
  AffineExpr inner = getAffineDimExpr(rank, context);
  auto map = [&](RankedTensorType operand, bool isLhs) {
    SmallVector<AffineExpr> exprs;
    int64_t lead = operand.getRank() - std::min<int64_t>(operand.getRank(), 2);
    for (int64_t i = 0; i < lead; ++i)
      exprs.push_back(operand.getDimSize(i) == 1 ? getAffineConstantExpr(0, context)
                                                 : getAffineDimExpr(batch - lead + i, context));
    if (operand.getRank() == 1)
      exprs.push_back(inner);
    else if (isLhs)
      exprs.append({getAffineDimExpr(batch, context), inner});
    else
      exprs.append({inner, getAffineDimExpr(rank - 1, context)});
    return AffineMap::get(rank + 1, 0, exprs, context);
  };
  SmallVector<AffineMap> maps{map(lhs, true), map(rhs, false),
                              b.getMultiDimIdentityMap(rank + 1).dropResult(rank)};
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);

  Location loc = getLoc();
  Type storage = storageType(type.getElementType());
  Value empty = Generics(b, loc).empty(shapeOf(type), storage);
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(storage));
  Value init = linalg::FillOp::create(b, loc, zero, empty).getResult(0);
  SmallVector<Value> inputs;
  for (Value operand : {getLhs(), getRhs()}) { // with the batch dims of the result
    Shape own = shapeOf(operand), target = shapeOf(type);
    size_t lead = own.size() - std::min<size_t>(own.size(), 2);
    target.assign(target.begin() + (batch - lead), target.begin() + batch);
    target.append(own.begin() + lead, own.end());
    inputs.push_back(Generics(b, loc).repeat(toStorage(b, loc, operand), target));
  }
  auto generic = linalg::GenericOp::create(
      b, loc, init.getType(), inputs, init, maps, iterators,
      [&](OpBuilder &body, Location at, ValueRange x) {
        auto wide = [&](Value operand, Value element) {
          Type own = getElementTypeOrSelf(operand);
          return own == type.getElementType()
                     ? element
                     : buildCast(own, type.getElementType(), body, at, element);
        };
        Value left = wide(getLhs(), x[0]), right = wide(getRhs(), x[1]), sum;
        if (isa<FloatType>(storage))
          sum = arith::AddFOp::create(body, at, x[2], arith::MulFOp::create(body, at, left, right));
        else
          sum = arith::AddIOp::create(body, at, x[2], arith::MulIOp::create(body, at, left, right));
        linalg::YieldOp::create(body, at, sum);
      });
  return SmallVector<Value>{fromStorage(b, loc, generic.getResult(0), type.getElementType())};
}

LogicalResult MatMulPackedOp::infer(Adaptor op, ArrayRef<Fact> operands,
                                    SmallVectorImpl<Fact> &results, EmitError error) {
  const Fact &lhs = operands[0], &weights = operands[1];
  int64_t bits = op.getBits(), columns = op.getColumns(), block = op.getBlock();
  if (!lhs.rank())
    return error("expects a lhs of rank 1 or more, found a scalar");
  std::optional<int64_t> depth = constantOf(lhs.shape.back());
  if (!depth)
    return error("expects an inner size known at compile time");
  if (bits != 4 && bits != 8 && bits != 16)
    return error("expects 4, 8 or 16 bits, found " + Twine(bits));
  if (columns < 1 || block < 1 || columns > WeightBlocks::mostRows ||
      block > WeightBlocks::mostRows || *depth > WeightBlocks::mostRows)
    return error("expects positive sizes below 2^31");
  SmallVector<int64_t> expected{llvm::divideCeilSigned(columns, WeightBlocks::columns)};
  if (bits == 16)
    expected.append({*depth, WeightBlocks::columns});
  else
    expected.push_back(WeightBlocks{bits, block}.panelBytes(*depth));
  bool isKnown = weights.rank() == static_cast<int64_t>(expected.size());
  for (auto [i, size] : llvm::enumerate(expected))
    isKnown = isKnown && weights.size(i) == size;
  if (!isKnown)
    return error("expects packed weights of other sizes");
  if (bits == 16 ? !weights.element.isBF16() : !weights.element.isSignlessInteger(8))
    return error("expects weights of bf16, or of i8 for 4 and 8 bits");
  if (bits == 4 && (block % 2 || *depth % 2))
    return error("expects an even number of rows of 4 bits");
  Fact &result = results.emplace_back();
  result.element = lhs.element;
  result.shape = lhs.shape;
  result.shape.back() = getAffineConstantExpr(columns, lhs.element.getContext());
  return success();
}

FailureOr<SmallVector<Value>> MatMulPackedOp::lower(OpBuilder &) {
  return emitOpError("is lowered to a contraction before kernels are formed");
}

void NNDialect::addLinearOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Linear.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Linear.cpp.inc"
