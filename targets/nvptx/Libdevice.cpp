#include "targets/nvptx/Libdevice.h"

#include "targets/nvptx/Toolkit.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IRReader/IRReader.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Transforms/IPO/Internalize.h"

using namespace llvm;

namespace nncc::nvptx {

/// libm's name of what the intrinsic computes; empty where GPUs have an instruction for it.
static StringRef nameInLibm(Intrinsic::ID id) {
  switch (id) {
  case Intrinsic::exp:
    return "exp";
  case Intrinsic::exp2:
    return "exp2";
  case Intrinsic::log:
    return "log";
  case Intrinsic::log2:
    return "log2";
  case Intrinsic::log10:
    return "log10";
  case Intrinsic::pow:
    return "pow";
  case Intrinsic::sin:
    return "sin";
  case Intrinsic::cos:
    return "cos";
  case Intrinsic::tan:
    return "tan";
  case Intrinsic::asin:
    return "asin";
  case Intrinsic::acos:
    return "acos";
  case Intrinsic::atan:
    return "atan";
  case Intrinsic::atan2:
    return "atan2";
  case Intrinsic::sinh:
    return "sinh";
  case Intrinsic::cosh:
    return "cosh";
  case Intrinsic::tanh:
    return "tanh";
  default:
    return "";
  }
}

Expected<bool> linkLibdevice(Module &module) {
  SmallVector<Function *> needed;
  for (Function &function : module)
    if (function.isDeclaration() && !function.use_empty() &&
        (!function.isIntrinsic() || !nameInLibm(function.getIntrinsicID()).empty()))
      needed.push_back(&function);
  if (needed.empty())
    return false;
  auto nameOf = [](const Function &function) {
    return function.isIntrinsic() ? nameInLibm(function.getIntrinsicID()) : function.getName();
  };
  std::optional<std::string> path = findInToolkit("nvvm/libdevice/libdevice.10.bc");
  if (!path)
    return createStringError("'" + nameOf(*needed.front()) +
                             "' of float64 needs libdevice: install the CUDA toolkit, or set "
                             "CUDA_ROOT to where it is");
  SMDiagnostic problem;
  std::unique_ptr<Module> library = parseIRFile(*path, problem, module.getContext());
  if (!library)
    return createStringError("cannot read '" + *path + "': " + problem.getMessage());
  for (Function *function : needed) {
    bool isFloat = function->getReturnType()->isFloatTy();
    std::string name = ("__nv_" + nameOf(*function)).str() + (isFloat ? "f" : "");
    Function *known = library->getFunction(name);
    if (!known || known->getFunctionType() != function->getFunctionType())
      return createStringError("'" + nameOf(*function) +
                               "' is a function that a GPU does not have");
    FunctionCallee callee = module.getOrInsertFunction(name, function->getFunctionType());
    function->replaceAllUsesWith(callee.getCallee());
  }
  library->setTargetTriple(module.getTargetTriple());
  library->setDataLayout(module.getDataLayout());
  module.addModuleFlag(Module::Override, "nvvm-reflect-ftz", uint32_t(0)); // denormals are numbers
  bool failed = Linker::linkModules(module, std::move(library), Linker::LinkOnlyNeeded,
                                    [](Module &linked, const StringSet<> &names) {
                                      internalizeModule(linked, [&](const GlobalValue &value) {
                                        return !value.hasName() || !names.contains(value.getName());
                                      });
                                    });
  if (failed)
    return createStringError("libdevice cannot be linked");
  return true;
}

} // namespace nncc::nvptx
