// MLIR's diagnostics and remarks as a user of nncc reads them: the ONNX node, then what is wrong.
#pragma once

#include "compiler/Options.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

#include <mutex>

namespace nncc {

/// Collects errors while it lives; prints warnings and, where options.remarks asks for them,
/// remarks, those of passes that run at the same time in the order of what they run on.
class Diagnostics {
public:
  Diagnostics(mlir::MLIRContext &context, const CompileOptions &options);

  /// The errors so far, one per line; `otherwise` where there is none.
  std::string text(const llvm::Twine &otherwise);

private:
  void take(mlir::Diagnostic &diagnostic);

  bool printsRemarks;
  std::mutex mutex;
  std::vector<std::string> errors;
  mlir::ScopedDiagnosticHandler handler;
};

/// "node 'x'", from the names in a location; "" where it has none.
std::string nodeName(mlir::Location loc);

} // namespace nncc
