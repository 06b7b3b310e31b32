#include "Machine.h"
#include "Intrinsics.h"
#include "Kernel.h"
#include "Memory.h"
#include "Shadow.h"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>

namespace emulator {

Machine theMachine;

const char *Machine::kernelName() const { return kernel ? kernel->name.c_str() : "?"; }

void Machine::suspend() {
  current->state = State::Waiting;
  emulatorSwitchStack(&current->stack, scheduler);
}

void Machine::abandon(Result why) {
  result = why;
  void *ignored;
  emulatorSwitchStack(&ignored, scheduler);
  __builtin_unreachable();
}

void Machine::resume(Thread &thread) {
  current = &thread;
  emulatorSwitchStack(&scheduler, thread.stack);
}

/// Where a fiber begins: the kernel as one thread, or, where threads never wait, as all of them.
void fiberEntry() {
  Machine &m = machine();
  if (m.kernel->synchronizes) {
    m.kernel->entry(m.parameters);
    m.current->state = State::Done;
  } else {
    for (uint32_t i : m.order) {
      m.current = &m.threads[i];
      m.kernel->entry(m.parameters);
    }
  }
  void *ignored;
  emulatorSwitchStack(&ignored, m.scheduler);
  __builtin_unreachable();
}

void Machine::setUp(const uint32_t block[3]) {
  uint32_t count = block[0] * block[1] * block[2];
  threads.resize(count);
  // What blocks of other shapes have left there is below the floor.
  if (seen.size() < size_t(count) * count)
    seen.resize(size_t(count) * count);
  order.resize(count);
  for (uint32_t i = 0; i < count; ++i) {
    Thread &t = threads[i];
    t.number = i;
    t.tid[0] = i % block[0];
    t.tid[1] = i / block[0] % block[1];
    t.tid[2] = i / block[0] / block[1];
    t.lane = i % warpSize;
    t.warp = i / warpSize;
    order[i] = schedule == Schedule::Reverse ? count - 1 - i : i;
  }
}

void Machine::beginBlock() {
  floor = blockStart = ++time;
  partial = false;
  std::fill(std::begin(barriers), std::end(barriers), Barrier());
  mbarriers.clear();
  for (Thread &t : threads) {
    t.state = State::Ready;
    t.stamp = time;
    t.copies.clear();
    t.groups = t.landed = 0;
    if (kernel->synchronizes)
      t.stack = stacks.prepare(t.number, fiberEntry);
  }
  if (schedule == Schedule::Random)
    std::shuffle(order.begin(), order.end(), random);
}

/// Rounds over all threads, each of which runs until it waits or is done.
void Machine::runFibers() {
  for (size_t done = 0; done != threads.size();) {
    bool ran = false;
    for (uint32_t i : order) {
      Thread &thread = threads[i];
      if (thread.state != State::Ready)
        continue;
      ran = true;
      resume(thread);
      if (result != Success)
        return;
      done += thread.state == State::Done;
    }
    if (!ran && done != threads.size()) {
      result = reportStuck();
      return;
    }
    if (schedule == Schedule::Random)
      std::shuffle(order.begin(), order.end(), random);
  }
}

void Machine::runBlock() {
  beginBlock();
  if (kernel->synchronizes)
    return runFibers();
  threads[0].stack = stacks.prepare(0, fiberEntry);
  resume(threads[0]);
}

static std::string listThreads(const std::vector<const Thread *> &list) {
  std::string text;
  for (size_t i = 0; i < list.size(); ++i) {
    if (i == 4)
      return text + format(" and %zu more", list.size() - i);
    const uint32_t *tid = list[i]->tid;
    text += format("%s(%u, %u, %u)", i ? ", " : "", tid[0], tid[1], tid[2]);
  }
  return text;
}

Result Machine::reportStuck() {
  std::vector<const Thread *> exited;
  std::map<std::pair<const Site *, uint32_t>, std::vector<const Thread *>> waiting;
  for (const Thread &t : threads)
    if (t.state == State::Done)
      exited.push_back(&t);
    else
      waiting[{t.site, t.mask}].push_back(&t);
  std::string text = format("divergence in kernel %s\n  block (%u, %u, %u) goes no further",
                            kernelName(), position.ctaid[0], position.ctaid[1], position.ctaid[2]);
  for (auto &[where, list] : waiting) {
    text += format("\n  %zu threads wait at ", list.size()) + where.first->text;
    if (where.second)
      text += format("\n    for lanes 0x%08x", where.second);
    text += ":\n    " + listThreads(list);
    if (!where.first->location.empty())
      text += "\n    from " + where.first->location;
  }
  if (!exited.empty())
    text += format("\n  %zu threads have exited: ", exited.size()) + listThreads(exited);
  complain(LaunchFailed, text);
  return LaunchFailed;
}

Result Machine::run(const Kernel &theKernel, const uint32_t grid[3], const uint32_t block[3],
                    uint32_t dynamicShared, void **theParameters) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
  uint64_t before = accesses;
  kernel = &theKernel;
  parameters = theParameters;
  result = Success;
  if (!stacks.reserve(kernel->synchronizes ? block[0] * block[1] * block[2] : 1))
    return OutOfMemory;
  setUp(block);
  if (time > UINT32_MAX / 2) { // as good as new
    forgetShadows();
    std::fill(seen.begin(), seen.end(), 0);
    time = 0;
  }
  launchStart = ++time;
  random.seed(seed);
  beginSharedMemory(theKernel, dynamicShared);
  std::copy(block, block + 3, position.ntid);
  std::copy(grid, grid + 3, position.nctaid);
  uint32_t *at = position.ctaid;
  for (at[2] = 0; at[2] < grid[2]; ++at[2])
    for (at[1] = 0; at[1] < grid[1]; ++at[1])
      for (at[0] = 0; at[0] < grid[0]; ++at[0]) {
        runBlock();
        if (result != Success)
          return result;
      }
  if (options().statistics)
    fprintf(stderr, "emulator: %s: %llu accesses in %.3f ms\n", kernelName(),
            static_cast<unsigned long long>(accesses - before),
            std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  return Success;
}

} // namespace emulator
