#include "Shadow.h"
#include "Machine.h"
#include "Memory.h"
#include <algorithm>
#include <sys/mman.h>

namespace emulator {

namespace {
enum Flags : uint8_t {
  Split = 1,     // see the cells of its bytes
  WasAtomic = 2, // the last write
  Many = 4,      // the readers are warps, not lanes of readWarp
  Elsewhere = 8, // other blocks of the launch have read it, too
  Flight = 16    // a copy has not landed
};

struct Cell {
  uint32_t writeStamp, readStamp;
  uint32_t readers; // a mask; with readStamp
  uint16_t writer;  // a thread
  uint8_t readWarp, flags;
};
static_assert(sizeof(Cell) == 16, "the shadow of four bytes");

struct Region {
  uint64_t base = 0;
  Cell *words = nullptr, *bytes = nullptr;
};

/// An access that is being checked.
struct Context {
  Machine &m;
  const Thread &thread;
  const Site *site;
  uint64_t address, size;
  Access access;
  bool shared;
  uint32_t start; // of the time in which others could have touched the same memory
};
} // namespace

static Region globalRegion, sharedRegion;

static Cell *reserveCells(uint64_t count) {
  void *memory = mmap(nullptr, count * sizeof(Cell), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED)
    return nullptr;
  madvise(memory, count * sizeof(Cell), MADV_DONTDUMP);
  return static_cast<Cell *>(memory);
}

bool reserveShadows() {
  globalRegion.words = reserveCells(deviceBytes / 4);
  globalRegion.bytes = reserveCells(deviceBytes);
  sharedRegion.words = reserveCells(sharedBytes / 4);
  sharedRegion.bytes = reserveCells(sharedBytes);
  return globalRegion.words && globalRegion.bytes && sharedRegion.words && sharedRegion.bytes;
}

void forgetShadows() {
  madvise(globalRegion.words, deviceBytes / 4 * sizeof(Cell), MADV_DONTNEED);
  madvise(globalRegion.bytes, deviceBytes * sizeof(Cell), MADV_DONTNEED);
  madvise(sharedRegion.words, sharedBytes / 4 * sizeof(Cell), MADV_DONTNEED);
  madvise(sharedRegion.bytes, sharedBytes * sizeof(Cell), MADV_DONTNEED);
}

void forgetShadow(uint64_t begin, uint64_t end) {
  uint64_t offset = begin - deviceBase;
  madvise(globalRegion.words + offset / 4, (end - begin) / 4 * sizeof(Cell), MADV_DONTNEED);
  madvise(globalRegion.bytes + offset, (end - begin) * sizeof(Cell), MADV_DONTNEED);
}

// Order
// ---------------------------------------------------------------------------------------------

/// Whether what `other`, of this block, did at `stamp` comes before what the thread does now.
static inline bool inOrder(const Context &c, uint32_t other, uint32_t stamp) {
  return stamp < c.m.floor || other == c.thread.number ||
         stamp < c.m.seenBy(c.thread.number, other);
}

static const char *verb(Access access) {
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

static inline void touch(const Context &c, Cell &cell) {
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

// From addresses to cells
// ---------------------------------------------------------------------------

static void touchBytes(const Context &c, const Region &region, uint64_t offset, uint64_t count) {
  for (uint64_t end = offset + count; offset != end; ++offset) {
    Cell &word = region.words[offset / 4];
    if (!(word.flags & Split)) {
      for (uint64_t byte = offset / 4 * 4, i = 0; i < 4; ++i)
        region.bytes[byte + i] = word;
      word.flags |= Split;
    }
    touch(c, region.bytes[offset]);
  }
}

static inline void touchRange(const Context &c, const Region &region, uint64_t offset) {
  if ((offset | c.size) & 3)
    return touchBytes(c, region, offset, c.size);
  for (uint64_t end = offset + c.size; offset != end; offset += 4) {
    Cell &word = region.words[offset / 4];
    if (word.flags & Split)
      touchBytes(c, region, offset, 4);
    else
      touch(c, word);
  }
}

static inline void checkAlignment(const Context &c) {
  if (c.address & (c.site->align - 1)) {
    const uint32_t *tid = c.thread.tid;
    fail(MisalignedAddress, c.site, "misaligned access",
         format("thread (%u, %u, %u) %s %llu bytes at %s, which is no multiple of %u", tid[0],
                tid[1], tid[2], verb(c.access), static_cast<unsigned long long>(c.size),
                describeAddress(c.address).c_str(), c.site->align)
             .c_str());
  }
}

void accessShared(const Site *site, uint64_t address, uint64_t size, Access access) {
  Machine &m = machine();
  Context c = {m, *m.current, site, address, size, access, true, m.blockStart};
  ++m.accesses;
  checkShared(site, address, size, access & Write);
  checkAlignment(c);
  touchRange(c, sharedRegion, address - sharedBase);
}

void accessGlobal(const Site *site, uint64_t address, uint64_t size, Access access) {
  if (!isDevice(address)) // a variable of the module
    return checkOther(site, address, size, access & Write);
  Machine &m = machine();
  Context c = {m, *m.current, site, address, size, access, false, m.launchStart};
  ++m.accesses;
  checkGlobal(site, address, size, access & Write);
  checkAlignment(c);
  touchRange(c, globalRegion, address - deviceBase);
}

void accessGeneric(const Site *site, uint64_t address, uint64_t size, Access access) {
  if (isShared(address))
    return accessShared(site, address, size, access);
  accessGlobal(site, address, size, access);
}

void beginFlight(const Site *site, uint64_t address, uint64_t size) {
  accessShared(site, address, size, Write);
  for (uint64_t offset = address - sharedBase, end = offset + size; offset != end; offset += 4) {
    sharedRegion.words[offset / 4].flags |= Flight;
    for (unsigned i = 0; i < 4; ++i)
      sharedRegion.bytes[offset + i].flags |= Flight;
  }
}

void endFlight(const Site *site, uint64_t address, uint64_t size) {
  for (uint64_t offset = address - sharedBase, end = offset + size; offset != end; offset += 4) {
    sharedRegion.words[offset / 4].flags &= ~Flight;
    for (unsigned i = 0; i < 4; ++i)
      sharedRegion.bytes[offset + i].flags &= ~Flight;
  }
  accessShared(site, address, size, Write);
}

// Synchronisation
// -----------------------------------------------------------------------------------

void synchronizeAll() {
  Machine &m = machine();
  m.floor = ++m.time;
  m.partial = false;
  for (Thread &t : m.threads)
    t.stamp = m.time;
}

void synchronizeLanes(uint32_t warp, uint32_t mask) {
  Machine &m = machine();
  uint32_t now = ++m.time, count = m.threads.size();
  // What lies outside of the warp is behind the floor, unless there were barriers of some threads.
  uint32_t first = m.partial ? 0 : warp * warpSize;
  uint32_t last = m.partial ? count : std::min(first + warpSize, count);
  uint32_t joined[maxThreads] = {};
  for (uint32_t lanes = mask; lanes; lanes &= lanes - 1) {
    const uint32_t *row = &m.seenBy(warp * warpSize + __builtin_ctz(lanes), 0);
    for (uint32_t i = first; i < last; ++i)
      joined[i] = std::max(joined[i], row[i]);
  }
  for (uint32_t lanes = mask; lanes; lanes &= lanes - 1) {
    uint32_t number = warp * warpSize + __builtin_ctz(lanes);
    joined[number] = now;
    m.threads[number].stamp = now;
  }
  for (uint32_t lanes = mask; lanes; lanes &= lanes - 1)
    std::copy(joined + first, joined + last,
              &m.seenBy(warp * warpSize + __builtin_ctz(lanes), first));
}

} // namespace emulator
