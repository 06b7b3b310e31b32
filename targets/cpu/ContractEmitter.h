// kern.contract -> register tiles: kern.brgemm, and the epilogue on its sums.
#pragma once

#include "targets/cpu/Contraction.h"

namespace nncc::cpu {

/// Where an emitter is in each operand: offsets into their flat buffers.
struct Cursor {
  mlir::Value a, b, c;
  llvm::SmallVector<mlir::Value> extras;
};

/// The panels of columns of a unit: `count` of them, the last one with `tail` columns.
struct Strip {
  int64_t count, tail;
};

class ContractEmitter : public Emitter {
public:
  ContractEmitter(mlir::OpBuilder &b, mlir::Location loc, const Contraction &p,
                  kern::PlanAttr plan);

  /// The loop over units [begin, end); sets kernel.units.
  void emit(kern::ContractOp op, Kernel &kernel);

private:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<Value>;

  /// One nest of a tile's reduction; padding may leave it rows [from, to) of the tile only.
  struct Reduction {
    int64_t from, to;
    Value a, b; // offsets from the tile's own
    Values counts;
    llvm::SmallVector<int64_t> aStrides, bStrides;
  };

  // ContractUnits.cpp: from units to tiles.
  void setOperands(kern::ContractOp op, Kernel &kernel);
  void unit(Value chunk, const Cursor &at, Strip strip);
  void chunkOfLines(Value chunk, const Cursor &at, Strip strip);
  void line(Value index, Value part, Cursor at, Strip strip);
  void stretch(const Stretch &s, Value first, Value count, Value taps, const Cursor &line,
               Strip strip);
  void clippedRows(const Stretch &s, Value taps, const Cursor &line, Strip strip);
  Value firstTap(Value position, Value first, int64_t dilation);
  Value clipVertically(Value y, Cursor &at);
  Reduction reduction(Value taps, Value tapsW);
  Cursor advance(const Cursor &from, const Axis &axis, Value steps);
  Cursor advance(Cursor at, llvm::ArrayRef<Axis> axes, Value index);

  // ContractEmitter.cpp: one tile.
  void tile(int64_t rows, Strip strip, const Cursor &at, llvm::ArrayRef<Reduction> reductions);
  Values initialSums(int64_t rows, Strip strip, const Cursor &at);
  void finish(const Values &sums, int64_t rows, Strip strip, const Cursor &at);
  void storeSums(const Values &sums, int64_t rows, Strip strip, const Cursor &at, bool last);
  void finishStored(int64_t rows, Strip strip, const Cursor &at);
  Value mask(Strip strip, int64_t panel);
  Value addressC(const Cursor &at, Value row, int64_t panel);
  Value loadExtra(unsigned i, const Cursor &at, Value row, int64_t panel, Strip strip);

  /// Blocks of the reduction divide K; under a window they divide its rows.
  bool splitsDepth() const { return p.kh * p.kw == 1; }

  const Contraction &p;
  kern::PlanAttr plan;
  mlir::VectorType vector; // one panel of sums
  Value bufferA, bufferB, bufferC;
  Value source;               // the matrix that is packed into bufferB, null if B is read in place
  Value block;                // of the reduction, null if there is one
  Value blockDepth;           // K of this block
  int64_t blocks = 1;         // of the reduction
  int64_t depthBlock;         // K of all blocks but the last one
  int64_t panelStride, stepB; // of the panels and of K in bufferB
  int64_t groups;             // of panels
  int64_t chunks;             // of lines, or of parts of them
  int64_t linesPerUnit, tilesPerUnit, parts;
  Line walk;
};

} // namespace nncc::cpu
