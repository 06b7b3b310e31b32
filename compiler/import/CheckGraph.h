// The part of checking a model that goes through its graphs.
#pragma once

#include "compiler/import/CheckModel.h"
#include "compiler/import/ModelError.h"
#include "compiler/import/SortNodes.h"

#include "llvm/ADT/StringSet.h"

namespace nncc {

/// Checks one graph or function body and everything nested in it.
class GraphChecker {
public:
  GraphChecker(const ModelFile &file, const Functions &functions, Problems &problems)
      : file(file), functions(functions), problems(problems) {}

  void checkMainGraph(onnx::GraphProto &graph, const Opsets &opsets);
  void checkFunction(onnx::FunctionProto &function);

private:
  /// Names visible in a graph: its own and those of the graphs around it.
  struct Scope {
    const Scope *outer;
    const Opsets &opsets;
    bool inFunction;
    llvm::StringSet<> names;

    bool sees(llvm::StringRef name) const {
      return names.contains(name) || (outer && outer->sees(name));
    }
  };

  void checkGraph(onnx::GraphProto &graph, const Scope &outer, const std::string &where);
  void addInitializers(const onnx::GraphProto &graph, Scope &scope, const std::string &where);
  void checkNodes(NodeList &nodes, Scope &scope, const std::string &where);
  void checkOutputs(const onnx::GraphProto &graph, const Scope &scope, const std::string &where);
  void checkNode(onnx::NodeProto &node, const Scope &scope, const std::string &where);
  void checkOperator(const onnx::NodeProto &node, const Scope &scope, const std::string &where);
  void checkCall(const onnx::NodeProto &node, const onnx::FunctionProto &function,
                 const std::string &where);
  void checkAttribute(onnx::AttributeProto &attribute, const Scope &scope,
                      const std::string &where);
  void checkType(const onnx::TypeProto &type, const std::string &where);

  const ModelFile &file;
  const Functions &functions;
  Problems &problems;
};

} // namespace nncc
