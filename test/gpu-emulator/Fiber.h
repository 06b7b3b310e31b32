// Stacks that code runs on, one for each thread of a block, and the switch between them.
#ifndef NNCC_TEST_GPU_EMULATOR_FIBER_H
#define NNCC_TEST_GPU_EMULATOR_FIBER_H

#include <cstddef>
#include <cstdint>

namespace emulator {

/// Stacks of one size with a page between them that nobody can touch.
class FiberStacks {
public:
  static constexpr size_t stackSize = 256 << 10;

  /// Makes room for `count` fibers; false where there is no memory.
  bool reserve(unsigned count);
  /// The stack pointer of a fiber that begins with `entry`, which never returns.
  void *prepare(unsigned index, void (*entry)());
  bool contains(uint64_t address) const { return address - base < size; }

private:
  uint64_t base = 0, size = 0;
};

/// Keeps the caller's stack pointer in `from` and goes on where `to` was kept.
extern "C" void emulatorSwitchStack(void **from, void *to);

} // namespace emulator

#endif
