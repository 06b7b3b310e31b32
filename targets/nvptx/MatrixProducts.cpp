// Sums in the registers of warps, which multiply matrices by mma.sync: slices of both operands pass
// through shared memory in a pipeline of asynchronous copies.
//
// A word of 32 bits is what a lane has of a row or column in one register, four bytes or one f32
// along the reduction, so that fragments of all types have one layout (PTX ISA, "Matrix fragments",
// m16n8k32 of bytes and m16n8k8 of tf32): lane 4 * g + t has
//   of A  words t and t + 4 of rows g and g + 8,
//   of B  words t and t + 4 of column g,
//   sums  of rows g and g + 8, columns 2 * t and 2 * t + 1.
#include "targets/nvptx/ContractProducts.h"
#include "targets/nvptx/SlicePipeline.h"

#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

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
    shared = e.allocateShared(tile.stages * slices.words(), e.b.getI32Type());
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
    return sums;
  }

private:
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
    const int64_t words = slices.words(), ahead = tile.stages - 1;
    for (int64_t i = 0; i < ahead; ++i) {
      if (i)
        pipeline.endGroup();
      Value place = e.constant(i * words);
      pipeline.finish(pipeline.start(e.constant(i), place), place);
    }
    Values carried(tile.sumsOfThread(),
                   arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(p.element)));
    carried.push_back(e.constant(0));             // place of this slice
    carried.push_back(e.constant(ahead * words)); // of the one to come, which was of the last one
    carried = e.stride(e.constant(0), operands.slices, 1, carried, [&](Value i, ValueRange values) {
      Value place = values.drop_back().back(), free = values.back();
      pipeline.endGroup();
      pipeline.wait(ahead - 1);
      e.barrier();
      SlicePipeline::Words next = pipeline.start(e.add(i, ahead), free);
      Values result = addProducts(place, values.drop_back(2));
      pipeline.finish(next, free);
      Value behind = e.add(place, words);
      Value isEnd = e.equals(behind, tile.stages * words);
      result.push_back(arith::SelectOp::create(e.b, e.loc, isEnd, e.constant(0), behind));
      result.push_back(place);
      return result;
    });
    carried.pop_back_n(2);
    return carried;
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

  /// Four matrices of 8 rows x 4 words, each row of which a lane points to.
  Values loadMatrices(Value at) {
    MLIRContext *context = e.b.getContext();
    return split(NVVM::LdMatrixOp::create(
        e.b, e.loc, registers(e.b.getI32Type()), e.pointer(shared, at, sharedSpace),
        e.b.getI32IntegerAttr(4), NVVM::MMALayoutAttr::get(context, NVVM::MMALayout::row),
        NVVM::LdStMatrixShapeAttr::get(context, 8, 8),
        NVVM::LdStMatrixEltTypeAttr::get(context, NVVM::LdStMatrixEltType::B16)));
  }

  /// Four registers for each 16 rows, of 8 steps from `step` on.
  Values loadA(Value place, int64_t step) {
    auto [quarter, row] = e.divide(lane, mmaRows);
    Value at = e.add(place, e.add(e.mul(e.add(warpRow, row), slices.pitchA), e.mul(quarter, 4)));
    Values result;
    for (int64_t i = 0; i < tile.partRows; i += mmaRows)
      result.append(loadMatrices(e.add(at, i * slices.pitchA + step)));
    return result;
  }

  /// Two registers for each 8 columns.
  Values loadB(Value place, int64_t step) {
    Values result;
    Value at = e.add(place, slices.wordsA);
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
    at = e.add(at, e.add(e.mul(column, slices.pitchB), e.mul(quarter, 4)));
    for (int64_t j = 0; j < tile.partColumns; j += 2 * mmaColumns)
      result.append(loadMatrices(e.add(at, j * slices.pitchB + step)));
    return result;
  }

  Values addProducts(Value place, ValueRange sums) {
    Values result(sums);
    const bool ofPairs = tile.multiplier == Multiplier::MatrixBF16x3;
    for (int64_t step = 0; step < tile.steps; step += mmaWords * (ofPairs ? 2 : 1)) {
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
      types = {MMATypes::bf16, MMATypes::bf16}, steps = mmaWords * 2;
      break;
    default:
      overflow = NVVM::MMAIntOverflow::wrapped, steps = mmaWords * kern::bytesPerStep;
    }
    std::array<NVVM::MMALayout, 2> layouts{NVVM::MMALayout::row, NVVM::MMALayout::col};
    int64_t shape[] = {mmaRows, mmaColumns, steps};
    return split(NVVM::MmaOp::create(e.b, e.loc, registers(p.element), a, b, sums, shape,
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
