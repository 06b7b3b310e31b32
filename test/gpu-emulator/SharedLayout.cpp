// Where shared variables are: the arena has one address for all blocks, so that they are constants.
#include "Memory.h"
#include "Retarget.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Operator.h"

using namespace llvm;

namespace emulator {

constexpr unsigned sharedSpace = 3;
constexpr uint64_t gap = 256;

static bool isDynamic(const GlobalVariable &variable) {
  return variable.isDeclaration() ||
         variable.getParent()->getDataLayout().getTypeAllocSize(variable.getValueType()) == 0;
}

std::vector<Function *> reachableFunctions(Function &function) {
  SetVector<Function *> functions;
  functions.insert(&function);
  for (unsigned i = 0; i < functions.size(); ++i)
    for (BasicBlock &block : *functions[i])
      for (Instruction &instruction : block)
        if (auto *call = dyn_cast<CallBase>(&instruction))
          if (Function *callee = call->getCalledFunction())
            if (!callee->isDeclaration())
              functions.insert(callee);
  return {functions.begin(), functions.end()};
}

/// Functions with an instruction that uses a constant, whatever constants lie between.
static void findUsers(const Value *value, SetVector<const Function *> &functions) {
  for (const User *user : value->users()) {
    if (auto *instruction = dyn_cast<Instruction>(user))
      functions.insert(instruction->getFunction());
    else if (isa<Constant>(user) && !isa<GlobalValue>(user))
      findUsers(user, functions);
  }
}

using Users = MapVector<const GlobalVariable *, SmallVector<Kernel *, 4>>;

static Users findKernels(Module &module, LoadedModule &loaded) {
  Users users;
  DenseMap<const Function *, SmallVector<Kernel *, 2>> kernelsOf;
  for (Kernel &kernel : loaded.kernels)
    for (Function *function : reachableFunctions(*module.getFunction(kernel.name)))
      kernelsOf[function].push_back(&kernel);
  for (GlobalVariable &variable : module.globals()) {
    if (variable.getAddressSpace() != sharedSpace)
      continue;
    SetVector<const Function *> functions;
    findUsers(&variable, functions);
    SetVector<Kernel *> kernels;
    for (const Function *function : functions)
      for (Kernel *kernel : kernelsOf.lookup(function))
        kernels.insert(kernel);
    users[&variable].assign(kernels.begin(), kernels.end());
  }
  return users;
}

SharedPlaces placeSharedVariables(Module &module, LoadedModule &loaded) {
  Users users = findKernels(module, loaded);
  SharedPlaces places;
  DenseMap<Kernel *, uint64_t> ends; // of what is placed so far
  const DataLayout &layout = module.getDataLayout();
  auto place = [&](const GlobalVariable *variable, ArrayRef<Kernel *> kernels) {
    uint64_t at = sharedBase + gap;
    for (Kernel *kernel : kernels)
      at = std::max(at, ends.lookup(kernel) + gap);
    Align align = std::max(layout.getPreferredAlign(variable), Align(16));
    return places[variable] = alignTo(at, align);
  };
  for (auto &[variable, kernels] : users) {
    if (isDynamic(*variable))
      continue;
    uint64_t size = layout.getTypeAllocSize(variable->getValueType());
    uint64_t begin = place(variable, kernels);
    for (Kernel *kernel : kernels) {
      kernel->shared.push_back({variable->getName().str(), begin, begin + size});
      kernel->staticBytes = alignTo(kernel->staticBytes, 16) + size;
      ends[kernel] = begin + size;
    }
  }
  // All dynamic variables of a kernel begin at the same place, behind the others: one for the
  // module, so that they may have one address.
  uint64_t dynamic = alignTo(sharedBase + gap, 1024);
  for (auto &[kernel, end] : ends)
    dynamic = std::max(dynamic, alignTo(end + gap, 1024));
  for (auto &[variable, kernels] : users) {
    if (!isDynamic(*variable))
      continue;
    places[variable] = dynamic;
    for (Kernel *kernel : kernels)
      kernel->dynamicShared = dynamic;
  }
  return places;
}

void replaceSharedVariables(Module &module, const SharedPlaces &places) {
  for (auto [variable, place] : places) {
    auto *global = const_cast<GlobalVariable *>(variable);
    auto *address = ConstantInt::get(Type::getInt64Ty(module.getContext()), place);
    global->replaceAllUsesWith(ConstantExpr::getIntToPtr(address, global->getType()));
    global->eraseFromParent();
  }
}

} // namespace emulator
