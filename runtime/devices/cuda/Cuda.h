/* The device "cuda": NVIDIA's GPUs, by the driver's own library.
 *
 *   Driver.c   loads libcuda and finds the functions that are used
 *   Module.c   devices, images and kernels
 *   Queue.c    memory, launches, graphs
 *
 * Nothing of CUDA is needed to build: the few declarations that are used are below, by the driver's
 * names. All of the interface is described in NVIDIA's "CUDA Driver API" reference. */
#ifndef NNCC_RUNTIME_DEVICES_CUDA_H
#define NNCC_RUNTIME_DEVICES_CUDA_H

#include "../../lib/Device.h"
#include "../../lib/Internal.h"

typedef int CUresult, CUdevice;
typedef unsigned long long CUdeviceptr;
typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef struct CUgraph_st *CUgraph;
typedef struct CUgraphExec_st *CUgraphExec;
typedef struct CUmemPoolHandle_st *CUmemoryPool;

enum {
  CUDA_SUCCESS = 0,
  CUDA_ERROR_OUT_OF_MEMORY = 2,
  CUDA_ERROR_ECC_UNCORRECTABLE = 214,
  CUDA_ERROR_NVLINK_UNCORRECTABLE = 220,
  CUDA_ERROR_CONTAINED = 226,
  CUDA_ERROR_ILLEGAL_ADDRESS = 700,
  CUDA_ERROR_LAUNCH_TIMEOUT = 702,
  CUDA_ERROR_CONTEXT_IS_DESTROYED = 709,
  CUDA_ERROR_ASSERT = 710,
  CUDA_ERROR_HARDWARE_STACK_ERROR = 714,
  CUDA_ERROR_LAUNCH_FAILED = 719,
  CUDA_ERROR_NOT_SUPPORTED = 801
};
enum {
  CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT = 16,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR = 75,
  CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR = 76,
  CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97,
  CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED = 115
};
enum { CU_JIT_ERROR_LOG_BUFFER = 5, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES = 6 };
enum { CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8 };
enum { CU_STREAM_DEFAULT = 0, CU_STREAM_NON_BLOCKING = 1 };
enum { CU_EVENT_DISABLE_TIMING = 2 };
enum { CU_STREAM_CAPTURE_MODE_THREAD_LOCAL = 1 };
enum { CU_MEM_ALLOCATION_TYPE_PINNED = 1, CU_MEM_LOCATION_TYPE_DEVICE = 1 };
enum { CU_MEMPOOL_ATTR_RELEASE_THRESHOLD = 4 };

typedef struct CUmemPoolProps {
  int allocType, handleTypes;
  struct {
    int type, id;
  } location;
  void *win32SecurityAttributes;
  size_t maxSize;
  unsigned short usage;
  unsigned char reserved[54];
} CUmemPoolProps;

/* F(name, suffix of the version, parameters): functions that every driver since CUDA 11.4 has. */
#define NNCC_CUDA_FUNCTIONS(F)                                                                     \
  F(Init, "", (unsigned flags))                                                                    \
  F(GetErrorName, "", (CUresult error, const char **name))                                         \
  F(GetErrorString, "", (CUresult error, const char **text))                                       \
  F(DeviceGetCount, "", (int *count))                                                              \
  F(DeviceGet, "", (CUdevice * device, int ordinal))                                               \
  F(DeviceGetName, "", (char *name, int size, CUdevice device))                                    \
  F(DeviceGetAttribute, "", (int *value, int attribute, CUdevice device))                          \
  F(DevicePrimaryCtxRetain, "", (CUcontext * context, CUdevice device))                            \
  F(DevicePrimaryCtxRelease, "_v2", (CUdevice device))                                             \
  F(CtxPushCurrent, "_v2", (CUcontext context))                                                    \
  F(CtxPopCurrent, "_v2", (CUcontext * context))                                                   \
  F(CtxSynchronize, "", (void))                                                                    \
  F(ModuleLoadDataEx, "",                                                                          \
    (CUmodule * module, const void *image, unsigned count, int *options, void **values))           \
  F(ModuleUnload, "", (CUmodule module))                                                           \
  F(ModuleGetFunction, "", (CUfunction * function, CUmodule module, const char *name))             \
  F(FuncSetAttribute, "", (CUfunction function, int attribute, int value))                         \
  F(MemAlloc, "_v2", (CUdeviceptr * memory, size_t bytes))                                         \
  F(MemFree, "_v2", (CUdeviceptr memory))                                                          \
  F(MemAllocHost, "_v2", (void **memory, size_t bytes))                                            \
  F(MemFreeHost, "", (void *memory))                                                               \
  F(MemcpyAsync, "", (CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream))            \
  F(StreamCreate, "", (CUstream * stream, unsigned flags))                                         \
  F(StreamDestroy, "_v2", (CUstream stream))                                                       \
  F(StreamGetCtx, "", (CUstream stream, CUcontext * context))                                      \
  F(StreamSynchronize, "", (CUstream stream))                                                      \
  F(StreamBeginCapture, "_v2", (CUstream stream, int mode))                                        \
  F(StreamEndCapture, "", (CUstream stream, CUgraph * graph))                                      \
  F(GraphInstantiateWithFlags, "",                                                                 \
    (CUgraphExec * executable, CUgraph graph, unsigned long long flags))                           \
  F(GraphLaunch, "", (CUgraphExec executable, CUstream stream))                                    \
  F(GraphDestroy, "", (CUgraph graph))                                                             \
  F(GraphExecDestroy, "", (CUgraphExec executable))                                                \
  F(EventCreate, "", (CUevent * event, unsigned flags))                                            \
  F(EventDestroy, "_v2", (CUevent event))                                                          \
  F(EventRecord, "", (CUevent event, CUstream stream))                                             \
  F(StreamWaitEvent, "", (CUstream stream, CUevent event, unsigned flags))                         \
  F(EventElapsedTime, "", (float *milliseconds, CUevent from, CUevent to))                         \
  F(LaunchKernel, "",                                                                              \
    (CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,         \
     unsigned blockY, unsigned blockZ, unsigned sharedBytes, CUstream stream, void **parameters,   \
     void **extra))

/* Functions that a driver need not have: NULL. */
#define NNCC_CUDA_OPTIONAL_FUNCTIONS(F)                                                            \
  F(MemAllocAsync, "", (CUdeviceptr * memory, size_t bytes, CUstream stream))                      \
  F(MemFreeAsync, "", (CUdeviceptr memory, CUstream stream))                                       \
  F(MemAllocFromPoolAsync, "",                                                                     \
    (CUdeviceptr * memory, size_t bytes, CUmemoryPool pool, CUstream stream))                      \
  F(MemPoolCreate, "", (CUmemoryPool * pool, const CUmemPoolProps *properties))                    \
  F(MemPoolDestroy, "", (CUmemoryPool pool))                                                       \
  F(MemPoolSetAttribute, "", (CUmemoryPool pool, int attribute, void *value))

typedef struct Driver {
#define NNCC_CUDA_FIELD(name, suffix, parameters) CUresult(*name) parameters;
  NNCC_CUDA_FUNCTIONS(NNCC_CUDA_FIELD)
  NNCC_CUDA_OPTIONAL_FUNCTIONS(NNCC_CUDA_FIELD)
#undef NNCC_CUDA_FIELD
} Driver;

/* Driver.c --------------------------------------------------------------------------------------
 */

/* Filled by nnccCudaOpen(). */
extern Driver nnccCuda;

/* Loads the driver, once for the process, from any thread. NNCC_ISA_MISSING: there is none, or it
 * has no device. NNCC_NOT_SUPPORTED: nnccCudaIsForked(). */
nncc_status nnccCudaOpen(void);

/* Whether this process is a child of the one that has loaded the driver, which works there alone:
 * nothing of it is called any more. */
bool nnccCudaIsForked(void);

/* The status for a result of the driver; with the function's name, and the driver's for the error
 * and what it says of it. */
nncc_status nnccCudaStatus(CUresult result, const char *function);
#define CUDA(name, ...) nnccCudaStatus(nnccCuda.name(__VA_ARGS__), "cu" #name)

/* Module.c --------------------------------------------------------------------------------------
 */

struct DeviceProgram {
  const nncc_descriptor *descriptor;
  int32_t ordinal, workers;
  CUdevice device;
  CUcontext context; /* the device's primary one, retained */
  CUmodule module;
  CUfunction *functions; /* by dispatch */
  CUdeviceptr weights;
  bool hasPools;
  CUmemoryPool pool;  /* keeps memory between runs; NULL: the device's own */
  int32_t parameters; /* the most that a kernel has */
  atomic_int lost;    /* the error after which the context can do nothing any more, or 0 */
};

nncc_status nnccCudaCheck(const nncc_descriptor *level, int32_t ordinal);
nncc_status nnccCudaWorkers(int32_t ordinal, int32_t *workers);
nncc_status nnccCudaLoad(const nncc_descriptor *descriptor, const char *weights, int32_t ordinal,
                         DeviceProgram **program);
void nnccCudaUnload(DeviceProgram *program);

#endif
