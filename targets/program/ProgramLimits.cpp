#include "targets/program/ProgramLimits.h"

using namespace llvm;

namespace nncc {

namespace {

constexpr unsigned lanes = 8;

OutsideBlock makeOutside(ProgramBuilder &program) {
  OutsideBlock outside{program.makeBlock("outside"), nullptr, nullptr, nullptr};
  for (PHINode **phi : {&outside.element, &outside.low, &outside.high})
    *phi = PHINode::Create(program.b.getInt64Ty(), 0, "", outside.block);
  return outside;
}

Value *isOutside(IRBuilder<> &b, Value *element, Value *low, Value *high) {
  return b.CreateOr(b.CreateICmpSLT(element, low), b.CreateICmpSGT(element, high));
}

void leaveIf(ProgramBuilder &program, OutsideBlock &outside, Value *element, Value *low,
             Value *high) {
  IRBuilder<> &b = program.b;
  BasicBlock *next = program.makeBlock("next");
  outside.element->addIncoming(element, b.GetInsertBlock());
  outside.low->addIncoming(low, b.GetInsertBlock());
  outside.high->addIncoming(high, b.GetInsertBlock());
  b.CreateCondBr(isOutside(b, element, low, high), outside.block, next);
  b.SetInsertPoint(next);
}

class LimitEmitter {
public:
  LimitEmitter(ProgramBuilder &program, const LimitedIntegers &integers)
      : program(program), b(program.b), integers(integers) {}

  OutsideBlock emit() {
    const int64_t members = integers.low.size();
    Value *start = members == 1 ? emitVectors() : program.i64(0);
    BasicBlock *before = b.GetInsertBlock(), *test = program.makeBlock("limits"),
               *body = program.makeBlock("element"), *done = program.makeBlock("inside");
    OutsideBlock outside = makeOutside(program);
    b.CreateBr(test);
    b.SetInsertPoint(test);
    PHINode *index = b.CreatePHI(b.getInt64Ty(), 2);
    index->addIncoming(start, before);
    b.CreateCondBr(b.CreateICmpSLT(index, integers.count), body, done);
    b.SetInsertPoint(body);
    for (int64_t i = 0; i < members; ++i)
      leaveIf(program, outside, element(b.CreateAdd(index, program.i64(i))), integers.low[i],
              integers.high[i]);
    index->addIncoming(b.CreateAdd(index, program.i64(members)), b.GetInsertBlock());
    b.CreateBr(test);
    b.SetInsertPoint(done);
    return outside;
  }

private:
  Value *load(Type *type, Value *index) {
    Value *address = b.CreateInBoundsGEP(b.getIntNTy(integers.bits), integers.base, index);
    return b.CreateAlignedLoad(type, address, Align(1));
  }

  Value *element(Value *index) {
    return b.CreateIntCast(load(b.getIntNTy(integers.bits), index), b.getInt64Ty(),
                           integers.isSigned);
  }

  /// Looks at whole vectors without leaving: where to look closer, which is at the start if one of
  /// these elements is outside, else behind them.
  Value *emitVectors() {
    auto *wide = FixedVectorType::get(b.getInt64Ty(), lanes);
    auto *stored = FixedVectorType::get(b.getIntNTy(integers.bits), lanes);
    Value *low = b.CreateVectorSplat(lanes, integers.low[0]);
    Value *high = b.CreateVectorSplat(lanes, integers.high[0]);
    Value *end = b.CreateAnd(integers.count, program.i64(-int64_t(lanes)));
    BasicBlock *before = b.GetInsertBlock(), *test = program.makeBlock("vectors"),
               *body = program.makeBlock("vector"), *done = program.makeBlock("rest");
    b.CreateBr(test);
    b.SetInsertPoint(test);
    PHINode *index = b.CreatePHI(b.getInt64Ty(), 2), *found = b.CreatePHI(wide, 2);
    index->addIncoming(program.i64(0), before);
    found->addIncoming(ConstantAggregateZero::get(wide), before);
    b.CreateCondBr(b.CreateICmpSLT(index, end), body, done);
    b.SetInsertPoint(body);
    Value *elements = b.CreateIntCast(load(stored, index), wide, integers.isSigned);
    Value *outside = b.CreateSExt(isOutside(b, elements, low, high), wide);
    found->addIncoming(b.CreateOr(found, outside), body);
    index->addIncoming(b.CreateAdd(index, program.i64(lanes)), body);
    b.CreateBr(test);
    b.SetInsertPoint(done);
    return b.CreateSelect(b.CreateIsNotNull(b.CreateOrReduce(found)), program.i64(0), end);
  }

  ProgramBuilder &program;
  IRBuilder<> &b;
  const LimitedIntegers &integers;
};

} // namespace

OutsideBlock leaveIfOutside(ProgramBuilder &program, ArrayRef<Value *> values,
                            ArrayRef<Value *> low, ArrayRef<Value *> high) {
  OutsideBlock outside = makeOutside(program);
  for (auto [value, from, to] : zip(values, low, high))
    leaveIf(program, outside, value, from, to);
  return outside;
}

OutsideBlock leaveIfOutside(ProgramBuilder &program, const LimitedIntegers &integers) {
  return LimitEmitter(program, integers).emit();
}

} // namespace nncc
