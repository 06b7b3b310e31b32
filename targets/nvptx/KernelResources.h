// What a kernel takes of a GPU: read from its code, and how many of its blocks a multiprocessor has
// room for.
#pragma once

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <optional>

namespace nncc::nvptx {

struct KernelResources {
  int64_t registers = 0;    // of a thread
  int64_t stackBytes = 0;   // of a thread: arrays, and registers that did not fit
  int64_t staticShared = 0; // bytes of a block that the kernel declares itself
};

/// Of all kernels in a cubin, by name. An error where it is none, or is broken.
llvm::Expected<llvm::StringMap<KernelResources>> readResources(llvm::StringRef cubin);

/// The blocks of `threads` threads that a multiprocessor of this capability runs at the same time.
struct Occupancy {
  int64_t blocks;
  int64_t threads; // of all of them
  int64_t most;    // threads that a multiprocessor can have
};

/// std::nullopt for a capability whose multiprocessors are not known. `dynamicShared` is what a
/// launch asks for besides.
std::optional<Occupancy> occupancy(int capability, const KernelResources &kernel, int64_t threads,
                                   int64_t dynamicShared);

} // namespace nncc::nvptx
