#include "targets/cpu/Kernel.h"

#include "dialects/rt/RT.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

Value Kernel::allocateScratch(OpBuilder &b, Location loc, int64_t elements, Type element) {
  constexpr int64_t alignment = 64;
  int64_t bytes = elements * llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
  auto type = MemRefType::get({elements}, element);
  Value buffer = rt::ScratchOp::create(b, loc, type, call, worker, scratch);
  scratch += llvm::alignTo(bytes + alignment, alignment);
  return buffer;
}
