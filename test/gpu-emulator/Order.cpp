// Whether an access is in order with those that its cell knows of: see Shadow.h.
#include "Memory.h"
#include "ShadowCells.h"
#include <algorithm>

namespace emulator {

/// Whether what `other`, of this block, did at `stamp` comes before what the thread does now.
static inline bool inOrder(const Context &c, uint32_t other, uint32_t stamp) {
  return stamp < c.m.floor || other == c.thread.number ||
         stamp < c.m.seenBy(c.thread.number, other);
}

const char *verb(Access access) {
  return access == Read         ? "reads"
         : access == Write      ? "writes"
         : access == AtomicRead ? "atomically reads"
                                : "atomically writes";
}

[[noreturn]] static void complain(const Context &c, const char *kind, const std::string &other) {
  const uint32_t *tid = c.thread.tid;
  fail(IllegalAddress, c.site, kind,
       format("thread (%u, %u, %u) %s %llu bytes at %s\n  %s", tid[0], tid[1], tid[2],
              verb(c.access), static_cast<unsigned long long>(c.size),
              describeAddress(c.address).c_str(), other.c_str())
           .c_str());
}

[[noreturn]] static void race(const Context &c, const char *did, const std::string &who) {
  complain(c, c.shared ? "race on shared memory" : "race on global memory",
           who + " " + did + " them, and nothing orders the two");
}

static std::string nameThread(const Context &c, uint32_t number) {
  const uint32_t *tid = c.m.threads[number].tid;
  return format("thread (%u, %u, %u)", tid[0], tid[1], tid[2]);
}

static inline void checkWriter(const Context &c, const Cell &cell) {
  uint32_t stamp = cell.writeStamp;
  if (stamp < c.start || (stamp >= c.m.blockStart && inOrder(c, cell.writer, stamp)) ||
      ((c.access & Atomic) && (cell.flags & WasAtomic)))
    return;
  const char *did = cell.flags & WasAtomic ? "atomically wrote" : "wrote";
  race(c, did, stamp < c.m.blockStart ? "another block" : nameThread(c, cell.writer));
}

static void checkReaders(const Context &c, const Cell &cell) {
  uint32_t stamp = cell.readStamp;
  if (stamp < c.start)
    return;
  if (stamp < c.m.blockStart || (cell.flags & Elsewhere))
    race(c, "read", "another block");
  if (stamp < c.m.floor)
    return;
  for (uint32_t mask = cell.readers; mask; mask &= mask - 1) {
    uint32_t bit = __builtin_ctz(mask);
    if (!(cell.flags & Many)) {
      uint32_t other = cell.readWarp * warpSize + bit;
      if (!inOrder(c, other, stamp))
        race(c, "read", nameThread(c, other));
    } else if (bit != c.thread.warp) {
      // Which lanes they were is not known: one that is in order will do.
      uint32_t first = bit * warpSize, last = first + warpSize;
      bool any = false;
      for (uint32_t i = first; i < last && i < c.m.threads.size(); ++i)
        any |= inOrder(c, i, stamp);
      if (!any)
        race(c, "read", format("warp %u", bit));
    }
  }
}

/// Adds the thread to the readers, or puts it in the place of those that are in order with it.
static void addReader(const Context &c, Cell &cell) {
  const Thread &t = c.thread;
  uint32_t lane = 1u << t.lane;
  bool current = cell.readStamp >= c.m.floor; // floor >= blockStart
  if (current && !(cell.flags & Many) && cell.readWarp == t.warp) {
    if (cell.readStamp != t.stamp) {
      bool all = true;
      for (uint32_t mask = cell.readers; mask; mask &= mask - 1)
        all &= inOrder(c, t.warp * warpSize + __builtin_ctz(mask), cell.readStamp);
      cell.readers = all ? lane : cell.readers | lane;
      cell.readStamp = all ? t.stamp : std::min(cell.readStamp, t.stamp);
      return;
    }
    cell.readers |= lane;
  } else if (current) {
    uint32_t warps = cell.flags & Many ? cell.readers : 1u << cell.readWarp;
    cell.readers = warps | 1u << t.warp;
    cell.readStamp = std::min(cell.readStamp, t.stamp);
    cell.flags |= Many;
  } else {
    if (cell.readStamp < c.start)
      cell.flags &= ~Elsewhere;
    else if (cell.readStamp < c.m.blockStart)
      cell.flags |= Elsewhere;
    cell.flags &= ~Many;
    cell.readStamp = t.stamp;
    cell.readWarp = t.warp;
    cell.readers = lane;
  }
}

void touch(const Context &c, Cell &cell) {
  if (c.shared) {
    if (cell.flags & Flight) {
      if (cell.writeStamp >= c.m.blockStart)
        complain(c, "asynchronous copy in flight",
                 nameThread(c, cell.writer) + " copies to them and has not waited for it");
      cell.flags &= ~Flight; // of a block before
    }
    if ((c.access & Read) && cell.writeStamp < c.m.blockStart)
      complain(c, "uninitialized shared memory", "no thread of the block has written them");
  }
  checkWriter(c, cell);
  if (c.access == AtomicRead)
    return;
  if (c.access == Read)
    return addReader(c, cell);
  checkReaders(c, cell);
  cell.writeStamp = c.thread.stamp;
  cell.writer = c.thread.number;
  cell.readStamp = 0;
  cell.readers = 0;
  cell.flags = c.access & Atomic ? WasAtomic : 0;
}

} // namespace emulator
