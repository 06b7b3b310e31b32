/* From the caller's tensors to the sizes of the dims, and from these to the workspace. */
#include "Internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Everything by which inputs and outputs differ here. */
typedef struct Side {
  const char *kind;
  const nncc_tensor_info *infos;
  int32_t count;
  void **pointers;
  int64_t *bytes;
  bool *onDevice;
} Side;

static Side sideOf(nncc_instance *instance, bool input) {
  const nncc_descriptor *d = &instance->model->descriptor;
  Side inputs = {"input",
                 d->inputs,
                 d->num_inputs,
                 instance->inputs,
                 instance->inputBytes,
                 instance->inputOnDevice};
  Side outputs = {"output",
                  d->outputs,
                  d->num_outputs,
                  instance->outputs,
                  instance->outputBytes,
                  instance->outputOnDevice};
  return input ? inputs : outputs;
}

static Text namesOf(const Side *side) {
  Text names = {.size = 0};
  for (int32_t i = 0; i < side->count; ++i)
    nnccAppendName(&names, side->infos[i].name);
  return names;
}

static nncc_status wrongTensor(const nncc_descriptor *d, const Side *side, int32_t index,
                               const nncc_tensor *found, const char *reason) {
  const nncc_tensor_info *info = &side->infos[index];
  Text expectation = {.size = 0}, finding = {.size = 0};
  nnccAppendTensor(&expectation, d, info->type, info->rank, info->shape);
  nnccAppendTensor(&finding, NULL, found->type, found->rank, found->shape);
  return nnccFail(NNCC_INVALID_ARGUMENT, "%s '%s' (number %d): expected %s, found %s%s", side->kind,
                  info->name, index, expectation.data, finding.data, reason);
}

/* Which input or output the tensor at `position` is; -1: an error. */
static int32_t resolve(const Side *side, const nncc_tensor *tensor, int32_t position, bool *seen) {
  int32_t index = position;
  if (tensor->name && strcmp(tensor->name, side->infos[position].name) != 0) {
    for (index = 0; index < side->count; ++index)
      if (strcmp(tensor->name, side->infos[index].name) == 0)
        break;
    if (index == side->count) {
      Text names = namesOf(side);
      nnccFail(NNCC_INVALID_ARGUMENT, "no %s has the name '%s'; expected %s", side->kind,
               tensor->name, names.data);
      return -1;
    }
  }
  if (seen[index]) {
    nnccFail(NNCC_INVALID_ARGUMENT, "%s '%s' is given twice", side->kind, side->infos[index].name);
    return -1;
  }
  seen[index] = true;
  return index;
}

/* Type, rank and sign of the sizes; the sizes themselves are compared later. */
static nncc_status checkTensor(const nncc_descriptor *d, const Side *side, int32_t index,
                               const nncc_tensor *tensor) {
  const nncc_tensor_info *info = &side->infos[index];
  if (tensor->rank > 0 && !tensor->shape)
    return nnccFail(NNCC_INVALID_ARGUMENT, "%s '%s' (number %d): shape is NULL", side->kind,
                    info->name, index);
  if ((tensor->type & ~NNCC_ON_DEVICE) != info->type || tensor->rank != info->rank)
    return wrongTensor(d, side, index, tensor, "");
  for (int32_t i = 0; i < tensor->rank; ++i)
    if (tensor->shape[i] < 0)
      return wrongTensor(d, side, index, tensor, ": a size is negative");
  return NNCC_OK;
}

/* Whether the caller's memory is the device's, which a model on the processor cannot reach; a
 * device, unlike a processor, cannot read elements that are not aligned. */
static nncc_status takePlace(const nncc_descriptor *d, const Side *side, int32_t index,
                             const nncc_tensor *tensor) {
  uintptr_t size = (uintptr_t)nncc_type_bits(side->infos[index].type) / 8;
  side->onDevice[index] = (tensor->type & NNCC_ON_DEVICE) != 0;
  if (!side->onDevice[index])
    return NNCC_OK;
  if (d->device == NNCC_DEVICE_CPU)
    return wrongTensor(d, side, index, tensor,
                       " in memory of a device; the model runs on the processor");
  if (size > 1 && (uintptr_t)tensor->data % (size > 8 ? 8 : size))
    return wrongTensor(d, side, index, tensor,
                       " at an address that its elements are not aligned at");
  return NNCC_OK;
}

static nncc_status takeData(const nncc_descriptor *d, const Side *side, int32_t index,
                            const nncc_tensor *tensor) {
  nncc_type type = side->infos[index].type;
  int64_t bytes = nncc_tensor_bytes(type, tensor->rank, tensor->shape);
  if (bytes < 0)
    return wrongTensor(d, side, index, tensor,
                       nncc_type_bits(type) ? ": too large" : ": not a flat type");
  if (bytes && !tensor->data)
    return nnccFail(NNCC_INVALID_ARGUMENT, "%s '%s' (number %d): data is NULL", side->kind,
                    side->infos[index].name, index);
  nncc_status status = takePlace(d, side, index, tensor);
  if (status)
    return status;
  side->pointers[index] = tensor->data;
  side->bytes[index] = bytes;
  return NNCC_OK;
}

static const char *dimName(const nncc_descriptor *d, int64_t dim) {
  const char *name = d->dims[dim].name;
  return name && *name ? name : "?";
}

/* Compares the sizes with the static ones, and gives the dims those that are not. */
static nncc_status takeSizes(nncc_instance *instance, const Side *side, int32_t index,
                             const nncc_tensor *tensor) {
  const nncc_descriptor *d = &instance->model->descriptor;
  const nncc_tensor_info *info = &side->infos[index];
  char reason[160];
  for (int32_t i = 0; i < info->rank; ++i) {
    int64_t expected = info->shape[i], found = tensor->shape[i];
    if (expected >= 0 && expected != found) {
      snprintf(reason, sizeof reason, ": size %d is %lld, expected %lld", i, (long long)found,
               (long long)expected);
      return wrongTensor(d, side, index, tensor, reason);
    }
    if (expected >= 0)
      continue;
    int64_t dim = -1 - expected;
    if (instance->setBy[dim] >= 0 && instance->newGiven[dim] != found) {
      snprintf(reason, sizeof reason, ": '%s' is %lld here, but %lld in input '%s'",
               dimName(d, dim), (long long)found, (long long)instance->newGiven[dim],
               side->infos[instance->setBy[dim]].name);
      return wrongTensor(d, side, index, tensor, reason);
    }
    instance->newGiven[dim] = found;
    instance->setBy[dim] = index;
  }
  return NNCC_OK;
}

static nncc_status checkRanges(const nncc_descriptor *d, const int64_t *dims) {
  for (int32_t i = 0; i < d->num_dims; ++i) {
    const nncc_dim *dim = &d->dims[i];
    if (dims[i] == -1 || (dims[i] >= dim->min && (dim->max < 0 || dims[i] <= dim->max)))
      continue;
    Text range = {.size = 0};
    nnccAppend(&range, dim->max < 0 ? "at least %lld" : "%lld to %lld", (long long)dim->min,
               (long long)dim->max);
    return nnccFail(NNCC_INVALID_ARGUMENT, "'%s' (dim %d) is %lld, the model is compiled for %s",
                    dimName(d, i), i, (long long)dims[i], range.data);
  }
  return NNCC_OK;
}

/* Sizes of inputs are all known before a run. */
static nncc_status checkInputDims(const nncc_descriptor *d, const int64_t *dims) {
  for (int32_t i = 0; i < d->num_inputs; ++i)
    for (int32_t j = 0; j < d->inputs[i].rank; ++j) {
      int64_t size = d->inputs[i].shape[j];
      if (size < 0 && dims[-1 - size] < 0)
        return nnccFail(NNCC_INVALID_ARGUMENT, "'%s' (dim %d), a size of input '%s', is not given",
                        dimName(d, -1 - size), (int)(-1 - size), d->inputs[i].name);
    }
  return NNCC_OK;
}

/* `check`: the number of the one that failed, or -1. */
static nncc_status refused(const nncc_descriptor *d, const int64_t *dims, nncc_status status,
                           int64_t check) {
  Text sizes = {.size = 0};
  for (int32_t i = 0; i < d->num_dims; ++i)
    nnccAppend(&sizes, "%s%s = %lld", i ? ", " : "", dimName(d, i), (long long)dims[i]);
  if (check >= 0)
    return nnccFail(status, "%s with %s", d->checks[check], sizes.data);
  return nnccFail(status, "the model does not accept these sizes: %s", sizes.data);
}

/* d->plan; says what is wrong where it fails. */
static nncc_status plan(const nncc_descriptor *d, const int64_t *dims, int64_t *arena,
                        int64_t *scratch) {
  nncc_status status = d->plan(dims, arena, scratch);
  if (!status)
    return NNCC_OK;
  return refused(d, dims, status, *arena < 0 && -1 - *arena < d->num_checks ? -1 - *arena : -1);
}

nncc_status nnccPlan(const nncc_descriptor *d, const int64_t *dims, int32_t threads, Plan *result) {
  int64_t arena = 0, scratch = 0, total;
  nncc_status status = plan(d, dims, &arena, &scratch);
  if (status)
    return status;
  /* The tail that kernels may read, and slices that share no pair of cache lines. */
  int64_t stride = 0;
  bool tooLarge = arena < 0 || scratch < 0 || arena > INT64_MAX / 4 || scratch > INT64_MAX / 4;
  if (!tooLarge) {
    arena = (arena + 2 * NNCC_ALIGNMENT - 1) / NNCC_ALIGNMENT * NNCC_ALIGNMENT;
    stride = scratch ? (scratch + NNCC_ALIGNMENT + 127) / 128 * 128 : 0;
    tooLarge = __builtin_mul_overflow(stride, (int64_t)threads, &total) ||
               __builtin_add_overflow(total, arena, &total);
  }
  if (tooLarge)
    return nnccFail(NNCC_OUT_OF_MEMORY, "the workspace for these sizes is larger than memory");
  result->arena = (uint64_t)arena;
  result->stride = (uint64_t)stride;
  result->total = (uint64_t)total;
  return NNCC_OK;
}

/* Workspace only grows: sizes that alternate do not allocate. */
static nncc_status reserve(nncc_instance *instance, uint64_t bytes) {
  if (instance->userWorkspace && instance->userWorkspaceSize < bytes)
    return nnccFail(NNCC_OUT_OF_MEMORY, "the workspace given has %llu bytes, this run needs %llu",
                    (unsigned long long)instance->userWorkspaceSize, (unsigned long long)bytes);
  if (instance->userWorkspace || instance->workspaceSize >= bytes)
    return NNCC_OK;
  if (instance->device) {
    nncc_status status = nnccDeviceReserveWorkspace(instance, bytes);
    instance->bound &= !status;
    return status;
  }
  free(instance->workspace);
  instance->workspace = nnccAllocate(bytes);
  instance->workspaceSize = instance->workspace ? bytes : 0;
  if (instance->workspace)
    return NNCC_OK;
  instance->bound = false;
  return nnccFail(NNCC_OUT_OF_MEMORY, "no memory for a workspace of %llu bytes",
                  (unsigned long long)bytes);
}

nncc_status nnccBindDims(nncc_instance *instance) {
  const nncc_descriptor *d = &instance->model->descriptor;
  size_t bytes = (size_t)d->num_dims * sizeof(int64_t);
  if (instance->bound && (!bytes || memcmp(instance->given, instance->newGiven, bytes) == 0))
    return reserve(instance, instance->plan.total);
  nncc_status status = checkRanges(d, instance->newGiven);
  if (status)
    return status;
  if (bytes)
    memcpy(instance->newDims, instance->newGiven, bytes);
  if (d->infer) {
    status = d->infer(instance->newDims);
    if (status) { /* a size that follows is none; the plan knows which node does not allow that */
      int64_t arena = 0, scratch = 0;
      nncc_status known = plan(d, instance->newGiven, &arena, &scratch);
      return known ? known : refused(d, instance->newGiven, status, -1);
    }
    status = checkRanges(d, instance->newDims);
  }
  if (!status)
    status = checkInputDims(d, instance->newDims);
  if (status)
    return status;
  Plan plan;
  status = nnccPlan(d, instance->newDims, instance->threads, &plan);
  if (!status)
    status = reserve(instance, plan.total);
  if (status)
    return status;
  instance->bound = true;
  instance->plan = plan;
  if (bytes) {
    memcpy(instance->given, instance->newGiven, bytes);
    memcpy(instance->dims, instance->newDims, bytes);
  }
  return NNCC_OK;
}

static nncc_status checkArguments(const Side *side, const nncc_tensor *tensors, int32_t count,
                                  bool *seen) {
  if (count != side->count) {
    Text names = namesOf(side);
    return nnccWrongCount(side->kind, side->count, &names, count);
  }
  if (count && !tensors)
    return nnccFail(NNCC_INVALID_ARGUMENT, "%ss are NULL", side->kind);
  memset(seen, 0, (size_t)count * sizeof *seen);
  return NNCC_OK;
}

/* The size that a declared one stands for in this run. */
static int64_t boundSize(const nncc_instance *instance, int64_t size) {
  return size < 0 ? instance->dims[-1 - size] : size;
}

/* What is given of the parts of a value. */
static Ragged raggedInput(const nncc_instance *instance, const nncc_value_info *info) {
  const nncc_tensor_info *tensors = instance->model->descriptor.inputs;
  void *const *data = instance->inputs;
  Parts parts = nnccPartsOf(info);
  Ragged ragged = {.elements = data[parts.elements],
                   .total = boundSize(instance, tensors[parts.elements].shape[0])};
  if (parts.present >= 0)
    ragged.present = data[parts.present];
  if (parts.lengths >= 0) {
    ragged.lengths = data[parts.lengths];
    ragged.strings = instance->inputBytes[parts.lengths] / (int64_t)sizeof(int64_t);
  }
  if (parts.rows >= 0) {
    ragged.rows = data[parts.rows];
    ragged.count = boundSize(instance, tensors[parts.rows].shape[0]);
  }
  return ragged;
}

/* Kernels find their way through the parts of a value by what the parts say. */
static nncc_status checkParts(const nncc_instance *instance) {
  const Values *values = &instance->model->inputs;
  nncc_status status = NNCC_OK;
  for (int32_t i = 0; !status && !values->areTensors && i < values->count; ++i) {
    const nncc_value_info *info = &values->infos[i];
    if (nnccIsOnePart(info))
      continue;
    for (int32_t j = info->first; j < info->first + info->count; ++j)
      if (instance->inputOnDevice[j])
        return nnccFail(NNCC_NOT_SUPPORTED,
                        "input '%s' (number %d): a part of '%s', whose parts must fit each other, "
                        "has to be in memory of the host",
                        instance->model->descriptor.inputs[j].name, j, info->name);
    Ragged ragged = raggedInput(instance, info);
    status = nnccCheckRagged(&instance->model->descriptor, values, i, &ragged, instance->dims,
                             NNCC_INVALID_ARGUMENT);
  }
  return status;
}

nncc_status nnccBindInputs(nncc_instance *instance, const nncc_tensor *inputs, int32_t count,
                           bool needData) {
  const nncc_descriptor *d = &instance->model->descriptor;
  Side side = sideOf(instance, true);
  nncc_status status = checkArguments(&side, inputs, count, instance->seen);
  for (int32_t i = 0; i < d->num_dims; ++i) {
    instance->newGiven[i] = -1;
    instance->setBy[i] = -1;
  }
  for (int32_t i = 0; !status && i < count; ++i) {
    int32_t index = resolve(&side, &inputs[i], i, instance->seen);
    if (index < 0)
      return NNCC_INVALID_ARGUMENT;
    status = checkTensor(d, &side, index, &inputs[i]);
    if (!status)
      status = takeSizes(instance, &side, index, &inputs[i]);
    if (!status && needData)
      status = takeData(d, &side, index, &inputs[i]);
  }
  if (!status)
    status = nnccBindDims(instance);
  return status || !needData ? status : checkParts(instance);
}

/* The shape must be what the bound dims say. */
static nncc_status checkOutputSizes(nncc_instance *instance, const Side *side, int32_t index,
                                    const nncc_tensor *tensor) {
  const nncc_descriptor *d = &instance->model->descriptor;
  const nncc_tensor_info *info = &side->infos[index];
  char reason[160];
  for (int32_t i = 0; i < info->rank; ++i) {
    int64_t expected = boundSize(instance, info->shape[i]);
    if (expected == tensor->shape[i])
      continue;
    snprintf(reason, sizeof reason, ": size %d is %lld, expected %lld", i,
             (long long)tensor->shape[i], (long long)expected);
    return wrongTensor(d, side, index, tensor, reason);
  }
  return NNCC_OK;
}

static bool overlap(const void *a, int64_t sizeA, const void *b, int64_t sizeB) {
  uintptr_t beginA = (uintptr_t)a, beginB = (uintptr_t)b;
  return sizeA && sizeB && beginA < beginB + (uintptr_t)sizeB && beginB < beginA + (uintptr_t)sizeA;
}

/* An output must not share memory with an input or another output. */
static nncc_status checkAliases(const Side *inputs, const Side *outputs) {
  for (int32_t i = 0; i < outputs->count; ++i) {
    for (int32_t j = 0; j < inputs->count; ++j)
      if (overlap(outputs->pointers[i], outputs->bytes[i], inputs->pointers[j], inputs->bytes[j]))
        return nnccFail(NNCC_INVALID_ARGUMENT, "output '%s' shares memory with input '%s'",
                        outputs->infos[i].name, inputs->infos[j].name);
    for (int32_t j = 0; j < i; ++j)
      if (overlap(outputs->pointers[i], outputs->bytes[i], outputs->pointers[j], outputs->bytes[j]))
        return nnccFail(NNCC_INVALID_ARGUMENT, "output '%s' shares memory with output '%s'",
                        outputs->infos[i].name, outputs->infos[j].name);
  }
  return NNCC_OK;
}

bool nnccIsRunOutput(const nncc_instance *instance, int32_t output) {
  const nncc_tensor_info *info = &instance->model->descriptor.outputs[output];
  for (int32_t i = 0; i < info->rank; ++i)
    if (info->shape[i] < 0 && instance->dims[-1 - info->shape[i]] < 0)
      return true;
  return false;
}

/* The run makes it; the caller asks for it afterwards. */
static nncc_status awaitOutput(nncc_instance *instance, const Side *side, int32_t index,
                               const nncc_tensor *tensor) {
  const nncc_tensor_info *info = &side->infos[index];
  RunOutput *output = &instance->runOutputs[index];
  if (tensor->data)
    return nnccFail(NNCC_NOT_SUPPORTED,
                    "output '%s' (number %d): its sizes are known only after a run; give no data, "
                    "and call nncc_instance_output then",
                    info->name, index);
  nncc_status status = takePlace(&instance->model->descriptor, side, index, tensor);
  if (status)
    return status;
  output->given = false;
  if (!output->shape)
    output->shape = calloc((size_t)info->rank, sizeof *output->shape);
  side->pointers[index] = NULL;
  side->bytes[index] = 0;
  return output->shape ? NNCC_OK : nnccFail(NNCC_OUT_OF_MEMORY, "no memory for an output");
}

nncc_status nnccBindOutputs(nncc_instance *instance, const nncc_tensor *outputs, int32_t count) {
  const nncc_descriptor *d = &instance->model->descriptor;
  Side side = sideOf(instance, false), inputs = sideOf(instance, true);
  nncc_status status = checkArguments(&side, outputs, count, instance->seen);
  for (int32_t i = 0; !status && i < count; ++i) {
    int32_t index = resolve(&side, &outputs[i], i, instance->seen);
    if (index < 0)
      return NNCC_INVALID_ARGUMENT;
    if (nnccIsRunOutput(instance, index)) {
      status = awaitOutput(instance, &side, index, &outputs[i]);
      continue;
    }
    status = checkTensor(d, &side, index, &outputs[i]);
    if (!status)
      status = checkOutputSizes(instance, &side, index, &outputs[i]);
    if (!status)
      status = takeData(d, &side, index, &outputs[i]);
  }
  return status ? status : checkAliases(&inputs, &side);
}
