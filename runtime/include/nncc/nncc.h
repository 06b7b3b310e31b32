/* nncc/nncc.h: load and run compiled models.
 *
 *   nncc_model *model;
 *   nncc_instance *instance;
 *   if (nncc_model_open("net.so", NULL, &model) || nncc_instance_create(model, NULL, &instance))
 *     return fprintf(stderr, "%s\n", nncc_last_error()), 1;
 *   int64_t shape[] = {1, 3, 224, 224}, result[] = {1, 1000};
 *   nncc_tensor x = {pixels, NNCC_FLOAT, 4, shape, NULL};
 *   nncc_tensor y = {scores, NNCC_FLOAT, 2, result, NULL};
 *   if (nncc_instance_run(instance, &x, 1, &y, 1))
 *     fprintf(stderr, "%s\n", nncc_last_error());
 *   nncc_instance_destroy(instance);
 *   nncc_model_close(model);
 *
 * A *model* is the loaded library with its weights: constant, shared by any number of instances and
 * threads. An *instance* is what one run needs: worker threads, workspace, sizes; one run at a
 * time.
 *
 * Every call that can fail returns a status; nncc_last_error() says in words what was found and
 * what was expected. No call aborts, throws or prints. Results are only written where the status is
 * NNCC_OK. Calls on different instances may come from different threads at the same time; calls on
 * one instance may not, except nncc_instance_cancel().
 *
 * Option structs begin with their size, so that a host and a runtime of different age understand
 * each other: initialise them with their *_INIT macro.
 */
#ifndef NNCC_NNCC_H
#define NNCC_NNCC_H

#include "nncc/abi.h"

#include <stddef.h>

#if defined(__GNUC__)
#define NNCC_API __attribute__((visibility("default")))
#else
#define NNCC_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nncc_model nncc_model;
typedef struct nncc_instance nncc_instance;
typedef struct nncc_value nncc_value;

/* Errors and names ------------------------------------------------------------------------------
 */

/* What went wrong in the last call of this thread that did not return NNCC_OK; "" before the first.
 * Valid until the thread's next call that fails. */
NNCC_API const char *nncc_last_error(void);

/* "ok", "invalid argument", ...; never NULL. */
NNCC_API const char *nncc_status_name(nncc_status status);

/* "float32", "int64", "bfloat16", ... (NumPy's and ml_dtypes' names); "unknown" for any other. */
NNCC_API const char *nncc_type_name(nncc_type type);

/* Bits of one element; 0 for strings and unknown types. */
NNCC_API int32_t nncc_type_bits(nncc_type type);

/* Bytes of a dense tensor, rounded up for types under 8 bits; -1 where the type has no flat layout,
 * a size is negative, or the product overflows. `shape` may be NULL where rank is 0. */
NNCC_API int64_t nncc_tensor_bytes(nncc_type type, int32_t rank, const int64_t *shape);

/* The runtime's version: "0.1.0". */
NNCC_API const char *nncc_version(void);

/* Whether this machine has all of these processor features (LLVM's names, separated by ','; a name
 * may begin with '+', and one that begins with '-' is ignored); of "cuda", whether it has the
 * driver and a device. NNCC_ISA_MISSING names the first one that it lacks, or that this runtime
 * does not know. */
NNCC_API nncc_status nncc_isa_check(const char *features);

/* CPUs that this process may use (its affinity mask): what `threads = 0` means. At least 1. */
NNCC_API int32_t nncc_usable_cpus(void);

/* Model -----------------------------------------------------------------------------------------
 */

enum {
  /* Read all weights and compare their hash with the descriptor's. Without it only the file's
   * header is compared, and pages are read when a kernel first touches them. */
  NNCC_OPEN_VERIFY_WEIGHTS = 1,
  /* Do not ask whether this machine has the instructions that the library uses. */
  NNCC_OPEN_ANY_ISA = 2,
  /* Copy the weights file into memory of this process, in huge pages where the system has them,
   * instead of sharing its pages with other processes: faster runs on many weights. */
  NNCC_OPEN_COPY_WEIGHTS = 4
};

typedef struct nncc_open_options {
  uint32_t struct_size;
  uint32_t flags;           /* NNCC_OPEN_* */
  const char *symbol;       /* entry point; NULL: the only exported one that begins "nncc_model_" */
  const char *weights_path; /* NULL: the descriptor's weights_file in the folder of the library */
  /* Weights that the host has in memory (without the file's header), aligned to NNCC_ALIGNMENT and
   * followed by as many readable bytes; they must outlive the model. NULL: from a file. */
  const void *weights;
  uint64_t weights_size;
  /* The processor or device whose code is to run, one of nncc_descriptor.levels by its `cpu`, which
   * this machine must have as well: a device when the first instance is created, not before. NULL:
   * the best one that it has. */
  const char *level;
} nncc_open_options;
#define NNCC_OPEN_OPTIONS_INIT                                                                     \
  { sizeof(nncc_open_options), 0, NULL, NULL, NULL, 0, NULL }

/* Loads a compiled library. `options` may be NULL. One with kernels for a device alone can be
 * opened and described on any machine.
 *   NNCC_IO_ERROR      no such file, not readable, weights file missing or short, loader's error
 *   NNCC_ABI_MISMATCH  not a compiled model (no code of such a file is run), of another ABI, or a
 *                      weights file of another model
 *   NNCC_ISA_MISSING   compiled for instructions that this machine lacks, at every level
 *   NNCC_DATA_ERROR    NNCC_OPEN_VERIFY_WEIGHTS found weights that are not what was compiled
 *   NNCC_INVALID_ARGUMENT, such as a level that the library does not have; NNCC_OUT_OF_MEMORY */
NNCC_API nncc_status nncc_model_open(const char *path, const nncc_open_options *options,
                                     nncc_model **model);

/* The same for a model that is linked into the program: pass what `nncc_model_<name>()` returned.
 * Without options, its weights file is looked for in the current folder. */
NNCC_API nncc_status nncc_model_from_descriptor(const nncc_descriptor *descriptor,
                                                const nncc_open_options *options,
                                                nncc_model **model);

/* Lets go of a model (NULL: nothing). The library is unloaded with its last instance. */
NNCC_API void nncc_model_close(nncc_model *model);

/* All that the library says of itself, of the level that was chosen, with the table of all levels;
 * checked when it was opened. Fields that an older library does not have read as 0 through this
 * copy. Valid until the model is closed. */
NNCC_API const nncc_descriptor *nncc_model_descriptor(const nncc_model *model);

/* Whether this machine has all that the code of a level needs, which is nncc_model_descriptor() or
 * one of its `levels`: the instructions; of a device its driver, and a device that one of the
 * images is for. NNCC_ISA_MISSING says what it lacks. */
NNCC_API nncc_status nncc_level_check(const nncc_descriptor *level);

/* Counts, and elements by index in [0, count); NULL for an index outside. Negative sizes in a shape
 * stand for dims: -1 - d for dim d. Inputs and outputs are tensors: those that nncc_instance_run()
 * takes. */
NNCC_API int32_t nncc_model_num_inputs(const nncc_model *model);
NNCC_API int32_t nncc_model_num_outputs(const nncc_model *model);
NNCC_API int32_t nncc_model_num_dims(const nncc_model *model);
NNCC_API int32_t nncc_model_num_metadata(const nncc_model *model);
NNCC_API int32_t nncc_model_num_dispatches(const nncc_model *model);
NNCC_API const nncc_tensor_info *nncc_model_input(const nncc_model *model, int32_t index);
NNCC_API const nncc_tensor_info *nncc_model_output(const nncc_model *model, int32_t index);
NNCC_API const nncc_dim *nncc_model_dim(const nncc_model *model, int32_t index);
NNCC_API const nncc_metadata *nncc_model_metadata(const nncc_model *model, int32_t index);
NNCC_API const nncc_dispatch *nncc_model_dispatch(const nncc_model *model, int32_t index);

/* Index by name; -1 where there is none. */
NNCC_API int32_t nncc_model_find_input(const nncc_model *model, const char *name);
NNCC_API int32_t nncc_model_find_output(const nncc_model *model, const char *name);

/* Inputs and outputs as the ONNX model has them, which nncc_instance_run_values() takes: also
 * sequences, optionals and tensors of strings, for which several of the tensors above stand. Of a
 * model without such values, and of a library that is older than they are, the tensors themselves.
 */
NNCC_API int32_t nncc_model_num_input_values(const nncc_model *model);
NNCC_API int32_t nncc_model_num_output_values(const nncc_model *model);
NNCC_API const nncc_value_info *nncc_model_input_value(const nncc_model *model, int32_t index);
NNCC_API const nncc_value_info *nncc_model_output_value(const nncc_model *model, int32_t index);
NNCC_API int32_t nncc_model_find_input_value(const nncc_model *model, const char *name);
NNCC_API int32_t nncc_model_find_output_value(const nncc_model *model, const char *name);

/* Bytes that a run with these dims (in the descriptor's order; NULL where it has none) and this
 * many threads (0: nncc_usable_cpus()) needs besides inputs, outputs and weights. On a device, of
 * its memory, and whatever `threads` is: NNCC_ISA_MISSING without one. */
NNCC_API nncc_status nncc_model_workspace_size(const nncc_model *model, const int64_t *dims,
                                               int32_t threads, uint64_t *bytes);

/* Instance --------------------------------------------------------------------------------------
 */

enum {
  NNCC_INSTANCE_PROFILE = 1 /* measure every dispatch: about 50 ns for each */
};

typedef struct nncc_instance_options {
  uint32_t struct_size;
  uint32_t flags; /* NNCC_INSTANCE_* */
  /* Workers, the caller of run included; 0: nncc_usable_cpus(). What earlier calls of a kernel have
   * cost decides which are shared: the caller alone runs what is too short, and others sleep. */
  int32_t threads;
  /* How long a worker looks for the next dispatch of a run before it sleeps, in microseconds;
   * -1: chosen by the runtime. Between runs workers sleep. */
  int32_t spin_us;
  /* Services of the host; NULL, or entries that are NULL: the runtime's. With a parallel_for of the
   * host the instance starts no thread; the host then uses workers [0, threads) only. `alloc` and
   * `free` come together, and `team_run` and `barrier`; without these two, a parallel_for of the
   * host runs all kernels. */
  const nncc_services *services;
  void *host; /* first argument of the host's services */
  /* For models whose kernels run on a device; others look at neither of the two. `stream` is one of
   * the caller's (a CUstream of the device's primary context) that the work is put into; it must
   * outlive the instance. NULL: the instance has its own, which waits for what the caller has put
   * into the default stream. A run in the caller's stream of which all
   * tensors are on the device returns when its work is queued, and errors of the work itself come
   * with a later call. Any other run returns when its work is done. */
  void *stream;
  int32_t device; /* number of the device, as the driver counts them */
} nncc_instance_options;
#define NNCC_INSTANCE_OPTIONS_INIT                                                                 \
  { sizeof(nncc_instance_options), 0, 0, -1, NULL, NULL, NULL, 0 }

/* Makes an instance and starts its threads. It holds on to the model, which may be closed before.
 * `options` may be NULL.
 *
 * An instance on a device starts none, whatever `threads` and `spin_us` are, and uses error, log
 * and cancelled of the host's services only. It holds memory for weights, which it shares with
 * other instances of the model there, and from its first run on a workspace and room for the
 * tensors that the caller has in the host's memory. From the second run with the same sizes and
 * addresses on, a program that asks the device for nothing on its way is queued as a whole (a CUDA
 * graph). After an error of a kernel the driver fails all that uses the device: close all models on
 * it, and open them again.
 *   NNCC_ISA_MISSING       compiled for a device that this machine lacks, or has no driver for
 *   NNCC_NOT_SUPPORTED     the driver refuses the code; services that are not used there; a process
 *                          that was forked from one that uses the driver
 *   NNCC_INVALID_ARGUMENT  no such device; a stream of another context
 *   NNCC_OUT_OF_MEMORY */
NNCC_API nncc_status nncc_instance_create(nncc_model *model, const nncc_instance_options *options,
                                          nncc_instance **instance);

/* Ends its threads and frees its memory (NULL: nothing). No run may be in progress. */
NNCC_API void nncc_instance_destroy(nncc_instance *instance);

/* Workers, the caller of run included; on a device, blocks that have scratch memory. */
NNCC_API int32_t nncc_instance_threads(const nncc_instance *instance);

/* To be added to nncc_tensor.type: the data are in memory of the device that the model runs on,
 * aligned to their elements. */
#define NNCC_ON_DEVICE 0x10000

/* A dense tensor in memory of the caller, in row-major order, at any alignment. For a run it is
 * neither copied nor kept, unless it is in memory of the host and kernels run on a device. */
typedef struct nncc_tensor {
  void *data;     /* may be NULL where the tensor has no elements; inputs are only read */
  nncc_type type; /* NNCC_FLOAT, ..., or NNCC_FLOAT | NNCC_ON_DEVICE */
  int32_t rank;
  const int64_t *shape; /* may be NULL where rank is 0 */
  const char *name;     /* which input or output; NULL: the one at this position */
} nncc_tensor;

/* Sets the sizes of the dims from the shapes of all inputs (their data is not looked at) and gets
 * memory for them, so that the next run does not have to. Optional: run does it by itself. */
NNCC_API nncc_status nncc_instance_bind(nncc_instance *instance, const nncc_tensor *inputs,
                                        int32_t num_inputs);

/* The same with the sizes themselves, in the descriptor's order; -1 for one that follows from the
 * others. */
NNCC_API nncc_status nncc_instance_bind_dims(nncc_instance *instance, const int64_t *dims,
                                             int32_t num_dims);

/* The shape of an output for the bound dims; writes the output's rank sizes. A model without dims
 * needs no binding. A size that only a run tells is -1. */
NNCC_API nncc_status nncc_instance_output_shape(const nncc_instance *instance, int32_t output,
                                                int64_t *shape);

/* Bytes of workspace for the bound dims. */
NNCC_API nncc_status nncc_instance_workspace_size(const nncc_instance *instance, uint64_t *bytes);

/* Uses this memory (aligned to NNCC_ALIGNMENT; on a device, of the device) as the workspace instead
 * of the instance's own, until it is called with NULL. It must live until then, and runs that need
 * more fail with NNCC_OUT_OF_MEMORY. */
NNCC_API nncc_status nncc_instance_set_workspace(nncc_instance *instance, void *memory,
                                                 uint64_t bytes);

/* Runs the model: all inputs and all outputs, by position or by name, with matching types and
 * shapes. An output of which only the run tells a size (see nncc_instance_output_shape) has no data
 * here: nncc_instance_output() gives it afterwards. Outputs may alias neither each other nor an
 * input. From the second run with the same dims on it takes no memory from the system.
 * Tensors that are the parts of a value (see nncc_value_info) must fit each other.
 *   NNCC_INVALID_ARGUMENT  count, name, type, rank, size or pointer, or parts that do not fit each
 *                          other; the message says which input, what was found and what was
 *                          expected; or a run is in progress
 *   NNCC_DATA_ERROR        a value that a node does not allow; the message names the node
 *   NNCC_CANCELLED         by nncc_instance_cancel(); outputs are undefined
 *   NNCC_NOT_SUPPORTED     data are given for an output whose sizes are known only after the run
 *   NNCC_OUT_OF_MEMORY, and what the host's services return */
NNCC_API nncc_status nncc_instance_run(nncc_instance *instance, const nncc_tensor *inputs,
                                       int32_t num_inputs, const nncc_tensor *outputs,
                                       int32_t num_outputs);

/* An output whose sizes the last run computed, in memory of the instance: valid until its next run.
 * It is on the device where the type given to the run said NNCC_ON_DEVICE, and its type says so. */
NNCC_API nncc_status nncc_instance_output(const nncc_instance *instance, int32_t output,
                                          nncc_tensor *tensor);

/* Memory of the device that the instance runs on, for tensors with NNCC_ON_DEVICE of a caller that
 * does not use CUDA itself. It is aligned to 256 bytes, belongs to the caller, may be used by all
 * instances of any model on that device, and has to be given back, by nncc_device_free() alone,
 * before this instance is destroyed: a result in it outlives the run, and not the instance.
 * nncc_device_free() waits for what the device does, and does nothing for NULL. These two may be
 * called from any thread, also during a run.
 *   NNCC_NOT_SUPPORTED  kernels of the model run on the processor
 *   NNCC_OUT_OF_MEMORY, NNCC_INVALID_ARGUMENT */
NNCC_API nncc_status nncc_device_alloc(nncc_instance *instance, uint64_t bytes, void **memory);
NNCC_API void nncc_device_free(nncc_instance *instance, void *memory);

/* Copies, in order with the runs of the instance, and returns when all of them and the copy are
 * done. Each of the two is memory of the device or of the host. After a run in the caller's stream
 * it gives the error of that run, if there was one. */
NNCC_API nncc_status nncc_device_copy(nncc_instance *instance, void *to, const void *from,
                                      uint64_t bytes);

/* What is put into the CUDA stream `after` from now on waits for what is in the stream `before`
 * now; nobody else does. NULL: the stream of the instance; (void *)1: the device's default one. So
 * a run may take what another stream is still making, and another stream what the run makes. */
NNCC_API nncc_status nncc_device_order(nncc_instance *instance, void *before, void *after);

/* What went wrong in the last call on this instance that failed; "" before the first: as
 * nncc_last_error(), for hosts that do not stay on one thread. */
NNCC_API const char *nncc_instance_error(const nncc_instance *instance);

/* Stops the run in progress at the next chunk of work; it returns NNCC_CANCELLED. From any thread;
 * does nothing where none is in progress. A recurrence that workers share is one chunk. */
NNCC_API void nncc_instance_cancel(nncc_instance *instance);

/* Values ----------------------------------------------------------------------------------------
 *
 * A value is a tensor of numbers, a tensor of strings, a sequence of tensors, or an optional, which
 * holds a tensor, a sequence, or nothing. Values do not belong to a model or an instance, do not
 * change, and may be read by several threads at the same time.
 *
 *   nncc_value *elements[2], *sequence, *result;
 *   nncc_value_create_tensor(&x, &elements[0]);
 *   nncc_value_create_tensor(&y, &elements[1]);
 *   nncc_value_create_sequence(elements, 2, &sequence);
 *   const nncc_value *inputs[] = {sequence};
 *   if (nncc_instance_run_values(instance, inputs, 1, &result, 1))
 *     fprintf(stderr, "%s\n", nncc_last_error());
 *   for (int64_t i = 0; i < nncc_value_count(result); ++i)
 *     print(nncc_value_tensor(nncc_value_element(result, i)));
 *
 * The functions that make one return NNCC_INVALID_ARGUMENT or NNCC_OUT_OF_MEMORY, and then `value`
 * is left alone. */

/* A tensor of numbers: with a copy of the data, or over the caller's, which must then outlive the
 * value. The name is not looked at. */
NNCC_API nncc_status nncc_value_create_tensor(const nncc_tensor *tensor, nncc_value **value);
NNCC_API nncc_status nncc_value_borrow_tensor(const nncc_tensor *tensor, nncc_value **value);

/* A tensor of strings, which are copied: as many as the shape has elements, in row-major order.
 * `lengths` are their bytes; NULL: each ends with a zero byte. ONNX's strings are UTF-8, which is
 * not checked. */
NNCC_API nncc_status nncc_value_create_strings(const char *const *strings, const int64_t *lengths,
                                               int32_t rank, const int64_t *shape,
                                               nncc_value **value);

/* A sequence of tensors. Where it returns NNCC_OK the elements belong to it; until then, and where
 * it fails, to the caller. */
NNCC_API nncc_status nncc_value_create_sequence(nncc_value *const *elements, int64_t count,
                                                nncc_value **value);

/* An optional with a tensor or a sequence, which it takes over in the same way; NULL: without. */
NNCC_API nncc_status nncc_value_create_optional(nncc_value *element, nncc_value **value);

/* Frees a value with all that it holds. Does nothing for NULL, and for a value that belongs to a
 * sequence or an optional. */
NNCC_API void nncc_value_destroy(nncc_value *value);

/* NNCC_VALUE_TENSOR, NNCC_VALUE_SEQUENCE or NNCC_VALUE_OPTIONAL. */
NNCC_API int32_t nncc_value_kind(const nncc_value *value);

/* Elements of a sequence; 1 or 0 of an optional; numbers or strings of a tensor. */
NNCC_API int64_t nncc_value_count(const nncc_value *value);

/* What a sequence or an optional holds; NULL for an index outside, and of a tensor. It lives as
 * long as the value. */
NNCC_API const nncc_value *nncc_value_element(const nncc_value *value, int64_t index);

/* Type, shape and data of a tensor, without data where it is of strings (NNCC_STRING); NULL where
 * the value is none. It lives as long as the value. */
NNCC_API const nncc_tensor *nncc_value_tensor(const nncc_value *value);

/* String `index` of a tensor of strings in row-major order, not ended by a zero byte; NULL for an
 * index outside, and of other values. `length` receives its bytes. */
NNCC_API const char *nncc_value_string(const nncc_value *value, int64_t index, int64_t *length);

/* Runs the model on values: all inputs and all outputs of nncc_model_input_value() and
 * nncc_model_output_value(), by position, whether or not some of them are no tensors. For an
 * optional, what it holds may be given instead. The outputs are new values, to be destroyed by the
 * caller; where the call fails they are left alone. Tensors of numbers are neither copied nor kept;
 * of a sequence of more than one tensor the elements are copied. Statuses as nncc_instance_run().
 */
NNCC_API nncc_status nncc_instance_run_values(nncc_instance *instance,
                                              const nncc_value *const *inputs, int32_t num_inputs,
                                              nncc_value **outputs, int32_t num_outputs);

/* Profile ---------------------------------------------------------------------------------------
 */

typedef struct nncc_profile {
  uint64_t count; /* calls */
  uint64_t total_ns, min_ns, max_ns;
} nncc_profile;

#define NNCC_PROFILE_RUN (-1) /* whole runs: what dispatches do not account for is overhead */

/* Times of dispatch `dispatch` (see nncc_model_dispatch), or of whole runs, since the instance was
 * created or reset; on a device, by its own clock, and without graphs. NNCC_NOT_SUPPORTED without
 * NNCC_INSTANCE_PROFILE. */
NNCC_API nncc_status nncc_instance_profile(const nncc_instance *instance, int32_t dispatch,
                                           nncc_profile *profile);
NNCC_API void nncc_instance_profile_reset(nncc_instance *instance);

#ifdef __cplusplus
}
#endif
#endif
