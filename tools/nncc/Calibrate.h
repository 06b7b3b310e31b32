// What this machine does in a cycle.
#pragma once

#include "targets/cpu/MachineFacts.h"

namespace nncc::tool {

/// Measures one core for about a second. An error where it is not known how to.
llvm::Expected<cpu::MachineFacts> measureFacts();

} // namespace nncc::tool
