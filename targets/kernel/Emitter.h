// Index arithmetic that folds constants while it is built, and loops with lambdas.
#pragma once

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Builders.h"
#include "targets/kernel/KernelSizes.h"

namespace nncc {

/// Kernels hold thousands of index operations: those that are constant are folded here, where it
/// costs nothing, instead of by the canonicalizer.
struct Emitter {
  mlir::OpBuilder &b;
  mlir::Location loc;
  KernelSizes *sizes = nullptr; // null where all sizes are constants

  /// A size: a constant, or a value at the begin of the kernel.
  mlir::Value size(mlir::AffineExpr expression) {
    auto known = constantOf(expression);
    return known ? constant(*known) : sizes->value(expression, loc);
  }

  /// An index expression over `dims` and the symbols of the kernel, here.
  mlir::Value expand(mlir::AffineExpr expression, mlir::ValueRange dims) {
    return sizes->expand(b, loc, expression, dims);
  }

  mlir::Value constant(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(b, loc, value);
  }
  mlir::Value add(mlir::Value x, mlir::Value y) {
    auto cx = mlir::getConstantIntValue(x), cy = mlir::getConstantIntValue(y);
    if (cx && cy)
      return constant(*cx + *cy);
    if (cy == 0 || cx == 0)
      return cx == 0 ? y : x;
    return mlir::arith::AddIOp::create(b, loc, x, y, mlir::arith::IntegerOverflowFlags::nsw);
  }
  mlir::Value add(mlir::Value x, int64_t y) { return y ? add(x, constant(y)) : x; }
  mlir::Value sub(mlir::Value x, mlir::Value y) {
    auto cx = mlir::getConstantIntValue(x), cy = mlir::getConstantIntValue(y);
    if (cx && cy)
      return constant(*cx - *cy);
    return mlir::arith::SubIOp::create(b, loc, x, y, mlir::arith::IntegerOverflowFlags::nsw);
  }
  mlir::Value mul(mlir::Value x, int64_t y) {
    if (auto cx = mlir::getConstantIntValue(x))
      return constant(*cx * y);
    if (y == 0)
      return constant(0);
    if (y == 1)
      return x;
    return mlir::arith::MulIOp::create(b, loc, x, constant(y),
                                       mlir::arith::IntegerOverflowFlags::nsw);
  }
  mlir::Value mul(mlir::Value x, mlir::AffineExpr y) {
    if (auto known = constantOf(y))
      return mul(x, *known);
    auto cx = mlir::getConstantIntValue(x);
    if (cx == 0)
      return x;
    return cx == 1 ? size(y)
                   : mlir::arith::MulIOp::create(b, loc, x, size(y),
                                                 mlir::arith::IntegerOverflowFlags::nsw);
  }
  /// Quotient and remainder of a non-negative x.
  std::pair<mlir::Value, mlir::Value> divide(mlir::Value x, int64_t y) {
    if (y == 1)
      return {x, constant(0)};
    if (auto cx = mlir::getConstantIntValue(x))
      return {constant(*cx / y), constant(*cx % y)};
    return {mlir::arith::DivUIOp::create(b, loc, x, constant(y)),
            mlir::arith::RemUIOp::create(b, loc, x, constant(y))};
  }
  std::pair<mlir::Value, mlir::Value> divide(mlir::Value x, mlir::AffineExpr y) {
    if (auto known = constantOf(y))
      return divide(x, *known);
    return {mlir::arith::DivUIOp::create(b, loc, x, size(y)),
            mlir::arith::RemUIOp::create(b, loc, x, size(y))};
  }
  /// The quotient of a non-negative x, rounded up.
  mlir::Value divideCeil(mlir::Value x, int64_t y) { return divide(add(x, y - 1), y).first; }
  mlir::Value minimum(mlir::Value x, mlir::Value y) {
    auto cx = mlir::getConstantIntValue(x), cy = mlir::getConstantIntValue(y);
    if (cx && cy)
      return constant(std::min(*cx, *cy));
    return mlir::arith::MinSIOp::create(b, loc, x, y);
  }
  mlir::Value maximum(mlir::Value x, mlir::Value y) {
    auto cx = mlir::getConstantIntValue(x), cy = mlir::getConstantIntValue(y);
    if (cx && cy)
      return constant(std::max(*cx, *cy));
    return mlir::arith::MaxSIOp::create(b, loc, x, y);
  }
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value x, mlir::Value y) {
    return mlir::arith::CmpIOp::create(b, loc, predicate, x, y);
  }
  mlir::Value equals(mlir::Value x, int64_t y) { return equals(x, constant(y)); }
  mlir::Value equals(mlir::Value x, mlir::Value y) {
    return compare(mlir::arith::CmpIPredicate::eq, x, y);
  }

  /// Whether both conditions hold, of which null always does.
  mlir::Value both(mlir::Value x, mlir::Value y) {
    return x && y ? mlir::arith::AndIOp::create(b, loc, x, y).getResult() : x ? x : y;
  }

  using Body = llvm::function_ref<void(mlir::Value)>;
  using CarryBody =
      llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)>;

  /// for (i = 0; i < count; i += step); a single iteration makes no loop.
  llvm::SmallVector<mlir::Value> loop(mlir::Value count, int64_t step, mlir::ValueRange carried,
                                      CarryBody body) {
    if (mlir::getConstantIntValue(count) == step)
      return body(constant(0), carried);
    auto loop = mlir::scf::ForOp::create(
        b, loc, constant(0), count, constant(step), carried,
        [&](mlir::OpBuilder &, mlir::Location, mlir::Value i, mlir::ValueRange values) {
          mlir::OpBuilder::InsertionGuard guard(b);
          b.setInsertionPointToEnd(i.getParentBlock());
          mlir::scf::YieldOp::create(b, loc, body(i, values));
        });
    return llvm::to_vector_of<mlir::Value>(loop.getResults());
  }
  void loop(mlir::Value count, Body body) { loop(count, 1, body); }
  void loop(mlir::Value count, int64_t step, Body body) {
    loop(count, step, {}, [&](mlir::Value i, mlir::ValueRange) {
      body(i);
      return llvm::SmallVector<mlir::Value>();
    });
  }
  void branch(mlir::Value condition, llvm::function_ref<void()> yes,
              llvm::function_ref<void()> no) {
    auto op = mlir::scf::IfOp::create(b, loc, condition, /*withElseRegion=*/true);
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(op.thenBlock());
    yes();
    b.setInsertionPointToStart(op.elseBlock());
    no();
  }
};

} // namespace nncc
