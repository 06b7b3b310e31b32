#include "Shadow.h"
#include "Memory.h"
#include "Mutation.h"
#include "ShadowCells.h"
#include <algorithm>
#include <sys/mman.h>

namespace emulator {

static Region globalRegion, sharedRegion;

static Cell *reserveCells(uint64_t count) {
  return static_cast<Cell *>(reserveAddresses(count * sizeof(Cell)));
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

// From addresses to cells -------------------------------------------------------------------------

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

/// From `first`, a byte of the access.
__attribute__((noinline)) static void touchRange(const Context &c, const Region &region,
                                                 uint64_t offset, uint64_t first) {
  if ((offset | c.size) & 3)
    return touchBytes(c, region, offset, c.size);
  for (uint64_t end = offset + c.size, at = offset + first; at != end; at += 4) {
    Cell &word = region.words[at / 4];
    if (word.flags & Split)
      touchBytes(c, region, at, 4);
    else
      touch(c, word);
  }
}

static inline void checkAlignment(const Site *site, uint64_t address, uint64_t size,
                                  Access access) {
  if (!(address & (site->align - 1)))
    return;
  const uint32_t *tid = machine().current->tid;
  fail(MisalignedAddress, site, "misaligned access",
       format("thread (%u, %u, %u) %s %llu bytes at %s, which is no multiple of %u", tid[0], tid[1],
              tid[2], verb(access), static_cast<unsigned long long>(size),
              describeAddress(address).c_str(), site->align)
           .c_str());
}

// Most accesses are seen to be right by a glance --------------------------------------------------

/// The last write was of this thread, or before a barrier of all. Of global memory, which `start`
/// tells, also before the launch; shared memory has to have been written.
static inline bool quickWriter(const Machine &m, const Thread &t, const Cell &cell,
                               uint32_t start) {
  uint32_t stamp = cell.writeStamp;
  return stamp < start || (stamp >= m.blockStart && (stamp < m.floor || cell.writer == t.number));
}

static inline bool quickRead(const Machine &m, const Thread &t, Cell &cell, uint32_t start) {
  if (!quickWriter(m, t, cell, start))
    return false;
  if (cell.flags == Many) // it is one of the warps
    return cell.readStamp >= m.floor && cell.readStamp <= t.stamp && cell.readers >> t.warp & 1;
  if (cell.flags || cell.readStamp != t.stamp || cell.readWarp != t.warp)
    return false;
  cell.readers |= 1u << t.lane;
  return true;
}

static inline bool quickWrite(const Machine &m, const Thread &t, Cell &cell, uint32_t start) {
  bool onlyReader =
      cell.readWarp == t.warp && cell.readers == 1u << t.lane && cell.readStamp >= m.blockStart;
  if (cell.flags || !(cell.readStamp < start || !cell.readStamp || onlyReader) ||
      !quickWriter(m, t, cell, start))
    return false;
  cell = {t.stamp, 0, 0, uint16_t(t.number), 0, 0};
  return true;
}

/// Words from the beginning of the access that are right; the others are to be looked at closely.
static inline uint64_t quickWords(const Machine &m, Cell *cells, uint64_t count, uint32_t start,
                                  Access access) {
  const Thread &t = *m.current;
  uint64_t done = 0;
  if (access == Read)
    while (done < count && quickRead(m, t, cells[done], start))
      ++done;
  else if (access == Write)
    while (done < count && quickWrite(m, t, cells[done], start))
      ++done;
  return done;
}

void accessShared(const Site *site, uint64_t address, uint64_t size, Access access) {
  Machine &m = machine();
  ++m.accesses;
  checkShared(site, address, size, access & Write);
  checkAlignment(site, address, size, access);
  uint64_t offset = address - sharedBase;
  // Never before the launch: memory that is not written is for the slow path.
  uint64_t quick =
      (offset | size) & 3 ? 0 : quickWords(m, sharedRegion.words + offset / 4, size / 4, 0, access);
  if (4 * quick != size)
    touchRange({m, *m.current, site, address, size, access, true, m.blockStart}, sharedRegion,
               offset, 4 * quick);
}

void accessGlobal(const Site *site, uint64_t address, uint64_t size, Access access) {
  Machine &m = machine();
  if (!isDevice(address)) { // a variable of the module
    checkOther(site, address, size, access & Write);
    if (m.journal && access & Write && !m.onStack(address))
      m.journal->keep(address, size);
    return;
  }
  ++m.accesses;
  checkGlobal(site, address, size, access & Write);
  checkAlignment(site, address, size, access);
  if (m.journal && access & Write)
    m.journal->keep(address, size);
  uint64_t offset = address - deviceBase;
  uint64_t quick = (offset | size) & 3 ? 0
                                       : quickWords(m, globalRegion.words + offset / 4, size / 4,
                                                    m.launchStart, access);
  if (4 * quick != size)
    touchRange({m, *m.current, site, address, size, access, false, m.launchStart}, globalRegion,
               offset, 4 * quick);
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

// Synchronisation ---------------------------------------------------------------------------------

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
  uint32_t joined[maxThreads];
  std::fill(joined + first, joined + last, 0);
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

void synchronizeSome(const std::vector<uint32_t> &threads, const std::vector<uint32_t> &released) {
  Machine &m = machine();
  uint32_t now = ++m.time, count = m.threads.size();
  m.partial = true;
  std::vector<uint32_t> joined = released;
  joined.resize(count);
  for (uint32_t number : threads)
    for (uint32_t i = 0; i < count; ++i)
      joined[i] = std::max(joined[i], m.seenBy(number, i));
  for (uint32_t number : threads)
    joined[number] = now;
  for (uint32_t number : threads) {
    std::copy(joined.begin(), joined.end(), &m.seenBy(number, 0));
    m.threads[number].stamp = now;
  }
}

void leaveBehind(std::vector<uint32_t> &released, Thread &thread) {
  Machine &m = machine();
  released.resize(m.threads.size());
  for (size_t i = 0; i < m.threads.size(); ++i)
    released[i] = std::max(released[i], m.seenBy(thread.number, i));
  thread.stamp = ++m.time;
  released[thread.number] = thread.stamp;
  m.partial = true;
}

void takeOver(const std::vector<uint32_t> &released, Thread &thread) {
  Machine &m = machine();
  for (size_t i = 0; i < released.size(); ++i)
    m.seenBy(thread.number, i) = std::max(m.seenBy(thread.number, i), released[i]);
  m.partial = true;
}

} // namespace emulator
