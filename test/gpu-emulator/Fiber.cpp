#include "Fiber.h"
#include <sys/mman.h>
#include <unistd.h>

// What a call has to preserve is pushed on the old stack and popped from the new one.
#if defined(__x86_64__)
asm(R"(
.text
.globl emulatorSwitchStack
.hidden emulatorSwitchStack
.type emulatorSwitchStack, @function
emulatorSwitchStack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  retq
.size emulatorSwitchStack, . - emulatorSwitchStack
)");
static constexpr unsigned savedWords = 7, returnWord = 6;
#elif defined(__aarch64__)
asm(R"(
.text
.globl emulatorSwitchStack
.hidden emulatorSwitchStack
.type emulatorSwitchStack, %function
emulatorSwitchStack:
  sub sp, sp, #160
  stp x19, x20, [sp]
  stp x21, x22, [sp, #16]
  stp x23, x24, [sp, #32]
  stp x25, x26, [sp, #48]
  stp x27, x28, [sp, #64]
  stp x29, x30, [sp, #80]
  stp d8, d9, [sp, #96]
  stp d10, d11, [sp, #112]
  stp d12, d13, [sp, #128]
  stp d14, d15, [sp, #144]
  mov x2, sp
  str x2, [x0]
  mov sp, x1
  ldp x19, x20, [sp]
  ldp x21, x22, [sp, #16]
  ldp x23, x24, [sp, #32]
  ldp x25, x26, [sp, #48]
  ldp x27, x28, [sp, #64]
  ldp x29, x30, [sp, #80]
  ldp d8, d9, [sp, #96]
  ldp d10, d11, [sp, #112]
  ldp d12, d13, [sp, #128]
  ldp d14, d15, [sp, #144]
  add sp, sp, #160
  ret
.size emulatorSwitchStack, . - emulatorSwitchStack
)");
static constexpr unsigned savedWords = 20, returnWord = 11;
#else
#error "the emulator switches stacks on x86-64 and aarch64 alone"
#endif

namespace emulator {

bool FiberStacks::reserve(unsigned count) {
  if (size >= count * stackSize)
    return true;
  void *memory = mmap(nullptr, count * stackSize, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    return false;
  if (size)
    munmap(reinterpret_cast<void *>(base), size);
  base = reinterpret_cast<uint64_t>(memory);
  size = count * stackSize;
  for (uint64_t stack = base; stack != base + size; stack += stackSize)
    mprotect(reinterpret_cast<void *>(stack), getpagesize(), PROT_NONE);
  return true;
}

void *FiberStacks::prepare(unsigned index, void (*entry)()) {
  // As behind a call: 16 bytes that nothing returns to are left at the top.
  auto *top = reinterpret_cast<uint64_t *>(base + (index + 1) * stackSize) - 2;
#if defined(__x86_64__)
  uint64_t *stack = top - returnWord; // `ret` leaves the pointer at 8 above a multiple of 16
#else
  uint64_t *stack = top - savedWords;
#endif
  for (unsigned i = 0; i < savedWords; ++i)
    stack[i] = 0;
  stack[returnWord] = reinterpret_cast<uint64_t>(entry);
  return stack;
}

} // namespace emulator
