#include "compiler/import/CheckGraph.h"
#include "compiler/import/ElementType.h"

using namespace nncc;

static std::string join(const std::string &where, const std::string &inner) {
  return where.empty() ? inner : where + ", " + inner;
}

void GraphChecker::checkMainGraph(onnx::GraphProto &graph, const Opsets &opsets) {
  if (graph.output().empty())
    problems.invalid("", "the graph is empty: it has no outputs");
  llvm::StringSet<> outputs;
  for (const onnx::ValueInfoProto &output : graph.output())
    if (!outputs.insert(output.name()).second)
      problems.invalid("", "graph output '" + output.name() + "' is given twice");
  for (const auto *list : {&graph.input(), &graph.output()})
    for (const onnx::ValueInfoProto &value : *list) {
      const std::string where =
          (list == &graph.input() ? "input '" : "output '") + value.name() + "'";
      if (value.has_type())
        checkType(value.type(), where);
      else if (list == &graph.input())
        problems.invalid(where, "has no type");
    }
  checkGraph(graph, Scope{nullptr, opsets, /*inFunction=*/false, {}}, "");
}

void GraphChecker::checkFunction(onnx::FunctionProto &function) {
  const std::string where = "function '" + function.name() + "'";
  auto opsets = Opsets::read(function.opset_import());
  if (!opsets)
    return problems.take(opsets.takeError(), where);
  Scope scope{nullptr, *opsets, /*inFunction=*/true, {}};
  for (const std::string &input : function.input())
    if (input.empty() || !scope.names.insert(input).second)
      problems.invalid(where, "input '" + input + "' is empty or given twice");
  checkNodes(*function.mutable_node(), scope, where);
  for (const std::string &output : function.output())
    if (!scope.names.contains(output))
      problems.invalid(where, "output '" + output + "' is not produced by any node");
}

void GraphChecker::checkGraph(onnx::GraphProto &graph, const Scope &outer,
                              const std::string &where) {
  Scope scope{&outer, outer.opsets, outer.inFunction, {}};
  for (const onnx::ValueInfoProto &input : graph.input())
    if (input.name().empty())
      problems.invalid(where, "a graph input has no name");
    else if (!scope.names.insert(input.name()).second)
      problems.invalid(where, "graph input '" + input.name() + "' is given twice");
  addInitializers(graph, scope, where);
  checkNodes(*graph.mutable_node(), scope, where);
  checkOutputs(graph, scope, where);
}

void GraphChecker::addInitializers(const onnx::GraphProto &graph, Scope &scope,
                                   const std::string &where) {
  llvm::StringSet<> seen;
  auto add = [&](const std::string &name) {
    if (name.empty())
      problems.invalid(where, "an initializer has no name");
    else if (!seen.insert(name).second)
      problems.invalid(where, "initializer '" + name + "' is given twice");
    scope.names.insert(name); // an input of the same name gets its default value here
  };
  for (const onnx::TensorProto &initializer : graph.initializer()) {
    add(initializer.name());
    problems.take(file.check(initializer), where);
  }
  for (const onnx::SparseTensorProto &initializer : graph.sparse_initializer()) {
    add(initializer.values().name());
    problems.take(file.readDense(initializer).takeError(), where);
  }
}

void GraphChecker::checkNodes(NodeList &nodes, Scope &scope, const std::string &where) {
  llvm::StringSet<> produced;
  for (int i = 0; i < nodes.size(); ++i)
    for (const std::string &output : nodes[i].output())
      if (!output.empty() && (!produced.insert(output).second || scope.names.contains(output)))
        problems.invalid(join(where, describe(nodes[i], i)),
                         "its output '" + output + "' has the name of another value of the graph");
  if (std::string cycle = sortNodes(nodes); !cycle.empty()) {
    for (const auto &name : produced)
      scope.names.insert(name.getKey());
    return problems.invalid(where, "the graph has a cycle: " + cycle);
  }
  for (int i = 0; i < nodes.size(); ++i) {
    const std::string node = join(where, describe(nodes[i], i));
    for (int input = 0; input < nodes[i].input_size(); ++input)
      if (const std::string &name = nodes[i].input(input); !name.empty() && !scope.sees(name))
        problems.invalid(node, "its input " + llvm::Twine(input) + ", '" + name +
                                   "', is neither a graph input nor an initializer nor the output "
                                   "of a node");
    checkNode(nodes[i], scope, node);
    for (const std::string &output : nodes[i].output())
      if (!output.empty())
        scope.names.insert(output);
  }
}

void GraphChecker::checkOutputs(const onnx::GraphProto &graph, const Scope &scope,
                                const std::string &where) {
  for (const onnx::ValueInfoProto &output : graph.output())
    if (!scope.sees(output.name()))
      problems.invalid(where, "graph output '" + output.name() + "' is not produced by any node");
}

static std::string badDim(const onnx::TensorShapeProto &shape) {
  for (int axis = 0; axis < shape.dim_size(); ++axis)
    // -1 is how some exporters spell an unknown size.
    if (shape.dim(axis).has_dim_value() && shape.dim(axis).dim_value() < -1)
      return "dimension " + std::to_string(axis) + " is " +
             std::to_string(shape.dim(axis).dim_value());
  return "";
}

void GraphChecker::checkType(const onnx::TypeProto &type, const std::string &where) {
  auto checkTensor = [&](int elementType, const onnx::TensorShapeProto &shape) {
    if (!getElementType(elementType))
      problems.invalid(where, "has elements of " + elementTypeName(elementType));
    if (std::string bad = badDim(shape); !bad.empty())
      problems.invalid(where, bad);
  };
  switch (type.value_case()) {
  case onnx::TypeProto::kTensorType:
    return checkTensor(type.tensor_type().elem_type(), type.tensor_type().shape());
  case onnx::TypeProto::kSparseTensorType:
    return checkTensor(type.sparse_tensor_type().elem_type(), type.sparse_tensor_type().shape());
  case onnx::TypeProto::kSequenceType:
    return checkType(type.sequence_type().elem_type(), where);
  case onnx::TypeProto::kOptionalType:
    return checkType(type.optional_type().elem_type(), where);
  case onnx::TypeProto::kMapType:
    return checkType(type.map_type().value_type(), where);
  case onnx::TypeProto::kOpaqueType:
    return;
  case onnx::TypeProto::VALUE_NOT_SET:
    return problems.invalid(where, "has no type");
  }
}
