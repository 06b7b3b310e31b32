#include "Retarget.h"
#include "Intrinsics.h"
#include "Machine.h"
#include "Memory.h"
#include "Options.h"
#include "Report.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/IntrinsicInst.h"
#include <dlfcn.h>
#include <set>

using namespace llvm;

namespace emulator {

constexpr StringRef registerPrefix = "llvm.nvvm.read.ptx.sreg.";

// Special registers -------------------------------------------------------------------------------

namespace {
/// Where a special register lies: in the thread, or at an address.
struct Register {
  int offset = -1;
  const void *at = nullptr;
};
} // namespace

static Register findRegister(StringRef name) {
  Position &position = machine().position;
  if (name == "laneid")
    return {offsetof(Thread, lane), nullptr};
  if (name == "warpid")
    return {offsetof(Thread, warp), nullptr};
  auto [vector, member] = name.split('.');
  unsigned index = member == "x" ? 0 : member == "y" ? 1 : member == "z" ? 2 : 3;
  if (index == 3)
    return {};
  if (vector == "tid")
    return {int(offsetof(Thread, tid) + 4 * index), nullptr};
  if (vector == "ntid")
    return {-1, &position.ntid[index]};
  if (vector == "ctaid")
    return {-1, &position.ctaid[index]};
  if (vector == "nctaid")
    return {-1, &position.nctaid[index]};
  return {};
}

static bool isRegister(StringRef name) {
  if (!name.consume_front(registerPrefix))
    return false;
  Register found = findRegister(name);
  return name == "warpsize" || found.offset >= 0 || found.at;
}

static Constant *constantAddress(IRBuilder<> &builder, const void *pointer) {
  return ConstantExpr::getIntToPtr(builder.getInt64(reinterpret_cast<uint64_t>(pointer)),
                                   builder.getPtrTy());
}

/// The thread that is current does not change while its code runs: one load in each function.
static Value *currentThread(Function &function, DenseMap<Function *, Value *> &threads) {
  Value *&thread = threads[&function];
  if (!thread) {
    IRBuilder<> builder(&function.getEntryBlock(), function.getEntryBlock().begin());
    thread = builder.CreateLoad(builder.getPtrTy(), constantAddress(builder, &machine().current));
  }
  return thread;
}

static void replaceRegisters(Module &module) {
  DenseMap<Function *, Value *> threads;
  for (Function &callee : module) {
    StringRef name = callee.getName();
    if (!callee.isDeclaration() || !name.consume_front(registerPrefix))
      continue;
    Register found = findRegister(name);
    for (User *user : make_early_inc_range(callee.users())) {
      auto *call = cast<CallInst>(user);
      Value *thread = found.offset >= 0 ? currentThread(*call->getFunction(), threads) : nullptr;
      IRBuilder<> builder(call);
      Value *value = builder.getInt32(warpSize);
      if (thread)
        value = builder.CreateLoad(
            builder.getInt32Ty(),
            builder.CreateConstGEP1_32(builder.getInt8Ty(), thread, found.offset));
      else if (found.at)
        value = builder.CreateLoad(builder.getInt32Ty(), constantAddress(builder, found.at));
      call->replaceAllUsesWith(value);
      call->eraseFromParent();
    }
  }
}

// What the module asks for ------------------------------------------------------------------------

/// __nv_expf is expf here, and so are the others of the device's math library; those that no
/// intrinsic stands for are called by their names in libm before that library is linked.
static bool isHostMath(StringRef name) {
  constexpr StringLiteral known[] = {"erf", "erfc", "acosh", "asinh", "atanh", "expm1", "log1p"};
  return is_contained(known, name) ||
         (name.consume_front("__nv_") && dlsym(RTLD_DEFAULT, name.str().c_str()));
}

static void checkFunction(const Function &function, std::set<std::string> &unknown) {
  std::string name = function.getName().str();
  if (!function.isDeclaration() || function.use_empty() || isRegister(name) ||
      name == "__nvvm_reflect" || isHostMath(name))
    return;
  if (const IntrinsicInfo *info = findIntrinsic(name)) {
    if (info->capability > options().capability)
      unknown.insert(name + format(" (of capability %d)", info->capability));
    return;
  }
  if (!function.isIntrinsic() || function.isTargetIntrinsic())
    unknown.insert(name);
}

std::string calleeName(const CallBase &call) {
  if (const Function *callee = call.getCalledFunction())
    return callee->getName().str();
  std::string name = "asm ";
  if (auto *assembly = dyn_cast<InlineAsm>(call.getCalledOperand()))
    for (char c : assembly->getAsmString())
      if (!isSpace(c))
        name += c;
  return name;
}

static std::string checkModule(Module &module) {
  std::set<std::string> unknown;
  for (Function &function : module) {
    checkFunction(function, unknown);
    for (BasicBlock &block : function)
      for (Instruction &instruction : block) {
        auto *call = dyn_cast<CallBase>(&instruction);
        if (call && call->isInlineAsm() && !findIntrinsic(calleeName(*call)))
          unknown.insert(calleeName(*call));
        else if (call && call->isIndirectCall())
          unknown.insert("indirect call in " + function.getName().str());
      }
  }
  if (unknown.empty())
    return "";
  std::string text = "the emulator does not know";
  for (const std::string &name : unknown)
    text += (&name == &*unknown.begin() ? " " : ", ") + name;
  return text;
}

// The functions -----------------------------------------------------------------------------------

/// __nvvm_reflect asks at compile time what the code is for.
static void answerReflection(Module &module) {
  Function *reflect = module.getFunction("__nvvm_reflect");
  if (!reflect)
    return;
  for (User *user : make_early_inc_range(reflect->users())) {
    auto *call = cast<CallInst>(user);
    auto *text = dyn_cast<GlobalVariable>(call->getArgOperand(0)->stripPointerCasts());
    auto *data = text && text->hasInitializer()
                     ? dyn_cast<ConstantDataSequential>(text->getInitializer())
                     : nullptr;
    int answer = data && data->isCString() && data->getAsCString() == "__CUDA_ARCH"
                     ? 10 * options().capability
                     : 0;
    call->replaceAllUsesWith(ConstantInt::get(call->getType(), answer));
    call->eraseFromParent();
  }
}

/// Variables of a thread are on the stack, which has one address space here.
static void moveAllocas(Function &function) {
  for (BasicBlock &block : function)
    for (Instruction &instruction : make_early_inc_range(block))
      if (auto *alloca = dyn_cast<AllocaInst>(&instruction);
          alloca && alloca->getAddressSpace() != 0) {
        IRBuilder<> builder(alloca);
        auto *moved = new AllocaInst(alloca->getAllocatedType(), 0, alloca->getArraySize(),
                                     alloca->getAlign(), "", alloca->getIterator());
        alloca->replaceAllUsesWith(builder.CreateAddrSpaceCast(moved, alloca->getType()));
        alloca->eraseFromParent();
      }
}

/// Takes out all that promises something about other threads' accesses or names the other target.
static void stripPromises(Function &function) {
  function.setCallingConv(CallingConv::C);
  function.setAttributes({});
  if (function.isDeclaration())
    return;
  function.addFnAttr(Attribute::NoUnwind);
  for (BasicBlock &block : function)
    for (Instruction &instruction : block) {
      instruction.dropUnknownNonDebugMetadata();
      if (auto *call = dyn_cast<CallBase>(&instruction)) {
        call->setCallingConv(CallingConv::C);
        call->setAttributes({});
      } else if (auto *load = dyn_cast<LoadInst>(&instruction); load && load->isAtomic()) {
        load->setSyncScopeID(SyncScope::System);
      } else if (auto *store = dyn_cast<StoreInst>(&instruction); store && store->isAtomic()) {
        store->setSyncScopeID(SyncScope::System);
      } else if (auto *update = dyn_cast<AtomicRMWInst>(&instruction)) {
        update->setSyncScopeID(SyncScope::System);
      } else if (auto *exchange = dyn_cast<AtomicCmpXchgInst>(&instruction)) {
        exchange->setSyncScopeID(SyncScope::System);
      } else if (auto *fence = dyn_cast<FenceInst>(&instruction)) {
        fence->setSyncScopeID(SyncScope::System);
      }
    }
}

static uint32_t maxThreadsOf(const Function &function) {
  StringRef text = function.getFnAttribute("nvvm.maxntid").getValueAsString();
  uint32_t product = 1;
  SmallVector<StringRef> sizes;
  text.split(sizes, ',', -1, false);
  for (StringRef size : sizes) {
    uint32_t value = 1;
    if (!size.trim().getAsInteger(10, value))
      product *= value;
  }
  return sizes.empty() ? maxThreads : product;
}

static Type *valueType(const Argument &argument) {
  return argument.hasByValAttr() ? argument.getParamByValType() : argument.getType();
}

static void describeKernel(const Function &function, LoadedModule &loaded) {
  Kernel &kernel = loaded.kernels.emplace_back();
  kernel.name = function.getName().str();
  kernel.maxThreads = maxThreadsOf(function);
  for (const Argument &argument : function.args())
    kernel.parameterSizes.push_back(
        function.getParent()->getDataLayout().getTypeAllocSize(valueType(argument)));
}

/// Reads the parameters of a launch and calls the kernel.
static void makeEntry(Function &function) {
  Module &module = *function.getParent();
  IRBuilder<> builder(module.getContext());
  auto *type = FunctionType::get(builder.getVoidTy(), {builder.getPtrTy()}, false);
  Function *entry =
      Function::Create(type, Function::ExternalLinkage, entryName(function.getName()), module);
  builder.SetInsertPoint(BasicBlock::Create(module.getContext(), "", entry));
  SmallVector<Value *> values;
  for (Argument &argument : function.args()) {
    Value *place = builder.CreateLoad(
        builder.getPtrTy(),
        builder.CreateConstGEP1_32(builder.getPtrTy(), entry->getArg(0), argument.getArgNo()));
    values.push_back(argument.hasByValAttr()
                         ? builder.CreateAddrSpaceCast(place, argument.getType())
                         : builder.CreateLoad(valueType(argument), place));
  }
  builder.CreateCall(&function, values);
  builder.CreateRetVoid();
}

std::string retarget(Module &module, LoadedModule &loaded) {
  std::string why = checkModule(module);
  if (!why.empty())
    return why;
  answerReflection(module);
  SmallVector<Function *> kernels;
  for (Function &function : module)
    if (function.getCallingConv() == CallingConv::PTX_Kernel && !function.isDeclaration())
      kernels.push_back(&function);
  for (Function *kernel : kernels)
    describeKernel(*kernel, loaded);
  for (Function &function : module) {
    moveAllocas(function);
    if (StringRef name = function.getName(); isHostMath(name) && name.consume_front("__nv_"))
      function.setName(name.str());
  }
  SharedPlaces places = placeSharedVariables(module, loaded);
  for (const Kernel &kernel : loaded.kernels)
    if (kernel.staticBytes > staticSharedLimit)
      return format("kernel %s declares %u bytes of shared memory, of %u", kernel.name.c_str(),
                    kernel.staticBytes, staticSharedLimit);
  for (Kernel &kernel : loaded.kernels)
    if (!options().mutations.empty())
      kernel.content = hashContent(*module.getFunction(kernel.name), places);
  instrument(module, places, loaded);
  for (Function *kernel : kernels)
    makeEntry(*kernel);
  replaceRegisters(module);
  for (Function &function : module)
    if (!function.isIntrinsic())
      stripPromises(function);
  replaceSharedVariables(module, places);
  return "";
}

} // namespace emulator
