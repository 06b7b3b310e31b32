// Whether a file holds a valid ONNX model.
#pragma once

#include "compiler/import/ModelFile.h"
#include "compiler/import/Opsets.h"

#include <map>
#include <tuple>

namespace nncc {

/// A model's own functions, by (domain, name, overload).
class Functions {
public:
  explicit Functions(const onnx::ModelProto &model);

  /// The function that `node` calls, or null.
  const onnx::FunctionProto *find(const onnx::NodeProto &node) const;

private:
  std::map<std::tuple<std::string, std::string, std::string>, const onnx::FunctionProto *> table;
};

/// The opset imports of a model; models older than opset imports count as opset 1.
llvm::Expected<Opsets> readOpsets(const onnx::ModelProto &model);

/// Finds what makes a model invalid whatever implements it: versions, names, order of nodes,
/// operators and attributes against ONNX's schemas, sizes and locations of tensor data. All
/// problems are reported in one ModelError (class Invalid; IO for missing external data;
/// Unsupported for versions that are too new). Operators of domains that ONNX does not define pass.
///
/// Normalises on the way, so that importing need not: nodes are put in topological order,
/// attributes of very old files get the type that their value has.
llvm::Error checkModel(ModelFile &file);

} // namespace nncc
