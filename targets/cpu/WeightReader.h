// Weights of few bits, converted in registers.
#pragma once

#include "dialects/WeightBlocks.h"
#include "mlir/IR/BuiltinTypes.h"
#include "targets/kernel/Emitter.h"

namespace nncc::cpu {

/// One vector of f32 or f64 weights of one row at `at` in `buffer`, which holds these or bf16.
mlir::Value loadWeights(Emitter &e, mlir::VectorType type, mlir::Value buffer, mlir::Value at);

/// The weights of one block in `count` panels.
class BlockReader {
public:
  /// `block` is where it begins in the first panel, `panelStride` the bytes to the next one.
  BlockReader(Emitter &e, WeightBlocks format, mlir::Value buffer, mlir::Value block,
              int64_t panelStride, int64_t count)
      : e(e), format(format), buffer(buffer), block(block), panelStride(panelStride), count(count) {
  }

  /// Rows that share their bytes.
  int64_t rowsPerStep() const { return 8 / format.bits; }
  /// Where the codes of one step begin.
  mlir::Value codesAt(mlir::Value index, int64_t panel);
  /// The codes of the rows of one step, as floats: codes[row * count + panel].
  llvm::SmallVector<mlir::Value> codes(mlir::Value index);

  /// weight = code * scale + offset, in each column of a panel.
  struct Line {
    mlir::Value scale, offset;
  };
  /// Of each panel.
  llvm::SmallVector<Line> lines();

private:
  mlir::Value load(int64_t elements, mlir::Type element, mlir::Value at);
  mlir::Value toFloat(mlir::Value codes);

  Emitter &e;
  WeightBlocks format;
  mlir::Value buffer, block;
  int64_t panelStride, count;
};

} // namespace nncc::cpu
