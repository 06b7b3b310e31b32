// Memory that kernels reach: allocations of the device in an address range of their own, the shared
// memory of the block, and the variables of modules.
#ifndef NNCC_TEST_GPU_EMULATOR_MEMORY_H
#define NNCC_TEST_GPU_EMULATOR_MEMORY_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace emulator {

struct Kernel;
struct Site;

constexpr uint64_t deviceBytes = uint64_t(64) << 30;  // of addresses
constexpr uint64_t deviceMemory = uint64_t(16) << 30; // that the device claims to have
constexpr uint64_t sharedBytes = 1 << 20;             // of addresses
constexpr uint32_t sharedLimit = 227 << 10;           // of a block
constexpr uint32_t staticSharedLimit = 48 << 10;      // that a kernel declares
constexpr uint64_t allocationAlign = 256;

/// The ranges, reserved once; 0 where the system has no room for them.
extern uint64_t deviceBase, sharedBase;
bool reserveMemory();
/// Addresses whose pages are there, zero, once they are touched; null: there are none.
void *reserveAddresses(uint64_t bytes, int flags = 0);

inline bool isDevice(uint64_t address) { return address - deviceBase < deviceBytes; }
inline bool isShared(uint64_t address) { return address - sharedBase < sharedBytes; }

struct Allocation {
  uint64_t base, size;
  bool freed;
};

/// Memory of the device, full of 0xff; 0: none left.
uint64_t allocate(size_t bytes);
bool release(uint64_t address);
/// The allocation that holds an address or, freed, held it; null: there never was one.
const Allocation *findAllocation(uint64_t address);
uint64_t allocatedBytes();
/// Whether a copy of the host stays inside of one allocation, or is none of the device's memory.
bool isValidRange(uint64_t address, size_t bytes);

/// A variable of a module that kernels may read and, unless it is constant, write.
void addVariable(uint64_t begin, uint64_t size, bool constant, const std::string &name);
void removeVariable(uint64_t begin);

/// The kernel that runs, and the bytes that its launch adds.
void beginSharedMemory(const Kernel &kernel, uint32_t dynamicBytes);

/// Ends the launch where an access is not aligned or touches what it must not.
void checkShared(const Site *site, uint64_t address, uint64_t size, bool write);
void checkGlobal(const Site *site, uint64_t address, uint64_t size, bool write);
/// Through a generic pointer to neither of them: stacks and variables of modules are allowed.
void checkOther(const Site *site, uint64_t address, uint64_t size, bool write);
/// "tile+12" or "allocation of 4096 bytes+4096".
std::string describeAddress(uint64_t address);

} // namespace emulator

#endif
