#include "dialects/rt/RT.h"

#include "dialects/nn/Types.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nncc::rt;

#include "dialects/rt/RTDialect.cpp.inc"
#include "dialects/rt/RTEnums.cpp.inc"

void RTDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/rt/RTOps.cpp.inc"
      >();
}

LogicalResult DispatchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto module = symbols.lookupNearestSymbolFrom<ModuleOp>(*this, getKernelAttr());
  auto function = module ? dyn_cast_or_null<func::FuncOp>(
                               SymbolTable::lookupSymbolIn(module, getKernelAttr().getAttr()))
                         : func::FuncOp();
  if (!function)
    return emitOpError("expects a kernel ") << getKernelAttr() << " in a module of that name";
  FunctionType type = function.getFunctionType();
  if (function->hasAttr("rt.units")) // scheduled: the types are gone
    return success();
  auto agree = [](TypeRange kernel, TypeRange own) {
    return kernel.size() == own.size() && llvm::all_of(llvm::zip(kernel, own), [](auto pair) {
             auto a = dyn_cast<RankedTensorType>(std::get<0>(pair));
             auto b = cast<RankedTensorType>(std::get<1>(pair));
             return a && a.getShape() == b.getShape() &&
                    nn::storageType(a.getElementType()) == nn::storageType(b.getElementType());
           });
  };
  if (!agree(type.getInputs(), getOperandTypes()) || !agree(type.getResults(), getResultTypes()))
    return emitOpError("has other types than its kernel, ") << type;
  return success();
}

LogicalResult ViewOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (!source.hasStaticShape() || !result.hasStaticShape() ||
      source.getElementType() != result.getElementType())
    return emitOpError("expects static shapes of one element type");
  if (static_cast<int64_t>(getOffset()) < 0 ||
      static_cast<int64_t>(getOffset()) + result.getNumElements() > source.getNumElements())
    return emitOpError("reaches beyond its source");
  return success();
}

LogicalResult RunOp::verify() {
  if (getSpaces().size() != getIndices().size() || getSpaces().size() != getOffsets().size())
    return emitOpError("expects one space, index and offset per buffer");
  for (int32_t space : getSpaces())
    if (!symbolizeSpace(space))
      return emitOpError("expects spaces 0 (input) to 3 (weights), found ") << space;
  return success();
}

#define GET_OP_CLASSES
#include "dialects/rt/RTOps.cpp.inc"
