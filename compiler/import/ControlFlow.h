// What the operators that contain graphs share.
#pragma once

#include "dialects/Sizes.h"
#include "dialects/nn/NN.h"
#include "dialects/rt/RT.h"

#include "onnx/onnx_pb.h"

namespace nncc {

/// Whether the operator contains graphs.
bool isControlFlow(const onnx::NodeProto &node);

/// The graph in attribute `name`; null where it is missing.
const onnx::GraphProto *findGraph(const onnx::NodeProto &node, llvm::StringRef name);

/// What is wrong with a condition; empty if nothing is.
std::string checkCondition(mlir::Value value);

/// Values of symbols; null where there are none.
mlir::AffineMapAttr makeSizes(llvm::ArrayRef<mlir::AffineExpr> sizes, mlir::MLIRContext *context);

} // namespace nncc
