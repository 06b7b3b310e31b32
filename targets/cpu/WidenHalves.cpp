// Contractions of f16 and bf16 -> ones of f32, whose operands, and where sums have to wait in it
// the result, kernels of their own convert.
#include "dialects/nn/Generics.h"
#include "dialects/rt/RT.h"
#include "targets/cpu/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"

namespace nncc::cpu {
#define GEN_PASS_DEF_WIDENHALVES
#include "targets/cpu/Passes.h.inc"
} // namespace nncc::cpu

using namespace mlir;
using namespace nncc;

namespace {

RankedTensorType withElement(Type type, Type element) {
  return cast<RankedTensorType>(cast<RankedTensorType>(type).clone(element));
}
RankedTensorType widened(Type type) {
  return withElement(type, Float32Type::get(type.getContext()));
}

/// The arguments that a kernel reads in f32 from now on: of each the number that it had, in the
/// order of the new arguments, which are behind the others.
using Widened = SmallVector<unsigned>;

/// Makes a kernel's contractions those of f32.
class KernelWidening {
public:
  explicit KernelWidening(func::FuncOp kernel) : kernel(kernel) {}

  LogicalResult run() {
    for (auto op : llvm::to_vector(kernel.getOps<kern::ContractOp>())) {
      if (!op.isOfHalves())
        continue;
      bool keepsB = keepsWeights(op);
      for (OpOperand *operand : {&op.getAMutable(), &op.getBMutable()}) {
        if (operand == &op.getBMutable() && keepsB)
          continue;
        Value wide = widen(operand->get());
        if (!wide)
          return op.emitError("reads something else than arguments as they are stored");
        operand->set(wide);
      }
      if (hasOpenBlocks(op))
        widenResult(op);
    }
    return success();
  }

  const Widened &arguments() const { return added; }

private:
  /// Weights that few rows of a matrix product use: they are converted in registers, for each
  /// register tile again.
  static bool keepsWeights(kern::ContractOp op) {
    constexpr int64_t fewRows = 32;
    Shape rows = shapeOf(op.getInitType());
    rows.pop_back();
    return op.getAType().getElementType().isBF16() && op.getWindowRank() == 0 &&
           op.getGroups() == 1 && op.getBLayout() == kern::BLayout::Packed &&
           nominal(elementCount(rows, op.getContext())) <= fewRows;
  }

  /// Whether only a run knows in how many blocks the reduction is: between them sums are in the
  /// result.
  static bool hasOpenBlocks(kern::ContractOp op) {
    return op.getBLayout() != kern::BLayout::Packed && !constantOf(shapeOf(op.getAType()).back());
  }

  /// The same numbers, which are halves, in f32.
  static void widenResult(kern::ContractOp op) {
    auto yield = cast<kern::YieldOp>(op.getBody()->getTerminator());
    OpBuilder b(yield);
    yield.getValueMutable().assign(nn::widen(b, op.getLoc(), yield.getValue()));
    RankedTensorType type = widened(op.getInitType());
    b.setInsertionPoint(op);
    op.getInitMutable().assign(
        nn::Generics(b, op.getLoc()).empty(shapeOf(type), type.getElementType()));
    op->getResult(0).setType(type);
  }

  /// The same elements in f32: of an argument a new one; what only moves elements is repeated for
  /// it. Null: it is computed.
  Value widen(Value value) {
    Value &wide = values[value];
    if (wide)
      return wide;
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      added.push_back(argument.getArgNumber());
      return wide = kernel.front().addArgument(widened(value.getType()), value.getLoc());
    }
    Operation *def = value.getDefiningOp();
    if (!isa<linalg::TransposeOp>(def) && !isa<tensor::TensorDialect>(def->getDialect()))
      return nullptr;
    IRMapping operands;
    for (Value operand : def->getOperands())
      if (isa<RankedTensorType>(operand.getType())) {
        Value other = widen(operand);
        if (!other)
          return nullptr;
        operands.map(operand, other);
      }
    OpBuilder b(def);
    if (auto transpose = dyn_cast<linalg::TransposeOp>(def)) {
      auto turned = linalg::TransposeOp::create(
          b, def->getLoc(), operands.lookup(transpose.getInput()),
          operands.lookup(transpose.getInit()), transpose.getPermutation());
      return values[value] = turned->getResult(0);
    }
    Operation *clone = b.clone(*def, operands);
    clone->getResult(0).setType(widened(value.getType()));
    return values[value] = clone->getResult(0);
  }

  func::FuncOp kernel;
  llvm::DenseMap<Value, Value> values;
  Widened added;
};

class Program {
public:
  explicit Program(ModuleOp module) : module(module), symbols(module) {}

  LogicalResult run() {
    SmallVector<rt::DispatchOp> dispatches;
    module.walk([&](rt::DispatchOp op) { dispatches.push_back(op); });
    for (rt::DispatchOp op : dispatches) {
      auto own = symbols.lookup<ModuleOp>(op.getKernel());
      auto kernel = own ? own.lookupSymbol<func::FuncOp>(op.getKernel()) : nullptr;
      if (!kernel || kernel.isExternal())
        continue;
      auto [at, isNew] = kernels.try_emplace(kernel);
      if (isNew && failed(change(kernel, at->second)))
        return failure();
      if (!at->second.added.empty())
        setOperands(op, at->second);
      setResults(op, kernel.getResultTypes());
    }
    return success();
  }

private:
  /// What became of a kernel's arguments.
  struct Change {
    Widened added;
    SmallVector<Type> types; // of the arguments that were widened, before
    BitVector erased;        // nothing reads them any more
  };

  static LogicalResult change(func::FuncOp kernel, Change &change) {
    KernelWidening widening(kernel);
    if (failed(widening.run()))
      return failure();
    change.added = widening.arguments();
    Block &body = kernel.front();
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(body)))
      if (isOpTriviallyDead(&op))
        op.erase();
    change.erased.resize(body.getNumArguments());
    for (unsigned number : change.added) {
      change.types.push_back(body.getArgument(number).getType());
      if (body.getArgument(number).use_empty())
        change.erased.set(number);
    }
    body.eraseArguments(change.erased);
    kernel.setFunctionType(FunctionType::get(kernel.getContext(), body.getArgumentTypes(),
                                             body.getTerminator()->getOperandTypes()));
    return success();
  }

  void setOperands(rt::DispatchOp op, const Change &change) {
    SmallVector<Value> operands;
    for (auto [i, operand] : llvm::enumerate(op.getOperands()))
      if (!change.erased[i])
        operands.push_back(operand);
    for (auto [number, type] : llvm::zip(change.added, change.types))
      operands.push_back(wide(op, op.getOperand(number), cast<RankedTensorType>(type)));
    op.getOperandsMutable().assign(operands);
  }

  /// Those that a kernel gives in f32 from now on are narrowed behind `op`.
  void setResults(rt::DispatchOp op, TypeRange types) {
    OpBuilder b(op);
    b.setInsertionPointAfter(op);
    for (auto [result, type] : llvm::zip(op->getResults(), types)) {
      Type element = getElementTypeOrSelf(result), own = getElementTypeOrSelf(type);
      bool isOfHalves = element.isF16() || element.isBF16();
      if (!isOfHalves || !own.isF32()) // others may be stored as something else
        continue;
      result.setType(withElement(result.getType(), own));
      rt::DispatchOp narrow = convert(b, op, result, cast<RankedTensorType>(type), element);
      result.replaceAllUsesExcept(narrow.getResult(0), narrow);
    }
  }

  /// `value` in f32, before `op`, whose kernel knows it as one of `type`.
  Value wide(rt::DispatchOp op, Value value, RankedTensorType type) {
    Value &known = converted[{op->getBlock(), value}];
    OpBuilder b(op);
    if (!known)
      known = convert(b, op, value, type, b.getF32Type()).getResult(0);
    return known;
  }

  /// `value`, which the kernel of `op` knows as one of `type`, as numbers of `element`.
  rt::DispatchOp convert(OpBuilder &b, rt::DispatchOp op, Value value, RankedTensorType type,
                         Type element) {
    auto dispatch =
        rt::DispatchOp::create(b, op.getLoc(), withElement(value.getType(), element),
                               FlatSymbolRefAttr::get(kernelFor(type, element, op.getLoc())), value,
                               type.hasStaticShape() ? AffineMapAttr() : op.getDimsAttr());
    if (Attribute nodes = op->getAttr("nodes"))
      dispatch->setAttr("nodes", nodes);
    double elements = nominal(elementCount(shapeOf(value), b.getContext()));
    dispatch->setAttr("flops", b.getF64FloatAttr(elements));
    return dispatch;
  }

  /// A kernel that converts all of a tensor.
  StringAttr kernelFor(RankedTensorType type, Type element, Location loc) {
    StringAttr &name = conversions[{type, element}];
    if (name)
      return name;
    OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
    const char *verb = element.isF32() ? "widen_" : "narrow_";
    auto own = ModuleOp::create(b, loc, verb + std::to_string(conversions.size() - 1));
    name = symbols.insert(own);
    b.setInsertionPointToStart(own.getBody());
    RankedTensorType result = withElement(type, element);
    auto kernel =
        func::FuncOp::create(b, loc, name.getValue(), b.getFunctionType({type}, {result}));
    kernel->setAttr("rt.kernel", b.getUnitAttr());
    b.setInsertionPointToStart(kernel.addEntryBlock());
    nn::Generics g(b, loc);
    Value numbers =
        g.map(shapeOf(type), element, {{kernel.getArgument(0), g.identity(type.getRank())}},
              [&](OpBuilder &b, Location loc, ValueRange x) {
                return nn::narrow(b, loc, x[0], element);
              });
    func::ReturnOp::create(b, loc, numbers);
    return name;
  }

  ModuleOp module;
  SymbolTable symbols;
  llvm::DenseMap<Operation *, Change> kernels;
  llvm::DenseMap<std::pair<Block *, Value>, Value> converted;
  llvm::MapVector<std::pair<Type, Type>, StringAttr> conversions; // from, and to which elements
};

struct WidenHalves : nncc::cpu::impl::WidenHalvesBase<WidenHalves> {
  void runOnOperation() override {
    if (failed(Program(getOperation()).run()))
      signalPassFailure();
  }
};
} // namespace
