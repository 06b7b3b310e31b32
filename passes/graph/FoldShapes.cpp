// Folds the arithmetic on shapes that exporters leave in a graph.
#include "passes/Passes.h"

#include "mlir/IR/Remarks.h"

using namespace mlir;

namespace nncc {
#define GEN_PASS_DEF_FOLDSHAPES
#include "passes/Passes.h.inc"

namespace {

/// What is known of every value of a function: sizes and small integer tensors as expressions over
/// its symbols, and one more symbol per size that its type leaves open. Facts flow forward through
/// operations that infer them.
class Facts {
public:
  explicit Facts(func::FuncOp function) : context(function.getContext()) {
    auto countSymbols = [&](TypeRange types) {
      for (Type type : types)
        if (auto tensor = dyn_cast<RankedTensorType>(type); tensor && tensor.getEncoding())
          ownSymbols = std::max(ownSymbols, symbolCount(shapeOf(tensor)));
    };
    countSymbols(function.getArgumentTypes());
    function.walk([&](Operation *op) { countSymbols(op->getResultTypes()); });
    symbols = ownSymbols;
  }

  /// Whether the symbols of an expression are those of the function.
  bool isOwn(AffineExpr size) const { return symbolCount(size) <= ownSymbols; }

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

  /// From the type, and the elements of a constant.
  nn::Fact fromType(Value value) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type)
      return {};
    nn::Fact fact = nn::factOf(value);
    if (!type.getEncoding())
      for (AffineExpr &size : fact.shape)
        if (!constantOf(size))
          size = getAffineSymbolExpr(symbols++, context);
    return fact;
  }

  MLIRContext *context;
  DenseMap<Value, nn::Fact> facts;
  SmallVector<nn::Fact> inferred;
  unsigned ownSymbols = 0, symbols = 0;
};

/// `type` with the sizes that `fact` knows and the type does not.
RankedTensorType refine(RankedTensorType type, const nn::Fact &fact, const Facts &facts) {
  if (type.hasStaticShape() || fact.rank() != type.getRank())
    return type;
  Shape sizes = shapeOf(type);
  bool isKnown = true;
  for (auto [size, known] : llvm::zip(sizes, fact.shape)) {
    if (!constantOf(size) && facts.isOwn(known))
      size = known;
    isKnown &= constantOf(size) || type.getEncoding() || facts.isOwn(known);
  }
  if (isKnown)
    return tensorOf(sizes, type.getElementType());
  SmallVector<int64_t> fixed = llvm::map_to_vector(
      sizes, [](AffineExpr size) { return constantOf(size).value_or(ShapedType::kDynamic); });
  return type.clone(fixed);
}

struct FoldShapes : impl::FoldShapesBase<FoldShapes> {
  void runOnOperation() override {
    int64_t folded = 0, refined = 0;
    Facts facts(getOperation());
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (!isa_and_present<nn::NNDialect>(op->getDialect()))
        return;
      for (auto [result, fact] : llvm::zip(op->getResults(), facts.infer(op))) {
        auto type = cast<RankedTensorType>(result.getType());
        if (RankedTensorType known = refine(type, fact, facts); known != type) {
          result.setType(known);
          ++refined;
        }
        folded += succeeded(fold(op, result, fact, facts));
      }
    });
    dropKnownChecks();
    updateSignature();
    eraseDead();
    if (folded || refined)
      remark::passed(getOperation().getLoc(),
                     remark::RemarkOpts::name("Folded").category("nncc-fold-shapes"))
          << remark::metric("Constants", folded) << remark::metric("Types", refined);
  }

private:
  LogicalResult fold(Operation *op, Value result, const nn::Fact &fact, const Facts &facts) {
    if (!fact.value || isa<nn::ConstantOp, nn::SizesOp>(op) || result.use_empty() ||
        !llvm::all_of(*fact.value, [&](AffineExpr element) { return facts.isOwn(element); }))
      return failure();
    nn::Fact own = fact;
    own.shape = shapeOf(cast<RankedTensorType>(result.getType()));
    OpBuilder b(op);
    Value value = nn::buildValue(b, op->getLoc(), own);
    if (!value)
      return failure();
    result.replaceAllUsesWith(value);
    return success();
  }

  /// One check of what is checked again and again along a graph is enough.
  void dropKnownChecks() {
    llvm::DenseSet<AffineExpr> known;
    for (auto check : llvm::make_early_inc_range(getOperation().getOps<rt::CheckOp>())) {
      Shape left;
      for (AffineExpr zero : check.getZeros().getResults())
        if (constantOf(zero) != 0 && known.insert(zero).second)
          left.push_back(zero);
      if (left.empty())
        check.erase();
      else
        check.setZeros(sizeMap(left, &getContext()));
    }
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
