#include "targets/nvptx/SequenceEmitter.h"

#include "targets/nvptx/NestEmitter.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

namespace {
/// An element that a loop reads or writes.
struct Element {
  Operation *op;
  Value tensor;
  ValueRange indices;
};

/// The elements of the tensor that `root`, which carries one, updates.
SmallVector<Element> findElements(scf::ForOp root, TensorLoops &loops) {
  SmallVector<Element> elements;
  auto isUpdated = [&](Value tensor) {
    // Of tensors inside of the loops there is only this one.
    bool isInside = root.getBody()->getParent()->isAncestor(tensor.getParentRegion());
    return isInside || loops.baseOf(tensor) == loops.baseOf(root.getResult(0));
  };
  root.walk([&](Operation *op) {
    if (auto insert = dyn_cast<tensor::InsertOp>(op))
      elements.push_back({op, insert.getDest(), insert.getIndices()});
    else if (auto extract = dyn_cast<tensor::ExtractOp>(op);
             extract && isUpdated(extract.getTensor()))
      elements.push_back({op, extract.getTensor(), extract.getIndices()});
  });
  return elements;
}

/// The position at which all elements have the number of the iteration; -1: there is none.
int findPosition(scf::ForOp loop, ArrayRef<Element> elements) {
  for (size_t position = 0; position < elements.front().indices.size(); ++position)
    if (llvm::all_of(elements, [&](const Element &element) {
          return loop->isProperAncestor(element.op) &&
                 element.indices[position] == loop.getInductionVar();
        }))
      return position;
  return -1;
}

/// The longest loop of those whose iterations touch different elements of the tensor that `op`
/// updates; null: there is none. Threads may take the loops around it at different times then.
scf::ForOp findIndependent(Operation *op, TensorLoops &loops) {
  auto root = dyn_cast<scf::ForOp>(op);
  if (!root || root->getNumResults() != 1)
    return {};
  SmallVector<Element> elements = findElements(root, loops);
  scf::ForOp best;
  int64_t most = 1;
  root.walk<WalkOrder::PreOrder>([&](scf::ForOp loop) {
    constexpr int64_t unknown = 64;
    int64_t count = getConstantIntValue(loop.getUpperBound()).value_or(unknown);
    if (count < most || count == 1 || getConstantIntValue(loop.getStep()) != 1 ||
        elements.empty() || findPosition(loop, elements) < 0)
      return;
    best = loop, most = count; // of equal ones the innermost: its elements are neighbours
  });
  return best;
}
} // namespace

LogicalResult nncc::nvptx::emitSequence(ThreadBlock &e, ArrayRef<Operation *> ops, Homes &homes) {
  bool isFirst = true;
  auto await = [&] {
    if (!isFirst)
      e.barrier();
    isFirst = false;
  };
  auto allocate = [&](AffineExpr elements, Type element) { return e.allocate(elements, element); };
  auto computeNests = [&](std::vector<Nest> nests) {
    if (nests.empty())
      return;
    await();
    emitGroups(e, std::move(nests), homes);
  };
  auto computeLoops = [&](TensorLoops &loops, Operation *op) {
    await();
    LogicalResult result = success();
    if (scf::ForOp loop = findIndependent(op, loops)) {
      loops.share(loop, e.thread, e.threads);
      return loops.emit(op);
    }
    e.branch(
        e.equals(e.thread, 0), [&] { result = loops.emit(op); }, [] {});
    return result;
  };
  return emitSequence(e, ops, homes, {allocate, computeNests, computeLoops});
}
