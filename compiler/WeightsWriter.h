// The weights of a planned program, streamed to a file.
#pragma once

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace nncc {

struct WeightsSummary {
  uint64_t size = 0; // bytes
  uint64_t hash = 0; // as nncc_descriptor.weights_hash
};

/// Whether two forms of one program place the same weights at the same offsets.
bool haveSameWeights(mlir::ModuleOp a, mlir::ModuleOp b);

/// Writes every constant and packing recipe of `module` that has an `rt.offset`, at that offset
/// from where `os` stands, and `rt.weights_size` bytes in all. Holds one tensor in memory at a
/// time.
llvm::Expected<WeightsSummary> writeWeights(mlir::ModuleOp module, llvm::raw_ostream &os);

/// The same as an ELF object file for `triple` with the weights in a read-only section, aligned to
/// a page, under the hidden symbol `symbol`. Nothing of their size is ever in memory.
llvm::Expected<WeightsSummary> writeWeightsObject(mlir::ModuleOp module, llvm::StringRef triple,
                                                  llvm::StringRef symbol,
                                                  llvm::raw_pwrite_stream &os);

} // namespace nncc
