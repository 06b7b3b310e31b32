// The parts of `nncc inspect`: what a library says as JSON, of which the text is a rendering.
#pragma once

#include "nncc/nncc.h"
#include "llvm/Support/JSON.h"

namespace nncc::tool {

using JsonObject = llvm::json::Object;
using JsonArray = llvm::json::Array;

/// A string of the library as a value of its own: the library is closed before it is printed.
inline std::string text(const char *string) { return llvm::json::fixUTF8(string ? string : ""); }

/// The levels of a library, from the best to the least; `taken` is the one that would run, and
/// `why_not` what this machine lacks for one.
JsonArray levelValues(const nncc_descriptor *descriptor);

/// The kernels of a device in their forms, the best first; none where the code is a processor's.
JsonArray imageValues(const nncc_descriptor *descriptor);

/// The kernels, with their calls. Of a device with what a block of each takes, and, where there is
/// a cubin, how many of them the multiprocessors of its capability run at the same time.
JsonArray kernelValues(const nncc_model *library);

/// `key: value`, lists line by line.
void printText(const JsonObject &object);

} // namespace nncc::tool
