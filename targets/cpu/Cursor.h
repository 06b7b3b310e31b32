// Where the emitter of a contraction is in each of its operands.
#pragma once

#include "targets/kernel/Contraction.h"

namespace nncc::cpu {

/// Offsets into the flat buffers of the operands.
struct Cursor {
  mlir::Value a, b, c;
  llvm::SmallVector<mlir::Value> extras;
};

struct CursorEmitter : Emitter {
  CursorEmitter(mlir::OpBuilder &b, mlir::Location loc, KernelSizes &sizes)
      : Emitter{b, loc, &sizes} {}

  /// The first element of each operand.
  Cursor begin(const Contraction &p);
  Cursor advance(const Cursor &from, const Axis &axis, mlir::Value steps);
  /// The point `index` of nested axes, the last one fastest.
  Cursor advance(Cursor at, llvm::ArrayRef<Axis> axes, mlir::Value index);
};

} // namespace nncc::cpu
