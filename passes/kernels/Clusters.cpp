#include "passes/kernels/Clusters.h"

#include "passes/Passes.h"

using namespace mlir;

namespace nncc {

namespace {

bool isHeavy(Operation *op) { return isa<kern::ContractOp, kern::WindowOp>(op); }

/// Whether the op is a part of the program itself: nothing runs for it.
bool isFree(Operation *op) {
  if (isa<nn::ConstantOp, rt::ViewOp, tensor::EmptyOp, func::ReturnOp>(op))
    return true;
  auto pack = dyn_cast<kern::PackOp>(op);
  return pack && matchPattern(pack.getSource(), m_Constant());
}

ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
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
std::optional<ArrayRef<int64_t>> rowShape(Operation *op) {
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

class Clustering {
public:
  explicit Clustering(func::FuncOp function) : function(function) {}

  std::vector<Cluster> run() {
    for (Operation &op : function.getOps())
      if (isHeavy(&op))
        clusters.push_back(absorbTransposes(&op));
    for (Operation &op : llvm::reverse(function.getBody().front()))
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
    auto contract = dyn_cast<kern::ContractOp>(op);
    if (!contract || contract.getBLayout() == kern::BLayout::Packed)
      return cluster;
    for (Value operand : {contract.getA(), contract.getB()})
      if (auto transpose = operand.getDefiningOp<nn::TransposeOp>())
        if (keepsLastDim(transpose) && !llvm::is_contained(cluster, transpose)) {
          cluster.push_back(transpose);
          if (llvm::all_of(transpose->getUsers(), isBatchedProduct))
            taken.insert(transpose);
        }
    if (op->hasOneUse())
      if (auto transpose = dyn_cast<nn::TransposeOp>(*op->user_begin()))
        if (keepsLastDim(transpose)) {
          cluster.push_back(transpose);
          taken.insert(transpose);
        }
    return cluster;
  }

  static bool keepsLastDim(nn::TransposeOp op) {
    return op.getPerm().back() == static_cast<int64_t>(op.getPerm().size()) - 1;
  }

  static bool isBatchedProduct(Operation *op) {
    auto contract = dyn_cast<kern::ContractOp>(op);
    return contract && contract.getBLayout() != kern::BLayout::Packed;
  }

  /// Takes in the producers that run over the same rows and are used by this cluster alone.
  Cluster growRows(Operation *last) {
    Cluster cluster = start(last);
    std::optional<ArrayRef<int64_t>> shape = rowShape(last);
    if (!shape)
      return cluster;
    constexpr size_t most = 32; // keeps the code of a kernel small
    for (size_t i = 0; i < cluster.size() && cluster.size() < most; ++i)
      for (Value operand : cluster[i]->getOperands()) {
        Operation *producer = operand.getDefiningOp();
        if (!producer || isFree(producer) || taken.contains(producer) ||
            producer->getNumResults() != 1)
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

  func::FuncOp function;
  std::vector<Cluster> clusters;
  llvm::SmallPtrSet<Operation *, 32> taken;
};

} // namespace

std::vector<Cluster> formClusters(func::FuncOp function) { return Clustering(function).run(); }

bool isParameter(OpOperand &operand) {
  Operation *op = operand.getOwner();
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
