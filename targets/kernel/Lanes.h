// Vectors of one row of elements, anywhere in flat memory.
#pragma once

#include "mlir/IR/BuiltinTypes.h"
#include "targets/kernel/Emitter.h"

namespace nncc {

/// Loads the lanes of `type` from buffer[at + lane * stride]: one element for all lanes where the
/// stride is 0, a gather where it is neither 0 nor 1. Where `mask` is given, lanes outside of it
/// are not read and zero.
mlir::Value loadLanes(Emitter &e, mlir::VectorType type, mlir::Value buffer, mlir::Value at,
                      int64_t stride, mlir::Value mask = nullptr);

/// The same with a stride that may be known at run time only.
mlir::Value loadLanes(Emitter &e, mlir::VectorType type, mlir::Value buffer, mlir::Value at,
                      mlir::AffineExpr stride, mlir::Value mask = nullptr);

/// The counterpart of `loadLanes`; lanes outside of `mask` are not written. No stride of 0.
void storeLanes(Emitter &e, mlir::Value value, mlir::Value buffer, mlir::Value at, int64_t stride,
                mlir::Value mask = nullptr);

void storeLanes(Emitter &e, mlir::Value value, mlir::Value buffer, mlir::Value at,
                mlir::AffineExpr stride, mlir::Value mask = nullptr);

/// The constant mask of the first `count` of `lanes` lanes; null where that is all of them.
mlir::Value firstLanes(Emitter &e, int64_t count, int64_t lanes);
/// The same of a number that may be known at run time only; any number of lanes or more: all.
mlir::Value firstLanes(Emitter &e, mlir::Value count, int64_t lanes);

} // namespace nncc
