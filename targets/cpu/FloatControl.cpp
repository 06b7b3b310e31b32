#include "targets/cpu/FloatControl.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace nncc::cpu;

/// MXCSR: flush to zero, denormals are zeros. FPCR: flush to zero, which is both.
static constexpr int64_t mxcsrFlush = 1 << 15 | 1 << 6, fpcrFlush = 1 << 24;

StringRef nncc::cpu::name(FloatControl control) {
  return control == FloatControl::MXCSR ? "mxcsr" : control == FloatControl::FPCR ? "fpcr" : "none";
}

std::optional<FloatControl> nncc::cpu::floatControlNamed(StringRef name) {
  for (FloatControl control : {FloatControl::None, FloatControl::MXCSR, FloatControl::FPCR})
    if (name == nncc::cpu::name(control))
      return control;
  return std::nullopt;
}

static Value callIntrinsic(OpBuilder &b, Location loc, StringRef name, Type result,
                           ValueRange operands) {
  StringAttr symbol = b.getStringAttr(name);
  if (result)
    return LLVM::CallIntrinsicOp::create(b, loc, result, symbol, operands).getResult(0);
  LLVM::CallIntrinsicOp::create(b, loc, symbol, operands);
  return nullptr;
}

/// MXCSR is read from and written to memory alone.
static Value slot(OpBuilder &b, Location loc) {
  Value one = LLVM::ConstantOp::create(b, loc, b.getI32Type(), b.getI32IntegerAttr(1));
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  return LLVM::AllocaOp::create(b, loc, pointer, b.getI32Type(), one);
}

static Value setBits(OpBuilder &b, Location loc, Value word, int64_t bits) {
  Value mask =
      LLVM::ConstantOp::create(b, loc, word.getType(), b.getIntegerAttr(word.getType(), bits));
  return LLVM::OrOp::create(b, loc, word, mask);
}

Value nncc::cpu::flushDenormals(OpBuilder &b, Location loc, FloatControl control) {
  if (control == FloatControl::FPCR) {
    Value before = callIntrinsic(b, loc, "llvm.aarch64.get.fpcr", b.getI64Type(), {});
    callIntrinsic(b, loc, "llvm.aarch64.set.fpcr", nullptr, setBits(b, loc, before, fpcrFlush));
    return before;
  }
  if (control == FloatControl::None)
    return nullptr;
  Value before = slot(b, loc), after = slot(b, loc);
  callIntrinsic(b, loc, "llvm.x86.sse.stmxcsr", nullptr, before);
  Value word = LLVM::LoadOp::create(b, loc, b.getI32Type(), before);
  LLVM::StoreOp::create(b, loc, setBits(b, loc, word, mxcsrFlush), after);
  callIntrinsic(b, loc, "llvm.x86.sse.ldmxcsr", nullptr, after);
  return before;
}

void nncc::cpu::restoreFloats(OpBuilder &b, Location loc, FloatControl control, Value before) {
  if (before)
    callIntrinsic(b, loc,
                  control == FloatControl::FPCR ? "llvm.aarch64.set.fpcr" : "llvm.x86.sse.ldmxcsr",
                  nullptr, before);
}
