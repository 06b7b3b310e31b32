/* Life and runs of an instance. */
#include "Internal.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_SPIN_US 100

/* Keeps the message of a call that failed for nncc_instance_error(). */
static nncc_status keep(nncc_instance *instance, nncc_status status) {
  if (status)
    memcpy(instance->error, nncc_last_error(), sizeof instance->error);
  return status;
}

static void *zeros(int32_t count, size_t size) { return calloc(count ? (size_t)count : 1, size); }

static int compareByAddress(const void *a, const void *b) {
  const DispatchIndex *x = a, *y = b;
  return (x->dispatch > y->dispatch) - (x->dispatch < y->dispatch);
}

static bool allocateTables(nncc_instance *instance, bool profile) {
  const nncc_descriptor *d = &instance->model->descriptor;
  instance->given = zeros(d->num_dims, sizeof(int64_t));
  instance->dims = zeros(d->num_dims, sizeof(int64_t));
  instance->newGiven = zeros(d->num_dims, sizeof(int64_t));
  instance->newDims = zeros(d->num_dims, sizeof(int64_t));
  instance->setBy = zeros(d->num_dims, sizeof(int32_t));
  instance->inputs = zeros(d->num_inputs, sizeof(void *));
  instance->outputs = zeros(d->num_outputs, sizeof(void *));
  instance->inputBytes = zeros(d->num_inputs, sizeof(int64_t));
  instance->outputBytes = zeros(d->num_outputs, sizeof(int64_t));
  instance->inputOnDevice = zeros(d->num_inputs, sizeof(bool));
  instance->outputOnDevice = zeros(d->num_outputs, sizeof(bool));
  int32_t most = d->num_inputs > d->num_outputs ? d->num_inputs : d->num_outputs;
  instance->seen = zeros(most, sizeof(bool));
  instance->runOutputs = zeros(d->num_outputs, sizeof(RunOutput));
  bool all = instance->given && instance->runOutputs && instance->dims && instance->newGiven &&
             instance->newDims && instance->setBy && instance->inputs && instance->outputs &&
             instance->inputBytes && instance->outputBytes && instance->inputOnDevice &&
             instance->outputOnDevice && instance->seen;
  instance->schedule.costs = zeros(d->num_dispatches, sizeof(Cost));
  instance->order = zeros(d->num_dispatches, sizeof(DispatchIndex));
  instance->profile = profile ? zeros(d->num_dispatches, sizeof(nncc_profile)) : NULL;
  if (!all || !instance->schedule.costs || !instance->order || (profile && !instance->profile))
    return false;
  for (int32_t i = 0; i < d->num_dispatches; ++i) {
    instance->order[i].dispatch = d->dispatches[i];
    instance->order[i].index = i;
  }
  if (d->num_dispatches)
    qsort(instance->order, (size_t)d->num_dispatches, sizeof *instance->order, compareByAddress);
  return true;
}

static nncc_status readOptions(const nncc_instance_options *from, nncc_instance_options *to,
                               nncc_services *services) {
  nncc_instance_options defaults = NNCC_INSTANCE_OPTIONS_INIT;
  *to = defaults;
  memset(services, 0, sizeof *services);
  nncc_status status = NNCC_READ_OPTIONS(*to, from);
  if (!status)
    status = NNCC_READ_OPTIONS(*services, to->services);
  if (status)
    return status;
  if (to->threads < 0 || to->threads > NNCC_MAX_THREADS)
    return nnccFail(NNCC_INVALID_ARGUMENT, "options.threads is %d, expected 0 to %d", to->threads,
                    NNCC_MAX_THREADS);
  if (!services->alloc != !services->free)
    return nnccFail(NNCC_INVALID_ARGUMENT, "options.services: has only one of alloc and free");
  if (!services->team_run != !services->barrier)
    return nnccFail(NNCC_INVALID_ARGUMENT,
                    "options.services: has only one of team_run and barrier");
  return NNCC_OK;
}

static nncc_status startPool(nncc_instance *instance, int32_t spin) {
  if (instance->device || instance->threads == 1 || instance->hostServices.parallel_for)
    return NNCC_OK;
  /* A worker that spins on a CPU which another one needs only does harm. */
  if (spin < 0)
    spin = instance->threads > nncc_usable_cpus() ? 0 : DEFAULT_SPIN_US;
  return nnccPoolCreate(instance->threads, (int64_t)spin * 1000, &instance->pool);
}

nncc_status nncc_instance_create(nncc_model *model, const nncc_instance_options *options,
                                 nncc_instance **result) {
  nncc_instance_options all;
  nncc_services services;
  if (!model || !result)
    return nnccFail(NNCC_INVALID_ARGUMENT, "nncc_instance_create: model or instance is NULL");
  nncc_status status = readOptions(options, &all, &services);
  if (status)
    return status;
  nncc_instance *instance = calloc(1, sizeof *instance);
  if (!instance)
    return nnccFail(NNCC_OUT_OF_MEMORY, "no memory for an instance");
  atomic_fetch_add_explicit(&model->references, 1, memory_order_relaxed);
  instance->model = model;
  instance->hostServices = services;
  instance->host = all.host;
  instance->threads = all.threads ? all.threads : nncc_usable_cpus();
  atomic_flag_clear(&instance->busy);
  pthread_mutex_init(&instance->errorLock, NULL);
  status = allocateTables(instance, all.flags & NNCC_INSTANCE_PROFILE)
               ? NNCC_OK
               : nnccFail(NNCC_OUT_OF_MEMORY, "no memory for an instance");
  if (!status && model->descriptor.device != NNCC_DEVICE_CPU)
    status = nnccDeviceCreate(instance, &all);
  nnccFillServices(instance);
  if (!status)
    status = startPool(instance, all.spin_us);
  if (status)
    nncc_instance_destroy(instance);
  else
    *result = instance;
  return status;
}

void nncc_instance_destroy(nncc_instance *instance) {
  if (!instance)
    return;
  nnccPoolDestroy(instance->pool);
  nnccHeapDestroy(&instance->heap);
  if (instance->device)
    nnccDeviceDestroy(instance);
  free(instance->workspace);
  for (int32_t i = 0; instance->runOutputs && i < instance->model->descriptor.num_outputs; ++i) {
    free(instance->runOutputs[i].shape);
    free(instance->runOutputs[i].data);
  }
  void *tables[] = {instance->given,         instance->dims,           instance->newGiven,
                    instance->newDims,       instance->setBy,          instance->inputs,
                    instance->outputs,       instance->inputBytes,     instance->outputBytes,
                    instance->seen,          instance->profile,        instance->order,
                    instance->runOutputs,    instance->schedule.costs, instance->inputOnDevice,
                    instance->outputOnDevice};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; ++i)
    free(tables[i]);
  pthread_mutex_destroy(&instance->errorLock);
  nncc_model_close(instance->model);
  free(instance);
}

int32_t nncc_instance_threads(const nncc_instance *instance) { return instance->threads; }

/* One call at a time: the second one fails instead of spoiling the first. Its message goes to the
 * thread only, for the instance belongs to the other one. */
static nncc_status enter(nncc_instance *instance) {
  if (atomic_flag_test_and_set_explicit(&instance->busy, memory_order_acquire))
    return nnccFail(NNCC_INVALID_ARGUMENT, "the instance is in use by another thread: make one "
                                           "instance for each run at a time");
  return NNCC_OK;
}

static nncc_status leave(nncc_instance *instance, nncc_status status) {
  keep(instance, status);
  atomic_flag_clear_explicit(&instance->busy, memory_order_release);
  return status;
}

nncc_status nncc_instance_bind(nncc_instance *instance, const nncc_tensor *inputs,
                               int32_t num_inputs) {
  nncc_status status = enter(instance);
  return status ? status : leave(instance, nnccBindInputs(instance, inputs, num_inputs, false));
}

static nncc_status bindDims(nncc_instance *instance, const int64_t *dims, int32_t count) {
  int32_t expected = instance->model->descriptor.num_dims;
  if (count != expected || (count && !dims))
    return nnccFail(NNCC_INVALID_ARGUMENT, "expected %d dims, found %d", expected,
                    dims ? count : 0);
  for (int32_t i = 0; i < count; ++i) {
    if (dims[i] < -1)
      return nnccFail(NNCC_INVALID_ARGUMENT, "dim %d is %lld", i, (long long)dims[i]);
    instance->newGiven[i] = dims[i];
  }
  return nnccBindDims(instance);
}

nncc_status nncc_instance_bind_dims(nncc_instance *instance, const int64_t *dims,
                                    int32_t num_dims) {
  nncc_status status = enter(instance);
  return status ? status : leave(instance, bindDims(instance, dims, num_dims));
}

static nncc_status notBound(void) {
  return nnccFail(NNCC_INVALID_ARGUMENT, "the dims are not bound: call nncc_instance_bind first");
}

nncc_status nncc_instance_output_shape(const nncc_instance *instance, int32_t output,
                                       int64_t *shape) {
  const nncc_tensor_info *info = nncc_model_output(instance->model, output);
  if (!info)
    return nnccFail(NNCC_INVALID_ARGUMENT, "no output %d: the model has %d", output,
                    instance->model->descriptor.num_outputs);
  for (int32_t i = 0; i < info->rank; ++i) {
    int64_t size = info->shape[i];
    if (size < 0 && !instance->bound)
      return notBound();
    size = size < 0 ? instance->dims[-1 - size] : size;
    shape[i] = size;
  }
  return NNCC_OK;
}

nncc_status nncc_instance_output(const nncc_instance *instance, int32_t output,
                                 nncc_tensor *tensor) {
  const nncc_tensor_info *info = nncc_model_output(instance->model, output);
  if (!info || !tensor)
    return nnccFail(NNCC_INVALID_ARGUMENT, "no output %d: the model has %d, or tensor is NULL",
                    output, instance->model->descriptor.num_outputs);
  const RunOutput *found = &instance->runOutputs[output];
  if (!found->given)
    return nnccFail(NNCC_INVALID_ARGUMENT,
                    "output '%s' is in memory of the caller, or no run has given it", info->name);
  bool onDevice = instance->outputOnDevice[output];
  tensor->data = onDevice ? found->onDevice.data : found->data;
  tensor->type = onDevice ? info->type | NNCC_ON_DEVICE : info->type;
  tensor->rank = info->rank;
  tensor->shape = found->shape;
  tensor->name = info->name;
  return NNCC_OK;
}

nncc_status nncc_instance_workspace_size(const nncc_instance *instance, uint64_t *bytes) {
  if (!instance->bound && instance->model->descriptor.num_dims)
    return notBound();
  if (!instance->bound)
    return nncc_model_workspace_size(instance->model, NULL, instance->threads, bytes);
  *bytes = instance->plan.total;
  return NNCC_OK;
}

static nncc_status setWorkspace(nncc_instance *instance, void *memory, uint64_t bytes) {
  if ((uintptr_t)memory % NNCC_ALIGNMENT)
    return nnccFail(NNCC_INVALID_ARGUMENT, "the workspace is not aligned to %d bytes",
                    NNCC_ALIGNMENT);
  instance->userWorkspace = memory;
  instance->userWorkspaceSize = memory ? bytes : 0;
  if (memory && instance->device) {
    nnccDeviceReleaseWorkspace(instance);
  } else if (memory) {
    free(instance->workspace);
    instance->workspace = NULL;
    instance->workspaceSize = 0;
  }
  return NNCC_OK;
}

nncc_status nncc_instance_set_workspace(nncc_instance *instance, void *memory, uint64_t bytes) {
  nncc_status status = enter(instance);
  return status ? status : leave(instance, setWorkspace(instance, memory, bytes));
}

/* A status of the library, with what a kernel said of it. */
static nncc_status explain(nncc_instance *instance, nncc_status status) {
  if (!status)
    return NNCC_OK;
  if (status != NNCC_CANCELLED && instance->reported)
    return nnccFail(status, "%s", instance->report);
  return nnccFail(status, status == NNCC_CANCELLED ? "the run was cancelled" : "the run failed: %s",
                  nncc_status_name(status));
}

static nncc_status executeOnPool(nncc_instance *instance, const nncc_frame *frame) {
  nnccPoolBegin(instance->pool);
  nnccScheduleBegin(&instance->schedule);
  nncc_status status = instance->model->descriptor.run(frame);
  nnccPoolEnd(instance->pool);
  if (!status)
    nnccScheduleEnd(&instance->schedule);
  return status;
}

nncc_frame nnccMakeFrame(nncc_instance *instance) {
  char *workspace = instance->userWorkspace ? instance->userWorkspace : instance->workspace;
  return (nncc_frame){.struct_size = sizeof(nncc_frame),
                      .workers = instance->threads,
                      .services = &instance->services,
                      .host = instance,
                      .inputs = instance->inputs,
                      .outputs = instance->outputs,
                      .weights = instance->model->weights.data,
                      .arena = workspace,
                      .scratch = workspace + instance->plan.arena,
                      .scratch_stride = (int64_t)instance->plan.stride,
                      .dims = instance->dims};
}

static nncc_status executeHere(nncc_instance *instance) {
  nncc_frame frame = nnccMakeFrame(instance);
  instance->nextDispatch = 0;
  nncc_status status =
      instance->pool ? executeOnPool(instance, &frame) : instance->model->descriptor.run(&frame);
  if (instance->heap.used)
    nnccHeapReclaim(&instance->heap);
  return status;
}

static nncc_status execute(nncc_instance *instance) {
  instance->reported = false;
  return explain(instance, instance->device ? nnccDeviceExecute(instance) : executeHere(instance));
}

void nnccRecord(nncc_profile *profile, int64_t elapsed) {
  uint64_t time = elapsed > 0 ? (uint64_t)elapsed : 0;
  if (!profile->count || time < profile->min_ns)
    profile->min_ns = time;
  if (time > profile->max_ns)
    profile->max_ns = time;
  profile->total_ns += time;
  ++profile->count;
}

nncc_status nnccRunTensors(nncc_instance *instance, const nncc_tensor *inputs, int32_t num_inputs,
                           const nncc_tensor *outputs, int32_t num_outputs) {
  int64_t begin = instance->profile ? nnccNow() : 0;
  nncc_status status = nnccBindInputs(instance, inputs, num_inputs, true);
  if (!status)
    status = nnccBindOutputs(instance, outputs, num_outputs);
  if (!status)
    status = execute(instance);
  if (!status && instance->profile)
    nnccRecord(&instance->runProfile, nnccNow() - begin);
  return status;
}

/* What was cancelled before is not this run. */
static nncc_status enterRun(nncc_instance *instance) {
  nncc_status status = enter(instance);
  if (!status)
    atomic_store_explicit(&instance->cancelled, 0, memory_order_relaxed);
  return status;
}

nncc_status nncc_instance_run(nncc_instance *instance, const nncc_tensor *inputs,
                              int32_t num_inputs, const nncc_tensor *outputs, int32_t num_outputs) {
  nncc_status status = enterRun(instance);
  if (status)
    return status;
  return leave(instance, nnccRunTensors(instance, inputs, num_inputs, outputs, num_outputs));
}

nncc_status nncc_instance_run_values(nncc_instance *instance, const nncc_value *const *inputs,
                                     int32_t num_inputs, nncc_value **outputs,
                                     int32_t num_outputs) {
  nncc_status status = enterRun(instance);
  if (status)
    return status;
  return leave(instance, nnccRunValues(instance, inputs, num_inputs, outputs, num_outputs));
}

const char *nncc_instance_error(const nncc_instance *instance) { return instance->error; }

void nncc_instance_cancel(nncc_instance *instance) {
  atomic_store_explicit(&instance->cancelled, 1, memory_order_relaxed);
}

nncc_status nncc_instance_profile(const nncc_instance *instance, int32_t dispatch,
                                  nncc_profile *profile) {
  int32_t count = instance->model->descriptor.num_dispatches;
  if (!instance->profile)
    return nnccFail(NNCC_NOT_SUPPORTED, "the instance was made without NNCC_INSTANCE_PROFILE");
  if (dispatch < NNCC_PROFILE_RUN || dispatch >= count)
    return nnccFail(NNCC_INVALID_ARGUMENT, "no dispatch %d: the model has %d", dispatch, count);
  *profile = dispatch == NNCC_PROFILE_RUN ? instance->runProfile : instance->profile[dispatch];
  return NNCC_OK;
}

void nncc_instance_profile_reset(nncc_instance *instance) {
  if (!instance->profile)
    return;
  memset(&instance->runProfile, 0, sizeof instance->runProfile);
  memset(instance->profile, 0,
         (size_t)instance->model->descriptor.num_dispatches * sizeof *instance->profile);
}
