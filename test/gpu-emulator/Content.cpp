// A hash of what a kernel does, so that the same code is known again under other names.
#include "Retarget.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/ModuleSlotTracker.h"
#include "llvm/Support/MD5.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace emulator {

/// The names of shared variables become their places in the arena, which do not depend on other
/// kernels.
static void replaceNames(std::string &text, const Value *value, const SharedPlaces &places) {
  if (auto *variable = dyn_cast<GlobalVariable>(value)) {
    auto place = places.find(variable);
    std::string name = ("@" + variable->getName()).str();
    if (place == places.end())
      return;
    for (size_t at; (at = text.find(name)) != std::string::npos;)
      text.replace(at, name.size(), std::to_string(place->second));
  } else if (auto *constant = dyn_cast<Constant>(value)) {
    for (const Use &operand : constant->operands())
      replaceNames(text, operand, places);
  }
}

/// As it is printed, without the numbers of attributes and of metadata in its module.
static std::string textOf(const Instruction &instruction, ModuleSlotTracker &slots,
                          const SharedPlaces &places) {
  std::string printed;
  raw_string_ostream stream(printed);
  instruction.print(stream, slots);
  std::string text = StringRef(printed).split(", !").first.str();
  if (isa<CallBase>(instruction))
    text.resize(std::min(text.size(), text.rfind(" #")));
  for (const Use &operand : instruction.operands())
    if (isa<Constant>(operand) && !isa<Function>(operand))
      replaceNames(text, operand, places);
  return text;
}

std::string hashContent(Function &kernel, const SharedPlaces &places) {
  MD5 hash;
  ModuleSlotTracker slots(kernel.getParent());
  for (Function *function : reachableFunctions(kernel)) {
    slots.incorporateFunction(*function);
    for (const BasicBlock &block : *function)
      for (const Instruction &instruction : block)
        hash.update(textOf(instruction, slots, places) + "\n");
    hash.update("end\n");
  }
  MD5::MD5Result result;
  hash.final(result);
  return std::string(result.digest());
}

} // namespace emulator
