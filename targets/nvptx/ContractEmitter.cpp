// kern.contract -> tiles of the result: slices of both operands in shared memory, sums in
// registers.
//
// The scheme is that of V. Volkov and J. Demmel, Benchmarking GPUs to Tune Dense Linear Algebra
// (SC 2008); two slices take turns in shared memory, so that one barrier for each is enough.
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "targets/nvptx/SliceReader.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;
using namespace nncc::nvptx;

namespace {
using Values = SmallVector<Value>;

class ContractEmitter {
public:
  ContractEmitter(ThreadBlock &e, kern::ContractOp op, const Contraction &p,
                  const ContractTile &tile)
      : e(e), p(p), tile(tile), bufferC(e.kernel.place(op.getResult()).buffer),
        reader(e, op, p, tile) {
    auto [row, column] = e.divide(e.thread, tile.columnThreads());
    threadRow = e.mul(row, tile.threadRows), threadColumn = e.mul(column, ContractTile::group);
  }

  void emit() {
    AffineExpr rowTiles = normalForm(p.rowCount().ceilDiv(tile.rows)),
               columnTiles = normalForm(p.n.size.ceilDiv(tile.columns));
    e.units(p.batchCount() * rowTiles * columnTiles, [&](Value unit) {
      auto [rest, columnTile] = e.divide(unit, columnTiles);
      auto [batch, rowTile] = e.divide(rest, rowTiles);
      Value row = e.mul(rowTile, tile.rows), column = e.mul(columnTile, tile.columns);
      shared = e.allocateShared(2 * tile.sliceElements(), reader.element());
      reader.begin(batch, row, column);
      Values sums = multiply();
      e.areSynchronized(); // by the barrier behind the last slice
      store(batch, e.add(row, threadRow), e.add(column, threadColumn), sums);
    });
  }

private:
  /// All sums of this thread, row by row.
  Values multiply() {
    Values sums(tile.threadRows * tile.threadColumns,
                arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(p.element)));
    reader.store(reader.load(e.constant(0)), shared, e.constant(0));
    e.barrier();
    if (constantOf(reader.slices()) == 1)
      return addProducts(e.constant(0), sums);
    return e.stride(e.constant(0), e.size(reader.slices()), 1, sums,
                    [&](Value i, ValueRange carried) {
                      // On its way while this one is multiplied.
                      SliceReader::Elements next = reader.load(e.add(i, 1));
                      Value slot = e.mul(e.divide(i, 2).second, tile.sliceElements());
                      Values result = addProducts(slot, carried);
                      Value other = e.sub(e.constant(tile.sliceElements()), slot);
                      reader.store(next, shared, other);
                      e.barrier();
                      return result;
                    });
  }

  /// `count` neighbours in shared memory, in groups that one instruction loads.
  Values loadGroups(Value at, int64_t count, int64_t distance) {
    Values result;
    const int64_t group = std::min<int64_t>(count, ContractTile::group);
    for (int64_t first = 0; first < count; first += group)
      llvm::append_range(result,
                         e.loadNeighbours(shared, e.add(at, first / group * distance), group));
    return result;
  }

  Value addProduct(Value a, Value b, Value sum) {
    if (!p.isOfBytes)
      return math::FmaOp::create(e.b, e.loc, a, b, sum);
    auto bytes = [&](Value word) {
      Value one =
          vector::FromElementsOp::create(e.b, e.loc, VectorType::get({1}, e.b.getI32Type()), word);
      return vector::BitCastOp::create(e.b, e.loc, VectorType::get({4}, e.b.getI8Type()), one)
          .getResult();
    };
    return NVVM::DotAccumulate4WayOp::create(e.b, e.loc, e.b.getI32Type(), bytes(a),
                                             NVVM::DotAccumulateType::UNSIGNED, bytes(b),
                                             NVVM::DotAccumulateType::SIGNED, sum);
  }

  Values addProducts(Value slot, ValueRange sums) {
    Values result(sums);
    Value a = e.add(slot, threadRow);
    Value b = e.add(e.add(slot, tile.steps * tile.pitchA()), threadColumn);
    const int64_t distance = tile.columnThreads() * ContractTile::group;
    for (int64_t step = 0; step < tile.steps; ++step) {
      Values rows = loadGroups(e.add(a, step * tile.pitchA()), tile.threadRows,
                               std::min<int64_t>(tile.threadRows, ContractTile::group));
      Values columns = loadGroups(e.add(b, step * tile.pitchB()), tile.threadColumns, distance);
      for (auto [i, row] : llvm::enumerate(rows))
        for (auto [j, column] : llvm::enumerate(columns)) {
          Value &sum = result[i * tile.threadColumns + j];
          sum = addProduct(row, column, sum);
        }
    }
    return result;
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

  /// Most tiles are whole: only the others look at each row and column. (Without a second use LLVM
  /// would move the products into the branch of a single element, where they are used, but not the
  /// loads from shared memory: hundreds of registers.)
  void store(Value batch, Value firstRow, Value firstColumn, const Values &sums) {
    Value lastRow = e.add(firstRow, tile.threadRows - 1);
    Value lastColumn = e.add(firstColumn, columnOf(tile.threadColumns - 1));
    Value isWhole = arith::AndIOp::create(e.b, e.loc, isLess(lastRow, e.size(p.rowCount())),
                                          isLess(lastColumn, e.size(p.n.size)));
    auto storeAll = [&](bool guarded) {
      for (int64_t i = 0; i < tile.threadRows; ++i)
        storeRow(batch, e.add(firstRow, i), firstColumn,
                 ArrayRef(sums).slice(i * tile.threadColumns, tile.threadColumns), guarded);
    };
    e.branch(
        isWhole, [&] { storeAll(false); }, [&] { storeAll(true); });
  }

  /// Of the thread's columns, counted from its first.
  int64_t columnOf(int64_t number) const {
    const int64_t group = ContractTile::group;
    return number / group * tile.columnThreads() * group + number % group;
  }

  void storeRow(Value batch, Value row, Value firstColumn, ArrayRef<Value> sums, bool guarded) {
    auto guard = [&](Value x, AffineExpr size, llvm::function_ref<void()> body) {
      if (guarded)
        e.branch(isLess(x, e.size(size)), body, [] {});
      else
        body();
    };
    guard(row, p.rowCount(), [&] {
      SmallVector<Value> indices = reader.indicesOf(row);
      Value c = offsetOf(batch, indices, p.cOffset, [](const Axis &axis) { return axis.c; });
      Values extras;
      for (auto [n, extra] : llvm::enumerate(p.epilogue.getExtras()))
        extras.push_back(offsetOf(batch, indices, extra.offset,
                                  [n = n](const Axis &axis) { return axis.extras[n]; }));
      for (auto [j, sum] : llvm::enumerate(sums)) {
        Value column = e.add(firstColumn, columnOf(j));
        guard(column, p.n.size, [&, sum = sum] { storeOne(sum, c, extras, column); });
      }
    });
  }

  void storeOne(Value sum, Value c, ArrayRef<Value> places, Value column) {
    Values extras;
    for (auto [extra, place, stride] : llvm::zip(p.epilogue.getExtras(), places, p.n.extras))
      extras.push_back(
          memref::LoadOp::create(e.b, e.loc, extra.buffer, e.add(place, e.mul(column, stride))));
    Value result = p.epilogue.apply(e, sum, extras);
    memref::StoreOp::create(e.b, e.loc, result, bufferC, e.add(c, e.mul(column, p.n.c)));
  }

  Value isLess(Value x, Value y) {
    return arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult, x, y);
  }

  ThreadBlock &e;
  const Contraction &p;
  const ContractTile &tile;
  Value bufferC;
  SliceReader reader;
  Value shared;                  // two slices; of each [step][row] of A, then [step][column] of B
  Value threadRow, threadColumn; // this thread's first of the tile
};
} // namespace

FailureOr<int64_t> nncc::nvptx::emitContract(OpBuilder &b, kern::ContractOp op, Kernel &kernel) {
  FailureOr<Contraction> p = Contraction::of(op, &kernel);
  if (failed(p))
    return failure();
  ContractTile tile = ContractTile::choose(*p);
  ThreadBlock block(b, kernel, tile.threads());
  block.loc = op.getLoc();
  ContractEmitter(block, op, *p, tile).emit();
  return tile.threads();
}
