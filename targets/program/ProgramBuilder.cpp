#include "targets/program/ProgramBuilder.h"

using namespace llvm;

namespace nncc {

Constant *ProgramBuilder::global(Constant *value, const Twine &label) {
  auto *variable = new GlobalVariable(*module, value->getType(), /*isConstant=*/true,
                                      GlobalValue::PrivateLinkage, value, label);
  variable->setUnnamedAddr(GlobalValue::UnnamedAddr::Global);
  return variable;
}

Constant *ProgramBuilder::text(StringRef value) {
  auto [known, isNew] = texts.try_emplace(value, nullptr);
  if (isNew)
    known->second = global(ConstantDataArray::getString(b.getContext(), value), "text");
  return known->second;
}

Constant *ProgramBuilder::array(ArrayRef<Constant *> elements, const Twine &label) {
  if (elements.empty())
    return null();
  auto *type = ArrayType::get(elements.front()->getType(), elements.size());
  return global(ConstantArray::get(type, elements), label);
}

Constant *ProgramBuilder::record(ArrayRef<Constant *> fields, size_t size) {
  Constant *value = ConstantStruct::getAnon(b.getContext(), fields);
  layoutDiffers |= module->getDataLayout().getTypeAllocSize(value->getType()) != size;
  return value;
}

Value *ProgramBuilder::field(Value *base, size_t offset) {
  return b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), base, offset);
}

Value *ProgramBuilder::load(Type *type, Value *base, size_t offset) {
  return b.CreateLoad(type, field(base, offset));
}

void ProgramBuilder::store(Value *value, Value *base, size_t offset) {
  b.CreateStore(value, field(base, offset));
}

Function *ProgramBuilder::makeFunction(ArrayRef<Type *> parameters, StringRef suffix) {
  auto *function = Function::Create(FunctionType::get(b.getInt32Ty(), parameters, false),
                                    GlobalValue::InternalLinkage, name + "_" + suffix, *module);
  b.SetInsertPoint(BasicBlock::Create(b.getContext(), "entry", function));
  return function;
}

BasicBlock *ProgramBuilder::makeBlock(StringRef label) {
  return BasicBlock::Create(b.getContext(), label, b.GetInsertBlock()->getParent());
}

} // namespace nncc
