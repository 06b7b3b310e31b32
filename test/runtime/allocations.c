/* From the second run on, no thread takes memory from the system: this program counts every call to
 * the allocator and compares the process's mappings. */
#include "arguments.h"
#include "check.h"

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

int main(void) {
  static Arguments small, large;
  static char before[1 << 16], after[1 << 16];
  nncc_model *model = NULL;
  CHECK_OK(nncc_model_from_descriptor(nncc_model_small(), NULL, &model));
  for (int32_t threads = 1; threads <= 4; ++threads) {
    nncc_instance_options options = NNCC_INSTANCE_OPTIONS_INIT;
    nncc_instance *instance = NULL;
    options.threads = threads;
    options.flags = threads == 4 ? NNCC_INSTANCE_PROFILE : 0;
    CHECK_OK(nncc_instance_create(model, &options, &instance));
    setArguments(&small, 3, 0);
    setArguments(&large, 500, 0);
    int atStart = atomic_load(&calls);
    CHECK_OK(nncc_instance_run(instance, small.inputs, 2, small.outputs, 2));
    CHECK_OK(nncc_instance_run(instance, large.inputs, 2, large.outputs, 2));
    CHECK(atomic_load(&calls) > atStart); /* it does count */
    int counted = atomic_load(&calls);
    size_t mappings = readMappings(before, sizeof before);
    for (int i = 0; i < 300; ++i) {
      Arguments *a = i % 3 ? &large : &small; /* sizes that alternate are no reason either */
      if (nncc_instance_run(instance, a->inputs, 2, a->outputs, 2))
        ++checkFailures;
      if (i % 50 == 0)
        usleep(2000); /* workers go to sleep and are woken */
    }
    int found = atomic_load(&calls) - counted;
    if (found)
      fprintf(stderr, "%d threads: %d calls\n", threads, found);
    CHECK(found == 0);
    CHECK(readMappings(after, sizeof after) == mappings && memcmp(before, after, mappings) == 0);
    CHECK(resultsAreRight(&small) && resultsAreRight(&large));
    nncc_instance_destroy(instance);
  }
  nncc_model_close(model);
  return checkResult();
}
