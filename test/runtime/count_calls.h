/* Counts every call to the allocator of the program that includes this file, and reads the mappings
 * of its process. */
#ifndef NNCC_TEST_RUNTIME_COUNT_CALLS_H
#define NNCC_TEST_RUNTIME_COUNT_CALLS_H

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int calls;

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

static void count(void) { atomic_fetch_add(&calls, 1); }

/* An executable's functions take the place of the C library's, for all libraries. */
void *malloc(size_t size) {
  count();
  return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
  count();
  return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size) {
  count();
  return __libc_realloc(memory, size);
}

void *memalign(size_t alignment, size_t size) {
  count();
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
  *memory = memalign(alignment, size);
  return *memory ? 0 : ENOMEM;
}

void free(void *memory) {
  if (memory)
    count();
  __libc_free(memory);
}

void *mmap(void *address, size_t size, int protection, int flags, int file, off_t offset) {
  count();
  return (void *)syscall(SYS_mmap, address, size, protection, flags, file, offset);
}

int munmap(void *address, size_t size) {
  count();
  return (int)syscall(SYS_munmap, address, size);
}

/* Without stdio: that would allocate. */
static size_t readMappings(char *text, size_t size) {
  int file = open("/proc/self/maps", O_RDONLY);
  size_t done = 0;
  for (ssize_t n; file >= 0 && (n = read(file, text + done, size - done)) > 0;)
    done += (size_t)n;
  close(file);
  return done;
}

#endif
