// Clusters of operations -> kernels in modules of their own, and a program that dispatches them.
#include "dialects/nn/Generics.h"
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
  auto makeView = [](Operation *op) {
    OpBuilder b(op);
    Value view = rt::ViewOp::create(b, op->getLoc(), op->getResult(0).getType(), op->getOperand(0));
    op->getResult(0).replaceAllUsesWith(view);
    op->erase();
  };
  function.walk([&](nn::TransposeOp op) {
    if (movesOnlyUnitDims(op))
      makeView(op);
  });
  function.walk([&](nn::ReshapeOp op) { // now that transposes are those that move something
    if (!isPartOfHeads(op))
      makeView(op);
  });
}

AffineExpr elementCount(Value tensor) {
  return nncc::elementCount(shapeOf(tensor), tensor.getContext());
}

/// A copy that a kernel writes.
void copyOperand(OpOperand &operand) {
  OpBuilder b(operand.getOwner());
  auto type = cast<RankedTensorType>(operand.get().getType());
  operand.set(nn::CastOp::create(b, operand.get().getLoc(), type, operand.get(),
                                 TypeAttr::get(type.getElementType())));
}

/// Whether a kernel of `block`, or one of a branch in it, can write this where it is wanted.
bool isWrittenIn(Block *block, Value value) {
  Operation *def = value.getDefiningOp();
  return def && def->getBlock() == block && !isa<nn::ConstantOp, nn::SizesOp, rt::LoopOp>(def);
}

/// What the function, a branch or a loop's body gives must be what a kernel writes: a copy of
/// everything else.
void copyReturned(Block *block) {
  Operation *terminator = block->getTerminator();
  llvm::SmallPtrSet<Value, 4> written;
  auto loop = dyn_cast<rt::LoopOp>(block->getParentOp());
  for (OpOperand &operand : terminator->getOpOperands()) {
    if (loop && loop.getConditional() && operand.getOperandNumber() == 0)
      continue; // it is read, not handed on
    Value source = operand.get();
    bool isWhole = true;
    while (auto view = source.getDefiningOp<rt::ViewOp>()) {
      isWhole &= elementCount(view.getSource()) == elementCount(view.getResult());
      source = view.getSource();
    }
    if (!isWhole || !isWrittenIn(block, source) || !written.insert(source).second)
      copyOperand(operand);
  }
}

/// Sizes that the program itself reads, not a kernel, must be in memory.
void copySizes(Block *block) {
  for (Operation &op : *block)
    if (isa<rt::RTDialect>(op.getDialect()))
      for (OpOperand &operand : op.getOpOperands())
        if (operand.get().getDefiningOp<nn::SizesOp>())
          copyOperand(operand);
}

/// A constant that becomes a part of the kernel: a parameter of an op, or one value for all.
bool movesInside(OpOperand &operand) {
  Operation *def = operand.get().getDefiningOp();
  if (!def)
    return false;
  if (isa<tensor::EmptyOp, nn::SizesOp>(def))
    return true;
  if (isa<kern::KernDialect>(operand.getOwner()->getDialect())) // reads memory alone
    return false;
  SplatElementsAttr splat;
  return isa<nn::ConstantOp>(def) &&
         (isParameter(operand) || matchPattern(operand.get(), m_Constant(&splat)));
}

StringRef rootName(const Cluster &cluster) {
  for (Operation *op : cluster)
    if (!isa<nn::ScalarOpInterface, nn::TransposeOp, nn::SliceOp, nn::ReshapeOp>(op))
      return op->getName().stripDialect();
  return cluster.size() == 1 ? cluster.front()->getName().stripDialect() : "elementwise";
}

/// The symbols of one kernel: those of the program that its sizes are over, numbered anew. A size
/// that is a choice is a symbol of its own.
class KernelSymbols {
public:
  explicit KernelSymbols(MLIRContext *context) : context(context) {}

  AffineExpr inKernel(AffineExpr size) {
    if (hasChoice(size))
      return symbolOf(size);
    llvm::DenseMap<AffineExpr, AffineExpr> symbols;
    size.walk([&](AffineExpr part) {
      if (isa<AffineSymbolExpr>(part))
        symbols[part] = symbolOf(part);
    });
    return normalForm(size.replace(symbols));
  }

  Type inKernel(Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || tensor.hasStaticShape())
      return type;
    return tensorOf(inKernel(shapeOf(tensor)), tensor.getElementType());
  }

  void moveInside(Operation *op) {
    op->walk([&](Operation *inner) {
      for (Value result : inner->getResults())
        result.setType(inKernel(result.getType()));
      if (auto sizes = dyn_cast<nn::SizesOp>(inner))
        sizes.setElements(sizeMap(inKernel(sizes.getElements().getResults()), context));
    });
  }

  /// Their values, over the symbols of the program; null where there are none.
  AffineMapAttr getDims() const {
    return values.empty() ? AffineMapAttr() : AffineMapAttr::get(sizeMap(values, context));
  }

private:
  Shape inKernel(ArrayRef<AffineExpr> sizes) {
    return llvm::map_to_vector(sizes, [&](AffineExpr size) { return inKernel(size); });
  }
  AffineExpr symbolOf(AffineExpr value) {
    auto *known = llvm::find(values, value);
    unsigned number = known - values.begin();
    if (known == values.end())
      values.push_back(value);
    return getAffineSymbolExpr(number, context);
  }

  MLIRContext *context;
  Shape values;
};

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
    KernelSymbols symbols(module.getContext());
    func::FuncOp kernel = makeKernel(cluster, inputs.getArrayRef(), inside, symbols);
    OpBuilder b(last);
    auto dispatch = rt::DispatchOp::create(b, last->getLoc(), last->getResultTypes(),
                                           FlatSymbolRefAttr::get(kernel.getSymNameAttr()),
                                           inputs.getArrayRef(), symbols.getDims());
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
      else if (auto attention = dyn_cast<kern::AttentionOp>(op))
        flops += attention.getFlops();
      else if (auto recurrence = dyn_cast<kern::RecurrenceOp>(op))
        flops += recurrence.getFlops();
      else if (auto window = dyn_cast<kern::WindowOp>(op))
        flops += window.getFlops();
      else if (isa<nn::ScalarOpInterface>(op))
        flops += nominal(elementCount(op->getResult(0)));
    }
    return flops;
  }

  func::FuncOp makeKernel(const Cluster &cluster, ArrayRef<Value> inputs,
                          ArrayRef<Operation *> inside, KernelSymbols &sizes) {
    Location loc = cluster.back()->getLoc();
    OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
    std::string name = (rootName(cluster) + "_" + Twine(count++)).str();
    auto own = ModuleOp::create(b, loc, StringRef(name));
    symbols.insert(own);
    b.setInsertionPointToStart(own.getBody());
    auto inKernel = [&](Type type) { return sizes.inKernel(type); };
    auto type = b.getFunctionType(llvm::map_to_vector(TypeRange(ValueRange(inputs)), inKernel),
                                  llvm::map_to_vector(cluster.back()->getResultTypes(), inKernel));
    auto function = func::FuncOp::create(b, loc, own.getName().value(), type);
    function->setAttr("rt.kernel", b.getUnitAttr());
    b.setInsertionPointToStart(function.addEntryBlock());
    IRMapping mapping;
    mapping.map(inputs, function.getArguments());
    for (Operation *op : inside)
      if (isa<tensor::EmptyOp>(op)) {
        auto own = cast<RankedTensorType>(sizes.inKernel(op->getResult(0).getType()));
        mapping.map(op->getResult(0),
                    nn::Generics(b, op->getLoc()).empty(shapeOf(own), own.getElementType()));
      } else {
        sizes.moveInside(b.clone(*op, mapping));
      }
    for (Operation *op : cluster)
      sizes.moveInside(b.clone(*op, mapping));
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
      SmallVector<Block *> blocks = rt::programBlocks(function);
      for (Block *block : blocks) {
        copyReturned(block);
        copySizes(block);
        for (const Cluster &cluster : formClusters(*block))
          outliner.outline(cluster);
      }
      for (Block *block : llvm::reverse(blocks))
        eraseUnused(block);
    }
  }

  /// Constants that moved into kernels, transposes that were absorbed.
  static void eraseUnused(Block *block) {
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*block)))
      if (isOpTriviallyDead(&op))
        op.erase();
  }
};

} // namespace
