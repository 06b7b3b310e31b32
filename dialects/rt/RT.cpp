#include "dialects/rt/RT.h"

#include "dialects/Sizes.h"
#include "dialects/nn/Types.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::rt;

#include "dialects/rt/RTDialect.cpp.inc"
#include "dialects/rt/RTEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/rt/RTAttributes.cpp.inc"

void RTDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/rt/RTAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/rt/RTOps.cpp.inc"
      >();
}

/// Over the symbols that the results of `dims` give; null where it has too few.
static AffineExpr substitute(AffineExpr size, std::optional<AffineMap> dims) {
  if (constantOf(size))
    return size;
  if (!dims || symbolCount(size) > dims->getNumResults())
    return {};
  return normalForm(size.replaceSymbols(dims->getResults()));
}

/// The maps of a program are over its symbols alone.
static LogicalResult checkMap(Operation *op, std::optional<AffineMap> map, StringRef name) {
  if (map && map->getNumDims() != 0)
    return op->emitOpError("expects expressions over symbols in '")
           << name << "', found " << AffineMapAttr::get(*map);
  return success();
}

LogicalResult DispatchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto module = symbols.lookupNearestSymbolFrom<ModuleOp>(*this, getKernelAttr());
  auto function = module ? dyn_cast_or_null<func::FuncOp>(
                               SymbolTable::lookupSymbolIn(module, getKernelAttr().getAttr()))
                         : func::FuncOp();
  if (!function)
    return emitOpError("expects a kernel ") << getKernelAttr() << " in a module of that name";
  if (failed(checkMap(*this, getDims(), "dims")))
    return failure();
  if (function->hasAttr("rt.units")) // scheduled: the types are gone
    return success();
  auto isSame = [&](Type kernel, Type own) {
    auto a = dyn_cast<RankedTensorType>(kernel);
    auto b = cast<RankedTensorType>(own);
    if (!a || a.getRank() != b.getRank() ||
        nn::storageType(a.getElementType()) != nn::storageType(b.getElementType()))
      return false;
    return llvm::all_of(llvm::zip(shapeOf(a), shapeOf(b)), [&](auto pair) {
      return substitute(std::get<0>(pair), getDims()) == normalForm(std::get<1>(pair));
    });
  };
  auto agree = [&](TypeRange kernel, TypeRange own) {
    return kernel.size() == own.size() && llvm::all_of(llvm::zip(kernel, own), [&](auto pair) {
             return isSame(std::get<0>(pair), std::get<1>(pair));
           });
  };
  FunctionType type = function.getFunctionType();
  if (agree(type.getInputs(), getOperandTypes()) && agree(type.getResults(), getResultTypes()))
    return success();
  InFlightDiagnostic error = emitOpError("has other types than its kernel, ") << type;
  if (getDims())
    error << " for its symbols " << getDimsAttr();
  return error;
}

AffineExpr ViewOp::getFirst() {
  AffineExpr first = getAffineConstantExpr(getOffset(), getContext());
  return getStart() ? normalForm(getStart()->getResult(0) + first) : first;
}

LogicalResult ViewOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (source.getElementType() != result.getElementType())
    return emitOpError("expects one element type");
  if (failed(checkMap(*this, getStart(), "start")))
    return failure();
  if (getStart() && getStart()->getNumResults() != 1)
    return emitOpError("expects one expression as its start, found ") << getStartAttr();
  AffineExpr first = getFirst();
  AffineExpr end = normalForm(elementCount(shapeOf(result), getContext()) + first);
  AffineExpr after = normalForm(elementCount(shapeOf(source), getContext()) + 1);
  constexpr int64_t most = int64_t(1) << 47; // of addressable memory: sums stay in range
  std::optional<int64_t> known = constantOf(first);
  // The whole of a source of as many elements as only a run can tell: rt.check compares them.
  bool isEmpty = constantOf(after) == 1;
  bool isWhole = known == 0 && (isEmpty ? !constantOf(end) : !isAlwaysLess(after - 1, end));
  if ((known && (*known < 0 || *known > most)) || !(isAlwaysLess(end, after) || isWhole))
    return emitOpError("reaches beyond its source");
  return success();
}

LogicalResult CheckOp::verify() {
  if (getZeros().getNumDims())
    return emitOpError("expects expressions over symbols, found ") << getZerosAttr();
  return success();
}

LogicalResult SlotOp::verify() {
  if (!sizeOf(getBytes()))
    return emitOpError("expects a size in bytes, found ") << getBytes();
  for (int64_t other : getAbove())
    if (other < 0 || other >= static_cast<int64_t>(getNumber()))
      return emitOpError("is above slot ") << other << ", expected one of a lower number";
  return success();
}

AffineExpr RunOp::inProgram(AffineExpr size) { return substitute(size, getDims()); }

LogicalResult RunOp::verify() {
  if (getSpaces().size() != getIndices().size() || getSpaces().size() != getOffsets().size())
    return emitOpError("expects one space, index and offset per buffer");
  for (int32_t space : getSpaces())
    if (!symbolizeSpace(space))
      return emitOpError("expects spaces 0 (input) to 4 (pointer), found ") << space;
  if (failed(checkMap(*this, getDims(), "dims")) || failed(checkMap(*this, getStarts(), "starts")))
    return failure();
  if (getStarts() && getStarts()->getNumResults() != getSpaces().size())
    return emitOpError("expects one start per buffer, found ") << getStarts()->getNumResults();
  return success();
}

#define GET_OP_CLASSES
#include "dialects/rt/RTOps.cpp.inc"

SmallVector<FunctionOpInterface> rt::launchesOf(ModuleOp kernel) {
  return llvm::filter_to_vector(kernel.getOps<FunctionOpInterface>(),
                                [](FunctionOpInterface f) { return f->hasAttr("rt.units"); });
}
