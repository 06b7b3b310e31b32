#include "targets/kernel/FloatInstructions.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/MC/MCSubtargetInfo.h"

using namespace llvm;

namespace nncc {

namespace {

/// What the processor converts from and to float32 by itself, and whether it multiplies and adds at
/// once.
struct Native {
  explicit Native(const TargetMachine &machine) {
    const MCSubtargetInfo &features = *machine.getMCSubtargetInfo();
    const Triple &triple = machine.getTargetTriple();
    auto has = [&](StringRef names) { return features.checkFeatures(names.str()); };
    if (triple.isX86()) {
      half = has("+f16c"); // AVX-512's conversion to bfloat16 takes denormals for zero
      fma = has("+fma") || has("+fma4") || has("+avx512f");
    } else if (triple.isAArch64()) {
      half = true;
      bfloat = has("+bf16");
    } else if (triple.isRISCV()) {
      half = has("+zfhmin");
      bfloat = has("+zfbfmin");
    } else if (triple.isNVPTX()) {
      unsigned capability = 0;
      half = true;
      bfloat = !machine.getTargetCPU().drop_front(3).getAsInteger(10, capability) &&
               capability >= 80; // sm_80
    }
  }
  bool has(Type *type) const { return type->isHalfTy() ? half : bfloat; }

  bool half = false, bfloat = false, fma = true;
};

/// On scalars and vectors alike.
class Expander {
public:
  Expander(Instruction &at, const Native &native) : b(&at), native(native) {
    // The types have the number of elements that the instruction has.
    Type *type = at.getType();
    auto like = [&](Type *element) -> Type * {
      auto *vector = dyn_cast<VectorType>(type);
      return vector ? VectorType::get(element, vector->getElementCount()) : element;
    };
    i16 = like(b.getInt16Ty());
    i32 = like(b.getInt32Ty());
    f32 = like(b.getFloatTy());
    f64 = like(b.getDoubleTy());
  }

  /// What replaces `instruction`; null where it can stay.
  Value *expand(Instruction &instruction) {
    Value *operand = instruction.getOperand(0);
    Type *from = operand->getType()->getScalarType(), *to = instruction.getType()->getScalarType();
    switch (instruction.getOpcode()) {
    case Instruction::FPExt:
      return from->isHalfTy() && !native.half ? b.CreateFPExt(extendHalf(operand), widened(to))
                                              : nullptr;
    case Instruction::FPTrunc:
      if (!is16Bit(to) || !from->isFloatTy() || native.has(to))
        return nullptr; // from float64, nn does it in two steps
      return truncate(operand, instruction.getType());
    case Instruction::SIToFP:
    case Instruction::UIToFP:
      if (!is16Bit(to) || native.has(to))
        return nullptr;
      return truncate(
          b.CreateCast(static_cast<Instruction::CastOps>(instruction.getOpcode()), operand, f32),
          instruction.getType());
    case Instruction::FPToSI:
    case Instruction::FPToUI:
      if (!from->isHalfTy() || native.half)
        return nullptr;
      return b.CreateCast(static_cast<Instruction::CastOps>(instruction.getOpcode()),
                          extendHalf(operand), instruction.getType());
    case Instruction::Call:
      return !native.fma && from->isFloatTy() && isMultiplyAdd(instruction)
                 ? multiplyAdd(cast<CallInst>(instruction))
                 : nullptr;
    default:
      return nullptr;
    }
  }

private:
  static bool isMultiplyAdd(const Instruction &instruction) {
    auto *intrinsic = dyn_cast<IntrinsicInst>(&instruction);
    return intrinsic && intrinsic->getIntrinsicID() == Intrinsic::fma;
  }
  static bool is16Bit(Type *type) { return type->isHalfTy() || type->isBFloatTy(); }
  Type *widened(Type *scalar) const { return scalar->isDoubleTy() ? f64 : f32; }
  Constant *number(uint32_t value) { return ConstantInt::get(i32, value); }
  Value *bits(Value *value) { return b.CreateBitCast(value, i32); }
  Value *real(Value *value) { return b.CreateBitCast(value, f32); }

  /// Float64 holds the product of two float32.
  Value *multiplyAdd(const CallInst &call) {
    auto wide = [&](unsigned operand) { return b.CreateFPExt(call.getArgOperand(operand), f64); };
    return b.CreateFPTrunc(b.CreateFAdd(b.CreateFMul(wide(0), wide(1)), wide(2)), call.getType());
  }

  /// Float32 -> `type`, a 16-bit format.
  Value *truncate(Value *value, Type *type) {
    Value *wide = type->getScalarType()->isHalfTy() ? halfBits(value) : bfloatBits(value);
    return b.CreateBitCast(b.CreateTrunc(wide, i16), type);
  }

  /// Drops the low `count` bits, to nearest even.
  Value *roundBits(Value *value, unsigned count) {
    Value *odd = b.CreateAnd(b.CreateLShr(value, count), number(1));
    return b.CreateLShr(b.CreateAdd(b.CreateAdd(value, number((1u << (count - 1)) - 1)), odd),
                        count);
  }

  Value *bfloatBits(Value *value) {
    Value *found = bits(value);
    Value *quiet = b.CreateOr(b.CreateLShr(found, 16), number(0x40));
    return b.CreateSelect(b.CreateFCmpUNO(value, value), quiet, roundBits(found, 16));
  }

  Value *halfBits(Value *value) {
    Value *found = bits(value), *magnitude = b.CreateAnd(found, number(0x7fffffff));
    Value *sign = b.CreateAnd(b.CreateLShr(found, 16), number(0x8000));
    // The exponent's bias falls by 112; overflow carries into infinity.
    Value *result = roundBits(b.CreateSub(magnitude, number(112u << 23)), 13);
    // Denormals: one unit of 0.5 is one unit of theirs, so adding 0.5 rounds.
    Value *shifted = b.CreateFAdd(real(magnitude), ConstantFP::get(f32, 0.5));
    Value *denormal = b.CreateSub(bits(shifted), number(0x3f000000));
    result = b.CreateSelect(b.CreateICmpULT(magnitude, number(113u << 23)), denormal, result);
    result = b.CreateSelect(b.CreateICmpUGE(magnitude, number(143u << 23)), number(0x7c00), result);
    Value *payload = b.CreateAnd(b.CreateLShr(magnitude, 13), number(0x3ff));
    result =
        b.CreateSelect(b.CreateFCmpUNO(value, value), b.CreateOr(payload, number(0x7e00)), result);
    return b.CreateOr(result, sign);
  }

  Value *extendHalf(Value *value) {
    Value *found = b.CreateZExt(b.CreateBitCast(value, i16), i32);
    Value *sign = b.CreateShl(b.CreateAnd(found, number(0x8000)), 16);
    Value *magnitude = b.CreateShl(b.CreateAnd(found, number(0x7fff)), 13);
    // The exponent's bias rises by 112; a product, because that is right for denormals too.
    Value *result = bits(b.CreateFMul(real(magnitude), ConstantFP::get(f32, 0x1p112)));
    Value *infinity = number(0x7c00u << 13);
    Value *special =
        b.CreateSelect(b.CreateICmpUGE(magnitude, infinity), number(0x7f800000), number(0));
    Value *quiet =
        b.CreateSelect(b.CreateICmpUGT(magnitude, infinity), number(0x400000), number(0));
    return real(b.CreateOr(b.CreateOr(result, special), b.CreateOr(quiet, sign)));
  }

  IRBuilder<> b;
  const Native &native;
  Type *i16, *i32, *f32, *f64;
};

} // namespace

void expandFloatInstructions(Module &module, const TargetMachine &machine) {
  Native native(machine);
  for (Function &function : module)
    for (Instruction &instruction : make_early_inc_range(instructions(function))) {
      if (!isa<CastInst, IntrinsicInst>(instruction) || instruction.getNumOperands() == 0)
        continue;
      if (Value *replacement = Expander(instruction, native).expand(instruction)) {
        instruction.replaceAllUsesWith(replacement);
        instruction.eraseFromParent();
      }
    }
}

} // namespace nncc
