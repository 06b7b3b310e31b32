// Sums of few rows: B passes once from memory through registers.
//
// A thread has all rows and some neighbouring columns of the tile, and a part of the reduction, in
// groups of steps between those of the other threads: nothing of what it loads is loaded by others
// but words of A, by the threads that have other columns at the same steps. So nothing goes through
// shared memory before the sums are there, and no thread waits for another one.
#include "targets/nvptx/ContractProducts.h"
#include "targets/nvptx/StreamedMatrix.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;
using Values = SmallVector<Value>;

namespace {
class StreamProducts {
public:
  StreamProducts(ThreadBlock &e, ContractOperands &operands, const Contraction &p,
                 const ContractTile &tile)
      : e(e), operands(operands), p(p), tile(tile) {
    std::tie(depthPart, columnPart) = e.divide(e.thread, tile.columnParts());
  }

  void compute(Value row, Value column, llvm::function_ref<void(const Sums &)> use) {
    Value threadColumn = e.mul(columnPart, tile.partColumns);
    StreamedMatrix own(e, operands, p, tile, row, e.add(column, threadColumn));
    matrix = &own;
    Values sums =
        matrix->known() == matrix->least() ? multiply(matrix->least(), tile.stages) : choose();
    for (int64_t mask = tile.columnParts(); mask < warpLanes; mask *= 2)
      for (Value &sum : sums)
        sum = addSums(e, p, sum, e.shuffleXor(sum, mask));
    Value shared = share(sums, threadColumn);
    if (!isOneThreads())
      e.barrier();
    e.distribute(e.constant(isOneThreads() ? 1 : results()), [&](Value index) {
      auto [i, j] = e.divide(index, tile.columns);
      use({{e.add(row, i)}, {e.add(column, j)}, {addWarps(shared, index)}, nullptr});
    });
  }

private:
  int64_t results() const { return tile.rows * tile.columns; }
  /// A product of two vectors by one warp: the first thread has the sum, and stores it.
  bool isOneThreads() const {
    return tile.threads() == warpLanes && constantOf(p.n.size) == 1 &&
           constantOf(p.rowCount()) == 1;
  }

  /// Aligned or not: only a run knows of the buffers.
  Values choose() {
    StreamedMatrix::Alignments known = matrix->known();
    Value isAligned = e.areAligned({{operands.bufferA, known.a}, {operands.bufferB, known.b}});
    SmallVector<Type> types(tile.sumsOfThread(), p.element);
    // In another way where they are not: the same loads in both branches would become one, of no
    // alignment.
    return e.choose(
        isAligned, types, [&] { return multiply(known, tile.stages); },
        [&] { return multiply(matrix->least(), tile.stages > 1); });
  }

  /// The thread's part of its sums, row by row: of whole groups of steps, `atOnce` while there are
  /// as many, then of the steps behind; if that is 0, step by step.
  Values multiply(StreamedMatrix::Alignments alignments, int64_t atOnce) {
    Values sums(tile.sumsOfThread(),
                arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(p.element)));
    AffineExpr groups = atOnce ? normalForm(p.depth.floorDiv(tile.steps)) : p.number(0);
    int64_t chunk = std::max<int64_t>(1, atOnce) * tile.depthParts;
    AffineExpr chunks = normalForm(groups.floorDiv(chunk));
    if (constantOf(chunks) != 0)
      sums = e.loop(e.size(chunks), 1, sums, [&](Value i, ValueRange carried) {
        return addGroups(e.add(e.mul(i, chunk), depthPart), atOnce, carried, alignments);
      });
    AffineExpr done = normalForm(chunks * chunk), left = normalForm(groups - done);
    if (constantOf(left) != 0)
      sums = e.stride(e.add(e.size(done), depthPart), e.size(groups), tile.depthParts, sums,
                      [&](Value group, ValueRange carried) {
                        return addGroups(group, 1, carried, alignments);
                      });
    AffineExpr whole = normalForm(groups * tile.steps);
    if (constantOf(normalForm(p.depth - whole)) != 0)
      sums = e.stride(
          e.add(e.size(whole), depthPart), e.size(p.depth), tile.depthParts, sums,
          [&](Value k, ValueRange carried) { return addSteps({k}, 1, carried, matrix->least()); });
    return sums;
  }

  Values addGroups(Value first, int64_t count, ValueRange sums,
                   StreamedMatrix::Alignments alignments) {
    Values steps;
    for (int64_t i = 0; i < count; ++i)
      steps.push_back(e.mul(e.add(first, i * tile.depthParts), tile.steps));
    return addSteps(steps, tile.steps, sums, alignments);
  }

  /// Products of `count` steps from each of `steps` on: all of B is on its way before the first.
  Values addSteps(ArrayRef<Value> steps, int64_t count, ValueRange sums,
                  StreamedMatrix::Alignments alignments) {
    std::vector<StreamedMatrix::Stored> b;
    for (Value k : steps)
      b.push_back(matrix->loadB(k, count, alignments));
    Values result(sums);
    for (auto [k, stored] : llvm::zip(steps, b)) {
      std::vector<Values> rows;
      for (int64_t row = 0; row < tile.rows; ++row)
        rows.push_back(matrix->loadA(row, k, count, alignments));
      for (int64_t step = 0; step < count; ++step) {
        Values columns = matrix->wordsOf(stored, step);
        for (auto [n, sum] : llvm::enumerate(result))
          sum = addProduct(e, p, rows[n / tile.partColumns][step], columns[n % tile.partColumns],
                           sum);
      }
    }
    return result;
  }

  /// [warp][row][column], by the first lane of each column.
  Value share(ArrayRef<Value> sums, Value threadColumn) {
    Value shared = e.allocateShared(tile.threads() / warpLanes * results(), p.element);
    Value first = e.add(e.mul(e.warp(), results()), threadColumn);
    e.branch(
        operands.isLess(e.lane(), e.constant(tile.columnParts())),
        [&] {
          for (auto [n, sum] : llvm::enumerate(sums))
            memref::StoreOp::create(
                e.b, e.loc, sum, shared,
                e.add(first, n / tile.partColumns * tile.columns + n % tile.partColumns));
        },
        [] {});
    return shared;
  }

  Value addWarps(Value shared, Value index) {
    Value sum;
    for (int64_t warp = 0; warp < tile.threads() / warpLanes; ++warp) {
      Value part =
          memref::LoadOp::create(e.b, e.loc, shared, e.add(index, warp * results())).getResult();
      sum = sum ? addSums(e, p, sum, part) : part;
    }
    return sum;
  }

  ThreadBlock &e;
  ContractOperands &operands;
  const Contraction &p;
  const ContractTile &tile;
  Value depthPart, columnPart; // of this thread
  StreamedMatrix *matrix = nullptr;
};
} // namespace

void nncc::nvptx::streamProducts(ThreadBlock &e, ContractOperands &operands, const Contraction &p,
                                 const ContractTile &tile, Value row, Value column,
                                 llvm::function_ref<void(const Sums &)> use) {
  StreamProducts(e, operands, p, tile).compute(row, column, use);
}
