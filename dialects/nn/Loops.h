// Loops over single elements, whose state is in small tensors: how far they get depends on the
// data.
#pragma once

#include "dialects/nn/Generics.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace nncc::nn {

/// Loops that carry tensors, spelled shortly. Numbers in tensors are i64, in code indices.
struct Loops : IndexMath {
  Loops(mlir::OpBuilder &b, mlir::Location loc) : IndexMath{b, loc} {}

  using Body = llvm::function_ref<llvm::SmallVector<mlir::Value>(
      Loops, mlir::Value i, llvm::SmallVector<mlir::Value> carried)>;
  llvm::SmallVector<mlir::Value> repeat(mlir::Value count, mlir::ValueRange carried,
                                        Body body) const {
    auto loop = mlir::scf::ForOp::create(
        b, loc, constant(0), count, constant(1), carried,
        [&](mlir::OpBuilder &inner, mlir::Location at, mlir::Value i, mlir::ValueRange state) {
          mlir::scf::YieldOp::create(
              inner, at, body(Loops(inner, at), i, llvm::SmallVector<mlir::Value>(state)));
        });
    return llvm::SmallVector<mlir::Value>(loop.getResults());
  }
  mlir::Value get(mlir::Value tensor, mlir::ValueRange at) const {
    mlir::Value element = mlir::tensor::ExtractOp::create(b, loc, tensor, at);
    if (!element.getType().isInteger() || element.getType().isInteger(1))
      return element;
    return mlir::arith::IndexCastOp::create(b, loc, b.getIndexType(), element);
  }
  mlir::Value set(mlir::Value tensor, mlir::ValueRange at, mlir::Value value) const {
    if (value.getType().isIndex())
      value = mlir::arith::IndexCastOp::create(b, loc, b.getI64Type(), value);
    return mlir::tensor::InsertOp::create(b, loc, value, tensor, at);
  }
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value x, mlir::Value y) const {
    return mlir::arith::CmpIOp::create(b, loc, predicate, x, y);
  }
  mlir::Value less(mlir::Value x, mlir::Value y) const {
    return compare(mlir::arith::CmpIPredicate::slt, x, y);
  }
  mlir::Value select(mlir::Value condition, mlir::Value x, mlir::Value y) const {
    return mlir::arith::SelectOp::create(b, loc, condition, x, y);
  }
  mlir::Value both(mlir::Value x, mlir::Value y) const {
    return mlir::arith::AndIOp::create(b, loc, x, y);
  }
  mlir::Value either(mlir::Value x, mlir::Value y) const {
    return mlir::arith::OrIOp::create(b, loc, x, y);
  }
  mlir::Value negate(mlir::Value x) const {
    return mlir::arith::XOrIOp::create(b, loc, x, mlir::arith::ConstantIntOp::create(b, loc, 1, 1));
  }
  mlir::Value sum(mlir::Value x, mlir::Value y) const {
    return mlir::arith::AddIOp::create(b, loc, x, y);
  }
  mlir::Value smaller(mlir::Value x, mlir::Value y) const {
    return mlir::arith::MinSIOp::create(b, loc, x, y);
  }
  /// 1 where it holds.
  mlir::Value toIndex(mlir::Value condition) const {
    return select(condition, constant(1), constant(0));
  }
};

} // namespace nncc::nn
