// Which intermediates of a kernel live where its result will be.
#include "targets/cpu/NestBlocks.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {
bool hasBase(const Access &access, unsigned base) {
  return access.isMemory() && static_cast<unsigned>(access.base) == base;
}

/// Whether rows of the base, each contiguous, are summed up or the like.
bool isReducedAlongRows(const Nest &nest, unsigned base) {
  for (const Access &input : nest.inputs) {
    if (!hasBase(input, base) || !input.flat)
      continue;
    for (auto [factor, size, isReduced] : llvm::zip(input.flat->factors, nest.sizes, nest.reduced))
      if (isReduced && !isOne(size) && isOne(factor))
        return true;
  }
  return false;
}

/// Tries to keep what `last` reads at each point where it writes its result at that point.
class InPlace {
public:
  InPlace(MutableArrayRef<Nest> nests, size_t last, const Homes &homes)
      : nests(nests), last(last), homes(homes) {}

  void run() {
    if (nests[last].outputs.size() != 1 || nests[last].isReduction())
      return;
    for (const Access &read : nests[last].inputs)
      if (canMove(read)) {
        move(read.base, nests[last].outputs[0].base);
        return;
      }
  }

private:
  MutableArrayRef<Nest> nests;
  size_t last;
  const Homes &homes;

  bool canMove(const Access &read) const {
    const Access &result = nests[last].outputs[0];
    if (!read.isMemory() || read.indices != result.indices)
      return false;
    const Base &from = homes.bases[read.base], &to = homes.bases[result.base];
    return !from.buffer && !from.constant && to.buffer && from.element == to.element &&
           from.shape == to.shape && hasOrder(read.base, result.base);
  }

  /// Whether one nest writes `from`, later ones reduce it, `last` is its last reader and the only
  /// one that touches `to`.
  bool hasOrder(unsigned from, unsigned to) const {
    bool isWritten = false, isReduced = false;
    for (auto [i, nest] : llvm::enumerate(nests)) {
      auto touches = [&](ArrayRef<Access> list, unsigned base) {
        return llvm::any_of(list, [&](const Access &access) { return hasBase(access, base); });
      };
      bool writes = touches(nest.outputs, from);
      if (llvm::is_contained(nest.extracted, from) || llvm::is_contained(nest.extracted, to) ||
          touches(nest.inits, from) || touches(nest.inits, to) || touches(nest.inputs, to) ||
          (touches(nest.outputs, to) && i != last) || (touches(nest.inputs, from) && i > last) ||
          (writes && (isWritten || i >= last || nest.isReduction())))
        return false;
      isReduced |= isWritten && i < last && isReducedAlongRows(nest, from);
      isWritten |= writes;
    }
    return isWritten && isReduced;
  }

  void move(int from, int to) {
    for (Nest &nest : nests)
      for (auto *list : {&nest.inputs, &nest.outputs})
        for (Access &access : *list)
          if (access.base == from)
            access.base = to;
  }
};
} // namespace

void nncc::cpu::computeInPlace(std::vector<Nest> &nests, const Homes &homes) {
  for (size_t last = 0; last < nests.size(); ++last)
    InPlace(nests, last, homes).run();
}
