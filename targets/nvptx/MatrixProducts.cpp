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
#include "targets/nvptx/SlicePipeline.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

namespace {
using Values = SmallVector<Value>;
constexpr int64_t mmaRows = 16, mmaColumns = 8, mmaWords = 8;

class MatrixProducts {
public:
  MatrixProducts(ThreadBlock &e, ContractOperands &operands, const Contraction &p,
                 const ContractTile &tile)
      : e(e), operands(operands), p(p), tile(tile), slices(p, tile), alongK(isAlongK(p)) {
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
    auto branch = scf::IfOp::create(e.b, e.loc, types, isAligned, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(e.b);
    e.b.setInsertionPointToStart(branch.thenBlock());
    scf::YieldOp::create(e.b, e.loc, run(widest));
    e.b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(e.b, e.loc, run(narrowest));
    return llvm::to_vector_of<Value>(branch.getResults());
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
        addAll(a, b, result);
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

  Type registers(Type type) {
    return LLVM::LLVMStructType::getLiteral(e.b.getContext(), SmallVector<Type>(4, type));
  }
  Values split(Value registers) {
    Values result;
    for (int64_t i = 0; i < 4; ++i)
      result.push_back(LLVM::ExtractValueOp::create(e.b, e.loc, registers, ArrayRef<int64_t>{i}));
    return result;
  }

  /// Four matrices of 8 rows x 4 words, each row of which a lane points to; or of 8 x 8 elements
  /// of 16 bits, transposed.
  Values loadMatrices(Value at, NVVM::MMALayout layout = NVVM::MMALayout::row) {
    MLIRContext *context = e.b.getContext();
    return split(NVVM::LdMatrixOp::create(
        e.b, e.loc, registers(e.b.getI32Type()), e.pointer(shared, at, sharedSpace),
        e.b.getI32IntegerAttr(4), NVVM::MMALayoutAttr::get(context, layout),
        NVVM::LdStMatrixShapeAttr::get(context, 8, 8),
        NVVM::LdStMatrixEltTypeAttr::get(context, NVVM::LdStMatrixEltType::B16)));
  }

  /// Four registers for each 16 rows, of 8 words from `step` on.
  Values loadA(Value place, int64_t step) {
    auto [quarter, row] = e.divide(lane, mmaRows);
    Value at = e.add(e.mul(e.add(warpRow, row), slices.pitchA), e.mul(quarter, stepsOf(4)));
    at = e.add(place, at);
    Values result;
    for (int64_t i = 0; i < tile.partRows; i += mmaRows)
      result.append(loadMatrices(e.add(at, i * slices.pitchA + step)));
    return result;
  }

  /// Two registers for each 8 columns.
  Values loadB(Value place, int64_t step) {
    Values result;
    Value at = e.add(place, slices.sizeA);
    if (!alongK && tile.isOfHalves()) {
      auto [half, row] = e.divide(lane, mmaSteps());
      Value column = e.add(warpColumn, e.mul(half, mmaColumns));
      at = e.add(at, e.add(e.mul(row, slices.pitchB), column));
      for (int64_t j = 0; j < tile.partColumns; j += 2 * mmaColumns)
        result.append(loadMatrices(e.add(at, step * slices.pitchB + j), NVVM::MMALayout::col));
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
    auto [half, eighth] = e.divide(lane, 2 * mmaColumns);
    auto [quarter, column] = e.divide(eighth, mmaColumns);
    column = e.add(warpColumn, e.add(e.mul(half, mmaColumns), column));
    at = e.add(at, e.add(e.mul(column, slices.pitchB), e.mul(quarter, stepsOf(4))));
    for (int64_t j = 0; j < tile.partColumns; j += 2 * mmaColumns)
      result.append(loadMatrices(e.add(at, j * slices.pitchB + step)));
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
          word = NVVM::ConvertFloatToTF32Op::create(e.b, e.loc, e.b.getI32Type(), asFloat(word),
                                                    NVVM::FPRoundingMode::RNA);
      addAll(a, b, result);
    }
    return result;
  }

  /// Adds the products of four registers for each 16 rows by two for each 8 columns.
  void addAll(ArrayRef<Value> a, ArrayRef<Value> b, Values &sums) {
    const int64_t across = tile.partColumns / mmaColumns;
    for (int64_t i = 0; i < tile.partRows / mmaRows; ++i)
      for (int64_t j = 0; j < across; ++j) {
        // Of rows g and g + 8, in each two neighbouring columns.
        int64_t first = 4 * i * across + 2 * j, second = first + 2 * across;
        Values old{sums[first], sums[first + 1], sums[second], sums[second + 1]};
        Values all = multiplyMatrices(a.slice(4 * i, 4), b.slice(2 * j, 2), old);
        sums[first] = all[0], sums[first + 1] = all[1];
        sums[second] = all[2], sums[second + 1] = all[3];
      }
  }

  Values multiplyMatrices(ArrayRef<Value> a, ArrayRef<Value> b, ArrayRef<Value> sums) {
    using NVVM::MMATypes;
    std::array<MMATypes, 2> types{MMATypes::u8, MMATypes::s8};
    std::optional<NVVM::MMAIntOverflow> overflow;
    int64_t steps = mmaWords;
    switch (tile.multiplier) {
    case Multiplier::MatrixTF32:
      types = {MMATypes::tf32, MMATypes::tf32};
      break;
    case Multiplier::MatrixBF16x3:
    case Multiplier::MatrixBF16:
      types = {MMATypes::bf16, MMATypes::bf16}, steps = mmaWords * 2;
      break;
    case Multiplier::MatrixF16:
      types = {MMATypes::f16, MMATypes::f16}, steps = mmaWords * 2;
      break;
    default:
      overflow = NVVM::MMAIntOverflow::wrapped, steps = mmaWords * kern::bytesPerStep;
    }
    std::array<NVVM::MMALayout, 2> layouts{NVVM::MMALayout::row, NVVM::MMALayout::col};
    int64_t shape[] = {mmaRows, mmaColumns, steps};
    Values wordsA(a), wordsB(b);
    if (tile.multiplier == Multiplier::MatrixF16)
      for (Value &word : llvm::concat<Value>(wordsA, wordsB))
        word = LLVM::BitcastOp::create(e.b, e.loc, VectorType::get({2}, e.b.getF16Type()), word);
    return split(NVVM::MmaOp::create(e.b, e.loc, registers(p.element), wordsA, wordsB, sums, shape,
                                     /*b1Op=*/std::nullopt, overflow, types, layouts));
  }

  // f32 as two parts of bf16
  // ----------------------------------------------------------------------------------------------

  Value asFloat(Value word) { return arith::BitcastOp::create(e.b, e.loc, e.b.getF32Type(), word); }

  Value roundPair(Value x, Value y) {
    auto type = VectorType::get({2}, e.b.getBF16Type());
    Value pair =
        NVVM::ConvertF32x2ToBF16x2Op::create(e.b, e.loc, type, /*src_hi=*/y, /*src_lo=*/x,
                                             /*random_bits=*/Value(), NVVM::FPRoundingMode::RN);
    return LLVM::BitcastOp::create(e.b, e.loc, e.b.getI32Type(), pair);
  }

  /// Two words of f32 -> a register of both rounded, and one of what that leaves.
  std::pair<Value, Value> splitPair(Value first, Value second) {
    auto i32 = [&](int64_t number) {
      return arith::ConstantIntOp::create(e.b, e.loc, e.b.getI32Type(), number);
    };
    Value x = asFloat(first), y = asFloat(second), high = roundPair(x, y);
    Value highX = asFloat(arith::ShLIOp::create(e.b, e.loc, high, i32(16)));
    Value highY = asFloat(arith::AndIOp::create(e.b, e.loc, high, i32(-65536)));
    return {high, roundPair(arith::SubFOp::create(e.b, e.loc, x, highX),
                            arith::SubFOp::create(e.b, e.loc, y, highY))};
  }

  /// The fragments of two times 8 steps -> those of 16 in bf16, each register of words t and t + 4
  /// of 8 steps. A sum takes its products in any order, as long as A and B have the same.
  /// `apart`: from a word to the one 4 steps behind it, 2 in A and 1 in B.
  std::pair<Values, Values> splitFragments(std::array<Values, 2> words, int64_t apart) {
    Values high, low;
    for (size_t first = 0; first < words[0].size(); first += 2 * apart)
      for (const Values &ofStep : words)
        for (int64_t i = 0; i < apart; ++i) {
          auto [h, l] = splitPair(ofStep[first + i], ofStep[first + i + apart]);
          high.push_back(h), low.push_back(l);
        }
    return {high, low};
  }

  /// The product of the low parts is left out: it is as small as what they are rounded by.
  void addSplitProducts(std::array<Values, 2> a, std::array<Values, 2> b, Values &sums) {
    auto [highA, lowA] = splitFragments(std::move(a), 2);
    auto [highB, lowB] = splitFragments(std::move(b), 1);
    addAll(lowA, highB, sums);
    addAll(highA, lowB, sums);
    addAll(highA, highB, sums);
  }

  ThreadBlock &e;
  ContractOperands &operands;
  const Contraction &p;
  const ContractTile &tile;
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
