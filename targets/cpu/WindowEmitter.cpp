#include "targets/cpu/Kernel.h"

using namespace mlir;
using namespace nncc;

LogicalResult nncc::cpu::emitWindow(OpBuilder &b, kern::WindowOp op, Kernel &kernel) {
  return op.emitError("has no schedule on a CPU");
}
