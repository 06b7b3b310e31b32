// The machine's peak: fused multiply-adds and bytes read per second, with 1..N threads.
//   c++ -O3 -march=native -pthread fma_peak.cpp -o fma_peak && ./fma_peak [threads] [seconds]
// Prints one line of key=value: threads, isa, GFLOP/s of f32 FMA, GOP/s of 8-bit dot products
// where the machine has them, GB/s read from memory.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

using Clock = std::chrono::steady_clock;

static double seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

// 12 independent chains cover latency 4 x 2 units. The registers are fixed, so that the compiler
// cannot spill an accumulator around the block.
#if defined(__AVX512F__)
#define ISA "avx512"
#define REG(n) "%%zmm" #n
#define CLOBBER(n) "zmm" #n
constexpr int kLanes = 16;
#elif defined(__FMA__)
#define ISA "avx2"
#define REG(n) "%%ymm" #n
#define CLOBBER(n) "ymm" #n
constexpr int kLanes = 8;
#elif defined(__aarch64__)
#define ISA "neon"
#define REG(n) "v" #n
#define CLOBBER(n) "v" #n
constexpr int kLanes = 4;
#else
#error "the peak of this processor is not known: x86-64 with FMA or aarch64 is needed"
#endif

#define CHAINS(F) F(0) F(1) F(2) F(3) F(4) F(5) F(6) F(7) F(8) F(9) F(10) F(11)
#define CLOBBERS                                                                                   \
  CLOBBER(0), CLOBBER(1), CLOBBER(2), CLOBBER(3), CLOBBER(4), CLOBBER(5), CLOBBER(6), CLOBBER(7),  \
      CLOBBER(8), CLOBBER(9), CLOBBER(10), CLOBBER(11), CLOBBER(12), CLOBBER(13), "cc", "memory"
constexpr long kIterations = 200000;
constexpr int kInstructions = 24; // of one iteration

#if defined(__aarch64__)
#define FMA(n) "fmla v" #n ".4s, v12.4s, v13.4s\n\t"
static void multiplyAdd() {
  long n = kIterations;
  asm volatile("1:\n\t" CHAINS(FMA) CHAINS(FMA) "subs %0, %0, #1\n\tb.ne 1b\n\t"
               : "+r"(n)
               :
               : CLOBBERS);
}
#else
#define FMA(n) "vfmadd231ps " REG(13) ", " REG(12) ", " REG(n) "\n\t"
// clang-format off
#define LOOP(INSTRUCTION)                                                                          \
  long n = kIterations;                                                                            \
  const float one = 1.f;                                                                           \
  asm volatile("vbroadcastss %1, " REG(12) "\n\t"                                                  \
               "vbroadcastss %1, " REG(13) "\n\t"                                                  \
               "1:\n\t" CHAINS(INSTRUCTION) CHAINS(INSTRUCTION) "dec %0\n\tjnz 1b\n\t"            \
               : "+r"(n) : "m"(one) : CLOBBERS)
// clang-format on
static void multiplyAdd() { LOOP(FMA); }
#endif

#if defined(__AVX512VNNI__)
#define DOT(n) "vpdpbusd " REG(13) ", " REG(12) ", " REG(n) "\n\t"
static void dotProduct() { LOOP(DOT); }
#endif

/// Best rate of short bursts, in 1e9 operations per second.
template <class Block> static double bestRate(Block block, double operations, double budget) {
  double best = 0;
  for (auto begin = Clock::now(); seconds(begin) < budget;) {
    auto t = Clock::now();
    block();
    double rate = operations / seconds(t) / 1e9;
    if (rate > best)
      best = rate;
  }
  return best;
}

/// The sum over threads that run at the same time.
template <class Measure> static double together(int threads, Measure measure) {
  std::atomic<int> ready{0};
  std::vector<double> rates(threads);
  std::vector<std::thread> team;
  for (int i = 0; i < threads; ++i)
    team.emplace_back([&, i] {
      ++ready;
      while (ready < threads) {
      }
      rates[i] = measure();
    });
  double sum = 0;
  for (int i = 0; i < threads; ++i) {
    team[i].join();
    sum += rates[i];
  }
  return sum;
}

static double readRate(double budget) {
  using Vector = unsigned long long __attribute__((vector_size(64)));
  constexpr size_t kVectors = 2u << 20; // 128 MiB: more than any cache
  std::vector<unsigned long long> memory(kVectors * 8 + 8, 1);
  auto address = (reinterpret_cast<uintptr_t>(memory.data()) + 63) / 64 * 64;
  auto *data = reinterpret_cast<const Vector *>(address);
  [[maybe_unused]] volatile unsigned long long sink;
  return bestRate(
      [&] {
        Vector a = {}, b = {}, c = {}, d = {};
        for (size_t i = 0; i < kVectors; i += 4) {
          a += data[i];
          b += data[i + 1];
          c += data[i + 2];
          d += data[i + 3];
        }
        a += b + c + d;
        sink = a[0] + a[1] + a[2] + a[3] + a[4] + a[5] + a[6] + a[7];
      },
      kVectors * 64.0, budget);
}

int main(int argc, char **argv) {
  int threads = argc > 1 ? atoi(argv[1]) : 1;
  double budget = argc > 2 ? atof(argv[2]) : 1.0;
  if (threads < 1 || budget <= 0) {
    fprintf(stderr, "usage: fma_peak [threads] [seconds]\n");
    return 1;
  }
  constexpr double kSteps = double(kIterations) * kInstructions;
  printf("threads=%d isa=%s fma_gflops=%.1f", threads, ISA,
         together(threads, [&] { return bestRate(multiplyAdd, kSteps * kLanes * 2, budget); }));
#if defined(__AVX512VNNI__)
  printf(" dot8_gops=%.1f",
         together(threads, [&] { return bestRate(dotProduct, kSteps * kLanes * 8, budget); }));
#endif
  printf(" read_gbs=%.1f\n", together(threads, [&] { return readRate(budget); }));
}
