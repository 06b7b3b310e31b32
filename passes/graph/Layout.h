// What each operation of nn does with the order of dims: as ONNX has it, [N, C, x1..xs], or
// channels-last, [N, x1..xs, C].
#pragma once

#include "dialects/nn/NN.h"

namespace nncc {

enum class LayoutRole {
  Original,     // must have its operands in the original order
  ChannelsLast, // must have them channels-last
  Either,       // computes in any order, its results are in the order of its operands
  ToLast,       // a transpose from [N, C, x..] to [N, x.., C]: the identity on channels-last data
  ToFirst,      // the opposite: its result, channels-last, is its operand
};

LayoutRole layoutRole(mlir::Operation *op);

/// The operands that are images: whose order the role speaks of. Constants and scalars are not.
llvm::SmallVector<mlir::OpOperand *> imageOperands(mlir::Operation *op);

/// Whether the result is the same tensor whatever the order of the operands (a reduction that
/// leaves [N, C]).
bool hasPlainResult(mlir::Operation *op);

/// perm[i] is the dim of the original order that is dim i of channels-last.
llvm::SmallVector<int64_t> toLastPermutation(int64_t rank);
llvm::SmallVector<int64_t> toFirstPermutation(int64_t rank);

/// Whether a transpose by `perm` moves no element: it moves dims of size 1 past others only.
bool isFreeTranspose(mlir::RankedTensorType type, llvm::ArrayRef<int64_t> perm);

/// `value` with its dims permuted: a reshape where that is enough, a constant of few elements at
/// once, else a transpose.
mlir::Value buildTranspose(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value,
                           llvm::ArrayRef<int64_t> perm);

/// Builds `op`, of role ChannelsLast or Either, on images that are channels-last; `images` are in
/// the order of imageOperands.
mlir::Value buildChannelsLast(mlir::OpBuilder &b, mlir::Operation *op,
                              llvm::ArrayRef<mlir::Value> images);

} // namespace nncc
