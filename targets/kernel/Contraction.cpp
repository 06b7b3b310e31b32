#include "targets/kernel/Contraction.h"

using namespace mlir;
using namespace nncc;
using kern::BLayout;

namespace {
struct Access {
  AffineExpr offset;
  Shape strides;

  Access(Value tensor, const Kernel *kernel) {
    if (kernel)
      offset = kernel->place(tensor).offset, strides = kernel->place(tensor).strides;
    else
      offset = getAffineConstantExpr(0, tensor.getContext()),
      strides = denseStrides(cast<RankedTensorType>(tensor.getType()));
  }
  AffineExpr back(int64_t i) const { return strides[strides.size() - 1 - i]; }
};

/// A loop of one iteration.
Axis noAxis(const Contraction &p) {
  AffineExpr zero = p.number(0);
  return Axis{p.number(1), zero, zero, zero, Shape(p.epilogue.getExtras().size(), zero)};
}

/// Builds a Contraction from an op.
struct Reader {
  kern::ContractOp op;
  Contraction &p;
  Access a, b, c;
  Shape sizesA = shapeOf(op.getAType()), sizes = shapeOf(op.getInitType());

  Reader(kern::ContractOp op, const Kernel *kernel, Contraction &p)
      : op(op), p(p), a(op.getA(), kernel), b(op.getB(), kernel), c(op.getInit(), kernel) {}

  /// The axis along dim `d` of init, without b.
  Axis axis(int64_t d, AffineExpr stepA) {
    Axis axis{sizes[d], stepA, p.number(0), c.strides[d], {}};
    for (const Epilogue::Extra &extra : p.epilogue.getExtras())
      axis.extras.push_back(extra.strides[d]);
    return axis;
  }

  /// Register tiles take neighbours along x: the columns of an image, or its rows where these are
  /// many more than fill a tile and columns are few, as in a sequence that is an image of one
  /// column.
  bool runsAlongRows() {
    constexpr int64_t fewColumns = 6;
    int64_t rank = sizes.size();
    return op.getWindowRank() == 2 && nominal(sizes[rank - 2]) < fewColumns &&
           nominal(sizes[rank - 3]) > 2 * fewColumns;
  }

  void readWindow() {
    ArrayRef<int64_t> pads = op.getPads();
    int64_t window = op.getWindowRank(), rank = sizes.size(), groups = op.getGroups() > 1;
    ArrayRef<int64_t> taps = op.getBType().getShape().slice(1 + groups, window);
    int64_t wide = runsAlongRows() ? 0 : window - 1; // the dim of the window along x
    int64_t back = window - wide;                    // and of a, from the end
    p.w = sizesA[rank - 1 - back], p.kw = taps[wide], p.strideW = op.getStrides()[wide];
    p.dilationW = op.getDilations()[wide], p.left = pads[wide];
    p.right = pads[window + wide], p.aW = a.back(back), p.bW = b.back(back + 1 + p.isOfBytes);
    p.x = axis(rank - 1 - back, p.aW * p.strideW);
    if (window < 2)
      return;
    int64_t high = 1 - wide;
    back = window - high;
    p.h = sizesA[rank - 1 - back], p.kh = taps[high], p.strideH = op.getStrides()[high];
    p.dilationH = op.getDilations()[high], p.top = pads[high], p.bottom = pads[window + high];
    p.aH = a.back(back), p.bH = b.back(back + 1 + p.isOfBytes);
    p.y = axis(rank - 1 - back, p.aH * p.strideH);
  }

  void readB() {
    p.bOffset = b.offset;
    if (!p.packed) {
      bool transposed = op.getBLayout() == BLayout::Transposed;
      p.bK = b.back(transposed ? 0 : 1), p.n.b = b.back(transposed ? 1 : 0);
      return;
    }
    p.bK = b.back(1 + p.isOfBytes), p.bPanel = b.strides[op.getGroups() > 1];
    // What the weights have: of an open number of channels a run checks that it is the same.
    RankedTensorType weights = op.getBType();
    if (!op.getBlocksAttr())
      p.depth = p.number(weights.getDimSize(weights.getRank() - 2 - p.isOfBytes));
    if (op.getGroups() == 1)
      return;
    int64_t groups = op.getGroups();
    p.n.size = p.number(fixed(p.n.size) / groups);
    Axis axis{p.number(groups), p.depth * p.aK, b.strides[0], p.n.size * p.n.c, {}};
    for (AffineExpr stride : p.n.extras)
      axis.extras.push_back(p.n.size * stride);
    p.batches.push_back(axis);
  }

  void read() {
    int64_t window = op.getWindowRank(), rank = op.getInitType().getRank();
    p.packed = op.getBLayout() == BLayout::Packed;
    AffineExpr zero = p.number(0);
    p.depth = sizesA.back(), p.aK = a.back(0);
    if (p.isOfBytes)
      p.aK = p.aK * kern::bytesPerStep;
    p.aOffset = a.offset, p.cOffset = c.offset;
    p.h = p.w = p.number(1), p.aH = p.aW = p.bPanel = p.bH = p.bW = zero;
    p.n = axis(rank - 1, zero);
    p.x = p.y = noAxis(p);
    readB();
    if (window)
      readWindow();
    int64_t batches = p.packed ? 0 : op.getBType().getRank() - 2;
    for (int64_t d = 0; d < rank - 1 - window; ++d) {
      Axis outer = axis(d, a.strides[d]);
      if (d < batches && op.getBType().getDimSize(d) != 1)
        outer.b = b.strides[d];
      if (constantOf(outer.size) != 1)
        (constantOf(outer.b) != 0 ? p.batches : p.lines).push_back(outer);
    }
  }
};

/// Neighbours whose strides follow from one another are one loop.
void fold(SmallVectorImpl<Axis> &axes) {
  for (size_t i = 0; i + 1 < axes.size();) {
    const Axis &outer = axes[i], &inner = axes[i + 1];
    auto follows = [&](AffineExpr x, AffineExpr y) {
      return normalForm(x) == normalForm(y * inner.size);
    };
    if (follows(outer.a, inner.a) && follows(outer.b, inner.b) && follows(outer.c, inner.c) &&
        llvm::equal(outer.extras, inner.extras, follows)) {
      axes[i + 1].size = normalForm(outer.size * inner.size);
      axes.erase(axes.begin() + i);
    } else
      ++i;
  }
}

/// Pixels under a window of one tap are rows; x becomes the longest of the lines' axes.
void flatten(Contraction &p) {
  if (p.kh * p.kw == 1 && !p.isPadded()) {
    for (Axis *axis : {&p.y, &p.x}) {
      if (constantOf(axis->size) != 1)
        p.lines.push_back(*axis);
      *axis = noAxis(p);
    }
    fold(p.lines);
    // Of equal ones the last, whose rows are neighbours.
    auto longest =
        std::max_element(p.lines.rbegin(), p.lines.rend(), [](const Axis &l, const Axis &r) {
          return nominal(l.size) < nominal(r.size);
        });
    if (longest != p.lines.rend()) {
      p.x = *longest;
      p.lines.erase(std::next(longest).base());
    }
    p.h = p.number(1), p.w = p.x.size, p.strideH = p.strideW = 1;
  }
  fold(p.lines);
  fold(p.batches);
}
} // namespace

FailureOr<Contraction> Contraction::of(kern::ContractOp op, const Kernel *kernel) {
  RankedTensorType types[] = {op.getAType(), op.getBType(), op.getInitType()};
  for (RankedTensorType type : types)
    if (!type.hasStaticShape() && !type.getEncoding())
      return op.emitError("a contraction takes sizes that are constants or expressions over "
                          "symbols, found ")
             << type;
  Type sum = op.getSumType(), stored = types[2].getElementType();
  if (!sum.isF32() && !sum.isF64() && !op.isOfBytes())
    return op.emitError("a contraction is implemented for f16, bf16, f32, f64 and bytes, found ")
           << types[0];
  if (!stored.isIntOrFloat() || stored.getIntOrFloatBitWidth() % 8)
    return op.emitError("a contraction cannot store elements of type ") << stored;
  if ((op.isOfBytes() || op.getBlocksAttr()) && types[0].isDynamicDim(types[0].getRank() - 1))
    return op.emitError("bytes are multiplied where K is constant, found ") << types[0];
  if (op.getBLayout() == BLayout::Packed && !types[1].hasStaticShape())
    return op.emitError("packed weights have constant sizes, found ") << types[1];
  if (op.getBLayout() == BLayout::Packed && types[2].isDynamicDim(types[2].getRank() - 1))
    return op.emitError("expects a constant number of columns with packed weights, found ")
           << types[2];
  if (op.getWindowRank() > 2)
    return op.emitError("a convolution over ")
           << op.getWindowRank() << " dims is not implemented, only over one or two";
  FailureOr<Epilogue> epilogue = Epilogue::of(op, kernel);
  if (failed(epilogue))
    return failure();
  Contraction p;
  p.element = sum, p.stored = stored, p.isOfBytes = op.isOfBytes(), p.epilogue = *epilogue;
  p.operand = types[0].getElementType();
  if (kern::BlocksAttr blocks = op.getBlocksAttr())
    p.blocks = WeightBlocks{blocks.getBits(), blocks.getRows()};
  p.weightBytes = p.isOfBytes ? p.elementBytes() : types[1].getElementTypeBitWidth() / 8;
  Reader(op, kernel, p).read();
  flatten(p);
  if (!constantOf(p.n.c) || !llvm::all_of(p.n.extras, constantOf))
    return op.emitError("expects neighbouring columns of init and of extras at constant distances");
  return p;
}

AffineExpr Contraction::batchCount() const {
  AffineExpr count = number(1);
  for (const Axis &axis : batches)
    count = count * axis.size;
  return normalForm(count);
}

AffineExpr Contraction::lineCount() const {
  AffineExpr count = y.size;
  for (const Axis &axis : lines)
    count = axis.size * count;
  return normalForm(count);
}

int64_t Line::tiles() const {
  int64_t count = interior.count;
  for (const Stretch &stretch : llvm::concat<const Stretch>(left, right))
    count += stretch.count;
  return count;
}

SmallVector<Contraction::Taps> Contraction::clip(int64_t x, int64_t rows) const {
  SmallVector<Taps> result;
  int64_t width = fixed(w);
  for (int64_t t = 0; t < kw; ++t) {
    int64_t from = rows, to = 0;
    for (int64_t r = 0; r < rows; ++r) {
      int64_t column = (x + r) * strideW + t * dilationW - left;
      if (column >= 0 && column < width)
        from = std::min(from, r), to = r + 1;
    }
    if (from >= to)
      continue;
    if (!result.empty() && result.back().from == from && result.back().to == to &&
        result.back().first + result.back().count == t)
      ++result.back().count;
    else
      result.push_back({from, to, t, 1});
  }
  return result;
}

Line Contraction::divideLine(int64_t rows) const {
  constexpr int64_t mostReductions = 24; // 0.3 to 0.7 KiB of code each
  // Rows in [begin, end) see no padding at their sides.
  int64_t length = fixed(x.size);
  int64_t begin = std::min<int64_t>(length, llvm::divideCeil(left, strideW));
  int64_t end = begin, room = fixed(w) - 1 - (kw - 1) * dilationW + left;
  if (room >= 0)
    end = std::max(begin, std::min(length, room / strideW + 1));
  Line line;
  int64_t at = 0, reductions = 0;
  auto border = [&](SmallVectorImpl<Stretch> &to, int64_t until) {
    while (at < until) {
      int64_t size = std::min(rows, length - at);
      reductions += clip(at, size).size();
      to.push_back({at, size, 1});
      at += size;
    }
  };
  border(line.left, begin);
  int64_t count = std::max<int64_t>(0, end - at) / rows;
  line.interior = {at, rows, count};
  at += count * rows;
  border(count ? line.right : line.left, length);
  if (reductions <= mostReductions)
    return line;
  line = Line();
  if (begin)
    line.left.push_back({0, 1, begin, true});
  line.interior = {begin, rows, (end - begin) / rows};
  at = begin + line.interior.count * rows;
  if (at < end)
    line.right.push_back({at, end - at, 1});
  if (end < length)
    line.right.push_back({end, 1, length - end, true});
  return line;
}
