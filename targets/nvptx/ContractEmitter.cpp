// kern.contract -> tiles of the result.
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
        operands(e, op, p, tile) {}

  void emit() {
    AffineExpr rowTiles = normalForm(p.rowCount().ceilDiv(tile.rows)),
               columnTiles = normalForm(p.n.size.ceilDiv(tile.columns));
    e.units(p.batchCount() * rowTiles * columnTiles, [&](Value unit) {
      auto [rest, columnTile] = e.divide(unit, columnTiles);
      auto [batch, rowTile] = e.divide(rest, rowTiles);
      Value row = e.mul(rowTile, tile.rows), column = e.mul(columnTile, tile.columns);
      operands.begin(batch);
      if (tile.isStreamed())
        return streamProducts(e, operands, p, tile, row, column,
                              [&, batch = batch](const Sums &sums) { store(batch, sums); });
      auto multiply = tile.isOfMatrices() ? multiplyByWarps : multiplyByThreads;
      store(batch, multiply(e, operands, p, tile, row, column));
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

  /// Column by column: what all rows have of an extra, like a bias, is loaded once for each. The
  /// places of rows that do not exist are computed, and not used.
  void storeAll(Value batch, const Sums &sums, bool guarded) {
    auto guard = [&](Value x, AffineExpr size, llvm::function_ref<void()> body) {
      if (guarded)
        e.branch(operands.isLess(x, e.size(size)), body, [] {});
      else
        body();
    };
    SmallVector<RowPlaces> places;
    for (Value row : sums.rows)
      places.push_back(placesOf(batch, row));
    for (size_t j = 0; j < sums.columns.size(); ++j) {
      Value column = sums.columns[j];
      guard(column, p.n.size, [&] {
        SmallVector<Value> shared = loadExtras(places.front(), column, /*ofAllRows=*/true);
        for (size_t i = 0; i < sums.rows.size(); ++i)
          guard(sums.rows[i], p.rowCount(), [&] {
            SmallVector<Value> own = loadExtras(places[i], column, /*ofAllRows=*/false);
            for (size_t n = 0; n < own.size(); ++n)
              own[n] = own[n] ? own[n] : shared[n];
            Value sum = sums.values[i * sums.columns.size() + j];
            memref::StoreOp::create(e.b, e.loc, p.epilogue.apply(e, sum, own), bufferC,
                                    e.add(places[i].c, e.mul(column, p.n.c)));
          });
      });
    }
  }

  bool isOfAllRows(size_t extra) const {
    auto isZero = [&](const Axis &axis) { return constantOf(axis.extras[extra]) == 0; };
    return llvm::all_of(p.lines, isZero) && isZero(p.y) && isZero(p.x);
  }

  /// The extras that are the same in all rows, or those that are not; null for the others.
  SmallVector<Value> loadExtras(const RowPlaces &places, Value column, bool ofAllRows) {
    SmallVector<Value> values;
    for (auto [n, extra] : llvm::enumerate(p.epilogue.getExtras())) {
      Value value;
      if (isOfAllRows(n) == ofAllRows)
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
                                             const ContractFeatures &features) {
  FailureOr<Contraction> p = Contraction::of(op, &kernel);
  if (failed(p))
    return failure();
  ContractTile tile = ContractTile::choose(*p, features);
  remarkOn(op, *p, tile);
  ThreadBlock block(b, kernel, tile.threads());
  block.loc = op.getLoc();
  ContractEmitter(block, op, *p, tile).emit();
  return tile.threads();
}
