// Whether each synchronisation of a kernel is needed, and missed: launches are repeated on the same
// memory without one after the other. The emulator has to report a race, memory that is not
// initialized or in flight, or threads that wait for ever. The first complaint ends the repetition,
// so that most are over with the first block.
//
// Sites are those of kernels' code: kernels with the same code, of whatever launch, module or
// process, have the same ones, as far as the processes share the file. A site that a launch does
// not come to, or does not miss, is looked at again in the launches that follow. Each kernel is
// first repeated as it is in the other schedules, which have to be right.
//
// Lines of the file: the hash of the code, the number of the site in it, `there`, `needless` (in
// one launch) or `needed`, the intrinsic, the name of the kernel, what was reported.
#ifndef NNCC_TEST_GPU_EMULATOR_MUTATION_H
#define NNCC_TEST_GPU_EMULATOR_MUTATION_H

#include "Intrinsics.h"
#include "Report.h"
#include <array>
#include <unordered_map>

namespace emulator {

struct Kernel;

/// The operands of cuLaunchKernel.
struct Launch {
  const Kernel &kernel;
  const uint32_t *grid, *block;
  uint32_t dynamicShared;
  void **parameters;
};

/// Runs a launch, and what repetitions of it are asked for.
Result runLaunch(const Launch &launch);

/// The handler of all synchronisations: calls that of the intrinsic unless the site is taken out.
void synchronize(const Site *site, const Word *args, Word *results);

/// What memory of the device has been before a launch wrote to it.
class Journal {
public:
  void keep(uint64_t address, uint64_t size) {
    for (uint64_t page = address / pageBytes; page <= (address + size - 1) / pageBytes; ++page)
      if (page != lastPage)
        keepPage(page);
  }
  /// Exchanges what has been kept for what is there now.
  void exchange();

private:
  static constexpr uint64_t pageBytes = 4096;
  using Page = std::array<char, pageBytes>;
  void keepPage(uint64_t page);

  std::unordered_map<uint64_t, Page> pages;
  uint64_t lastPage = UINT64_MAX;
};

} // namespace emulator

#endif
