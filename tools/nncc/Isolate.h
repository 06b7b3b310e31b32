// Crashes that do not end the tool: LLVM, a user's plug-in and a model's code may end their
// process.
#pragma once

#include "llvm/ADT/STLFunctionalExtras.h"

namespace nncc::tool {

/// Runs `command` in a process of its own and returns its exit code. Where it crashed, says so and
/// returns the code of an internal error; where it was interrupted, so is this process.
int isolated(llvm::function_ref<int()> command);

/// The same without a word: the exit code, or a signal as a negative number.
int isolatedQuietly(llvm::function_ref<int()> command);

} // namespace nncc::tool
