// Columns of a matrix -> panels of 16 columns in scratch memory.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "targets/kernel/Emitter.h"

namespace nncc::cpu {

/// `columns` columns of a matrix of `type`'s elements; element (k, n) is
/// buffer[at + k * strideK + n * strideN]. One of the strides at least is a constant.
struct PanelSource {
  mlir::Value buffer, at;
  mlir::AffineExpr strideN, strideK;
  mlir::Value columns;
};

/// dest[panel * pitch + k * 16 + lane] = element (k, panel * 16 + lane) for k < depth; numbers
/// without meaning behind the last column. `type` is a vector of 16 lanes; `depth` is a multiple of
/// 16 plus 0 or the rest of `whole`, the depth of all blocks. Where one of them or the columns is
/// known at run time only, `pitch` has room for a depth rounded up to 16.
void packPanels(Emitter &e, const PanelSource &source, mlir::Value depth, mlir::AffineExpr whole,
                mlir::VectorType type, mlir::Value dest, int64_t pitch);

} // namespace nncc::cpu
