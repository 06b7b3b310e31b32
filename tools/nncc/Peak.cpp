#include "tools/nncc/Peak.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

namespace nncc::tool {

#if defined(__x86_64__)

// Chains of FMA in fixed registers: the compiler can neither spill nor remove them. Twelve hide the
// latency of two pipes; each runs twice per round.
#define NNCC_FMA(vector, n) "vfmadd231ps %%" vector "13, %%" vector "12, %%" vector #n "\n\t"
#define NNCC_CHAINS(v)                                                                             \
  NNCC_FMA(v, 0)                                                                                   \
  NNCC_FMA(v, 1)                                                                                   \
  NNCC_FMA(v, 2)                                                                                   \
  NNCC_FMA(v, 3)                                                                                   \
  NNCC_FMA(v, 4)                                                                                   \
  NNCC_FMA(v, 5)                                                                                   \
  NNCC_FMA(v, 6)                                                                                   \
  NNCC_FMA(v, 7)                                                                                   \
  NNCC_FMA(v, 8)                                                                                   \
  NNCC_FMA(v, 9)                                                                                   \
  NNCC_FMA(v, 10)                                                                                  \
  NNCC_FMA(v, 11)
#define NNCC_BURST(v)                                                                              \
  "vbroadcastss %1, %%" v "12\n\tvbroadcastss %1, %%" v "13\n\t"                                   \
  "1:\n\t" NNCC_CHAINS(v) NNCC_CHAINS(v) "dec %0\n\tjnz 1b\n\t"
#define NNCC_CLOBBERED                                                                             \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",         \
      "xmm11", "xmm12", "xmm13", "cc"

static constexpr int fmasPerRound = 24;

static void burst512(long rounds) {
  const float one = 1;
  asm volatile(NNCC_BURST("zmm") "vzeroupper" : "+r"(rounds) : "m"(one) : NNCC_CLOBBERED);
}
static void burst256(long rounds) {
  const float one = 1;
  asm volatile(NNCC_BURST("ymm") "vzeroupper" : "+r"(rounds) : "m"(one) : NNCC_CLOBBERED);
}

/// The best rate of one thread within `seconds`.
static double measureThread(void (*burst)(long), int lanes, double seconds) {
  using Clock = std::chrono::steady_clock;
  constexpr long rounds = 50000;
  auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  double best = 0;
  for (auto start = Clock::now(); since(start) < seconds;) {
    auto begin = Clock::now();
    burst(rounds);
    best = std::max(best, rounds * double(fmasPerRound * lanes * 2) / since(begin) / 1e9);
  }
  return best;
}

double measurePeakGflops(int threads) {
  bool wide = __builtin_cpu_supports("avx512f");
  if (!wide && !__builtin_cpu_supports("fma"))
    return 0;
  std::vector<double> rates(threads);
  std::vector<std::thread> pool;
  for (double &rate : rates)
    pool.emplace_back(
        [&rate, wide] { rate = measureThread(wide ? burst512 : burst256, wide ? 16 : 8, 0.2); });
  double sum = 0;
  for (size_t i = 0; i < pool.size(); ++i) {
    pool[i].join();
    sum += rates[i];
  }
  return sum;
}

#else

double measurePeakGflops(int) { return 0; }

#endif

} // namespace nncc::tool
