// Conversions to and from the 16-bit float formats.
#pragma once

#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace nncc {

/// Writes out conversions for which the processor has no instruction: LLVM would call functions of
/// compiler-rt, and a compiled library has none. Rounds to nearest even, as the instructions do.
void expandFloatConversions(llvm::Module &module, const llvm::TargetMachine &machine);

} // namespace nncc
