#include "targets/kernel/NestGroup.h"

#include "llvm/ADT/EquivalenceClasses.h"
#include "llvm/ADT/IntEqClasses.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace nncc;

namespace {
/// Nests of up to so many points may be computed again by each unit.
constexpr int64_t repeatedPoints = 4096;
/// Of those whose size is open: one symbol and little more. Two of them soon are millions.
constexpr int64_t repeatedOpenPoints = 16 * nominalSymbol;

bool isSmall(AffineExpr points) {
  return nominal(points) <= (constantOf(points) ? repeatedPoints : repeatedOpenPoints);
}

SmallVector<unsigned> writtenBases(const Nest &nest) {
  SmallVector<unsigned> result;
  for (const Access &access : nest.outputs)
    result.push_back(access.base);
  return result;
}
SmallVector<unsigned> readBases(const Nest &nest) {
  SmallVector<unsigned> result = nest.extracted;
  for (const auto *list : {&nest.inputs, &nest.inits})
    for (const Access &access : *list)
      if (access.isMemory())
        result.push_back(access.base);
  return result;
}

/// The only loop of an index, with its factor and offset.
struct SingleLoop {
  unsigned loop;
  AffineExpr factor, offset;
};
std::optional<SingleLoop> singleLoop(const std::optional<Linear> &index) {
  if (!index)
    return std::nullopt;
  std::optional<SingleLoop> result;
  for (auto [loop, factor] : llvm::enumerate(index->factors))
    if (!isZero(factor)) {
      if (result)
        return std::nullopt;
      result = SingleLoop{static_cast<unsigned>(loop), factor, index->constant};
    }
  return result;
}
bool isConstant(const std::optional<Linear> &index) {
  return index && llvm::all_of(index->factors, isZero);
}

/// Which loops of the nests of a group run over the same dim.
class Sharing {
public:
  Sharing(NestGroup &group, const Homes &homes) : group(group), homes(homes) {
    for (const Nest &nest : group.nests) {
      first.push_back(count);
      count += nest.sizes.size();
    }
    classes.grow(count);
    invalid.assign(count, false);
  }

  /// Joins the loops that index an intermediate alike; those that do not cannot be shared.
  void linkLoops() {
    llvm::DenseSet<unsigned> written;
    for (auto [i, nest] : llvm::enumerate(group.nests))
      if (!group.repeated[i])
        for (unsigned base : writtenBases(nest))
          written.insert(base);
    for (unsigned base : written) {
      bool isRead = false;
      for (const Nest &nest : group.nests)
        isRead |= llvm::is_contained(readBases(nest), base);
      if (isRead || !homes.bases[base].buffer)
        for (size_t dim = 0; dim < homes.bases[base].shape.size(); ++dim)
          linkDim(base, dim);
    }
  }

  /// The classes of loops that every nest has once, in parallel.
  SmallVector<SmallVector<int>> sharedLoops() {
    classes.compress();
    SmallVector<SmallVector<int>> result; // per class: the loop of each nest
    for (unsigned id = 0; id < classes.getNumClasses(); ++id)
      if (std::optional<SmallVector<int>> loops = loopsOf(id))
        result.push_back(*loops);
    return result;
  }

private:
  NestGroup &group;
  const Homes &homes;
  SmallVector<unsigned> first;
  unsigned count = 0;
  llvm::IntEqClasses classes;
  SmallVector<bool> invalid;

  void linkDim(unsigned base, unsigned dim) {
    struct User {
      unsigned nest;
      const Access *access;
    };
    SmallVector<User> users;
    bool alike = true;
    for (auto [i, nest] : llvm::enumerate(group.nests)) {
      if (group.repeated[i])
        continue;
      alike &= !llvm::is_contained(nest.extracted, base);
      for (const Access *access : nest.accesses())
        if (static_cast<unsigned>(access->base) == base)
          users.push_back({static_cast<unsigned>(i), access});
    }
    if (alike && llvm::all_of(users, [&](User user) { return isConstant(user.access->dims[dim]); }))
      return;
    std::optional<SingleLoop> model;
    for (User user : users) {
      std::optional<SingleLoop> loop = singleLoop(user.access->dims[dim]);
      alike &= loop.has_value();
      if (!loop)
        continue;
      AffineExpr size = group.nests[user.nest].sizes[loop->loop];
      if (!homes.bases[base].buffer)
        alike &=
            isOne(loop->factor) && isZero(loop->offset) && size == homes.bases[base].shape[dim];
      if (model)
        alike &= loop->factor == model->factor && loop->offset == model->offset;
      model = loop;
    }
    unsigned previous = ~0u;
    for (User user : users)
      for (unsigned loop = 0; loop < group.nests[user.nest].sizes.size(); ++loop) {
        AffineExpr index = user.access->indices[dim];
        const std::optional<Linear> &sum = user.access->dims[dim];
        if (sum ? isZero(sum->factors[loop]) : !index.isFunctionOfDim(loop))
          continue;
        unsigned id = first[user.nest] + loop;
        if (!alike)
          invalid[id] = true;
        else if (previous != ~0u)
          classes.join(previous, id);
        previous = id;
      }
  }

  std::optional<SmallVector<int>> loopsOf(unsigned id) {
    SmallVector<int> loops(group.nests.size(), -1);
    AffineExpr size;
    for (auto [i, nest] : llvm::enumerate(group.nests)) {
      if (group.repeated[i])
        continue;
      for (unsigned loop = 0; loop < nest.sizes.size(); ++loop) {
        unsigned key = first[i] + loop;
        if (classes[key] != id || isOne(nest.sizes[loop]))
          continue;
        if (loops[i] >= 0 || invalid[key] || nest.reduced[loop] ||
            (size && size != nest.sizes[loop]))
          return std::nullopt;
        loops[i] = loop, size = nest.sizes[loop];
      }
      if (loops[i] < 0)
        return std::nullopt;
    }
    return !size ? std::nullopt : std::make_optional(loops);
  }
};

bool usesLoopIndex(const Nest &nest, unsigned loop) {
  bool result = false;
  if (nest.body)
    nest.body->walk([&](linalg::IndexOp index) {
      result |= nest.loopIndices[index.getDim()].isFunctionOfDim(loop);
    });
  return result;
}

/// Whether the loops `outer` and `inner` of a nest can become one: a step of the outer one is a
/// whole run of the inner one, for everything that is accessed.
bool canJoin(const Nest &nest, unsigned outer, unsigned inner, const NestGroup &group) {
  if (usesLoopIndex(nest, outer) || usesLoopIndex(nest, inner))
    return false;
  for (const Access *access : nest.accesses()) {
    auto found = group.scratch.find(access->base);
    if (found != group.scratch.end() && found->second.isBlocked) {
      bool hasOuter = llvm::is_contained(found->second.shared, nest.shared[outer]);
      bool hasInner = llvm::is_contained(found->second.shared, nest.shared[inner]);
      if (hasOuter != hasInner)
        return false;
      continue;
    }
    if (!access->flat || access->flat->factors[outer] !=
                             normalForm(access->flat->factors[inner] * nest.sizes[inner]))
      return false;
    for (const std::optional<Linear> &dim : access->dims) // of an intermediate, in full
      if (found != group.scratch.end() && dim && !isZero(dim->factors[outer]))
        return false;
  }
  return true;
}

/// Joins dim `outer` into dim `inner` where all nests allow it.
bool joinDims(NestGroup &group, int outer, int inner) {
  for (auto [nest, repeated] : llvm::zip(group.nests, group.repeated))
    if (!repeated && !canJoin(nest, nest.loopOver(outer), nest.loopOver(inner), group))
      return false;
  AffineExpr one = getAffineConstantExpr(1, group.dims[outer].size.getContext());
  for (auto [nest, repeated] : llvm::zip(group.nests, group.repeated)) {
    if (repeated)
      continue;
    int from = nest.loopOver(outer), to = nest.loopOver(inner);
    nest.sizes[to] = normalForm(nest.sizes[to] * nest.sizes[from]);
    nest.sizes[from] = one, nest.shared[from] = -1;
    for (auto *list : {&nest.inputs, &nest.outputs, &nest.inits})
      for (Access &access : *list) {
        if (access.flat)
          access.flat->factors[from] = one - one;
        for (std::optional<Linear> &dim : access.dims)
          if (dim)
            dim->factors[from] = one - one;
      }
  }
  group.dims[inner].size = normalForm(group.dims[inner].size * group.dims[outer].size);
  group.dims[outer].size = one;
  for (auto &[base, scratch] : group.scratch)
    for (auto [shared, size] : llvm::zip(scratch.shared, scratch.sizes)) {
      if (shared == outer)
        shared = -1, size = one;
      else if (shared == inner)
        size = group.dims[inner].size;
    }
  return true;
}

/// Marks what units may compute again: small nests of what no unit writes.
void markRepeated(NestGroup &group, const Homes &homes) {
  llvm::DenseSet<unsigned> written, repeated;
  for (const Nest &nest : group.nests)
    for (unsigned base : writtenBases(nest))
      written.insert(base);
  for (auto [i, nest] : llvm::enumerate(group.nests)) {
    bool isLocal =
        llvm::all_of(writtenBases(nest), [&](unsigned base) { return !homes.bases[base].buffer; });
    bool isReady = llvm::all_of(readBases(nest), [&](unsigned base) {
      return !written.contains(base) || repeated.contains(base);
    });
    group.repeated[i] = isLocal && isReady && isSmall(nest.points());
    if (group.repeated[i])
      for (unsigned base : writtenBases(nest))
        repeated.insert(base);
  }
}

/// The loops of the last nest that touch memory in the largest steps come first.
void sortDims(NestGroup &group, SmallVectorImpl<SmallVector<int>> &loops) {
  const Nest &last = group.nests.back();
  const std::optional<Linear> &flat = last.outputs.front().flat;
  llvm::sort(loops, [&](const SmallVector<int> &a, const SmallVector<int> &b) {
    int x = a.back(), y = b.back();
    int64_t stepX = flat && x >= 0 ? nominal(flat->factors[x]) : 0;
    int64_t stepY = flat && y >= 0 ? nominal(flat->factors[y]) : 0;
    return x >= 0 && y >= 0 && stepX != stepY ? stepX > stepY : x < y;
  });
}

int64_t sharedPoints(const NestGroup &group, ArrayRef<SmallVector<int>> loops) {
  int64_t result = 1;
  for (const SmallVector<int> &dim : loops)
    for (auto [nest, loop] : llvm::zip(group.nests, dim))
      if (loop >= 0) {
        result *= std::max<int64_t>(nominal(nest.sizes[loop]), 1);
        break;
      }
  return result;
}

void layOutScratch(NestGroup &group, const Homes &homes) {
  for (auto [nest, repeated] : llvm::zip(group.nests, group.repeated))
    for (const Access &output : nest.outputs) {
      const Base &base = homes.bases[output.base];
      if (base.buffer)
        continue;
      Scratch &scratch = group.scratch[output.base];
      scratch.isBlocked = !repeated;
      scratch.sizes = base.shape;
      scratch.shared.assign(base.shape.size(), -1);
      for (auto [dim, shared] : llvm::zip(output.dims, scratch.shared))
        if (std::optional<SingleLoop> loop = singleLoop(dim))
          shared = nest.shared[loop->loop];
    }
}
} // namespace

AffineExpr NestGroup::units() const {
  AffineExpr result = getAffineConstantExpr(1, nests.front().op->getContext());
  for (const SharedDim &dim : dims)
    result = result * dim.blocks();
  return normalForm(result);
}

int64_t NestGroup::ownPoints() const {
  int64_t result = 1;
  for (auto [nest, isRepeated] : llvm::zip(nests, repeated)) {
    int64_t points = 1;
    for (auto [size, shared] : llvm::zip(nest.sizes, nest.shared))
      points *= shared < 0 ? std::max<int64_t>(nominal(size), 1) : 1;
    if (!isRepeated)
      result = std::max(result, points);
  }
  return result;
}

bool NestGroup::isPointwise() const {
  for (auto [nest, isRepeated] : llvm::zip(nests, repeated))
    for (auto [size, shared] : llvm::zip(nest.sizes, nest.shared))
      if (!isRepeated && shared < 0 && !isOne(size))
        return false;
  return true;
}

std::vector<NestGroup> nncc::formGroups(std::vector<Nest> nests, const Homes &homes) {
  llvm::IntEqClasses classes(nests.size());
  for (auto [i, writer] : llvm::enumerate(nests))
    for (auto [j, other] : llvm::enumerate(nests))
      for (unsigned base : writtenBases(writer))
        if (llvm::is_contained(readBases(other), base) ||
            (isa<tensor::InsertSliceOp>(other.op) && llvm::is_contained(writtenBases(other), base)))
          classes.join(i, j);
  classes.compress();
  std::vector<NestGroup> groups(classes.getNumClasses());
  for (auto [i, nest] : llvm::enumerate(nests))
    groups[classes[i]].nests.push_back(std::move(nest));
  return groups;
}

void nncc::shareDims(NestGroup &group, const Homes &homes) {
  auto sharedLoops = [&] {
    Sharing sharing(group, homes);
    sharing.linkLoops();
    return sharing.sharedLoops();
  };
  group.repeated.assign(group.nests.size(), false);
  SmallVector<SmallVector<int>> loops = sharedLoops();
  bool isLarge = llvm::any_of(group.nests, [](const Nest &nest) {
    AffineExpr points = nest.points();
    return !constantOf(points) || nominal(points) > repeatedPoints;
  });
  if (isLarge)
    markRepeated(group, homes);
  if (llvm::is_contained(group.repeated, true)) {
    SmallVector<SmallVector<int>> others = sharedLoops();
    if (sharedPoints(group, others) > 2 * sharedPoints(group, loops))
      loops = others;
    else
      group.repeated.assign(group.nests.size(), false);
  }
  sortDims(group, loops);
  for (auto [d, dim] : llvm::enumerate(loops))
    for (auto [nest, loop] : llvm::zip(group.nests, dim))
      if (loop >= 0) {
        nest.shared[loop] = d;
        if (group.dims.size() == d)
          group.dims.push_back({nest.sizes[loop]});
      }
  layOutScratch(group, homes);
  for (int inner = static_cast<int>(group.dims.size()) - 1, outer = inner - 1; outer >= 0; --outer)
    if (!joinDims(group, outer, inner))
      inner = outer;
}

namespace {
void layOut(Scratch &scratch, const NestGroup &group, bool alongInner) {
  AffineExpr one = getAffineConstantExpr(1, group.nests.front().op->getContext()), zero = one - one;
  scratch.strides.assign(scratch.sizes.size(), zero);
  AffineExpr step = one;
  auto place = [&](bool shared) {
    for (int64_t d = scratch.sizes.size() - 1; d >= 0; --d)
      if ((scratch.isBlocked && scratch.shared[d] >= 0) == shared) {
        scratch.strides[d] = isOne(scratch.sizes[d]) ? zero : step;
        step = normalForm(step * scratch.sizes[d]);
      }
  };
  for (auto [shared, size] : llvm::zip(scratch.shared, scratch.sizes))
    if (scratch.isBlocked && shared >= 0)
      size = group.dims[shared].inner ? group.dims[shared].blockSize() : one;
  place(alongInner); // the contiguous ones first
  place(!alongInner);
}
} // namespace

void nncc::layOut(NestGroup &group, bool alongInner) {
  for (auto &[base, scratch] : group.scratch)
    ::layOut(scratch, group, alongInner);
}
