// Weights of few bits, converted in registers.
#pragma once

#include "dialects/WeightBlocks.h"
#include "mlir/IR/BuiltinTypes.h"
#include "targets/cpu/Emitter.h"

namespace nncc::cpu {

/// One vector of f32 or f64 weights of one row at `at` in `buffer`, which holds these or bf16.
mlir::Value loadWeights(Emitter &e, mlir::VectorType type, mlir::Value buffer, mlir::Value at);

/// The weights of one block in `count` panels.
class BlockReader {
public:
  /// Reads scales and zero points. `block` is where it begins in the first panel, `panelStride` the
  /// bytes to the next one.
  BlockReader(Emitter &e, WeightBlocks format, mlir::Value buffer, mlir::Value block,
              int64_t panelStride, int64_t count);

  /// Rows that share their bytes.
  int64_t rowsPerStep() const { return 8 / format.bits; }
  /// The rows of one step: weights[row * count + panel].
  llvm::SmallVector<mlir::Value> step(mlir::Value index);

private:
  mlir::Value load(int64_t elements, mlir::Type element, mlir::Value at);
  mlir::Value toFloat(mlir::Value codes);

  Emitter &e;
  WeightBlocks format;
  mlir::Value buffer, codes;
  int64_t panelStride;
  llvm::SmallVector<mlir::Value> scales, offsets; // weight = code * scale + offset
};

} // namespace nncc::cpu
