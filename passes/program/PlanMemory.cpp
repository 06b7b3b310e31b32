// Every tensor of the program gets its place: the caller's buffers, the weights, the arena.
#include "passes/Passes.h"
#include "passes/program/Packing.h"

#include "dialects/Sizes.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

namespace nncc {
#define GEN_PASS_DEF_PLANMEMORY
#include "passes/Passes.h.inc"
} // namespace nncc

using namespace mlir;
using namespace nncc;

namespace {

constexpr int64_t alignment = 64; // NNCC_ALIGNMENT; as many spare bytes follow each value

int64_t elementBytes(Type type) {
  return llvm::divideCeil(cast<RankedTensorType>(type).getElementTypeBitWidth(), 8);
}

AffineExpr byteSize(Type type) {
  Shape shape = shapeOf(cast<RankedTensorType>(type));
  return normalForm(elementCount(shape, type.getContext()) * elementBytes(type));
}

/// A value without the views on it, and how many bytes into it they begin.
std::pair<Value, AffineExpr> resolve(Value value) {
  AffineExpr offset = getAffineConstantExpr(0, value.getContext());
  while (auto view = value.getDefiningOp<rt::ViewOp>()) {
    offset = offset + view.getFirst() * elementBytes(view.getSource().getType());
    value = view.getSource();
  }
  return {value, normalForm(offset)};
}

struct Place {
  rt::Space space;
  int64_t index = 0, offset = 0;
};

class Planner {
public:
  explicit Planner(func::FuncOp function) : function(function) {}

  LogicalResult run(Builder &b) {
    for (auto [i, argument] : llvm::enumerate(function.getArguments()))
      places[argument] = {rt::Space::Input, static_cast<int64_t>(i)};
    for (auto [i, value] : llvm::enumerate(terminator()->getOperands())) {
      Value base = resolve(value).first;
      if (!base.getDefiningOp<rt::DispatchOp>() || places.count(base))
        return function.emitError("result ") << i << " is not written by a kernel of its own";
      places[base] = {rt::Space::Output, static_cast<int64_t>(i)};
    }
    FailureOr<int64_t> weights = placeWeights(b);
    if (failed(weights))
      return failure();
    auto module = function->getParentOfType<ModuleOp>();
    module->setAttr("rt.weights_size", b.getI64IntegerAttr(*weights));
    findLives();
    bool isFixed = llvm::all_of(
        lives, [](auto &entry) { return constantOf(byteSize(entry.first.getType())).has_value(); });
    if (isFixed)
      module->setAttr("rt.arena_size", b.getI64IntegerAttr(placeResults()));
    else
      stackResults();
    boundSizes();
    rewrite();
    return success();
  }

private:
  Operation *terminator() { return function.front().getTerminator(); }

  /// Constants and packing recipes, in the order of their first use.
  FailureOr<int64_t> placeWeights(Builder &b) {
    int64_t size = 0;
    // The same constant, packed in the same way, is stored once.
    llvm::DenseMap<std::pair<Attribute, Attribute>, int64_t> known;
    WalkResult result = function.walk([&](rt::DispatchOp op) {
      for (Value operand : op->getOperands()) {
        Value base = resolve(operand).first;
        Operation *def = base.getDefiningOp();
        if (!def || isa<rt::DispatchOp>(def) || places.count(base))
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
          size = llvm::alignTo(size + *bytes + alignment, alignment);
        }
        places[base] = {rt::Space::Weights, 0, offset->second};
      }
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return failure();
    return size;
  }

  /// What goes to the arena, from its dispatch to its last reader.
  void findLives() {
    int64_t step = 0;
    for (Operation &op : function.front()) {
      auto dispatch = dyn_cast<rt::DispatchOp>(op);
      if (!dispatch)
        continue;
      ++step;
      for (Value operand : dispatch.getOperands())
        if (auto life = lives.find(resolve(operand).first); life != lives.end())
          life->second.last = step;
      for (Value result : dispatch.getResults())
        if (!places.count(result))
          lives[result] = {step, step, /*size=*/0};
    }
  }

  /// Constant offsets, where all sizes are constant.
  int64_t placeResults() {
    SmallVector<Interval> intervals;
    for (auto &[value, life] : lives) {
      life.size = *constantOf(byteSize(value.getType())) + alignment;
      intervals.push_back(life);
    }
    int64_t arena = packIntervals(intervals, alignment);
    for (auto [life, interval] : llvm::zip(lives, intervals))
      places[life.first] = {rt::Space::Arena, 0, interval.offset};
    return arena;
  }

  /// Slots on top of each other, in the order that is best for the nominal sizes.
  void stackResults() {
    SmallVector<Value> values;
    SmallVector<Interval> intervals;
    for (auto &[value, life] : lives) {
      life.size = std::max(nominal(slotSize(value.getType())), alignment);
      values.push_back(value);
      intervals.push_back(life);
    }
    packIntervals(intervals, alignment);
    auto order = llvm::to_vector(llvm::seq<size_t>(0, values.size()));
    llvm::sort(order, [&](size_t a, size_t b) {
      return std::make_pair(intervals[a].offset, a) < std::make_pair(intervals[b].offset, b);
    });
    SmallVector<Interval> sorted;
    for (size_t i : order)
      sorted.push_back(intervals[i]);
    OpBuilder b = OpBuilder::atBlockBegin(&function.front());
    for (auto [number, above] : llvm::enumerate(intervalsBelow(sorted))) {
      Value value = values[order[number]];
      places[value] = {rt::Space::Arena, static_cast<int64_t>(number), 0};
      rt::SlotOp::create(b, value.getLoc(), number, sizeAttr(slotSize(value.getType())), above);
    }
  }

  static AffineExpr slotSize(Type type) {
    AffineExpr blocks = (byteSize(type) + (alignment - 1)).floorDiv(alignment);
    return normalForm(blocks * alignment + alignment);
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
    sizes.remove_if([](AffineExpr size) { return constantOf(size).has_value(); });
    if (sizes.empty())
      return;
    auto map = AffineMap::get(0, symbolCount(sizes.getArrayRef()), sizes.getArrayRef(),
                              function.getContext());
    function->setAttr("rt.sizes", AffineMapAttr::get(map));
  }

  /// rt.dispatch -> rt.run; what is left are the weights.
  void rewrite() {
    for (Operation &op : llvm::make_early_inc_range(function.front())) {
      auto dispatch = dyn_cast<rt::DispatchOp>(op);
      if (!dispatch)
        continue;
      SmallVector<int32_t> spaces;
      SmallVector<int64_t> indices, offsets;
      SmallVector<AffineExpr> starts;
      SmallVector<Value> buffers(dispatch.getOperands());
      llvm::append_range(buffers, dispatch.getResults());
      OpBuilder b(&op);
      double bytes = 0;
      for (Value buffer : buffers) {
        auto [base, start] = resolve(buffer);
        Place place = places.lookup(base);
        spaces.push_back(static_cast<int32_t>(place.space));
        indices.push_back(place.index);
        offsets.push_back(place.offset + constantOf(start).value_or(0));
        starts.push_back(constantOf(start) ? b.getAffineConstantExpr(0) : start);
        bytes += nominal(byteSize(buffer.getType()));
      }
      AffineMapAttr open;
      if (symbolCount(starts))
        open = AffineMapAttr::get(AffineMap::get(0, symbolCount(starts), starts, b.getContext()));
      auto run = rt::RunOp::create(b, op.getLoc(), dispatch.getKernelAttr(),
                                   b.getDenseI32ArrayAttr(spaces), b.getDenseI64ArrayAttr(indices),
                                   b.getDenseI64ArrayAttr(offsets), dispatch.getDimsAttr(), open);
      for (StringRef name : {"nodes", "flops"})
        if (Attribute attr = op.getAttr(name))
          run->setAttr(name, attr);
      run->setAttr("bytes", b.getF64FloatAttr(bytes));
    }
    describeResults();
    auto none = FunctionType::get(function.getContext(), function.getArgumentTypes(), {});
    terminator()->setOperands({});
    function.setFunctionType(none);
    function.removeResAttrsAttr();
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.front())))
      if (isa<rt::DispatchOp, rt::ViewOp>(op))
        op.erase();
  }

  /// The types and names of the results outlive the results.
  void describeResults() {
    Builder b(function.getContext());
    SmallVector<Attribute> types, names;
    for (auto [i, value] : llvm::enumerate(terminator()->getOperands())) {
      types.push_back(TypeAttr::get(function.getFunctionType().getResult(i)));
      Attribute name = function.getResultAttr(i, "nn.name");
      names.push_back(name ? name : b.getStringAttr("output" + std::to_string(i)));
    }
    function->setAttr("rt.result_types", b.getArrayAttr(types));
    function->setAttr("rt.result_names", b.getArrayAttr(names));
  }

  func::FuncOp function;
  llvm::DenseMap<Value, Place> places;
  llvm::MapVector<Value, Interval> lives;
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
