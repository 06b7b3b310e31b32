// kern.contract -> tiles of the result.
#include "targets/nvptx/ContractProducts.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;
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

  void store(Value batch, const Sums &sums) {
    ArrayRef<Value> values = sums.values;
    for (Value row : sums.rows) {
      ArrayRef<Value> ofRow = values.take_front(sums.columns.size());
      values = values.drop_front(sums.columns.size());
      ifLess(row, e.size(p.rowCount()), [&] {
        SmallVector<Value> indices = operands.indicesOf(row);
        Value c = offsetOf(batch, indices, p.cOffset, [](const Axis &axis) { return axis.c; });
        SmallVector<Value> extras;
        for (auto [n, extra] : llvm::enumerate(p.epilogue.getExtras()))
          extras.push_back(offsetOf(batch, indices, extra.offset,
                                    [n = n](const Axis &axis) { return axis.extras[n]; }));
        for (size_t j = 0; j < sums.columns.size(); ++j)
          ifLess(sums.columns[j], e.size(p.n.size),
                 [&] { storeOne(ofRow[j], c, extras, sums.columns[j]); });
      });
    }
  }

  void storeOne(Value sum, Value c, ArrayRef<Value> places, Value column) {
    SmallVector<Value> extras;
    for (auto [extra, place, stride] : llvm::zip(p.epilogue.getExtras(), places, p.n.extras))
      extras.push_back(
          memref::LoadOp::create(e.b, e.loc, extra.buffer, e.add(place, e.mul(column, stride))));
    Value result = p.epilogue.apply(e, sum, extras);
    memref::StoreOp::create(e.b, e.loc, result, bufferC, e.add(c, e.mul(column, p.n.c)));
  }

  void ifLess(Value x, Value y, llvm::function_ref<void()> body) {
    e.branch(operands.isLess(x, y), body, [] {});
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
