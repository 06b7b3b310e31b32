#include "passes/graph/Layout.h"

#include "passes/graph/Constants.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nncc {

SmallVector<int64_t> toLastPermutation(int64_t rank) {
  SmallVector<int64_t> perm{0};
  for (int64_t i = 2; i < rank; ++i)
    perm.push_back(i);
  perm.push_back(1);
  return perm;
}

SmallVector<int64_t> toFirstPermutation(int64_t rank) {
  return invertPermutationVector(toLastPermutation(rank));
}

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }
static int64_t rankOf(Value value) { return typeOf(value).getRank(); }

static RankedTensorType permuted(RankedTensorType type, ArrayRef<int64_t> perm) {
  Shape shape = shapeOf(type);
  return tensorOf(applyPermutation(ArrayRef(shape), perm), type.getElementType());
}

/// The type of an image, channels-last.
static RankedTensorType toLast(RankedTensorType type) {
  return permuted(type, toLastPermutation(type.getRank()));
}

/// Where dim `axis` (from the back where negative) of an image is when it is channels-last.
static int64_t toLastAxis(int64_t axis, int64_t rank) {
  return toFirstPermutation(rank)[axis < 0 ? axis + rank : axis];
}

static std::optional<SmallVector<int64_t>> toLastAxes(Value axes, int64_t rank) {
  std::optional<SmallVector<int64_t>> values = nn::constantIntegers(axes);
  if (values)
    for (int64_t &axis : *values) {
      if (axis < -rank || axis >= rank)
        return std::nullopt;
      axis = toLastAxis(axis, rank);
    }
  return values;
}

/// Whether the dims that a reduction over `axes` leaves are in the same order in both layouts.
static bool leavesSameOrder(RankedTensorType type, ArrayRef<int64_t> axes) {
  int64_t rank = type.getRank();
  SmallVector<bool> dropped(rank, false);
  for (int64_t axis : axes)
    dropped[axis < 0 ? axis + rank : axis] = true;
  bool keepsImage = false;
  for (int64_t i = 2; i < rank; ++i)
    keepsImage |= !dropped[i];
  return dropped[1] || !keepsImage;
}

static std::optional<SmallVector<int64_t>> reducedAxes(Operation *op) {
  if (auto reduce = dyn_cast<nn::ReduceOp>(op))
    return reduce.getAxes() ? nn::constantIntegers(reduce.getAxes())
                            : llvm::to_vector(llvm::seq<int64_t>(0, rankOf(op->getOperand(0))));
  return SmallVector<int64_t>{static_cast<int64_t>(cast<nn::ArgReduceOp>(op).getAxis())};
}

static bool keepsDims(Operation *op) {
  if (auto reduce = dyn_cast<nn::ReduceOp>(op))
    return reduce.getKeepdims();
  return cast<nn::ArgReduceOp>(op).getKeepdims();
}

bool hasPlainResult(Operation *op) {
  return isa<nn::ReduceOp, nn::ArgReduceOp>(op) && !keepsDims(op);
}

/// An operand that broadcasts whatever the order: a scalar.
static bool isSingle(Value value) {
  return typeOf(value).hasStaticShape() && typeOf(value).getNumElements() == 1;
}

/// An operand of an elementwise op that is rebuilt at compile time instead of converted.
static bool isPlainOperand(Value value) { return isSingle(value) || isComputedOfConstants(value); }

SmallVector<OpOperand *> imageOperands(Operation *op) {
  SmallVector<OpOperand *> images;
  bool all = isa<nn::ConcatOp>(op), elementwise = isa<nn::ScalarOpInterface>(op);
  for (OpOperand &operand : op->getOpOperands())
    if (all || (elementwise ? !isPlainOperand(operand.get()) : operand.getOperandNumber() == 0))
      images.push_back(&operand);
  return images;
}

static bool isEitherElementwise(Operation *op) {
  int64_t rank = rankOf(op->getResult(0));
  return !imageOperands(op).empty() && llvm::all_of(op->getOperands(), [&](Value operand) {
    return isPlainOperand(operand) || rankOf(operand) == rank;
  });
}

/// [N, C, spatial] to [N, C, other spatial]: channels-last it is a reshape as well.
static bool isSpatialReshape(nn::ReshapeOp op) {
  RankedTensorType from = typeOf(op.getOperand()), to = typeOf(op.getResult());
  Shape before = shapeOf(from), after = shapeOf(to);
  return to.getRank() >= 3 && from.getRank() >= 2 &&
         ArrayRef(before).take_front(2) == ArrayRef(after).take_front(2);
}

static bool isEitherReduction(Operation *op) {
  RankedTensorType type = typeOf(op->getOperand(0));
  std::optional<SmallVector<int64_t>> axes = reducedAxes(op);
  if (!axes || llvm::any_of(*axes, [&](int64_t axis) {
        return axis < -type.getRank() || axis >= type.getRank();
      }))
    return false;
  return keepsDims(op) || leavesSameOrder(type, *axes);
}

/// Whether nncc-decompose-conv-transpose takes `op`.
static bool isConvolutionOfPhases(nn::ConvTransposeOp op) {
  auto isOne = [](int64_t dilation) { return dilation == 1; };
  auto isFilled = [](int64_t size) { return size > 0 || ShapedType::isDynamic(size); };
  return !op.getChannelsLast() && op.getGroups() == 1 && op.getStrides().size() <= 2 &&
         llvm::all_of(op.getDilations(), isOne) &&
         llvm::all_of(op.getInput().getType().getShape(), isFilled) &&
         llvm::all_of(op.getType().getShape(), isFilled);
}

LayoutRole layoutRole(Operation *op) {
  using Role = LayoutRole;
  if (!isa_and_present<nn::NNDialect>(op->getDialect()) || op->getNumResults() != 1 ||
      op->getNumOperands() == 0)
    return Role::Original;
  if (auto pool = dyn_cast<nn::PoolOp>(op); pool && pool.getInput().getType().isDynamicDim(1))
    return Role::Original; // channels of any number are images of their own
  if (isa<nn::ConvOp, nn::PoolOp>(op))
    return op->hasAttr("channels_last") ? Role::Original : Role::ChannelsLast;
  if (auto transposed = dyn_cast<nn::ConvTransposeOp>(op))
    return isConvolutionOfPhases(transposed) ? Role::ChannelsLast : Role::Original;
  int64_t rank = rankOf(op->getOperand(0)), resultRank = rankOf(op->getResult(0));
  if (isa<nn::ScalarOpInterface>(op))
    return resultRank >= 3 && isEitherElementwise(op) ? Role::Either : Role::Original;
  if (rank < 3)
    return Role::Original;
  auto either = [](bool yes) { return yes ? Role::Either : Role::Original; };
  return TypeSwitch<Operation *, Role>(op)
      .Case([&](nn::TransposeOp transpose) {
        if (transpose.getPerm() == ArrayRef(toLastPermutation(rank)))
          return Role::ToLast;
        return transpose.getPerm() == ArrayRef(toFirstPermutation(rank)) ? Role::ToFirst
                                                                         : Role::Original;
      })
      .Case<nn::ConcatOp, nn::SoftmaxOp, nn::LogSoftmaxOp, nn::LpNormOp, nn::ResizeOp>(
          [](auto) { return Role::Either; })
      .Case([&](nn::SliceOp slice) { return either(!!toLastAxes(slice.getAxes(), rank)); })
      .Case(
          [&](nn::PadOp pad) { return either(!pad.getAxes() || toLastAxes(pad.getAxes(), rank)); })
      .Case<nn::ReduceOp, nn::ArgReduceOp>([&](auto) { return either(isEitherReduction(op)); })
      .Case([&](nn::ReshapeOp reshape) { return either(isSpatialReshape(reshape)); })
      .Default(Role::Original);
}

bool isFreeTranspose(RankedTensorType type, ArrayRef<int64_t> perm) {
  int64_t last = -1;
  for (int64_t dim : perm) {
    if (type.getDimSize(dim) == 1)
      continue;
    if (dim < last)
      return false;
    last = dim;
  }
  return true;
}

/// A constant of another shape, without a copy.
static Value reshapeConstant(OpBuilder &b, Location loc, ElementsAttr attr, RankedTensorType type) {
  ElementsAttr reshaped;
  if (auto dense = dyn_cast<DenseElementsAttr>(attr))
    reshaped = dense.reshape(type);
  else if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr))
    reshaped = DenseResourceElementsAttr::get(type, resource.getRawHandle());
  return reshaped ? nn::ConstantOp::create(b, loc, reshaped).getResult() : Value();
}

static Value buildReshape(OpBuilder &b, Location loc, Value value, RankedTensorType type) {
  ElementsAttr attr;
  if (matchPattern(value, m_Constant(&attr)))
    if (Value constant = reshapeConstant(b, loc, attr, type))
      return constant;
  return nn::ReshapeOp::create(b, loc, value, shapeOf(type));
}

Value buildTranspose(OpBuilder &b, Location loc, Value value, ArrayRef<int64_t> perm) {
  RankedTensorType type = typeOf(value);
  if (isFreeTranspose(type, perm))
    return buildReshape(b, loc, value, permuted(type, perm));
  return nn::TransposeOp::create(b, loc, value, perm);
}

/// An operand of an elementwise op that is no image: a scalar stays, a constant such as [C, 1, 1]
/// is put into the order of channels-last.
static Value convertPlainOperand(OpBuilder &b, Value value, int64_t rank) {
  if (isSingle(value))
    return value;
  RankedTensorType type = typeOf(value);
  if (type.getRank() < rank) {
    Shape sizes(rank - type.getRank(), getAffineConstantExpr(1, b.getContext()));
    llvm::append_range(sizes, shapeOf(type));
    value = buildReshape(b, value.getLoc(), value, tensorOf(sizes, type.getElementType()));
  }
  return buildTranspose(b, value.getLoc(), value, toLastPermutation(rank));
}

/// Renames the axes that `copy`, a copy of an op that works along axes, has as operands or
/// attributes.
static void renameAxes(OpBuilder &b, Operation *copy, int64_t rank) {
  auto renamed = [&](Value axes) {
    return makeIntegers(b, copy->getLoc(), *toLastAxes(axes, rank));
  };
  TypeSwitch<Operation *>(copy)
      .Case<nn::ConcatOp, nn::SoftmaxOp, nn::LogSoftmaxOp, nn::LpNormOp, nn::ArgReduceOp>(
          [&](auto op) { op.setAxis(toLastAxis(op.getAxis(), rank)); })
      .Case([&](nn::ResizeOp resize) {
        SmallVector<int64_t> axes;
        for (int64_t axis : resize.getAxes())
          axes.push_back(toLastAxis(axis, rank));
        resize.setAxes(axes);
      })
      .Case([&](nn::SliceOp slice) { slice.getAxesMutable().assign(renamed(slice.getAxes())); })
      .Case([&](nn::ReduceOp reduce) {
        if (reduce.getAxes())
          reduce.getAxesMutable().assign(renamed(reduce.getAxes()));
      })
      .Case([&](nn::PadOp pad) {
        pad.getAxesMutable().assign(pad.getAxes()
                                        ? renamed(pad.getAxes())
                                        : makeIntegers(b, pad.getLoc(), toFirstPermutation(rank)));
      })
      .Case<nn::ConvOp, nn::ConvTransposeOp, nn::PoolOp>(
          [](auto op) { op.setChannelsLast(true); });
}

Value buildChannelsLast(OpBuilder &b, Operation *op, ArrayRef<Value> images) {
  RankedTensorType type = typeOf(op->getResult(0));
  RankedTensorType result = hasPlainResult(op) ? type : toLast(type);
  if (isa<nn::ReshapeOp>(op))
    return buildReshape(b, op->getLoc(), images[0], result);
  SmallVector<Value> operands(op->getOperands());
  if (isa<nn::ScalarOpInterface>(op))
    for (Value &operand : operands)
      if (isPlainOperand(operand))
        operand = convertPlainOperand(b, operand, type.getRank());
  for (auto [operand, image] : llvm::zip(imageOperands(op), images))
    operands[operand->getOperandNumber()] = image;
  // Axes first: they are constants that must stand before their user.
  Operation *copy = op->clone();
  copy->setOperands(operands);
  renameAxes(b, copy, rankOf(images[0]));
  b.insert(copy);
  copy->getResult(0).setType(result);
  return copy->getResult(0);
}

} // namespace nncc
