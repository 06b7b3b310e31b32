/* Devices, and the kernels and weights of a model on one of them. */
#include "Cuda.h"

#include <stdlib.h>
#include <string.h>

#define WORKERS_PER_MULTIPROCESSOR 2

/* Images ------------------------------------------------------------------------------------------
 */

static const nncc_image *imageAt(const nncc_descriptor *level, int32_t index) {
  size_t size = level->images->struct_size; /* a newer library's may be larger than ours */
  return (const nncc_image *)((const char *)level->images + (size_t)index * size);
}

static bool fits(const nncc_image *image, int capability) {
  switch (image->kind) {
  case NNCC_IMAGE_CUBIN:
    return image->exact
               ? image->capability == capability
               : image->capability / 10 == capability / 10 && image->capability <= capability;
  case NNCC_IMAGE_PTX:
    return image->exact ? image->capability == capability : image->capability <= capability;
  default: /* an emulator has any capability */
    return image->kind == NNCC_IMAGE_BITCODE;
  }
}

static void appendImage(Text *text, const nncc_image *image) {
  static const char *const kinds[] = {"cubin", "PTX", "bitcode"};
  bool isKnown = image->kind >= NNCC_IMAGE_CUBIN && image->kind <= NNCC_IMAGE_BITCODE;
  nnccAppend(text, "%s%s sm_%d%s", text->size ? ", " : "", isKnown ? kinds[image->kind] : "?",
             image->capability, image->exact ? "a" : "");
}

/* Devices -----------------------------------------------------------------------------------------
 */

static nncc_status findDevice(int32_t ordinal, CUdevice *device, int *capability) {
  int count = 0, major = 0, minor = 0;
  nncc_status status = nnccCudaOpen();
  if (!status)
    status = CUDA(DeviceGetCount, &count);
  if (!status && (ordinal < 0 || ordinal >= count))
    return nnccFail(NNCC_INVALID_ARGUMENT, "no device %d: the CUDA driver has %d", ordinal, count);
  if (!status)
    status = CUDA(DeviceGet, device, ordinal);
  if (!status)
    status =
        CUDA(DeviceGetAttribute, &major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, *device);
  if (!status)
    status =
        CUDA(DeviceGetAttribute, &minor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, *device);
  *capability = 10 * major + minor;
  return status;
}

static nncc_status checkImages(const nncc_descriptor *level, CUdevice device, int capability) {
  char name[64] = "?";
  Text known = {.size = 0};
  if (level->num_images < 0 || (level->num_images && !level->images))
    return nnccFail(NNCC_ABI_MISMATCH, "model '%s': bad table of images", level->name);
  for (int32_t i = 0; i < level->num_images; ++i) {
    if (fits(imageAt(level, i), capability))
      return NNCC_OK;
    appendImage(&known, imageAt(level, i));
  }
  nnccCuda.DeviceGetName(name, sizeof name, device);
  return nnccFail(NNCC_ISA_MISSING, "no code for this device, %s (sm_%d): the library has %s", name,
                  capability, known.size ? known.data : "none");
}

/* Later devices run a chip's PTX, but may have less shared memory than that chip. */
static nncc_status checkShared(const nncc_descriptor *level, CUdevice device) {
  char name[64] = "?";
  int32_t most = 0;
  int limit = 0;
  for (int32_t i = 0; i < level->num_dispatches; ++i) {
    const nncc_launch *launch = level->dispatches[i]->launch;
    if (launch && launch->shared_bytes > most)
      most = launch->shared_bytes;
  }
  nncc_status status = most ? CUDA(DeviceGetAttribute, &limit,
                                   CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, device)
                            : NNCC_OK;
  if (status || most <= limit)
    return status;
  nnccCuda.DeviceGetName(name, sizeof name, device);
  return nnccFail(NNCC_ISA_MISSING,
                  "no code for this device, %s: kernels take %d bytes of shared memory, it has %d",
                  name, most, limit);
}

nncc_status nnccCudaCheck(const nncc_descriptor *level, int32_t ordinal) {
  CUdevice device;
  int count = 0, capability = 0;
  nncc_status status = nnccCudaOpen();
  if (!status && ordinal < 0)
    status = CUDA(DeviceGetCount, &count);
  int32_t first = ordinal < 0 ? 0 : ordinal, end = ordinal < 0 ? count : ordinal + 1;
  if (status || !level)
    return status;
  for (int32_t i = first; i < end; ++i) {
    status = findDevice(i, &device, &capability);
    if (!status)
      status = checkImages(level, device, capability);
    if (!status)
      status = checkShared(level, device);
    if (!status)
      break;
  }
  return status;
}

nncc_status nnccCudaWorkers(int32_t ordinal, int32_t *workers) {
  CUdevice device;
  int capability = 0, multiprocessors = 0;
  nncc_status status = findDevice(ordinal, &device, &capability);
  if (!status)
    status = CUDA(DeviceGetAttribute, &multiprocessors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT,
                  device);
  int count = WORKERS_PER_MULTIPROCESSOR * multiprocessors;
  *workers = count < 1 ? 1 : count > NNCC_MAX_THREADS ? NNCC_MAX_THREADS : count;
  return status;
}

/* Programs ----------------------------------------------------------------------------------------
 */

static nncc_status loadImage(DeviceProgram *program, const nncc_image *image) {
  char log[512] = "", reason[NNCC_MESSAGE_SIZE];
  int options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log, (void *)(uintptr_t)(sizeof log - 1)};
  nncc_status status = CUDA(ModuleLoadDataEx, &program->module, image->data, 2, options, values);
  if (!status)
    return NNCC_OK;
  Text which = {.size = 0};
  appendImage(&which, image);
  strcpy(reason, nncc_last_error());
  return nnccFail(status == NNCC_OUT_OF_MEMORY ? status : NNCC_NOT_SUPPORTED, "%s: %.300s%s%s",
                  which.data, reason, *log ? ": " : "", log);
}

/* The first image that loads: the table has the best first. The first error is what counts, for it
 * is that of the best image. */
static nncc_status loadModule(DeviceProgram *program, int capability) {
  const nncc_descriptor *d = program->descriptor;
  char first[NNCC_MESSAGE_SIZE] = "";
  nncc_status status = NNCC_OK;
  for (int32_t i = 0; i < d->num_images; ++i) {
    const nncc_image *image = imageAt(d, i);
    if (!fits(image, capability))
      continue;
    nncc_status failure = loadImage(program, image);
    if (!failure)
      return NNCC_OK;
    if (!status)
      strcpy(first, nncc_last_error());
    status = status ? status : failure;
  }
  return nnccFail(status, "%s", first); /* one of them fits: nnccCudaCheck() has said so */
}

static nncc_status findKernel(DeviceProgram *program, int32_t index) {
  const nncc_dispatch *dispatch = program->descriptor->dispatches[index];
  const nncc_launch *launch = dispatch->launch;
  if (!launch)
    return NNCC_OK;
  int32_t parameters = launch->num_buffers + launch->num_dims + 2;
  if (launch->threads < 1 || launch->num_buffers < 0 || launch->num_dims < 0 || parameters < 2)
    return nnccFail(NNCC_ABI_MISMATCH, "kernel '%s': bad launch", dispatch->kernel);
  if (parameters > program->parameters)
    program->parameters = parameters;
  CUfunction *function = &program->functions[index];
  nncc_status status = CUDA(ModuleGetFunction, function, program->module, dispatch->kernel);
  if (!status && launch->shared_bytes)
    status = CUDA(FuncSetAttribute, *function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                  launch->shared_bytes);
  if (!status)
    return NNCC_OK;
  char reason[NNCC_MESSAGE_SIZE];
  strcpy(reason, nncc_last_error());
  return nnccFail(status, "kernel '%s': %.900s", dispatch->kernel, reason);
}

static nncc_status copyWeights(DeviceProgram *program, const char *weights) {
  uint64_t size = program->descriptor->weights_size;
  if (!size)
    return NNCC_OK;
  nncc_status status = CUDA(MemAlloc, &program->weights, size + NNCC_ALIGNMENT);
  if (status) {
    char reason[NNCC_MESSAGE_SIZE];
    strcpy(reason, nncc_last_error());
    return nnccFail(status, "no memory of the device for %llu bytes of weights: %.900s",
                    (unsigned long long)size, reason);
  }
  status = CUDA(MemcpyAsync, program->weights, (CUdeviceptr)(uintptr_t)weights, size, NULL);
  return status ? status : CUDA(StreamSynchronize, NULL);
}

/* A pool of ours keeps what is freed, so that later runs take no memory from the system; the
 * device's own pool belongs to the whole process. */
static void makePool(DeviceProgram *program) {
  int supported = 0;
  CUmemPoolProps properties = {.allocType = CU_MEM_ALLOCATION_TYPE_PINNED,
                               .location = {CU_MEM_LOCATION_TYPE_DEVICE, program->ordinal}};
  uint64_t all = UINT64_MAX;
  nnccCuda.DeviceGetAttribute(&supported, CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED,
                              program->device);
  program->hasPools = supported && nnccCuda.MemAllocAsync && nnccCuda.MemFreeAsync;
  if (!program->hasPools || !nnccCuda.MemAllocFromPoolAsync || !nnccCuda.MemPoolCreate ||
      !nnccCuda.MemPoolSetAttribute || !nnccCuda.MemPoolDestroy ||
      nnccCuda.MemPoolCreate(&program->pool, &properties) != CUDA_SUCCESS)
    program->pool = NULL;
  else
    nnccCuda.MemPoolSetAttribute(program->pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &all);
}

static nncc_status fill(DeviceProgram *program, const char *weights, int capability) {
  const nncc_descriptor *d = program->descriptor;
  nncc_status status = CUDA(CtxPushCurrent, program->context);
  if (status)
    return status;
  status = loadModule(program, capability);
  for (int32_t i = 0; !status && i < d->num_dispatches; ++i)
    status = findKernel(program, i);
  if (!status)
    status = copyWeights(program, weights);
  if (!status)
    makePool(program);
  CUcontext popped;
  nnccCuda.CtxPopCurrent(&popped);
  return status;
}

nncc_status nnccCudaLoad(const nncc_descriptor *descriptor, const char *weights, int32_t ordinal,
                         DeviceProgram **result) {
  DeviceProgram *program = calloc(1, sizeof *program);
  int capability = 0;
  if (!program)
    return nnccFail(NNCC_OUT_OF_MEMORY, "no memory for a program");
  program->descriptor = descriptor;
  program->ordinal = ordinal;
  program->functions = calloc((size_t)descriptor->num_dispatches + 1, sizeof(CUfunction));
  nncc_status status = program->functions ? findDevice(ordinal, &program->device, &capability)
                                          : nnccFail(NNCC_OUT_OF_MEMORY, "no memory for a program");
  if (!status)
    status = nnccCudaWorkers(ordinal, &program->workers);
  if (!status)
    status = CUDA(DevicePrimaryCtxRetain, &program->context, program->device);
  if (!status)
    status = fill(program, weights, capability);
  if (status)
    nnccCudaUnload(program);
  else
    *result = program;
  return status;
}

/* Keeps the last error of the thread, which may be the reason for this. */
void nnccCudaUnload(DeviceProgram *program) {
  CUcontext popped;
  if (program->context && !nnccCudaIsForked()) {
    if (nnccCuda.CtxPushCurrent(program->context) == CUDA_SUCCESS) {
      if (program->pool)
        nnccCuda.MemPoolDestroy(program->pool);
      if (program->weights) {
        nnccCuda.StreamSynchronize(NULL); /* a copy of them may have failed half way */
        nnccCuda.MemFree(program->weights);
      }
      if (program->module)
        nnccCuda.ModuleUnload(program->module);
      nnccCuda.CtxPopCurrent(&popped);
    }
    nnccCuda.DevicePrimaryCtxRelease(program->device);
  }
  free(program->functions);
  free(program);
}
