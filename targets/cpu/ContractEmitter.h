// kern.contract -> register tiles: kern.brgemm, and the epilogue on its sums.
#pragma once

#include "targets/cpu/Cursor.h"
#include "targets/cpu/Emitters.h"

namespace nncc::cpu {

/// The panels of columns of a unit: `count` of them, the last one with `tail` columns, or those of
/// `mask`.
struct Strip {
  int64_t count, tail;
  mlir::Value mask;
};

class ContractEmitter : public CursorEmitter {
public:
  ContractEmitter(mlir::OpBuilder &b, mlir::Location loc, const Contraction &p, kern::PlanAttr plan,
                  KernelSizes &sizes);

  /// The loop over units [begin, end), or over those of some rows; sets kernel.units.
  void emit(kern::ContractOp op, Kernel &kernel, const RowRange *rows);
  /// Whether the units are rows of images, one after the other, each in groups of panels.
  bool unitsAreRows(const RowRange &rows) const;

private:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<Value>;

  /// One nest of a tile's reduction; padding may leave it rows [from, to) of the tile only.
  struct Reduction {
    int64_t from, to;
    Value a, b; // offsets from the tile's own
    Values counts;
    Shape aStrides, bStrides;
  };

  // ContractUnits.cpp: from units to lines.
  void divideLines();
  void setOperands(kern::ContractOp op, Kernel &kernel);
  void group(Value group, Value chunk, const Cursor &at);
  void unit(Value chunk, const Cursor &at, Value columns);
  void columns(Value chunk, const Cursor &at, Value columns);
  void chunkOfLines(Value chunk, const Cursor &at, Strip strip);

  // ContractLines.cpp: from lines to tiles.
  void line(Value index, Value part, Cursor at, Strip strip);
  void stretch(const Stretch &s, Value first, Value count, Value taps, const Cursor &line,
               Strip strip);
  void openLine(Value part, Value taps, const Cursor &at, Strip strip);
  Value openTiles(int64_t rows, Value from, Value to, Value taps, const Cursor &line, Strip strip);
  void clippedRow(Value x, Value taps, const Cursor &line, Strip strip);
  Value firstTap(Value position, Value first, int64_t dilation);
  Value clipVertically(Value y, Cursor &at);
  Reduction reduction(Value taps, Value tapsW);
  llvm::SmallVector<Reduction, 2> overBlocks(const Reduction &whole);

  Value prefetchOf(Value index);

  // ContractEmitter.cpp: one tile.
  void tile(int64_t rows, Strip strip, const Cursor &at, llvm::ArrayRef<Reduction> reductions,
            Value prefetch = nullptr);
  Values addEarlierBlocks(const Values &sums, int64_t rows, Strip strip, const Cursor &at);
  void finish(const Values &sums, int64_t rows, Strip strip, const Cursor &at);
  void storeRow(llvm::ArrayRef<Value> values, Value row, Strip strip, const Cursor &at);
  void storeSums(const Values &sums, int64_t rows, Strip strip, const Cursor &at, bool last);
  void keepSums(const Values &sums, int64_t rows, Strip strip, const Cursor &at);
  void finishStored(int64_t rows, Strip strip, const Cursor &at);
  Value mask(Strip strip, int64_t panel);
  Value addressC(const Cursor &at, Value row, int64_t panel);
  Value loadExtra(unsigned i, const Cursor &at, Value row, int64_t panel, Strip strip);

  /// Blocks of the reduction divide K; under a window they divide its rows.
  bool splitsDepth() const { return p.kh * p.kw == 1; }
  /// Packing pays where panels are used by several tiles.
  bool readsInPlace() const;

  const Contraction &p;
  kern::PlanAttr plan;
  kern::BlocksAttr blocksAttr; // of b
  mlir::VectorType vector;     // one panel of sums
  Value bufferA, bufferB, bufferC;
  Value tileSums;              // where a tile's sums wait for a heavy epilogue, if not in C
  Value source;                // the matrix that is packed into bufferB, null if B is read in place
  Value block;                 // of the reduction, null if there is one
  Value blockDepth;            // K of this block
  Value nextGroup;             // of panels in bufferB, which tiles fetch ahead; null: none do
  Value firstTile;             // of the line at hand, counted in its unit
  mlir::AffineExpr blocks;     // of the reduction; 0 where K is
  Value lastBlock;             // of them
  mlir::AffineExpr depthBlock; // K of all blocks but the last one
  mlir::AffineExpr panelStride, stepB; // of the panels and of K in bufferB
  mlir::AffineExpr groups;             // of panels
  mlir::AffineExpr chunks;             // of lines, or of parts of them
  int64_t linesPerUnit, tilesPerUnit;
  mlir::AffineExpr parts; // of a line, each in units of its own
  Line walk;              // of lines that are not open
};

} // namespace nncc::cpu
