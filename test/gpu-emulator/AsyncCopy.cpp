// cp.async: copies from global to shared memory that land when the thread waits for them, and not
// before.
#include "Intrinsics.h"
#include "Machine.h"
#include "Memory.h"
#include "Shadow.h"
#include <algorithm>

namespace emulator {

static void issue(const Site *site, const Word *args, uint32_t size, uint32_t sourceSize) {
  Thread &thread = *machine().current;
  uint64_t to = args[0], from = args[1];
  if (!isShared(to) || to % size || from % size || sourceSize > size)
    fail(MisalignedAddress, site, "asynchronous copy",
         format("thread (%u, %u, %u) copies %u of %u bytes from %s to %s", thread.tid[0],
                thread.tid[1], thread.tid[2], sourceSize, size, describeAddress(from).c_str(),
                describeAddress(to).c_str())
             .c_str());
  if (sourceSize)
    accessGeneric(site, from, sourceSize, Read);
  beginFlight(site, to, size);
  thread.copies.push_back({to, from, size, sourceSize, thread.groups, site});
}

/// The param is the size.
static void copy(const Site *site, const Word *args, Word *) {
  issue(site, args, site->info->param, site->info->param);
}
static void copyPart(const Site *site, const Word *args, Word *) {
  issue(site, args, site->info->param, args[2]);
}

static void land(const AsyncCopy &copy) {
  auto *to = reinterpret_cast<char *>(copy.to);
  memcpy(to, reinterpret_cast<const char *>(copy.from), copy.sourceSize);
  memset(to + copy.sourceSize, 0, copy.size - copy.sourceSize);
  endFlight(copy.site, copy.to, copy.size);
}

void landFirst(uint32_t count) {
  Thread &thread = *machine().current;
  std::vector<AsyncCopy> &copies = thread.copies;
  std::for_each(copies.begin(), copies.begin() + count, land);
  copies.erase(copies.begin(), copies.begin() + count);
  thread.landed += count;
}

/// Lands all copies of groups before `group`.
static void landUntil(uint32_t group) {
  const std::vector<AsyncCopy> &copies = machine().current->copies;
  auto last = std::find_if(copies.begin(), copies.end(),
                           [group](const AsyncCopy &copy) { return copy.group >= group; });
  landFirst(last - copies.begin());
}

static void commit(const Site *, const Word *, Word *) { ++machine().current->groups; }

static void waitGroup(const Site *, const Word *args, Word *) {
  uint32_t groups = machine().current->groups, pending = args[0];
  if (groups > pending)
    landUntil(groups - pending);
}

static void waitAll(const Site *, const Word *, Word *) { landUntil(UINT32_MAX); }

void addAsyncCopies(IntrinsicTable &table) {
  const std::string prefix = "llvm.nvvm.cp.async.";
  const std::pair<const char *, int> sizes[] = {{"ca.shared.global.4", 4},
                                                {"ca.shared.global.8", 8},
                                                {"ca.shared.global.16", 16},
                                                {"cg.shared.global.16", 16}};
  for (auto [name, size] : sizes) {
    table.push_back({prefix + name, copy, 0, size, nullptr, -1, 80});
    table.push_back({prefix + name + ".s", copyPart, 0, size, nullptr, -1, 80});
  }
  table.push_back({prefix + "commit.group", commit, Removable, 0, nullptr, -1, 80});
  table.push_back({prefix + "wait.group", waitGroup, Removable, 0, nullptr, -1, 80});
  table.push_back({prefix + "wait.all", waitAll, Removable, 0, nullptr, -1, 80});
}

} // namespace emulator
