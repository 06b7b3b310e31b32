// SequenceMap: a graph for each tensor of a sequence.
#include "compiler/import/LoopImporter.h"
#include "compiler/import/Ragged.h"
#include "compiler/import/TypeMap.h"

using namespace mlir;
using namespace nncc;

// As it may begin with no tensor, the sequence of an output has the type that the graph states.
static Type declaredElement(const onnx::GraphProto &graph, int output, MLIRContext *context) {
  Type declared = toValueType(graph.output(output).type(), context);
  return isa_and_present<TensorType>(declared) ? elementTypeOf(declared) : Type();
}

void Importer::importSequenceMap(const onnx::NodeProto &node, const Place &place, Scope &scope,
                                 ArrayRef<Value> inputs) {
  const onnx::GraphProto *graph = findGraph(node, "body");
  if (!graph || graph->output_size() != node.output_size() ||
      graph->input_size() != int(inputs.size()))
    return problems.invalid(place.where, "its body has other numbers of inputs and outputs");
  auto isOpen = [](Value input) { return isSequence(input) && !isList(input); };
  if (llvm::any_of(inputs, isOpen))
    mapSequence(node, *graph, place, scope, inputs);
  else
    mapList(node, *graph, place, scope, inputs);
}

// The length is known: the graph is there as often.
void Importer::mapList(const onnx::NodeProto &node, const onnx::GraphProto &graph,
                       const Place &place, Scope &scope, ArrayRef<Value> inputs) {
  const size_t length = elementsOf(inputs[0]).size();
  for (int i = 0; i < node.output_size() && length == 0; ++i)
    if (!declaredElement(graph, i, &context))
      return problems.add(ErrorClass::Unsupported, place.where,
                          "its body does not say of what type of tensor output " + Twine(i) +
                              " is");
  std::vector<SmallVector<Value>> results(node.output_size());
  for (size_t i = 0; i < length; ++i) {
    SmallVector<Value> arguments;
    for (Value input : inputs) {
      if (isList(input) && i >= elementsOf(input).size())
        return problems.invalid(place.where, "its sequences are of different lengths");
      arguments.push_back(isList(input) ? elementsOf(input)[i] : input);
    }
    const SmallVector<Value> outputs = importGraph(graph, place, scope, arguments);
    if (outputs.empty())
      return; // reported
    for (auto [result, output] : llvm::zip(results, outputs)) {
      if (!isa<RankedTensorType>(output.getType()))
        return problems.invalid(place.where,
                                "puts " + describe(output.getType()) + " into a sequence");
      result.push_back(output);
    }
  }
  SmallVector<Value> sequences;
  for (auto [i, result] : llvm::enumerate(results))
    sequences.push_back(
        makeList(builder, place.loc, result, declaredElement(graph, int(i), &context)));
  bindOutputs(node, scope, sequences);
}

// What an input has of each tensor, of sequences by the number of the iteration.
static Value openInput(const Ragged &r, Value input, const onnx::ValueInfoProto &declared) {
  if (!isSequence(input))
    return input;
  Value sequence = r.open(input);
  if (!sequence)
    r.b.invalid("its sequence is of tensors of different types");
  auto tensor = dyn_cast_or_null<RankedTensorType>(
      toValueType(declared.type(), r.b.getBuilder().getContext()));
  return sequence && tensor ? r.withRank(sequence, tensor.getRank()) : sequence;
}

void Importer::mapSequence(const onnx::NodeProto &node, const onnx::GraphProto &graph,
                           const Place &place, Scope &scope, ArrayRef<Value> inputs) {
  Problems found;
  OpBinder binder(builder, place.loc, file, node, 0, inputs, found);
  LoopImporter loop(*this, place, scope, graph);
  SmallVector<Value> opened;
  for (auto [input, declared] : llvm::zip(inputs, graph.input())) {
    opened.push_back(openInput(Ragged(binder), input, declared));
    if (!isSequence(opened.back()))
      continue;
    const AffineExpr length = Ragged(binder).length(opened.back());
    loop.trip = loop.trip ? loop.trip : length;
    binder.requireZeros(normalForm(length - loop.trip), "its sequences are of different lengths");
  }
  for (int i = 0; i < node.output_size(); ++i) {
    Type element = declaredElement(graph, i, &context);
    if (!element)
      binder.unsupported("its body does not say of what type of tensor output " + Twine(i) + " is");
    else
      loop.inits.push_back(makeList(builder, place.loc, {}, element));
  }
  loop.makeArguments = [&](OpBinder &b, AffineExpr counter, ArrayRef<Value>) {
    return llvm::map_to_vector(opened, [&](Value input) {
      return isSequence(input) ? Ragged(b).at(input, counter) : input;
    });
  };
  loop.takeOutputs = [](OpBinder &b, ArrayRef<Value> outputs, ArrayRef<Value> states) {
    SmallVector<Value> next;
    for (auto [state, output] : llvm::zip(states, outputs))
      next.push_back(Ragged(b).insert(state, output, /*position=*/Value()));
    return next;
  };
  std::optional<SmallVector<Value>> results;
  if (!binder.hasFailed())
    results = loop.run(binder);
  problems.take(found.finish(), place.where);
  bindOutputs(node, scope, results.value_or(SmallVector<Value>()));
}
