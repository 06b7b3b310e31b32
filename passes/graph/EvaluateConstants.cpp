// Folds operations on constants: some at once, the others in one batch that runs as compiled code.
#include "passes/graph/EvaluateConstants.h"

#include "passes/Passes.h"
#include "passes/graph/Constants.h"
#include "passes/graph/EvaluateOp.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;

namespace nncc {
#define GEN_PASS_DEF_EVALUATECONSTANTS
#include "passes/Passes.h.inc"

namespace {

constexpr auto remarkNamed = [](StringRef name) {
  return remark::RemarkOpts::name(name).category("nncc-evaluate-constants");
};

RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// Bytes as a kernel stores the tensor: at least one per element.
int64_t storedBytes(Value value) {
  RankedTensorType type = typeOf(value);
  return type.getNumElements() * nn::storedBytes(type.getElementType());
}

/// The weights of a product are packed while they are written; their transpose is a part of that
/// recipe and needs no copy of its own.
bool isLeftToPacking(Operation *op) {
  return isa<nn::TransposeOp>(op) && typeOf(op->getResult(0)).hasStaticShape() &&
         typeOf(op->getResult(0)).getNumElements() > nn::Fact::maxValues &&
         llvm::all_of(op->getUses(), [](OpOperand &use) {
           return isa<nn::MatMulOp>(use.getOwner()) && use.getOperandNumber() == 1;
         });
}

/// Whether the values of `op`'s results may be computed at compile time if its operands are known.
bool isEvaluable(Operation *op) {
  if (!isa_and_present<nn::NNDialect>(op->getDialect()) || isa<nn::ConstantOp, nn::SizesOp>(op) ||
      !isPure(op) || op->getNumRegions() || isLeftToPacking(op) ||
      isa<nn::ConvOp, nn::ConvTransposeOp, nn::PoolOp>(op)) // these await their layout
    return false;
  int64_t inputs = 0, results = 0;
  constexpr int64_t mostRepeated = 1 << 26; // one element, written out for a run at compile time
  for (Value operand : op->getOperands()) {
    SplatElementsAttr splat;
    if (matchPattern(operand, m_Constant(&splat)) && storedBytes(operand) > mostRepeated)
      return false;
    if (typeOf(operand).hasStaticShape())
      inputs += storedBytes(operand);
  }
  for (Value result : op->getResults()) {
    if (!typeOf(result).hasStaticShape())
      return false;
    results += storedBytes(result);
  }
  constexpr int64_t slack = 1 << 20;
  if (results <= 2 * inputs + slack)
    return true;
  if (llvm::all_of(op->getOperands(), isConstant))
    remark::missed(op->getLoc(), remarkNamed("TooLarge"))
        << remark::reason("the result has {0} bytes, its operands {1}", results, inputs);
  return false;
}

/// Operations that become a model of their own: its arguments are the large constants, the small
/// ones are in it.
struct Batch {
  llvm::SetVector<Operation *> ops;
  SmallVector<nn::ConstantOp> inputs;
  SmallVector<OpResult> outputs;

  explicit Batch(func::FuncOp function);
  OwningOpRef<ModuleOp> build();
};

Batch::Batch(func::FuncOp function) {
  for (Block *block : rt::programBlocks(function))
    for (Operation &op : *block)
      if (isEvaluable(&op) && llvm::all_of(op.getOperands(), [&](Value operand) {
            Operation *def = operand.getDefiningOp();
            return def && (isa<nn::ConstantOp>(def) || ops.contains(def));
          }))
        ops.insert(&op);
  llvm::SetVector<nn::ConstantOp> large;
  for (Operation *op : ops) {
    for (Value operand : op->getOperands())
      if (auto constant = operand.getDefiningOp<nn::ConstantOp>())
        if (typeOf(operand).getNumElements() > nn::Fact::maxValues)
          large.insert(constant);
    for (OpResult result : op->getResults())
      if (llvm::any_of(result.getUsers(), [&](Operation *user) { return !ops.contains(user); }))
        outputs.push_back(result);
  }
  inputs = large.takeVector();
}

OwningOpRef<ModuleOp> Batch::build() {
  Location loc = ops.front()->getLoc();
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  OpBuilder b = OpBuilder::atBlockEnd(module->getBody());
  SmallVector<Type> arguments, results;
  for (nn::ConstantOp input : inputs)
    arguments.push_back(input.getType());
  for (OpResult output : outputs)
    results.push_back(output.getType());
  auto function = func::FuncOp::create(b, loc, "main", b.getFunctionType(arguments, results));
  b.setInsertionPointToStart(function.addEntryBlock());
  IRMapping mapping;
  for (auto [i, input] : llvm::enumerate(inputs)) {
    mapping.map(input.getResult(), function.getArgument(i));
    function.setArgAttr(i, "nn.name", b.getStringAttr("constant" + Twine(i)));
  }
  for (Operation *op : ops) {
    for (Value operand : op->getOperands())
      if (!mapping.contains(operand))
        b.clone(*operand.getDefiningOp(), mapping);
    b.clone(*op, mapping);
  }
  SmallVector<Value> returned;
  for (auto [i, output] : llvm::enumerate(outputs)) {
    returned.push_back(mapping.lookup<Value>(output));
    function.setResultAttr(i, "nn.name", b.getStringAttr("result" + Twine(i)));
  }
  func::ReturnOp::create(b, loc, returned);
  return module;
}

/// The elements of a constant as a kernel reads them: where they are, or expanded into `expanded`.
void *elementsOf(nn::ConstantOp op, std::vector<AsmResourceBlob> &expanded) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(op.getValue())) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob || static_cast<int64_t>(blob->getData().size()) < storedBytes(op.getResult())) {
      op.emitError("the data of this constant are missing");
      return nullptr;
    }
    return const_cast<char *>(blob->getData().data());
  }
  auto dense = cast<DenseElementsAttr>(op.getValue());
  bool isBool = dense.getElementType().isInteger(1);
  ArrayRef<char> raw = dense.getRawData();
  if (!isBool && !dense.isSplat())
    return const_cast<char *>(raw.data());
  expanded.push_back(HeapAsmResourceBlob::allocate(storedBytes(op.getResult()), /*align=*/64));
  MutableArrayRef<char> data = expanded.back().getMutableData();
  if (isBool)
    for (auto [byte, element] : llvm::zip(data, dense.getValues<bool>()))
      byte = element;
  else
    for (size_t i = 0; i < data.size(); ++i)
      data[i] = raw[i % raw.size()];
  return data.data();
}

ElementsAttr makeAttr(RankedTensorType type, AsmResourceBlob blob) {
  if (type.getElementType().isInteger(1)) {
    SmallVector<bool> elements;
    for (char byte : blob.getData())
      elements.push_back(byte);
    elements.truncate(type.getNumElements());
    return DenseElementsAttr::get(type, elements);
  }
  int64_t bytes = type.getNumElements() * nn::storedBytes(type.getElementType());
  if (type.getNumElements() <= nn::Fact::maxValues)
    return DenseElementsAttr::getFromRawBuffer(type, blob.getData().take_front(bytes));
  return DenseResourceElementsAttr::get(type, "evaluated", std::move(blob));
}

struct EvaluateConstants : impl::EvaluateConstantsBase<EvaluateConstants> {
  EvaluateConstants() = default;
  explicit EvaluateConstants(Evaluator evaluator) : evaluator(std::move(evaluator)) {}

  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal())
        continue;
      foldAtOnce(function);
      if (failed(runBatch(function)))
        return signalPassFailure();
      eraseUnused(function);
    }
  }

private:
  void foldAtOnce(func::FuncOp function) {
    int64_t folded = 0;
    SmallVector<Operation *> ops;
    for (Block *block : rt::programBlocks(function))
      for (Operation &op : *block)
        ops.push_back(&op);
    for (Operation *each : ops) {
      Operation &op = *each;
      if (!llvm::all_of(op.getOperands(), isConstant) || !isEvaluable(&op))
        continue;
      ElementsAttr value = evaluateOp(&op);
      if (!value)
        continue;
      OpBuilder b(&op);
      op.getResult(0).replaceAllUsesWith(nn::ConstantOp::create(b, op.getLoc(), value));
      op.erase();
      ++folded;
    }
    if (folded)
      remark::passed(function.getLoc(), remarkNamed("Folded"))
          << remark::add("{0} operations became constants at once", folded);
  }

  LogicalResult runBatch(func::FuncOp function) {
    Batch batch(function);
    if (batch.outputs.empty())
      return success();
    if (!evaluator) {
      remark::missed(function.getLoc(), remarkNamed("NoEvaluator"))
          << remark::reason("nothing here can run compiled code")
          << remark::metric("Operations", static_cast<int64_t>(batch.ops.size()));
      return success();
    }
    std::vector<AsmResourceBlob> expanded, results;
    SmallVector<void *> inputs, outputs;
    for (nn::ConstantOp input : batch.inputs) {
      inputs.push_back(elementsOf(input, expanded));
      if (!inputs.back())
        return failure();
    }
    int64_t bytes = 0;
    for (OpResult output : batch.outputs) {
      bytes += storedBytes(output);
      results.push_back(
          HeapAsmResourceBlob::allocate(std::max<int64_t>(storedBytes(output), 1), /*align=*/64));
      outputs.push_back(results.back().getMutableData().data());
    }
    OwningOpRef<ModuleOp> module = batch.build();
    if (failed(evaluator(*module, inputs, outputs)))
      return failure();
    for (auto [output, blob] : llvm::zip(batch.outputs, results)) {
      OpBuilder b(output.getOwner());
      output.replaceAllUsesWith(
          nn::ConstantOp::create(b, output.getLoc(), makeAttr(typeOf(output), std::move(blob))));
    }
    remark::passed(function.getLoc(), remarkNamed("Evaluated"))
        << remark::add("{0} operations ran at compile time", batch.ops.size())
        << remark::metric("Bytes", bytes);
    return success();
  }

  static void eraseUnused(func::FuncOp function) {
    SmallVector<Block *> blocks = rt::programBlocks(function);
    for (Block *block : llvm::reverse(blocks))
      for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*block)))
        if (isOpTriviallyDead(&op))
          op.erase();
  }

  Evaluator evaluator;
};

} // namespace

std::unique_ptr<Pass> createEvaluateConstants(Evaluator evaluator) {
  return std::make_unique<EvaluateConstants>(std::move(evaluator));
}

} // namespace nncc
