#include "targets/cpu/Winograd.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;
using Values = WinogradTransforms::Values;

bool nncc::cpu::isWinogradShape(const Contraction &p) {
  bool isWindow = p.kh == 3 && p.kw == 3 && p.strideH == 1 && p.strideW == 1 && p.dilationH == 1 &&
                  p.dilationW == 1 && p.packed && p.batches.empty() && p.element.isF32();
  return isWindow && constantOf(p.h) && constantOf(p.w) && constantOf(p.lineCount()) &&
         constantOf(p.x.size) && constantOf(p.y.size) && constantOf(p.n.size) &&
         constantOf(p.depth) && fixed(p.h) > 0 && fixed(p.w) > 0 && fixed(p.depth) > 0;
}

static ArrayRef<double> pairsOf(int64_t tile) {
  static constexpr double ofTwo[] = {1}, ofFour[] = {0.625, 1.5};
  return tile == 2 ? ArrayRef(ofTwo) : ArrayRef(ofFour);
}

/// The product of (y - q^2) over all pairs +-q but `except`, as coefficients of 1, y, y^2, ...
static SmallVector<double> productOf(ArrayRef<double> pairs, size_t except) {
  SmallVector<double> product{1};
  for (auto [i, q] : llvm::enumerate(pairs)) {
    if (i == except)
      continue;
    product.push_back(0);
    for (size_t k = product.size() - 1; k > 0; --k)
      product[k] = product[k - 1] - q * q * product[k];
    product[0] *= -q * q;
  }
  return product;
}

WinogradTransforms::WinogradTransforms(Emitter &e, int64_t tile, VectorType type)
    : e(e), type(type), pairs(pairsOf(tile)) {}

Value WinogradTransforms::fma(double factor, Value x, Value sum) {
  if (factor == 1)
    return sum ? arith::AddFOp::create(e.b, e.loc, sum, x).getResult() : x;
  if (factor == -1 && sum)
    return arith::SubFOp::create(e.b, e.loc, sum, x);
  auto splat = DenseElementsAttr::get(type, static_cast<float>(factor));
  Value times = arith::ConstantOp::create(e.b, e.loc, splat);
  if (!sum)
    return arith::MulFOp::create(e.b, e.loc, x, times);
  return vector::FMAOp::create(e.b, e.loc, x, times, sum);
}

Values WinogradTransforms::inBothDims(ValueRange x, Row transform) {
  int64_t size = x.size() == 9 ? 3 : points();
  SmallVector<Values> columns;
  for (int64_t j = 0; j < size; ++j) {
    Values column;
    for (int64_t i = 0; i < size; ++i)
      column.push_back(x[i * size + j]);
    columns.push_back((this->*transform)(column));
  }
  Values result;
  for (size_t i = 0; i < columns.front().size(); ++i) {
    Values row;
    for (const Values &column : columns)
      row.push_back(column[i]);
    llvm::append_range(result, (this->*transform)(row));
  }
  return result;
}

/// B^T d: at a point the value of the polynomial that is 0 at all others.
Values WinogradTransforms::inputRow(ValueRange d) {
  auto evaluate = [&](ArrayRef<double> product, int64_t first) {
    Value sum; // from the highest power, whose factor is 1
    for (size_t k = product.size(); k-- > 0;)
      sum = fma(product[k], d[first + 2 * k], sum);
    return sum;
  };
  SmallVector<double> all = productOf(pairs, pairs.size());
  Values result{evaluate(all, 0)};
  for (auto [i, p] : llvm::enumerate(pairs)) {
    SmallVector<double> others = productOf(pairs, i);
    Value even = evaluate(others, 2), odd = evaluate(others, 1);
    result.push_back(fma(p, odd, even));
    result.push_back(fma(-p, odd, even));
  }
  result.push_back(evaluate(all, 1));
  return result;
}

/// G g: the values of the polynomial g, each over the product of its point's distances to others.
Values WinogradTransforms::weightsRow(ValueRange g) {
  Values result{fma(1 / productOf(pairs, pairs.size())[0], g[0])};
  for (auto [i, p] : llvm::enumerate(pairs)) {
    double distances = 2 * p * p, square = p * p;
    for (auto [j, q] : llvm::enumerate(pairs))
      distances *= i == j ? 1 : square - q * q;
    Value even = fma(square / distances, g[2], fma(1 / distances, g[0]));
    result.push_back(fma(p / distances, g[1], even));
    result.push_back(fma(-p / distances, g[1], even));
  }
  result.push_back(g[2]);
  return result;
}

/// A^T m.
Values WinogradTransforms::outputRow(ValueRange m) {
  int64_t tile = 2 * pairs.size();
  Values sums, differences, result;
  for (int64_t i = 1; i < tile; i += 2) {
    sums.push_back(fma(1, m[i], m[i + 1]));
    differences.push_back(fma(-1, m[i + 1], m[i]));
  }
  for (int64_t power = 0; power < tile; ++power) {
    Value sum = power == 0 ? m[0] : power + 1 == tile ? m[tile + 1] : Value();
    for (auto [p, even, odd] : llvm::zip(pairs, sums, differences))
      sum = fma(std::pow(p, power), power % 2 ? odd : even, sum);
    result.push_back(sum);
  }
  return result;
}
