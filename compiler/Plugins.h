// A user's passes: plug-ins and pattern files.
#pragma once

#include "mlir/Pass/PassManager.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace nncc {

/// Loads MLIR pass plug-ins and registers their passes. Refuses one that was built for another
/// version.
llvm::Error loadPlugins(const std::vector<std::string> &files);

/// Adds the rewrites of a pattern file (.pdll, or PDL as .mlir).
llvm::Error addPatternFile(mlir::OpPassManager &pm, llvm::StringRef file);

} // namespace nncc
