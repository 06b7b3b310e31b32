// How the nests of a group reach memory from within a unit: an element, or neighbours at once.
#pragma once

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "targets/kernel/Sweep.h"
#include "targets/kernel/UnitPosition.h"
#include "targets/nvptx/ThreadBlock.h"

namespace nncc::nvptx {

/// Neighbouring points of a sweep: `first` and those behind it in the direction of one loop.
struct PointVector {
  llvm::SmallVector<mlir::Value> first; // per loop of the sweep
  int along = -1;                       // the loop; none where there is one point
  int64_t width = 1;
};

/// The unit's part of what an access reads, in shared memory.
struct Tile {
  mlir::Value buffer;
  llvm::SmallVector<int64_t> strides; // per loop of the sweep
};

/// An element that the body of a statement reads at indices that it computes, where points in the
/// direction of a loop read neighbours: one index counts with the loop, the others stay.
struct GatheredRow {
  mlir::tensor::ExtractOp op;
  mlir::Value counter;                          // the index that counts
  llvm::SmallVector<mlir::Operation *> indices; // what the body computes them by, in order
  Place place;                                  // of the tensor
  Access access; // the element, if all indices but the one that counts were 0
};

/// Where an access goes from one point to the next one in the direction of a loop.
enum class Step { None, Neighbour, Other };

class NestMemory {
public:
  using Values = llvm::SmallVector<mlir::Value>;

  NestMemory(ThreadBlock &block, const Sweep &sweep, const NestGroup &group, const Homes &homes,
             const UnitPosition &unit)
      : e(block), sweep(sweep), group(group), homes(homes), unit(unit) {}

  /// The indices of the nest's loops: of the whole tensor, or within the unit.
  Values loopsOf(const Statement &statement, llvm::ArrayRef<mlir::Value> point, bool inUnit);

  mlir::Value read(const Statement &statement, const Access &access,
                   llvm::ArrayRef<mlir::Value> point);
  void write(const Statement &statement, size_t output, llvm::ArrayRef<mlir::Value> point,
             mlir::Value value);

  /// An element for each point. `isAligned`: the first one is to all of them, where they are
  /// neighbours.
  Values read(const Statement &statement, const Access &access, const PointVector &points,
              bool isAligned);
  void write(const Statement &statement, size_t output, const PointVector &points,
             mlir::ValueRange values, bool isAligned);

  Step stepOf(const Statement &statement, const Access &access, int loop) const;
  /// The most neighbours in the direction of `loop`, a power of two, that every access reads or
  /// writes in 16 bytes and that are aligned where the buffers are.
  int64_t widest(int loop) const;
  /// The same of one access.
  int64_t widest(const Statement &statement, const Access &access, int loop) const;
  mlir::Value isBufferAligned(const Access &access, int64_t width);
  /// Whether what is accessed as neighbours, `width` of them, is aligned; null: it always is.
  mlir::Value areBuffersAligned(int loop, int64_t width);

  /// What the statement reads from memory, and the argument of its body; null: it has none.
  static void forEachRead(const Statement &statement,
                          llvm::function_ref<void(mlir::Value, const Access &)> visit);
  /// The rows in the direction of `loop` that `width` points read in 16 bytes each, aligned where
  /// the buffers are.
  std::vector<GatheredRow> rowsOf(const Statement &statement, int loop, int64_t width) const;
  /// The elements from `first` on, aligned as neighbours of an access are.
  Values read(const GatheredRow &row, mlir::Value first, int64_t width, bool isAligned);

  /// The offset as a sum over the nest's loops; none where it is not one.
  std::optional<Linear> offsetOf(const Access &access) const;
  /// From now on, the access reads from the tile.
  void setTile(const Access &access, Tile tile) { tiles[&access] = std::move(tile); }
  const Base &baseOf(unsigned base) const { return homes.bases[base]; }
  mlir::Value offsetInTile(llvm::ArrayRef<mlir::Value> point, llvm::ArrayRef<int64_t> strides);

private:
  void forEachAccess(llvm::function_ref<void(const Statement &, const Access &)> visit) const;
  /// The splat that the access reads; null: none.
  mlir::Value splatOf(const Access &access);
  /// The buffer and offset of an element.
  std::pair<mlir::Value, mlir::Value> address(const Statement &statement, const Access &access,
                                              llvm::ArrayRef<mlir::Value> point);
  /// The most neighbours that all of these accesses reach in 16 bytes, aligned.
  using Accesses = llvm::ArrayRef<std::pair<const Statement *, const Access *>>;
  int64_t widest(Accesses accesses, int loop) const;
  bool isAlignedTo(const Statement &statement, const Access &access, int loop, int64_t width) const;
  const Scratch *scratchOf(const Access &access) const;
  std::optional<GatheredRow> rowOf(const Statement &statement, mlir::tensor::ExtractOp op,
                                   int loop) const;
  /// Whether `value`, of the body, is the same for all points in the direction of the loop and
  /// known before other statements compute; enters what it takes into `ops`.
  bool isFixed(const Statement &statement, mlir::Value value, int loop,
               llvm::SmallVectorImpl<mlir::Operation *> &ops) const;

  ThreadBlock &e;
  const Sweep &sweep;
  const NestGroup &group;
  const Homes &homes;
  const UnitPosition &unit;
  llvm::DenseMap<const Access *, Tile> tiles;
};

/// The points of a loop that a unit has at most.
mlir::AffineExpr inUnit(const SweepLoop &loop, const NestGroup &group);

} // namespace nncc::nvptx
