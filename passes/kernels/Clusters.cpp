#include "passes/kernels/Clusters.h"

#include "passes/Passes.h"

using namespace mlir;

namespace nncc {

namespace {

bool isHeavy(Operation *op) {
  return isa<kern::ContractOp, kern::AttentionOp, kern::RecurrenceOp, kern::WindowOp>(op);
}

/// Whether the op is a part of the program itself: nothing runs for it.
bool isFree(Operation *op) {
  if (isa<nn::ConstantOp, nn::SizesOp, tensor::EmptyOp, func::ReturnOp>(op) ||
      isa<rt::RTDialect, arith::ArithDialect>(op->getDialect())) // views, control flow, sizes
    return true;
  auto pack = dyn_cast<kern::PackOp>(op);
  return pack && matchPattern(pack.getSource(), m_Constant());
}

/// The axes of a reduction are the last ones, and stay with size 1.
bool reducesRows(nn::ReduceOp op) {
  int64_t rank = op.getOperand().getType().getRank();
  std::optional<SmallVector<int64_t>> axes;
  if (op.getAxes())
    axes = nn::constantIntegers(op.getAxes());
  if (!op.getKeepdims() || !axes || axes->empty())
    return false;
  for (int64_t &axis : *axes)
    axis += axis < 0 ? rank : 0;
  llvm::sort(*axes);
  return axes->back() == rank - 1 && axes->front() == rank - static_cast<int64_t>(axes->size());
}

/// The shape over which an operation iterates row by row, if it is of the kind that shares its
/// outer dims with others.
std::optional<Shape> rowShape(Operation *op) {
  if (isa<nn::ScalarOpInterface>(op))
    return shapeOf(op->getResult(0));
  if (auto reduce = dyn_cast<nn::ReduceOp>(op); reduce && reducesRows(reduce))
    return shapeOf(reduce.getOperand());
  auto isLast = [&](int64_t axis) {
    int64_t rank = shapeOf(op->getResult(0)).size();
    return axis == -1 || axis == rank - 1;
  };
  if (auto softmax = dyn_cast<nn::SoftmaxOp>(op); softmax && isLast(softmax.getAxis()))
    return shapeOf(softmax.getResult());
  if (auto norm = dyn_cast<nn::LayerNormOp>(op); norm && isLast(norm.getAxis()))
    return shapeOf(op->getResult(0));
  return std::nullopt;
}

bool keepsLastDim(nn::TransposeOp op) {
  return op.getPerm().back() == static_cast<int64_t>(op.getPerm().size()) - 1;
}

class Clustering {
public:
  explicit Clustering(Block &block) : block(block) {}

  std::vector<Cluster> run() {
    for (Operation &op : block)
      if (isHeavy(&op))
        clusters.push_back(absorbTransposes(&op));
    for (Operation &op : llvm::reverse(block))
      if (!isFree(&op) && !taken.contains(&op) && !op.use_empty())
        clusters.push_back(isa<nn::TransposeOp>(op) ? start(&op) : growRows(&op));
    for (Cluster &cluster : clusters)
      llvm::sort(cluster, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    llvm::sort(clusters, [](const Cluster &a, const Cluster &b) {
      return a.back()->isBeforeInBlock(b.back());
    });
    return std::move(clusters);
  }

private:
  Cluster start(Operation *op) {
    taken.insert(op);
    return {op};
  }

  /// A product of activations reads and writes transposed matrices as they are stored.
  Cluster absorbTransposes(Operation *op) {
    Cluster cluster = start(op);
    if (!isBatchedProduct(op))
      return cluster;
    for (Value operand : op->getOperands().take_front(isa<kern::AttentionOp>(op) ? 3 : 2))
      if (auto transpose = operand.getDefiningOp<nn::TransposeOp>())
        // One that something else reads too is a kernel of its own.
        if (keepsLastDim(transpose) && !llvm::is_contained(cluster, transpose) &&
            transpose->getBlock() == &block &&
            llvm::all_of(transpose->getUsers(), isBatchedProduct)) {
          cluster.push_back(transpose);
          taken.insert(transpose);
          if (auto part = transpose.getOperand().getDefiningOp<nn::ReshapeOp>())
            for (Operation *view : {part.getOperation(), part.getOperand().getDefiningOp()})
              cluster.push_back(view), taken.insert(view);
        }
    if (op->hasOneUse())
      if (auto transpose = dyn_cast<nn::TransposeOp>(*op->user_begin()))
        if (keepsLastDim(transpose) && transpose->getBlock() == &block) {
          cluster.push_back(transpose);
          taken.insert(transpose);
        }
    return cluster;
  }

  static bool isBatchedProduct(Operation *op) {
    auto contract = dyn_cast<kern::ContractOp>(op);
    return isa<kern::AttentionOp>(op) ||
           (contract && contract.getBLayout() != kern::BLayout::Packed);
  }

  /// Takes in the producers that run over the same rows and are used by this cluster alone.
  Cluster growRows(Operation *last) {
    Cluster cluster = start(last);
    std::optional<Shape> shape = rowShape(last);
    if (!shape)
      return cluster;
    constexpr size_t most = 32; // keeps the code of a kernel small
    for (size_t i = 0; i < cluster.size() && cluster.size() < most; ++i)
      for (Value operand : cluster[i]->getOperands()) {
        Operation *producer = operand.getDefiningOp();
        if (!producer || isFree(producer) || taken.contains(producer) ||
            producer->getBlock() != &block || producer->getNumResults() != 1)
          continue;
        bool inside = llvm::all_of(producer->getUsers(), [&](Operation *user) {
          return llvm::is_contained(cluster, user);
        });
        if (inside && rowShape(producer) == shape) {
          cluster.push_back(producer);
          taken.insert(producer);
        }
      }
    return cluster;
  }

  Block &block;
  std::vector<Cluster> clusters;
  llvm::SmallPtrSet<Operation *, 32> taken;
};

} // namespace

std::vector<Cluster> formClusters(Block &block) { return Clustering(block).run(); }

bool isPartOfHeads(nn::ReshapeOp op) {
  auto slice = op.getOperand().getDefiningOp<nn::SliceOp>();
  if (!slice || !slice->hasOneUse() || !op->hasOneUse() || slice->getBlock() != op->getBlock())
    return false;
  std::optional<SmallVector<int64_t>> steps = nn::constantIntegers(slice.getSteps());
  auto transpose = dyn_cast<nn::TransposeOp>(*op->user_begin());
  if (!steps || llvm::any_of(*steps, [](int64_t step) { return step < 1; }) || !transpose ||
      !keepsLastDim(transpose) || !transpose->hasOneUse() ||
      transpose->getBlock() != op->getBlock())
    return false;
  OpOperand &use = *transpose->use_begin();
  return use.getOwner()->getBlock() == op->getBlock() && isa<kern::AttentionOp>(use.getOwner()) &&
         use.getOperandNumber() < 3;
}

bool isParameter(OpOperand &operand) {
  Operation *op = operand.getOwner();
  if (isa<nn::RandomOp>(op)) // the shape is all that it takes
    return true;
  if (operand.getOperandNumber() == 0 || !isa<nn::NNDialect>(op->getDialect()) ||
      isa<nn::ScalarOpInterface, nn::ConcatOp, nn::GatherOp, nn::GatherElementsOp, nn::GatherNDOp,
          nn::ScatterElementsOp, nn::ScatterNDOp>(op))
    return false;
  if (isa<nn::ResizeOp>(op)) // scales and roi are floats
    return true;
  auto type = cast<RankedTensorType>(operand.get().getType());
  Type element = type.getElementType();
  return type.getRank() <= 1 &&
         (element.isInteger(64) || element.isInteger(32) || isa<nn::ResizeOp>(op));
}

} // namespace nncc
