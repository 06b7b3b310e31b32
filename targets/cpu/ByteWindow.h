// Depthwise windows of bytes: the taps of a column of the window in one dot product.
#pragma once

#include "targets/kernel/Emitter.h"
#include "targets/kernel/Window.h"

namespace nncc::cpu {

/// The rows of taps, four at most, are bytes of one word per channel, in the input as in the
/// weights: a step of VPDPBUSD sums up a column of the window, where floats take a multiply-add for
/// each tap and two instructions to widen each byte.
class ByteWindow {
public:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<Value>;

  /// Whether the window has such a form; the machine has to have VPDPBUSD and VPERMB.
  static bool is(const Window &p, kern::WindowOp op);

  /// Before all loops.
  ByteWindow(Emitter &e, const Window &p, Value a, Value weights);

  /// The weights of `vectors` vectors of channels from `at` on, for each column of taps.
  Values weights(Value at, int64_t vectors, Value mask) const;

  /// Rows of the input: where they are, and, null for all, the bytes of those that exist.
  struct Rows {
    Values offsets;
    Value inside;
  };
  /// Those that output row `y` sees; for those outside, some row that exists.
  Rows rows(Value y) const;

  /// The weights, 0 where a row is outside.
  Values within(llvm::ArrayRef<Value> weights, const Rows &rows) const;

  /// Adds to the sums of neighbouring pixels, which are `users` of the columns from `a` on.
  void accumulate(Values &sums, const Window::Uses &uses, Value a, const Rows &rows,
                  llvm::ArrayRef<Value> weights, Value mask) const;

private:
  Value word(Value a, const Rows &rows, Value mask) const;
  Value splat(int64_t value) const;
  mlir::VectorType vector(mlir::Type element) const {
    return mlir::VectorType::get({p.lanes}, element);
  }

  Emitter &e;
  const Window &p;
  Value bufferA, bufferWeights;
  Value order; // of the bytes of rows that lie side by side
};

} // namespace nncc::cpu
