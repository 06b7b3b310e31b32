// A module of kernels, as cuModuleLoadData gets it: LLVM bitcode, compiled for this machine.
#ifndef NNCC_TEST_GPU_EMULATOR_MODULE_H
#define NNCC_TEST_GPU_EMULATOR_MODULE_H

#include "Retarget.h"
#include <memory>

namespace llvm::orc {
class LLJIT;
}

namespace emulator {

class CompiledModule {
public:
  ~CompiledModule();
  /// Parses, checks, retargets and compiles an image. Null, and `why`, where that does not work.
  static std::unique_ptr<CompiledModule> load(const void *image, std::string &why);
  static bool isBitcode(const void *image);
  const Kernel *findKernel(const std::string &name) const;

private:
  std::string compile(const void *image);
  std::string addVariables(llvm::Module &module);
  std::string lookUp();

  LoadedModule loaded;
  std::unique_ptr<llvm::orc::LLJIT> jit;
  struct Variable {
    std::string name;
    uint64_t size;
    bool constant;
  };
  std::vector<Variable> variables;
  std::vector<uint64_t> addresses; // of variables
};

} // namespace emulator

#endif
