// The definitions of Activation.td; their functions are in Scalars.cpp.
#include "dialects/nn/Scalars.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace nncc::nn {
void NNDialect::addActivationOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Activation.cpp.inc"
      >();
}
} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Activation.cpp.inc"
