#include "Intrinsics.h"
namespace emulator {
void addMatrixOperations(IntrinsicTable &) {}
} // namespace emulator
