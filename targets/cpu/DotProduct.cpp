#include "targets/cpu/DotProduct.h"

#include "dialects/kern/Kern.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {
VectorType vectorOf(int64_t lanes, Type element) { return VectorType::get({lanes}, element); }

int64_t lanesOf(Value vector) { return cast<VectorType>(vector.getType()).getNumElements(); }

Value bitcast(Emitter &e, Value value, VectorType type) {
  return vector::BitCastOp::create(e.b, e.loc, type, value);
}

Value splat(Emitter &e, VectorType type, uint64_t value) {
  APInt bits(type.getElementTypeBitWidth(), value);
  return arith::ConstantOp::create(e.b, e.loc, DenseElementsAttr::get(type, bits));
}

Value part(Emitter &e, Value value, int64_t first, int64_t count) {
  if (count == lanesOf(value))
    return value;
  return vector::ExtractStridedSliceOp::create(e.b, e.loc, value, ArrayRef(first), ArrayRef(count),
                                               ArrayRef<int64_t>(1));
}

/// The even or the odd bytes, widened to 16 bits.
Value widen(Emitter &e, Value bytes, bool odd, bool isSigned) {
  auto type = vectorOf(lanesOf(bytes) / 2, e.b.getIntegerType(16));
  Value words = bitcast(e, bytes, type);
  Value eight = arith::ConstantOp::create(e.b, e.loc, DenseElementsAttr::get(type, APInt(16, 8)));
  if (!odd)
    words = arith::ShLIOp::create(e.b, e.loc, words, eight);
  if (isSigned)
    return arith::ShRSIOp::create(e.b, e.loc, words, eight);
  return arith::ShRUIOp::create(e.b, e.loc, words, eight);
}

/// Sums of the products of neighbours: two vectors of 16 bits -> one of half as many 32 bits. LLVM
/// knows the form.
Value multiplyPairs(Emitter &e, Value x, Value y) {
  int64_t lanes = lanesOf(x);
  auto wide = vectorOf(lanes, e.b.getI32Type());
  Value product = arith::MulIOp::create(e.b, e.loc, arith::ExtSIOp::create(e.b, e.loc, wide, x),
                                        arith::ExtSIOp::create(e.b, e.loc, wide, y));
  SmallVector<int64_t> even, odd;
  for (int64_t i = 0; i < lanes; i += 2)
    even.push_back(i), odd.push_back(i + 1);
  return arith::AddIOp::create(e.b, e.loc,
                               vector::ShuffleOp::create(e.b, e.loc, product, product, even),
                               vector::ShuffleOp::create(e.b, e.loc, product, product, odd));
}

/// LLVM's intrinsic.
StringAttr nameOf(Emitter &e, const DotProduct &dot) {
  switch (dot.kind) {
  case DotProduct::Kind::Vpdpbusd:
    return e.b.getStringAttr("llvm.x86.avx512.vpdpbusd." + Twine(dot.bits));
  case DotProduct::Kind::Usdot:
    return e.b.getStringAttr("llvm.aarch64.neon.usdot.v4i32.v16i8");
  case DotProduct::Kind::Sdot:
    return e.b.getStringAttr("llvm.aarch64.neon.sdot.v4i32.v16i8");
  }
  llvm_unreachable("all kinds are named");
}
} // namespace

std::optional<DotProduct::Kind> DotProduct::kindNamed(StringRef name) {
  return llvm::StringSwitch<std::optional<Kind>>(name)
      .Case("vpdpbusd", Kind::Vpdpbusd)
      .Case("usdot", Kind::Usdot)
      .Case("sdot", Kind::Sdot)
      .Default(std::nullopt);
}

Value DotProduct::ones(Emitter &e, VectorType type) const {
  auto bytes = vectorOf(type.getNumElements() * kern::bytesPerStep, e.b.getI8Type());
  return splat(e, bytes, 1);
}

Value DotProduct::loadRow(Emitter &e, VectorType type, Value buffer, Value at) const {
  auto four = vectorOf(kern::bytesPerStep, e.b.getI8Type());
  Value bytes = vector::LoadOp::create(e.b, e.loc, four, buffer, at);
  Value word = bitcast(e, bytes, vectorOf(1, e.b.getI32Type()));
  Value scalar = vector::ExtractOp::create(e.b, e.loc, word, ArrayRef<int64_t>{0});
  Value row = vector::BroadcastOp::create(e.b, e.loc, type, scalar);
  auto bytesOfAll = vectorOf(type.getNumElements() * kern::bytesPerStep, e.b.getI8Type());
  row = bitcast(e, row, bytesOfAll);
  return isShifted() ? arith::XOrIOp::create(e.b, e.loc, row, splat(e, bytesOfAll, 128)) : row;
}

Value DotProduct::loadColumns(Emitter &e, VectorType type, Value buffer, Value at) const {
  auto bytes = vectorOf(type.getNumElements() * kern::bytesPerStep, e.b.getI8Type());
  return vector::LoadOp::create(e.b, e.loc, bytes, buffer, at);
}

Value DotProduct::accumulate(Emitter &e, Value row, Value columns, Value sum) const {
  if (!bits) {
    for (bool odd : {false, true})
      sum = arith::AddIOp::create(e.b, e.loc, sum,
                                  multiplyPairs(e, widen(e, row, odd, /*isSigned=*/false),
                                                widen(e, columns, odd, /*isSigned=*/true)));
    return sum;
  }
  int64_t lanes = bits / 32;
  Value result = sum;
  StringAttr name = nameOf(e, *this);
  for (int64_t first = 0; first < lanesOf(sum); first += lanes) {
    int64_t byte = first * kern::bytesPerStep, count = lanes * kern::bytesPerStep;
    Value before = part(e, sum, first, lanes);
    Value after = LLVM::CallIntrinsicOp::create(
                      e.b, e.loc, before.getType(), name,
                      ValueRange{before, part(e, row, byte, count), part(e, columns, byte, count)})
                      .getResult(0);
    if (lanes == lanesOf(sum))
      return after;
    result = vector::InsertStridedSliceOp::create(e.b, e.loc, after, result, ArrayRef(first),
                                                  ArrayRef<int64_t>(1));
  }
  return result;
}
