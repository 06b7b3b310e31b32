// nn.unpack and nn.pack: see Pack.td.
#include "dialects/nn/Generics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nncc::nn {

static AffineExpr byteCount(ArrayRef<AffineExpr> shape, Type element) {
  AffineExpr bits = elementCount(shape, element.getContext()) * element.getIntOrFloatBitWidth();
  return normalForm((bits + 7).floorDiv(8));
}

LogicalResult UnpackOp::infer(Adaptor op, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                              EmitError error) {
  Type element = op.getTo();
  if (!isCode(element) || element.getIntOrFloatBitWidth() == 8)
    return error("expects a type of less than 8 bits, found " + typeName(element));
  if (operands[0].rank() != 1 || operands[1].rank() != 1)
    return error("expects operands of rank 1");
  if (!operands[1].value)
    return error("expects a shape known before the program runs");
  Fact &result = results.emplace_back();
  result.element = element;
  result.shape = *operands[1].value;
  AffineExpr expected = byteCount(result.shape, element), found = operands[0].shape[0];
  if (!result.mayEqual(expected, found))
    return error("expects " + textOf(expected) + " bytes, found " + textOf(found));
  return success();
}

LogicalResult PackOp::infer(Adaptor, ArrayRef<Fact> operands, SmallVectorImpl<Fact> &results,
                            EmitError error) {
  Type element = operands[0].element;
  if (!isCode(element) || element.getIntOrFloatBitWidth() == 8)
    return error("expects elements of less than 8 bits, found " + typeName(element));
  Fact &result = results.emplace_back();
  result.element = IntegerType::get(element.getContext(), 8, IntegerType::Unsigned);
  result.shape.push_back(byteCount(operands[0].shape, element));
  return success();
}

namespace {
/// Places of bits.
struct Bits {
  IndexMath m;

  Value divide(Value x, int64_t by) const {
    return by == 1 ? x : Value(arith::DivUIOp::create(m.b, m.loc, x, m.constant(by)));
  }
  Value rest(Value x, int64_t by) const {
    return arith::RemUIOp::create(m.b, m.loc, x, m.constant(by));
  }
  Value toI32(Value x) const { return arith::IndexCastOp::create(m.b, m.loc, m.b.getI32Type(), x); }
  Value extend(Value byte) const {
    return arith::ExtUIOp::create(m.b, m.loc, m.b.getI32Type(), byte);
  }
  Value truncate(Value bits) const {
    return arith::TruncIOp::create(m.b, m.loc, m.b.getI8Type(), bits);
  }
  Value left(Value x, int64_t count) const {
    return arith::ShLIOp::create(m.b, m.loc, x, number(count));
  }
  Value number(int64_t value) const {
    return arith::ConstantIntOp::create(m.b, m.loc, m.b.getI32Type(), value);
  }
};
} // namespace

FailureOr<SmallVector<Value>> UnpackOp::lower(OpBuilder &b) {
  Generics g(b, getLoc());
  Shape shape = shapeOf(getType());
  const int64_t width = getTo().getIntOrFloatBitWidth();
  Value bytes = toStorage(b, getLoc(), getBytes());
  OpFoldResult last = g.bound(shapeOf(getBytes())[0]);
  Value codes =
      g.map(elementCount(shape, getContext()), b.getI8Type(), {},
            [&](OpBuilder &inner, Location loc, ValueRange) -> Value {
              Bits bits{{inner, loc}};
              Value first = bits.m.mul(bits.m.loop(0), width);
              Value at = bits.divide(first, 8);
              Value found = bits.extend(bits.m.extract(bytes, at, /*exists=*/{}));
              if (8 % width) { // the rest of the element may be in the next byte, if there is one
                Value next = bits.m.clamp(bits.m.add(at, 1), last);
                Value more = bits.left(bits.extend(bits.m.extract(bytes, next, /*exists=*/{})), 8);
                found = arith::OrIOp::create(inner, loc, found, more);
              }
              Value shifted =
                  arith::ShRUIOp::create(inner, loc, found, bits.toI32(bits.rest(first, 8)));
              return bits.truncate(
                  arith::AndIOp::create(inner, loc, shifted, bits.number((1 << width) - 1)));
            });
  return asResult(b, *this, g.reshape(codes, shape));
}

FailureOr<SmallVector<Value>> PackOp::lower(OpBuilder &b) {
  Generics g(b, getLoc());
  Type element = getOperand().getType().getElementType();
  const int64_t width = element.getIntOrFloatBitWidth();
  AffineExpr count = elementCount(shapeOf(getOperand()), getContext());
  Value codes = g.reshape(toStorage(b, getLoc(), getOperand()), count);
  OpFoldResult size = g.bound(count);
  Value bytes = g.map(
      shapeOf(getType()), b.getI8Type(), {},
      [&](OpBuilder &inner, Location loc, ValueRange) -> Value {
        Bits bits{{inner, loc}};
        Value firstBit = bits.m.mul(bits.m.loop(0), 8);
        Value first = bits.divide(firstBit, width), found = bits.number(0);
        for (int64_t i = 0, parts = llvm::divideCeil(8, width); i < parts; ++i) {
          Value place = bits.m.add(first, i), inside = bits.m.inside(place, size);
          Value code = bits.extend(bits.m.extract(codes, bits.m.clamp(place, size), {}));
          code = arith::SelectOp::create(inner, loc, inside, code, bits.number(0));
          found = arith::OrIOp::create(inner, loc, found, bits.left(code, i * width));
        }
        if (8 % width)
          found = arith::ShRUIOp::create(inner, loc, found, bits.toI32(bits.rest(firstBit, width)));
        return bits.truncate(found);
      });
  return asResult(b, *this, bytes);
}

void NNDialect::addPackOps() {
  addOperations<
#define GET_OP_LIST
#include "dialects/nn/Pack.cpp.inc"
      >();
}

} // namespace nncc::nn

#define GET_OP_CLASSES
#include "dialects/nn/Pack.cpp.inc"
