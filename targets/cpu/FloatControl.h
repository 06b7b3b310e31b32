// How a processor treats numbers below the normal ones ("denormals"), while a kernel runs.
#pragma once

#include "mlir/IR/Builders.h"

namespace nncc::cpu {

/// The register that can tell a processor to take denormals for zero. x86-64 has MXCSR, AArch64
/// FPCR. Where it says so, operands and results below 2^-126 are zeros of their sign: products of
/// many numbers do not become slower (a denormal costs some processors 150 cycles) where a
/// network's activations are all but zero.
enum class FloatControl { None, MXCSR, FPCR };

llvm::StringRef name(FloatControl control);
/// The one that `name` names; nothing where none is called so.
std::optional<FloatControl> floatControlNamed(llvm::StringRef name);

/// Denormals are zeros from here on. -> what restoreFloats takes; null where `control` is None.
mlir::Value flushDenormals(mlir::OpBuilder &b, mlir::Location loc, FloatControl control);
/// Again as they were before.
void restoreFloats(mlir::OpBuilder &b, mlir::Location loc, FloatControl control,
                   mlir::Value before);

} // namespace nncc::cpu
