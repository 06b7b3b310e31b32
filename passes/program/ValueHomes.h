// Where each value of a program lives, and for how long.
#pragma once

#include "dialects/Sizes.h"
#include "dialects/rt/RT.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nncc {

constexpr int64_t memoryAlignment = 64; // NNCC_ALIGNMENT; as many spare bytes follow each value

int64_t elementBytes(mlir::Type type);
mlir::AffineExpr byteSize(mlir::Type type);
/// Whole blocks of the arena, with the spare one.
mlir::AffineExpr slotSize(mlir::AffineExpr bytes);

/// A value without the views on it, and how many bytes into it they begin.
std::pair<mlir::Value, mlir::AffineExpr> resolveViews(mlir::Value value);

/// Memory of its own, from `first` to `last` as positions in the program.
struct Buffer {
  mlir::AffineExpr bytes;
  int64_t first, last;
};

/// Memory of the pool: what `pointer` points to is given back behind `lastUser`.
struct Owned {
  int64_t pointer;
  mlir::Operation *lastUser; // in the block where it is made
};

/// Where a value is. `index` is the number of an input, output, buffer (in the arena) or pointer.
struct ValueHome {
  rt::Space space = rt::Space::Arena;
  int64_t index = -1;
  int64_t offset = 0;
  mlir::AffineExpr start; // in bytes; null: 0

  /// What has to be done before a kernel writes there.
  enum class Before { Nothing, Allocate, AskForOutput, Grow } before = Before::Nothing;
  // Of AskForOutput: its number, and its sizes over the symbols that are known by then.
  int64_t output = -1;
  Shape sizes;
};

/// The state of a loop, and what it collects, in memory.
struct LoopState {
  int64_t current, next; // pointers
  int64_t owned = -1;    // pointer to what `current` points to where that is of the pool
  int64_t buffer = -1;   // two halves that take turns, of `half` bytes, where sizes do not change
  mlir::AffineExpr half;
};

class ValueHomes {
public:
  explicit ValueHomes(mlir::func::FuncOp function);
  /// Gives every value that a kernel writes its home.
  llvm::LogicalResult assign();

  /// Whether only a run knows a size of this type.
  bool isLate(mlir::Type type) const;
  bool isLate(mlir::AffineExpr size) const { return symbolCount(size) > given; }
  /// Of a value without views on it; null for weights.
  const ValueHome *lookup(mlir::Value base) const;

  std::vector<Buffer> buffers;
  std::vector<Owned> owned;
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<LoopState>> loopStates;
  /// Pointers that a loop's collected values grow behind.
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<int64_t>> growing;

private:
  /// Memory that has to stay as long as a value is used.
  struct Keeps {
    llvm::SmallVector<int64_t, 2> buffers, owned;
  };

  void number(mlir::Block &block);
  void assignBlock(mlir::Block &block);
  void assignLoop(rt::LoopOp loop);
  void assignState(rt::LoopOp loop, size_t i);
  void assignElement(rt::LoopOp loop, size_t i);
  /// A home of its own for a result of `op`.
  void assignResult(mlir::Value result);
  /// The home of `value`, and of what the branches that it comes from yield.
  void put(mlir::Value value, const ValueHome &home, const Keeps &keeps);
  void extendLives(mlir::Block &block);
  void extend(mlir::Operation *user, mlir::Value operand);
  int64_t newBuffer(mlir::AffineExpr bytes, mlir::Operation *op);
  int64_t newOwned(int64_t pointer, mlir::Operation *op);

  mlir::func::FuncOp function;
  unsigned given; // symbols
  int64_t pointers = 0;
  llvm::DenseMap<mlir::Value, ValueHome> homes;
  llvm::DenseMap<mlir::Value, Keeps> keeps;
  llvm::DenseMap<mlir::Operation *, std::pair<int64_t, int64_t>> positions; // first, last inside
  llvm::SmallVector<mlir::Block *> bufferBlocks, ownedBlocks;               // where they are made
  int64_t position = 0;
};

} // namespace nncc
