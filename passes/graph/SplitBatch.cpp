// Images of a batch one after the other: what passes between operations stays in the caches.
#include "dialects/SizeText.h"
#include "dialects/rt/RT.h"
#include "passes/Passes.h"
#include "passes/graph/Constants.h"

#include "mlir/Analysis/TopologicalSortUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nncc {
#define GEN_PASS_DEF_SPLITBATCH
#include "passes/Passes.h.inc"

namespace {

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// The operations, from the arguments on, that compute each image of a batch for itself.
class Region {
public:
  Region(func::FuncOp function, int64_t batch) : batch(batch) {
    for (Value argument : function.getArguments())
      if (isBatch(argument))
        images.insert(argument);
    for (Operation &op : function.front())
      if (llvm::any_of(op.getOperands(), [&](Value x) { return images.contains(x); }) &&
          computesImages(&op)) {
        ops.push_back(&op);
        images.insert(op.getResult(0));
      }
  }

  SmallVector<Operation *> ops;

  bool hasConvolution() const {
    return llvm::any_of(ops, [](Operation *op) { return isa<nn::ConvOp>(op); });
  }

  /// The most bytes that one operation reads and writes, of one image.
  int64_t mostBytes() const {
    int64_t most = 0;
    for (Operation *op : ops) {
      int64_t bytes = estimateBytes(op->getResult(0));
      for (Value operand : op->getOperands())
        if (images.contains(operand))
          bytes += estimateBytes(operand);
      most = std::max(most, bytes / batch);
    }
    return most;
  }

  /// What the region takes, and what of its results something outside uses.
  SmallVector<Value> inputs() const {
    llvm::SetVector<Value> result;
    for (Operation *op : ops)
      for (Value operand : op->getOperands())
        if (images.contains(operand) && isa<BlockArgument>(operand))
          result.insert(operand);
    return result.takeVector();
  }
  SmallVector<Value> outputs() const {
    SmallVector<Value> result;
    for (Operation *op : ops)
      if (llvm::any_of(op->getUsers(), [&](Operation *user) {
            return user->getNumResults() != 1 || !images.contains(user->getResult(0));
          }))
        result.push_back(op->getResult(0));
    return result;
  }

private:
  bool isBatch(Value value) const {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    return type && type.hasStaticShape() && type.getRank() >= 2 && type.getDimSize(0) == batch;
  }
  bool isImage(Value value) const { return images.contains(value); }

  /// Whether a value that is no image is the same for all of them where it meets `rank` dims.
  bool isShared(Value value, int64_t rank) const {
    RankedTensorType type = typeOf(value);
    return type.getRank() < rank || (type.getRank() > 0 && type.getDimSize(0) == 1);
  }

  /// Whether no operand but the first is an image.
  bool isFirstAlone(Operation *op) const {
    return isImage(op->getOperand(0)) &&
           llvm::none_of(op->getOperands().drop_front(), [&](Value x) { return isImage(x); });
  }

  static bool isInner(int64_t axis, int64_t rank) { return (axis < 0 ? axis + rank : axis) > 0; }

  bool areInner(Value axes, int64_t rank) const {
    auto known = axes ? nn::constantIntegers(axes) : std::nullopt;
    return known && llvm::all_of(*known, [&](int64_t axis) { return isInner(axis, rank); });
  }

  bool computesImages(Operation *op) const {
    if (!isa<nn::NNDialect>(op->getDialect()) || op->getNumResults() != 1 ||
        !isBatch(op->getResult(0)))
      return false;
    int64_t rank = typeOf(op->getResult(0)).getRank();
    auto first = [&] { return isFirstAlone(op); };
    if (isa<nn::ScalarOpInterface>(op))
      return llvm::all_of(op->getOperands(), [&](Value x) {
        return isImage(x) ? typeOf(x).getRank() == rank : isShared(x, rank);
      });
    return TypeSwitch<Operation *, bool>(op)
        .Case<nn::ConvOp, nn::ConvTransposeOp, nn::PoolOp, nn::DepthToSpaceOp, nn::SpaceToDepthOp,
              nn::InstanceNormOp, nn::GroupNormOp>([&](auto) { return first(); })
        .Case([&](nn::MatMulOp) { // of few rows, weights would be read anew for each image
          return rank >= 3 && isImage(op->getOperand(0)) &&
                 llvm::all_of(op->getOperands(), [&](Value x) {
                   return isImage(x) ? typeOf(x).getRank() == rank : isShared(x, rank);
                 });
        })
        .Case([&](nn::ReduceOp reduce) {
          return first() && areInner(reduce.getAxes(), typeOf(op->getOperand(0)).getRank());
        })
        .Case<nn::SoftmaxOp, nn::LogSoftmaxOp, nn::LpNormOp, nn::LayerNormOp, nn::RMSNormOp>(
            [&](auto norm) { return first() && isInner(norm.getAxis(), rank); })
        .Case([&](nn::ConcatOp concat) {
          return isInner(concat.getAxis(), rank) &&
                 llvm::all_of(op->getOperands(), [&](Value x) { return isImage(x); });
        })
        .Case([&](nn::SliceOp slice) { return first() && areInner(slice.getAxes(), rank); })
        .Case([&](nn::PadOp pad) { return first() && padsInside(pad, rank); })
        .Case([&](nn::TransposeOp transpose) { return transpose.getPerm()[0] == 0; })
        .Case([&](nn::ReshapeOp) { return isImage(op->getOperand(0)); })
        .Case([&](nn::ResizeOp resize) {
          return first() &&
                 llvm::all_of(resize.getAxes(), [&](int64_t axis) { return isInner(axis, rank); });
        })
        .Case([&](nn::AttentionOp) {
          return isImage(op->getOperand(0)) && llvm::all_of(op->getOperands(), [&](Value x) {
                   return isImage(x) ? typeOf(x).getRank() == rank : isShared(x, rank);
                 });
        })
        .Default(false);
  }

  static bool padsInside(nn::PadOp pad, int64_t rank) {
    auto pads = nn::constantIntegers(pad.getPads());
    if (!pads)
      return false;
    if (!pad.getAxes())
      return (*pads)[0] == 0 && (*pads)[rank] == 0;
    auto axes = nn::constantIntegers(pad.getAxes());
    return axes && llvm::all_of(*axes, [&](int64_t axis) { return isInner(axis, rank); });
  }

  int64_t batch;
  llvm::DenseSet<Value> images;
};

/// Moves a region into a loop.
struct Splitter {
  const Region &region;
  int64_t batch, part; // images of all iterations, and of one
  OpBuilder b;
  Location loc;
  IRMapping map = {};

  RankedTensorType withDim(RankedTensorType type, int64_t size) const {
    SmallVector<int64_t> shape(type.getShape());
    shape[0] = size;
    return type.clone(shape);
  }

  /// The images of an iteration.
  Value take(Value images, AffineExpr counter) {
    nn::Fact index;
    index.element = b.getI64Type();
    index.value = Shape();
    for (int64_t i = 0; i < part; ++i)
      index.value->push_back(normalForm(counter * part + i));
    index.shape = {b.getAffineConstantExpr(part)};
    return nn::GatherOp::create(b, loc, images, nn::buildValue(b, loc, index), /*axis=*/0);
  }

  void copy(Operation *op) {
    RankedTensorType type = withDim(typeOf(op->getResult(0)), part);
    if (isa<nn::ReshapeOp>(op)) {
      Value operand = map.lookup(op->getOperand(0));
      map.map(op->getResult(0), nn::ReshapeOp::create(b, op->getLoc(), operand, shapeOf(type)));
      return;
    }
    Operation *copy = b.clone(*op, map);
    copy->getResult(0).setType(type);
    map.map(op->getResult(0), copy->getResult(0));
  }

  void run(func::FuncOp function) {
    unsigned counter = addSymbol(function);
    SmallVector<Value> outputs = region.outputs();
    SmallVector<Type> types; // of what is collected
    for (Value output : outputs) {
      SmallVector<int64_t> shape{batch / part, part};
      llvm::append_range(shape, typeOf(output).getShape().drop_front());
      types.push_back(typeOf(output).clone(shape));
    }
    auto trip = AffineMapAttr::get(AffineMap::getConstantMap(batch / part, b.getContext()));
    auto loop = rt::LoopOp::create(b, loc, types, counter, ValueRange(), /*conditional=*/false,
                                   trip, ArrayRef<int64_t>(), AffineMapAttr());
    b.createBlock(&loop.getBody());
    for (Value input : region.inputs())
      map.map(input, take(input, b.getAffineSymbolExpr(counter)));
    for (Operation *op : region.ops)
      copy(op);
    auto elements = llvm::map_to_vector(outputs, [&](Value x) { return map.lookup(x); });
    rt::YieldOp::create(b, loc, elements, AffineMapAttr());
    b.setInsertionPointAfter(loop);
    for (auto [output, collected] : llvm::zip(outputs, loop.getResults()))
      output.replaceUsesWithIf(
          nn::ReshapeOp::create(b, loc, collected, shapeOf(typeOf(output))),
          [&](OpOperand &use) { return !llvm::is_contained(region.ops, use.getOwner()); });
    for (Operation *op : llvm::reverse(region.ops))
      op->erase();
    sortTopologically(&function.front()); // users that stood among the region's operations
  }
};

struct SplitBatch : impl::SplitBatchBase<SplitBatch> {
  using SplitBatchBase::SplitBatchBase;

  void runOnOperation() override {
    func::FuncOp function = getOperation();
    if (!function.getNumArguments() || !llvm::hasSingleElement(function.getBody()))
      return;
    auto first = dyn_cast<RankedTensorType>(function.getArgumentTypes().front());
    if (!first || first.getRank() < 3 || first.isDynamicDim(0) || first.getDimSize(0) < 2)
      return;
    int64_t batch = first.getDimSize(0);
    Region region(function, batch);
    if (!region.hasConvolution())
      return;
    int64_t bytes = std::max<int64_t>(region.mostBytes(), 1);
    int64_t part = std::clamp<int64_t>(cacheBytes / bytes, 1, batch);
    while (batch % part)
      --part;
    auto remarkNamed = remark::RemarkOpts::name("Split").category("nncc-split-batch");
    if (part == batch) {
      remark::missed(function.getLoc(), remarkNamed)
          << remark::reason("a batch of {0} fits the caches", batch);
      return;
    }
    remark::passed(function.getLoc(), remarkNamed)
        << remark::add("{0} operations, {1} of {2} images at a time", region.ops.size(), part,
                       batch)
        << remark::metric("Bytes", bytes);
    Operation *last = region.ops.back();
    OpBuilder b(last->getContext());
    b.setInsertionPointAfter(last);
    Splitter{region, batch, part, b, function.getLoc()}.run(function);
  }
};

} // namespace
} // namespace nncc
