// Every tensor of the program gets its place: the caller's buffers, the weights, the arena.
#include "passes/Passes.h"
#include "passes/program/EmitSteps.h"
#include "passes/program/Packing.h"

#include "dialects/SizeText.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/SetVector.h"

namespace nncc {
#define GEN_PASS_DEF_PLANMEMORY
#include "passes/Passes.h.inc"
} // namespace nncc

using namespace mlir;
using namespace nncc;

namespace {

class Planner {
public:
  explicit Planner(func::FuncOp function) : function(function), homes(function) {}

  LogicalResult run(Builder &b) {
    if (failed(homes.assign()))
      return failure();
    FailureOr<int64_t> size = placeWeights(b);
    if (failed(size))
      return failure();
    auto module = function->getParentOfType<ModuleOp>();
    module->setAttr("rt.weights_size", b.getI64IntegerAttr(*size));
    bool isFixed = llvm::all_of(
        homes.buffers, [](const Buffer &buffer) { return constantOf(buffer.bytes).has_value(); });
    if (isFixed)
      placeBuffers(module, b);
    else
      stackBuffers();
    boundSizes();
    describeResults();
    emitSteps(function, homes, arena, weights);
    finish();
    return success();
  }

private:
  Operation *terminator() { return function.front().getTerminator(); }

  /// Constants and packing recipes, in the order of their first use.
  FailureOr<int64_t> placeWeights(Builder &b) {
    int64_t size = 0;
    // The same constant, packed in the same way, is stored once.
    llvm::DenseMap<std::pair<Attribute, Attribute>, int64_t> known;
    WalkResult result = function.walk([&](Operation *op) {
      if (!isa<rt::RTDialect>(op->getDialect()) || isa<rt::ViewOp>(op))
        return WalkResult::advance();
      for (Value operand : op->getOperands()) {
        Value base = resolveViews(operand).first;
        Operation *def = base.getDefiningOp();
        if (!isa_and_nonnull<nn::ConstantOp, kern::PackOp>(def) || weights.count(base))
          continue;
        auto pack = dyn_cast<kern::PackOp>(def);
        auto constant = cast<nn::ConstantOp>(pack ? pack.getSource().getDefiningOp() : def);
        std::optional<int64_t> bytes = constantOf(byteSize(base.getType()));
        if (!bytes)
          return WalkResult(def->emitOpError("expects constant sizes of a weight"));
        Attribute recipe = TypeAttr::get(base.getType());
        if (pack)
          recipe = b.getArrayAttr({recipe, pack.getDimsAttr(), pack.getFactorsAttr()});
        auto [offset, isNew] = known.try_emplace({constant.getValue(), recipe}, size);
        if (isNew) {
          def->setAttr("rt.offset", b.getI64IntegerAttr(size));
          size = llvm::alignTo(size + *bytes + memoryAlignment, memoryAlignment);
        }
        weights[base] = offset->second;
      }
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return failure();
    return size;
  }

  /// Constant offsets, where all sizes are constant.
  void placeBuffers(ModuleOp module, Builder &b) {
    SmallVector<Interval> intervals;
    for (const Buffer &buffer : homes.buffers)
      intervals.push_back({buffer.first, buffer.last, *constantOf(buffer.bytes)});
    int64_t live = largestLiveSet(intervals);
    for (Interval &interval : intervals)
      interval.size += memoryAlignment;
    int64_t size = packIntervals(intervals, memoryAlignment);
    for (const Interval &interval : intervals)
      arena.places.push_back(interval.offset);
    module->setAttr("rt.arena_size", b.getI64IntegerAttr(size));
    module->setAttr("rt.live_size", b.getI64IntegerAttr(live));
    remark::passed(function.getLoc(),
                   remark::RemarkOpts::name("Packed").category("nncc-plan-memory"))
        << remark::add("{0} values in an arena of {1} bytes, {2} of them live at the same time",
                       intervals.size(), size, live)
        << remark::metric("ArenaBytes", size) << remark::metric("LiveBytes", live);
  }

  /// Slots on top of each other, in the order that is best for the nominal sizes.
  void stackBuffers() {
    SmallVector<Interval> intervals;
    for (const Buffer &buffer : homes.buffers)
      intervals.push_back(
          {buffer.first, buffer.last, std::max(nominal(slotSize(buffer.bytes)), memoryAlignment)});
    packIntervals(intervals, memoryAlignment);
    auto order = llvm::to_vector(llvm::seq<size_t>(0, intervals.size()));
    llvm::sort(order, [&](size_t a, size_t b) {
      return std::make_pair(intervals[a].offset, a) < std::make_pair(intervals[b].offset, b);
    });
    SmallVector<Interval> sorted;
    for (size_t i : order)
      sorted.push_back(intervals[i]);
    arena.hasSlots = true;
    arena.places.resize(intervals.size());
    OpBuilder b = OpBuilder::atBlockBegin(&function.front());
    for (auto [number, above] : llvm::enumerate(intervalsBelow(sorted))) {
      arena.places[order[number]] = number;
      rt::SlotOp::create(b, function.getLoc(), number,
                         sizeAttr(slotSize(homes.buffers[order[number]].bytes)), above);
    }
  }

  /// What must be neither negative nor greater than memory for a run to make sense.
  void boundSizes() {
    llvm::SetVector<AffineExpr> sizes;
    auto add = [&](Type type) {
      for (AffineExpr size : shapeOf(cast<RankedTensorType>(type)))
        sizes.insert(normalForm(size));
      sizes.insert(byteSize(type));
    };
    llvm::for_each(function.getArgumentTypes(), add);
    function.walk([&](rt::DispatchOp op) {
      llvm::for_each(op.getResultTypes(), add);
      if (op.getDims())
        sizes.insert_range(llvm::map_range(op.getDims()->getResults(), normalForm));
    });
    function.walk([&](rt::ViewOp op) { sizes.insert(op.getFirst()); });
    for (const Buffer &buffer : homes.buffers)
      sizes.insert(buffer.bytes);
    // Those that a run computes are bounded in it: rt.bound.
    sizes.remove_if([&](AffineExpr size) { return constantOf(size) || homes.isLate(size); });
    if (sizes.empty())
      return;
    AffineMap map = sizeMap(sizes.getArrayRef(), function.getContext());
    function->setAttr("rt.sizes", AffineMapAttr::get(map));
  }

  void finish() {
    auto none = FunctionType::get(function.getContext(), function.getArgumentTypes(), {});
    function.setFunctionType(none);
    function.removeResAttrsAttr();
  }

  /// The types and names of the results outlive the results.
  void describeResults() {
    Builder b(function.getContext());
    SmallVector<Attribute> types, names;
    for (auto [i, value] : llvm::enumerate(terminator()->getOperands())) {
      Attribute declared = function.getResultAttr(i, declaredTypeAttr);
      types.push_back(declared ? declared : TypeAttr::get(value.getType()));
      Attribute name = function.getResultAttr(i, "nn.name");
      names.push_back(name ? name : b.getStringAttr("output" + std::to_string(i)));
    }
    function->setAttr("rt.result_types", b.getArrayAttr(types));
    function->setAttr("rt.result_names", b.getArrayAttr(names));
  }

  func::FuncOp function;
  ValueHomes homes;
  ArenaPlan arena;
  llvm::DenseMap<Value, int64_t> weights;
};

struct PlanMemory : nncc::impl::PlanMemoryBase<PlanMemory> {
  void runOnOperation() override {
    Builder b(&getContext());
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      if (failed(Planner(function).run(b)))
        return signalPassFailure();
  }
};

} // namespace
