// Barriers of a block, fences, and bar.warp.sync.
#include "Intrinsics.h"
#include "Machine.h"
#include "Shadow.h"
#include <algorithm>

namespace emulator {

namespace {
enum Reduction { None, Popc, And, Or };
/// The param of a barrier's row.
constexpr int withCount = 8, arriveOnly = 16;
} // namespace

static void complete(Barrier &barrier) {
  Machine &m = machine();
  bool all = barrier.waiting.size() == m.threads.size();
  if (all)
    synchronizeAll();
  else
    synchronizeSome(barrier.waiting, barrier.released);
  uint32_t votes = barrier.votes, came = barrier.waiting.size();
  for (uint32_t number : barrier.waiting) {
    Thread &t = m.threads[number];
    t.state = State::Ready;
    int reduction = t.site->info->param & 7;
    if (reduction != None)
      t.results[0] = reduction == Popc ? votes : reduction == And ? votes == came : votes != 0;
  }
  barrier.arrived = barrier.votes = 0;
  barrier.waiting.clear();
  barrier.released.clear();
}

/// Lanes of a warp have to come to an aligned barrier by one instruction.
static void checkAligned(const Site *site, const Thread &thread) {
  Machine &m = machine();
  uint32_t first = thread.number - thread.lane;
  uint32_t last = std::min<uint32_t>(first + warpSize, m.threads.size());
  for (uint32_t i = first; i < last; ++i) {
    const Thread &other = m.threads[i];
    if (i == thread.number || other.state != State::Waiting || other.site == site ||
        other.site->info->handler != site->info->handler)
      continue;
    fail(LaunchFailed, site, "divergence",
         format("thread (%u, %u, %u) comes to an aligned barrier, thread (%u, %u, %u) of its warp "
                "waits at another:\n   %s",
                thread.tid[0], thread.tid[1], thread.tid[2], other.tid[0], other.tid[1],
                other.tid[2], other.site->text.c_str())
             .c_str());
  }
}

static void barrier(const Site *site, const Word *args, Word *results) {
  Machine &m = machine();
  Thread &thread = *m.current;
  int param = site->info->param;
  uint32_t id = args[0];
  uint32_t count = param & withCount ? args[1] : m.threads.size();
  if (id >= numBarriers || !count || count > m.threads.size())
    fail(LaunchFailed, site, "barrier", format("barrier %u for %u threads", id, count).c_str());
  Barrier &barrier = m.barriers[id];
  if (barrier.arrived && barrier.expected != count)
    fail(LaunchFailed, site, "divergence",
         format("barrier %u is for %u threads here, for %u where others wait", id, count,
                barrier.expected)
             .c_str());
  if (site->info->flags & Aligned)
    checkAligned(site, thread);
  barrier.expected = count;
  ++barrier.arrived;
  if ((param & 7) != None)
    barrier.votes += args[param & withCount ? 2 : 1] & 1;
  if (param & arriveOnly) {
    leaveBehind(barrier.released, thread);
    if (barrier.arrived == barrier.expected)
      complete(barrier);
    return;
  }
  thread.site = site;
  thread.results = results;
  thread.mask = 0;
  barrier.waiting.push_back(thread.number);
  if (barrier.arrived == barrier.expected)
    complete(barrier);
  else
    m.suspend();
}

/// Memory is in order as it is: all threads run on one processor. For order between threads a fence
/// alone does not do.
static void fence(const Site *, const Word *, Word *) {}

static void orderLanes(const Site *, uint32_t, Thread *) {}

void addBarriers(IntrinsicTable &table) {
  const std::string prefix = "llvm.nvvm.barrier.cta.";
  const std::pair<const char *, int> operations[] = {
      {"sync", None}, {"red.popc", Popc}, {"red.and", And}, {"red.or", Or}};
  for (auto [operation, reduction] : operations)
    for (unsigned aligned : {0u, unsigned(Aligned)})
      for (int count : {0, withCount})
        table.push_back(
            {prefix + operation + (aligned ? ".aligned" : "") + (count ? ".count" : ".all"),
             barrier, Waits | aligned | (reduction == None ? Removable : 0u), reduction | count});
  for (unsigned aligned : {0u, unsigned(Aligned)})
    table.push_back({prefix + "arrive" + (aligned ? ".aligned" : "") + ".count", barrier,
                     Waits | Removable | aligned, withCount | arriveOnly});
  table.push_back(
      {"llvm.nvvm.bar.warp.sync", rendezvous, Waits | Removable | Orders, 0, orderLanes, 0});
  for (const char *name :
       {"membar.cta", "membar.gl", "membar.sys", "fence.sc.cluster", "fence.proxy.async",
        "fence.proxy.async.shared_cta", "fence.proxy.async.global", "fence.proxy.alias"})
    table.push_back({std::string("llvm.nvvm.") + name, fence});
}

} // namespace emulator
