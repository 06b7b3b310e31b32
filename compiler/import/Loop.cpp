// Loop and Scan: rt.loop.
#include "compiler/import/Compose.h"
#include "compiler/import/LoopImporter.h"

#include "dialects/SizeText.h"

using namespace mlir;
using namespace nncc;

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
  SmallVector<int> used{0}; // of the body's outputs
  for (int i = 1; i < graph->output_size(); ++i) {
    if (i > count || !isInvariant(*graph, i + 1, i))
      used.push_back(i);
    if (i <= count) {
      invariant.push_back(used.back() != i);
      if (!invariant.back())
        loop.inits.push_back(inputs[i + 1]);
    }
  }
  loop.takeOutputs = [&](OpBinder &, ArrayRef<Value> outputs, ArrayRef<Value>) {
    return llvm::map_to_vector(used, [&](int i) { return outputs[i]; });
  };
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
      b.invalid("scans tensors of " + b.textOf(length) + " and " + b.textOf(size) + " elements");
    zeros.push_back(difference);
  }
  b.requireZeros(zeros, "the lengths of what it scans do not fit each other");
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
  loop.takeOutputs = [](OpBinder &, ArrayRef<Value> outputs, ArrayRef<Value>) {
    return SmallVector<Value>(outputs);
  };
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
