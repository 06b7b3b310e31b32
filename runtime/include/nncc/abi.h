/* nncc/abi.h: what a compiled library and its host agree on.
 *
 * A compiled model exports one symbol, `nncc_model_<name>`, a function without arguments that
 * returns a constant `nncc_descriptor`. Everything else is reached from there. The library has no
 * global state, allocates nothing and starts no thread: memory and threads come from the host
 * through `nncc_services`. Plain C, no dependencies.
 *
 * Compatibility: a host refuses another `abi_major`. Within a major version structs only grow at
 * their end; `struct_size` says how much of one the other side knows.
 * Sizes are in bytes unless said otherwise, pointers into the arena and the weights are aligned to
 * NNCC_ALIGNMENT and followed by NNCC_ALIGNMENT readable bytes.
 */
#ifndef NNCC_ABI_H
#define NNCC_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NNCC_ABI_MAGIC UINT64_C(0x4c444f4d43434e4e) /* "NNCCMODL", little endian */
#define NNCC_ABI_MAJOR 1
#define NNCC_ABI_MINOR 4
#define NNCC_ALIGNMENT 64

/* What a call returned. Nothing aborts or throws across this boundary. */
enum {
  NNCC_OK = 0,
  NNCC_INVALID_ARGUMENT = 1, /* wrong shape, type, name or count of what the caller gave */
  NNCC_NOT_SUPPORTED = 2,    /* this host or this library does not offer it */
  NNCC_DATA_ERROR = 3,       /* a value at run time is outside of what a node allows */
  NNCC_OUT_OF_MEMORY = 4,
  NNCC_CANCELLED = 5,
  NNCC_IO_ERROR = 6,     /* a file that is missing, short or unreadable */
  NNCC_ABI_MISMATCH = 7, /* not a library of ours, or of another ABI */
  NNCC_ISA_MISSING = 8,  /* compiled for instructions that this machine lacks */
  NNCC_INTERNAL = 9
};
typedef int32_t nncc_status;

/* Element types, numbered as onnx.TensorProto.DataType. Types under 8 bits are packed without
 * gaps, the lowest bits first. Strings are no flat type: see nncc_value_info. */
enum {
  NNCC_FLOAT = 1,
  NNCC_UINT8 = 2,
  NNCC_INT8 = 3,
  NNCC_UINT16 = 4,
  NNCC_INT16 = 5,
  NNCC_INT32 = 6,
  NNCC_INT64 = 7,
  NNCC_STRING = 8,
  NNCC_BOOL = 9, /* one byte, 0 or 1 */
  NNCC_FLOAT16 = 10,
  NNCC_DOUBLE = 11,
  NNCC_UINT32 = 12,
  NNCC_UINT64 = 13,
  NNCC_COMPLEX64 = 14,
  NNCC_COMPLEX128 = 15,
  NNCC_BFLOAT16 = 16,
  NNCC_FLOAT8E4M3FN = 17,
  NNCC_FLOAT8E4M3FNUZ = 18,
  NNCC_FLOAT8E5M2 = 19,
  NNCC_FLOAT8E5M2FNUZ = 20,
  NNCC_UINT4 = 21,
  NNCC_INT4 = 22,
  NNCC_FLOAT4E2M1 = 23,
  NNCC_FLOAT8E8M0 = 24,
  NNCC_UINT2 = 25,
  NNCC_INT2 = 26,
  NNCC_FLOAT6E2M3 = 27,
  NNCC_FLOAT6E3M2 = 28
};
typedef int32_t nncc_type;

typedef struct nncc_services nncc_services;
typedef struct nncc_call nncc_call;
typedef struct nncc_dispatch nncc_dispatch;
typedef struct nncc_frame nncc_frame;
typedef struct nncc_device nncc_device;
typedef struct nncc_launch nncc_launch;
typedef struct nncc_comm nncc_comm;

/* A kernel computes units [begin, end) of its parallel loop. Units are independent of each other
 * and of the number of workers. `worker` in [0, frame.workers) selects the slice of scratch.
 *
 * In a team (nncc_services.team_run) all workers compute all units together, each its share: begin
 * and `worker` are the number of the worker, end is begin + 1. */
typedef nncc_status (*nncc_kernel_fn)(const nncc_call *call, int64_t begin, int64_t end,
                                      int32_t worker);

/* The arguments of a kernel, the same for all of its units. */
struct nncc_call {
  void *const *buffers; /* in the order of the kernel's arguments */
  const int64_t *dims;  /* run-time sizes, NULL where all are static */
  char *scratch;        /* worker w owns [scratch + w * scratch_stride, + scratch_stride) */
  int64_t scratch_stride;
  const nncc_services *services; /* for errors; kernels allocate nothing */
  void *host;                    /* the first argument of every service */
  int32_t workers;               /* of the team; below 2 where there is none */
};

/* One call site of a kernel: constant data of the library, for scheduling and profiling. Where
 * sizes are known at run time only, flops and bytes are those for dims of 64. */
struct nncc_dispatch {
  uint32_t struct_size;
  uint32_t flags;     /* 0 */
  const char *kernel; /* symbol */
  const char *nodes;  /* names of the ONNX nodes that it computes, separated by ';' */
  nncc_kernel_fn function;
  int64_t units; /* of the parallel loop; -1: known at run time only */
  double flops;  /* multiplications and additions of the whole call */
  double bytes;  /* least traffic: all inputs and outputs once */
  /* How a device runs it, by the name `kernel` in the images; NULL, and `function` is there, where
   * it runs on the processor. */
  const nncc_launch *launch;
};

/* A kernel of a device. Its parameters are, in this order, num_buffers pointers of
 * nncc_call.buffers, num_dims int64 of nncc_call.dims, and, where it uses scratch,
 * nncc_call.scratch and nncc_call.scratch_stride. Block b of a launch computes unit b. Where it
 * uses scratch it is worker b as well, of at most frame.workers, and computes units b, b + blocks,
 * b + 2 * blocks, ... */
struct nncc_launch {
  uint32_t struct_size;
  int32_t threads; /* of a block, which has one dim */
  int32_t num_buffers, num_dims;
  int32_t shared_bytes; /* of a block, besides what the kernel declares itself */
  int32_t uses_scratch; /* 0 or 1 */
};

/* What a program on a device asks of its host besides nncc_services. All memory of its frame, and
 * what alloc and output give, is memory of the device; parallel_for starts the kernel and need not
 * wait for it. */
struct nncc_device {
  uint32_t struct_size;
  uint32_t reserved;
  /* Bytes of the device's memory where the host can read them, until the next fetch of the run,
   * once all kernels that were started before are done; NULL: failed, and error() was told why. */
  const void *(*fetch)(void *host, const void *memory, int64_t bytes);
  /* Copies within the device's memory, in order with kernels. */
  nncc_status (*copy)(void *host, void *to, const void *from, int64_t bytes);
};

/* What the library asks of its host. `host` is nncc_frame.host. Optional entries may be NULL. */
struct nncc_services {
  uint32_t struct_size;
  uint32_t reserved;
  /* Runs all units in chunks, on any number of threads, and returns when all are done: the first
   * status that is not NNCC_OK, or NNCC_OK. Promises no concurrency. */
  nncc_status (*parallel_for)(void *host, const nncc_dispatch *dispatch, const nncc_call *call,
                              int64_t units);
  /* Optional: runs unit w on worker w for all w < workers *at the same time*, so that `barrier`
   * may be used between them, and returns as parallel_for does. `workers` is that of the call and
   * at most frame.workers. NNCC_NOT_SUPPORTED, before any of them has begun, where the host cannot
   * promise that now: the library then calls parallel_for. */
  nncc_status (*team_run)(void *host, const nncc_dispatch *dispatch, const nncc_call *call,
                          int32_t workers);
  /* Waits in a team until all workers have come; what they wrote before is seen after. One that
   * has returned from the kernel, with whatever status, is not waited for. */
  void (*barrier)(void *host); /* there where team_run is; floats may be flushed in a caller */
  /* Memory for values whose size is known at run time only, aligned to NNCC_ALIGNMENT. */
  void *(*alloc)(void *host, int64_t bytes);
  void (*free)(void *host, void *memory);
  /* Records why a status other than NNCC_OK is about to be returned; `node` may be NULL. */
  void (*error)(void *host, nncc_status status, const char *node, const char *message);
  void (*log)(void *host, int32_t level, const char *message); /* optional */
  /* Whether the run was cancelled; asked between dispatches. */
  int32_t (*cancelled)(void *host);
  const nncc_device *device; /* optional: an accelerator */
  const nncc_comm *comm;     /* optional: other processes or devices */
  /* Memory for an output whose sizes the run has just computed, aligned to NNCC_ALIGNMENT; NULL
   * ends the run. Only asked for by models that have such outputs, once for each. */
  void *(*output)(void *host, int32_t output, const int64_t *shape);
};

/* The arguments of one run. */
struct nncc_frame {
  uint32_t struct_size;
  int32_t workers; /* the most that parallel_for and team_run use at once */
  const nncc_services *services;
  void *host;
  void *const *inputs;  /* in the descriptor's order; any alignment, on a device that of their
                         * elements; never over-read */
  void *const *outputs; /* likewise; may alias neither each other nor an input; NULL where only the
                         * run knows the sizes: see nncc_services.output */
  const char *weights;
  char *arena;
  char *scratch; /* workers * scratch_stride bytes */
  int64_t scratch_stride;
  const int64_t *dims; /* the sizes of the descriptor's dims */
};

typedef struct nncc_dim {
  const char
      *name; /* as in the model, "2*batch + 1" of one that others give; "" where it has none */
  int64_t min, max; /* inclusive; max -1: any */
} nncc_dim;

typedef struct nncc_tensor_info {
  const char *name;
  nncc_type type;
  int32_t rank;
  const int64_t *shape; /* rank sizes; -1 - d stands for the descriptor's dim d */
} nncc_tensor_info;

/* What an input or output is to a user, where that is more than one tensor: a library computes with
 * tensors alone, and a value is handed over as the tensors below, its parts, which follow each
 * other in nncc_descriptor.inputs or .outputs.
 *
 *   tensor               the tensor itself; of strings: bytes, lengths
 *   sequence             elements, rows; of tensors of strings: bytes, lengths, rows
 *   optional tensor      as a sequence of at most one tensor
 *   optional sequence    present, then as the sequence, which is empty where it is not present
 *
 *   elements  [total]     the elements of all tensors, one tensor after the other
 *   bytes     u8 [total]  the same of strings: UTF-8, without anything between them
 *   lengths   i64         bytes of each string: of the tensor's shape, or [total] in a sequence
 *   rows      i64 [count, NNCC_VALUE_ROW]  for each tensor its rank, then its sizes, then ones
 *   present   bool []
 */
enum {
  NNCC_VALUE_TENSOR = 0,
  NNCC_VALUE_SEQUENCE = 1, /* of tensors */
  NNCC_VALUE_OPTIONAL = 2, /* a tensor or nothing */
  NNCC_VALUE_OPTIONAL_SEQUENCE = 3
};
#define NNCC_VALUE_MAX_RANK 8 /* of a tensor in a sequence or optional */
#define NNCC_VALUE_ROW (1 + NNCC_VALUE_MAX_RANK)
typedef struct nncc_value_info {
  const char *name;
  int32_t kind;         /* NNCC_VALUE_* */
  nncc_type type;       /* of the elements of its tensors; may be NNCC_STRING */
  int32_t rank;         /* of its tensors; -1: each has its own */
  const int64_t *shape; /* rank sizes of its tensors, as in nncc_tensor_info; INT64_MIN: each
                         * tensor has its own */
  int32_t first, count; /* its parts among the tensors */
} nncc_value_info;

typedef struct nncc_metadata {
  const char *key, *value;
} nncc_metadata;

/* The weights file begins with this header, padded to 4096 bytes; the weights follow. */
#define NNCC_WEIGHTS_MAGIC UINT64_C(0x4857434e4e) /* "NNCWH" */
#define NNCC_WEIGHTS_OFFSET 4096
typedef struct nncc_weights_header {
  uint64_t magic;
  uint64_t size; /* of the weights, without this header */
  uint64_t hash; /* of the weights: see nncc_descriptor.weights_hash */
} nncc_weights_header;

/* Where the memory of a frame is and kernels run. */
enum { NNCC_DEVICE_CPU = 0, NNCC_DEVICE_CUDA = 1 };

/* All kernels of a program for a device, as one module in one form. */
enum {
  NNCC_IMAGE_CUBIN = 0,  /* for devices of `capability`, and later ones of the same major version */
  NNCC_IMAGE_PTX = 1,    /* text, ends with a 0: for devices of `capability` and all later ones */
  NNCC_IMAGE_BITCODE = 2 /* LLVM's, before machine code is made: for emulators */
};
typedef struct nncc_image {
  uint32_t struct_size;
  int32_t kind;       /* NNCC_IMAGE_* */
  int32_t capability; /* 10 * major + minor of the compute capability: 90 */
  int32_t exact;      /* 1: uses features of this capability alone, as sm_90a does */
  const void *data;
  uint64_t size;
} nncc_image;

typedef struct nncc_descriptor {
  uint64_t magic; /* NNCC_ABI_MAGIC */
  uint16_t abi_major, abi_minor;
  uint32_t struct_size;
  const char *name;
  const char *compiler; /* name and version */
  const char *triple;   /* LLVM target triple and processor that the code is for */
  const char *cpu;      /* "x86-64-v4", "x86-64-v4+avx512vnni"; of a device its name: "sm_90a" */
  /* Features that the code uses, between ',': LLVM's names of those of the processor; for a device
   * "cuda" as well. */
  const char *isa;
  int32_t num_inputs, num_outputs, num_dims, num_metadata, num_dispatches, num_checks;
  const nncc_tensor_info *inputs, *outputs;
  const nncc_dim *dims;
  const nncc_metadata *metadata;
  const nncc_dispatch *const *dispatches; /* in program order */
  /* Weights: embedded (`weights` is set), or in a file beside the library (`weights_file` is its
   * name without a folder). The hash is FNV-1a over little-endian 64-bit words, the last one padded
   * with zeros. */
  const char *weights;
  const char *weights_file;
  uint64_t weights_size, weights_hash;
  /* Bytes of the arena and of one worker's scratch for these dims. NNCC_INVALID_ARGUMENT where the
   * model cannot run with them; arena_size is then -1 - the number of the check that failed, or 0.
   */
  nncc_status (*plan)(const int64_t *dims, int64_t *arena_size, int64_t *scratch_size);
  nncc_status (*run)(const nncc_frame *frame);
  /* Optional: completes the dims. On entry those that the shapes of the inputs give, -1 for others;
   * sets the ones that follow from them, and leaves -1 for sizes that only a run can tell. */
  nncc_status (*infer)(int64_t *dims);
  /* Sizes that have to fit each other, and where: a text for each check that `plan` makes. */
  const char *const *checks;
  /* All inputs and outputs, where some of them are no tensors; 0 and NULL where all are, and stand
   * for themselves. */
  int32_t num_input_values, num_output_values;
  const nncc_value_info *input_values, *output_values;
  /* A library with code for several processors has a descriptor for each of them, which differ in
   * triple, cpu, isa, dispatches, plan, run, infer, checks and live_size, and share weights and all
   * that a user sees.
   * They stand here from the best processor to the least: a host takes the first one whose isa its
   * machine has. The entry point returns the last one, the only one with this table, so that a host
   * that does not know of it runs the code for the least. 0 and NULL where there is only one. */
  int32_t num_levels;
  const struct nncc_descriptor *const *levels;
  /* The most bytes of values that live in the arena at the same time: no arena can be smaller. 0
   * where it is empty, or not of one size. */
  uint64_t live_size;
  /* Of a program for a device: its kernels, the best image first. The program itself runs on the
   * processor. */
  int32_t device; /* NNCC_DEVICE_* */
  int32_t num_images;
  const nncc_image *images;
} nncc_descriptor;

/* Only uses instructions that every such processor has: hosts call it before they look at isa. */
typedef const nncc_descriptor *(*nncc_model_fn)(void);

#ifdef __cplusplus
}
#endif
#endif
