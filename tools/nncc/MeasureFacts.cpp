#include "tools/nncc/Calibrate.h"
#include "tools/nncc/CommandLine.h"

#include <chrono>
#include <cmath>
#include <cstring>
#include <memory>
#include <unistd.h>

using namespace llvm;

namespace nncc::tool {

#if defined(__x86_64__)

// Loops in fixed registers: the compiler can neither spill nor remove what they do. `times` rounds
// of 24 operations each; `data` is aligned to 64 bytes.
#define NNCC_REGISTERS                                                                             \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",         \
      "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc", "memory"
#define NNCC_LOOP(name, body)                                                                      \
  static void name(int64_t times, const float *data) {                                             \
    asm volatile("vzeroall\n\t"                                                                    \
                 "1:\n\t" body "dec %0\n\tjnz 1b\n\tvzeroupper"                                    \
                 : "+r"(times), "+r"(data)                                                         \
                 :                                                                                 \
                 : NNCC_REGISTERS);                                                                \
  }
#define NNCC_TWELVE_TWICE(instruction)                                                             \
  ".rept 2\n\t.irp i,0,1,2,3,4,5,6,7,8,9,10,11\n\t" instruction "\n\t.endr\n\t.endr\n\t"

/// Each multiplication of integers waits three cycles for the one before, on all processors.
static void waitForIntegers(int64_t times, const float *) {
  int64_t x = 3;
  asm volatile("1:\n\t.rept 24\n\timul %1, %1\n\t.endr\n\tdec %0\n\tjnz 1b"
               : "+r"(times), "+r"(x)
               :
               : "cc");
}
static constexpr double integerLatency = 3;

NNCC_LOOP(addWide, NNCC_TWELVE_TWICE("vfmadd231ps %%zmm12, %%zmm12, %%zmm\\i"))
NNCC_LOOP(addNarrow, NNCC_TWELVE_TWICE("vfmadd231ps %%ymm12, %%ymm12, %%ymm\\i"))
NNCC_LOOP(waitWide, ".rept 24\n\tvfmadd231ps %%zmm12, %%zmm12, %%zmm0\n\t.endr\n\t")
NNCC_LOOP(waitNarrow, ".rept 24\n\tvfmadd231ps %%ymm12, %%ymm12, %%ymm0\n\t.endr\n\t")
NNCC_LOOP(loadWide, NNCC_TWELVE_TWICE("vmovaps 64*\\i(%1), %%zmm\\i"))
NNCC_LOOP(loadNarrow, NNCC_TWELVE_TWICE("vmovaps 32*\\i(%1), %%ymm\\i"))
// One after the other: 24 * 64 bytes a round.
NNCC_LOOP(streamWide, ".irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t"
                      "vmovaps 64*\\i(%1), %%zmm0\n\t.endr\n\tadd $1536, %1\n\t")
NNCC_LOOP(streamNarrow, ".irp i,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23\n\t"
                        "vmovaps 64*\\i(%1), %%ymm0\n\tvmovaps 64*\\i+32(%1), %%ymm1\n\t.endr\n\t"
                        "add $1536, %1\n\t")

using Loop = void (*)(int64_t times, const float *data);
static constexpr int operations = 24, streamed = operations * 64;

/// Nanoseconds of a round, at best: what disturbs it only adds to them.
static double nsOfRound(Loop loop, int64_t times, const float *data) {
  using Clock = std::chrono::steady_clock;
  double best = INFINITY;
  for (int repeat = 0; repeat < 60; ++repeat) {
    auto start = Clock::now();
    loop(times, data);
    best = std::min(best, std::chrono::duration<double, std::nano>(Clock::now() - start).count());
  }
  return best / times;
}

Expected<cpu::MachineFacts> measureFacts() {
  if (!__builtin_cpu_supports("fma"))
    return unsupportedError("calibrate measures processors with FMA, which this one has not");
  Expected<cpu::Machine> machine = cpu::Machine::parse("host");
  if (!machine)
    return machine.takeError();
  cpu::MachineFacts facts = cpu::MachineFacts::of(*machine);
  bool wide = facts.unit.registerBytes == 64;
  if (long size = sysconf(_SC_LEVEL1_DCACHE_SIZE); size > 0)
    facts.l1Bytes = size;
  if (long size = sysconf(_SC_LEVEL2_CACHE_SIZE); size > 0)
    facts.l2Bytes = size;

  constexpr int64_t times = 20000;
  int64_t rounds = static_cast<int64_t>(facts.l2Bytes / 2) / streamed;
  std::unique_ptr<void, decltype(&free)> memory(std::aligned_alloc(64, (rounds + 1) * streamed),
                                                &free);
  if (!memory)
    return createStringError("no memory for %lld bytes",
                             static_cast<long long>((rounds + 1) * streamed));
  std::memset(memory.get(), 0, (rounds + 1) * streamed);
  const float *data = static_cast<const float *>(memory.get());
  double cycle = nsOfRound(waitForIntegers, times, data) / (operations * integerLatency);
  auto perCycle = [&](double amount, Loop loop, int64_t times) {
    return amount * cycle / nsOfRound(loop, times, data);
  };
  // The clock may be slower under wide vectors than under integers; what is begun is counted in
  // ports, and in halves of them where a vector takes two turns.
  auto inHalves = [](double value) { return std::max(0.5, std::round(2 * value) / 2); };
  facts.fmas = inHalves(perCycle(operations, wide ? addWide : addNarrow, times));
  facts.loads = inHalves(perCycle(operations, wide ? loadWide : loadNarrow, times));
  facts.fmaLatency = inHalves(1 / perCycle(operations, wide ? waitWide : waitNarrow, times));
  facts.l2Rate = perCycle(streamed, wide ? streamWide : streamNarrow, rounds);
  return facts;
}

#else

Expected<cpu::MachineFacts> measureFacts() {
  return unsupportedError("calibrate measures x86-64 processors only");
}

#endif

} // namespace nncc::tool
