/* Loads the CUDA driver. */
#include "Cuda.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#define LIBRARY "libcuda.so.1"
#define VERSION 12000 /* of the interface that Cuda.h declares */

Driver nnccCuda;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char whyNot[256]; /* "": the driver can be used */

typedef CUresult (*GetProcAddress)(const char *name, void **function, int version,
                                   unsigned long long flags, int *found);

typedef struct Function {
  const char *name, *suffix;
  size_t offset; /* in Driver */
  bool isOptional;
} Function;

static const Function functions[] = {
#define NNCC_CUDA_ENTRY(name, suffix, parameters)                                                  \
  {"cu" #name, suffix, offsetof(Driver, name), false},
#define NNCC_CUDA_OPTIONAL_ENTRY(name, suffix, parameters)                                         \
  {"cu" #name, suffix, offsetof(Driver, name), true},
    NNCC_CUDA_FUNCTIONS(NNCC_CUDA_ENTRY) NNCC_CUDA_OPTIONAL_FUNCTIONS(NNCC_CUDA_OPTIONAL_ENTRY)};

/* By the driver's own table, which knows versions; one before CUDA 12 has only the symbols. */
static void *find(void *library, GetProcAddress get, const Function *function) {
  char symbol[64];
  void *address = NULL;
  int found = 0;
  if (get && get(function->name, &address, VERSION, 0, &found) == CUDA_SUCCESS && address)
    return address;
  snprintf(symbol, sizeof symbol, "%s%s", function->name, function->suffix);
  return dlsym(library, symbol);
}

static atomic_bool isForked;
static void noteFork(void) { atomic_store_explicit(&isForked, true, memory_order_relaxed); }
bool nnccCudaIsForked(void) { return atomic_load_explicit(&isForked, memory_order_relaxed); }

/* The library stays loaded: the driver's threads would not survive it. */
static void load(void) {
  void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    snprintf(whyNot, sizeof whyNot, "no CUDA driver: %s", reason ? reason : LIBRARY);
    return;
  }
  GetProcAddress get;
  void *symbol = dlsym(library, "cuGetProcAddress_v2");
  memcpy(&get, &symbol, sizeof get); /* ISO C has no conversion from object to function */
  for (size_t i = 0; i < sizeof functions / sizeof *functions; ++i) {
    void *address = find(library, get, &functions[i]);
    memcpy((char *)&nnccCuda + functions[i].offset, &address, sizeof address);
    if (!address && !functions[i].isOptional) {
      snprintf(whyNot, sizeof whyNot, "the CUDA driver (" LIBRARY ") is too old: it has no %s",
               functions[i].name);
      return;
    }
  }
  int count = 0;
  pthread_atfork(NULL, NULL, noteFork);
  nncc_status status = CUDA(Init, 0);
  if (!status)
    status = CUDA(DeviceGetCount, &count);
  if (status)
    snprintf(whyNot, sizeof whyNot, "the CUDA driver cannot be used: %.200s", nncc_last_error());
  else if (!count)
    snprintf(whyNot, sizeof whyNot, "the CUDA driver has no device");
}

nncc_status nnccCudaOpen(void) {
  pthread_once(&once, load);
  if (nnccCudaIsForked())
    return nnccFail(
        NNCC_NOT_SUPPORTED,
        "this process was forked from one that uses the CUDA driver, which works in the "
        "parent alone: fork before the first model for a device is opened, or start a "
        "new program (Python's multiprocessing: \"spawn\")");
  return *whyNot ? nnccFail(NNCC_ISA_MISSING, "%s", whyNot) : NNCC_OK;
}

nncc_status nnccCudaStatus(CUresult result, const char *function) {
  const char *name = NULL, *text = NULL;
  if (result == CUDA_SUCCESS)
    return NNCC_OK;
  nnccCuda.GetErrorName(result, &name);
  nnccCuda.GetErrorString(result, &text);
  nncc_status status = result == CUDA_ERROR_OUT_OF_MEMORY   ? NNCC_OUT_OF_MEMORY
                       : result == CUDA_ERROR_NOT_SUPPORTED ? NNCC_NOT_SUPPORTED
                                                            : NNCC_INTERNAL;
  return nnccFail(status, "%s: %s (%s)", function, name ? name : "unknown error",
                  text ? text : "no description");
}
