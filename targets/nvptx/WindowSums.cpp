#include "targets/nvptx/WindowSums.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

/// A window of more taps is looped over row by row: what it reads does not fit in registers.
static constexpr int64_t mostUnrolled = 9;

SmallVector<const WindowDim *> nncc::nvptx::dimsOfResult(const Window &window) {
  SmallVector<const WindowDim *> result;
  for (const auto *dims : {&window.batches, &window.rows})
    for (const WindowDim &dim : *dims)
      result.push_back(&dim);
  result.push_back(&window.columns), result.push_back(&window.channels);
  return result;
}

Value WindowSums::isInterior(const Values &indices) {
  Value result;
  auto require = [&](Value condition) { result = e.both(result, condition); };
  for (auto [dim, index] : llvm::zip(dims, indices)) {
    bool isColumn = dim == &p.columns;
    if (dim->isPadded()) {
      Value first = e.sub(e.mul(index, dim->stride), e.constant(dim->low));
      int64_t last = (dim->taps - 1) * dim->dilation;
      last += isColumn ? (tile.columns - 1) * dim->stride : 0;
      if (dim->low)
        require(e.compare(arith::CmpIPredicate::sge, first, e.constant(0)));
      require(e.compare(arith::CmpIPredicate::slt, e.add(first, last), e.size(dim->in)));
    }
    if (isColumn && tile.hasRest(p))
      require(e.compare(arith::CmpIPredicate::sle, e.add(index, tile.columns), e.size(dim->out)));
  }
  return result;
}

WindowSums::Position WindowSums::start(const Values &indices) {
  Position at{e.size(p.aOffset), e.size(p.weightsOffset), e.constant(0)};
  for (auto [dim, index] : llvm::zip(dims, indices)) {
    Value first = e.sub(e.mul(index, dim->stride), e.constant(dim->low));
    if (dim == &p.columns)
      at.column = first;
    else
      at.a = e.add(at.a, e.mul(first, dim->a));
  }
  at.weights = e.add(at.weights, e.mul(indices.back(), p.channels.weights));
  return at;
}

WindowSums::Values WindowSums::at(const Values &indices) {
  Value first = arith::ConstantOp::create(e.b, e.loc, p.neutral());
  Values sums(tile.columns * tile.channels, first);
  SmallVector<Type> types(sums.size(), p.sum);
  auto inside = [&] {
    return means(allTaps(0, start(indices), sums), Values(tile.columns, e.constant(p.kernelSize)));
  };
  auto edge = [&] { return atEdge(indices, sums); };
  Value interior = isInterior(indices);
  if (!interior)
    return inside();
  return mayCopy ? e.choose(interior, types, inside, edge) : edge();
}

WindowSums::Values WindowSums::atEdge(const Values &indices, const Values &sums) {
  Values counts;
  for (int64_t i = 0; i < tile.columns; ++i)
    counts.push_back(tapsInside(e, p.columns, e.add(indices[indices.size() - 2], i)).count);
  SmallVector<WindowTaps> rows;
  size_t first = p.batches.size();
  for (const WindowDim &dim : p.rows) {
    rows.push_back(tapsInside(e, dim, indices[first++]));
    for (Value &count : counts)
      count = arith::MulIOp::create(e.b, e.loc, count, rows.back().count);
  }
  auto taps = [&] { return means(clippedTaps(0, rows, start(indices), sums), counts); };
  std::optional<int64_t> columns = constantOf(p.columns.in);
  if (columns && *columns > 0)
    return taps();
  Value exists = e.compare(arith::CmpIPredicate::sgt, e.size(p.columns.in), e.constant(0));
  return e.choose(exists, SmallVector<Type>(sums.size(), p.sum), taps,
                  [&] { return means(sums, counts); });
}

WindowSums::Position WindowSums::advance(const Position &from, const WindowDim &dim, Value taps) {
  Position to = from;
  to.a = e.add(from.a, e.mul(taps, normalForm(dim.a * dim.dilation)));
  to.weights = e.add(from.weights, e.mul(taps, dim.weights));
  return to;
}

WindowSums::Values WindowSums::clippedTaps(size_t d, ArrayRef<WindowTaps> rows, const Position &at,
                                           ValueRange sums) {
  if (d == rows.size())
    return rowOfTaps(at, sums, /*isClipped=*/true);
  Position first = advance(at, p.rows[d], rows[d].first);
  return e.loop(rows[d].count, 1, sums, [&](Value i, ValueRange carried) {
    return clippedTaps(d + 1, rows, advance(first, p.rows[d], i), carried);
  });
}

WindowSums::Values WindowSums::allTaps(size_t d, const Position &at, ValueRange sums) {
  if (d == p.rows.size())
    return rowOfTaps(at, sums, /*isClipped=*/false);
  const WindowDim &dim = p.rows[d];
  auto tap = [&](Value i, ValueRange carried) {
    return allTaps(d + 1, advance(at, dim, i), carried);
  };
  if (p.kernelSize > mostUnrolled)
    return e.loop(e.constant(dim.taps), 1, sums, tap);
  Values result(sums);
  for (int64_t i = 0; i < dim.taps; ++i)
    result = tap(e.constant(i), result);
  return result;
}

WindowSums::Values WindowSums::load(Value buffer, Value at) {
  Values result;
  for (Value value : e.loadNeighbours(buffer, at, tile.channels)) {
    if (value.getType() != p.sum)
      value = isa<FloatType>(value.getType())
                  ? arith::ExtFOp::create(e.b, e.loc, p.sum, value).getResult()
                  : arith::UIToFPOp::create(e.b, e.loc, p.sum, value).getResult();
    result.push_back(value);
  }
  return result;
}

WindowSums::Values WindowSums::rowOfTaps(const Position &at, ValueRange carried, bool isClipped) {
  const WindowDim &dim = p.columns;
  isClipped &= dim.isPadded() || tile.hasRest(p);
  Values sums(carried);
  SmallVector<Values> weights(dim.taps);
  for (const auto &[number, uses] : p.uses(tile.columns, std::nullopt, dim.taps)) {
    Value column = e.add(at.column, number), isInside;
    if (isClipped) {
      Value last = e.sub(e.size(dim.in), e.constant(1));
      isInside = e.compare(arith::CmpIPredicate::ule, column, last);
      column = e.minimum(dim.low ? e.maximum(column, e.constant(0)) : column, last);
    }
    Values pixels = load(bufferA, e.add(at.a, e.mul(column, dim.a)));
    for (auto [pixel, tap] : uses) {
      if (bufferWeights && weights[tap].empty())
        weights[tap] = load(bufferWeights, e.add(at.weights, e.size(dim.weights * tap)));
      for (int64_t k = 0; k < tile.channels; ++k) {
        Value &sum = sums[pixel * tile.channels + k];
        Value next = combine(sum, pixels[k], bufferWeights ? weights[tap][k] : Value());
        sum = isClipped ? arith::SelectOp::create(e.b, e.loc, isInside, next, sum) : next;
      }
    }
  }
  return sums;
}

Value WindowSums::combine(Value sum, Value pixel, Value weight) {
  switch (p.kind) {
  case kern::WindowKind::Depthwise:
    return math::FmaOp::create(e.b, e.loc, pixel, weight, sum);
  case kern::WindowKind::Max:
    if (isa<FloatType>(p.sum))
      return arith::MaximumFOp::create(e.b, e.loc, sum, pixel, arith::FastMathFlags::nsz);
    return arith::MaxSIOp::create(e.b, e.loc, sum, pixel);
  case kern::WindowKind::Average:
  case kern::WindowKind::AverageValid:
    return arith::AddFOp::create(e.b, e.loc, sum, pixel);
  }
  llvm_unreachable("all kinds are named");
}

WindowSums::Values WindowSums::means(Values sums, const Values &counts) {
  const bool isAverage = p.kind == kern::WindowKind::Average;
  if (!isAverage && p.kind != kern::WindowKind::AverageValid)
    return sums;
  for (auto [i, sum] : llvm::enumerate(sums)) {
    Value count = isAverage ? e.constant(p.kernelSize) : counts[i / tile.channels];
    count = arith::IndexCastOp::create(e.b, e.loc, e.b.getI32Type(), count);
    sum = arith::DivFOp::create(e.b, e.loc, sum, arith::SIToFPOp::create(e.b, e.loc, p.sum, count));
  }
  return sums;
}
