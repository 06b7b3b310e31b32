// A kern.contract with a #kern.winograd plan -> transforms and a matrix product for each point.
#pragma once

#include "targets/cpu/Cursor.h"
#include "targets/cpu/Winograd.h"

namespace nncc::cpu {

/// ```
/// for each unit: a block of tiles, and a group of panels
///   V[point][tile][k] = transformed input, of all channels
///   for each block of K:
///     U[point][panel][k][16] = transformed weights
///     M[tile][point][panel * 16] (+)= V[point] * U[point]
///   init = epilogue(transformed M)
/// ```
/// V, U and M are scratch. Units run over all blocks of a group first: U stays while the group does
/// if K is one block, V if there is but one block of tiles.
class WinogradEmitter : public CursorEmitter {
public:
  WinogradEmitter(mlir::OpBuilder &b, mlir::Location loc, const Contraction &p,
                  kern::WinogradPlanAttr plan, Kernel &kernel);

  /// The loop over units [begin, end); sets kernel.units.
  void emit(kern::ContractOp op, Kernel &kernel);

private:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<Value>;

  /// A tile: its first row and column of results, and the cursor there.
  struct Tile {
    Value y, x;
    Cursor at;
  };
  Tile tileAt(Value index);

  void unit(Value index, Value isFirst);
  void transformInput(Value firstTile, Value count);
  void transformInputTile(const Tile &tile, Value row);
  Values loadInput(const Tile &tile, Value channel, int64_t lanes, bool isInside);
  void transformWeights(Value group, Value panelCount, Value firstK, Value kCount);
  void multiply(Value tileCount, Value panelCount, Value firstK, Value kCount);
  void multiplyTile(int64_t rows, int64_t panels, Value row, Value panel, Value point, Value firstK,
                    Value kCount);
  void transformOutput(Value firstTile, Value count, Value group, Value panelCount);
  void transformOutputTile(const Tile &tile, Value row, Value panel, Value mask);
  void finishInside(const Cursor &at, const Values &sums, Value mask);
  void finishAtBorder(const Tile &tile, const Cursor &at, const Values &sums, Value mask);
  void finish(const Cursor &at, Value sum, Value mask, Values &shared);

  Values loadPoints(Value buffer, Value at, int64_t pointStride);
  void storePoints(mlir::ValueRange values, Value buffer, Value at, int64_t pointStride);
  Value isLess(Value x, Value y);
  Value both(Value x, Value y);
  /// What is done for each of `sizes` that `count` can be, at its end, after whole tiles of
  /// `whole`.
  void inTiles(Value count, int64_t whole, int64_t usual, int64_t last,
               llvm::function_ref<void(int64_t, Value)> body);

  const Contraction &p;
  kern::WinogradPlanAttr plan;
  WinogradTransforms transforms;
  mlir::VectorType vector;
  int64_t tile, points, depth, columns; // of results along a side; t * t; K; N
  int64_t tilesX, tilesY, tileCount, panelCount;
  int64_t unitTiles, unitPanels, kBlock;      // of the plan, no greater than what there is
  int64_t rowV, pointV, pointU, rowM, pointM; // distances in scratch
  Value bufferA, bufferB, bufferC, bufferV, bufferU, bufferM, stored;
};

} // namespace nncc::cpu
