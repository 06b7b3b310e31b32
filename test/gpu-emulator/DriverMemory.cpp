// Memory of the device and of the host, copies.
#include "Driver.h"
#include "Memory.h"
#include <cstdlib>
#include <cstring>
#include <map>

using namespace emulator;

static std::map<uint64_t, size_t> hostAllocations; // pinned

static Result allocateInto(uint64_t *address, size_t bytes) {
  if (!address || !bytes)
    return InvalidValue;
  *address = allocate(bytes);
  return *address ? Success : OutOfMemory;
}

EMULATOR_API cuMemAlloc_v2(uint64_t *address, size_t bytes) {
  EMULATOR_BEGIN
  if (Result error = checkNotCapturing())
    return error;
  return allocateInto(address, bytes);
}

EMULATOR_API cuMemFree_v2(uint64_t address) {
  EMULATOR_BEGIN
  if (Result error = checkNotCapturing())
    return error;
  return !address || release(address) ? Success : InvalidValue;
}

/// What a graph allocates would have an address of its own: that is not modelled.
EMULATOR_API cuMemAllocAsync(uint64_t *address, size_t bytes, void *stream) {
  EMULATOR_BEGIN
  if (stream && static_cast<Stream *>(stream)->capturing)
    return StreamCaptureUnsupported;
  return allocateInto(address, bytes);
}

EMULATOR_API cuMemFreeAsync(uint64_t address, void *stream) {
  EMULATOR_BEGIN
  if (stream && static_cast<Stream *>(stream)->capturing)
    return StreamCaptureUnsupported;
  return !address || release(address) ? Success : InvalidValue;
}

EMULATOR_API cuMemGetInfo_v2(size_t *free, size_t *total) {
  EMULATOR_BEGIN
  if (!free || !total)
    return InvalidValue;
  *total = deviceMemory;
  *free = deviceMemory - allocatedBytes();
  return Success;
}

// Of the host -------------------------------------------------------------------------------------

EMULATOR_API cuMemHostAlloc(void **memory, size_t bytes, unsigned) {
  EMULATOR_BEGIN
  if (!memory || !bytes)
    return InvalidValue;
  *memory = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  if (!*memory)
    return OutOfMemory;
  auto address = reinterpret_cast<uint64_t>(*memory);
  hostAllocations[address] = bytes;
  addVariable(address, bytes, false, "pinned memory"); // kernels may use it
  return Success;
}

EMULATOR_API cuMemAllocHost_v2(void **memory, size_t bytes) {
  return cuMemHostAlloc(memory, bytes, 0);
}

EMULATOR_API cuMemFreeHost(void *memory) {
  Call call;
  auto address = reinterpret_cast<uint64_t>(memory);
  if (!hostAllocations.erase(address))
    return InvalidValue;
  removeVariable(address);
  free(memory);
  return Success;
}

EMULATOR_API cuPointerGetAttribute(void *data, int attribute, uint64_t address) {
  EMULATOR_BEGIN
  const Allocation *allocation = findAllocation(address);
  auto host = hostAllocations.upper_bound(address);
  bool pinned =
      host != hostAllocations.begin() && address - std::prev(host)->first < std::prev(host)->second;
  if (!data || (!pinned && (!allocation || allocation->freed)))
    return InvalidValue;
  uint64_t begin = pinned ? std::prev(host)->first : allocation->base;
  size_t size = pinned ? std::prev(host)->second : allocation->size;
  switch (attribute) {
  case 2: // the kind of memory: of the host, of the device
    *static_cast<unsigned *>(data) = pinned ? 1 : 2;
    return Success;
  case 3: // the address on the device
    *static_cast<uint64_t *>(data) = address;
    return Success;
  case 4: // and on the host
    if (!pinned)
      return InvalidValue;
    *static_cast<uint64_t *>(data) = address;
    return Success;
  case 9: // the device
    *static_cast<int *>(data) = 0;
    return Success;
  case 11:
    *static_cast<uint64_t *>(data) = begin;
    return Success;
  case 12:
    *static_cast<size_t *>(data) = size;
    return Success;
  default:
    return NotSupported;
  }
}

// Copies ------------------------------------------------------------------------------------------

/// `device`: which of the two has to be the device's: 1 the target, 2 the source.
static Result copy(void *stream, uint64_t to, uint64_t from, size_t bytes, unsigned device) {
  if (((device & 1) && !isDevice(to)) || ((device & 2) && !isDevice(from)) ||
      (bytes && (!isValidRange(to, bytes) || !isValidRange(from, bytes))))
    return InvalidValue;
  return enqueue(stream, [=] {
    if (!isValidRange(to, bytes) || !isValidRange(from, bytes)) // freed since it was captured
      return InvalidValue;
    memmove(reinterpret_cast<void *>(to), reinterpret_cast<const void *>(from), bytes);
    return Success;
  });
}

static uint64_t number(const void *pointer) { return reinterpret_cast<uint64_t>(pointer); }

EMULATOR_API cuMemcpy(uint64_t to, uint64_t from, size_t bytes) {
  EMULATOR_BEGIN
  return copy(nullptr, to, from, bytes, 0);
}
EMULATOR_API cuMemcpyAsync(uint64_t to, uint64_t from, size_t bytes, void *stream) {
  EMULATOR_BEGIN
  return copy(stream, to, from, bytes, 0);
}
EMULATOR_API cuMemcpyHtoD_v2(uint64_t to, const void *from, size_t bytes) {
  EMULATOR_BEGIN
  return copy(nullptr, to, number(from), bytes, 1);
}
EMULATOR_API cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, void *stream) {
  EMULATOR_BEGIN
  return copy(stream, to, number(from), bytes, 1);
}
EMULATOR_API cuMemcpyDtoH_v2(void *to, uint64_t from, size_t bytes) {
  EMULATOR_BEGIN
  return copy(nullptr, number(to), from, bytes, 2);
}
EMULATOR_API cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, void *stream) {
  EMULATOR_BEGIN
  return copy(stream, number(to), from, bytes, 2);
}
EMULATOR_API cuMemcpyDtoD_v2(uint64_t to, uint64_t from, size_t bytes) {
  EMULATOR_BEGIN
  return copy(nullptr, to, from, bytes, 3);
}
EMULATOR_API cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void *stream) {
  EMULATOR_BEGIN
  return copy(stream, to, from, bytes, 3);
}

template <typename T> static Result fill(void *stream, uint64_t to, T value, size_t count) {
  if (!isDevice(to) || to % sizeof(T) || (count && !isValidRange(to, count * sizeof(T))))
    return InvalidValue;
  return enqueue(stream, [=] {
    if (!isValidRange(to, count * sizeof(T)))
      return InvalidValue;
    std::fill_n(reinterpret_cast<T *>(to), count, value);
    return Success;
  });
}

EMULATOR_API cuMemsetD8_v2(uint64_t to, unsigned char value, size_t count) {
  EMULATOR_BEGIN
  return fill(nullptr, to, value, count);
}
EMULATOR_API cuMemsetD8Async(uint64_t to, unsigned char value, size_t count, void *stream) {
  EMULATOR_BEGIN
  return fill(stream, to, value, count);
}
EMULATOR_API cuMemsetD32_v2(uint64_t to, unsigned value, size_t count) {
  EMULATOR_BEGIN
  return fill(nullptr, to, value, count);
}
EMULATOR_API cuMemsetD32Async(uint64_t to, unsigned value, size_t count, void *stream) {
  EMULATOR_BEGIN
  return fill(stream, to, value, count);
}
