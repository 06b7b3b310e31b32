#include "targets/kernel/Kernel.h"

#include "dialects/rt/RT.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace nncc;

Shape nncc::denseStrides(ArrayRef<AffineExpr> sizes, MLIRContext *context) {
  Shape strides(sizes);
  AffineExpr below = getAffineConstantExpr(1, context);
  for (AffineExpr &size : llvm::reverse(strides)) {
    AffineExpr stride = below;
    below = normalForm(below * size);
    size = stride;
  }
  return strides;
}

Shape nncc::denseStrides(RankedTensorType type) {
  return denseStrides(shapeOf(type), type.getContext());
}

Value Kernel::allocateScratch(OpBuilder &b, Location loc, AffineExpr elements, Type element,
                              Value owner) {
  constexpr int64_t alignment = 64;
  AffineExpr bytes = elements * llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
  auto type = MemRefType::get({constantOf(elements).value_or(ShapedType::kDynamic)}, element);
  Value buffer =
      rt::ScratchOp::create(b, loc, type, call, owner ? owner : worker, sizes.value(scratch, loc));
  AffineExpr blocks = (bytes + (2 * alignment - 1)).floorDiv(alignment);
  scratch = normalForm(scratch + blocks * alignment);
  return buffer;
}

Value Kernel::allocateWorkspace(OpBuilder &b, Location loc, AffineExpr elements, Type element) {
  FunctionType tensors = function.getFunctionType();
  workspace = normalForm(elements * llvm::divideCeil(element.getIntOrFloatBitWidth(), 8));
  auto type = MemRefType::get({constantOf(elements).value_or(ShapedType::kDynamic)}, element);
  return rt::BufferOp::create(b, loc, type, call, tensors.getNumInputs() + tensors.getNumResults());
}
