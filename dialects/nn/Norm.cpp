// Normalisations and softmax: see Norm.td.
#include "dialects/nn/NN.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

void NNDialect::addNormOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Norm.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Norm.cpp.inc"
