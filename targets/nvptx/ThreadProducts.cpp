// Sums in the registers of single threads, of slices in shared memory.
//
// The scheme is that of V. Volkov and J. Demmel, Benchmarking GPUs to Tune Dense Linear Algebra
// (SC 2008); two slices take turns in shared memory, so that one barrier for each is enough.
#include "targets/nvptx/ContractProducts.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

namespace {
using Values = SmallVector<Value>;

/// Slices of both operands are in shared memory as [step][row] and [step][column]. A thread has
/// neighbouring rows, and columns in groups of 4 with the groups of the other threads between them,
/// so that the threads of a warp read shared memory without conflicts. Each thread loads the same
/// rows of A in each slice, and the same columns of B.
class ThreadProducts {
public:
  ThreadProducts(ThreadBlock &e, ContractOperands &operands, const Contraction &p,
                 const ContractTile &tile)
      : e(e), operands(operands), p(p), tile(tile), rowsAtOnce(tile.threads() / tile.steps),
        // From step to step: groups of 4 stay aligned, and the elements of one row or column are
        // not all in one bank.
        pitchA(tile.rows + tile.group), pitchB(tile.columns + tile.group) {
    std::tie(rowA, stepA) = e.divide(e.thread, tile.steps);
    if (isAlongK(p))
      std::tie(columnB, stepB) = std::pair(rowA, stepA);
    else
      std::tie(stepB, columnB) = e.divide(e.thread, rowsAtOnce);
    auto [row, column] = e.divide(e.thread, tile.columnParts());
    threadRow = e.mul(row, tile.partRows), threadColumn = e.mul(column, tile.group);
    shared = e.allocateShared(2 * sliceWords(), operands.word());
  }

  Sums compute(Value row, Value column) {
    for (int64_t first = 0; first < tile.rows; first += rowsAtOnce)
      rows.push_back(operands.row(e.add(row, e.add(rowA, first))));
    for (int64_t first = 0; first < tile.columns; first += rowsAtOnce)
      columns.push_back(operands.column(e.add(column, e.add(columnB, first))));
    Sums sums;
    for (int64_t i = 0; i < tile.partRows; ++i)
      sums.rows.push_back(e.add(e.add(row, threadRow), i));
    for (int64_t j = 0; j < tile.partColumns; ++j)
      sums.columns.push_back(
          e.add(e.add(column, threadColumn), j / tile.group * groupDistance() + j % tile.group));
    sums.values = multiply();
    e.areSynchronized(); // by the barrier behind the last slice
    return sums;
  }

private:
  int64_t sliceWords() const { return tile.steps * (pitchA + pitchB); }
  int64_t groupDistance() const { return tile.columnParts() * tile.group; }

  /// This thread's part of a slice; zeros behind the last one.
  struct Words {
    Values a, b;
  };
  Words load(Value number) {
    ContractOperands::Slice slice = operands.slice(number);
    Words words;
    for (const ContractOperands::Row &row : rows)
      words.a.push_back(operands.loadA(operands.source(row, slice, stepA)));
    for (const ContractOperands::Column &column : columns)
      words.b.push_back(operands.loadB(column, operands.source(column, slice, stepB)));
    return words;
  }

  /// `at` is the first word of the slice.
  void store(const Words &words, Value at) {
    Value a = e.add(at, e.add(e.mul(stepA, pitchA), rowA));
    for (auto [i, value] : llvm::enumerate(words.a))
      memref::StoreOp::create(e.b, e.loc, value, shared, e.add(a, i * rowsAtOnce));
    Value b = e.add(at, tile.steps * pitchA);
    b = e.add(b, e.add(e.mul(stepB, pitchB), columnB));
    for (auto [i, value] : llvm::enumerate(words.b))
      memref::StoreOp::create(e.b, e.loc, value, shared, e.add(b, i * rowsAtOnce));
  }

  /// All sums of this thread, row by row.
  Values multiply() {
    Values sums(tile.partRows * tile.partColumns,
                arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(p.element)));
    store(load(e.constant(0)), e.constant(0));
    e.barrier();
    if (constantOf(operands.mostSlices()) == 1)
      return addProducts(e.constant(0), sums);
    return e.stride(e.constant(0), operands.slices, 1, sums, [&](Value i, ValueRange carried) {
      // On its way while this one is multiplied.
      Words next = load(e.add(i, 1));
      Value slot = e.mul(e.divide(i, 2).second, sliceWords());
      Values result = addProducts(slot, carried);
      store(next, e.sub(e.constant(sliceWords()), slot));
      e.barrier();
      return result;
    });
  }

  /// `count` neighbours in shared memory, in groups that one instruction loads.
  Values loadGroups(Value at, int64_t count, int64_t distance) {
    Values result;
    const int64_t group = std::min<int64_t>(count, tile.group);
    for (int64_t first = 0; first < count; first += group)
      llvm::append_range(result,
                         e.loadNeighbours(shared, e.add(at, first / group * distance), group));
    return result;
  }

  Values addProducts(Value slot, ValueRange sums) {
    Values result(sums);
    Value a = e.add(slot, threadRow);
    Value b = e.add(e.add(slot, tile.steps * pitchA), threadColumn);
    for (int64_t step = 0; step < tile.steps; ++step) {
      Values rows = loadGroups(e.add(a, step * pitchA), tile.partRows,
                               std::min<int64_t>(tile.partRows, tile.group));
      Values columns = loadGroups(e.add(b, step * pitchB), tile.partColumns, groupDistance());
      for (auto [i, row] : llvm::enumerate(rows))
        for (auto [j, column] : llvm::enumerate(columns)) {
          Value &sum = result[i * tile.partColumns + j];
          sum = addProduct(e, p, row, column, sum);
        }
    }
    return result;
  }

  ThreadBlock &e;
  ContractOperands &operands;
  const Contraction &p;
  const ContractTile &tile;
  const int64_t rowsAtOnce, pitchA, pitchB;
  Value rowA, stepA, columnB, stepB; // of the slice, this thread's first
  Value threadRow, threadColumn;     // this thread's first of the tile
  Value shared;                      // two slices
  SmallVector<ContractOperands::Row> rows;
  SmallVector<ContractOperands::Column> columns;
};
} // namespace

Value nncc::nvptx::addSums(ThreadBlock &e, const Contraction &p, Value x, Value y) {
  if (p.isOfBytes)
    return arith::AddIOp::create(e.b, e.loc, x, y);
  return arith::AddFOp::create(e.b, e.loc, x, y);
}

Value nncc::nvptx::addProduct(ThreadBlock &e, const Contraction &p, Value a, Value b, Value sum) {
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

Sums nncc::nvptx::multiplyByThreads(ThreadBlock &e, ContractOperands &operands,
                                    const Contraction &p, const ContractTile &tile, Value row,
                                    Value column) {
  return ThreadProducts(e, operands, p, tile).compute(row, column);
}
