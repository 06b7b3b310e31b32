// A user's passes: plug-ins and pattern files.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace nncc {

/// Loads MLIR pass plug-ins and registers their passes. Refuses one that was built for another
/// version.
llvm::Error loadPlugins(const std::vector<std::string> &files);

/// Applies the rewrites of a pattern file (.pdll, or PDL as .mlir). Reports what is wrong with the
/// file, and rewrites that leave invalid IR.
llvm::LogicalResult applyPatternFile(mlir::ModuleOp module, llvm::StringRef file);

} // namespace nncc
