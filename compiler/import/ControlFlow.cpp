// Control flow that is decided at compile time.
#include "compiler/import/Importer.h"

using namespace mlir;
using namespace nncc;

static const onnx::GraphProto *subgraph(const onnx::NodeProto &node, StringRef name) {
  for (const onnx::AttributeProto &attribute : node.attribute())
    if (attribute.name() == name)
      return &attribute.g();
  return nullptr;
}

bool Importer::importControlFlow(const onnx::NodeProto &node, const Place &place, Scope &scope,
                                 ArrayRef<Value> inputs, bool complete) {
  if (!canonicalDomain(node.domain()).empty() || node.op_type() != "If")
    return false;
  if (!complete)
    return true; // its condition is not known because of a problem that is reported
  auto condition = nn::constantIntegers(inputs[0]);
  if (!condition || condition->size() != 1) {
    refuse(node, place, scope, "its condition is not known at compile time");
    return true;
  }
  const StringRef taken = condition->front() ? "then_branch" : "else_branch";
  if (const onnx::GraphProto *graph = subgraph(node, taken))
    importBranch(*graph, node, place, scope);
  return true;
}

void Importer::importBranch(const onnx::GraphProto &graph, const onnx::NodeProto &node,
                            const Place &place, Scope &scope) {
  if (graph.output_size() != node.output_size())
    return problems.invalid(place.where, "its branch has " + Twine(graph.output_size()) +
                                             " outputs, the node " + Twine(node.output_size()));
  Scope branch{&scope, scope.opsets, "in a branch of " + place.where, place.name + "/",
               scope.depth};
  addInitializers(graph, branch);
  importNodes(graph.node(), branch);
  for (int i = 0; i < node.output_size(); ++i)
    if (!node.output(i).empty())
      scope.values[node.output(i)] = lookUp(branch, graph.output(i).name());
}
