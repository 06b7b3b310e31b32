// Barriers that are objects in shared memory. What the object looks like is up to the hardware:
// here its state is kept beside the memory, and the memory itself only watched.
//
// A wait blocks until the phase is complete, a test as well: kernels test in a loop. Asynchronous
// copies that arrive at an object land when somebody waits there, which is as late as can be.
#include "Intrinsics.h"
#include "Machine.h"
#include "Memory.h"
#include "Shadow.h"
#include <algorithm>
#include <utility>

namespace emulator {

namespace {
enum Waiting { ByState, ByParity };
} // namespace

static Mbarrier &find(const Site *site, uint64_t address) {
  Machine &m = machine();
  if (isShared(address))
    accessShared(site, address, 8, AtomicRead); // in order with its initialization
  auto found = m.mbarriers.find(address);
  if (found == m.mbarriers.end())
    fail(IllegalAddress, site, "mbarrier",
         format("thread (%u, %u, %u): there is none at %s", m.current->tid[0], m.current->tid[1],
                m.current->tid[2], describeAddress(address).c_str())
             .c_str());
  return found->second;
}

/// What the thread has seen and done goes to those who wait for this phase.
static void arriveAs(const Site *site, Mbarrier &object, Thread &thread, uint32_t count) {
  Machine &m = machine();
  if (count > object.pending)
    fail(LaunchFailed, site, "mbarrier",
         format("%u arrivals, of which %u are left in this phase", count, object.pending).c_str());
  leaveBehind(object.released, thread);
  object.pending -= count;
  if (object.pending)
    return;
  ++object.phase;
  object.pending = object.expected;
  object.visible = object.released;
  for (uint32_t number : object.waiting)
    m.threads[number].state = State::Ready;
  object.waiting.clear();
}

/// Copies of all threads that were to arrive here.
static void landCopies(const Site *site, Mbarrier &object) {
  Machine &m = machine();
  Thread *executing = m.current;
  for (auto [number, copies] : std::exchange(object.arriving, {})) {
    m.current = &m.threads[number];
    landFirst(copies - std::min(copies, m.current->landed));
    arriveAs(site, object, *m.current, 1);
  }
  m.current = executing;
}

static void init(const Site *site, const Word *args, Word *) {
  Machine &m = machine();
  if (isShared(args[0]))
    accessShared(site, args[0], 8, Write);
  Mbarrier object;
  object.expected = object.pending = args[1];
  m.mbarriers[args[0]] = object;
}

static void invalidate(const Site *site, const Word *args, Word *) {
  if (!find(site, args[0]).waiting.empty())
    fail(LaunchFailed, site, "mbarrier", "it is made invalid while threads wait for it");
  machine().mbarriers.erase(args[0]);
}

/// The param tells whether there is a count.
static void arrive(const Site *site, const Word *args, Word *results) {
  Mbarrier &object = find(site, args[0]);
  results[0] = object.phase;
  arriveAs(site, object, *machine().current, site->info->param ? uint32_t(args[1]) : 1);
}

static void wait(const Site *site, const Word *args, Word *results) {
  Machine &m = machine();
  Thread &thread = *m.current;
  Mbarrier &object = find(site, args[0]);
  uint32_t token = args[1];
  auto complete = [&] {
    return site->info->param == ByParity ? (object.phase & 1) != (token & 1) : object.phase > token;
  };
  while (!complete()) {
    landCopies(site, object);
    if (complete())
      break;
    thread.site = site;
    thread.mask = 0;
    object.waiting.push_back(thread.number);
    m.suspend();
  }
  takeOver(object.visible, thread);
  results[0] = 1;
}

/// Arrives when the copies that the thread has issued have landed; without "noinc" it is one more
/// that the phase waits for. The param tells of "noinc".
static void arriveAfterCopies(const Site *site, const Word *args, Word *) {
  Mbarrier &object = find(site, args[0]);
  Thread &thread = *machine().current;
  if (!site->info->param)
    ++object.pending;
  object.arriving.push_back({thread.number, thread.landed + uint32_t(thread.copies.size())});
  // Somebody may be waiting already, and only an arrival lets them go on.
  if (!object.waiting.empty())
    landCopies(site, object);
}

void addMbarriers(IntrinsicTable &table) {
  const std::string prefix = "llvm.nvvm.mbarrier.";
  auto add = [&](const std::string &name, Handler handler, unsigned flags, int param,
                 int capability) {
    table.push_back({name, handler, flags, param, nullptr, -1, capability});
  };
  for (const char *space : {"", ".shared"}) {
    add(prefix + "init" + space, init, 0, 0, 80);
    add(prefix + "inval" + space, invalidate, 0, 0, 80);
    add(prefix + "arrive" + space, arrive, Removable, 0, 80);
    add(prefix + "arrive.noComplete" + space, arrive, Removable, 1, 80);
    add(prefix + "test.wait" + space, wait, Waits | Removable, ByState, 80);
    for (int noinc : {0, 1})
      add(std::string("llvm.nvvm.cp.async.mbarrier.arrive") + (noinc ? ".noinc" : "") + space,
          arriveAfterCopies, Removable, noinc, 80);
  }
  const std::string scope = ".scope.cta.space.cta";
  add(prefix + "arrive" + scope, arrive, Removable, 1, 80);
  for (const char *kind : {"test.wait", "try.wait"})
    for (const char *limit : {"", ".tl"}) {
      add(prefix + kind + limit + scope, wait, Waits | Removable, ByState, 90);
      add(prefix + kind + ".parity" + limit + scope, wait, Waits | Removable, ByParity, 90);
    }
}

} // namespace emulator
