// Floats where a processor has no instruction for them.
#pragma once

#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"

namespace nncc {

/// Writes out what the processor has no instruction for, and LLVM would call functions of
/// compiler-rt or libm for: conversions to and from the 16-bit formats, rounded to nearest even as
/// the instructions do, and multiply-adds of float32, in float64: their last bit may differ from
/// the instruction's where the sum is within 2^-29 of the middle of two numbers.
void expandFloatInstructions(llvm::Module &module, const llvm::TargetMachine &machine);

} // namespace nncc
