// The threads of a block, and what they share, while a kernel is scheduled.
#pragma once

#include "targets/kernel/Emitter.h"
#include "targets/kernel/Kernel.h"

namespace nncc::nvptx {

struct ContractFeatures;

/// The memory space of shared memory in memref types: NVPTX's address space.
constexpr unsigned sharedSpace = 3;
/// Of constants, and of all buffers.
constexpr unsigned globalSpace = 1;
/// What every GPU has for the blocks of a kernel that declares it.
constexpr int64_t mostSharedBytes = 48 << 10;
constexpr int64_t warpLanes = 32;
/// Of one load or store of a thread.
constexpr int64_t widestBytes = 16;

/// An element of global memory that should be at a multiple of so many bytes, a power of two.
struct AlignedPlace {
  mlir::Value buffer;
  int64_t bytes;
  mlir::Value at = {}; // null: the first one
};

/// An index arithmetic emitter (see Emitter) that knows the threads of a block.
class ThreadBlock : public Emitter {
public:
  /// Emits the indices of thread and block at `b`. `threads` is a multiple of 32.
  ThreadBlock(mlir::OpBuilder &b, Kernel &kernel, int64_t threads);

  /// One unit for each block of the launch. Where `body` allocates scratch, of which there is as
  /// much as a host has workers: for (unit = block; unit < count; unit += blocks), and behind each
  /// of several, where threads have shared anything, a barrier.
  void units(mlir::AffineExpr count, llvm::function_ref<void(mlir::Value)> body);

  /// for (i = 0; i < count; ++i), all threads together; the same barrier behind each of several.
  void repeat(mlir::AffineExpr count, llvm::function_ref<void(mlir::Value)> body);

  /// for (i = first thread; i < count; i += all threads): each i is one thread's.
  void distribute(mlir::Value count, Body body) { stride(thread, count, threads, body); }
  /// The same of warps: all lanes of one have the same i.
  void distributeWarps(mlir::Value count, Body body) {
    stride(warp(), count, threads / warpLanes, body);
  }
  /// for (i = first; i < count; i += step), with values that are carried from one to the next.
  llvm::SmallVector<mlir::Value> stride(mlir::Value first, mlir::Value count, int64_t step,
                                        mlir::ValueRange carried, CarryBody body);
  void stride(mlir::Value first, mlir::Value count, int64_t step, Body body);

  /// What `yes` or `no` gives.
  llvm::SmallVector<mlir::Value> choose(mlir::Value condition, mlir::TypeRange types,
                                        llvm::function_ref<llvm::SmallVector<mlir::Value>()> yes,
                                        llvm::function_ref<llvm::SmallVector<mlir::Value>()> no);

  /// Quotient and remainder of a number below `bound`, in 32 bits where these hold it: GPUs have no
  /// instructions for more.
  std::pair<mlir::Value, mlir::Value> divideBelow(mlir::AffineExpr bound, mlir::Value number,
                                                  mlir::AffineExpr divisor);

  mlir::Value warp();
  mlir::Value lane();

  /// All threads have come here: what they wrote before is seen by all after.
  void barrier();
  /// Nothing of what they share is used after the last barrier of the unit.
  void areSynchronized() { shares = false; }
  /// The same of what `body` shares, where it says so.
  void unlessSynchronized(llvm::function_ref<bool()> body) {
    bool before = shares;
    shares = !body() || before;
  }

  /// Whether so much more fits beside what is shared already.
  bool canShare(int64_t elements, mlir::Type element) const;
  /// Flat memory that the threads of a block share, aligned to 16 bytes. What no kernel can declare
  /// is asked for when it is launched (rt.shared), once in a kernel.
  mlir::Value allocateShared(int64_t elements, mlir::Type element);
  /// The same where it is small enough, else a part of the block's scratch.
  mlir::Value allocate(mlir::AffineExpr elements, mlir::Type element);
  /// Neighbouring elements of `buffer`, of which the first one is aligned to all of them, or to so
  /// many bytes, which one instruction loads. (A load of more, of less alignment, is never: LLVM
  /// would make one of it and of an aligned one in another branch.)
  llvm::SmallVector<mlir::Value> loadNeighbours(mlir::Value buffer, mlir::Value at, int64_t count,
                                                int64_t alignment = 16);
  /// The counterpart.
  void storeNeighbours(mlir::ValueRange values, mlir::Value buffer, mlir::Value at);
  /// Flat memory that holds `elements`.
  mlir::Value constants(mlir::DenseElementsAttr elements, mlir::Type memory);

  /// A pointer to an element of memory that is in `space`: instructions that are of one take it.
  mlir::Value pointer(mlir::Value memory, mlir::Value at, unsigned space);

  /// Whether each place is at a multiple of its bytes: values of the arena and weights begin at one
  /// of NNCC_ALIGNMENT, but a kernel may be given a view on one, or what a host calls its own. Only
  /// a run knows.
  mlir::Value areAligned(llvm::ArrayRef<AlignedPlace> places);

  /// The value of the lane whose number differs in the bits of `mask`; of any integer or float
  /// type.
  mlir::Value shuffleXor(mlir::Value value, int64_t mask);

  Kernel &kernel;
  const int64_t threads;
  mlir::Value thread; // of the block, from 0
  mlir::Value block;  // of the launch

private:
  bool usesScratch() const { return constantOf(kernel.scratch) != 0; }
  mlir::Value global(mlir::MemRefType type, mlir::Attribute contents, llvm::StringRef name);
  mlir::MemRefType sharedType(int64_t elements, mlir::Type element);

  bool shares = false; // since the last unit began
  int64_t sharedBytes = 0;
  int64_t globals = 0;
};

/// Whether all sizes are, whatever the symbols are.
bool areMultiples(llvm::ArrayRef<mlir::AffineExpr> sizes, int64_t of);

/// What addresses are multiples of, at most 16 and no less than an element of so many bytes, whose
/// parts are these `offsets`, in elements, and multiples of `bytes`.
int64_t alignmentOf(llvm::ArrayRef<mlir::AffineExpr> offsets, int64_t elementBytes, int64_t bytes);

/// Each emits the units of `op`, whose operands are in `kernel.places`, at `b`, sets kernel.units
/// and returns the threads of a block. On failure it has reported why.
///
/// Where a contraction gets a workspace, its sums are computed in parts; where an attention gets
/// one, its keys are split. `onlyResults`: the launch behind it, which joins them.
mlir::FailureOr<int64_t> emitContract(mlir::OpBuilder &b, kern::ContractOp op, Kernel &kernel,
                                      const ContractFeatures &features, bool onlyResults);
mlir::FailureOr<int64_t> emitAttention(mlir::OpBuilder &b, kern::AttentionOp op, Kernel &kernel,
                                       const ContractFeatures &features, bool onlyResults);
mlir::FailureOr<int64_t> emitRecurrence(mlir::OpBuilder &b, kern::RecurrenceOp op, Kernel &kernel);
/// Of a large result each thread has a tile of neighbouring channels and columns.
mlir::FailureOr<int64_t> emitWindow(mlir::OpBuilder &b, kern::WindowOp op, Kernel &kernel);

} // namespace nncc::nvptx
