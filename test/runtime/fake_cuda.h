/* A stand-in for the CUDA driver, to test what the runtime asks of it: fake_cuda.c becomes a
 * libcuda.so.1. Its kernels are C functions in it, its images text that names it. Addresses of the
 * "device" are none that the processor can use, and work is done as late as the driver's promises
 * allow: what is not waited for has not happened.
 *
 * The environment variable FAKE_CUDA_FAIL=<function>:<error>:<n> makes the n-th call of a function
 * (from 1) fail, with errors from 700 on being final as the driver's are: all calls return them
 * until the last use of a context is given back. FAKE_CUDA_CAPABILITY=<10 * major + minor> makes it
 * another device.
 *
 * Streams, modules and memory belong to the context, and so to the device, that they were made in;
 * one that does not exist, NULL, stands for that of device 0. After a fork the child's calls
 * fail. */
#ifndef NNCC_TEST_RUNTIME_FAKE_CUDA_H
#define NNCC_TEST_RUNTIME_FAKE_CUDA_H

#include <stdint.h>

#define FAKE_CUBIN "fake cubin"
#define FAKE_PTX "fake ptx"
#define FAKE_BAD_IMAGE "bad image"

typedef struct FakeCuda {
  /* What it is. */
  int devices, capability, multiprocessors, hasPools;
  int shared;      /* bytes of shared memory that a block may ask for */
  int knowsPools;  /* has functions for them */
  uint64_t memory; /* bytes of the device */
  /* What there is now. */
  int contexts, modules, allocations, pinned, streams, events, graphs, pools;
  uint64_t used;
  /* What has been done. */
  int launches, graphLaunches, captures, copies, waits, streamWaits, allocated;
  int lastBlocks, lastThreads, lastShared, lastDevice;
  int calls;         /* after a fork, which the driver does not survive */
  const char *image; /* the last that was loaded */
  int lost;          /* the final error, or 0 */
} FakeCuda;

/* Depth of the calling thread's stack of contexts. */
typedef int (*FakeCudaDepth)(void);

#endif
