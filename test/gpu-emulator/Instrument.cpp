// Calls of the emulator in a module: before accesses to memory, and in the place of intrinsics. Its
// functions and the sites are constants of this process.
#include "Intrinsics.h"
#include "Machine.h"
#include "Mutation.h"
#include "Retarget.h"
#include "Shadow.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/ModuleSlotTracker.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace emulator {

namespace {
/// Of one module.
class Instrumenter {
public:
  Instrumenter(Module &module, const SharedPlaces &places, LoadedModule &loaded)
      : module(module), places(places), loaded(loaded), slots(&module),
        builder(module.getContext()), wordType(builder.getInt64Ty()) {}

  void run();

private:
  /// One address that an instruction touches.
  struct Touch {
    Instruction *instruction;
    Value *pointer;
    Value *size;
    Access access;
    Site *site;
  };

  void collect(Function &function);
  void collectAccess(Instruction &instruction);
  void collectCall(CallInst &call, int &numSites);
  Site *makeSite(Instruction &instruction);
  void touch(Instruction &instruction, Value *pointer, Type *type, Align align, Access access);
  void touch(Instruction &instruction, Value *pointer, Value *size, Align align, Access access);
  void emitAccess(const Touch &touch);
  void emitCall(CallInst &call, Site *site);
  Value *toWord(Value *value);
  Value *fromWord(Value *word, Type *type);
  Value *address(const void *pointer) {
    return ConstantExpr::getIntToPtr(builder.getInt64(reinterpret_cast<uint64_t>(pointer)),
                                     builder.getPtrTy());
  }

  Module &module;
  const SharedPlaces &places;
  LoadedModule &loaded;
  ModuleSlotTracker slots;
  IRBuilder<> builder;
  Type *wordType;
  std::vector<Touch> touches;
  std::vector<std::pair<CallInst *, Site *>> calls;
};
} // namespace

// What there is: before anything is changed, so that texts are those of the kernel ----------------

Site *Instrumenter::makeSite(Instruction &instruction) {
  Site &site = loaded.sites.emplace_back();
  site.function = instruction.getFunction()->getName().str();
  raw_string_ostream stream(site.text);
  instruction.print(stream, slots);
  site.text = StringRef(site.text).split(", !dbg").first.ltrim().str();
  if (const DebugLoc &where = instruction.getDebugLoc())
    site.location = (where->getFilename() + ":" + Twine(where.getLine())).str();
  return &site;
}

/// Memory that only one thread has, and parameters.
static bool isLocal(const Value *pointer) {
  const Value *object = getUnderlyingObject(pointer, 0);
  auto *argument = dyn_cast<Argument>(object);
  return pointer->getType()->getPointerAddressSpace() == 5 || isa<AllocaInst>(object) ||
         (argument && argument->hasByValAttr());
}

void Instrumenter::touch(Instruction &instruction, Value *pointer, Value *size, Align align,
                         Access access) {
  if (isLocal(pointer))
    return;
  Site *site = makeSite(instruction);
  site->align = align.value();
  auto *variable = dyn_cast<GlobalVariable>(getUnderlyingObject(pointer, 0));
  if (auto place = places.find(variable); variable && place != places.end()) {
    uint64_t bytes = variable->isDeclaration()
                         ? 0
                         : module.getDataLayout().getTypeAllocSize(variable->getValueType());
    if (bytes) { // that of a dynamic one is known at the launch only
      site->low = place->second;
      site->high = site->low + bytes;
    }
  }
  touches.push_back({&instruction, pointer, size, access, site});
}

void Instrumenter::touch(Instruction &instruction, Value *pointer, Type *type, Align align,
                         Access access) {
  Value *size = builder.getInt64(module.getDataLayout().getTypeStoreSize(type));
  touch(instruction, pointer, size, align, access);
}

void Instrumenter::collectAccess(Instruction &instruction) {
  if (auto *load = dyn_cast<LoadInst>(&instruction)) {
    bool atomic = load->isAtomic() || load->isVolatile();
    touch(*load, load->getPointerOperand(), load->getType(), load->getAlign(),
          atomic ? AtomicRead : Read);
  } else if (auto *store = dyn_cast<StoreInst>(&instruction)) {
    bool atomic = store->isAtomic() || store->isVolatile();
    touch(*store, store->getPointerOperand(), store->getValueOperand()->getType(),
          store->getAlign(), atomic ? AtomicWrite : Write);
  } else if (auto *update = dyn_cast<AtomicRMWInst>(&instruction)) {
    touch(*update, update->getPointerOperand(), update->getType(), update->getAlign(),
          AtomicUpdate);
  } else if (auto *exchange = dyn_cast<AtomicCmpXchgInst>(&instruction)) {
    touch(*exchange, exchange->getPointerOperand(), exchange->getNewValOperand()->getType(),
          exchange->getAlign(), AtomicUpdate);
  } else if (auto *memory = dyn_cast<MemIntrinsic>(&instruction)) {
    touch(*memory, memory->getRawDest(), memory->getLength(), memory->getDestAlign().valueOrOne(),
          Write);
    if (auto *transfer = dyn_cast<MemTransferInst>(memory))
      touch(*memory, transfer->getRawSource(), memory->getLength(),
            transfer->getSourceAlign().valueOrOne(), Read);
  }
}

void Instrumenter::collectCall(CallInst &call, int &numSites) {
  const IntrinsicInfo *info = findIntrinsic(calleeName(call));
  if (!info)
    return;
  Site *site = makeSite(call);
  site->info = info;
  if (info->flags & Removable)
    site->number = numSites++;
  calls.push_back({&call, site});
}

void Instrumenter::collect(Function &function) {
  slots.incorporateFunction(function);
  int numSites = 0;
  for (BasicBlock &block : function)
    for (Instruction &instruction : block) {
      collectAccess(instruction);
      if (auto *call = dyn_cast<CallInst>(&instruction))
        collectCall(*call, numSites);
    }
}

// The calls ---------------------------------------------------------------------------------------

void Instrumenter::emitAccess(const Touch &touch) {
  builder.SetInsertPoint(touch.instruction);
  unsigned space = touch.pointer->getType()->getPointerAddressSpace();
  if (space == 0) // a cast from a space says as much
    space = getUnderlyingObject(touch.pointer, 0)->getType()->getPointerAddressSpace();
  auto *function = space == 3 ? accessShared : space == 1 ? accessGlobal : accessGeneric;
  auto *type = FunctionType::get(
      builder.getVoidTy(), {builder.getPtrTy(), wordType, wordType, builder.getInt32Ty()}, false);
  builder.CreateCall(type, address(reinterpret_cast<const void *>(function)),
                     {address(touch.site), builder.CreatePtrToInt(touch.pointer, wordType),
                      builder.CreateZExt(touch.size, wordType), builder.getInt32(touch.access)});
}

Value *Instrumenter::toWord(Value *value) {
  if (value->getType()->isPointerTy())
    return builder.CreatePtrToInt(value, wordType);
  unsigned bits = module.getDataLayout().getTypeSizeInBits(value->getType());
  return builder.CreateZExt(builder.CreateBitCast(value, builder.getIntNTy(bits)), wordType);
}

Value *Instrumenter::fromWord(Value *word, Type *type) {
  if (type->isPointerTy())
    return builder.CreateIntToPtr(word, type);
  unsigned bits = module.getDataLayout().getTypeSizeInBits(type);
  return builder.CreateBitCast(builder.CreateTrunc(word, builder.getIntNTy(bits)), type);
}

void Instrumenter::emitCall(CallInst &call, Site *site) {
  auto *results = dyn_cast<StructType>(call.getType());
  unsigned numResults = results ? results->getNumElements() : !call.getType()->isVoidTy();
  BasicBlock &entry = call.getFunction()->getEntryBlock();
  builder.SetInsertPoint(&entry, entry.begin());
  auto array = [&](unsigned count) {
    return builder.CreateAlloca(ArrayType::get(wordType, std::max(count, 1u)));
  };
  Value *argWords = array(call.arg_size()), *resultWords = array(numResults);
  builder.SetInsertPoint(&call);
  for (unsigned i = 0; i < call.arg_size(); ++i)
    builder.CreateStore(toWord(call.getArgOperand(i)),
                        builder.CreateConstGEP1_32(wordType, argWords, i));
  auto *type = FunctionType::get(
      builder.getVoidTy(), {builder.getPtrTy(), builder.getPtrTy(), builder.getPtrTy()}, false);
  Handler handler = site->number < 0 ? site->info->handler : synchronize;
  site->numResults = numResults;
  builder.CreateCall(type, address(reinterpret_cast<const void *>(handler)),
                     {address(site), argWords, resultWords});
  Value *result = results ? PoisonValue::get(results) : nullptr;
  for (unsigned i = 0; i < numResults; ++i) {
    Value *word =
        builder.CreateLoad(wordType, builder.CreateConstGEP1_32(wordType, resultWords, i));
    Value *value = fromWord(word, results ? results->getElementType(i) : call.getType());
    result = results ? builder.CreateInsertValue(result, value, i) : value;
  }
  if (result)
    call.replaceAllUsesWith(result);
}

void Instrumenter::run() {
  for (Function &function : module)
    if (!function.isDeclaration())
      collect(function);
  for (const Touch &touch : touches)
    emitAccess(touch);
  DenseMap<Function *, std::vector<const Site *>> sites;
  for (auto [call, site] : calls) {
    sites[call->getFunction()].push_back(site);
    emitCall(*call, site);
  }
  for (Kernel &kernel : loaded.kernels)
    for (Function *function : reachableFunctions(*module.getFunction(kernel.name)))
      for (const Site *site : sites.lookup(function)) {
        kernel.synchronizes |= (site->info->flags & Waits) != 0;
        if (site->number >= 0)
          kernel.sites.push_back(site);
      }
  for (auto [call, site] : calls)
    call->eraseFromParent();
}

void instrument(Module &module, const SharedPlaces &places, LoadedModule &loaded) {
  Instrumenter(module, places, loaded).run();
}

} // namespace emulator
