// An instruction of a kernel that the generated code tells the emulator of.
#ifndef NNCC_TEST_GPU_EMULATOR_SITE_H
#define NNCC_TEST_GPU_EMULATOR_SITE_H

#include <cstdint>
#include <string>

namespace emulator {

struct IntrinsicInfo;

struct Site {
  std::string function;
  std::string text;     // of the instruction
  std::string location; // file:line, where there is debug information
  // Of an access:
  uint32_t size = 0; // 0: an operand of the call
  uint32_t align = 1;
  uint64_t low = 0, high = 0; // the addresses of the only variable that it may touch, where known
  // Of an intrinsic:
  const IntrinsicInfo *info = nullptr;
  unsigned numResults = 0;
  int number = -1; // among the synchronisation sites of the function
  // Of a synchronisation, see Mutation.h:
  mutable bool reached = false, removed = false;
};

} // namespace emulator

#endif
