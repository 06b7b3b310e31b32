// Operators that ONNX does not define but exporters write.
#pragma once

#include "llvm/ADT/StringRef.h"

#include "onnx/defs/schema.h"

namespace nncc {

/// The schema of an operator of another domain than ONNX's ("com.microsoft"); null where we know
/// none.
const onnx::OpSchema *contribSchema(llvm::StringRef domain, llvm::StringRef op);

} // namespace nncc
