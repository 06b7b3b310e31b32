#include "targets/kernel/Selection.h"

#include "dialects/nn/Generics.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace nncc;

namespace {
/// Arithmetic of floats, boxes in f32.
struct Floats {
  OpBuilder &b;
  Location loc;

  Value compare(Value x, Value y, arith::CmpFPredicate predicate) const {
    return arith::CmpFOp::create(b, loc, predicate, x, y);
  }
  Value choose(Value x, Value y, arith::CmpFPredicate predicate) const {
    return arith::SelectOp::create(b, loc, compare(x, y, predicate), x, y);
  }
  Value smaller(Value x, Value y) const { return choose(x, y, arith::CmpFPredicate::OLT); }
  Value larger(Value x, Value y) const { return choose(x, y, arith::CmpFPredicate::OGT); }
  Value sub(Value x, Value y) const { return arith::SubFOp::create(b, loc, x, y); }
  Value add(Value x, Value y) const { return arith::AddFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) const { return arith::MulFOp::create(b, loc, x, y); }
  Value number(double value) const { return nn::scalar(b, loc, b.getF32Type(), value); }
  Value area(ArrayRef<Value> box) const { return mul(sub(box[2], box[0]), sub(box[3], box[1])); }
};
} // namespace

Value nncc::isLess(OpBuilder &b, Location loc, bool isUnsigned, Value x, Value y) {
  if (!isa<FloatType>(x.getType()))
    return arith::CmpIOp::create(
        b, loc, isUnsigned ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt, x, y);
  Floats f{b, loc};
  x = nn::widen(b, loc, x), y = nn::widen(b, loc, y);
  Value isNumber = f.compare(x, x, arith::CmpFPredicate::ORD);
  Value toNaN = arith::AndIOp::create(b, loc, isNumber, f.compare(y, y, arith::CmpFPredicate::UNO));
  return arith::OrIOp::create(b, loc, f.compare(x, y, arith::CmpFPredicate::OLT), toNaN);
}

Value nncc::isScored(OpBuilder &b, Location loc, Value score, Value limit) {
  Floats f{b, loc};
  return arith::OrIOp::create(b, loc, f.compare(score, limit, arith::CmpFPredicate::OGT),
                              f.compare(limit, limit, arith::CmpFPredicate::UNO));
}

SmallVector<Value> BoxOverlap::corners(ArrayRef<Value> x) const {
  Floats f{b, loc};
  if (!isCenter)
    return {f.smaller(x[0], x[2]), f.smaller(x[1], x[3]), f.larger(x[0], x[2]),
            f.larger(x[1], x[3])};
  Value half = f.number(0.5), width = f.mul(x[2], half), height = f.mul(x[3], half);
  return {f.sub(x[0], width), f.sub(x[1], height), f.add(x[0], width), f.add(x[1], height)};
}

Value BoxOverlap::isAbove(ArrayRef<Value> x, ArrayRef<Value> y, Value threshold) const {
  Floats f{b, loc};
  Value zero = f.number(0);
  Value height = f.larger(f.sub(f.smaller(x[2], y[2]), f.larger(x[0], y[0])), zero);
  Value width = f.larger(f.sub(f.smaller(x[3], y[3]), f.larger(x[1], y[1])), zero);
  Value shared = f.mul(height, width), areaX = f.area(x), areaY = f.area(y);
  Value whole = f.sub(f.add(areaX, areaY), shared);
  auto greater = [&](Value value, Value than) {
    return f.compare(value, than, arith::CmpFPredicate::OGT);
  };
  auto both = [&](Value x, Value y) -> Value { return arith::AndIOp::create(b, loc, x, y); };
  Value exist = both(both(greater(areaX, zero), greater(areaY, zero)), greater(whole, zero));
  Value ratio = arith::DivFOp::create(b, loc, shared, whole);
  return both(exist, greater(ratio, threshold));
}
