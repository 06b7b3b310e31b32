#include "Intrinsics.h"
#include "Options.h"
#include "Report.h"
#include <unordered_map>

namespace emulator {

using Index = std::unordered_map<std::string, const IntrinsicInfo *>;

static Index makeIndex() {
  static IntrinsicTable table;
  addBarriers(table);
  addWarpOperations(table);
  addMatrixOperations(table);
  addAsyncCopies(table);
  addMbarriers(table);
  addMath(table);
  addNarrowMath(table);
  addIntegers(table);
  Index index;
  for (const IntrinsicInfo &info : table)
    index[info.name] = &info;
  return index;
}

const IntrinsicInfo *findIntrinsic(const std::string &name) {
  static const Index index = makeIndex();
  auto found = index.find(name);
  return found == index.end() ? nullptr : found->second;
}

void trap(const Site *site, const Word *, Word *) {
  fail(LaunchFailed, site, "trap", "the kernel gives up");
}

} // namespace emulator
