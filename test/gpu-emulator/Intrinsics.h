// The table of intrinsics of NVPTX: what runs where generated code calls one. An intrinsic that is
// not in it is not known, and a module that calls it is not loaded. To add one is to add a row to
// the table of its family.
#ifndef NNCC_TEST_GPU_EMULATOR_INTRINSICS_H
#define NNCC_TEST_GPU_EMULATOR_INTRINSICS_H

#include "Site.h"
#include <cstring>
#include <vector>

namespace emulator {

struct Thread;

/// Operands and results come in words of 64 bits, one for each operand and for each member of the
/// result: integers are extended by zeros, floats and small vectors are their bits.
using Word = uint64_t;
using Handler = void (*)(const Site *site, const Word *args, Word *results);
/// Of an operation of a warp: computes the results of all lanes of the mask, which have all come.
/// `lanes` are the 32 threads of the warp, fewer in the last one of a block.
using WarpHandler = void (*)(const Site *site, uint32_t mask, Thread *lanes);

enum IntrinsicFlags : unsigned {
  Waits = 1,     // a thread may have to wait in it: kernels with it need fibers
  Removable = 2, // a synchronisation site: see Mutation.h
  Aligned = 4,   // all lanes have to come by the same instruction
  Orders = 8     // lanes that come together are in order afterwards
};

struct IntrinsicInfo {
  std::string name;
  Handler handler;
  unsigned flags = 0;
  int param = 0;              // which of a family
  WarpHandler warp = nullptr; // where handler is `rendezvous`
  int maskOperand = -1;       // -1: the whole warp
  int capability = 0;         // the least that has it
};
using IntrinsicTable = std::vector<IntrinsicInfo>;

/// Null where it is not known.
const IntrinsicInfo *findIntrinsic(const std::string &name);

/// The handler of all operations of a warp: the last lane to come computes them for all.
void rendezvous(const Site *site, const Word *args, Word *results);

/// Lands the first asynchronous copies of the current thread.
void landFirst(uint32_t count);

// The families, each a file.
void addBarriers(IntrinsicTable &table);
void addWarpOperations(IntrinsicTable &table);
void addMatrixOperations(IntrinsicTable &table);
void addAsyncCopies(IntrinsicTable &table);
void addMbarriers(IntrinsicTable &table);
void addMath(IntrinsicTable &table);
void addNarrowMath(IntrinsicTable &table);
void addIntegers(IntrinsicTable &table);

/// What a kernel does at llvm.trap.
void trap(const Site *site, const Word *args, Word *results);

template <typename T> T fromWord(Word word) {
  T value;
  memcpy(&value, &word, sizeof value);
  return value;
}
template <typename T> Word toWord(T value) {
  Word word = 0;
  memcpy(&word, &value, sizeof value);
  return word;
}

} // namespace emulator

#endif
