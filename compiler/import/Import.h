// ONNX models as modules of the nn dialect.
#pragma once

#include "compiler/import/ModelError.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <map>
#include <vector>

namespace nncc {

/// What the user says about the model.
struct ImportOptions {
  std::map<std::string, int64_t> dims;                ///< by the name of the dimension
  std::map<std::string, std::vector<int64_t>> shapes; ///< by the name of the input; -1 stays open
  /// Every float tensor that a node of the main graph computes becomes a result too, after the
  /// model's own, in the order of the nodes.
  bool allValuesAreOutputs = false;
};

/// Imports the model at `path` into a module with one function:
///
///   module attributes {nn.metadata = {author = "..."}} {
///     func.func @main(%arg0: tensor<1x3xf32> {nn.name = "x", nn.dims = ["batch", ""]})
///         -> (tensor<1x4xf32> {nn.name = "y"})
///
/// `nn.name` is the ONNX name of an argument or result, `nn.dims` the names of an argument's dims
/// (empty where it has none), `nn.metadata` the model's metadata_props. Every op's location is a
/// NameLoc: the ONNX node's name, or operator and position ("Conv_12") where it has none; inside a
/// function body "caller/node". Tensors of at most 1 KiB and integer tensors of at most 1024
/// elements are dense attributes; the others are dense resources that refer to the mapped file, or
/// to a copy where the file does not align them to their element type.
///
/// Fails with a ModelError that holds every problem found: I/O, invalid model, unsupported
/// operators, dims without a size (unsupported). Nothing is printed.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importModel(mlir::MLIRContext &context, llvm::StringRef path, const ImportOptions &options);

/// Everything in a valid model that nncc does not support, without compiling it; empty when all is.
/// Fails as importModel where the model is invalid or cannot be read.
llvm::Expected<std::vector<Problem>>
listUnsupported(mlir::MLIRContext &context, llvm::StringRef path, const ImportOptions &options);

} // namespace nncc
