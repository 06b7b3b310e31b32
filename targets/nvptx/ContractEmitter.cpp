// kern.contract -> tiles of the result.
#include "targets/nvptx/ContractParts.h"
#include "targets/nvptx/ContractProducts.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
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
    e.units(p.batchCount() * rowTiles * columnTiles * tile.parts, [&](Value unit) {
      auto [tiles, number] = e.divide(unit, tile.parts);
      auto [rest, columnTile] = e.divide(tiles, columnTiles);
      auto [batch, rowTile] = e.divide(rest, rowTiles);
      Value row = e.mul(rowTile, tile.rows), column = e.mul(columnTile, tile.columns);
      part = number;
      operands.begin(batch, part);
      if (tile.isStreamed())
        return streamProducts(e, operands, p, tile, row, column,
                              [&, batch = batch](const Sums &sums) { store(batch, sums); });
      auto multiply = tile.isOfMatrices() ? multiplyByWarps : multiplyByThreads;
      store(batch, multiply(e, operands, p, tile, row, column));
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
        storeResult(places, column, sum, loadExtras(places, column, [](size_t) { return true; }));
      });
    });
  }

private:
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
    Value isWhole =
        arith::AndIOp::create(e.b, e.loc, operands.isLess(sums.rows.back(), e.size(p.rowCount())),
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

  bool isOfAllRows(size_t extra) const {
    auto isZero = [&](const Axis &axis) { return constantOf(axis.extras[extra]) == 0; };
    return llvm::all_of(p.lines, isZero) && isZero(p.y) && isZero(p.x);
  }

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
  ContractEmitter emitter(block, op, *p, tile);
  if (onlyResults) {
    emitter.emitResults();
  } else {
    remarkOn(op, *p, tile);
    emitter.emit();
  }
  return block.threads;
}
