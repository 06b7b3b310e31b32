// Random numbers: see Random.td.
#include "dialects/nn/Generics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace nncc::nn {

LogicalResult RandomOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                              EmitError error) {
  if (!isa<FloatType>(op.getTo()))
    return error("expects a type of floats");
  if (operands[0].rank() != 1)
    return error("expects a shape of rank 1, found rank " + Twine(operands[0].rank()));
  if (!operands[0].value)
    return error("expects a shape known at compile time");
  Fact &result = results.emplace_back();
  result.shape = *operands[0].value;
  result.element = op.getTo();
  return success();
}

namespace {
/// Philox 4x32-10 on one counter: 64-bit integers that hold 32 bits each.
struct Philox {
  OpBuilder &b;
  Location loc;

  Value constant(uint64_t value) const {
    return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(static_cast<int64_t>(value)));
  }
  Value mul(Value x, uint64_t y) const { return arith::MulIOp::create(b, loc, x, constant(y)); }
  Value low(Value x) const { return arith::AndIOp::create(b, loc, x, constant(0xffffffff)); }
  Value high(Value x) const { return arith::ShRUIOp::create(b, loc, x, constant(32)); }
  Value mix(Value x, Value y, uint32_t key) const {
    return arith::XOrIOp::create(b, loc, arith::XOrIOp::create(b, loc, x, y), constant(key));
  }

  SmallVector<Value, 4> block(Value counter, uint64_t seed) const {
    SmallVector<Value, 4> c{low(counter), high(counter), constant(0), constant(0)};
    uint32_t key0 = static_cast<uint32_t>(seed), key1 = static_cast<uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round, key0 += 0x9e3779b9, key1 += 0xbb67ae85) {
      Value first = mul(c[0], 0xd2511f53), second = mul(c[2], 0xcd9e8d57);
      c = {mix(high(second), c[1], key0), low(second), mix(high(first), c[3], key1), low(first)};
    }
    return c;
  }

  /// The first bits of two words as a float in [0, 1), as many as the type's mantissa has; with
  /// `above` in (0, 1].
  Value fraction(Value word, Value next, FloatType type, unsigned digits, bool above) const {
    Value bits = word;
    unsigned have = 32;
    if (digits > 32) {
      bits = arith::OrIOp::create(b, loc, arith::ShLIOp::create(b, loc, word, constant(32)), next);
      have = 64;
    }
    bits = arith::ShRUIOp::create(b, loc, bits, constant(have - digits));
    if (above)
      bits = arith::AddIOp::create(b, loc, bits, constant(1));
    Value number = arith::SIToFPOp::create(b, loc, type, bits);
    return arith::MulFOp::create(b, loc, number,
                                 scalar(b, loc, type, std::ldexp(1.0, -int(digits))));
  }
};
} // namespace

FailureOr<SmallVector<Value>> RandomOp::lower(OpBuilder &b) {
  RankedTensorType type = getType();
  auto element = cast<FloatType>(type.getElementType());
  auto compute = cast<FloatType>(computeType(element));
  Generics g(b, getLoc());
  SmallVector<OpFoldResult> sizes = g.bounds(shapeOf(type));
  unsigned digits = APFloat::semanticsPrecision(element.getFloatSemantics());
  Value result = g.map(
      shapeOf(type), storageType(element), {},
      [&](OpBuilder &inner, Location loc, ValueRange) -> Value {
        IndexMath m{inner, loc};
        Value place = m.constant(0);
        for (auto [dim, size] : llvm::enumerate(sizes))
          place = m.add(m.mul(place, size), m.loop(dim));
        Philox philox{inner, loc};
        Value counter = arith::IndexCastOp::create(inner, loc, inner.getI64Type(), place);
        auto words = philox.block(counter, getSeed());
        if (getKind() == RandomKind::Uniform)
          return philox.fraction(words[0], words[1], compute, digits, false);
        // sqrt(-2 log(u)) cos(2 pi v)
        digits = APFloat::semanticsPrecision(compute.getFloatSemantics());
        Value u = philox.fraction(words[0], words[1], compute, digits, true);
        Value v = philox.fraction(words[2], words[3], compute, digits, false);
        auto times = [&](Value x, double y) {
          return arith::MulFOp::create(inner, loc, x, scalar(inner, loc, compute, y));
        };
        Value squared = times(math::LogOp::create(inner, loc, u), -2);
        Value radius = math::SqrtOp::create(inner, loc, squared);
        Value angle = times(v, 2 * llvm::numbers::pi);
        return arith::MulFOp::create(inner, loc, radius, math::CosOp::create(inner, loc, angle));
      });
  return asResult(b, *this, result);
}

void NNDialect::addRandomOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Random.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Random.cpp.inc"
