// nn.pad: see Move.td.
#include "dialects/nn/Generics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

/// [lo1..lor, hi1..hir] of all dims.
static FailureOr<Shape> resolvePads(ArrayRef<Fact> operands, EmitError error) {
  int64_t rank = operands[0].rank();
  const std::optional<Shape> &pads = operands[1].value;
  if (operands[1].rank() > 1)
    return error("expects pads of rank 1, found rank " + Twine(operands[1].rank()));
  if (!pads)
    return error("expects pads known at compile time");
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (isPresent(operands, 3)) {
    FailureOr<SmallVector<int64_t>> given = expectConstants(operands[3], "axes", error);
    if (failed(given) || failed(normalizeAxes(*given, rank, error)))
      return failure();
    axes = *given;
  }
  if (pads->size() != 2 * axes.size())
    return error("expects " + Twine(2 * axes.size()) + " pads, found " + Twine(pads->size()));
  MLIRContext *context = operands[0].element.getContext();
  Shape result(2 * rank, getAffineConstantExpr(0, context));
  for (AffineExpr pad : *pads) {
    constexpr int64_t most = int64_t(1) << 40; // no sum overflows
    int64_t known = constantOf(pad).value_or(0);
    if (known < -most || known > most)
      return error("expects pads from " + Twine(-most) + " to " + Twine(most) + ", found " +
                   Twine(known));
  }
  for (auto [i, axis] : llvm::enumerate(axes)) {
    int64_t dim = fromFront(axis, rank);
    result[dim] = (*pads)[i];
    result[rank + dim] = (*pads)[axes.size() + i];
  }
  return result;
}

LogicalResult PadOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                           EmitError error) {
  FailureOr<Shape> pads = resolvePads(operands, error);
  if (failed(pads))
    return failure();
  const Fact &operand = operands[0], &value = operands[2];
  if (value.element != operand.element || value.rank() > 1 || (value.rank() && value.size(0) != 1))
    return error("expects one value of the operand's element type to pad with");
  Fact &result = results.emplace_back();
  result.element = operand.element;
  for (int64_t i = 0; i < operand.rank(); ++i) {
    AffineExpr low = (*pads)[i], high = (*pads)[operand.rank() + i];
    bool grows = constantOf(low).value_or(0) > 0 || constantOf(high).value_or(0) > 0;
    if (operand.size(i) == 0 && grows && op.getMode() != PadMode::Constant)
      return error("expects elements to repeat in dim " + Twine(i) + ", found none");
    result.shape.push_back(operand.shape[i] + (low + high));
  }
  return success();
}

/// Whether a size is 0 or more for all symbols, as its form tells.
static bool isNeverNegative(AffineExpr size) {
  if (std::optional<int64_t> known = constantOf(size))
    return *known >= 0;
  auto binary = dyn_cast<AffineBinaryOpExpr>(size);
  if (!binary || binary.getKind() == AffineExprKind::Mod)
    return true;
  return isNeverNegative(binary.getLHS()) && isNeverNegative(binary.getRHS());
}

namespace {
/// A pad in the constant mode, on storage types.
struct ConstantPad {
  Generics g;
  Value operand, fill; // a scalar
  ArrayRef<AffineExpr> pads;
  Shape result;

  Type element() const { return fill.getType(); }
  Value lower();
  Value lowerByPlace();
};
} // namespace

/// What is taken away is cut off, then the value is put around.
Value ConstantPad::lower() {
  SmallVector<OpFoldResult> offsets, low, high;
  Shape sizes, from = shapeOf(operand);
  bool isCut = false, isEmpty = false;
  for (auto [dim, size] : llvm::enumerate(from)) {
    AffineExpr before = pads[dim], after = pads[from.size() + dim], zero = before * 0;
    bool isStatic = constantOf(before) && constantOf(after) && constantOf(size);
    if (!isStatic && !(isNeverNegative(before) && isNeverNegative(after)))
      return lowerByPlace();
    AffineExpr start = zero, left = size, padBefore = before;
    if (isStatic) {
      // A cut may take all that is there, and a part of the padding of the other side.
      int64_t begin = std::clamp<int64_t>(-*constantOf(before), 0, *constantOf(size)),
              end = std::clamp(*constantOf(size) + *constantOf(after), begin, *constantOf(size));
      start = zero + begin, left = zero + (end - begin);
      padBefore = zero + std::clamp<int64_t>(*constantOf(before), 0, *constantOf(result[dim]));
    }
    offsets.push_back(g.bound(start));
    sizes.push_back(left);
    low.push_back(g.bound(padBefore));
    high.push_back(g.bound(result[dim] - padBefore - left));
    isCut |= left != size;
    isEmpty |= constantOf(left) == 0;
  }
  if (isEmpty) // nothing of the operand is left
    return linalg::FillOp::create(g.b, g.loc, fill, g.empty(result, element())).getResult(0);
  if (isCut) {
    SmallVector<OpFoldResult> steps(from.size(), g.b.getIndexAttr(1));
    operand = tensor::ExtractSliceOp::create(g.b, g.loc, tensorOf(sizes, element()), operand,
                                             offsets, g.bounds(sizes), steps);
  }
  return tensor::PadOp::create(g.b, g.loc, tensorOf(result, element()), operand, low, high, fill);
}

/// Of pads that may turn out to be negative.
Value ConstantPad::lowerByPlace() {
  Shape from = shapeOf(operand);
  SmallVector<OpFoldResult> sizes = g.bounds(from), offsets;
  for (AffineExpr before : pads.take_front(from.size()))
    offsets.push_back(g.bound(-before));
  Value exists = g.hasElements(from);
  return g.map(result, element(), {}, [&](OpBuilder &b, Location loc, ValueRange) -> Value {
    IndexMath m{b, loc};
    SmallVector<Value> indices;
    Value isInside;
    for (size_t dim = 0; dim < from.size(); ++dim) {
      Value place = m.add(m.loop(dim), offsets[dim]), here = m.inside(place, sizes[dim]);
      isInside = isInside ? arith::AndIOp::create(b, loc, isInside, here).getResult() : here;
      indices.push_back(m.clamp(place, sizes[dim]));
    }
    return arith::SelectOp::create(b, loc, isInside, m.extract(operand, indices, exists), fill);
  });
}

namespace {
/// One dim whose edges are repeated, mirrored or wrapped around.
struct FoldedDim {
  PadMode mode;
  bool isMoved;                             // beyond an edge, as far as is known
  OpFoldResult offset, size, period, below; // below: what makes all places positive

  FoldedDim(Generics &g, PadMode mode, AffineExpr from, AffineExpr low, AffineExpr high)
      : mode(mode), isMoved(constantOf(low).value_or(1) > 0 || constantOf(high).value_or(1) > 0),
        offset(g.bound(-low)), size(g.bound(from)) {
    if (constantOf(from) == 1)
      this->mode = PadMode::Edge;
    if (this->mode == PadMode::Edge || !isMoved)
      return;
    AffineExpr once = mode == PadMode::Wrap ? from : (from - 1) * 2;
    period = g.bound(once);
    if (auto value = dyn_cast<Value>(period)) // an empty tensor must not trap
      period =
          arith::MaxSIOp::create(g.b, g.loc, value, IndexMath{g.b, g.loc}.constant(1)).getResult();
    if (std::optional<int64_t> known = constantOf(low))
      low = getAffineConstantExpr(std::max<int64_t>(*known, 0), low.getContext());
    below = g.bound(low.ceilDiv(once) * once);
  }
  /// The place in [0, size) that a place of the result repeats.
  Value at(const IndexMath &m, Value place) const;
};
} // namespace

Value FoldedDim::at(const IndexMath &m, Value place) const {
  place = m.add(place, offset);
  if (!isMoved)
    return place;
  if (mode == PadMode::Edge)
    return m.clamp(place, size);
  Value positive = m.add(place, below);
  Value rest = arith::RemUIOp::create(m.b, m.loc, positive, m.value(period));
  if (mode == PadMode::Wrap)
    return rest;
  // 0 .. size - 1, then back: size - 1 - |size - 1 - rest|.
  Value distance = m.sub(m.last(size), rest), back = m.sub(rest, m.last(size));
  Value magnitude = arith::MaxSIOp::create(m.b, m.loc, distance, back);
  return m.sub(m.last(size), magnitude);
}

FailureOr<SmallVector<Value>> PadOp::lower(OpBuilder &b) {
  auto error = [&](const Twine &text) { return emitOpError(text); };
  FailureOr<Shape> pads = resolvePads(factsOf(getOperands()), error);
  if (failed(pads))
    return failure();
  Generics g(b, getLoc());
  Shape from = shapeOf(getOperand()), result = shapeOf(getType());
  Value operand = toStorage(b, getLoc(), getOperand());
  if (getMode() == PadMode::Constant) {
    Value value = toStorage(b, getLoc(), getValue());
    SmallVector<Value> first(getValue().getType().getRank(), IndexMath{b, getLoc()}.constant(0));
    Value fill = tensor::ExtractOp::create(b, getLoc(), value, first);
    return asResult(b, *this, ConstantPad{g, operand, fill, *pads, result}.lower());
  }
  SmallVector<FoldedDim> dims;
  Shape padded;
  for (auto [dim, size] : llvm::enumerate(from)) {
    dims.emplace_back(g, getMode(), size, (*pads)[dim], (*pads)[from.size() + dim]);
    if (dims.back().isMoved)
      padded.push_back(size);
  }
  return asResult(b, *this,
                  g.moveByIndex(operand, result, g.hasElements(padded),
                                [&](const IndexMath &m, int64_t dim, Value place) {
                                  return dims[dim].at(m, place);
                                }));
}

OpFoldResult PadOp::fold(FoldAdaptor) {
  auto silent = [](const Twine &) { return failure(); };
  FailureOr<Shape> pads = resolvePads(factsOf(getOperands()), silent);
  bool nothing =
      succeeded(pads) && llvm::all_of(*pads, [](AffineExpr pad) { return constantOf(pad) == 0; });
  return nothing && getType() == getOperand().getType() ? getOperand() : OpFoldResult();
}

} // namespace nncc::nn
