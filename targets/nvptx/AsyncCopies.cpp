#include "targets/nvptx/AsyncCopies.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

/// Copies of 16 bytes leave the L1 cache out.
void nncc::nvptx::copyAsync(ThreadBlock &e, Value buffer, Value from, Value shared, Value to,
                            int64_t width, Value exists) {
  auto i32 = [&](int64_t number) {
    return arith::ConstantIntOp::create(e.b, e.loc, e.b.getI32Type(), number);
  };
  Value size;
  if (exists)
    size = arith::SelectOp::create(e.b, e.loc, exists, i32(width), i32(0));
  auto cached = width == 16 ? NVVM::LoadCacheModifierKind::CG : NVVM::LoadCacheModifierKind::CA;
  NVVM::CpAsyncOp::create(e.b, e.loc, e.pointer(shared, to, sharedSpace),
                          e.pointer(buffer, from, globalSpace), width, cached, size);
}

void nncc::nvptx::endCopies(ThreadBlock &e) { NVVM::CpAsyncCommitGroupOp::create(e.b, e.loc); }

void nncc::nvptx::waitForCopies(ThreadBlock &e, int64_t groups) {
  NVVM::CpAsyncWaitGroupOp::create(e.b, e.loc, groups);
}
