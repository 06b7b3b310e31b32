// Clusters of operations -> kernels in modules of their own, and a program that dispatches them.
#include "passes/Passes.h"
#include "passes/kernels/Clusters.h"

#include "mlir/IR/IRMapping.h"

namespace nncc {
#define GEN_PASS_DEF_FORMKERNELS
#include "passes/Passes.h.inc"
} // namespace nncc

using namespace mlir;
using namespace nncc;

namespace {

/// The names of ONNX nodes in a location, in order.
void collectNodes(Location loc, llvm::SetVector<StringRef> &names) {
  if (auto name = dyn_cast<NameLoc>(loc))
    names.insert(name.getName().getValue());
  else if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      collectNodes(part, names);
  else if (auto call = dyn_cast<CallSiteLoc>(loc))
    collectNodes(call.getCallee(), names);
}

std::string nodesOf(const Cluster &cluster) {
  llvm::SetVector<StringRef> names;
  for (Operation *op : cluster)
    collectNodes(op->getLoc(), names);
  return llvm::join(names, ";");
}

/// A transpose that only moves dims of size 1 leaves the elements where they are.
bool movesOnlyUnitDims(nn::TransposeOp op) {
  int64_t last = -1;
  for (int64_t dim : op.getPerm())
    if (op.getOperand().getType().getDimSize(dim) != 1) {
      if (dim < last)
        return false;
      last = dim;
    }
  return true;
}

/// Reshapes and such -> rt.view.
void makeViews(func::FuncOp function) {
  function.walk([](Operation *op) {
    bool isView = isa<nn::ReshapeOp>(op);
    if (auto transpose = dyn_cast<nn::TransposeOp>(op))
      isView = movesOnlyUnitDims(transpose);
    if (!isView)
      return;
    OpBuilder b(op);
    Value view = rt::ViewOp::create(b, op->getLoc(), op->getResult(0).getType(), op->getOperand(0));
    op->getResult(0).replaceAllUsesWith(view);
    op->erase();
  });
}

/// What the function returns must be what a kernel writes: a copy of everything else.
void copyReturned(func::FuncOp function) {
  Operation *terminator = function.front().getTerminator();
  llvm::SmallPtrSet<Value, 4> written;
  for (OpOperand &operand : terminator->getOpOperands()) {
    Value source = operand.get();
    bool isWhole = true;
    while (auto view = source.getDefiningOp<rt::ViewOp>()) {
      isWhole &= cast<RankedTensorType>(view.getSource().getType()).getNumElements() ==
                 cast<RankedTensorType>(view.getType()).getNumElements();
      source = view.getSource();
    }
    Operation *def = source.getDefiningOp();
    if (isWhole && def && !isa<nn::ConstantOp>(def) && written.insert(source).second)
      continue;
    OpBuilder b(terminator);
    auto type = cast<RankedTensorType>(operand.get().getType());
    operand.set(nn::CastOp::create(b, operand.get().getLoc(), type, operand.get(),
                                   TypeAttr::get(type.getElementType())));
  }
}

/// A constant that becomes a part of the kernel: a parameter of an op, or one value for all.
bool movesInside(OpOperand &operand) {
  Operation *def = operand.get().getDefiningOp();
  if (!def)
    return false;
  if (isa<tensor::EmptyOp>(def))
    return true;
  SplatElementsAttr splat;
  return isa<nn::ConstantOp>(def) &&
         (isParameter(operand) || matchPattern(operand.get(), m_Constant(&splat)));
}

StringRef rootName(const Cluster &cluster) {
  for (Operation *op : cluster)
    if (!isa<nn::ScalarOpInterface, nn::TransposeOp>(op))
      return op->getName().stripDialect();
  return cluster.size() == 1 ? cluster.front()->getName().stripDialect() : "elementwise";
}

class Outliner {
public:
  explicit Outliner(ModuleOp module) : module(module), symbols(module) {}

  void outline(const Cluster &cluster) {
    Operation *last = cluster.back();
    llvm::SetVector<Value> inputs;
    SmallVector<Operation *> inside;
    for (Operation *op : cluster)
      for (OpOperand &operand : op->getOpOperands()) {
        Operation *def = operand.get().getDefiningOp();
        if (def && llvm::is_contained(cluster, def))
          continue;
        if (!movesInside(operand))
          inputs.insert(operand.get());
        else if (!llvm::is_contained(inside, def))
          inside.push_back(def);
      }
    // A value that is read both as data and as a parameter is a part of the kernel.
    inputs.remove_if([&](Value value) {
      return value.getDefiningOp() && llvm::is_contained(inside, value.getDefiningOp());
    });
    func::FuncOp kernel = makeKernel(cluster, inputs.getArrayRef(), inside);
    OpBuilder b(last);
    auto dispatch = rt::DispatchOp::create(b, last->getLoc(), last->getResultTypes(),
                                           FlatSymbolRefAttr::get(kernel.getSymNameAttr()),
                                           inputs.getArrayRef(),
                                           /*dims=*/AffineMapAttr());
    dispatch->setAttr("nodes", b.getStringAttr(nodesOf(cluster)));
    dispatch->setAttr("flops", b.getF64FloatAttr(flopsOf(cluster)));
    last->replaceAllUsesWith(dispatch);
    for (Operation *op : llvm::reverse(cluster))
      if (op->use_empty())
        op->erase();
  }

private:
  static double flopsOf(const Cluster &cluster) {
    double flops = 0;
    for (Operation *op : cluster) {
      if (auto contract = dyn_cast<kern::ContractOp>(op))
        flops += contract.getFlops();
      else if (auto window = dyn_cast<kern::WindowOp>(op))
        flops += window.getFlops();
      else if (isa<nn::ScalarOpInterface>(op))
        flops += cast<RankedTensorType>(op->getResult(0).getType()).getNumElements();
    }
    return flops;
  }

  func::FuncOp makeKernel(const Cluster &cluster, ArrayRef<Value> inputs,
                          ArrayRef<Operation *> inside) {
    Location loc = cluster.back()->getLoc();
    OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
    std::string name = (rootName(cluster) + "_" + Twine(count++)).str();
    auto own = ModuleOp::create(b, loc, StringRef(name));
    symbols.insert(own);
    b.setInsertionPointToStart(own.getBody());
    auto type = b.getFunctionType(TypeRange(ValueRange(inputs)), cluster.back()->getResultTypes());
    auto function = func::FuncOp::create(b, loc, own.getName().value(), type);
    function->setAttr("rt.kernel", b.getUnitAttr());
    b.setInsertionPointToStart(function.addEntryBlock());
    IRMapping mapping;
    mapping.map(inputs, function.getArguments());
    for (Operation *op : inside)
      b.clone(*op, mapping);
    for (Operation *op : cluster)
      b.clone(*op, mapping);
    SmallVector<Value> results;
    for (Value result : cluster.back()->getResults())
      results.push_back(mapping.lookup(result));
    func::ReturnOp::create(b, loc, results);
    return function;
  }

  ModuleOp module;
  SymbolTable symbols;
  int64_t count = 0;
};

struct FormKernels : nncc::impl::FormKernelsBase<FormKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    Outliner outliner(module);
    for (func::FuncOp function : llvm::to_vector(module.getOps<func::FuncOp>())) {
      makeViews(function);
      copyReturned(function);
      for (const Cluster &cluster : formClusters(function))
        outliner.outline(cluster);
      eraseUnused(function);
    }
  }

  /// Constants that moved into kernels, transposes that were absorbed.
  static void eraseUnused(func::FuncOp function) {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.front())))
      if (isOpTriviallyDead(&op))
        op.erase();
  }
};

} // namespace
