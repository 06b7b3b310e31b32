#include "targets/nvptx/MatrixInstructions.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;
using Values = MatrixInstructions::Values;

Type MatrixInstructions::registers(Type type) {
  return LLVM::LLVMStructType::getLiteral(e.b.getContext(), SmallVector<Type>(4, type));
}

Values MatrixInstructions::split(Value registers) {
  Values result;
  for (int64_t i = 0; i < 4; ++i)
    result.push_back(LLVM::ExtractValueOp::create(e.b, e.loc, registers, ArrayRef<int64_t>{i}));
  return result;
}

Values MatrixInstructions::load(Value pointer, NVVM::MMALayout layout) {
  MLIRContext *context = e.b.getContext();
  return split(NVVM::LdMatrixOp::create(
      e.b, e.loc, registers(e.b.getI32Type()), pointer, e.b.getI32IntegerAttr(4),
      NVVM::MMALayoutAttr::get(context, layout), NVVM::LdStMatrixShapeAttr::get(context, 8, 8),
      NVVM::LdStMatrixEltTypeAttr::get(context, NVVM::LdStMatrixEltType::B16)));
}

// Lane l points to line l % 8 of matrix l / 8. The second matrix has other rows of A, other words
// of B, whose columns are halved by the third one.

Value MatrixInstructions::lineOfA(int64_t pitch) {
  auto [words, row] = e.divide(e.lane(), mmaRows);
  return e.add(e.mul(row, pitch), e.mul(words, stepsOf(4)));
}

Value MatrixInstructions::lineOfB(int64_t pitch) {
  auto [half, rest] = e.divide(e.lane(), 2 * mmaColumns);
  auto [words, column] = e.divide(rest, mmaColumns);
  column = e.add(e.mul(half, mmaColumns), column);
  return e.add(e.mul(column, pitch), e.mul(words, stepsOf(4)));
}

Value MatrixInstructions::lineOfTransposedB(int64_t pitch) {
  auto [half, step] = e.divide(e.lane(), stepsOf(mmaWords));
  return e.add(e.mul(step, pitch), e.mul(half, mmaColumns));
}

Values MatrixInstructions::multiply(ArrayRef<Value> a, ArrayRef<Value> b, ArrayRef<Value> sums) {
  using NVVM::MMATypes;
  std::array<MMATypes, 2> types{MMATypes::u8, MMATypes::s8};
  std::optional<NVVM::MMAIntOverflow> overflow;
  int64_t steps = mmaWords;
  switch (multiplier) {
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
  if (multiplier == Multiplier::MatrixF16)
    for (Value &word : llvm::concat<Value>(wordsA, wordsB))
      word = LLVM::BitcastOp::create(e.b, e.loc, VectorType::get({2}, e.b.getF16Type()), word);
  return split(NVVM::MmaOp::create(e.b, e.loc, registers(sum), wordsA, wordsB, sums, shape,
                                   /*b1Op=*/std::nullopt, overflow, types, layouts));
}

void MatrixInstructions::multiplyAll(ArrayRef<Value> a, ArrayRef<Value> b,
                                     MutableArrayRef<Value> sums) {
  const int64_t down = a.size() / 4, across = b.size() / 2;
  for (int64_t i = 0; i < down; ++i)
    for (int64_t j = 0; j < across; ++j) {
      // Of rows g and g + 8, in each two neighbouring columns.
      int64_t first = 4 * i * across + 2 * j, second = first + 2 * across;
      Values old{sums[first], sums[first + 1], sums[second], sums[second + 1]};
      Values all = multiply(a.slice(4 * i, 4), b.slice(2 * j, 2), old);
      sums[first] = all[0], sums[first + 1] = all[1];
      sums[second] = all[2], sums[second + 1] = all[3];
    }
}

Value MatrixInstructions::asFloat(Value word) {
  return arith::BitcastOp::create(e.b, e.loc, e.b.getF32Type(), word);
}

Value MatrixInstructions::roundPair(Value x, Value y) {
  auto pairOf = [](Type element) { return VectorType::get({2}, element); };
  constexpr auto rounding = NVVM::FPRoundingMode::RN;
  Value none, pair;
  if (multiplier == Multiplier::MatrixF16)
    pair = NVVM::ConvertF32x2ToF16x2Op::create(e.b, e.loc, pairOf(e.b.getF16Type()), /*src_hi=*/y,
                                               /*src_lo=*/x, /*random_bits=*/none, rounding);
  else
    pair = NVVM::ConvertF32x2ToBF16x2Op::create(e.b, e.loc, pairOf(e.b.getBF16Type()), /*src_hi=*/y,
                                                /*src_lo=*/x, /*random_bits=*/none, rounding);
  return LLVM::BitcastOp::create(e.b, e.loc, e.b.getI32Type(), pair);
}

Value MatrixInstructions::toTF32(Value word) {
  return NVVM::ConvertFloatToTF32Op::create(e.b, e.loc, e.b.getI32Type(), asFloat(word),
                                            NVVM::FPRoundingMode::RNA);
}

// f32 as two parts of bf16
// ------------------------------------------------------------------------------------------------

/// Two words of f32 -> a register of both rounded, and one of what that leaves.
std::pair<Value, Value> MatrixInstructions::splitPair(Value first, Value second) {
  auto i32 = [&](int64_t number) {
    return arith::ConstantIntOp::create(e.b, e.loc, e.b.getI32Type(), number);
  };
  Value x = asFloat(first), y = asFloat(second), high = roundPair(x, y);
  Value highX = asFloat(arith::ShLIOp::create(e.b, e.loc, high, i32(16)));
  Value highY = asFloat(arith::AndIOp::create(e.b, e.loc, high, i32(-65536)));
  return {high, roundPair(arith::SubFOp::create(e.b, e.loc, x, highX),
                          arith::SubFOp::create(e.b, e.loc, y, highY))};
}

std::pair<Values, Values> MatrixInstructions::splitFragments(std::array<Values, 2> words,
                                                             int64_t apart) {
  Values high, low;
  for (size_t first = 0; first < words[0].size(); first += 2 * apart)
    for (const Values &ofStep : words)
      for (int64_t i = 0; i < apart; ++i) {
        auto [h, l] = splitPair(ofStep[first + i], ofStep[first + i + apart]);
        high.push_back(h), low.push_back(l);
      }
  return {high, low};
}
