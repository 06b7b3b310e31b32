#include "targets/cpu/ByteWindow.h"
#include "targets/cpu/DotProduct.h"
#include "targets/kernel/Lanes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

bool ByteWindow::is(const Window &p, kern::WindowOp op) {
  return op.getByteWeights() && p.rows.size() == 1 && p.rows.front().taps <= kern::bytesPerStep &&
         !p.columns.isOpen() && constantOf(p.channels.a) == 1;
}

/// LLVM does not know the order: it would make one instruction of this permutation and of what puts
/// the rows side by side, VPERMT2B, which costs three.
ByteWindow::ByteWindow(Emitter &e, const Window &p, Value a, Value weights)
    : e(e), p(p), bufferA(a), bufferWeights(weights) {
  SmallVector<int8_t> bytes;
  for (int64_t lane = 0; lane < p.lanes; ++lane)
    for (int64_t row = 0; row < kern::bytesPerStep; ++row)
      bytes.push_back(row * p.lanes + lane);
  auto type = VectorType::get({p.lanes * kern::bytesPerStep}, e.b.getI8Type());
  Value known = arith::ConstantOp::create(e.b, e.loc, DenseElementsAttr::get<int8_t>(type, bytes));
  order =
      LLVM::InlineAsmOp::create(e.b, e.loc, type, known, /*asm_string=*/"",
                                /*constraints=*/"=v,0", /*has_side_effects=*/false,
                                /*is_align_stack=*/false, LLVM::tailcallkind::TailCallKind::None,
                                LLVM::AsmDialectAttr(), ArrayAttr())
          .getResult(0);
}

Value ByteWindow::splat(int64_t value) const {
  auto type = vector(e.b.getI32Type());
  auto bits = APInt(32, value, /*isSigned=*/false, /*implicitTrunc=*/true);
  return arith::ConstantOp::create(e.b, e.loc, DenseElementsAttr::get(type, bits));
}

ByteWindow::Values ByteWindow::weights(Value at, int64_t vectors, Value mask) const {
  Values result;
  for (int64_t tap = 0; tap < p.columns.taps; ++tap)
    for (int64_t j = 0; j < vectors; ++j) {
      Value word;
      for (int64_t row = 0; row < p.rows.front().taps; ++row) {
        Value from = e.add(at, e.size(p.rows.front().weights * row + p.columns.weights * tap +
                                      p.channels.weights * (j * p.lanes)));
        Value number = loadLanes(e, vector(e.b.getF32Type()), bufferWeights, from,
                                 fixed(p.channels.weights), mask);
        Value byte = arith::FPToSIOp::create(e.b, e.loc, vector(e.b.getI32Type()), number);
        byte = arith::AndIOp::create(e.b, e.loc, byte, splat(0xFF));
        byte = arith::ShLIOp::create(e.b, e.loc, byte, splat(8 * row));
        word = word ? arith::OrIOp::create(e.b, e.loc, word, byte).getResult() : byte;
      }
      result.push_back(word);
    }
  return result;
}

ByteWindow::Rows ByteWindow::rows(Value y) const {
  const WindowDim &dim = p.rows.front();
  Rows result;
  Value first = e.sub(e.mul(y, dim.stride), e.constant(dim.low)), inside;
  for (int64_t tap = 0; tap < dim.taps; ++tap) {
    Value row = e.add(first, tap * dim.dilation);
    if (dim.isPadded()) {
      Value exists =
          arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult, row, e.size(dim.in));
      Value byte = arith::SelectOp::create(
          e.b, e.loc, exists,
          arith::ConstantIntOp::create(e.b, e.loc, e.b.getI32Type(), 0xFFLL << (8 * tap)),
          arith::ConstantIntOp::create(e.b, e.loc, e.b.getI32Type(), 0));
      inside = inside ? arith::OrIOp::create(e.b, e.loc, inside, byte).getResult() : byte;
      row = e.maximum(e.constant(0), e.minimum(row, e.sub(e.size(dim.in), e.constant(1))));
    }
    result.offsets.push_back(e.mul(row, dim.a));
  }
  if (inside)
    result.inside = vector::BroadcastOp::create(e.b, e.loc, vector(e.b.getI32Type()), inside);
  return result;
}

ByteWindow::Values ByteWindow::within(ArrayRef<Value> weights, const Rows &rows) const {
  Values result;
  auto bytes = VectorType::get({p.lanes * kern::bytesPerStep}, e.b.getI8Type());
  for (Value word : weights) {
    if (rows.inside)
      word = arith::AndIOp::create(e.b, e.loc, word, rows.inside);
    result.push_back(vector::BitCastOp::create(e.b, e.loc, bytes, word));
  }
  return result;
}

/// The bytes of the rows at column `a` side by side, channel by channel.
Value ByteWindow::word(Value a, const Rows &rows, Value mask) const {
  auto type = vector(e.b.getI8Type());
  Values loaded;
  for (Value offset : rows.offsets)
    loaded.push_back(loadLanes(e, type, bufferA, e.add(a, offset), 1, mask));
  loaded.resize(kern::bytesPerStep, arith::ConstantOp::create(e.b, e.loc, e.b.getZeroAttr(type)));
  auto joined = [&](Value x, Value y) -> Value {
    int64_t lanes = 2 * cast<VectorType>(x.getType()).getNumElements();
    return vector::ShuffleOp::create(e.b, e.loc, x, y, llvm::to_vector(llvm::seq(lanes)));
  };
  Value all = joined(joined(loaded[0], loaded[1]), joined(loaded[2], loaded[3]));
  return LLVM::CallIntrinsicOp::create(e.b, e.loc, all.getType(),
                                       e.b.getStringAttr("llvm.x86.avx512.permvar.qi.512"),
                                       ValueRange{all, order})
      .getResult(0);
}

void ByteWindow::accumulate(Values &sums, const Window::Uses &uses, Value a, const Rows &rows,
                            ArrayRef<Value> weights, Value mask) const {
  DotProduct dot{512};
  int64_t vectors = weights.size() / p.columns.taps;
  for (const auto &[column, users] : uses)
    for (int64_t j = 0; j < vectors; ++j) {
      Value from = e.add(a, e.size(p.columns.a * column + p.channels.a * (j * p.lanes)));
      Value pixel = word(from, rows, mask);
      for (Window::Use use : users) {
        Value &sum = sums[use.pixel * vectors + j];
        sum = dot.accumulate(e, pixel, weights[use.tap * vectors + j], sum);
      }
    }
}
