// Floats of less than 16 bits: kernels store their codes in bytes and compute in f32.
#pragma once

#include "dialects/nn/Types.h"

namespace nncc::nn {

/// The value (f32) of a code (i8) of format `type`. Exact.
mlir::Value decodeFloat(mlir::FloatType type, mlir::OpBuilder &b, mlir::Location loc,
                        mlir::Value code);

/// The code (i8) of the value of format `type` that is nearest to `x` (f32), halves to even.
/// Beyond the largest one comes, with `rules.saturate` and in formats without infinity and NaN, the
/// largest one, else infinity, or NaN where the format has no infinity. f8E8M0FNU, whose values are
/// powers of two, rounds by `rules.round`; zeros and negative values get the code of their
/// exponent.
mlir::Value encodeFloat(mlir::FloatType type, mlir::OpBuilder &b, mlir::Location loc, mlir::Value x,
                        CastRules rules);

} // namespace nncc::nn
