// Functions of libm that GPUs have no instructions for.
#pragma once

#include "llvm/IR/Module.h"
#include "llvm/Support/Error.h"

namespace nncc::nvptx {

/// Calls of libm and LLVM's intrinsics that stand for them (f64: f32 is expanded before) -> the
/// functions of NVIDIA's libdevice, which the toolkit has; what is used of it becomes part of the
/// module: whether anything was. Reports a function that it does not have, and a toolkit that is
/// missing.
llvm::Expected<bool> linkLibdevice(llvm::Module &module);

} // namespace nncc::nvptx
