#include "Memory.h"
#include "Kernel.h"
#include "Machine.h"
#include "Report.h"
#include "Shadow.h"
#include <cstring>
#include <map>
#include <sys/mman.h>
#include <vector>

namespace emulator {

uint64_t deviceBase = 0, sharedBase = 0;

static std::vector<Allocation> allocations;        // number 0 is none
static uint32_t *owners = nullptr;                 // of every allocationAlign bytes
static uint64_t next = 0;                          // where nothing has been allocated so far
static std::multimap<uint64_t, uint32_t> reusable; // freed allocations by their room
static uint64_t inUse = 0;
static Allocation recent = {0, 0, true}; // that of the last access

#ifdef MAP_32BIT
constexpr int lowAddresses = MAP_32BIT;
#else
constexpr int lowAddresses = 0;
#endif

void *reserveAddresses(uint64_t bytes, int flags) {
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
  if (memory == MAP_FAILED)
    return nullptr;
  madvise(memory, bytes, MADV_DONTDUMP);
  return memory;
}

bool reserveMemory() {
  if (sharedBase)
    return true;
  auto device = reinterpret_cast<uint64_t>(reserveAddresses(deviceBytes));
  owners =
      static_cast<uint32_t *>(reserveAddresses(deviceBytes / allocationAlign * sizeof(uint32_t)));
  // Kernels may keep an address of shared memory in 32 bits, and descriptors its lower ones: twice
  // the size, of which an aligned half is taken.
  auto shared = reinterpret_cast<uint64_t>(reserveAddresses(2 * sharedBytes, lowAddresses));
  if (!device || !owners || !shared || !reserveShadows())
    return false;
  deviceBase = device;
  next = device + allocationAlign;
  sharedBase = (shared + sharedBytes - 1) / sharedBytes * sharedBytes;
  allocations.resize(1);
  return true;
}

/// Bytes that an allocation takes, with a gap behind it that nobody owns.
static uint64_t room(uint64_t bytes) {
  return (bytes + 2 * allocationAlign - 1) / allocationAlign * allocationAlign;
}

static void own(const Allocation &allocation, uint32_t number) {
  uint64_t first = (allocation.base - deviceBase) / allocationAlign;
  uint64_t count = (allocation.size + allocationAlign - 1) / allocationAlign;
  std::fill(owners + first, owners + first + count, number);
}

uint64_t allocate(size_t bytes) {
  if (!bytes || inUse + bytes > deviceMemory || !reserveMemory())
    return 0;
  uint64_t base = next;
  // Addresses are used again as late as can be: until then the use of freed memory is seen.
  if (base + room(bytes) > deviceBase + deviceBytes) {
    auto found = reusable.lower_bound(room(bytes));
    if (found == reusable.end())
      return 0;
    Allocation &old = allocations[found->second];
    base = old.base;
    own(old, 0);
    reusable.erase(found); // what is larger than asked for is lost
  } else {
    next += room(bytes);
  }
  Allocation allocation = {base, bytes, false};
  own(allocation, allocations.size());
  allocations.push_back(allocation);
  inUse += bytes;
  memset(reinterpret_cast<void *>(base), 0xff, bytes);
  return base;
}

bool release(uint64_t address) {
  if (!isDevice(address))
    return false;
  uint32_t number = owners[(address - deviceBase) / allocationAlign];
  Allocation &allocation = allocations[number];
  if (!number || allocation.base != address || allocation.freed)
    return false;
  allocation.freed = true;
  recent = allocation;
  inUse -= allocation.size;
  reusable.emplace(room(allocation.size), number);
  uint64_t page = 4096, begin = (address + page - 1) / page * page;
  uint64_t end = (address + allocation.size) / page * page;
  if (begin < end) {
    madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
    forgetShadow(begin, end);
  }
  return true;
}

const Allocation *findAllocation(uint64_t address) {
  if (!isDevice(address))
    return nullptr;
  uint32_t number = owners[(address - deviceBase) / allocationAlign];
  const Allocation &allocation = allocations[number];
  return number && address - allocation.base < allocation.size ? &allocation : nullptr;
}

uint64_t allocatedBytes() { return inUse; }

bool isValidRange(uint64_t address, size_t bytes) {
  if (!isDevice(address))
    return true;
  const Allocation *allocation = findAllocation(address);
  return allocation && !allocation->freed &&
         bytes <= allocation->size - (address - allocation->base);
}

// Accesses of kernels -----------------------------------------------------------------------------

namespace {
struct Variable {
  uint64_t end;
  bool constant;
  std::string name;
};
} // namespace
static std::map<uint64_t, Variable> variables; // by address
static uint64_t dynamicEnd = 0;

void addVariable(uint64_t begin, uint64_t size, bool constant, const std::string &name) {
  variables[begin] = {begin + size, constant, name};
}
void removeVariable(uint64_t begin) { variables.erase(begin); }

void beginSharedMemory(const Kernel &kernel, uint32_t dynamicBytes) {
  dynamicEnd = kernel.dynamicShared ? kernel.dynamicShared + dynamicBytes : 0;
}

std::string describeAddress(uint64_t address) {
  auto offset = [address](uint64_t base) {
    return format("+%lld", static_cast<long long>(address - base));
  };
  if (isShared(address)) {
    for (const SharedVariable &variable : machine().kernel->shared)
      if (address >= variable.begin && address < variable.end)
        return variable.name + offset(variable.begin);
    if (dynamicEnd && address >= machine().kernel->dynamicShared)
      return "dynamic shared memory" + offset(machine().kernel->dynamicShared);
    return "shared memory" + offset(sharedBase);
  }
  if (!isDevice(address)) // what a module or the host has
    return format("0x%llx", static_cast<unsigned long long>(address));
  uint32_t number = owners[(address - deviceBase) / allocationAlign];
  if (!number && address > deviceBase + allocationAlign) // the gap behind one
    number = owners[(address - deviceBase) / allocationAlign - 1];
  if (!number)
    return format("0x%llx", static_cast<unsigned long long>(address));
  const Allocation &allocation = allocations[number];
  return format("%sallocation of %llu bytes", allocation.freed ? "freed " : "",
                static_cast<unsigned long long>(allocation.size)) +
         offset(allocation.base);
}

[[noreturn]] static void outOfBounds(const Site *site, uint64_t address, uint64_t size, bool write,
                                     const char *kind) {
  const uint32_t *tid = machine().current->tid;
  fail(IllegalAddress, site, kind,
       format("thread (%u, %u, %u) %s %llu bytes at %s", tid[0], tid[1], tid[2],
              write ? "writes" : "reads", static_cast<unsigned long long>(size),
              describeAddress(address).c_str())
           .c_str());
}

void checkShared(const Site *site, uint64_t address, uint64_t size, bool write) {
  if (site->high) {
    if (address >= site->low && address + size <= site->high)
      return;
  } else {
    const Kernel &kernel = *machine().kernel;
    if (dynamicEnd && address >= kernel.dynamicShared && address + size <= dynamicEnd)
      return;
    for (const SharedVariable &variable : kernel.shared)
      if (address >= variable.begin && address + size <= variable.end)
        return;
  }
  outOfBounds(site, address, size, write, "shared memory out of bounds");
}

void checkGlobal(const Site *site, uint64_t address, uint64_t size, bool write) {
  if (address - recent.base < recent.size && address + size <= recent.base + recent.size &&
      !recent.freed)
    return;
  const Allocation *allocation = findAllocation(address);
  if (!allocation)
    outOfBounds(site, address, size, write, "global memory out of bounds");
  if (allocation->freed)
    outOfBounds(site, address, size, write, "use of freed global memory");
  if (address + size > allocation->base + allocation->size)
    outOfBounds(site, address, size, write, "global memory out of bounds");
  recent = *allocation;
}

void checkOther(const Site *site, uint64_t address, uint64_t size, bool write) {
  if (machine().onStack(address) && machine().onStack(address + size - 1))
    return;
  auto next = variables.upper_bound(address);
  if (next != variables.begin()) {
    const Variable &variable = std::prev(next)->second;
    if (address + size <= variable.end) {
      if (write && variable.constant)
        outOfBounds(site, address, size, write, "write of a constant");
      return;
    }
  }
  outOfBounds(site, address, size, write, "address out of bounds");
}

} // namespace emulator
