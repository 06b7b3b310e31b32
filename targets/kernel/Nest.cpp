#include "targets/kernel/Nest.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nncc;

using Indices = SmallVector<AffineExpr>;

AffineExpr Nest::points() const { return elementCount(sizes, op->getContext()); }

int Nest::loopOver(int dim) const {
  auto found = llvm::find(shared, dim);
  return found == shared.end() ? -1 : found - shared.begin();
}

Operation *Nest::combiner(unsigned output) const {
  if (!body)
    return nullptr;
  BlockArgument accumulator = body->getArgument(inputs.size() + output);
  Operation *joins = body->getTerminator()->getOperand(output).getDefiningOp();
  if (!joins || !accumulator.hasOneUse() || *accumulator.user_begin() != joins ||
      joins->getNumOperands() != 2 || joins->getBlock() != body)
    return nullptr;
  return arith::getNeutralElement(joins) ? joins : nullptr;
}

SmallVector<const Access *> Nest::accesses() const {
  SmallVector<const Access *> result;
  for (const auto *list : {&inputs, &outputs, &inits})
    for (const Access &access : *list)
      if (access.isMemory())
        result.push_back(&access);
  return result;
}

namespace {

/// Makes the nest of one operation.
class NestBuilder {
public:
  NestBuilder(const Homes &homes, Operation *op) : homes(homes), context(op->getContext()) {
    nest.op = op;
  }

  Nest nest;

  Indices loops() const {
    Indices result;
    for (size_t d = 0; d < nest.sizes.size(); ++d)
      result.push_back(getAffineDimExpr(d, context));
    return result;
  }

  void setLoops(ArrayRef<AffineExpr> sizes) {
    nest.sizes.assign(sizes.begin(), sizes.end());
    nest.reduced.assign(sizes.size(), false);
    nest.loopIndices = loops();
  }

  /// The element `indices` of the tensor.
  Access access(Value tensor, ArrayRef<AffineExpr> indices) const {
    Access result;
    auto type = dyn_cast<RankedTensorType>(tensor.getType());
    result.element = type ? type.getElementType() : tensor.getType();
    if (!type) {
      result.scalar = tensor;
      return result;
    }
    return access(homes.of(tensor), type.getElementType(), indices);
  }
  Access access(const Home &home, Type element, ArrayRef<AffineExpr> indices) const {
    Access result;
    result.element = element;
    result.base = home.base;
    for (AffineExpr expression : home.indices)
      result.indices.push_back(expression.replaceDims(indices));
    return result;
  }

  /// The tensor's values before the operation.
  Access init(Value tensor, ArrayRef<AffineExpr> indices) const {
    if (auto fill = tensor.getDefiningOp<linalg::FillOp>()) {
      Access result;
      result.scalar = fill.getInputs()[0];
      result.element = result.scalar.getType();
      return result;
    }
    return access(tensor, indices);
  }

  /// Loops over collapsed dims become two, until every index is a sum of multiples of loops or
  /// cannot become one.
  void splitLoops() {
    for (int limit = 32; limit > 0 && splitLoop(); --limit) {
    }
  }

  Nest finish() {
    nest.shared.assign(nest.sizes.size(), -1);
    unsigned rank = nest.sizes.size();
    for (auto *list : {&nest.inputs, &nest.outputs, &nest.inits})
      for (Access &access : *list) {
        if (!access.isMemory())
          continue;
        access.flat =
            linearOf(linearize(access.indices, homes.bases[access.base].shape, context), rank);
        for (AffineExpr index : access.indices)
          access.dims.push_back(linearOf(index, rank));
        dropTrivialLoops(access);
      }
    return nest;
  }

private:
  const Homes &homes;
  MLIRContext *context;

  /// A loop of one iteration has no stride.
  void dropTrivialLoops(Access &access) {
    AffineExpr zero = getAffineConstantExpr(0, context);
    for (auto [loop, size] : llvm::enumerate(nest.sizes)) {
      if (!isOne(size))
        continue;
      if (access.flat)
        access.flat->factors[loop] = zero;
      for (std::optional<Linear> &dim : access.dims)
        if (dim)
          dim->factors[loop] = zero;
    }
  }

  void forEachExpression(llvm::function_ref<void(AffineExpr &)> visit) {
    for (auto *list : {&nest.inputs, &nest.outputs, &nest.inits})
      for (Access &access : *list)
        llvm::for_each(access.indices, visit);
    llvm::for_each(nest.loopIndices, visit);
  }

  bool splitLoop() {
    int64_t loop = -1;
    AffineExpr inner;
    forEachExpression([&](AffineExpr &expression) {
      expression = simplifiedInRange(expression, nest.sizes);
      expression.walk([&](AffineExpr part) {
        auto binary = dyn_cast<AffineBinaryOpExpr>(part);
        if (loop >= 0 || !binary ||
            (binary.getKind() != AffineExprKind::FloorDiv &&
             binary.getKind() != AffineExprKind::Mod))
          return;
        findSplit(binary, loop, inner);
      });
    });
    if (loop < 0)
      return false;
    // The old loop becomes the outer one, a new one the inner one.
    AffineExpr outerDim = getAffineDimExpr(loop, context);
    AffineExpr innerDim = getAffineDimExpr(nest.sizes.size(), context);
    DenseMap<AffineExpr, AffineExpr> replacement{{outerDim, outerDim * inner + innerDim}};
    forEachExpression(
        [&](AffineExpr &expression) { expression = expression.replace(replacement); });
    nest.sizes[loop] = exactQuotient(nest.sizes[loop], inner);
    nest.sizes.push_back(inner);
    nest.reduced.push_back(nest.reduced[loop]);
    return true;
  }

  /// In (.. + factor * d + ..) floordiv or mod k: d in parts of k / factor.
  void findSplit(AffineBinaryOpExpr binary, int64_t &loop, AffineExpr &inner) const {
    AffineExpr divisor = binary.getRHS();
    std::optional<Linear> sum = linearOf(binary.getLHS(), nest.sizes.size());
    if (!divisor.isSymbolicOrConstant() || !sum)
      return;
    for (auto [d, factor] : llvm::enumerate(sum->factors)) {
      if (isZero(factor) || constantOf(factor).value_or(1) < 0)
        continue;
      AffineExpr part = exactQuotient(divisor, factor);
      AffineExpr parts = part ? exactQuotient(nest.sizes[d], part) : AffineExpr();
      if (parts && !isOne(part) && !isOne(parts) && !isZero(parts)) {
        loop = d, inner = part;
        return;
      }
    }
  }
};

Nest copyNest(const Homes &homes, Operation *op, Value from, const Home &to,
              ArrayRef<AffineExpr> indices) {
  NestBuilder builder(homes, op);
  auto type = cast<RankedTensorType>(from.getType());
  builder.setLoops(shapeOf(type));
  builder.nest.inputs.push_back(builder.access(from, builder.loops()));
  builder.nest.outputs.push_back(builder.access(to, type.getElementType(), indices));
  builder.nest.inits.resize(1);
  builder.splitLoops();
  return builder.finish();
}

Indices identity(int64_t rank, MLIRContext *context) {
  Indices result;
  for (int64_t d = 0; d < rank; ++d)
    result.push_back(getAffineDimExpr(d, context));
  return result;
}

AffineExpr zeroOf(Operation *op) { return getAffineConstantExpr(0, op->getContext()); }

/// A part of `to` := scalar.
Nest fillNest(const Homes &homes, Operation *op, Value scalar, const Home &to,
              ArrayRef<AffineExpr> sizes, ArrayRef<AffineExpr> offsets) {
  NestBuilder builder(homes, op);
  builder.setLoops(sizes);
  Indices indices = builder.loops();
  for (auto [index, offset] : llvm::zip(indices, offsets))
    index = index + offset;
  builder.nest.inputs.push_back(builder.access(scalar, {}));
  builder.nest.outputs.push_back(builder.access(to, scalar.getType(), indices));
  builder.nest.inits.resize(1);
  builder.splitLoops();
  return builder.finish();
}

/// The sizes of the loops: those of the dims that they index, of which each has one; constants
/// where one is known.
Shape loopSizes(linalg::GenericOp op) {
  Shape sizes(op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand.get().getType());
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [index, size] : llvm::zip(map.getResults(), type ? shapeOf(type) : Shape()))
      if (auto loop = dyn_cast<AffineDimExpr>(index)) {
        AffineExpr &known = sizes[loop.getPosition()];
        if (!known || (!constantOf(known) && constantOf(size)))
          known = size;
      }
  }
  return sizes;
}

LogicalResult buildGeneric(linalg::GenericOp op, const Homes &homes, std::vector<Nest> &nests) {
  NestBuilder builder(homes, op);
  Nest &nest = builder.nest;
  builder.setLoops(loopSizes(op));
  for (auto [d, kind] : llvm::enumerate(op.getIteratorTypesArray()))
    nest.reduced[d] = kind == utils::IteratorType::reduction;
  nest.body = op.getBody();
  for (OpOperand *input : op.getDpsInputOperands()) {
    bool isRead = !op.getMatchingBlockArgument(input).use_empty(); // else it is there for its sizes
    nest.inputs.push_back(
        isRead ? builder.access(input->get(), op.getMatchingIndexingMap(input).getResults())
               : Access());
  }
  for (OpOperand &init : op.getDpsInitsMutable()) {
    AffineMap map = op.getMatchingIndexingMap(&init);
    nest.outputs.push_back(builder.access(op.getTiedOpResult(&init), map.getResults()));
    // A reduction over nothing leaves the init, whether the body uses it or not.
    bool isRead = nest.isReduction() || !op.getMatchingBlockArgument(&init).use_empty();
    nest.inits.push_back(isRead ? builder.init(init.get(), map.getResults()) : Access());
  }
  nest.body->walk([&](tensor::ExtractOp extract) {
    nest.extracted.push_back(homes.of(extract.getTensor()).base);
  });
  builder.splitLoops();
  nests.push_back(builder.finish());
  return success();
}

LogicalResult buildConcat(tensor::ConcatOp op, const Homes &homes, std::vector<Nest> &nests) {
  AffineExpr offset = getAffineConstantExpr(0, op.getContext());
  for (OpOperand &part : op->getOpOperands()) {
    auto type = cast<RankedTensorType>(part.get().getType());
    if (!homes.isInPlace(part)) {
      Indices indices = identity(type.getRank(), op.getContext());
      indices[op.getDim()] = indices[op.getDim()] + offset;
      nests.push_back(copyNest(homes, op, part.get(), homes.of(op.getResult()), indices));
    }
    offset = offset + shapeOf(type)[op.getDim()];
  }
  return success();
}

/// The source in the middle, then what is before and after it, dim by dim.
LogicalResult buildPad(tensor::PadOp op, const Homes &homes, std::vector<Nest> &nests) {
  Value padding = op.getConstantPaddingValue();
  if (!padding)
    return op.emitError("a kernel pads with one value only");
  if (op.getRegion().isAncestor(padding.getParentRegion()))
    padding = OpBuilder(op).clone(*padding.getDefiningOp())->getResult(0);
  std::optional<Shape> lows = expressionsOf(op.getMixedLowPad(), op.getContext());
  std::optional<Shape> highs = expressionsOf(op.getMixedHighPad(), op.getContext());
  if (!lows || !highs)
    return op.emitError("expects padding that is constant or an expression over symbols");
  Shape source = shapeOf(op.getSourceType());
  Indices indices = identity(source.size(), op.getContext());
  for (auto [index, low] : llvm::zip(indices, *lows))
    index = index + low;
  const Home &result = homes.of(op.getResult());
  nests.push_back(copyNest(homes, op, op.getSource(), result, indices));
  Shape sizes = shapeOf(op.getResultType()), offsets(sizes.size(), zeroOf(op));
  for (size_t d = 0; d < source.size(); ++d) {
    AffineExpr low = (*lows)[d], high = (*highs)[d];
    sizes[d] = low;
    if (constantOf(low).value_or(1) > 0)
      nests.push_back(fillNest(homes, op, padding, result, sizes, offsets));
    offsets[d] = normalForm(low + source[d]), sizes[d] = high;
    if (constantOf(high).value_or(1) > 0)
      nests.push_back(fillNest(homes, op, padding, result, sizes, offsets));
    offsets[d] = low, sizes[d] = source[d];
  }
  return success();
}

LogicalResult buildInsert(tensor::InsertSliceOp op, const Homes &homes, std::vector<Nest> &nests) {
  std::optional<Shape> offsets = expressionsOf(op.getMixedOffsets(), op.getContext());
  std::optional<Shape> strides = expressionsOf(op.getMixedStrides(), op.getContext());
  if (!offsets || !strides)
    return op.emitError(
        "expects offsets and strides that are constant or expressions over symbols");
  const Home &result = homes.of(op.getResult());
  int64_t rank = op.getResultType().getRank();
  if (!op.getDest().getDefiningOp<tensor::EmptyOp>())
    nests.push_back(copyNest(homes, op, op.getDest(), result, identity(rank, op.getContext())));
  llvm::SmallBitVector dropped = op.getDroppedDims();
  Indices indices;
  int64_t next = 0;
  for (auto [d, offset, stride] : llvm::enumerate(*offsets, *strides)) {
    indices.push_back(offset);
    if (!dropped[d])
      indices.back() = indices.back() + getAffineDimExpr(next++, op.getContext()) * stride;
  }
  nests.push_back(copyNest(homes, op, op.getSource(), result, indices));
  return success();
}

/// Only as the init of reductions, which fill themselves.
bool isInitOnly(linalg::FillOp op) {
  return !op->use_empty() && llvm::all_of(op->getUses(), [](OpOperand &use) {
    auto generic = dyn_cast<linalg::GenericOp>(use.getOwner());
    return generic && generic.isDpsInit(&use);
  });
}
} // namespace

LogicalResult nncc::buildNest(Operation *op, const Homes &homes, std::vector<Nest> &nests) {
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return buildGeneric(generic, homes, nests);
  if (auto concat = dyn_cast<tensor::ConcatOp>(op))
    return buildConcat(concat, homes, nests);
  if (auto pad = dyn_cast<tensor::PadOp>(op))
    return buildPad(pad, homes, nests);
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return buildInsert(insert, homes, nests);
  if (auto fill = dyn_cast<linalg::FillOp>(op)) {
    if (isInitOnly(fill))
      return success();
    auto type = cast<RankedTensorType>(fill->getResult(0).getType());
    Shape offsets(type.getRank(), zeroOf(op));
    nests.push_back(fillNest(homes, op, fill.getInputs()[0], homes.of(fill->getResult(0)),
                             shapeOf(type), offsets));
    return success();
  }
  if (isa<tensor::ExtractSliceOp>(op))
    return op->emitError("expects offsets and strides that are constant or expressions over "
                         "symbols");
  return op->emitError("cannot be scheduled in a kernel");
}

Nest nncc::copyNest(const Homes &homes, Operation *op, Value from, const Home &to) {
  auto type = cast<RankedTensorType>(from.getType());
  return ::copyNest(homes, op, from, to, identity(type.getRank(), type.getContext()));
}

void nncc::buildResultCopies(const Homes &homes, std::vector<Nest> &nests) {
  for (ResultCopy copy : homes.copies) {
    Operation *op = copy.from.getDefiningOp();
    nests.push_back(nncc::copyNest(homes, op ? op : copy.from.getParentBlock()->getTerminator(),
                                   copy.from, copy.to));
  }
}

LogicalResult nncc::buildNests(ArrayRef<Operation *> ops, const Homes &homes,
                               std::vector<Nest> &nests) {
  for (Operation *op : ops)
    if (failed(buildNest(op, homes, nests)))
      return failure();
  buildResultCopies(homes, nests);
  return checkReads(nests, homes);
}

LogicalResult nncc::checkReads(ArrayRef<Nest> nests, const Homes &homes) {
  llvm::SmallDenseSet<int> written;
  for (const Nest &nest : nests) {
    SmallVector<unsigned> read(nest.extracted);
    for (const auto *list : {&nest.inputs, &nest.inits})
      for (const Access &access : *list)
        if (access.isMemory())
          read.push_back(access.base);
    for (unsigned number : read) {
      const Base &base = homes.bases[number];
      bool isEmpty = llvm::is_contained(base.shape, getAffineConstantExpr(0, homes.getContext()));
      if (!base.buffer && !base.constant && !isEmpty && !written.contains(number))
        return nest.op->emitError("reads a tensor that nothing has written");
    }
    for (const Access &output : nest.outputs)
      written.insert(output.base);
  }
  return success();
}
