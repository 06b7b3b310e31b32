// Chooses per activation between the order of dims that ONNX has and channels-last.
#include "passes/Passes.h"
#include "passes/graph/Constants.h"
#include "passes/graph/Layout.h"
#include "passes/graph/MinCut.h"

#include "mlir/IR/Remarks.h"

using namespace mlir;

namespace nncc {
#define GEN_PASS_DEF_ASSIGNLAYOUT
#include "passes/Passes.h.inc"

namespace {

constexpr auto remarkNamed = [](StringRef name) {
  return remark::RemarkOpts::name(name).category("nncc-assign-layout");
};

/// The roles of the operations of a block, and which of the flexible ones become channels-last.
class Labels {
public:
  explicit Labels(Block &block) : block(block) {
    for (Operation &op : block)
      roles[&op] = layoutRole(&op);
    settleAmbiguousTransposes();
    assign();
  }

  LayoutRole role(Operation *op) const { return roles.lookup(op); }
  /// Whether `op`, of role ChannelsLast or Either, computes channels-last.
  bool isLast(Operation *op) const {
    return role(op) == LayoutRole::ChannelsLast ||
           (role(op) == LayoutRole::Either && cut.isSinkSide(nodes.lookup(op)));
  }

private:
  void settleAmbiguousTransposes();
  void assign();
  void addConversions(Value value, MinCut::Node producer);
  /// On which side of the cut `op` is as a user or as the producer of an image.
  MinCut::Node node(Operation *op, bool asUser) const;

  Block &block;
  DenseMap<Operation *, LayoutRole> roles;
  DenseMap<Operation *, MinCut::Node> nodes;
  MinCut cut;
};

/// Of three dims the transposes to and from channels-last are the same one. What is around it
/// decides which it is: behind a convolution it leads back, before one it leads there.
void Labels::settleAmbiguousTransposes() {
  DenseSet<Operation *> behind, before;
  auto carries = [&](Operation *op) {
    return role(op) == LayoutRole::ChannelsLast || role(op) == LayoutRole::Either;
  };
  for (Operation &op : block)
    if (role(&op) == LayoutRole::ChannelsLast ||
        (role(&op) == LayoutRole::Either && llvm::any_of(imageOperands(&op), [&](OpOperand *image) {
           return behind.contains(image->get().getDefiningOp());
         })))
      behind.insert(&op);
  for (Operation &op : llvm::reverse(block))
    if (carries(&op) &&
        (role(&op) == LayoutRole::ChannelsLast ||
         llvm::any_of(op.getUsers(), [&](Operation *user) { return before.contains(user); })))
      before.insert(&op);
  for (Operation &op : block) {
    if (role(&op) != LayoutRole::ToLast || cast<nn::TransposeOp>(op).getPerm().size() != 3)
      continue;
    bool isBefore =
        llvm::any_of(op.getUsers(), [&](Operation *user) { return before.contains(user); });
    if (!behind.contains(op.getOperand(0).getDefiningOp()))
      roles[&op] = isBefore ? LayoutRole::ToFirst : LayoutRole::Original;
  }
}

MinCut::Node Labels::node(Operation *op, bool asUser) const {
  switch (role(op)) {
  case LayoutRole::Original:
    return MinCut::source;
  case LayoutRole::ChannelsLast:
    return MinCut::sink;
  case LayoutRole::Either:
    return nodes.lookup(op);
  case LayoutRole::ToLast:
    return asUser ? MinCut::sink : MinCut::source;
  case LayoutRole::ToFirst:
    return asUser ? MinCut::source : MinCut::sink;
  }
  llvm_unreachable("unknown role");
}

/// A value is converted at most once per direction, however many users want the other order: two
/// auxiliary nodes share the cost.
void Labels::addConversions(Value value, MinCut::Node producer) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() < 3 || isConstant(value))
    return;
  constexpr int64_t perConversion = 4096; // the start of one more kernel, in bytes
  // A reshape moves nothing, but may stand between operations that would fuse.
  int64_t cost = isFreeTranspose(type, toLastPermutation(type.getRank()))
                     ? 1
                     : estimateBytes(value) + perConversion;
  MinCut::Node there = cut.addNode(), back = cut.addNode();
  cut.addEdge(producer, there, cost);
  cut.addEdge(back, producer, cost);
  for (OpOperand &use : value.getUses()) {
    Operation *user = block.findAncestorOpInBlock(*use.getOwner());
    bool isImage = user == use.getOwner() && llvm::is_contained(imageOperands(user), &use);
    // What is not an image (weights, a captured value) is read in the original order.
    MinCut::Node node = isImage ? this->node(user, /*asUser=*/true) : MinCut::source;
    cut.addEdge(there, node, MinCut::unbounded);
    cut.addEdge(node, back, MinCut::unbounded);
  }
}

void Labels::assign() {
  for (Operation &op : block)
    if (role(&op) == LayoutRole::Either)
      nodes[&op] = cut.addNode();
  for (Value argument : block.getArguments())
    addConversions(argument, MinCut::source);
  for (Operation &op : block)
    if (op.getNumResults() == 1 && !hasPlainResult(&op))
      addConversions(op.getResult(0), node(&op, /*asUser=*/false));
    else
      for (Value result : op.getResults())
        addConversions(result, MinCut::source);
  cut.solve();
}

/// Rebuilds a block by its labels. Each value has one or both of its orders.
class Rewriter {
public:
  Rewriter(Block &block, const Labels &labels)
      : block(block), labels(labels), b(block.getParentOp()) {}

  void run();
  int64_t conversions = 0, bytes = 0, channelsLast = 0;

private:
  struct Orders {
    Value original, last;
  };

  void rewrite(Operation *op);
  Value original(Value value, Operation *user);
  Value last(Value value, Operation *user);
  Value convert(Value from, ArrayRef<int64_t> perm, Operation *user);

  Block &block;
  const Labels &labels;
  OpBuilder b;
  DenseMap<Value, Orders> orders;
};

Value Rewriter::convert(Value from, ArrayRef<int64_t> perm, Operation *user) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointAfterValue(from);
  if (!isConstant(from) && !isFreeTranspose(cast<RankedTensorType>(from.getType()), perm)) {
    ++conversions;
    bytes += estimateBytes(from);
    remark::missed(user->getLoc(), remarkNamed("Conversion"))
        << remark::reason("{0} needs its operand in another order", user->getName().getStringRef())
        << remark::metric("Bytes", estimateBytes(from));
  }
  return buildTranspose(b, from.getLoc(), from, perm);
}

Value Rewriter::original(Value value, Operation *user) {
  auto it = orders.find(value);
  if (it == orders.end())
    return value;
  if (!it->second.original) {
    Value from = it->second.last; // before the map changes
    int64_t rank = cast<RankedTensorType>(from.getType()).getRank();
    it->second.original = convert(from, toFirstPermutation(rank), user);
  }
  return it->second.original;
}

Value Rewriter::last(Value value, Operation *user) {
  Orders &entry = orders.try_emplace(value, Orders{value, {}}).first->second;
  if (!entry.last) {
    int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
    entry.last = convert(entry.original, toLastPermutation(rank), user);
  }
  return entry.last;
}

void Rewriter::rewrite(Operation *op) {
  if (labels.isLast(op)) {
    SmallVector<Value> images;
    for (OpOperand *image : imageOperands(op))
      images.push_back(last(image->get(), op));
    b.setInsertionPoint(op);
    // Weights and the like are read as they came.
    for (OpOperand &operand : op->getOpOperands())
      if (!llvm::is_contained(imageOperands(op), &operand))
        operand.set(original(operand.get(), op));
    Value result = buildChannelsLast(b, op, images);
    orders[op->getResult(0)] = hasPlainResult(op) ? Orders{result, {}} : Orders{{}, result};
    ++channelsLast;
    return;
  }
  if (labels.role(op) == LayoutRole::ToLast) {
    orders[op->getResult(0)] = {last(op->getOperand(0), op), {}};
    return;
  }
  if (labels.role(op) == LayoutRole::ToFirst) {
    orders[op->getResult(0)] = {{}, original(op->getOperand(0), op)};
    return;
  }
  op->walk([&](Operation *inner) { // operations inside of `op` may capture values
    for (OpOperand &operand : inner->getOpOperands())
      operand.set(original(operand.get(), op));
  });
}

void Rewriter::run() {
  SmallVector<Operation *> ops, replaced;
  for (Operation &op : block)
    ops.push_back(&op);
  for (Operation *op : ops) {
    rewrite(op);
    if (op->getNumResults() == 1 && orders.contains(op->getResult(0)) &&
        orders[op->getResult(0)].original != op->getResult(0))
      replaced.push_back(op);
  }
  for (Operation *op : llvm::reverse(replaced))
    op->erase();
}

struct AssignLayout : impl::AssignLayoutBase<AssignLayout> {
  void runOnOperation() override {
    SmallVector<Block *> blocks;
    getOperation()->walk([&](Block *inner) { blocks.push_back(inner); });
    for (Block *block : blocks) {
      Labels labels(*block);
      Rewriter rewriter(*block, labels);
      rewriter.run();
      if (rewriter.channelsLast)
        remark::passed(getOperation().getLoc(), remarkNamed("Assigned"))
            << remark::add("{0} operations compute channels-last", rewriter.channelsLast)
            << remark::metric("Conversions", rewriter.conversions)
            << remark::metric("Bytes", rewriter.bytes);
    }
  }
};

} // namespace
} // namespace nncc
