// The machine that kernels run on: one block at a time, each of its threads a fiber that runs until
// it has to wait for others.
#ifndef NNCC_TEST_GPU_EMULATOR_MACHINE_H
#define NNCC_TEST_GPU_EMULATOR_MACHINE_H

#include "Fiber.h"
#include "Options.h"
#include "Report.h"
#include "Site.h"
#include <random>
#include <unordered_map>
#include <vector>

namespace emulator {

constexpr unsigned warpSize = 32;
constexpr unsigned maxThreads = 1024; // of a block
constexpr unsigned numBarriers = 16;

/// A copy from global to shared memory that has not landed.
struct AsyncCopy {
  uint64_t to, from;
  uint32_t size, sourceSize; // what the source does not have is zero
  uint32_t group;
  const Site *site;
};

enum class State : uint8_t { Ready, Waiting, Done };

/// One thread of the block. Generated code reads the first members.
struct Thread {
  uint32_t tid[3];
  uint32_t lane, warp;
  uint32_t number; // in the block
  uint32_t stamp;  // the time of its last synchronisation: see Shadow.h
  State state;
  // Where it waits, and the operands there.
  const Site *site;
  const uint64_t *args;
  uint64_t *results;
  uint32_t mask; // of the lanes that it waits for; 0: a barrier
  void *stack;
  std::vector<AsyncCopy> copies;
  uint32_t groups; // of copies that it has committed
  uint32_t landed; // copies
};

/// Special registers that all threads of a block share, as generated code reads them.
struct Position {
  uint32_t ntid[3], ctaid[3], nctaid[3];
};

class Journal;
struct Kernel;

/// A barrier of the block, and who has come to it.
struct Barrier {
  uint32_t expected = 0, arrived = 0;
  uint32_t votes = 0;             // of a reduction
  std::vector<uint32_t> waiting;  // threads
  std::vector<uint32_t> released; // what they had seen when they came, where not all come
};

/// A barrier that is an object in shared memory.
struct Mbarrier {
  uint32_t expected = 0, pending = 0; // arrivals of a phase, and those that are missing
  uint32_t phase = 0;                 // complete ones
  std::vector<uint32_t> waiting;      // threads
  std::vector<uint32_t> released,
      visible; // what arrivals had seen, in all phases and complete ones
  std::vector<std::pair<uint32_t, uint32_t>> arriving; // threads, with their number of copies
};

class Machine {
public:
  /// Runs all blocks; the parameters are those of cuLaunchKernel.
  Result run(const Kernel &kernel, const uint32_t grid[3], const uint32_t block[3],
             uint32_t dynamicShared, void **parameters);

  /// The name of the running kernel.
  const char *kernelName() const;
  /// Leaves the running fiber until somebody makes its thread ready.
  void suspend();
  /// Leaves the running fiber for good.
  [[noreturn]] void abandon(Result result);
  /// Notes what kernels are about to write; null: nobody wants to know.
  Journal *journal = nullptr;
  /// Which thread runs first.
  void setSchedule(Schedule theSchedule, uint64_t theSeed) {
    schedule = theSchedule;
    seed = theSeed;
  }
  bool onStack(uint64_t address) const { return stacks.contains(address); }

  Thread *current = nullptr;
  Position position = {};
  std::vector<Thread> threads;
  Barrier barriers[numBarriers];
  std::unordered_map<uint64_t, Mbarrier> mbarriers; // by address
  const Kernel *kernel = nullptr;

  // Time: see Shadow.h.
  uint32_t time = 0, launchStart = 0, blockStart = 0, floor = 0;
  bool partial = false;       // there were barriers that not all threads came to
  std::vector<uint32_t> seen; // threads * threads
  uint32_t &seenBy(uint32_t thread, uint32_t other) {
    return seen[size_t(thread) * threads.size() + other];
  }

  uint64_t accesses = 0;

private:
  friend void fiberEntry();
  void setUp(const uint32_t block[3]);
  void beginBlock();
  void runBlock();
  void runFibers();
  void resume(Thread &thread);
  Result reportStuck();

  FiberStacks stacks;
  void *scheduler = nullptr; // stack pointer while a fiber runs
  Schedule schedule = options().schedule;
  uint64_t seed = options().seed;
  std::vector<uint32_t> order;
  std::mt19937_64 random;
  void **parameters = nullptr;
  Result result = Success;
};

/// There is one.
extern Machine theMachine;
inline Machine &machine() { return theMachine; }

} // namespace emulator

#endif
