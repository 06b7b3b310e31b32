#include "compiler/import/Importer.h"
#include "compiler/import/ControlFlow.h"
#include "compiler/import/Rules.h"
#include "compiler/import/TypeMap.h"
#include "compiler/import/Values.h"

#include "dialects/rt/RT.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace nncc;

// More nodes than this after writing out function bodies are taken for functions that call each
// other too often: n functions of two calls each make 2^n nodes.
static constexpr uint64_t maxNodes = 1 << 20;

// Shape arithmetic that was folded leaves its operands behind.
static void eraseUnused(Block &block) {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
    if (isOpTriviallyDead(&op))
      op.erase();
    else if (isa<rt::IfOp, rt::LoopOp>(op))
      for (Region &region : op.getRegions())
        eraseUnused(region.front());
}

OwningOpRef<ModuleOp> Importer::run(const Opsets &opsets) {
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    diagnostics += (diagnostics.empty() ? "" : "; ") + diagnostic.str();
    return success();
  });
  Location loc = NameLoc::get(builder.getStringAttr(file.proto().graph().name()));
  OwningOpRef<ModuleOp> module(ModuleOp::create(loc));
  (*module)->setAttrs({importMetadata()});
  builder.setInsertionPointToStart(module->getBody());
  auto function = func::FuncOp::create(builder, loc, "main", builder.getFunctionType({}, {}));
  Scope scope{nullptr, opsets, "", ""};
  addInitializers(file.proto().graph(), scope);
  if (!importSignature(function, scope))
    return module;
  importNodes(file.proto().graph().node(), scope);
  importOutputs(function, scope);
  eraseUnused(function.front());
  return module;
}

NamedAttribute Importer::importMetadata() {
  NamedAttrList metadata;
  for (const onnx::StringStringEntryProto &entry : file.proto().metadata_props())
    if (!entry.key().empty())
      metadata.set(entry.key(), builder.getStringAttr(entry.value()));
  return builder.getNamedAttr("nn.metadata", metadata.getDictionary(&context));
}

// Values
// -------------------------------------------------------------------------------------------

void Importer::addInitializers(const onnx::GraphProto &graph, Scope &scope) {
  for (const onnx::TensorProto &tensor : graph.initializer())
    scope.tensors[tensor.name()] = &tensor;
  for (const onnx::SparseTensorProto &tensor : graph.sparse_initializer())
    scope.sparseTensors[tensor.values().name()] = &tensor;
}

Value Importer::makeConstant(Scope &scope, StringRef name) {
  Place place{scope.where, scope.prefix + name.str(),
              NameLoc::get(builder.getStringAttr(scope.prefix + name.str()))};
  OpBuilder::InsertionGuard guard(builder);
  // What a branch is the first one to use is there for all.
  Operation *around = builder.getInsertionBlock()->getParentOp();
  for (; !isa<func::FuncOp>(around); around = around->getParentOp())
    builder.setInsertionPoint(around);
  OpBinder binder(builder, place.loc, file, onnx::NodeProto::default_instance(), 0, {}, problems);
  auto tensor = scope.tensors.find(name);
  return tensor != scope.tensors.end() ? binder.constant(*tensor->second)
                                       : binder.constant(*scope.sparseTensors.lookup(name));
}

Value Importer::lookUp(Scope &scope, StringRef name) {
  if (auto known = scope.values.find(name); known != scope.values.end())
    return known->second;
  if (scope.tensors.contains(name) || scope.sparseTensors.contains(name))
    return scope.values[name] = makeConstant(scope, name);
  return scope.outer ? lookUp(*scope.outer, name) : Value();
}

// Nodes
// --------------------------------------------------------------------------------------------

void Importer::refuse(const onnx::NodeProto &node, const Place &place, Scope &scope,
                      const Twine &why) {
  problems.add(ErrorClass::Unsupported, place.where, why);
}

void Importer::importNodes(const NodeList &nodes, Scope &scope) {
  for (int i = 0; i < nodes.size(); ++i)
    importNode(nodes[i], i, scope);
}

void Importer::importNode(const onnx::NodeProto &node, int index, Scope &scope) {
  for (const std::string &output : node.output())
    if (!output.empty())
      scope.values[output] = Value(); // until it is imported
  const std::string name = scope.prefix + nodeName(node, index);
  const StringRef domain = canonicalDomain(node.domain());
  std::string where = scope.where + (scope.where.empty() ? "" : ", ") + "node '" + name + "' (" +
                      node.op_type() + ", " + (domain.empty() ? "ai.onnx" : domain.str()) + " " +
                      std::to_string(scope.opsets.version(domain).value_or(0)) + ")";
  Place place{std::move(where), name, NameLoc::get(builder.getStringAttr(name))};
  if (++importedNodes > maxNodes) {
    if (importedNodes == maxNodes + 1)
      refuse(node, place, scope, "more than a million nodes with function bodies written out");
    return;
  }
  SmallVector<Value> inputs;
  bool complete = true;
  for (const std::string &input : node.input()) {
    inputs.push_back(input.empty() ? Value() : lookUp(scope, input));
    complete &= input.empty() || scope.absent.contains(input) || inputs.back();
  }
  if (const onnx::FunctionProto *function = functions.find(node))
    importBody(*function, node, /*schema=*/nullptr, place, scope, inputs);
  else
    importOperator(node, place, scope, inputs, complete);
}

void Importer::importOperator(const onnx::NodeProto &node, const Place &place, Scope &scope,
                              ArrayRef<Value> inputs, bool complete) {
  const auto opset = scope.opsets.version(node.domain());
  const onnx::OpSchema *schema = scope.opsets.schema(node.domain(), node.op_type());
  if (!opset || !schema)
    return refuse(node, place, scope, "the operator is not supported");
  if (complete)
    if (std::string wrong = checkInputTypes(*schema, inputs); !wrong.empty())
      return problems.invalid(place.where, wrong);
  const Rules::Entry *entry = Rules::get().find(node.domain(), node.op_type(), *opset);
  // Rules that build on tensors of numbers alone report an operand that is not there.
  if (complete && (isControlFlow(node) || (entry && entry->takesValues)))
    if (std::string wrong = checkPresence(*schema, inputs); !wrong.empty())
      return problems.invalid(place.where, wrong);
  if (importControlFlow(node, place, scope, inputs, complete))
    return;
  if (entry) {
    if (!complete || applyRule(*entry, node, *opset, place, scope, inputs))
      return;
  }
  if (!importSchemaBody(*schema, node, *opset, place, scope, inputs, complete))
    refuse(node, place, scope, "the operator is not supported");
}

bool Importer::applyRule(const Rules::Entry &entry, const onnx::NodeProto &node, int opset,
                         const Place &place, Scope &scope, ArrayRef<Value> inputs) {
  diagnostics.clear();
  Problems found;
  OpBinder binder(builder, place.loc, file, node, opset, inputs, found);
  const auto *other = llvm::find_if(inputs, [](Value input) { return input && !isNumeric(input); });
  if (other == inputs.end() || entry.takesValues)
    entry.rule(binder);
  else
    binder.unsupported("its input " + Twine(other - inputs.begin()) + " is " +
                       describe(other->getType()));
  if (binder.hasDeclined())
    return false;
  for (int i = 0; i < node.output_size() && !binder.hasFailed(); ++i) {
    Value result = binder.getResults()[i];
    if (!result && !node.output(i).empty())
      binder.unsupported("its output " + Twine(i) + " is not supported");
    scope.values[node.output(i)] = result;
  }
  if (binder.hasFailed() && found.empty()) // an op has said why
    found.add(binder.isUnsupported() ? ErrorClass::Unsupported : ErrorClass::InvalidModel, "",
              diagnostics.empty() ? "cannot be imported" : diagnostics);
  problems.take(found.finish(), place.where);
  return true;
}
