#include "targets/kernel/Places.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace nncc;

using Indices = SmallVector<AffineExpr>;

static RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }

Type nncc::memoryType(Type element) {
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer)
    return element;
  return IntegerType::get(element.getContext(), std::max(8u, integer.getWidth()));
}

namespace {
Indices dims(int64_t rank, MLIRContext *context) {
  Indices result;
  for (int64_t d = 0; d < rank; ++d)
    result.push_back(getAffineDimExpr(d, context));
  return result;
}

Indices compose(ArrayRef<AffineExpr> outer, ArrayRef<AffineExpr> inner) {
  Indices result;
  for (AffineExpr expression : outer)
    result.push_back(simplified(expression.replaceDims(inner)));
  return result;
}

/// Indices into the many dims, from those into the few, by the groups of a reshape.
Indices split(ArrayRef<ReassociationIndices> groups, ArrayRef<AffineExpr> many,
              MLIRContext *context) {
  Indices result(many.size(), getAffineConstantExpr(0, context));
  for (auto [d, group] : llvm::enumerate(groups)) {
    Shape shape;
    for (int64_t m : group)
      shape.push_back(many[m]);
    for (auto [m, index] : llvm::zip(group, delinearize(getAffineDimExpr(d, context), shape)))
      result[m] = index;
  }
  return result;
}

/// The other way round.
Indices join(ArrayRef<ReassociationIndices> groups, ArrayRef<AffineExpr> many,
             MLIRContext *context) {
  Indices result;
  for (const ReassociationIndices &group : groups) {
    Shape shape;
    Indices indices;
    for (int64_t m : group)
      shape.push_back(many[m]), indices.push_back(getAffineDimExpr(m, context));
    result.push_back(linearize(indices, shape, context));
  }
  return result;
}

/// None where an offset or stride is no expression over symbols.
std::optional<Indices> sliceIndices(tensor::ExtractSliceOp op, MLIRContext *context) {
  auto offsets = expressionsOf(op.getMixedOffsets(), context);
  auto strides = expressionsOf(op.getMixedStrides(), context);
  if (!offsets || !strides)
    return std::nullopt;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  Indices result;
  int64_t next = 0;
  for (auto [d, offset, stride] : llvm::enumerate(*offsets, *strides)) {
    AffineExpr index = offset;
    if (!dropped[d])
      index = index + getAffineDimExpr(next++, context) * stride;
    result.push_back(index);
  }
  return result;
}

/// The source of a view and the index into it of each element of the result.
struct View {
  Value source;
  Indices indices;
};
std::optional<View> viewOf(Operation *op) {
  MLIRContext *context = op->getContext();
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
    Indices indices(transpose.getPermutation().size());
    for (auto [d, source] : llvm::enumerate(transpose.getPermutation()))
      indices[source] = getAffineDimExpr(d, context);
    return View{transpose.getInput(), indices};
  }
  if (auto broadcast = dyn_cast<linalg::BroadcastOp>(op)) {
    Indices indices;
    for (int64_t d = 0; d < typeOf(broadcast->getResult(0)).getRank(); ++d)
      if (!llvm::is_contained(broadcast.getDimensions(), d))
        indices.push_back(getAffineDimExpr(d, context));
    return View{broadcast.getInput(), indices};
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return View{expand.getSrc(),
                join(expand.getReassociationIndices(), shapeOf(expand.getResultType()), context)};
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return View{collapse.getSrc(),
                split(collapse.getReassociationIndices(), shapeOf(collapse.getSrcType()), context)};
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    std::optional<Indices> indices = sliceIndices(slice, context);
    return indices ? std::make_optional(View{slice.getSource(), *indices}) : std::nullopt;
  }
  if (isa<tensor::CastOp, tensor::BitcastOp>(op) &&
      isa<RankedTensorType>(op->getOperand(0).getType()))
    return View{op->getOperand(0), dims(typeOf(op->getResult(0)).getRank(), context)};
  return std::nullopt;
}

/// Indices into the result of the view of each element of its source; none where a view does not
/// show its whole source once.
std::optional<Indices> inverseOf(Operation *op) {
  MLIRContext *context = op->getContext();
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
    Indices indices;
    for (int64_t source : transpose.getPermutation())
      indices.push_back(getAffineDimExpr(source, context));
    return indices;
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return split(expand.getReassociationIndices(), shapeOf(expand.getResultType()), context);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return join(collapse.getReassociationIndices(), shapeOf(collapse.getSrcType()), context);
  if (isa<tensor::CastOp, tensor::BitcastOp>(op))
    return dims(typeOf(op->getResult(0)).getRank(), context);
  return std::nullopt;
}

bool isSource(Operation *op) {
  return op && (isa<tensor::EmptyOp>(op) || op->hasTrait<OpTrait::ConstantLike>());
}

/// Whether the tensor has one use, and is computed, not a view of something else.
bool isComputedForThis(Value tensor) {
  while (tensor.hasOneUse()) {
    Operation *op = tensor.getDefiningOp();
    if (!op || isSource(op))
      return false;
    std::optional<View> view = viewOf(op);
    if (!view)
      return true;
    if (!inverseOf(op))
      return false;
    tensor = view->source;
  }
  return false;
}
} // namespace

bool Homes::isView(Operation *op) { return isSource(op) || viewOf(op).has_value(); }

unsigned Homes::addBase(RankedTensorType type, Value buffer, Attribute constant) {
  bases.push_back({buffer, memoryType(type.getElementType()), shapeOf(type), constant});
  return bases.size() - 1;
}

Home Homes::identity(unsigned base) const {
  return {base, dims(bases[base].shape.size(), context)};
}

/// The operands of a concatenation that nothing else reads are written into its result.
void Homes::placeParts(Operation *op) {
  auto concat = dyn_cast<tensor::ConcatOp>(op);
  if (!concat)
    return;
  Home result = homes.find(concat.getResult())->second;
  AffineExpr offset = getAffineConstantExpr(0, context);
  for (OpOperand &part : concat->getOpOperands()) {
    RankedTensorType type = typeOf(part.get());
    if (!has(part.get()) && isComputedForThis(part.get())) {
      Indices indices = dims(type.getRank(), context);
      indices[concat.getDim()] = indices[concat.getDim()] + offset;
      homes[part.get()] = {result.base, compose(result.indices, indices)};
      inPlace.insert(&part);
    }
    offset = offset + shapeOf(type)[concat.getDim()];
  }
}

/// From the returned values backwards.
void Homes::placeResults(func::FuncOp function, ArrayRef<Value> results) {
  Operation *terminator = function.front().getTerminator();
  for (auto [i, value] : llvm::enumerate(terminator->getOperands())) {
    unsigned base = addBase(typeOf(value), results[i]);
    if (has(value) || isSource(value.getDefiningOp()))
      copies.push_back({value, identity(base)});
    else
      homes[value] = identity(base);
  }
  for (Operation &op : llvm::reverse(function.front().without_terminator())) {
    if (op.getNumResults() == 0 || !isa<RankedTensorType>(op.getResult(0).getType()) ||
        isSource(&op))
      continue;
    std::optional<View> view = viewOf(&op);
    if (!view) {
      for (Value result : op.getResults())
        if (!has(result))
          homes[result] = identity(addBase(typeOf(result), nullptr));
      placeParts(&op);
      continue;
    }
    if (!has(op.getResult(0)))
      continue; // an operand only: resolved forwards
    Home target = homes.find(op.getResult(0))->second;
    std::optional<Indices> inverse = inverseOf(&op);
    bool taken = has(view->source) || isa<BlockArgument>(view->source) ||
                 isSource(view->source.getDefiningOp());
    if (inverse && !taken) {
      homes[view->source] = {target.base, compose(target.indices, *inverse)};
      continue;
    }
    copies.push_back({op.getResult(0), target});
    homes.erase(op.getResult(0));
  }
}

/// From the operands on.
LogicalResult Homes::placeViews(func::FuncOp function) {
  for (Operation &op : function.front().without_terminator()) {
    if (op.getNumResults() == 0 || !isa<RankedTensorType>(op.getResult(0).getType()))
      continue;
    Value result = op.getResult(0);
    if (has(result))
      continue;
    if (isa<tensor::EmptyOp>(op)) {
      homes[result] = identity(addBase(typeOf(result), nullptr));
      continue;
    }
    if (Attribute elements; matchPattern(result, m_Constant(&elements))) {
      if (!isa<DenseElementsAttr>(elements))
        return op.emitError("a kernel takes large constants as arguments, found one inside");
      homes[result] = identity(addBase(typeOf(result), nullptr, elements));
      continue;
    }
    std::optional<View> view = viewOf(&op);
    const Home source = of(view->source);
    homes[result] = {source.base, compose(source.indices, view->indices)};
  }
  return success();
}

FailureOr<Homes> Homes::of(func::FuncOp function, ArrayRef<Value> arguments,
                           ArrayRef<Value> results) {
  Homes homes;
  homes.context = function.getContext();
  for (auto [argument, buffer] : llvm::zip(function.getArguments(), arguments))
    homes.homes[argument] = homes.identity(homes.addBase(typeOf(argument), buffer));
  homes.placeResults(function, results);
  if (failed(homes.placeViews(function)))
    return failure();
  return homes;
}

std::optional<Place> Homes::place(Value tensor) const {
  const Home &home = of(tensor);
  int64_t rank = typeOf(tensor).getRank();
  std::optional<Linear> flat =
      linearOf(linearize(home.indices, bases[home.base].shape, context), rank);
  if (!flat)
    return std::nullopt;
  return Place{bases[home.base].buffer, flat->constant, flat->factors};
}
