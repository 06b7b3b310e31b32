// The cells of the shadow, for the files that work on them.
#ifndef NNCC_TEST_GPU_EMULATOR_SHADOW_CELLS_H
#define NNCC_TEST_GPU_EMULATOR_SHADOW_CELLS_H

#include "Machine.h"
#include "Shadow.h"

namespace emulator {

enum Flags : uint8_t {
  Split = 1,     // see the cells of its bytes
  WasAtomic = 2, // the last write
  Many = 4,      // the readers are warps, not lanes of readWarp
  Elsewhere = 8, // other blocks of the launch have read it, too
  Flight = 16    // a copy has not landed
};

struct Cell {
  uint32_t writeStamp, readStamp;
  uint32_t readers; // a mask; with readStamp
  uint16_t writer;  // a thread
  uint8_t readWarp, flags;
};
static_assert(sizeof(Cell) == 16, "the shadow of four bytes");

struct Region {
  uint64_t base = 0;
  Cell *words = nullptr, *bytes = nullptr;
};

/// An access that is being checked.
struct Context {
  Machine &m;
  const Thread &thread;
  const Site *site;
  uint64_t address, size;
  Access access;
  bool shared;
  uint32_t start; // of the time in which others could have touched the same memory
};

/// "reads", "writes", ...
const char *verb(Access access);
/// Checks an access to what a cell, which is not split, stands for, and enters it there.
void touch(const Context &c, Cell &cell);

} // namespace emulator

#endif
