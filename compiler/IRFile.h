// IR of a stage as a file: text `X.mlir`, its large constants in `X.mlir.weights`.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"

namespace nncc {

/// Writes the IR after `stage`. Large constants go to a file beside it, by name, so that the text
/// stays readable.
llvm::Error writeIR(mlir::ModuleOp module, llvm::StringRef stage, llvm::StringRef path);

/// Reads what writeIR wrote, perhaps edited: the module and its stage ("import" where it says
/// none). A constant that is missing in the file beside it is an error.
llvm::Expected<std::pair<mlir::OwningOpRef<mlir::ModuleOp>, std::string>>
readIR(mlir::MLIRContext &context, llvm::StringRef path);

} // namespace nncc
