// What the parts of the program's code are made with: constants of the library, fields of abi.h.
#pragma once

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

namespace nncc {

class ProgramBuilder {
public:
  using Constant = llvm::Constant;

  ProgramBuilder(llvm::StringRef name, llvm::LLVMContext &context)
      : module(std::make_unique<llvm::Module>(name, context)), b(context), name(name) {}

  llvm::Type *pointer() { return b.getPtrTy(); }
  Constant *null() { return llvm::ConstantPointerNull::get(b.getPtrTy()); }
  Constant *i32(int64_t value) { return b.getInt32(value); }
  Constant *i64(int64_t value) { return b.getInt64(value); }
  Constant *real(double value) { return llvm::ConstantFP::get(b.getDoubleTy(), value); }

  Constant *global(Constant *value, const llvm::Twine &label);
  Constant *text(llvm::StringRef value);
  Constant *array(llvm::ArrayRef<Constant *> elements, const llvm::Twine &label);
  /// A struct of abi.h, which has `size` bytes.
  Constant *record(llvm::ArrayRef<Constant *> fields, size_t size);

  /// A field of a struct that is `offset` bytes into it.
  llvm::Value *field(llvm::Value *base, size_t offset);
  llvm::Value *load(llvm::Type *type, llvm::Value *base, size_t offset);
  void store(llvm::Value *value, llvm::Value *base, size_t offset);

  /// An internal function `(parameters) -> i32` with a first block; building goes on there.
  llvm::Function *makeFunction(llvm::ArrayRef<llvm::Type *> parameters, llvm::StringRef suffix);
  llvm::BasicBlock *makeBlock(llvm::StringRef label);

  std::unique_ptr<llvm::Module> module;
  llvm::IRBuilder<> b;
  std::string name;           // of the model
  bool layoutDiffers = false; // a record had another size

private:
  llvm::StringMap<Constant *> texts;
};

} // namespace nncc
