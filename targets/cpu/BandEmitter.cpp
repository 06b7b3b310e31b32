// A chain of a window and contractions -> a loop over bands of rows: each operation computes the
// rows of the band that the next one takes, into scratch that the next band uses again.
#include "targets/cpu/Bands.h"
#include "targets/cpu/Emitters.h"
#include "targets/kernel/Emitter.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {
class BandEmitter : public Emitter {
public:
  BandEmitter(OpBuilder &b, const Chain &chain, int64_t rows, Kernel &kernel)
      : Emitter{b, chain.window->getLoc(), &kernel.sizes}, chain(chain), rows(rows),
        kernel(kernel) {}

  LogicalResult emit() {
    auto units = scf::ForOp::create(b, loc, kernel.begin, kernel.end, constant(1));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(units.getBody());
    Value image = constant(0), index = units.getInductionVar();
    if (chain.images > 1)
      std::tie(image, index) = divide(index, chain.bands(rows));
    if (failed(band(image, mul(index, rows))))
      return failure();
    kernel.setUnits(chain.images * chain.bands(rows));
    return success();
  }

private:
  const Chain &chain;
  int64_t rows;
  Kernel &kernel;

  /// The rows of an image from `y` on.
  LogicalResult band(Value image, Value y) {
    RankedTensorType in = chain.before, out = chain.after;
    Value count = constant(std::min(rows, chain.out));
    if (chain.out % rows)
      count = minimum(count, sub(constant(chain.out), y));
    RowRange own = rangeOf(out, add(mul(image, chain.out), y), count), consumed = own;
    if (chain.producer) {
      auto [top, end] = rowsBefore(y, count);
      RowRange produced = rangeOf(in, add(mul(image, chain.in), top), sub(end, top));
      own.a = produced.result = begin(in, produced.first);
      if (failed(emitContract(b, chain.producer, kernel, &produced)))
        return failure();
    }
    if (chain.consumer)
      own.result = consumed.a = begin(out, own.first);
    if (failed(emitWindow(b, chain.window, kernel, &own)))
      return failure();
    return chain.consumer ? emitContract(b, chain.consumer, kernel, &consumed) : success();
  }

  static RowRange rangeOf(RankedTensorType type, Value first, Value count) {
    return {first, count, type.getDimSize(0) * type.getDimSize(1), type.getDimSize(2), {}, {}};
  }

  /// The first row of a band is the first one in scratch.
  Value begin(RankedTensorType type, Value first) {
    return mul(first, -type.getDimSize(2) * type.getDimSize(3));
  }

  /// The rows [top, end) of an image that `count` rows from `y` on take. A window behind the last
  /// row may read that one, for nothing.
  std::pair<Value, Value> rowsBefore(Value y, Value count) {
    int64_t reach = (chain.taps - 1) * chain.dilation + 1;
    Value first = sub(mul(y, chain.stride), constant(chain.low));
    Value last = add(first, mul(sub(count, constant(1)), chain.stride));
    Value top = minimum(maximum(first, constant(0)), constant(chain.in - 1));
    Value end = minimum(add(last, reach), constant(chain.in));
    return {top, maximum(end, top)};
  }
};
} // namespace

LogicalResult nncc::cpu::emitBands(OpBuilder &b, const Chain &chain, int64_t rows, Kernel &kernel) {
  return BandEmitter(b, chain, rows, kernel).emit();
}
