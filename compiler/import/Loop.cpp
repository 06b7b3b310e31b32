// Loop and Scan: rt.loop.
#include "compiler/import/Compose.h"
#include "compiler/import/ControlFlow.h"
#include "compiler/import/Importer.h"

#include "dialects/SizeText.h"

using namespace mlir;
using namespace nncc;

namespace nncc {

/// What Loop and Scan have in common: a body that is run again and again. The sizes of the state
/// may change from one iteration to the next: the body is imported until its state has types that
/// hold for each of them.
class LoopImporter {
public:
  using Place = Importer::Place;
  using Scope = Importer::Scope;

  LoopImporter(Importer &importer, const Place &place, Scope &scope, const onnx::GraphProto &graph)
      : importer(importer), place(place), scope(scope), graph(graph), builder(importer.builder),
        function(programOf(builder)) {}

  /// The values of the body's inputs in one iteration, given its number and its state.
  std::function<SmallVector<Value>(OpBinder &, AffineExpr counter, ArrayRef<Value> states)>
      makeArguments;
  SmallVector<Value> inits;
  Value condition;              // null: it holds
  AffineExpr trip;              // null: no bound
  bool yieldsCondition = false; // the body's first output
  SmallVector<int> outputs;     // of the body that are used: the condition, the state, elements

  /// The state and what is collected; nothing where something was reported.
  std::optional<SmallVector<Value>> run(OpBinder &binder);

private:
  /// A body that is imported for states of these types.
  struct Body {
    rt::LoopOp draft;
    Value condition; // null: it holds
    SmallVector<Value> states, elements;
  };
  bool importBody(Body &body, OpBinder &binder);
  bool generalize(Body &body);
  SmallVector<Value> build(Body &body);
  SmallVector<Value> buildNothing(Body &body, OpBinder &binder);
  Shape resultShape(Value element);
  bool agrees(size_t i, RankedTensorType state, RankedTensorType next);
  bool isConditional(const Body &body) const { return condition || body.condition; }

  Importer &importer;
  const Place &place;
  Scope &scope;
  const onnx::GraphProto &graph;
  OpBuilder &builder;
  func::FuncOp function;
  unsigned visible = 0; // symbols that are known before the loop
  int64_t counter = 0;
  SmallVector<Shape> states; // the sizes of the state in every iteration
  SmallVector<int64_t> symbols;
  SmallVector<AffineExpr> starts, nexts;
};

static bool isTrue(Value condition) {
  auto known = nn::constantIntegers(condition);
  return known && known->size() == 1 && known->front();
}

bool LoopImporter::importBody(Body &body, OpBinder &binder) {
  SmallVector<Type> types;
  for (auto [state, init] : llvm::zip(states, inits))
    types.push_back(tensorOf(state, getElementTypeOrSelf(init)));
  body.draft = rt::LoopOp::create(builder, place.loc, types, counter, inits, /*conditional=*/false,
                                  nullptr, ArrayRef<int64_t>(), nullptr);
  OpBuilder::InsertionGuard guard(builder);
  Block &block = body.draft.getBody().emplaceBlock();
  block.addArguments(types, SmallVector<Location>(types.size(), place.loc));
  builder.setInsertionPointToStart(&block);
  auto arguments = makeArguments(binder, getAffineSymbolExpr(counter, builder.getContext()),
                                 llvm::to_vector_of<Value>(block.getArguments()));
  SmallVector<Value> all = importer.importGraph(graph, place, scope, arguments), values;
  if (int(all.size()) != graph.output_size() || binder.hasFailed() ||
      !importer.expectTensors(all, "what its body yields", place)) {
    body.draft.erase();
    return false; // reported
  }
  for (int output : outputs)
    values.push_back(all[output]);
  ArrayRef<Value> rest = values;
  if (yieldsCondition) {
    if (std::string wrong = checkCondition(rest[0]); !wrong.empty()) {
      importer.problems.invalid(place.where, "its body " + wrong);
      body.draft.erase();
      return false;
    }
    body.condition = isTrue(rest[0]) ? Value() : rest[0];
    rest = rest.drop_front();
  }
  llvm::append_range(body.states, rest.take_front(inits.size()));
  llvm::append_range(body.elements, rest.drop_front(inits.size()));
  return true;
}

bool LoopImporter::agrees(size_t i, RankedTensorType state, RankedTensorType next) {
  const std::string what = "state " + std::to_string(i) + " of its body begins as ";
  if (state.getElementType() != next.getElementType())
    importer.problems.invalid(place.where, what + nn::typeName(state.getElementType()) +
                                               " and is yielded as " +
                                               nn::typeName(next.getElementType()));
  else if (state.getRank() != next.getRank())
    importer.problems.add(ErrorClass::Unsupported, place.where,
                          what + "a tensor of " + Twine(state.getRank()) +
                              " dims and is yielded as one of " + Twine(next.getRank()));
  else
    return true;
  return false;
}

// Whether a size that the loop's symbols did not stand for changes: it does from now on.
bool LoopImporter::generalize(Body &body) {
  bool changed = false;
  nexts.assign(symbols.size(), AffineExpr());
  for (auto [i, shape] : llvm::enumerate(states)) {
    const Shape next = shapeOf(body.states[i]), start = shapeOf(inits[i]);
    for (auto [dim, size] : llvm::enumerate(shape)) {
      auto symbol = dyn_cast<AffineSymbolExpr>(size);
      auto *own = symbol ? llvm::find(symbols, symbol.getPosition()) : symbols.end();
      if (own != symbols.end()) {
        nexts[own - symbols.begin()] = next[dim];
      } else if (size != next[dim]) {
        symbols.push_back(addSymbol(function));
        starts.push_back(start[dim]);
        size = getAffineSymbolExpr(symbols.back(), builder.getContext());
        changed = true;
      }
    }
  }
  return changed;
}

// Sizes of what is collected that nobody outside knows are the loop's symbols too; they have to be
// the same in each iteration.
Shape LoopImporter::resultShape(Value element) {
  Shape shape = shapeOf(element);
  SmallVector<AffineExpr> zeros;
  for (AffineExpr &size : shape) {
    if (symbolCount(size) <= visible)
      continue;
    const AffineExpr inside = size;
    symbols.push_back(addSymbol(function));
    starts.push_back(getAffineConstantExpr(0, builder.getContext()));
    nexts.push_back(inside);
    size = getAffineSymbolExpr(symbols.back(), builder.getContext());
    zeros.push_back(
        normalForm(getAffineSymbolExpr(counter, builder.getContext()) * (size - inside)));
  }
  if (!zeros.empty())
    rt::CheckOp::create(
        builder, place.loc, AffineMap::get(0, symbolCount(zeros), zeros, builder.getContext()),
        "node '" + place.name + "': the sizes of what its body yields in two iterations");
  return shape;
}

SmallVector<Value> LoopImporter::build(Body &body) {
  MLIRContext *context = builder.getContext();
  const bool conditional = isConditional(body);
  const AffineExpr count =
      !conditional && trip && symbolCount(trip) <= visible && isNeverNegative(trip)
          ? trip
          : getAffineSymbolExpr(counter, context);
  SmallVector<Type> types(body.draft.getResultTypes());
  SmallVector<Value> yielded, operands;
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&body.draft.getBody().front());
    for (Value element : body.elements) {
      Shape shape = resultShape(element);
      shape.insert(shape.begin(), count);
      types.push_back(tensorOf(shape, getElementTypeOrSelf(element)));
    }
    auto always = [&] {
      return nn::ConstantOp::create(
          builder, place.loc,
          DenseElementsAttr::get(RankedTensorType::get({}, builder.getI1Type()), true));
    };
    if (conditional)
      yielded.push_back(body.condition ? body.condition : always());
    llvm::append_range(yielded, body.states);
    llvm::append_range(yielded, body.elements);
    rt::YieldOp::create(builder, place.loc, yielded, makeSizes(nexts, context));
    builder.setInsertionPoint(body.draft);
    if (conditional)
      operands.push_back(condition ? condition : always());
  }
  llvm::append_range(operands, inits);
  auto op = rt::LoopOp::create(builder, place.loc, types, counter, operands, conditional,
                               trip ? makeSizes(trip, context) : AffineMapAttr(), symbols,
                               makeSizes(starts, context));
  op.getBody().takeBody(body.draft.getBody());
  body.draft.erase();
  return llvm::to_vector_of<Value>(op.getResults());
}

// No iteration: what it begins with, and nothing collected. The body may not even be able to run.
SmallVector<Value> LoopImporter::buildNothing(Body &body, OpBinder &binder) {
  SmallVector<Value> results = inits;
  const AffineExpr zero = getAffineConstantExpr(0, builder.getContext());
  for (Value element : body.elements) {
    Shape shape = shapeOf(element);
    for (AffineExpr &size : shape)
      size = symbolCount(size) <= visible ? size : zero;
    shape.insert(shape.begin(), zero);
    results.push_back(binder.create<nn::ExpandOp>(
        {binder.scalar(getElementTypeOrSelf(element), 0), binder.sizes(shape)}));
  }
  body.draft.erase();
  return results;
}

std::optional<SmallVector<Value>> LoopImporter::run(OpBinder &binder) {
  visible = symbolNames(function).size();
  counter = addSymbol(function);
  for (Value init : inits)
    states.push_back(shapeOf(init));
  while (true) { // each round finds a size that changes, or ends
    Body body;
    if (!importBody(body, binder))
      return std::nullopt;
    bool agree = true;
    for (auto [i, next] : llvm::enumerate(body.states))
      agree &= agrees(i, cast<RankedTensorType>(inits[i].getType()),
                      cast<RankedTensorType>(next.getType()));
    if (agree && !generalize(body))
      return trip && constantOf(trip).value_or(1) <= 0 ? buildNothing(body, binder) : build(body);
    body.draft.erase();
    if (!agree)
      return std::nullopt;
  }
}

} // namespace nncc

// Loop
// ---------------------------------------------------------------------------------------------

// A state that the body hands on as it is: a value from outside.
static bool isInvariant(const onnx::GraphProto &body, int input, int output) {
  std::string name = body.output(output).name();
  for (int i = body.node_size() - 1; i >= 0; --i)
    if (const onnx::NodeProto &node = body.node(i);
        node.op_type() == "Identity" && node.output(0) == name)
      name = node.input(0);
  return name == body.input(input).name();
}

// The greatest number of iterations; null where there is no bound.
static AffineExpr tripCount(OpBinder &b, Value count) {
  Shape trip = b.numbersOf(count, "the number of iterations");
  if (trip.size() != 1 && !b.hasFailed())
    b.invalid("expects one number of iterations, found " + Twine(trip.size()));
  if (b.hasFailed())
    return {};
  constexpr int64_t most = int64_t(1) << 39; // as many as without a limit
  const std::optional<int64_t> known = constantOf(trip[0]);
  return known && *known >= most ? AffineExpr() : trip[0];
}

void Importer::importLoop(const onnx::NodeProto &node, const Place &place, Scope &scope,
                          ArrayRef<Value> inputs) {
  const onnx::GraphProto *graph = findGraph(node, "body");
  const int count = int(inputs.size()) - 2; // of the state
  if (!graph || count < 0 || graph->input_size() != count + 2 || graph->output_size() < count + 1 ||
      graph->output_size() - 1 != node.output_size())
    return problems.invalid(place.where,
                            "its body has " + Twine(graph ? graph->input_size() : 0) +
                                " inputs and " + Twine(graph ? graph->output_size() : 0) +
                                " outputs; the node has " + Twine(inputs.size()) + " inputs and " +
                                Twine(node.output_size()) + " outputs");
  if (inputs[1])
    if (std::string wrong = checkCondition(inputs[1]); !wrong.empty())
      return problems.invalid(place.where, wrong);
  Problems found;
  OpBinder binder(builder, place.loc, file, node, 0, inputs, found);
  LoopImporter loop(*this, place, scope, *graph);
  loop.yieldsCondition = true;
  loop.condition = inputs[1] && !isTrue(inputs[1]) ? inputs[1] : Value();
  if (inputs[0])
    loop.trip = tripCount(binder, inputs[0]);
  SmallVector<bool> invariant;
  loop.outputs.push_back(0);
  for (int i = 1; i < graph->output_size(); ++i) {
    if (i > count || !isInvariant(*graph, i + 1, i))
      loop.outputs.push_back(i);
    if (i <= count) {
      invariant.push_back(loop.outputs.back() != i);
      if (!invariant.back())
        loop.inits.push_back(inputs[i + 1]);
    }
  }
  loop.makeArguments = [&](OpBinder &b, AffineExpr counter, ArrayRef<Value> states) {
    nn::Fact iteration;
    iteration.element = builder.getI64Type();
    iteration.value = Shape{counter};
    const auto &declared = graph->input(0).type().tensor_type().shape();
    if (declared.dim_size() == 1)
      iteration.shape = makeShape({1}, &context);
    SmallVector<Value> arguments{nn::buildValue(builder, place.loc, iteration)};
    arguments.push_back(b.scalar(builder.getI1Type(), 1));
    for (int i = 0, next = 0; i < count; ++i)
      arguments.push_back(invariant[i] ? inputs[i + 2] : states[next++]);
    return arguments;
  };
  std::optional<SmallVector<Value>> results;
  if (!binder.hasFailed())
    results = loop.run(binder);
  problems.take(found.finish(), place.where);
  SmallVector<Value> outputs;
  for (int i = 0, next = 0; i < node.output_size() && results; ++i)
    outputs.push_back(i < count && invariant[i] ? inputs[i + 2] : (*results)[next++]);
  bindOutputs(node, scope, outputs);
}

// Scan
// ---------------------------------------------------------------------------------------------

// The number of iterations, which is the size of all scanned inputs along their axes.
static AffineExpr scanLength(OpBinder &b, ArrayRef<Value> scanned, ArrayRef<int64_t> axes) {
  AffineExpr length;
  SmallVector<AffineExpr> zeros;
  for (auto [i, value] : llvm::enumerate(scanned)) {
    const AffineExpr size = b.shapeOf(value)[axes[i]];
    length = length ? length : size;
    const AffineExpr difference = normalForm(size - length);
    if (constantOf(difference).value_or(0) != 0)
      b.invalid("scans tensors of " + nn::textOf(length) + " and " + nn::textOf(size) +
                " elements");
    zeros.push_back(difference);
  }
  b.requireZeros(zeros, "the lengths of what it scans");
  return length;
}

// What a Scan collects along a first dim, in the order and along the axis that it asks for.
static Value arrangeScanned(OpBinder &b, Value value, int64_t axis, bool isReversed) {
  const int64_t rank = b.rankOf(value);
  axis = b.axis(axis, rank);
  if (b.hasFailed())
    return {};
  if (isReversed)
    value = b.create<nn::SliceOp>(
        {value, b.constant(ArrayRef<int64_t>{-1}), b.constant(ArrayRef<int64_t>{INT64_MIN}),
         b.constant(ArrayRef<int64_t>{0}), b.constant(ArrayRef<int64_t>{-1})});
  if (axis == 0)
    return value;
  SmallVector<int64_t> perm;
  for (int64_t i = 0; i < rank; ++i)
    perm.push_back(i < axis ? i + 1 : i == axis ? 0 : i);
  return Compose{b}.transpose(value, perm);
}

// What a Scan's body gets of the scanned inputs in one iteration.
static SmallVector<Value> takeElements(OpBinder &b, AffineExpr counter, AffineExpr length,
                                       ArrayRef<Value> scanned, ArrayRef<int64_t> axes,
                                       ArrayRef<int64_t> backward) {
  SmallVector<Value> elements;
  for (auto [i, value] : llvm::enumerate(scanned)) {
    nn::Fact index;
    index.element = b.getBuilder().getI64Type();
    index.value = Shape{normalForm(backward[i] ? length - 1 - counter : counter)};
    nn::GatherOp::Properties properties;
    properties.axis = b.i64(axes[i]);
    elements.push_back(b.create<nn::GatherOp>(
        {value, nn::buildValue(b.getBuilder(), b.getLocation(), index)}, properties));
  }
  return elements;
}

void Importer::importScan(const onnx::NodeProto &node, const Place &place, Scope &scope,
                          ArrayRef<Value> inputs) {
  const onnx::GraphProto *graph = findGraph(node, "body");
  Problems found;
  OpBinder binder(builder, place.loc, file, node, 0, inputs, found);
  const int64_t scans = binder.integer("num_scan_inputs", 0);
  const int64_t count = int64_t(inputs.size()) - scans; // of the state
  if (scope.opsets.version("").value_or(0) < 9)
    return problems.add(ErrorClass::Unsupported, place.where,
                        "batches of sequences, as Scan had them before operator set 9, are not "
                        "supported");
  if (!graph || scans < 1 || count < 0 || graph->input_size() != int(inputs.size()) ||
      graph->output_size() < count || graph->output_size() != node.output_size())
    return problems.invalid(
        place.where, "its body has " + Twine(graph ? graph->input_size() : 0) + " inputs and " +
                         Twine(graph ? graph->output_size() : 0) + " outputs; the node has " +
                         Twine(inputs.size()) + " inputs, of " + "which " + Twine(scans) +
                         " are scanned, and " + Twine(node.output_size()) + " outputs");
  const int64_t collected = graph->output_size() - count;
  const ArrayRef<Value> scanned = inputs.drop_front(count);
  auto axes = binder.integers("scan_input_axes", scans, 0);
  for (auto [axis, value] : llvm::zip(axes, scanned))
    axis = binder.axis(axis, binder.rankOf(value));
  const auto backward = binder.integers("scan_input_directions", scans, 0);
  const auto resultAxes = binder.integers("scan_output_axes", collected, 0);
  const auto resultBackward = binder.integers("scan_output_directions", collected, 0);
  LoopImporter loop(*this, place, scope, *graph);
  loop.inits.assign(inputs.begin(), inputs.begin() + count);
  llvm::append_range(loop.outputs, llvm::seq<int>(0, graph->output_size()));
  if (!binder.hasFailed())
    loop.trip = scanLength(binder, scanned, axes);
  loop.makeArguments = [&](OpBinder &b, AffineExpr counter, ArrayRef<Value> states) {
    SmallVector<Value> arguments(states);
    llvm::append_range(arguments, takeElements(b, counter, loop.trip, scanned, axes, backward));
    return arguments;
  };
  std::optional<SmallVector<Value>> results;
  if (!binder.hasFailed())
    results = loop.run(binder);
  for (int64_t i = count; results && i < node.output_size(); ++i)
    (*results)[i] =
        arrangeScanned(binder, (*results)[i], resultAxes[i - count], resultBackward[i - count]);
  bindOutputs(node, scope, results.value_or(SmallVector<Value>()));
  problems.take(found.finish(), place.where);
}
