// Every tensor of the program gets its place: the caller's buffers, the weights, the arena.
#include "passes/Passes.h"
#include "passes/program/Packing.h"

#include "llvm/ADT/MapVector.h"

namespace nncc {
#define GEN_PASS_DEF_PLANMEMORY
#include "passes/Passes.h.inc"
} // namespace nncc

using namespace mlir;
using namespace nncc;

namespace {

constexpr int64_t alignment = 64; // NNCC_ALIGNMENT; as many spare bytes follow each value

int64_t byteSize(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getNumElements() * llvm::divideCeil(tensor.getElementTypeBitWidth(), 8);
}

/// A value without the views on it, and how many bytes into it they begin.
std::pair<Value, int64_t> resolve(Value value) {
  int64_t offset = 0;
  while (auto view = value.getDefiningOp<rt::ViewOp>()) {
    int64_t element = llvm::divideCeil(view.getSource().getType().getElementTypeBitWidth(), 8);
    offset += view.getOffset() * element;
    value = view.getSource();
  }
  return {value, offset};
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
    int64_t weights = placeWeights(b), arena = placeResults();
    auto module = function->getParentOfType<ModuleOp>();
    module->setAttr("rt.arena_size", b.getI64IntegerAttr(arena));
    module->setAttr("rt.weights_size", b.getI64IntegerAttr(weights));
    rewrite();
    return success();
  }

private:
  Operation *terminator() { return function.front().getTerminator(); }

  /// Constants and packing recipes, in the order of their first use.
  int64_t placeWeights(Builder &b) {
    int64_t size = 0;
    // The same constant, packed in the same way, is stored once.
    llvm::DenseMap<std::pair<Attribute, Attribute>, int64_t> known;
    function.walk([&](rt::DispatchOp op) {
      for (Value operand : op->getOperands()) {
        Value base = resolve(operand).first;
        Operation *def = base.getDefiningOp();
        if (!def || isa<rt::DispatchOp>(def) || places.count(base))
          continue;
        auto pack = dyn_cast<kern::PackOp>(def);
        auto constant = cast<nn::ConstantOp>(pack ? pack.getSource().getDefiningOp() : def);
        Attribute recipe = TypeAttr::get(base.getType());
        if (pack)
          recipe = b.getArrayAttr({recipe, pack.getDimsAttr(), pack.getFactorsAttr()});
        auto [offset, isNew] = known.try_emplace({constant.getValue(), recipe}, size);
        if (isNew) {
          def->setAttr("rt.offset", b.getI64IntegerAttr(size));
          size = llvm::alignTo(size + byteSize(base.getType()) + alignment, alignment);
        }
        places[base] = {rt::Space::Weights, 0, offset->second};
      }
    });
    return size;
  }

  int64_t placeResults() {
    llvm::MapVector<Value, Interval> lives;
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
          lives[result] = {step, step, byteSize(result.getType()) + alignment};
    }
    SmallVector<Interval> intervals;
    for (auto &[value, life] : lives)
      intervals.push_back(life);
    int64_t arena = packIntervals(intervals, alignment);
    for (auto [life, interval] : llvm::zip(lives, intervals))
      places[life.first] = {rt::Space::Arena, 0, interval.offset};
    return arena;
  }

  /// rt.dispatch -> rt.run; what is left are the weights.
  void rewrite() {
    for (Operation &op : llvm::make_early_inc_range(function.front())) {
      auto dispatch = dyn_cast<rt::DispatchOp>(op);
      if (!dispatch)
        continue;
      SmallVector<int32_t> spaces;
      SmallVector<int64_t> indices, offsets;
      SmallVector<Value> buffers(dispatch.getOperands());
      llvm::append_range(buffers, dispatch.getResults());
      double bytes = 0;
      for (Value buffer : buffers) {
        auto [base, offset] = resolve(buffer);
        Place place = places.lookup(base);
        spaces.push_back(static_cast<int32_t>(place.space));
        indices.push_back(place.index);
        offsets.push_back(place.offset + offset);
        bytes += byteSize(buffer.getType());
      }
      OpBuilder b(&op);
      auto run = rt::RunOp::create(b, op.getLoc(), dispatch.getKernelAttr(),
                                   b.getDenseI32ArrayAttr(spaces), b.getDenseI64ArrayAttr(indices),
                                   b.getDenseI64ArrayAttr(offsets));
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
