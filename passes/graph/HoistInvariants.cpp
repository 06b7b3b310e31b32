// What every iteration of a loop computes alike is computed once, before the loop.
#include "dialects/nn/NN.h"
#include "dialects/rt/RT.h"
#include "mlir/Transforms/LoopInvariantCodeMotionUtils.h"
#include "passes/Passes.h"
#include "llvm/ADT/DenseSet.h"

using namespace mlir;

namespace nncc {
#define GEN_PASS_DEF_HOISTINVARIANTS
#include "passes/Passes.h.inc"

namespace {

/// The symbols that a loop and the operations in it define.
llvm::DenseSet<int64_t> symbolsOf(rt::LoopOp loop) {
  llvm::DenseSet<int64_t> symbols;
  loop->walk([&](Operation *op) {
    if (auto read = dyn_cast<rt::ReadOp>(op)) {
      symbols.insert_range(read.getSymbols());
      symbols.insert_range(read.getMinus());
    } else if (auto branch = dyn_cast<rt::IfOp>(op)) {
      symbols.insert_range(branch.getSymbols());
    } else if (auto inner = dyn_cast<rt::LoopOp>(op)) {
      symbols.insert(inner.getCounter());
      symbols.insert_range(inner.getSymbols());
    }
  });
  return symbols;
}

/// Whether the sizes of an operation, and the values it states, are over other symbols alone.
bool dependsOn(Operation *op, const llvm::DenseSet<int64_t> &symbols) {
  bool depends = false;
  AttrTypeWalker walker;
  walker.addWalk([&](AffineMapAttr map) {
    map.getValue().walkExprs([&](AffineExpr part) {
      auto symbol = dyn_cast<AffineSymbolExpr>(part);
      depends |= symbol && symbols.contains(symbol.getPosition());
    });
  });
  walker.walk(op->getAttrDictionary());
  for (Type type : op->getResultTypes())
    walker.walk(type);
  return depends;
}

struct HoistInvariants : impl::HoistInvariantsBase<HoistInvariants> {
  void runOnOperation() override {
    // Inner loops first: what leaves one may leave the next.
    getOperation().walk([](rt::LoopOp loop) {
      const llvm::DenseSet<int64_t> symbols = symbolsOf(loop);
      moveLoopInvariantCode(
          &loop.getBody(),
          [&](Value value, Region *body) { return !body->isAncestor(value.getParentRegion()); },
          [&](Operation *op, Region *) {
            return op->getNumRegions() == 0 && !op->hasTrait<OpTrait::IsTerminator>() &&
                   isMemoryEffectFree(op) && !dependsOn(op, symbols);
          },
          [&](Operation *op, Region *) { op->moveBefore(loop); });
    });
  }
};

} // namespace
} // namespace nncc
