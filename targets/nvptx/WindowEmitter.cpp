// kern.window -> one thread for each element of the result; neighbouring threads take neighbouring
// channels.
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "targets/kernel/Window.h"
#include "targets/nvptx/ThreadBlock.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

namespace {
using Values = SmallVector<Value>;
constexpr int64_t blockThreads = 128;

class WindowEmitter {
public:
  WindowEmitter(ThreadBlock &e, kern::WindowOp op, const Window &p)
      : e(e), p(p), bufferA(e.kernel.place(op.getA()).buffer),
        bufferC(e.kernel.place(op.getResult()).buffer) {
    if (op.getWeights())
      bufferWeights = e.kernel.place(op.getWeights()).buffer;
    for (const WindowDim &dim : p.batches)
      dims.push_back(&dim);
    for (const WindowDim &dim : p.rows)
      dims.push_back(&dim);
    dims.push_back(&p.columns), dims.push_back(&p.channels);
  }

  void emit() {
    AffineExpr points = e.b.getAffineConstantExpr(1);
    for (const WindowDim *dim : dims)
      points = points * dim->out;
    points = normalForm(points);
    e.units(points.ceilDiv(e.threads), [&](Value unit) {
      Value point = e.add(e.mul(unit, e.threads), e.thread);
      Value exists =
          arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult, point, e.size(points));
      e.branch(
          exists, [&] { element(locate(point)); }, [] {});
    });
  }

private:
  Values locate(Value point) {
    Values indices(dims.size());
    for (size_t d = dims.size() - 1; d > 0; --d)
      std::tie(point, indices[d]) = e.divide(point, dims[d]->out);
    indices[0] = point;
    return indices;
  }

  void element(const Values &indices) {
    Value a = e.size(p.aOffset), c = e.size(p.cOffset), weights = e.size(p.weightsOffset);
    for (auto [dim, index] : llvm::zip(dims, indices)) {
      a = e.add(a, e.mul(index, normalForm(dim->a * dim->stride)));
      a = e.add(a, e.size(normalForm(dim->a * -dim->low)));
      c = e.add(c, e.mul(index, dim->c));
    }
    weights = e.add(weights, e.mul(indices.back(), p.channels.weights));
    Value zero = arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(e.b.getI32Type()));
    Value first = arith::ConstantOp::create(e.b, e.loc, p.neutral());
    Values sums = taps(0, indices, a, weights, {first, zero});
    store(indices, c, mean(sums[0], sums[1]));
  }

  /// Loops over the taps of dim `d` and those behind it that are inside of the image; the sum and
  /// the number of taps.
  Values taps(size_t d, const Values &indices, Value a, Value weights, ValueRange carried) {
    if (d == dims.size())
      return tap(a, weights, carried);
    const WindowDim &dim = *dims[d];
    if (dim.taps == 1 && dim.low == 0)
      return taps(d + 1, indices, a, weights, carried);
    return e.stride(e.constant(0), e.constant(dim.taps), 1, carried,
                    [&](Value i, ValueRange values) {
                      Value at = e.sub(e.add(e.mul(indices[d], dim.stride), e.mul(i, dim.dilation)),
                                       e.constant(dim.low));
                      Value next = e.add(a, e.mul(i, normalForm(dim.a * dim.dilation)));
                      Value factor = e.add(weights, e.mul(i, dim.weights));
                      auto inside = [&] { return taps(d + 1, indices, next, factor, values); };
                      return dim.isPadded() ? ifInside(at, dim, values, inside) : inside();
                    });
  }

  /// A position below 0 is far above as an unsigned number.
  Values ifInside(Value at, const WindowDim &dim, ValueRange otherwise,
                  llvm::function_ref<Values()> body) {
    Value isInside = e.compare(arith::CmpIPredicate::ult, at, e.size(dim.in));
    return e.choose(isInside, otherwise.getTypes(), body,
                    [&] { return llvm::to_vector_of<Value>(otherwise); });
  }

  Value load(Value buffer, Value at) {
    Value value = memref::LoadOp::create(e.b, e.loc, buffer, at);
    if (value.getType() == p.sum)
      return value;
    return isa<FloatType>(value.getType())
               ? arith::ExtFOp::create(e.b, e.loc, p.sum, value).getResult()
               : arith::UIToFPOp::create(e.b, e.loc, p.sum, value).getResult();
  }

  Values tap(Value a, Value weights, ValueRange carried) {
    Value pixel = load(bufferA, a), sum = carried[0];
    Value one = arith::ConstantIntOp::create(e.b, e.loc, e.b.getI32Type(), 1);
    Value count = arith::AddIOp::create(e.b, e.loc, carried[1], one);
    switch (p.kind) {
    case kern::WindowKind::Depthwise:
      sum = math::FmaOp::create(e.b, e.loc, pixel, load(bufferWeights, weights), sum);
      break;
    case kern::WindowKind::Max:
      if (isa<FloatType>(p.sum))
        sum = arith::MaximumFOp::create(e.b, e.loc, sum, pixel, arith::FastMathFlags::nsz);
      else
        sum = arith::MaxSIOp::create(e.b, e.loc, sum, pixel);
      break;
    case kern::WindowKind::Average:
    case kern::WindowKind::AverageValid:
      sum = arith::AddFOp::create(e.b, e.loc, sum, pixel);
    }
    return {sum, count};
  }

  Value mean(Value sum, Value count) {
    if (p.kind == kern::WindowKind::Average)
      count = arith::ConstantIntOp::create(e.b, e.loc, e.b.getI32Type(), p.kernelSize);
    else if (p.kind != kern::WindowKind::AverageValid)
      return sum;
    return arith::DivFOp::create(e.b, e.loc, sum,
                                 arith::SIToFPOp::create(e.b, e.loc, p.sum, count));
  }

  void store(const Values &indices, Value c, Value sum) {
    Values extras;
    for (auto [n, extra] : llvm::enumerate(p.epilogue.getExtras())) {
      Value at = e.size(extra.offset);
      for (auto [dim, index] : llvm::zip(dims, indices))
        at = e.add(at, e.mul(index, dim->extras[n]));
      extras.push_back(memref::LoadOp::create(e.b, e.loc, extra.buffer, at));
    }
    memref::StoreOp::create(e.b, e.loc, p.epilogue.apply(e, sum, extras), bufferC, c);
  }

  ThreadBlock &e;
  const Window &p;
  Value bufferA, bufferC, bufferWeights;
  SmallVector<const WindowDim *> dims; // of the result, outermost first
};
} // namespace

FailureOr<int64_t> nncc::nvptx::emitWindow(OpBuilder &b, kern::WindowOp op, Kernel &kernel) {
  FailureOr<Window> window = Window::of(op, kernel);
  if (failed(window))
    return failure();
  ThreadBlock block(b, kernel, blockThreads);
  block.loc = op.getLoc();
  WindowEmitter(block, op, *window).emit();
  return block.threads;
}
