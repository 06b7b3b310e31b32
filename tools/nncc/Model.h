// Models that are run: compiled libraries, and ONNX files that are compiled first.
#pragma once

#include "compiler/Files.h"
#include "compiler/Options.h"
#include "tools/nncc/Value.h"

#include <optional>

namespace nncc::tool {

/// An error of the runtime's last call, with its exit code.
llvm::Error runtimeError(nncc_status status);

struct CloseModel {
  void operator()(nncc_model *model) const { nncc_model_close(model); }
};
struct DestroyInstance {
  void operator()(nncc_instance *instance) const { nncc_instance_destroy(instance); }
};
using ModelHandle = std::unique_ptr<nncc_model, CloseModel>;
using InstanceHandle = std::unique_ptr<nncc_instance, DestroyInstance>;

/// With what --level asks for.
llvm::Expected<ModelHandle> openLibrary(const std::string &path, uint32_t flags = 0);

/// The results of one run, in the model's order. `threads`: 0 is one per processor.
llvm::Expected<std::vector<Value>> runOnce(nncc_model *model, llvm::ArrayRef<Value> inputs,
                                           int threads);

/// A model to run. An ONNX file is compiled once its inputs are known: for their shapes.
class Model {
public:
  /// Errors: a file that is neither a compiled library nor an ONNX model.
  static llvm::Expected<Model> open(const std::string &path);

  llvm::ArrayRef<ValueInfo> inputs() const { return infos; }

  /// Compiles an ONNX file into a temporary folder for these inputs, in the order of inputs(), in a
  /// process of its own: a crash there leaves `<model>.crash.mlir` in the current folder.
  llvm::Error prepare(const CompileOptions &options, llvm::ArrayRef<Value> inputs);

  /// After prepare().
  nncc_model *get() const { return library.get(); }

private:
  std::string path;
  std::vector<ValueInfo> infos;
  std::optional<TemporaryFolder> folder; // outlives the library in it
  ModelHandle library;
};

/// Whether `path` ends like an ONNX file or a stage's IR: something to compile.
bool isSource(llvm::StringRef path);

} // namespace nncc::tool
