// Operations that the lanes of a warp do together: shuffles, votes, matches, reductions.
#include "Intrinsics.h"
#include "Machine.h"
#include "Shadow.h"
#include <algorithm>

namespace emulator {

/// Calls `f(lane, thread)` for every lane of a mask.
template <typename F> static void forLanes(uint32_t mask, Thread *lanes, F f) {
  for (; mask; mask &= mask - 1) {
    unsigned lane = __builtin_ctz(mask);
    f(lane, lanes[lane]);
  }
}

static std::string nameLanes(uint32_t mask) { return format("lanes 0x%08x", mask); }

[[noreturn]] static void failLanes(const Site *site, const Thread &thread, std::string details) {
  fail(LaunchFailed, site, "divergence",
       format("thread (%u, %u, %u) ", thread.tid[0], thread.tid[1], thread.tid[2])
           .append(details)
           .c_str());
}

static uint32_t existingLanes(const Thread &thread) {
  uint32_t count = machine().threads.size() - (thread.number - thread.lane);
  return count >= warpSize ? ~0u : (1u << count) - 1;
}

/// Lanes that wait at the same operation for the same lanes.
static uint32_t waitingLanes(const Site *site, uint32_t mask, Thread *lanes) {
  uint32_t waiting = 0;
  forLanes(mask, lanes, [&](unsigned lane, const Thread &t) {
    if (t.state == State::Waiting && t.mask == mask && t.site->info == site->info)
      waiting |= 1u << lane;
  });
  return waiting;
}

void rendezvous(const Site *site, const Word *args, Word *results) {
  Machine &m = machine();
  Thread &thread = *m.current;
  const IntrinsicInfo &info = *site->info;
  Thread *lanes = &thread - thread.lane;
  uint32_t existing = existingLanes(thread);
  if (info.maskOperand < 0 && existing != ~0u)
    failLanes(site, thread, "is in a warp of less than 32 threads, and the operation is of all");
  uint32_t mask = info.maskOperand < 0 ? ~0u : uint32_t(args[info.maskOperand]) & existing;
  if (!(mask >> thread.lane & 1))
    failLanes(site, thread, "is none of the " + nameLanes(mask) + " of the operation");
  uint32_t exited = 0;
  forLanes(mask, lanes, [&](unsigned lane, const Thread &t) {
    exited |= uint32_t(t.state == State::Done) << lane;
  });
  if (exited)
    failLanes(site, thread,
              "needs " + nameLanes(mask) + ", of which " + nameLanes(exited) + " have exited");
  thread.site = site;
  thread.args = args;
  thread.results = results;
  thread.mask = mask;
  if ((waitingLanes(site, mask, lanes) | 1u << thread.lane) != mask)
    return m.suspend();
  if (info.flags & Aligned)
    forLanes(mask, lanes, [&](unsigned, const Thread &t) {
      if (t.site != site)
        failLanes(site, t, "has come to the operation by another instruction:\n   " + t.site->text);
    });
  info.warp(site, mask, lanes);
  if (info.flags & Orders)
    synchronizeLanes(thread.warp, mask);
  forLanes(mask, lanes, [](unsigned, Thread &t) { t.state = State::Ready; });
}

// Shuffles ----------------------------------------------------------------------------------------

namespace {
enum Shuffle { Up, Down, Butterfly, Index };
} // namespace

/// The lane to read from and whether it is inside of its segment: PTX ISA, shfl.sync.
static std::pair<unsigned, bool> sourceLane(int mode, unsigned lane, uint32_t b, uint32_t c) {
  uint32_t offset = b & 31, clamp = c & 31, segment = c >> 8 & 31;
  uint32_t last = (lane & segment) | (clamp & ~segment);
  uint32_t first = lane & segment;
  int source = 0;
  bool inside = false;
  switch (mode) {
  case Up:
    source = int(lane) - int(offset);
    inside = source >= int(last);
    break;
  case Down:
    source = lane + offset;
    inside = source <= int(last);
    break;
  case Butterfly:
    source = lane ^ offset;
    inside = source <= int(last);
    break;
  default:
    source = first | (offset & ~segment);
    inside = source <= int(last);
  }
  return {inside ? source : lane, inside};
}

static void shuffle(const Site *site, uint32_t mask, Thread *lanes) {
  uint32_t values[warpSize];
  forLanes(mask, lanes, [&](unsigned lane, const Thread &t) { values[lane] = t.args[1]; });
  forLanes(mask, lanes, [&](unsigned lane, Thread &t) {
    auto [source, inside] = sourceLane(site->info->param & 3, lane, t.args[2], t.args[3]);
    if (!(mask >> source & 1))
      failLanes(site, t, format("reads from lane %u, which takes no part", source));
    t.results[0] = values[source];
    if (site->info->param & 4) // the variant that tells
      t.results[1] = inside;
  });
}

static void addShuffles(IntrinsicTable &table) {
  const char *modes[] = {"up", "down", "bfly", "idx"};
  for (int mode = Up; mode <= Index; ++mode)
    for (const char *type : {"i32", "f32"})
      for (int tells : {0, 4})
        table.push_back(
            {std::string("llvm.nvvm.shfl.sync.") + modes[mode] + "." + type + (tells ? "p" : ""),
             rendezvous, Waits, mode | tells, shuffle, 0});
}

// Votes, matches, elections -----------------------------------------------------------------------

namespace {
enum Vote { All, Any, Uniform, Ballot };
} // namespace

static void vote(const Site *site, uint32_t mask, Thread *lanes) {
  uint32_t ballot = 0;
  forLanes(mask, lanes,
           [&](unsigned lane, const Thread &t) { ballot |= uint32_t(t.args[1] & 1) << lane; });
  int kind = site->info->param;
  uint32_t result = kind == All       ? ballot == mask
                    : kind == Any     ? ballot != 0
                    : kind == Uniform ? ballot == 0 || ballot == mask
                                      : ballot;
  forLanes(mask, lanes, [&](unsigned, Thread &t) { t.results[0] = result; });
}

static uint32_t sameAs(const Thread &thread, uint32_t mask, Thread *lanes) {
  uint32_t same = 0;
  forLanes(mask, lanes, [&](unsigned lane, const Thread &t) {
    same |= uint32_t(t.args[1] == thread.args[1]) << lane;
  });
  return same;
}

static void matchAny(const Site *, uint32_t mask, Thread *lanes) {
  forLanes(mask, lanes, [&](unsigned, Thread &t) { t.results[0] = sameAs(t, mask, lanes); });
}

static void matchAll(const Site *, uint32_t mask, Thread *lanes) {
  bool all = sameAs(lanes[__builtin_ctz(mask)], mask, lanes) == mask;
  forLanes(mask, lanes, [&](unsigned, Thread &t) {
    t.results[0] = all ? mask : 0;
    t.results[1] = all;
  });
}

static void elect(const Site *, uint32_t mask, Thread *lanes) {
  unsigned leader = __builtin_ctz(mask);
  forLanes(mask, lanes, [&](unsigned lane, Thread &t) {
    t.results[0] = leader;
    t.results[1] = lane == leader;
  });
}

/// The lanes that would run together are those of the warp that have not exited.
static void activeMask(const Site *, const Word *, Word *results) {
  Thread &thread = *machine().current;
  uint32_t active = 0;
  forLanes(existingLanes(thread), &thread - thread.lane, [&](unsigned lane, const Thread &t) {
    active |= uint32_t(t.state != State::Done) << lane;
  });
  results[0] = active;
}

// Reductions --------------------------------------------------------------------------------------

namespace {
enum Reduction { Add, Min, Max, UMin, UMax, And, Or, Xor };
} // namespace

static uint32_t reduce(int kind, uint32_t a, uint32_t b) {
  switch (kind) {
  case Add:
    return a + b;
  case Min:
    return std::min<int32_t>(a, b);
  case Max:
    return std::max<int32_t>(a, b);
  case UMin:
    return std::min(a, b);
  case UMax:
    return std::max(a, b);
  case And:
    return a & b;
  case Or:
    return a | b;
  default:
    return a ^ b;
  }
}

static void redux(const Site *site, uint32_t mask, Thread *lanes) {
  uint32_t result = lanes[__builtin_ctz(mask)].args[0];
  forLanes(mask & (mask - 1), lanes, [&](unsigned, const Thread &t) {
    result = reduce(site->info->param, result, t.args[0]);
  });
  forLanes(mask, lanes, [&](unsigned, Thread &t) { t.results[0] = result; });
}

void addWarpOperations(IntrinsicTable &table) {
  const std::string prefix = "llvm.nvvm.";
  const unsigned flags = Waits; // PTX promises no order of memory
  addShuffles(table);
  const char *votes[] = {"all", "any", "uni", "ballot"};
  for (int kind = All; kind <= Ballot; ++kind)
    table.push_back({prefix + "vote." + votes[kind] + ".sync", rendezvous, flags, kind, vote, 0});
  for (const char *type : {"i32", "i64"}) {
    table.push_back({prefix + "match.any.sync." + type, rendezvous, flags, 0, matchAny, 0});
    table.push_back({prefix + "match.all.sync." + type + "p", rendezvous, flags, 0, matchAll, 0});
  }
  table.push_back({prefix + "elect.sync", rendezvous, flags, 0, elect, 0, 90});
  table.push_back({prefix + "activemask", activeMask, Waits});
  const char *reductions[] = {"add", "min", "max", "umin", "umax", "and", "or", "xor"};
  for (int kind = Add; kind <= Xor; ++kind)
    table.push_back(
        {prefix + "redux.sync." + reductions[kind], rendezvous, flags, kind, redux, 1, 80});
}

} // namespace emulator
