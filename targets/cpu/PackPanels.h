// Columns of a matrix -> panels of 16 columns in scratch memory.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "targets/cpu/Emitter.h"

namespace nncc::cpu {

/// `columns` columns of a matrix of `type`'s elements; element (k, n) is
/// buffer[at + k * strideK + n * strideN].
struct PanelSource {
  mlir::Value buffer, at;
  int64_t strideN, strideK, columns;
};

/// dest[panel * pitch + k * 16 + lane] = element (k, panel * 16 + lane) for k < depth, zero behind
/// the last column. `type` is a vector of 16 lanes; `depth` is a multiple of 16 plus 0 or `rest`.
void packPanels(Emitter &e, const PanelSource &source, mlir::Value depth, int64_t rest,
                mlir::VectorType type, mlir::Value dest, int64_t pitch);

} // namespace nncc::cpu
