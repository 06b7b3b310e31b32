#include "Intrinsics.h"
namespace emulator {
void addMath(IntrinsicTable &) {}
} // namespace emulator
