// Operations that move elements without computing: see Shape.td.
#include "dialects/nn/NN.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

void NNDialect::addShapeOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Shape.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Shape.cpp.inc"
