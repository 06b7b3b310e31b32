// Nodes against ONNX's operator schemas.
#include "compiler/import/CheckGraph.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace nncc;
using onnx::AttributeProto;

void GraphChecker::checkNode(onnx::NodeProto &node, const Scope &scope, const std::string &where) {
  if (node.op_type().empty())
    return problems.invalid(where, "names no operator (op_type)");
  for (AttributeProto &attribute : *node.mutable_attribute())
    checkAttribute(attribute, scope, where);
  if (const onnx::FunctionProto *function = functions.find(node))
    checkCall(node, *function, where);
  else
    checkOperator(node, scope, where);
}

void GraphChecker::checkCall(const onnx::NodeProto &node, const onnx::FunctionProto &function,
                             const std::string &where) {
  if (node.input_size() > function.input_size() || node.output_size() > function.output_size())
    problems.invalid(where, "has " + llvm::Twine(node.input_size()) + " inputs and " +
                                llvm::Twine(node.output_size()) + " outputs; function '" +
                                function.name() + "' has " + llvm::Twine(function.input_size()) +
                                " and " + llvm::Twine(function.output_size()));
  for (const std::string &required : function.attribute())
    if (llvm::none_of(node.attribute(), [&](const AttributeProto &attribute) {
          return attribute.name() == required;
        }))
      problems.invalid(where, "attribute '" + required + "' of function '" + function.name() +
                                  "' is missing");
}

void GraphChecker::checkOperator(const onnx::NodeProto &node, const Scope &scope,
                                 const std::string &where) {
  const std::string domain = canonicalDomain(node.domain()).str();
  auto version = scope.opsets.version(domain);
  if (!version)
    return problems.invalid(where, "no operator set of domain '" + node.domain() + "' is imported");
  const onnx::OpSchema *schema = scope.opsets.schema(domain, node.op_type());
  if (!schema && !isOnnxDomain(domain))
    return; // valid for whoever knows the domain
  if (!schema) {
    const onnx::OpSchema *newest = onnx::OpSchemaRegistry::Schema(node.op_type(), domain);
    return problems.invalid(where, "operator set " + llvm::Twine(*version) + " has no operator '" +
                                       qualifiedName(domain, node.op_type()) + "'" +
                                       (newest ? "; a newer one has it" : ""));
  }
  if (schema->Deprecated())
    return problems.invalid(where, "operator '" + node.op_type() +
                                       "' was removed in operator set " +
                                       llvm::Twine(schema->SinceVersion()) +
                                       "; the model imports " + llvm::Twine(*version));
  try { // the ONNX library reports by exceptions: they end here
    schema->Verify(node);
  } catch (const std::exception &error) {
    problems.invalid(where, error.what());
  }
}

namespace {
// A value field of AttributeProto that is in use, and the attribute type it belongs to.
struct UsedField {
  AttributeProto::AttributeType type;
  llvm::StringRef name;
};
} // namespace

static llvm::SmallVector<UsedField, 1> usedFields(const AttributeProto &a) {
  const std::pair<bool, UsedField> all[] = {
      {a.has_f(), {AttributeProto::FLOAT, "f"}},
      {a.has_i(), {AttributeProto::INT, "i"}},
      {a.has_s(), {AttributeProto::STRING, "s"}},
      {a.has_t(), {AttributeProto::TENSOR, "t"}},
      {a.has_g(), {AttributeProto::GRAPH, "g"}},
      {a.has_sparse_tensor(), {AttributeProto::SPARSE_TENSOR, "sparse_tensor"}},
      {a.has_tp(), {AttributeProto::TYPE_PROTO, "tp"}},
      {a.floats_size() > 0, {AttributeProto::FLOATS, "floats"}},
      {a.ints_size() > 0, {AttributeProto::INTS, "ints"}},
      {a.strings_size() > 0, {AttributeProto::STRINGS, "strings"}},
      {a.tensors_size() > 0, {AttributeProto::TENSORS, "tensors"}},
      {a.graphs_size() > 0, {AttributeProto::GRAPHS, "graphs"}},
      {a.sparse_tensors_size() > 0, {AttributeProto::SPARSE_TENSORS, "sparse_tensors"}},
      {a.type_protos_size() > 0, {AttributeProto::TYPE_PROTOS, "type_protos"}},
  };
  llvm::SmallVector<UsedField, 1> used;
  for (const auto &[isUsed, field] : all)
    if (isUsed)
      used.push_back(field);
  return used;
}

// What contradicts the type that the attribute claims to have; empty when nothing does.
static std::string checkValue(const AttributeProto &attribute, llvm::ArrayRef<UsedField> used) {
  const std::string type = AttributeProto::AttributeType_Name(attribute.type());
  for (const UsedField &field : used)
    if (field.type != attribute.type())
      return "is of type " + type + " but has a value in '" + field.name.str() + "'";
  const bool needsValue =
      llvm::is_contained({AttributeProto::TENSOR, AttributeProto::GRAPH,
                          AttributeProto::SPARSE_TENSOR, AttributeProto::TYPE_PROTO},
                         attribute.type());
  return used.empty() && needsValue ? "is of type " + type + " but has no value" : "";
}

void GraphChecker::checkAttribute(AttributeProto &attribute, const Scope &scope,
                                  const std::string &where) {
  const std::string place = where + ", attribute '" + attribute.name() + "'";
  const auto used = usedFields(attribute);
  if (!attribute.ref_attr_name().empty()) {
    if (!scope.inFunction || !used.empty())
      problems.invalid(
          place, "refers to a function's attribute '" + attribute.ref_attr_name() +
                     (scope.inFunction ? "' and has a value of its own" : "' outside a function"));
    return;
  }
  if (attribute.type() == AttributeProto::UNDEFINED && used.size() == 1)
    attribute.set_type(used[0].type);
  if (std::string bad = checkValue(attribute, used); !bad.empty())
    return problems.invalid(place, bad);
  if (attribute.has_t())
    problems.take(file.check(attribute.t()), place);
  for (const onnx::TensorProto &tensor : attribute.tensors())
    problems.take(file.check(tensor), place);
  if (attribute.has_sparse_tensor())
    problems.take(file.readDense(attribute.sparse_tensor()).takeError(), place);
  if (attribute.has_g())
    checkGraph(*attribute.mutable_g(), scope, place);
  for (onnx::GraphProto &graph : *attribute.mutable_graphs())
    checkGraph(graph, scope, place);
}
