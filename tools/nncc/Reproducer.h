// What a report of a crash needs.
#pragma once

#include "compiler/Options.h"

namespace nncc::tool {

/// After a crash of a compilation: writes the IR at the beginning of the stage that crashed to
/// `path`, its large constants beside it; its first line is the command that crashes again. Says
/// where it is, or why there is none.
void writeReproducer(const CompileOptions &options, const std::string &path);

} // namespace nncc::tool
