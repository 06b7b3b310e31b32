// If: the branch that is taken, or rt.if where only a run knows which one.
#include "compiler/import/ControlFlow.h"
#include "compiler/import/Importer.h"
#include "compiler/import/Ragged.h"

#include "dialects/SizeText.h"

using namespace mlir;
using namespace nncc;

const onnx::GraphProto *nncc::findGraph(const onnx::NodeProto &node, StringRef name) {
  for (const onnx::AttributeProto &attribute : node.attribute())
    if (attribute.name() == name)
      return &attribute.g();
  return nullptr;
}

bool nncc::isControlFlow(const onnx::NodeProto &node) {
  return canonicalDomain(node.domain()).empty() &&
         llvm::is_contained({"If", "Loop", "Scan", "SequenceMap"}, StringRef(node.op_type()));
}

bool Importer::importControlFlow(const onnx::NodeProto &node, const Place &place, Scope &scope,
                                 ArrayRef<Value> inputs, bool complete) {
  const StringRef kind = node.op_type();
  if (!isControlFlow(node))
    return false;
  if (!complete)
    return true; // one of its inputs is not known because of a problem that is reported
  if (kind == "If")
    importIf(node, place, scope, inputs[0]);
  else if (kind == "SequenceMap")
    importSequenceMap(node, place, scope, inputs);
  else if (kind == "Loop")
    importLoop(node, place, scope, inputs);
  else if (expectTensors(inputs, "what it begins with", place))
    importScan(node, place, scope, inputs);
  return true;
}

SmallVector<Value> Importer::importGraph(const onnx::GraphProto &graph, const Place &place,
                                         Scope &scope, ArrayRef<Value> arguments) {
  Scope inner{&scope, scope.opsets, place.where, place.name + "/", scope.depth};
  addInitializers(graph, inner);
  for (auto [input, argument] : llvm::zip(graph.input(), arguments))
    inner.values[input.name()] = argument;
  importNodes(graph.node(), inner);
  SmallVector<Value> outputs;
  for (const onnx::ValueInfoProto &output : graph.output()) {
    outputs.push_back(lookUp(inner, output.name()));
    if (!outputs.back())
      return {};
  }
  return outputs;
}

void Importer::bindOutputs(const onnx::NodeProto &node, Scope &scope, ArrayRef<Value> values) {
  for (auto [name, value] : llvm::zip(node.output(), values))
    if (!name.empty())
      scope.values[name] = value;
}

bool Importer::expectTensors(ArrayRef<Value> values, const Twine &what, const Place &place) {
  for (Value value : values)
    if (value && !isNumeric(value)) {
      problems.add(ErrorClass::Unsupported, place.where, what + " is " + describe(value.getType()));
      return false;
    }
  return true;
}

// One type for a value that comes from either of two: sizes that differ, or that nobody outside of
// a branch knows, become symbols.
static RankedTensorType joinSizes(ArrayRef<RankedTensorType> types, unsigned visible,
                                  func::FuncOp function, SmallVector<int64_t> &symbols,
                                  SmallVector<Shape> &sizes) {
  Shape joined;
  const SmallVector<Shape> shapes =
      llvm::map_to_vector(types, [](RankedTensorType type) { return shapeOf(type); });
  for (auto [i, size] : llvm::enumerate(shapes[0])) {
    joined.push_back(size);
    if (size == shapes[1][i] && symbolCount(size) <= visible)
      continue;
    symbols.push_back(addSymbol(function));
    joined.back() = getAffineSymbolExpr(symbols.back(), function.getContext());
    for (auto [own, shape] : llvm::zip(sizes, shapes))
      own.push_back(shape[i]);
  }
  return tensorOf(joined, types[0].getElementType());
}

// Whether branches may give one of each, which is reported otherwise.
static bool agree(RankedTensorType a, RankedTensorType b, const std::string &what,
                  const std::string &where, Problems &problems) {
  if (a.getElementType() != b.getElementType())
    problems.invalid(where, what + "of types " + nn::typeName(a.getElementType()) + " and " +
                                nn::typeName(b.getElementType()));
  else if (a.getRank() != b.getRank())
    problems.add(ErrorClass::Unsupported, where,
                 what + "of " + Twine(a.getRank()) + " and " + Twine(b.getRank()) +
                     " dims, and only a run knows which one it is; give the sizes of the inputs "
                     "with --dim or --shape where the condition follows from them");
  else
    return true;
  return false;
}

static bool isCondition(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.getElementType().isInteger(1) && type.hasStaticShape() && type.getNumElements() == 1;
}

std::string nncc::checkCondition(Value value) {
  return isCondition(value) ? "" : "expects a condition that is one bool";
}

void Importer::importIf(const onnx::NodeProto &node, const Place &place, Scope &scope,
                        Value condition) {
  const onnx::GraphProto *graphs[] = {findGraph(node, "then_branch"),
                                      findGraph(node, "else_branch")};
  for (const onnx::GraphProto *graph : graphs)
    if (!graph || graph->output_size() != node.output_size())
      return problems.invalid(place.where, "its branch has " +
                                               Twine(graph ? graph->output_size() : 0) +
                                               " outputs, the node " + Twine(node.output_size()));
  if (std::string wrong = checkCondition(condition); !wrong.empty())
    return problems.invalid(place.where, wrong);
  if (auto known = nn::constantIntegers(condition))
    return bindOutputs(node, scope, importGraph(*graphs[known->front() ? 0 : 1], place, scope, {}));
  importBranches(graphs, node, place, scope, condition);
}

// A run that takes the branch that cannot run ends; the other one is simply what is computed.
void Importer::importOnlyBranch(rt::IfOp draft, int index, const Problem &wrong,
                                const Place &place) {
  const int64_t symbol = addSymbol(programOf(builder));
  rt::ReadOp::create(builder, place.loc, draft.getCondition(), symbol, ArrayRef<int64_t>(),
                     "node '" + place.name + "': the condition");
  const AffineExpr taken = getAffineSymbolExpr(symbol, &context);
  const AffineExpr zero = index == 0 ? 1 - taken : taken;
  rt::CheckOp::create(builder, place.loc, sizeMap(zero, &context),
                      "node '" + place.name + "': its condition is " +
                          (index == 0 ? "false" : "true") + ", but the sizes there (" +
                          wrong.where + ": " + wrong.message + ") do not fit each other");
  Block &branch = draft->getRegion(index).front();
  builder.getInsertionBlock()->getOperations().splice(builder.getInsertionPoint(),
                                                      branch.getOperations());
  draft.erase();
}

void Importer::importBranches(ArrayRef<const onnx::GraphProto *> graphs,
                              const onnx::NodeProto &node, const Place &place, Scope &scope,
                              Value condition) {
  const unsigned visible = symbolNames(programOf(builder)).size();
  auto draft = rt::IfOp::create(builder, place.loc, TypeRange(), condition, ArrayRef<int64_t>());
  BranchOutputs outputs;
  auto &values = outputs.values;
  SmallVector<Problem, 0> found[2];
  for (auto [i, graph] : llvm::enumerate(graphs)) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(&draft->getRegion(i).emplaceBlock());
    const size_t before = problems.size();
    values[i] = importGraph(*graph, place, scope, {});
    found[i] = problems.takeSince(before);
  }
  auto isInvalid = [](const Problem &problem) { return problem.kind == ErrorClass::InvalidModel; };
  for (int i : {0, 1})
    if (found[i].empty() && int(values[i].size()) == node.output_size() && !found[1 - i].empty() &&
        llvm::all_of(found[1 - i], isInvalid)) {
      importOnlyBranch(draft, i, found[1 - i][0], place);
      return bindOutputs(node, scope, values[i]);
    }
  for (const auto &branch : found)
    for (const Problem &problem : branch)
      problems.add(problem.kind, problem.where, problem.message);
  if (values[0].size() != values[1].size() || int(values[0].size()) != node.output_size())
    return draft.erase(); // a branch could not be imported
  joinBranches(draft, outputs, visible, node, place, scope);
}

// Whether two lists can stay lists, of values that come from either of two.
static bool areAlike(Value a, Value b) {
  if (!isList(a) || !isList(b) || elementsOf(a).empty() ||
      elementsOf(a).size() != elementsOf(b).size())
    return false;
  return llvm::all_of(llvm::zip(elementsOf(a), elementsOf(b)), [](auto pair) {
    auto [x, y] = pair;
    return isNumeric(x) && isNumeric(y) &&
           cast<RankedTensorType>(x.getType()).getRank() ==
               cast<RankedTensorType>(y.getType()).getRank();
  });
}

bool Importer::takeApart(rt::IfOp draft, BranchOutputs &outputs, const onnx::NodeProto &node,
                         const Place &place) {
  for (auto [i, pair] : llvm::enumerate(llvm::zip(outputs.values[0], outputs.values[1]))) {
    const std::array<Value, 2> values{std::get<0>(pair), std::get<1>(pair)};
    const bool isTensor = isNumeric(values[0]) && isNumeric(values[1]);
    Type type = isTensor || areAlike(values[0], values[1])
                    ? values[0].getType()
                    : commonType(openTypeOf(values[0]), openTypeOf(values[1]));
    const std::string what = "output " + std::to_string(i) + " of its branches is ";
    if (!type) {
      problems.invalid(place.where, what + describe(values[0].getType()) + " and " +
                                        describe(values[1].getType()));
      return false;
    }
    outputs.types.push_back(type);
    for (int branch : {0, 1}) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointToEnd(&draft->getRegion(branch).front());
      Problems found;
      OpBinder binder(builder, place.loc, file, node, 0, {}, found);
      Value value =
          isa<TupleType>(type) ? values[branch] : Ragged(binder).convert(values[branch], type);
      problems.take(found.finish(), place.where);
      if (!value)
        return false;
      llvm::append_range(outputs.parts[branch], partsOf(value));
    }
    outputs.what.resize(outputs.parts[0].size(), what);
  }
  return true;
}

void Importer::joinBranches(rt::IfOp draft, BranchOutputs &outputs, unsigned visible,
                            const onnx::NodeProto &node, const Place &place, Scope &scope) {
  func::FuncOp function = programOf(builder);
  if (!takeApart(draft, outputs, node, place))
    return draft.erase();
  SmallVector<Type> types;
  SmallVector<int64_t> symbols;
  SmallVector<Shape> sizes(2);
  for (auto [i, pair] : llvm::enumerate(llvm::zip(outputs.parts[0], outputs.parts[1]))) {
    auto a = cast<RankedTensorType>(std::get<0>(pair).getType());
    auto c = cast<RankedTensorType>(std::get<1>(pair).getType());
    if (agree(a, c, outputs.what[i], place.where, problems))
      types.push_back(joinSizes({a, c}, visible, function, symbols, sizes));
  }
  if (types.size() != outputs.parts[0].size())
    return draft.erase();
  auto op = rt::IfOp::create(builder, place.loc, types, draft.getCondition(), symbols);
  for (int i : {0, 1}) {
    op->getRegion(i).takeBody(draft->getRegion(i));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&op->getRegion(i).front());
    rt::YieldOp::create(builder, place.loc, outputs.parts[i], makeSizes(sizes[i], &context));
  }
  draft.erase();
  bindOutputs(node, scope, fromParts(builder, place.loc, outputs.types, op.getResults()));
}

AffineMapAttr nncc::makeSizes(ArrayRef<AffineExpr> sizes, MLIRContext *context) {
  if (sizes.empty())
    return {};
  return AffineMapAttr::get(sizeMap(sizes, context));
}
