/* Opens models and answers what they are. */
#include "Internal.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* The descriptor of the first ABI ended before this field. */
#define LEAST_DESCRIPTOR offsetof(nncc_descriptor, infer)

/* What a descriptor refers to must be there: a run indexes it without a second look. */
static nncc_status checkTensors(const nncc_descriptor *d, const char *kind,
                                const nncc_tensor_info *tensors, int32_t count) {
  if (count < 0 || (count && !tensors))
    return nnccFail(NNCC_ABI_MISMATCH, "model '%s': bad table of %ss", d->name, kind);
  for (int32_t i = 0; i < count; ++i) {
    const nncc_tensor_info *t = &tensors[i];
    bool good = t->name && t->rank >= 0 && (!t->rank || t->shape);
    for (int32_t j = 0; good && j < t->rank; ++j)
      good = t->shape[j] >= -(int64_t)d->num_dims;
    if (!good)
      return nnccFail(NNCC_ABI_MISMATCH, "model '%s': bad %s %d", d->name, kind, i);
  }
  return NNCC_OK;
}

static nncc_status checkDescriptor(const nncc_descriptor *d) {
  if (!d->plan || !d->run || d->num_dims < 0 || (d->num_dims && !d->dims) || d->num_metadata < 0 ||
      (d->num_metadata && !d->metadata) || d->num_dispatches < 0 ||
      (d->num_dispatches && !d->dispatches) || d->num_checks < 0 || (d->num_checks && !d->checks))
    return nnccFail(NNCC_ABI_MISMATCH, "model '%s': its descriptor is not complete", d->name);
  nncc_status status = checkTensors(d, "input", d->inputs, d->num_inputs);
  return status ? status : checkTensors(d, "output", d->outputs, d->num_outputs);
}

static nncc_status readValues(nncc_model *model) {
  nncc_status status = nnccReadValues(&model->descriptor, true, &model->inputs);
  return status ? status : nnccReadValues(&model->descriptor, false, &model->outputs);
}

/* `from` is the library's own, `to` a copy that has all fields of this runtime. */
static nncc_status readDescriptor(const nncc_descriptor *from, nncc_descriptor *to) {
  if (!from || from->magic != NNCC_ABI_MAGIC)
    return nnccFail(NNCC_ABI_MISMATCH, "not a compiled model: its descriptor has no magic number");
  if (from->abi_major != NNCC_ABI_MAJOR)
    return nnccFail(NNCC_ABI_MISMATCH,
                    "compiled for version %d.%d of the interface, this runtime has %d.%d: compile "
                    "the model again",
                    from->abi_major, from->abi_minor, NNCC_ABI_MAJOR, NNCC_ABI_MINOR);
  if (from->struct_size < LEAST_DESCRIPTOR)
    return nnccFail(NNCC_ABI_MISMATCH, "its descriptor has %u bytes, expected at least %u",
                    from->struct_size, (unsigned)LEAST_DESCRIPTOR);
  memset(to, 0, sizeof *to);
  memcpy(to, from, from->struct_size < sizeof *to ? from->struct_size : sizeof *to);
  if (!to->name)
    to->name = "";
  if (!to->cpu)
    to->cpu = "?";
  return NNCC_OK;
}

/* Of the processor, on which the program of a device runs as well: what has kernels for a device
 * can be opened and looked at without one. */
static nncc_status checkIsa(const nncc_descriptor *level) {
  nncc_status status = nnccIsaCheck(level->isa, false);
  if (status) {
    char reason[NNCC_MESSAGE_SIZE];
    strcpy(reason, nncc_last_error());
    nnccFail(status, "model '%s' is compiled for '%s': %s", level->name, level->cpu, reason);
  }
  return status;
}

/* Of a device also whether an image is for one that is here. */
static nncc_status checkLevel(const nncc_descriptor *level) {
  const Device *device = nnccDeviceOfKind(level->device);
  if (level->device != NNCC_DEVICE_CPU && !device)
    return nnccFail(NNCC_ISA_MISSING, "compiled for a device that this runtime does not know");
  nncc_status status = device ? device->check(level, -1) : NNCC_OK;
  return status ? status : nncc_isa_check(level->isa);
}

nncc_status nncc_level_check(const nncc_descriptor *level) {
  nncc_descriptor all;
  if (!level)
    return nnccFail(NNCC_INVALID_ARGUMENT, "nncc_level_check: level is NULL");
  nncc_status status = readDescriptor(level, &all);
  return status ? status : checkLevel(&all);
}

/* Takes the place of `d`, which the library returned: the level called `name`, or the best one that
 * this machine has; where it has none, the least, which `d` is. */
static nncc_status chooseLevel(nncc_descriptor *d, const char *name) {
  const nncc_descriptor *const *levels = d->levels;
  const int32_t count = d->num_levels;
  nncc_descriptor chosen;
  bool isFound = false;
  Text known = {{0}, 0};
  if (count < 0 || (count && !levels))
    return nnccFail(NNCC_ABI_MISMATCH, "model '%s': bad table of levels", d->name);
  if (!count && (!name || strcmp(name, d->cpu) == 0))
    return NNCC_OK;
  for (int32_t i = 0; i < count; ++i) {
    nncc_descriptor level;
    nncc_status status = readDescriptor(levels[i], &level);
    if (status)
      return status;
    nnccAppendName(&known, level.cpu);
    if (isFound || (name ? strcmp(name, level.cpu) != 0 : checkLevel(&level) != NNCC_OK))
      continue;
    isFound = true;
    chosen = level;
  }
  if (isFound) {
    *d = chosen;
    d->num_levels = count;
    d->levels = levels;
    return NNCC_OK;
  }
  if (!name)
    return NNCC_OK;
  if (!count)
    nnccAppendName(&known, d->cpu);
  return nnccFail(NNCC_INVALID_ARGUMENT, "model '%s' has code for %s, not for '%s'", d->name,
                  known.data, name);
}

static nncc_status readOptions(const nncc_open_options *from, nncc_open_options *to) {
  nncc_open_options defaults = NNCC_OPEN_OPTIONS_INIT;
  *to = defaults;
  return NNCC_READ_OPTIONS(*to, from);
}

static nncc_status openDescriptor(nncc_model *model, const nncc_descriptor *descriptor,
                                  const nncc_open_options *options, const char *library) {
  nncc_status status = readDescriptor(descriptor, &model->descriptor);
  if (!status)
    status = chooseLevel(&model->descriptor, options->level);
  if (!status && !(options->flags & NNCC_OPEN_ANY_ISA))
    status = checkIsa(&model->descriptor);
  if (!status)
    status = checkDescriptor(&model->descriptor);
  if (!status)
    status = readValues(model);
  model->device = nnccDeviceOfKind(model->descriptor.device);
  return status ? status : nnccLoadWeights(&model->weights, &model->descriptor, options, library);
}

static nncc_status load(nncc_model *model, const char *path, const nncc_open_options *options) {
  char real[PATH_MAX]; /* a path without a slash would be searched for in the system's folders */
  char *symbol = NULL;
  nncc_status status = nnccFindEntryPoint(path, options->symbol ? NULL : &symbol);
  if (status)
    return status;
  dlerror();
  model->handle = realpath(path, real) ? dlopen(real, RTLD_NOW | RTLD_LOCAL) : NULL;
  void *function = NULL;
  if (model->handle)
    function = dlsym(model->handle, symbol ? symbol : options->symbol);
  if (!function) {
    const char *reason = dlerror();
    status = nnccFail(model->handle ? NNCC_ABI_MISMATCH : NNCC_IO_ERROR, "%s: %s", path,
                      reason ? reason : "cannot be loaded");
  }
  free(symbol);
  if (status)
    return status;
  nncc_model_fn entry;
  memcpy(&entry, &function, sizeof entry); /* ISO C has no conversion from object to function */
  return openDescriptor(model, entry(), options, path);
}

/* Ends nncc_model_open and _from_descriptor. */
static nncc_status finish(nncc_status status, nncc_model *opened, nncc_model **model) {
  if (!status)
    *model = opened;
  else
    nncc_model_close(opened);
  return status;
}

static nncc_model *newModel(void) {
  nncc_model *model = calloc(1, sizeof *model);
  if (model) {
    atomic_init(&model->references, 1);
    pthread_mutex_init(&model->loading, NULL);
  } else {
    nnccFail(NNCC_OUT_OF_MEMORY, "no memory for a model");
  }
  return model;
}

nncc_status nncc_model_open(const char *path, const nncc_open_options *options,
                            nncc_model **model) {
  nncc_open_options all;
  if (!path || !model)
    return nnccFail(NNCC_INVALID_ARGUMENT, "nncc_model_open: path or model is NULL");
  nncc_status status = readOptions(options, &all);
  if (status)
    return status;
  nncc_model *opened = newModel();
  return opened ? finish(load(opened, path, &all), opened, model) : NNCC_OUT_OF_MEMORY;
}

nncc_status nncc_model_from_descriptor(const nncc_descriptor *descriptor,
                                       const nncc_open_options *options, nncc_model **model) {
  nncc_open_options all;
  if (!descriptor || !model)
    return nnccFail(NNCC_INVALID_ARGUMENT,
                    "nncc_model_from_descriptor: descriptor or model is NULL");
  nncc_status status = readOptions(options, &all);
  if (status)
    return status;
  nncc_model *opened = newModel();
  return opened ? finish(openDescriptor(opened, descriptor, &all, NULL), opened, model)
                : NNCC_OUT_OF_MEMORY;
}

void nncc_model_close(nncc_model *model) {
  if (!model || atomic_fetch_sub_explicit(&model->references, 1, memory_order_acq_rel) != 1)
    return;
  nnccUnloadPrograms(model);
  pthread_mutex_destroy(&model->loading);
  nnccFreeWeights(&model->weights);
  free(model->inputs.made);
  free(model->outputs.made);
  if (model->handle)
    dlclose(model->handle);
  free(model);
}

const nncc_descriptor *nncc_model_descriptor(const nncc_model *model) { return &model->descriptor; }

int32_t nncc_model_num_inputs(const nncc_model *model) { return model->descriptor.num_inputs; }
int32_t nncc_model_num_outputs(const nncc_model *model) { return model->descriptor.num_outputs; }
int32_t nncc_model_num_dims(const nncc_model *model) { return model->descriptor.num_dims; }
int32_t nncc_model_num_metadata(const nncc_model *model) { return model->descriptor.num_metadata; }
int32_t nncc_model_num_dispatches(const nncc_model *model) {
  return model->descriptor.num_dispatches;
}

const nncc_tensor_info *nncc_model_input(const nncc_model *model, int32_t index) {
  bool inside = index >= 0 && index < model->descriptor.num_inputs;
  return inside ? &model->descriptor.inputs[index] : NULL;
}

const nncc_tensor_info *nncc_model_output(const nncc_model *model, int32_t index) {
  bool inside = index >= 0 && index < model->descriptor.num_outputs;
  return inside ? &model->descriptor.outputs[index] : NULL;
}

const nncc_dim *nncc_model_dim(const nncc_model *model, int32_t index) {
  bool inside = index >= 0 && index < model->descriptor.num_dims;
  return inside ? &model->descriptor.dims[index] : NULL;
}

const nncc_metadata *nncc_model_metadata(const nncc_model *model, int32_t index) {
  bool inside = index >= 0 && index < model->descriptor.num_metadata;
  return inside ? &model->descriptor.metadata[index] : NULL;
}

const nncc_dispatch *nncc_model_dispatch(const nncc_model *model, int32_t index) {
  bool inside = index >= 0 && index < model->descriptor.num_dispatches;
  return inside ? model->descriptor.dispatches[index] : NULL;
}

static int32_t find(const nncc_tensor_info *tensors, int32_t count, const char *name) {
  for (int32_t i = 0; name && i < count; ++i)
    if (strcmp(tensors[i].name, name) == 0)
      return i;
  return -1;
}

int32_t nncc_model_find_input(const nncc_model *model, const char *name) {
  return find(model->descriptor.inputs, model->descriptor.num_inputs, name);
}

int32_t nncc_model_find_output(const nncc_model *model, const char *name) {
  return find(model->descriptor.outputs, model->descriptor.num_outputs, name);
}

int32_t nncc_model_num_input_values(const nncc_model *model) { return model->inputs.count; }
int32_t nncc_model_num_output_values(const nncc_model *model) { return model->outputs.count; }

const nncc_value_info *nncc_model_input_value(const nncc_model *model, int32_t index) {
  bool inside = index >= 0 && index < model->inputs.count;
  return inside ? &model->inputs.infos[index] : NULL;
}

const nncc_value_info *nncc_model_output_value(const nncc_model *model, int32_t index) {
  bool inside = index >= 0 && index < model->outputs.count;
  return inside ? &model->outputs.infos[index] : NULL;
}

static int32_t findValue(const Values *values, const char *name) {
  for (int32_t i = 0; name && i < values->count; ++i)
    if (strcmp(values->infos[i].name, name) == 0)
      return i;
  return -1;
}

int32_t nncc_model_find_input_value(const nncc_model *model, const char *name) {
  return findValue(&model->inputs, name);
}

int32_t nncc_model_find_output_value(const nncc_model *model, const char *name) {
  return findValue(&model->outputs, name);
}

nncc_status nncc_model_workspace_size(const nncc_model *model, const int64_t *dims, int32_t threads,
                                      uint64_t *bytes) {
  const nncc_descriptor *d = &model->descriptor;
  Plan plan;
  int32_t workers = threads ? threads : nncc_usable_cpus();
  if (!bytes || (d->num_dims && !dims) || threads < 0 || threads > NNCC_MAX_THREADS)
    return nnccFail(NNCC_INVALID_ARGUMENT,
                    "nncc_model_workspace_size: dims or bytes is NULL, or %d threads", threads);
  if (model->device) { /* which has as many workers as it has */
    nncc_status status = model->device->workers(0, &workers);
    if (status)
      return status;
  }
  nncc_status status = nnccPlan(d, dims, workers, &plan);
  if (!status)
    *bytes = plan.total;
  return status;
}
