// One of several identical kernels is enough.
#include "passes/Passes.h"

#include "llvm/ADT/StringMap.h"

namespace nncc {
#define GEN_PASS_DEF_MERGEKERNELS
#include "passes/Passes.h.inc"
} // namespace nncc

using namespace mlir;
using namespace nncc;

namespace {

/// The kernel as text without its name and locations: equal text is equal code.
std::string textOf(func::FuncOp kernel) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << kernel.getFunctionType();
  OpPrintingFlags flags;
  flags.enableDebugInfo(false).assumeVerified();
  for (Operation &op : kernel.front()) {
    op.print(os, flags.useLocalScope());
    os << "\n";
  }
  return text;
}

struct MergeKernels : nncc::impl::MergeKernelsBase<MergeKernels> {
  void runOnOperation() override {
    llvm::StringMap<StringAttr> first;
    llvm::DenseMap<StringAttr, StringAttr> kept;
    for (ModuleOp kernel : llvm::make_early_inc_range(getOperation().getOps<ModuleOp>())) {
      func::FuncOp function = *kernel.getOps<func::FuncOp>().begin();
      auto [known, isNew] = first.try_emplace(textOf(function), kernel.getSymNameAttr());
      if (isNew)
        continue;
      kept[kernel.getSymNameAttr()] = known->second;
      kernel.erase();
    }
    getOperation().walk([&](rt::DispatchOp op) {
      if (StringAttr name = kept.lookup(op.getKernelAttr().getAttr()))
        op.setKernelAttr(FlatSymbolRefAttr::get(name));
    });
  }
};

} // namespace
