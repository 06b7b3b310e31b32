// Tensor data as attributes.
#pragma once

#include "compiler/import/ModelFile.h"

#include "mlir/IR/BuiltinAttributes.h"

namespace nncc {

/// The data of a tensor of `file`. Errors: as ModelFile::read; an element type that nn does not
/// have (unsupported).
llvm::Expected<mlir::ElementsAttr>
readElements(const ModelFile &file, const onnx::TensorProto &tensor, mlir::MLIRContext *context);
llvm::Expected<mlir::ElementsAttr> readElements(const ModelFile &file,
                                                const onnx::SparseTensorProto &tensor,
                                                mlir::MLIRContext *context);

} // namespace nncc
