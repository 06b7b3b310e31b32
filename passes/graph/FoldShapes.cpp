// Folds the arithmetic on shapes that exporters leave in a graph.
#include "passes/Passes.h"

#include "mlir/IR/Remarks.h"

using namespace mlir;

namespace nncc {
#define GEN_PASS_DEF_FOLDSHAPES
#include "passes/Passes.h.inc"

namespace {

/// What is known of every value of a function: sizes and small integer tensors as expressions over
/// symbols, one per size that is not known. Facts flow forward through operations that infer them.
class Facts {
public:
  explicit Facts(MLIRContext *context) : context(context) {}

  /// The facts of `op`'s results; also remembers them.
  ArrayRef<nn::Fact> infer(Operation *op) {
    inferred.clear();
    auto interface = dyn_cast<nn::InferFactsOpInterface>(op);
    if (interface && !isa<nn::ConstantOp>(op)) { // what a constant is, fromType reads
      SmallVector<nn::Fact> operands;
      for (Value operand : op->getOperands())
        operands.push_back(lookup(operand));
      // What is inferred from types alone was verified; more knowledge may reveal a contradiction,
      // which is for the verifier to report once types say so.
      ScopedDiagnosticHandler quiet(context, [](Diagnostic &) { return success(); });
      if (failed(interface.inferFacts(operands, inferred)))
        inferred.clear();
    }
    if (inferred.size() != op->getNumResults())
      inferred.assign(op->getNumResults(), nn::Fact());
    for (auto [result, fact] : llvm::zip(op->getResults(), inferred)) {
      if (!fact.element)
        fact = fromType(result);
      facts[result] = fact;
    }
    return inferred;
  }

private:
  nn::Fact lookup(Value value) {
    auto it = facts.find(value);
    return it != facts.end() ? it->second : facts[value] = fromType(value);
  }

  /// From the type, and the elements of a constant, with a symbol of its own for each size that is
  /// not known.
  nn::Fact fromType(Value value) {
    if (!isa<RankedTensorType>(value.getType()))
      return {};
    nn::Fact fact = nn::factOf(value);
    for (AffineExpr &size : fact.shape)
      if (!isa<AffineConstantExpr>(size))
        size = getAffineSymbolExpr(symbols++, context);
    return fact;
  }

  MLIRContext *context;
  DenseMap<Value, nn::Fact> facts;
  SmallVector<nn::Fact> inferred;
  unsigned symbols = 0;
};

/// `type` with the sizes that `fact` knows and the type does not.
RankedTensorType refine(RankedTensorType type, const nn::Fact &fact) {
  SmallVector<int64_t> sizes(type.getShape());
  for (auto [i, size] : llvm::enumerate(sizes))
    if (ShapedType::isDynamic(size) && fact.rank() == type.getRank())
      size = fact.size(i);
  return type.clone(sizes);
}

struct FoldShapes : impl::FoldShapesBase<FoldShapes> {
  void runOnOperation() override {
    int64_t folded = 0, refined = 0;
    Facts facts(&getContext());
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (!isa_and_present<nn::NNDialect>(op->getDialect()))
        return;
      for (auto [result, fact] : llvm::zip(op->getResults(), facts.infer(op))) {
        auto type = cast<RankedTensorType>(result.getType());
        if (RankedTensorType known = refine(type, fact); known != type) {
          result.setType(known);
          ++refined;
        }
        folded += succeeded(fold(op, result, fact));
      }
    });
    updateSignature();
    eraseDead();
    if (folded || refined)
      remark::passed(getOperation().getLoc(),
                     remark::RemarkOpts::name("Folded").category("nncc-fold-shapes"))
          << remark::metric("Constants", folded) << remark::metric("Types", refined);
  }

private:
  LogicalResult fold(Operation *op, Value result, const nn::Fact &fact) {
    std::optional<SmallVector<int64_t>> elements = fact.constants();
    auto type = cast<RankedTensorType>(result.getType());
    if (!elements || isa<nn::ConstantOp>(op) || !type.hasStaticShape() || result.use_empty() ||
        !type.getElementType().isInteger() ||
        type.getNumElements() != static_cast<int64_t>(elements->size()))
      return failure();
    SmallVector<APInt> values;
    for (int64_t element : *elements)
      values.push_back(
          APInt(64, element, /*isSigned=*/true).sextOrTrunc(type.getElementTypeBitWidth()));
    OpBuilder b(op);
    result.replaceAllUsesWith(
        nn::ConstantOp::create(b, op->getLoc(), DenseElementsAttr::get(type, values)));
    return success();
  }

  /// The function returns what its body now knows of the results' types.
  void updateSignature() {
    func::FuncOp function = getOperation();
    if (function.isExternal())
      return;
    Operation *terminator = function.getBody().front().getTerminator();
    if (isa<func::ReturnOp>(terminator))
      function.setType(FunctionType::get(&getContext(), function.getArgumentTypes(),
                                         terminator->getOperandTypes()));
  }

  void eraseDead() {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) { ops.push_back(op); });
    for (Operation *op : llvm::reverse(ops)) // users before what they use
      if (isOpTriviallyDead(op))
        op->erase();
  }
};

} // namespace
} // namespace nncc
