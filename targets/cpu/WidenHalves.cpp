// Contractions of f16 and bf16 -> ones of f32, whose operands kernels of their own convert.
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

RankedTensorType widened(Type type) {
  return cast<RankedTensorType>(
      cast<RankedTensorType>(type).clone(Float32Type::get(type.getContext())));
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
                                             kernel.getFunctionType().getResults()));
    return success();
  }

  void setOperands(rt::DispatchOp op, const Change &change) {
    SmallVector<Value> operands;
    for (auto [i, operand] : llvm::enumerate(op.getOperands()))
      if (!change.erased[i])
        operands.push_back(operand);
    for (auto [number, type] : llvm::zip(change.added, change.types))
      operands.push_back(convert(op, op.getOperand(number), cast<RankedTensorType>(type)));
    op.getOperandsMutable().assign(operands);
  }

  /// `value` in f32, before `op`, whose kernel knows it as one of `type`.
  Value convert(rt::DispatchOp op, Value value, RankedTensorType type) {
    Value &known = converted[{op->getBlock(), value}];
    if (known)
      return known;
    OpBuilder b(op);
    auto dispatch =
        rt::DispatchOp::create(b, op.getLoc(), widened(value.getType()),
                               FlatSymbolRefAttr::get(kernelFor(type, op.getLoc())), value,
                               type.hasStaticShape() ? AffineMapAttr() : op.getDimsAttr());
    if (Attribute nodes = op->getAttr("nodes"))
      dispatch->setAttr("nodes", nodes);
    double elements = nominal(elementCount(shapeOf(value), b.getContext()));
    dispatch->setAttr("flops", b.getF64FloatAttr(elements));
    return known = dispatch.getResult(0);
  }

  /// A kernel that converts all of a tensor.
  StringAttr kernelFor(RankedTensorType type, Location loc) {
    StringAttr &name = conversions[type];
    if (name)
      return name;
    OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
    auto own = ModuleOp::create(b, loc, "widen_" + std::to_string(conversions.size() - 1));
    name = symbols.insert(own);
    b.setInsertionPointToStart(own.getBody());
    RankedTensorType result = widened(type);
    auto kernel =
        func::FuncOp::create(b, loc, name.getValue(), b.getFunctionType({type}, {result}));
    kernel->setAttr("rt.kernel", b.getUnitAttr());
    b.setInsertionPointToStart(kernel.addEntryBlock());
    nn::Generics g(b, loc);
    Value wide =
        g.map(shapeOf(type), result.getElementType(),
              {{kernel.getArgument(0), g.identity(type.getRank())}},
              [](OpBuilder &b, Location loc, ValueRange x) { return nn::widen(b, loc, x[0]); });
    func::ReturnOp::create(b, loc, wide);
    return name;
  }

  ModuleOp module;
  SymbolTable symbols;
  llvm::DenseMap<Operation *, Change> kernels;
  llvm::DenseMap<std::pair<Block *, Value>, Value> converted;
  llvm::MapVector<Type, StringAttr> conversions;
};

struct WidenHalves : nncc::cpu::impl::WidenHalvesBase<WidenHalves> {
  void runOnOperation() override {
    if (failed(Program(getOperation()).run()))
      signalPassFailure();
  }
};
} // namespace
