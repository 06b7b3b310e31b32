// Which operations of a program share a kernel.
#pragma once

#include "dialects/nn/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nncc {

/// Operations of one kernel, in program order.
using Cluster = llvm::SmallVector<mlir::Operation *>;

/// Divides the operations of `block` that compute into clusters, in an order in which they can run.
/// Constants, packing recipes, views and control flow belong to none.
std::vector<Cluster> formClusters(mlir::Block &block);

/// Whether this operand is not data but a parameter (axes, a shape, pads) that the kernel needs to
/// know when it is compiled.
bool isParameter(mlir::OpOperand &operand);

/// Whether the op stands in reshape(slice) of heads that an attention reads through a transpose: no
/// view of its own, all of it is read as it is stored.
bool isPartOfHeads(nn::ReshapeOp op);

/// Whether the op only renames elements of a contiguous tensor.
bool isView(mlir::Operation *op);

} // namespace nncc
