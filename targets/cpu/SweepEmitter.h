// A sweep as loops over flat memory, its innermost contiguous loop on vectors.
#pragma once

#include "targets/kernel/BodyEvaluator.h"
#include "targets/kernel/Sweep.h"
#include "targets/kernel/UnitPosition.h"

#include <map>

namespace nncc::cpu {

/// An access of a statement as strides over the loops of the sweep.
struct Stream {
  mlir::Value scalar; // no memory: this value
  mlir::Value buffer;
  Shape strides;
  mlir::Type element, memory;
  mlir::AffineExpr nextRow;         // elements to the row that the unit computes next; may be null
  const Access *computed = nullptr; // its index is no sum of loops: evaluated at each point
  bool exists() const { return scalar || buffer; }
};

/// A part of a row, which is the only loop of a sweep. Its reductions continue: their outputs hold
/// what they come to so far.
struct RowPart {
  mlir::Value first, length;
  /// Where the sweep's first `ahead` statements are instead.
  size_t ahead = 0;
  mlir::Value firstAhead = {};
};

class SweepEmitter {
public:
  /// Several positions, which differ in dims outside of the sweep, are interleaved: what one waits
  /// for, such as a sum over lanes, the others hide.
  SweepEmitter(Emitter &e, const Sweep &sweep, const NestGroup &group, const Homes &homes,
               llvm::ArrayRef<UnitPosition> positions, std::optional<RowPart> part = std::nullopt);
  void emit();

private:
  using Values = llvm::SmallVector<mlir::Value>;

  /// A statement while it is emitted. Its streams: inputs, outputs, inits.
  struct State {
    const Statement *statement;
    const UnitPosition *unit;
    size_t position; // index of it
    BodyEvaluator evaluator;
    llvm::SmallVector<Stream> streams;
    llvm::SmallVector<mlir::Operation *> combiners; // per output of a reduction; null: unknown
    size_t inputs() const { return statement->nest->inputs.size(); }
    size_t outputs() const { return statement->nest->outputs.size(); }
  };
  /// Where the emission is in the nest of loops.
  struct Cursor {
    llvm::SmallVector<Values> offsets;    // per statement and stream
    llvm::SmallVector<LaneMap> values;    // per statement: what is known of the body already
    llvm::SmallVector<mlir::Value> loops; // per loop of the sweep: its index, null outside of it
    int64_t copies = 1;                   // vectors side by side
    mlir::Value mask;
    /// Inputs that are in registers already, by statement and input, as they are in memory.
    std::map<std::pair<size_t, size_t>, mlir::Value> loaded;
  };

  // SweepLoops.cpp: the choice and order of loops.
  Stream stream(const Access &access, const State &state, mlir::Value &offset);
  void joinLoops();
  void chooseVectorLoop();
  void chooseLanes();
  void orderLoops();
  /// Elements of the longest row that stays in the L1 cache beside a second one of its kind.
  static constexpr int64_t longestKept = 4096;
  void startAtPart();
  bool isAhead(const State &state) const;
  int64_t score(int loop) const;
  bool isVaryingReduction(int loop) const;
  bool isBackward() const;
  unsigned widestElement() const;

  // SweepTiles.cpp: transposition.
  void chooseTile();
  void setTile(int loop, const Stream &stream, bool isOutput);
  bool isRead(const State &state, size_t stream) const;
  bool isTransposed(const Stream &stream) const;
  Values transposeRows(Values rows);
  mlir::Value pick(llvm::ArrayRef<mlir::Value> from, llvm::ArrayRef<int64_t> indices);
  void tiles(const Cursor &cursor);
  /// How many rows or columns of a tile exist: `most`, or fewer where `value` is not null.
  struct Part {
    int64_t most;
    mlir::Value value;
  };
  mlir::Value firstOf(Part part);
  void wideTile(const Cursor &cursor, Part rows, Part columns);
  void narrowTile(const Cursor &cursor, Part columns);

  // SweepEmitter.cpp: the loops.
  Values level(unsigned depth, Cursor cursor, Values carried);
  Values loops(unsigned depth, const Cursor &cursor, Values carried);
  Values vectorLoop(unsigned depth, const Cursor &cursor, Values carried);
  Values vectorSteps(unsigned depth, const Cursor &cursor, mlir::Value first, mlir::Value count,
                     int64_t copies, bool isLong, Values carried);
  /// (first, count, sums) -> sums
  using Steps = llvm::function_ref<Values(mlir::Value, mlir::Value, const Values &)>;
  Values sumApart(mlir::Value count, Values carried, Steps steps);
  Values reductionLoop(unsigned depth, const Cursor &cursor, Values carried);
  Cursor advance(const Cursor &cursor, int loop, mlir::Value index) const;
  mlir::Value extent(int loop);
  Points points(const State &state, const Cursor &cursor, int64_t copy);
  void fetchRows(const Cursor &cursor, int64_t copy);

  // SweepPoint.cpp: one point.
  void hoist(unsigned depth, Cursor &cursor);
  using Computed = std::vector<llvm::SmallVector<Lanes>>; // per statement and output
  Values leaf(const Cursor &cursor, Values carried);
  Lanes readInputs(size_t s, const Cursor &cursor, int64_t copy, const Computed &computed,
                   LaneMap &values);
  void readOutputs(size_t s, const Cursor &cursor, int64_t copy, llvm::ArrayRef<mlir::Value *> sums,
                   LaneMap &values);
  void writeOutput(size_t s, size_t output, const Cursor &cursor, int64_t copy, Lanes value);
  mlir::Value nextSum(mlir::Value sum, Lanes value, const Cursor &cursor);
  static Lanes lanesOf(mlir::Value value);
  /// Elements from lane to lane; 0 where there are no lanes.
  mlir::AffineExpr strideOf(const Stream &stream) const {
    return vector >= 0 ? stream.strides[vector] : e.b.getAffineConstantExpr(0);
  }
  /// The offset of an element whose index is no sum of loops.
  mlir::Value placeOf(const State &state, const Stream &stream, const Cursor &cursor, int64_t copy);
  Lanes load(const State &state, const Stream &stream, mlir::Value offset, const Cursor &cursor,
             int64_t copy);
  void store(const State &state, const Stream &stream, mlir::Value offset, Lanes value,
             const Cursor &cursor, int64_t copy);
  Values accumulate(const Values &carried, llvm::function_ref<Values(Values)> body);
  Values initial(const Cursor &cursor);
  void finish(const Cursor &cursor, Values carried);
  mlir::Value combine(mlir::Operation *combiner, mlir::Value a, mlir::Value b);
  mlir::Value acrossLanes(mlir::Operation *combiner, mlir::Value vector);
  bool reducesLanes() const { return vector >= 0 && shape[vector].reduced; }
  int64_t accumulators(const Cursor &cursor) const {
    return reducesLanes() ? unroll : cursor.copies;
  }

  Emitter &e;
  const Sweep &sweep;
  const NestGroup &group;
  const Homes &homes;
  llvm::ArrayRef<UnitPosition> positions;
  std::optional<RowPart> part; // none: all
  llvm::SmallVector<SweepLoop> shape;
  std::vector<State> states;
  llvm::SmallVector<Values> origins; // offsets of the streams at the unit's first point
  llvm::SmallVector<int> order;
  unsigned firstReduced = 0; // in `order`
  int vector = -1;           // loop on vectors
  int64_t lanes = 1, unroll = 1;
  int across = -1;        // loop that is transposed with `vector`
  bool sumsApart = false; // long sums are sums of sums of some elements each
  bool isNarrow = false;  // it has few iterations, all of which are in a tile
  /// While it is set, transposed outputs are collected here instead of stored: by statement and
  /// output, one vector per iteration of `across`.
  std::map<std::pair<size_t, size_t>, Values> *interleaved = nullptr;
};

} // namespace nncc::cpu
