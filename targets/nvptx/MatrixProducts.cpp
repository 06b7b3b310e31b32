// Sums in the registers of warps, which multiply matrices by mma.sync: slices of both operands pass
// through shared memory in a pipeline of asynchronous copies.
//
// A word of 32 bits is what a lane has of a row or column in one register, four bytes, two halves
// or one f32 along the reduction, so that fragments of all types have one layout (PTX ISA, "Matrix
// fragments", m16n8k32 of bytes, m16n8k16 of f16 and m16n8k8 of tf32): lane 4 * g + t has
//   of A  words t and t + 4 of rows g and g + 8,
//   of B  words t and t + 4 of column g,
//   sums  of rows g and g + 8, columns 2 * t and 2 * t + 1.
#include "targets/nvptx/ContractProducts.h"
#include "targets/nvptx/MatrixInstructions.h"
#include "targets/nvptx/SlicePipeline.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

namespace {
using Values = SmallVector<Value>;

class MatrixProducts {
public:
  MatrixProducts(ThreadBlock &e, ContractOperands &operands, const Contraction &p,
                 const ContractTile &tile)
      : e(e), operands(operands), p(p), tile(tile), mma(e, tile.multiplier, p.element),
        slices(p, tile), alongK(isAlongK(p)) {
    lane = e.lane();
    std::tie(group, member) = e.divide(lane, 4);
    auto [row, column] = e.divide(e.warp(), tile.columnParts());
    warpRow = e.mul(row, tile.partRows), warpColumn = e.mul(column, tile.partColumns);
    int64_t size = std::max(tile.stages * slices.size(),
                            tile.staged ? tile.stagedBytes() / tile.stepBytes() : 0);
    shared = e.allocateShared(size, e.b.getIntegerType(8 * tile.stepBytes()));
  }

  Sums compute(Value row, Value column) {
    Sums sums;
    Value firstRow = e.add(row, e.add(warpRow, group));
    for (int64_t i = 0; i < tile.partRows; i += mmaRows / 2)
      sums.rows.push_back(e.add(firstRow, i));
    Value firstColumn = e.add(column, e.add(warpColumn, e.mul(member, 2)));
    for (int64_t j = 0; j < tile.partColumns; j += mmaColumns)
      for (int64_t n = 0; n < 2; ++n)
        sums.columns.push_back(e.add(firstColumn, j + n));
    auto run = [&](CopyWidths widths) { return multiply(widths, row, column); };
    CopyWidths widest = SlicePipeline::widest(operands, p),
               narrowest = SlicePipeline::narrowest(operands, p);
    sums.values = widest == narrowest ? run(widest) : choose(run, widest, narrowest);
    if (tile.staged)
      stage(sums);
    return sums;
  }

private:
  /// Behind the last products, since it takes the place of slices.
  void stage(Sums &sums) {
    const auto pair = VectorType::get({2}, p.element);
    const int64_t wordSteps = stepsOf(1), across = sums.columns.size();
    e.barrier();
    Value column = e.add(warpColumn, e.mul(member, 2));
    Value at = e.add(e.mul(e.add(warpRow, group), tile.stagedPitch()), column);
    for (size_t i = 0; i < sums.rows.size(); ++i)
      for (int64_t j = 0; j < across; j += 2) {
        Value two = vector::FromElementsOp::create(
            e.b, e.loc, pair, ValueRange(sums.values).slice(i * across + j, 2));
        int64_t distance = i * (mmaRows / 2) * tile.stagedPitch() + j / 2 * mmaColumns;
        Value place = e.pointer(shared, e.mul(e.add(at, distance), wordSteps), sharedSpace);
        LLVM::StoreOp::create(e.b, e.loc, two, place, /*alignment=*/8);
      }
    e.barrier();
    sums.staged = shared;
  }

  /// Steps in the words of one product of matrices, and in 16 bytes.
  int64_t stepsOf(int64_t words) const { return words * 4 / tile.stepBytes(); }
  int64_t mmaSteps() const { return stepsOf(mmaWords); }

  Values choose(llvm::function_ref<Values(CopyWidths)> run, CopyWidths widest,
                CopyWidths narrowest) {
    Value isAligned = SlicePipeline::isAligned(e, operands, widest);
    SmallVector<Type> types(tile.sumsOfThread(), p.element);
    return e.choose(
        isAligned, types, [&] { return run(widest); }, [&] { return run(narrowest); });
  }

  /// Slice i is multiplied while those up to i + stages - 1 are on their way. The barrier of i is
  /// behind the products of i - 1 and what has come of i: the place of i - 1 is free then. No copy
  /// is on its way behind the last slice. Each group is ended where the next wait counts it.
  Values multiply(CopyWidths widths, Value row, Value column) {
    SlicePipeline pipeline(e, operands, p, tile, shared, widths, row, column);
    const int64_t size = slices.size(), ahead = tile.stages - 1;
    for (int64_t i = 0; i < ahead; ++i) {
      if (i)
        pipeline.endGroup();
      Value place = e.constant(i * size);
      pipeline.finish(pipeline.start(e.constant(i), place), place);
    }
    Values carried(tile.sumsOfThread(),
                   arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(p.element)));
    if (keepsFragments())
      return multiplyAhead(pipeline, carried);
    carried.push_back(e.constant(0));            // place of this slice
    carried.push_back(e.constant(ahead * size)); // of the one to come, which was of the last one
    carried = e.stride(e.constant(0), operands.slices, 1, carried, [&](Value i, ValueRange values) {
      Value place = values.drop_back().back(), free = values.back();
      pipeline.endGroup();
      pipeline.wait(ahead - 1);
      e.barrier();
      SlicePipeline::Words next = pipeline.start(e.add(i, ahead), free);
      Values result = addProducts(place, values.drop_back(2));
      pipeline.finish(next, free);
      result.push_back(behind(place));
      result.push_back(place);
      return result;
    });
    carried.pop_back_n(2);
    return carried;
  }

  /// Whether a thread has registers for the fragments of two steps.
  bool keepsFragments() const { return tile.blocks == 1; }

  /// The same, but a warp has its fragments before it multiplies: those of the next step, of the
  /// next slice too, are on their way from shared memory meanwhile. The barrier of slice i + 1 is
  /// before the last products of slice i, of which nothing is read any more.
  Values multiplyAhead(SlicePipeline &pipeline, Values carried) {
    const int64_t ahead = tile.stages - 1, sums = carried.size();
    pipeline.endGroup();
    pipeline.wait(ahead - 1);
    e.barrier();
    Value first = e.constant(0), count = operands.slices;
    Values a = loadA(first, 0), b = loadB(first, 0);
    const int64_t ofA = a.size(), ofB = b.size();
    llvm::append_range(carried, a), llvm::append_range(carried, b);
    carried.push_back(first);                             // place of this slice
    carried.push_back(e.constant(ahead * slices.size())); // of the one to come
    carried = e.stride(first, count, 1, carried, [&](Value i, ValueRange values) {
      Values result(values.take_front(sums)), a(values.slice(sums, ofA)),
          b(values.slice(sums + ofA, ofB));
      Value place = values.drop_back().back(), free = values.back();
      SlicePipeline::Words next = pipeline.start(e.add(i, ahead), free);
      for (int64_t step = mmaSteps(); step <= tile.steps; step += mmaSteps()) {
        Value from = place;
        if (step == tile.steps) {
          pipeline.finish(next, free);
          pipeline.endGroup();
          pipeline.wait(ahead - 1);
          e.barrier();
          // Behind the last slice this one again, for nobody.
          Value isThere = operands.isLess(e.add(i, 1), count);
          from = arith::SelectOp::create(e.b, e.loc, isThere, behind(place), place);
        }
        Values nextA = loadA(from, step % tile.steps), nextB = loadB(from, step % tile.steps);
        mma.multiplyAll(a, b, result);
        a = std::move(nextA), b = std::move(nextB);
      }
      llvm::append_range(result, a), llvm::append_range(result, b);
      result.push_back(behind(place));
      result.push_back(place);
      return result;
    });
    carried.truncate(sums);
    return carried;
  }

  /// The place behind this one.
  Value behind(Value place) {
    Value next = e.add(place, slices.size());
    Value isEnd = e.equals(next, tile.stages * slices.size());
    return arith::SelectOp::create(e.b, e.loc, isEnd, e.constant(0), next);
  }

  Values load(Value at, NVVM::MMALayout layout = NVVM::MMALayout::row) {
    return mma.load(e.pointer(shared, at, sharedSpace), layout);
  }

  /// Four registers for each 16 rows, of 8 words from `step` on.
  Values loadA(Value place, int64_t step) {
    Value at = e.add(place, e.add(e.mul(warpRow, slices.pitchA), mma.lineOfA(slices.pitchA)));
    Values result;
    for (int64_t i = 0; i < tile.partRows; i += mmaRows)
      result.append(load(e.add(at, i * slices.pitchA + step)));
    return result;
  }

  /// Two registers for each 8 columns.
  Values loadB(Value place, int64_t step) {
    Values result;
    Value at = e.add(place, slices.sizeA);
    if (!alongK && tile.isOfHalves()) {
      at = e.add(at, e.add(warpColumn, mma.lineOfTransposedB(slices.pitchB)));
      for (int64_t j = 0; j < tile.partColumns; j += 2 * mmaColumns)
        result.append(load(e.add(at, step * slices.pitchB + j), NVVM::MMALayout::col));
      return result;
    }
    if (!alongK) {
      at = e.add(at, e.add(e.mul(member, slices.pitchB), e.add(warpColumn, group)));
      for (int64_t j = 0; j < tile.partColumns; j += mmaColumns)
        for (int64_t word : {0, 4})
          result.push_back(memref::LoadOp::create(e.b, e.loc, shared,
                                                  e.add(at, (step + word) * slices.pitchB + j)));
      return result;
    }
    at = e.add(at, e.add(e.mul(warpColumn, slices.pitchB), mma.lineOfB(slices.pitchB)));
    for (int64_t j = 0; j < tile.partColumns; j += 2 * mmaColumns)
      result.append(load(e.add(at, j * slices.pitchB + step)));
    return result;
  }

  Values addProducts(Value place, ValueRange sums) {
    Values result(sums);
    const bool ofPairs = tile.multiplier == Multiplier::MatrixBF16x3;
    for (int64_t step = 0; step < tile.steps; step += mmaSteps() * (ofPairs ? 2 : 1)) {
      Values a = loadA(place, step), b = loadB(place, step);
      if (ofPairs) {
        addSplitProducts({a, loadA(place, step + mmaWords)}, {b, loadB(place, step + mmaWords)},
                         result);
        continue;
      }
      if (tile.multiplier == Multiplier::MatrixTF32)
        for (Value &word : llvm::concat<Value>(a, b))
          word = mma.toTF32(word);
      mma.multiplyAll(a, b, result);
    }
    return result;
  }

  /// The product of the low parts is left out: it is as small as what they are rounded by.
  void addSplitProducts(std::array<Values, 2> a, std::array<Values, 2> b, Values &sums) {
    auto [highA, lowA] = mma.splitFragments(std::move(a), 2);
    auto [highB, lowB] = mma.splitFragments(std::move(b), 1);
    mma.multiplyAll(lowA, highB, sums);
    mma.multiplyAll(highA, lowB, sums);
    mma.multiplyAll(highA, highB, sums);
  }

  ThreadBlock &e;
  ContractOperands &operands;
  const Contraction &p;
  const ContractTile &tile;
  MatrixInstructions mma;
  const MatrixSlices slices;
  const bool alongK; // of B
  Value shared;      // `stages` slices, as words
  Value lane, group, member;
  Value warpRow, warpColumn; // this warp's first of the tile
};
} // namespace

Sums nncc::nvptx::multiplyByWarps(ThreadBlock &e, ContractOperands &operands, const Contraction &p,
                                  const ContractTile &tile, Value row, Value column) {
  return MatrixProducts(e, operands, p, tile).compute(row, column);
}
