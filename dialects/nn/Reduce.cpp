// Reductions over axes: see Reduce.td.
#include "dialects/nn/NN.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

void NNDialect::addReduceOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Reduce.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Reduce.cpp.inc"
