// Sums of four products of bytes, lane by lane.
#pragma once

#include "targets/cpu/Emitter.h"

namespace nncc::cpu {

/// For each of 16 lanes: sum += x0 * y0 + x1 * y1 + x2 * y2 + x3 * y3, unsigned bytes x, signed
/// bytes y, in i32 without saturation.
struct DotProduct {
  /// Bits of the registers on which the machine has an instruction for it (VPDPBUSD); 0: none, the
  /// bytes are widened to 16 bits and multiplied in pairs (VPMADDWD).
  int64_t bits = 0;

  /// Four bytes at `at`, for all lanes of `type`, and four bytes for each lane.
  mlir::Value loadRow(Emitter &e, mlir::VectorType type, mlir::Value buffer, mlir::Value at) const;
  mlir::Value loadColumns(Emitter &e, mlir::VectorType type, mlir::Value buffer,
                          mlir::Value at) const;
  mlir::Value accumulate(Emitter &e, mlir::Value row, mlir::Value columns, mlir::Value sum) const;
};

} // namespace nncc::cpu
