// From a module for NVPTX to one for the host that tells the emulator of all that it does.
#ifndef NNCC_TEST_GPU_EMULATOR_RETARGET_H
#define NNCC_TEST_GPU_EMULATOR_RETARGET_H

#include "Kernel.h"
#include "llvm/IR/InstrTypes.h"
#include "llvm/IR/Module.h"
#include <deque>

namespace emulator {

/// What stays of a module when it is code.
struct LoadedModule {
  std::deque<Kernel> kernels;
  std::deque<Site> sites; // generated code has their addresses
};

/// Places the shared variables of all kernels in the arena: those that one kernel uses beside each
/// other, with gaps that nobody owns. Their addresses, by variable:
using SharedPlaces = llvm::DenseMap<const llvm::GlobalVariable *, uint64_t>;

/// Functions that a function calls, directly or not, itself first.
std::vector<llvm::Function *> reachableFunctions(llvm::Function &function);

SharedPlaces placeSharedVariables(llvm::Module &module, LoadedModule &loaded);
/// A hash of the code of a kernel: the same in each module, whatever its names are there.
std::string hashContent(llvm::Function &kernel, const SharedPlaces &places);
/// Writes the addresses into the code.
void replaceSharedVariables(llvm::Module &module, const SharedPlaces &places);

/// Calls the emulator before every access to memory that threads share.
/// Calls the emulator for every intrinsic of NVPTX, and numbers the synchronisation sites.
void instrument(llvm::Module &module, const SharedPlaces &places, LoadedModule &loaded);

/// What the table of intrinsics knows the target of a call by: the name of a function, or "asm "
/// and the text of inline assembly without spaces.
std::string calleeName(const llvm::CallBase &call);

/// Does all of it. Returns why it cannot, or "".
std::string retarget(llvm::Module &module, LoadedModule &loaded);

/// The entry of a kernel, which takes cuLaunchKernel's parameters.
inline std::string entryName(llvm::StringRef kernel) { return (kernel + ".entry").str(); }

} // namespace emulator

#endif
