// A stand-in for the CUDA driver: libcuda.so.1 for machines without a GPU. It runs the kernels of a
// module given as LLVM bitcode (NNCC_IMAGE_BITCODE: nvptx64-nvidia-cuda, before machine code is
// made) on the processor, and checks every access and every synchronisation that they make.
// LD_LIBRARY_PATH selects it: build/lib/gpu-emulator holds nothing else.
//
//     LD_LIBRARY_PATH=build/lib/gpu-emulator <program that opens libcuda.so.1>
//     LD_LIBRARY_PATH=build/lib/gpu-emulator test/gpu-emulator/mutate.py <the same>
//
// A launch fails with the report of the first mistake, on stderr and from cuGetErrorString:
//
//   race                two threads of a block touch the same bytes of shared or global memory, one
//                       of them writes, and no barrier of the block or of a warp orders the two; or
//                       two blocks of a launch do so. Atomic accesses do not race with each other.
//   uninitialized       shared memory is read that no thread of the block has written
//   in flight           shared memory is touched that an asynchronous copy has not been waited for;
//                       copies land as late as the waits allow
//   out of bounds       global memory outside of every allocation or of a freed one, shared memory
//                       outside of the variable; new memory is full of NaNs (bytes of 0xff)
//   misaligned          an access that is not aligned as the instruction says
//   divergence          threads that wait for others which have exited or wait somewhere else;
//                       operations of a warp whose lanes are not all there
//
// What the model of order is, and what it leaves out, is in Shadow.h. Arithmetic is IEEE's: the
// approximations of the hardware (ex2, rcp, sqrt, ...) are rounded from double precision, and a
// product of matrices is the exact sum of one instruction, rounded once.
//
// A kernel that fails leaves the driver broken, as a GPU would: every call returns its error until
// the last cuDevicePrimaryCtxRelease. Work is done when it is enqueued, one block after the other.
//
// Its environment:
//
//   NNCC_EMULATOR_SCHEDULE=forward|reverse|random:<seed>   which thread runs first
//   NNCC_EMULATOR_CAPABILITY=90      10 * major + minor of the device's compute capability
//   NNCC_EMULATOR_MUTATIONS=<file>   repeats launches without each synchronisation of the kernel,
//   to
//                                    test that somebody notices, and adds what was found to the
//                                    file: Mutation.h; mutate.py shows it
//   NNCC_EMULATOR_STATISTICS=1       prints the checked accesses and the time of each launch
#ifndef NNCC_TEST_GPU_EMULATOR_OPTIONS_H
#define NNCC_TEST_GPU_EMULATOR_OPTIONS_H

#include <cstdint>
#include <string>

namespace emulator {

enum class Schedule { Forward, Reverse, Random };

struct Options {
  Schedule schedule = Schedule::Forward;
  uint64_t seed = 0;
  int capability = 90;
  bool statistics = false;
  std::string mutations; // a file; empty: there are none
};

/// Read from the environment once.
const Options &options();

} // namespace emulator

#endif
