// What the passes that plan kernels refuse of their options.
#pragma once

#include "mlir/IR/Diagnostics.h"

namespace nncc::cpu {

/// A unit has registers, and each of them room for an element.
inline mlir::LogicalResult verifyUnit(mlir::MLIRContext *context, int64_t registers,
                                      int64_t registerBytes) {
  constexpr int64_t leastRegisters = 1, leastBytes = 4;
  mlir::Location nowhere = mlir::UnknownLoc::get(context);
  if (registers < leastRegisters)
    return mlir::emitError(nowhere, "expects registers from ")
           << leastRegisters << " on, found " << registers;
  if (registerBytes < leastBytes)
    return mlir::emitError(nowhere, "expects register-bytes from ")
           << leastBytes << " on, found " << registerBytes;
  return mlir::success();
}

} // namespace nncc::cpu
