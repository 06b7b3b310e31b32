// A kernel of a loaded module.
#ifndef NNCC_TEST_GPU_EMULATOR_KERNEL_H
#define NNCC_TEST_GPU_EMULATOR_KERNEL_H

#include "Site.h"
#include <string>
#include <vector>

namespace emulator {

/// A shared variable of a kernel at its place in the arena.
struct SharedVariable {
  std::string name;
  uint64_t begin, end;
};

struct Kernel {
  std::string name;
  void (*entry)(void **parameters) = nullptr; // runs the thread that is current
  std::vector<uint32_t> parameterSizes;
  std::vector<SharedVariable> shared;
  uint64_t dynamicShared = 0; // where the memory of a launch begins; 0: it uses none
  uint32_t staticBytes = 0;
  bool synchronizes = false; // without, its threads run one after the other
  uint32_t maxThreads = 1024;
  std::vector<const Site *> sites; // of synchronisation: see Mutation.h
  std::string content; // a hash of its code: the same for the same code, whatever the names
};

} // namespace emulator

#endif
