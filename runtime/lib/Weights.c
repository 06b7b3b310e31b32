/* Weights: in the library, in memory of the host, or in a file. */
#include "Internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HUGE_PAGE ((uint64_t)2 << 20)

void *nnccAllocate(uint64_t bytes) {
  bool large = bytes >= HUGE_PAGE;
  void *memory = NULL;
  if (bytes > PTRDIFF_MAX ||
      posix_memalign(&memory, large ? HUGE_PAGE : NNCC_ALIGNMENT, bytes ? bytes : 1))
    return NULL;
#ifdef MADV_HUGEPAGE
  if (large)
    madvise(memory, bytes, MADV_HUGEPAGE); /* a wish: nothing depends on it */
#endif
  return memory;
}

/* FNV-1a over little-endian 64-bit words, the last one padded with zeros. */
static uint64_t hashOf(const char *data, uint64_t size) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (uint64_t i = 0; i < size; i += 8) {
    uint64_t word = 0;
    memcpy(&word, data + i, size - i < 8 ? size - i : 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    hash = (hash ^ word) * UINT64_C(0x100000001b3);
  }
  return hash;
}

static nncc_status verify(const nncc_descriptor *descriptor, const char *data, const char *where) {
  uint64_t hash = hashOf(data, descriptor->weights_size);
  if (hash == descriptor->weights_hash)
    return NNCC_OK;
  return nnccFail(NNCC_DATA_ERROR, "%s: weights are damaged: hash is %016llx, expected %016llx",
                  where, (unsigned long long)hash, (unsigned long long)descriptor->weights_hash);
}

static nncc_status checkHeader(int file, const char *path, const nncc_descriptor *descriptor) {
  nncc_weights_header header;
  struct stat info;
  if (fstat(file, &info))
    return nnccFail(NNCC_IO_ERROR, "%s: %s", path, strerror(errno));
  if (!S_ISREG(info.st_mode))
    return nnccFail(NNCC_IO_ERROR, "%s: not a file", path);
  ssize_t read = pread(file, &header, sizeof header, 0);
  if (read < 0)
    return nnccFail(NNCC_IO_ERROR, "%s: %s", path, strerror(errno));
  if (read < (ssize_t)sizeof header)
    return nnccFail(NNCC_IO_ERROR, "%s: is cut off: %lld bytes", path, (long long)info.st_size);
  if (header.magic != NNCC_WEIGHTS_MAGIC)
    return nnccFail(NNCC_ABI_MISMATCH, "%s: not a weights file", path);
  if (header.size != descriptor->weights_size || header.hash != descriptor->weights_hash)
    return nnccFail(NNCC_ABI_MISMATCH,
                    "%s: weights of another model or another compilation: %llu bytes with hash "
                    "%016llx, '%s' needs %llu bytes with hash %016llx",
                    path, (unsigned long long)header.size, (unsigned long long)header.hash,
                    descriptor->name, (unsigned long long)descriptor->weights_size,
                    (unsigned long long)descriptor->weights_hash);
  if ((uint64_t)info.st_size < NNCC_WEIGHTS_OFFSET ||
      (uint64_t)info.st_size - NNCC_WEIGHTS_OFFSET < header.size)
    return nnccFail(NNCC_IO_ERROR, "%s: is cut off: %lld bytes, expected %llu", path,
                    (long long)info.st_size, (unsigned long long)header.size + NNCC_WEIGHTS_OFFSET);
  return NNCC_OK;
}

static nncc_status copyFile(Weights *weights, int file, const char *path, uint64_t size) {
  char *memory = nnccAllocate(size + NNCC_ALIGNMENT);
  if (!memory)
    return nnccFail(NNCC_OUT_OF_MEMORY, "%s: no memory for %llu bytes of weights", path,
                    (unsigned long long)size);
  weights->memory = memory;
  weights->data = memory;
  for (uint64_t done = 0; done < size;) {
    ssize_t read = pread(file, memory + done, size - done, (off_t)(NNCC_WEIGHTS_OFFSET + done));
    if (read < 0 && errno == EINTR)
      continue;
    if (read <= 0)
      return nnccFail(NNCC_IO_ERROR, "%s: %s", path, read ? strerror(errno) : "is cut off");
    done += (uint64_t)read;
  }
  memset(memory + size, 0, NNCC_ALIGNMENT);
  return NNCC_OK;
}

/* Maps the file over a reservation that is a page longer: kernels may read a little beyond the end,
 * which may be the end of the file's last page. */
static nncc_status mapFile(Weights *weights, int file, const char *path, uint64_t size) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t bytes = NNCC_WEIGHTS_OFFSET + size;
  size_t reserved = (bytes + page - 1) / page * page + page;
  char *base = mmap(NULL, reserved, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base != MAP_FAILED &&
      mmap(base, bytes, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0) == MAP_FAILED) {
    int error = errno;
    munmap(base, reserved);
    errno = error;
    base = MAP_FAILED;
  }
  if (base == MAP_FAILED)
    return nnccFail(errno == ENOMEM ? NNCC_OUT_OF_MEMORY : NNCC_IO_ERROR, "%s: cannot map: %s",
                    path, strerror(errno));
  madvise(base, bytes, MADV_WILLNEED); /* read ahead of the first run */
  weights->mapping = base;
  weights->mapped = reserved;
  weights->data = base + NNCC_WEIGHTS_OFFSET;
  return NNCC_OK;
}

static nncc_status loadFile(Weights *weights, const nncc_descriptor *descriptor, uint32_t flags,
                            const char *path) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return nnccFail(NNCC_IO_ERROR, "%s: %s (weights of '%s')", path, strerror(errno),
                    descriptor->name);
  nncc_status status = checkHeader(file, path, descriptor);
  if (!status)
    status = (flags & NNCC_OPEN_COPY_WEIGHTS ? copyFile : mapFile)(weights, file, path,
                                                                   descriptor->weights_size);
  close(file);
  if (!status && flags & NNCC_OPEN_VERIFY_WEIGHTS)
    status = verify(descriptor, weights->data, path);
  return status;
}

static bool besideLibrary(const char *library, const char *name, char path[PATH_MAX]) {
  const char *slash = library ? strrchr(library, '/') : NULL;
  int folder = slash ? (int)(slash - library + 1) : 0;
  return snprintf(path, PATH_MAX, "%.*s%s", folder, library ? library : "", name) < PATH_MAX;
}

/* Beside the library as it was named, or else beside the file that a symbolic link leads to. */
static nncc_status findFile(const nncc_descriptor *descriptor, const char *library,
                            char path[PATH_MAX]) {
  char real[PATH_MAX], candidate[PATH_MAX];
  const char *name = descriptor->weights_file;
  if (strchr(name, '/'))
    return nnccFail(NNCC_ABI_MISMATCH, "the weights file of '%s' has a folder: '%s'",
                    descriptor->name, name);
  if (!besideLibrary(library, name, path))
    return nnccFail(NNCC_IO_ERROR, "%s: %s", name, strerror(ENAMETOOLONG));
  if (library && access(path, F_OK) && realpath(library, real) &&
      besideLibrary(real, name, candidate) && access(candidate, F_OK) == 0)
    strcpy(path, candidate);
  return NNCC_OK;
}

nncc_status nnccLoadWeights(Weights *weights, const nncc_descriptor *descriptor,
                            const nncc_open_options *options, const char *library) {
  char path[PATH_MAX];
  const char *given = options->weights ? options->weights : descriptor->weights;
  if (!descriptor->weights_size)
    return NNCC_OK;
  if (options->weights && options->weights_size != descriptor->weights_size)
    return nnccFail(NNCC_INVALID_ARGUMENT, "options.weights: %llu bytes, '%s' needs %llu",
                    (unsigned long long)options->weights_size, descriptor->name,
                    (unsigned long long)descriptor->weights_size);
  if (given && (uintptr_t)given % NNCC_ALIGNMENT)
    return nnccFail(options->weights ? NNCC_INVALID_ARGUMENT : NNCC_ABI_MISMATCH,
                    "weights of '%s' are not aligned to %d bytes", descriptor->name,
                    NNCC_ALIGNMENT);
  if (given) {
    weights->data = given;
    return options->flags & NNCC_OPEN_VERIFY_WEIGHTS ? verify(descriptor, given, descriptor->name)
                                                     : NNCC_OK;
  }
  if (options->weights_path)
    return loadFile(weights, descriptor, options->flags, options->weights_path);
  if (!descriptor->weights_file || !*descriptor->weights_file)
    return nnccFail(NNCC_ABI_MISMATCH, "'%s' has weights, but neither holds nor names them",
                    descriptor->name);
  nncc_status status = findFile(descriptor, library, path);
  return status ? status : loadFile(weights, descriptor, options->flags, path);
}

void nnccFreeWeights(Weights *weights) {
  if (weights->mapping)
    munmap(weights->mapping, weights->mapped);
  free(weights->memory);
}
