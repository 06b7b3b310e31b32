// Operators and functions that are defined by other operators.
#include "compiler/import/Importer.h"
#include "compiler/import/TypeMap.h"

using namespace mlir;
using namespace nncc;
using onnx::AttributeProto;

// As deep as the ONNX checker lets a model's own functions call each other.
static constexpr unsigned maxDepth = 100;

// Replaces references to attributes of the call by their values; drops those that the call lacks.
static void bindAttributes(onnx::NodeProto &node,
                           const llvm::StringMap<const AttributeProto *> &given) {
  for (int i = node.attribute_size() - 1; i >= 0; --i) {
    AttributeProto &attribute = *node.mutable_attribute(i);
    if (!attribute.ref_attr_name().empty()) {
      const AttributeProto *value = given.lookup(attribute.ref_attr_name());
      if (!value) {
        node.mutable_attribute()->DeleteSubrange(i, 1);
        continue;
      }
      const std::string name = attribute.name();
      attribute.CopyFrom(*value);
      attribute.set_name(name);
      continue;
    }
    if (attribute.has_g())
      for (onnx::NodeProto &inner : *attribute.mutable_g()->mutable_node())
        bindAttributes(inner, given);
    for (onnx::GraphProto &graph : *attribute.mutable_graphs())
      for (onnx::NodeProto &inner : *graph.mutable_node())
        bindAttributes(inner, given);
  }
}

// What a body can refer to: the call's attributes, else defaults of the function or the operator.
static llvm::StringMap<const AttributeProto *>
collectAttributes(const onnx::FunctionProto &function, const onnx::NodeProto &call,
                  const onnx::OpSchema *schema) {
  llvm::StringMap<const AttributeProto *> given;
  for (const AttributeProto &attribute : call.attribute())
    given[attribute.name()] = &attribute;
  for (const AttributeProto &attribute : function.attribute_proto())
    given.try_emplace(attribute.name(), &attribute);
  if (schema)
    for (const auto &[name, attribute] : schema->attributes())
      if (attribute.default_value.type() != AttributeProto::UNDEFINED)
        given.try_emplace(name, &attribute.default_value);
  return given;
}

void Importer::importBody(const onnx::FunctionProto &function, const onnx::NodeProto &call,
                          const onnx::OpSchema *schema, const Place &place, Scope &scope,
                          ArrayRef<Value> inputs) {
  if (scope.depth >= maxDepth)
    return refuse(call, place, scope,
                  "functions call each other more than " + Twine(maxDepth) + " deep");
  auto opsets = function.opset_import().empty() ? llvm::Expected<Opsets>(scope.opsets)
                                                : Opsets::read(function.opset_import());
  if (!opsets)
    return problems.take(opsets.takeError(), place.where);
  if (schema) // the body of an operator may use domains that neither it nor the model names
    opsets->addNewest();
  const auto attributes = collectAttributes(function, call, schema);
  Scope body{nullptr, *opsets, "in the body of " + place.where, place.name + "/", scope.depth + 1};
  for (int i = 0; i < function.input_size(); ++i) {
    body.values[function.input(i)] = i < int(inputs.size()) ? inputs[i] : Value();
    if (i >= call.input_size() || call.input(i).empty() || scope.absent.contains(call.input(i)))
      body.absent.insert(function.input(i));
  }
  for (int i = 0; i < function.node_size(); ++i) {
    onnx::NodeProto node = function.node(i);
    bindAttributes(node, attributes);
    importNode(node, i, body);
  }
  for (int i = 0; i < std::min(call.output_size(), function.output_size()); ++i)
    if (!call.output(i).empty())
      scope.values[call.output(i)] = lookUp(body, function.output(i));
}

// The body of `schema` for this call; nothing where ONNX defines the operator by words alone.
static std::optional<onnx::FunctionProto> findBody(const onnx::OpSchema &schema,
                                                   const onnx::NodeProto &node, int opset,
                                                   ArrayRef<Value> inputs, bool complete) {
  try { // the ONNX library reports by exceptions: they end here
    if (schema.HasFunction())
      if (const onnx::FunctionProto *body = schema.GetFunction(opset))
        return *body;
    if (!schema.HasContextDependentFunction() || !complete)
      return std::nullopt;
    std::vector<onnx::TypeProto> types;
    for (Value input : inputs)
      types.push_back(input ? toTypeProto(input) : onnx::TypeProto());
    onnx::FunctionBodyBuildContextImpl context(node, types);
    onnx::FunctionProto body;
    if (schema.BuildContextDependentFunction(context, body, opset))
      return body;
  } catch (const std::exception &) {
  }
  return std::nullopt;
}

bool Importer::importSchemaBody(const onnx::OpSchema &schema, const onnx::NodeProto &node,
                                int opset, const Place &place, Scope &scope, ArrayRef<Value> inputs,
                                bool complete) {
  auto body = findBody(schema, node, opset, inputs, complete);
  if (!body) // without its types such an operator is neither supported nor unsupported
    return !complete && schema.HasContextDependentFunction();
  importBody(*body, node, &schema, place, scope, inputs);
  return true;
}
