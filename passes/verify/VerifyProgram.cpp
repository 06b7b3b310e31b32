// What stage "program" promises.
#include "dialects/Sizes.h"
#include "passes/Passes.h"
#include "llvm/ADT/SmallBitVector.h"

namespace nncc {
#define GEN_PASS_DEF_VERIFYPROGRAM
#include "passes/Passes.h.inc"
} // namespace nncc

using namespace mlir;
using namespace nncc;

namespace {

/// The program, and what its rt.run may refer to.
class Checker {
public:
  Checker(ModuleOp module, func::FuncOp function)
      : module(module), function(function), symbols(module) {
    if (auto names = function->getAttrOfType<ArrayAttr>("nn.dims"))
      symbolNames = names.size();
  }

  LogicalResult run() {
    if (failed(checkSignature()) || failed(checkSlots()))
      return failure();
    WalkResult result = function.walk([&](Operation *op) {
      if (isa<rt::DispatchOp, rt::ViewOp>(op))
        return WalkResult(op->emitOpError("has no place in memory"));
      auto run = dyn_cast<rt::RunOp>(op);
      return run && failed(checkRun(run)) ? WalkResult::interrupt() : WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

private:
  int64_t moduleSize(StringRef name) {
    auto attr = module->getAttrOfType<IntegerAttr>(name);
    return attr ? attr.getInt() : 0;
  }

  /// Sizes are over the symbols that the function names.
  LogicalResult checkSizes(Operation *op, ArrayRef<AffineExpr> sizes) {
    bool hasDims = false;
    for (AffineExpr size : sizes)
      size.walk([&](AffineExpr part) { hasDims |= isa<AffineDimExpr>(part); });
    if (hasDims)
      return op->emitOpError("has a size that is no expression over symbols");
    if (symbolCount(sizes) > symbolNames)
      return op->emitOpError("has sizes over symbol ")
             << symbolCount(sizes) - 1 << ", but 'nn.dims' of the program has " << symbolNames
             << " names";
    return success();
  }

  /// Symbols get their values from the sizes of the arguments.
  LogicalResult checkSignature() {
    llvm::SmallBitVector isGiven(symbolNames);
    for (Type type : function.getArgumentTypes()) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      if (!tensor)
        return function.emitError("expects arguments that are tensors, found ") << type;
      if (failed(checkSizes(function, shapeOf(tensor))))
        return failure();
      for (AffineExpr size : shapeOf(tensor))
        if (auto symbol = dyn_cast<AffineSymbolExpr>(size))
          isGiven.set(symbol.getPosition());
    }
    if (auto sizes = function->getAttrOfType<AffineMapAttr>("rt.sizes")) {
      if (failed(checkSizes(function, sizes.getValue().getResults())))
        return failure();
      unsigned missing = 0;
      for (AffineExpr size : sizes.getValue().getResults())
        size.walk([&](AffineExpr part) {
          auto symbol = dyn_cast<AffineSymbolExpr>(part);
          if (symbol && !isGiven.test(symbol.getPosition()))
            missing = symbol.getPosition() + 1;
        });
      if (missing)
        return function.emitError("symbol ")
               << missing - 1 << " has no value: it is not the size of an argument";
    }
    if (auto types = function->getAttrOfType<ArrayAttr>("rt.result_types"))
      for (auto type : types.getAsRange<TypeAttr>())
        if (auto tensor = dyn_cast<RankedTensorType>(type.getValue());
            tensor && failed(checkSizes(function, shapeOf(tensor))))
          return failure();
    return success();
  }

  LogicalResult checkSlots() {
    for (auto slot : function.getOps<rt::SlotOp>()) {
      if (static_cast<int64_t>(slot.getNumber()) != slots)
        return slot.emitOpError("expects number ") << slots;
      ++slots;
      if (failed(checkSizes(slot, sizeOf(slot.getBytes()))))
        return failure();
    }
    return success();
  }

  LogicalResult checkRun(rt::RunOp run) {
    auto kernel = symbols.lookup<ModuleOp>(run.getKernel());
    if (!kernel)
      return run.emitOpError("runs a kernel that does not exist");
    for (std::optional<AffineMap> map : {run.getDims(), run.getStarts()})
      if (map && failed(checkSizes(run, map->getResults())))
        return failure();
    if (failed(checkKernel(run, kernel)))
      return failure();
    for (auto [space, index, offset] :
         llvm::zip(run.getSpaces(), run.getIndices(), run.getOffsets()))
      if (failed(checkPlace(run, static_cast<rt::Space>(space), index, offset)))
        return failure();
    return success();
  }

  /// A kernel that asks for a size that its call does not have would read whatever lies there.
  LogicalResult checkKernel(rt::RunOp run, ModuleOp kernel) {
    unsigned needed = 0;
    kernel.walk([&](Operation *op) {
      if (auto dim = dyn_cast<rt::DimOp>(op))
        needed = std::max<unsigned>(needed, dim.getNumber() + 1);
      for (StringRef name : {"rt.units", "rt.scratch"})
        if (AffineExpr size = sizeOf(op->getAttr(name)))
          needed = std::max(needed, symbolCount(size));
    });
    unsigned found = run.getDims() ? run.getDims()->getNumResults() : 0;
    if (needed > found)
      return run.emitOpError("gives its kernel ")
             << found << " sizes, which has " << needed << " symbols";
    return success();
  }

  LogicalResult checkPlace(rt::RunOp run, rt::Space space, int64_t index, int64_t offset) {
    int64_t count = 1, end = INT64_MAX;
    switch (space) {
    case rt::Space::Input:
      count = function.getNumArguments();
      break;
    case rt::Space::Output:
      if (auto names = function->getAttrOfType<ArrayAttr>("rt.result_names"))
        count = names.size();
      break;
    case rt::Space::Arena:
      count = std::max<int64_t>(slots, 1);
      end = slots ? INT64_MAX : moduleSize("rt.arena_size");
      break;
    case rt::Space::Weights:
      end = moduleSize("rt.weights_size");
      break;
    }
    if (index < 0 || index >= count)
      return run.emitOpError("has a buffer in ")
             << rt::stringifySpace(space) << " " << index << ", of " << count;
    if (offset < 0 || offset >= std::max<int64_t>(end, 1))
      return run.emitOpError("has a buffer at ")
             << offset << ", outside of its memory of " << end << " bytes";
    return success();
  }

  ModuleOp module;
  func::FuncOp function;
  SymbolTable symbols;
  unsigned symbolNames = 0;
  int64_t slots = 0;
};

struct VerifyProgram : nncc::impl::VerifyProgramBase<VerifyProgram> {
  void runOnOperation() override {
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      if (failed(Checker(getOperation(), function).run()))
        return signalPassFailure();
  }
};

} // namespace
