#include "targets/program/ProgramSizes.h"

#include "dialects/rt/RT.h"
#include "runtime/include/nncc/abi.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace nncc;
using llvm::Value;
using llvm::Intrinsic::ID;
using mlir::AffineExpr;
using mlir::AffineExprKind;

Value *ProgramSizes::symbol(unsigned number) {
  return program.load(program.b.getInt64Ty(), dims, number * sizeof(int64_t));
}

/// Rounded to the smaller number, for divisors of 1 or more; others count as 1.
Value *ProgramSizes::quotient(AffineExprKind kind, Value *lhs, Value *rhs) {
  llvm::IRBuilder<> &b = program.b;
  rhs = b.CreateBinaryIntrinsic(llvm::Intrinsic::smax, rhs, b.getInt64(1));
  if (kind == AffineExprKind::CeilDiv) // -floor(-x / y)
    return b.CreateNeg(quotient(AffineExprKind::FloorDiv, b.CreateNeg(lhs), rhs));
  Value *rest = b.CreateSRem(lhs, rhs);
  Value *isNegative = b.CreateICmpSLT(rest, b.getInt64(0));
  if (kind == AffineExprKind::Mod)
    return b.CreateSelect(isNegative, b.CreateAdd(rest, rhs), rest);
  return b.CreateSub(b.CreateSDiv(lhs, rhs), b.CreateZExt(isNegative, b.getInt64Ty()));
}

Value *ProgramSizes::value(AffineExpr expression) {
  llvm::IRBuilder<> &b = program.b;
  if (auto constant = constantOf(expression))
    return b.getInt64(*constant);
  if (Value *known = values.lookup(expression))
    return known;
  Value *result;
  if (auto known = llvm::dyn_cast<mlir::AffineSymbolExpr>(expression)) {
    result = symbol(known.getPosition());
  } else {
    auto binary = llvm::cast<mlir::AffineBinaryOpExpr>(expression);
    Value *lhs = value(binary.getLHS()), *rhs = value(binary.getRHS());
    if (binary.getKind() == AffineExprKind::Add)
      result = b.CreateAdd(lhs, rhs);
    else if (binary.getKind() == AffineExprKind::Mul)
      result = b.CreateMul(lhs, rhs);
    else
      result = quotient(binary.getKind(), lhs, rhs);
  }
  if (isGiven(expression))
    values[expression] = result;
  return result;
}

Value *ProgramSizes::overflow(AffineExpr expression) {
  auto binary = llvm::dyn_cast<mlir::AffineBinaryOpExpr>(expression);
  if (!binary)
    return nullptr;
  auto known = overflows.find(expression);
  if (known != overflows.end())
    return known->second;
  llvm::IRBuilder<> &b = program.b;
  Value *result = overflow(binary.getLHS());
  auto add = [&](Value *more) {
    result = result && more ? b.CreateOr(result, more) : result ? result : more;
  };
  add(overflow(binary.getRHS()));
  if (binary.getKind() == AffineExprKind::Mul || binary.getKind() == AffineExprKind::Add) {
    ID id = binary.getKind() == AffineExprKind::Mul ? llvm::Intrinsic::smul_with_overflow
                                                    : llvm::Intrinsic::sadd_with_overflow;
    Value *own = b.CreateBinaryIntrinsic(id, value(binary.getLHS()), value(binary.getRHS()));
    add(b.CreateExtractValue(own, 1));
  }
  if (isGiven(expression))
    overflows[expression] = result;
  return result;
}

Value *ProgramSizes::isBad(AffineExpr expression) {
  llvm::IRBuilder<> &b = program.b;
  Value *bad = b.CreateICmpUGT(value(expression), b.getInt64(int64_t(1) << 47));
  Value *hasOverflow = overflow(expression);
  return hasOverflow ? b.CreateOr(bad, hasOverflow) : bad;
}

Slots nncc::computeSlots(ProgramBuilder &program, ProgramSizes &sizes,
                         mlir::func::FuncOp function) {
  llvm::IRBuilder<> &b = program.b;
  auto greatest = [&](Value *a, Value *c) {
    return a ? b.CreateBinaryIntrinsic(llvm::Intrinsic::smax, a, c) : c;
  };
  Slots slots;
  llvm::SmallVector<Value *> ends;
  llvm::SmallVector<bool> isTop;
  for (auto slot : function.getOps<rt::SlotOp>()) {
    Value *begin = nullptr;
    for (int64_t below : slot.getAbove()) {
      begin = greatest(begin, ends[below]);
      isTop[below] = false;
    }
    slots.begins.push_back(begin ? begin : b.getInt64(0));
    ends.push_back(b.CreateAdd(slots.begins.back(), sizes.value(sizeOf(slot.getBytes()))));
    isTop.push_back(true);
  }
  slots.end = nullptr;
  for (auto [end, top] : llvm::zip(ends, isTop))
    if (top)
      slots.end = greatest(slots.end, end);
  if (!slots.end) {
    auto planned = function->getParentOfType<mlir::ModuleOp>()->getAttrOfType<mlir::IntegerAttr>(
        "rt.arena_size");
    slots.end = b.getInt64(planned ? planned.getInt() : 0);
  }
  return slots;
}

Value *Slots::workspace(ProgramBuilder &program) const {
  constexpr int64_t alignment = NNCC_ALIGNMENT;
  return program.b.CreateAnd(program.b.CreateAdd(end, program.i64(alignment - 1)),
                             program.i64(-alignment));
}
