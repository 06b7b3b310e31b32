// kern.contract -> tiles of the result.
#include "targets/nvptx/ContractParts.h"
#include "targets/nvptx/ContractProducts.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

namespace {
class ContractEmitter {
public:
  ContractEmitter(ThreadBlock &e, kern::ContractOp op, const Contraction &p,
                  const ContractTile &tile)
      : e(e), p(p), tile(tile), bufferC(e.kernel.place(op.getResult()).buffer),
        operands(e, op, p, tile) {
    if (tile.parts > 1)
      partial.emplace(e, p, tile);
  }

  void emit() {
    AffineExpr rowTiles = normalForm(p.rowCount().ceilDiv(tile.rows)),
               columnTiles = normalForm(p.n.size.ceilDiv(tile.columns));
    // Blocks that run at a time are near each other in both directions: what they read is in the L2
    // cache. Bands of rows of tiles, column by column.
    const int64_t band = bandOf(rowTiles);
    e.units(p.batchCount() * rowTiles * columnTiles * tile.parts, [&](Value unit) {
      auto [tiles, number] = e.divide(unit, tile.parts);
      auto [above, rowInBand] = e.divide(tiles, band);
      auto [bands, columnTile] = e.divide(above, columnTiles);
      auto [batch, bandOfRows] = e.divide(bands, normalForm(rowTiles.floorDiv(band)));
      Value rowTile = e.add(e.mul(bandOfRows, band), rowInBand);
      Value row = e.mul(rowTile, tile.rows), column = e.mul(columnTile, tile.columns);
      part = number;
      operands.begin(batch, part);
      if (tile.isStreamed())
        return streamProducts(e, operands, p, tile, row, column,
                              [&, batch = batch](const Sums &sums) { store(batch, sums); });
      auto multiply = tile.isOfMatrices() ? multiplyByWarps : multiplyByThreads;
      Sums sums = multiply(e, operands, p, tile, row, column);
      if (sums.staged)
        storeStaged(batch, sums.staged, row, column);
      else
        store(batch, sums);
    });
  }

  /// The second launch of a contraction in parts: a block has a row, each thread one of its
  /// columns.
  void emitResults() {
    AffineExpr columnBlocks = normalForm(p.n.size.ceilDiv(e.threads));
    e.units(p.batchCount() * p.rowCount() * columnBlocks, [&](Value unit) {
      auto [rest, columnBlock] = e.divide(unit, columnBlocks);
      auto [batch, row] = e.divide(rest, p.rowCount());
      Value column = e.add(e.mul(columnBlock, e.threads), e.thread);
      RowPlaces places = placesOf(batch, row);
      guard(column, p.n.size, fixed(p.n.size) % e.threads, [&, batch = batch, row = row] {
        Value sum = partial->sum(batch, row, column);
        storeResult(places, column, sum, loadExtras(places, column, anyExtra));
      });
    });
  }

private:
  /// The most rows of tiles in a band, up to 8, that all bands have.
  static int64_t bandOf(AffineExpr rowTiles) {
    for (int64_t rows : {8, 7, 6, 5, 4, 3, 2})
      if (constantOf(rowTiles).value_or(1) % rows == 0)
        return rows;
    return 1;
  }

  /// Where an operand has the first column of `row`, for the strides that `of` takes from an axis.
  Value offsetOf(Value batch, ArrayRef<Value> row, AffineExpr first,
                 llvm::function_ref<AffineExpr(const Axis &)> of) {
    Value at = e.size(first);
    for (const Axis &axis : llvm::reverse(p.batches)) {
      Value index = batch;
      if (&axis != p.batches.begin())
        std::tie(batch, index) = e.divide(batch, axis.size);
      at = e.add(at, e.mul(index, of(axis)));
    }
    for (auto [axis, index] : llvm::zip(p.lines, row))
      at = e.add(at, e.mul(index, of(axis)));
    at = e.add(at, e.mul(row[row.size() - 2], of(p.y)));
    return e.add(at, e.mul(row.back(), of(p.x)));
  }

  /// Where c and the extras have the first column of a row.
  struct RowPlaces {
    Value c;
    SmallVector<Value> extras;
  };
  RowPlaces placesOf(Value batch, Value row) {
    SmallVector<Value> indices = operands.indicesOf(row);
    RowPlaces places;
    places.c = offsetOf(batch, indices, p.cOffset, [](const Axis &axis) { return axis.c; });
    for (auto [n, extra] : llvm::enumerate(p.epilogue.getExtras()))
      places.extras.push_back(offsetOf(batch, indices, extra.offset,
                                       [n = n](const Axis &axis) { return axis.extras[n]; }));
    return places;
  }

  /// Most tiles are whole: only the others look at each row and column. (Without a second use LLVM
  /// would move the products into the branch of a single element, where they are used, but not the
  /// loads from shared memory: hundreds of registers.)
  void store(Value batch, const Sums &sums) {
    Value isWhole = e.both(operands.isLess(sums.rows.back(), e.size(p.rowCount())),
                           operands.isLess(sums.columns.back(), e.size(p.n.size)));
    e.branch(
        isWhole, [&] { storeAll(batch, sums, /*guarded=*/false); },
        [&] { storeAll(batch, sums, /*guarded=*/true); });
  }

  void guard(Value x, AffineExpr size, bool guarded, llvm::function_ref<void()> body) {
    if (guarded)
      e.branch(operands.isLess(x, e.size(size)), body, [] {});
    else
      body();
  }

  void storeResult(const RowPlaces &places, Value column, Value sum, ArrayRef<Value> extras) {
    memref::StoreOp::create(e.b, e.loc, p.epilogue.apply(e, sum, extras), bufferC,
                            e.add(places.c, e.mul(column, p.n.c)));
  }

  void storeAll(Value batch, const Sums &sums, bool guarded) {
    if (!partial)
      return storeResults(batch, sums, guarded);
    for (auto [i, row] : llvm::enumerate(sums.rows))
      guard(row, p.rowCount(), guarded, [&, row = row, i = i] {
        for (auto [j, column] : llvm::enumerate(sums.columns))
          guard(column, p.n.size, guarded, [&, column = column, j = j] {
            partial->store(part, batch, row, column, sums.values[i * sums.columns.size() + j]);
          });
      });
  }

  /// Column by column: what all rows have of an extra, like a bias, is loaded once for each. The
  /// places of rows that do not exist are computed, and not used.
  void storeResults(Value batch, const Sums &sums, bool guarded) {
    SmallVector<RowPlaces> places;
    for (Value row : sums.rows)
      places.push_back(placesOf(batch, row));
    for (size_t j = 0; j < sums.columns.size(); ++j) {
      Value column = sums.columns[j];
      guard(column, p.n.size, guarded, [&] {
        auto ofAllRows = [&](size_t extra) { return isOfAllRows(extra); };
        SmallVector<Value> shared = loadExtras(places.front(), column, ofAllRows);
        for (size_t i = 0; i < sums.rows.size(); ++i)
          guard(sums.rows[i], p.rowCount(), guarded, [&] {
            SmallVector<Value> own =
                loadExtras(places[i], column, [&](size_t extra) { return !isOfAllRows(extra); });
            for (size_t n = 0; n < own.size(); ++n)
              own[n] = own[n] ? own[n] : shared[n];
            storeResult(places[i], column, sums.values[i * sums.columns.size() + j], own);
          });
      });
    }
  }

  /// Neighbours of a row, which a thread loads and stores by 16 bytes where all of them are there
  /// and aligned.
  void storeStaged(Value batch, Value staged, Value firstRow, Value firstColumn) {
    const int64_t across = tile.columns / neighbours;
    e.distribute(e.constant(tile.rows * across), [&](Value part) {
      auto [rowInTile, partOfRow] = e.divide(part, across);
      Value columnInTile = e.mul(partOfRow, neighbours);
      Value row = e.add(firstRow, rowInTile), column = e.add(firstColumn, columnInTile);
      Value at = e.add(e.mul(rowInTile, tile.stagedPitch()), columnInTile);
      Value exists = e.both(operands.isLess(row, e.size(p.rowCount())),
                            operands.isLess(column, e.size(p.n.size)));
      auto store = [&] {
        RowPlaces places = placesOf(batch, row);
        Value isWhole = operands.isLess(e.add(column, neighbours - 1), e.size(p.n.size));
        isWhole = e.both(isWhole, areAligned(places, column));
        e.branch(
            isWhole, [&] { storeNeighbours(places, staged, at, column); },
            [&] { storeOneByOne(places, staged, at, column); });
      };
      e.branch(exists, store, [] {});
    });
  }
  static constexpr int64_t neighbours = 8;

  /// Whether c, and what has neighbours of the extras, are at multiples of 16 bytes.
  Value areAligned(const RowPlaces &places, Value column) {
    constexpr int64_t bytes = 16;
    SmallVector<AlignedPlace> all{{bufferC, bytes, e.add(places.c, column)}};
    for (auto [n, extra] : llvm::enumerate(p.epilogue.getExtras()))
      if (constantOf(p.n.extras[n]) == 1)
        all.push_back({extra.buffer, bytes, e.add(places.extras[n], column)});
    return e.areAligned(all);
  }

  Value stagedPointer(Value staged, Value at) {
    constexpr int64_t sumBytes = 4;
    return e.pointer(staged, e.mul(at, sumBytes / tile.stepBytes()), sharedSpace);
  }

  void storeNeighbours(const RowPlaces &places, Value staged, Value at, Value column) {
    SmallVector<SmallVector<Value>> extras;
    for (auto [n, extra] : llvm::enumerate(p.epilogue.getExtras())) {
      const int64_t distance = fixed(p.n.extras[n]);
      Value from = e.add(places.extras[n], e.mul(column, distance));
      SmallVector<Value> values;
      if (distance == 1)
        values = e.loadNeighbours(extra.buffer, from, neighbours);
      for (int64_t i = values.size(); i < neighbours; ++i)
        values.push_back(
            distance || values.empty()
                ? memref::LoadOp::create(e.b, e.loc, extra.buffer, e.add(from, i * distance))
                      .getResult()
                : values.front());
      extras.push_back(std::move(values));
    }
    auto type = VectorType::get({neighbours}, p.element);
    Value sums = LLVM::LoadOp::create(e.b, e.loc, type, stagedPointer(staged, at), 16);
    SmallVector<Value> results;
    for (int64_t i = 0; i < neighbours; ++i) {
      Value sum = vector::ExtractOp::create(e.b, e.loc, sums, ArrayRef<int64_t>{i});
      auto own = llvm::map_to_vector(extras, [&](const auto &values) { return values[i]; });
      results.push_back(p.epilogue.apply(e, sum, own));
    }
    e.storeNeighbours(results, bufferC, e.add(places.c, column));
  }

  void storeOneByOne(const RowPlaces &places, Value staged, Value at, Value column) {
    Value count = e.minimum(e.constant(neighbours), e.sub(e.size(p.n.size), column));
    e.loop(count, [&](Value i) {
      Value own = e.add(column, i);
      SmallVector<Value> extras = loadExtras(places, own, anyExtra);
      Value sum = LLVM::LoadOp::create(e.b, e.loc, p.element, stagedPointer(staged, e.add(at, i)));
      storeResult(places, own, sum, extras);
    });
  }

  bool isOfAllRows(size_t extra) const {
    auto isZero = [&](const Axis &axis) { return constantOf(axis.extras[extra]) == 0; };
    return llvm::all_of(p.lines, isZero) && isZero(p.y) && isZero(p.x);
  }

  static bool anyExtra(size_t) { return true; }

  /// The extras that are `wanted`; null for the others.
  SmallVector<Value> loadExtras(const RowPlaces &places, Value column,
                                llvm::function_ref<bool(size_t)> wanted) {
    SmallVector<Value> values;
    for (auto [n, extra] : llvm::enumerate(p.epilogue.getExtras())) {
      Value value;
      if (wanted(n))
        value = memref::LoadOp::create(e.b, e.loc, extra.buffer,
                                       e.add(places.extras[n], e.mul(column, p.n.extras[n])));
      values.push_back(value);
    }
    return values;
  }

  ThreadBlock &e;
  const Contraction &p;
  const ContractTile &tile;
  Value bufferC;
  ContractOperands operands;
  std::optional<PartialSums> partial;
  Value part; // of the reduction, that the unit computes
};
} // namespace

static void remarkOn(kern::ContractOp op, const Contraction &p, const ContractTile &tile) {
  remark::analysis(op.getLoc(), remark::RemarkOpts::name("plan").category("nncc-nvptx"))
      << remark::metric("instruction", name(tile.multiplier))
      << remark::metric("tile", (Twine(tile.rows) + "x" + Twine(tile.columns)).str())
      << remark::metric("part", (Twine(tile.partRows) + "x" + Twine(tile.partColumns)).str())
      << remark::metric("depth parts", std::max<int64_t>(1, tile.depthParts))
      << remark::metric("steps", tile.steps) << remark::metric("stages", tile.stages)
      << remark::metric("threads", tile.threads())
      << remark::metric("batches", nominal(p.batchCount()))
      << remark::metric("rows", nominal(p.rowCount()))
      << remark::metric("columns", nominal(p.n.size))
      << remark::metric("depth", nominal(p.depth) * p.kh * p.kw);
}

FailureOr<int64_t> nncc::nvptx::emitContract(OpBuilder &b, kern::ContractOp op, Kernel &kernel,
                                             const ContractFeatures &features, bool onlyResults) {
  FailureOr<Contraction> p = Contraction::of(op, &kernel);
  if (failed(p))
    return failure();
  constexpr int64_t resultThreads = 128;
  ContractTile tile = ContractTile::choose(*p, features);
  ThreadBlock block(b, kernel, onlyResults ? resultThreads : tile.threads());
  block.loc = op.getLoc();
  if (!onlyResults && tile.blocks == 1)
    kernel.function->setAttr("rt.blocks", b.getI64IntegerAttr(tile.blocks));
  ContractEmitter emitter(block, op, *p, tile);
  if (onlyResults) {
    emitter.emitResults();
  } else {
    remarkOn(op, *p, tile);
    emitter.emit();
  }
  return block.threads;
}
