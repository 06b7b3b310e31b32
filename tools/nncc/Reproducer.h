// What a report of a crash needs.
#pragma once

#include "compiler/Options.h"

namespace nncc::tool {

/// After a crash of a compilation: writes the IR at the beginning of the stage that crashed to
/// `<output>.crash.mlir`, its large constants beside it; its first line is the command that crashes
/// again. Says where it is, or why there is none.
void writeReproducer(const CompileOptions &options);

} // namespace nncc::tool
