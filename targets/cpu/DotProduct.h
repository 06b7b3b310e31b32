// Sums of four products of bytes, lane by lane.
#pragma once

#include "targets/kernel/Emitter.h"

namespace nncc::cpu {

/// For each of 16 lanes: sum += x0 * y0 + x1 * y1 + x2 * y2 + x3 * y3, unsigned bytes x, signed
/// bytes y, in i32 without saturation.
struct DotProduct {
  /// x86's VPDPBUSD and AArch64's USDOT (i8mm) take bytes as they are. SDOT (dotprod) takes signed
  /// bytes alone: x - 128, and what that leaves out, 128 * (y0 + y1 + y2 + y3), is summed up once
  /// for all rows.
  enum class Kind { Vpdpbusd, Usdot, Sdot };

  /// By the instruction's name in small letters.
  static std::optional<Kind> kindNamed(llvm::StringRef name);

  /// Bits of the registers on which the machine has the instruction; 0: none, the bytes are widened
  /// to 16 bits and multiplied in pairs (VPMADDWD).
  int64_t bits = 0;
  Kind kind = Kind::Vpdpbusd;

  /// Whether rows are 128 less, and sums lack 128 times the sums of the columns.
  bool isShifted() const { return bits && kind == Kind::Sdot; }
  /// A row of ones, with which `accumulate` sums up the columns.
  mlir::Value ones(Emitter &e, mlir::VectorType type) const;

  /// Four bytes at `at`, for all lanes of `type`, and four bytes for each lane.
  mlir::Value loadRow(Emitter &e, mlir::VectorType type, mlir::Value buffer, mlir::Value at) const;
  mlir::Value loadColumns(Emitter &e, mlir::VectorType type, mlir::Value buffer,
                          mlir::Value at) const;
  mlir::Value accumulate(Emitter &e, mlir::Value row, mlir::Value columns, mlir::Value sum) const;
};

} // namespace nncc::cpu
