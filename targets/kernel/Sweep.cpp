#include "targets/kernel/Sweep.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace nncc;

bool nncc::isHeavyOp(Operation &op) {
  return isa<math::MathDialect>(op.getDialect()) &&
         !isa<math::FmaOp, math::AbsFOp, math::AbsIOp, math::SqrtOp, math::FloorOp, math::CeilOp,
              math::TruncOp, math::RoundEvenOp, math::CopySignOp>(op);
}

/// Branches are taken by all lanes or by none: conditions come from outside of the body.
static bool isVectorisableOp(Operation &op, const Nest &nest, const Homes &homes) {
  if (auto index = dyn_cast<linalg::IndexOp>(op))
    return linearOf(nest.loopIndices[index.getDim()], nest.sizes.size()).has_value();
  if (auto extract = dyn_cast<tensor::ExtractOp>(op))
    return homes.place(extract.getTensor()).has_value();
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    auto isBlockVectorisable = [&](Block *block) {
      return block && llvm::all_of(block->without_terminator(), [&](Operation &inner) {
               return isVectorisableOp(inner, nest, homes);
             });
    };
    return !nest.body->getParent()->isAncestor(branch.getCondition().getParentRegion()) &&
           isBlockVectorisable(branch.thenBlock()) && isBlockVectorisable(branch.elseBlock());
  }
  return isa<arith::ConstantOp>(op) ||
         (op.getNumRegions() == 0 && OpTrait::hasElementwiseMappableTraits(&op));
}

bool nncc::isVectorisable(const Nest &nest, const NestGroup &group, const Homes &homes) {
  for (const Access *access : nest.accesses()) {
    auto found = group.scratch.find(access->base);
    bool isBlocked = found != group.scratch.end();
    if (isBlocked ? !llvm::all_of(access->dims, [](auto &dim) { return dim.has_value(); })
                  : !access->flat.has_value())
      return false;
  }
  for (unsigned base : nest.extracted)
    if (group.scratch.contains(base))
      return false;
  if (!nest.body)
    return true;
  return llvm::all_of(nest.body->without_terminator(),
                      [&](Operation &op) { return isVectorisableOp(op, nest, homes); });
}

namespace {
bool isHeavy(const Nest &nest) { return nest.body && llvm::any_of(*nest.body, isHeavyOp); }

/// The sweep of one nest.
Sweep sweepOf(const Nest &nest, const NestGroup &group, const Homes &homes) {
  Sweep sweep;
  Statement statement{&nest, {}, {}, {}, nest.isReduction()};
  for (auto [loop, size] : llvm::enumerate(nest.sizes)) {
    int shared = nest.shared[loop];
    bool isOutside = isOne(size) || (shared >= 0 && !group.dims[shared].inner);
    statement.loops.push_back(isOutside ? -1 : static_cast<int>(sweep.loops.size()));
    if (!isOutside)
      sweep.loops.push_back({size, shared, nest.reduced[loop]});
  }
  statement.forwarded.assign(nest.inputs.size(), {-1, -1});
  statement.isStored.assign(nest.outputs.size(), true);
  sweep.statements.push_back(statement);
  sweep.isVector = isVectorisable(nest, group, homes);
  sweep.isHeavy = isHeavy(nest);
  return sweep;
}

/// Tries to append a nest to a sweep.
class Joiner {
public:
  Joiner(Sweep &sweep, const Nest &nest, const NestGroup &group, const Homes &homes)
      : sweep(sweep), nest(nest), own(sweepOf(nest, group, homes)) {}

  bool join() {
    if (own.loops.size() != sweep.loops.size() || own.isVector != sweep.isVector ||
        sweep.statements.size() >= 16 || !pairLoops() || !forward() || !agreeOnReductions())
      return false;
    sweep.statements.push_back(own.statements.front());
    sweep.isHeavy |= own.isHeavy;
    return true;
  }

private:
  Sweep &sweep;
  const Nest &nest;
  Sweep own;
  SmallVector<int> paired; // per own loop, that of the sweep

  const Access *writer(unsigned base, std::pair<int, int> &which) const {
    for (auto [s, statement] : llvm::enumerate(sweep.statements))
      for (auto [o, output] : llvm::enumerate(statement.nest->outputs))
        if (static_cast<unsigned>(output.base) == base) {
          which = {static_cast<int>(s), static_cast<int>(o)};
          return &output;
        }
    return nullptr;
  }

  static int onlyLoop(const std::optional<Linear> &index) {
    int result = -1;
    if (index)
      for (auto [loop, factor] : llvm::enumerate(index->factors))
        if (!isZero(factor))
          result = result < 0 ? static_cast<int>(loop) : -2;
    return result;
  }

  /// Shared dims pair up; other loops where they index the same dim of what is handed over.
  bool pairLoops() {
    paired.assign(own.loops.size(), -1);
    auto pair = [&](int mine, int theirs) {
      if (paired[mine] >= 0 || llvm::is_contained(paired, theirs))
        return paired[mine] == theirs;
      paired[mine] = theirs;
      return own.loops[mine].size == sweep.loops[theirs].size;
    };
    for (auto [i, mine] : llvm::enumerate(own.loops))
      for (auto [j, theirs] : llvm::enumerate(sweep.loops))
        if (mine.shared >= 0 && mine.shared == theirs.shared && !pair(i, j))
          return false;
    for (const Access &input : nest.inputs) {
      std::pair<int, int> which;
      const Access *written = input.isMemory() ? writer(input.base, which) : nullptr;
      if (!written)
        continue;
      const Statement &statement = sweep.statements[which.first];
      for (auto [read, write] : llvm::zip(input.dims, written->dims)) {
        int mine = onlyLoop(read), theirs = onlyLoop(write);
        if (mine < 0 || theirs < 0)
          continue;
        mine = own.statements[0].loops[mine], theirs = statement.loops[theirs];
        if ((mine < 0) != (theirs < 0) || (mine >= 0 && !pair(mine, theirs)))
          return false;
      }
    }
    return !llvm::is_contained(paired, -1);
  }

  /// Whether `read` is the point that `write` writes, loops paired.
  bool isSamePoint(const Access &read, const Access &write, const Statement &statement) const {
    for (auto [r, w] : llvm::zip(read.dims, write.dims)) {
      if (!r || !w || r->constant != w->constant)
        return false;
      AffineExpr zero = r->constant - r->constant;
      Shape mine(sweep.loops.size(), zero), theirs(sweep.loops.size(), zero);
      for (auto [loop, factor] : llvm::enumerate(r->factors))
        if (int at = own.statements[0].loops[loop]; at >= 0)
          mine[paired[at]] = normalForm(mine[paired[at]] + factor);
      for (auto [loop, factor] : llvm::enumerate(w->factors))
        if (int at = statement.loops[loop]; at >= 0)
          theirs[at] = normalForm(theirs[at] + factor);
      if (mine != theirs)
        return false;
    }
    return true;
  }

  bool forward() {
    for (unsigned base : nest.extracted)
      if (std::pair<int, int> which; writer(base, which))
        return false;
    for (const Access &init : nest.inits)
      if (std::pair<int, int> which; init.isMemory() && writer(init.base, which))
        return false;
    Statement &mine = own.statements.front();
    for (auto [i, input] : llvm::enumerate(nest.inputs)) {
      std::pair<int, int> which;
      const Access *written = input.isMemory() ? writer(input.base, which) : nullptr;
      if (!written)
        continue;
      const Statement &statement = sweep.statements[which.first];
      if (statement.isReduction || !isSamePoint(input, *written, statement) ||
          input.element != written->element)
        return false;
      mine.forwarded[i] = which;
    }
    return true;
  }

  /// All reductions of a sweep run over the same loops.
  bool agreeOnReductions() {
    Statement &mine = own.statements.front();
    for (int &loop : mine.loops)
      if (loop >= 0)
        loop = paired[loop];
    if (!mine.isReduction)
      return true;
    SmallVector<bool> reduced(sweep.loops.size(), false);
    for (auto [i, loop] : llvm::enumerate(own.loops))
      reduced[paired[i]] = loop.reduced;
    bool isFirst = llvm::none_of(sweep.statements, [](auto &s) { return s.isReduction; });
    for (auto [loop, isReduced] : llvm::zip(sweep.loops, reduced)) {
      if (!isFirst && loop.reduced != isReduced)
        return false;
      loop.reduced = isReduced;
    }
    return true;
  }
};

/// Intermediates that only later statements of the same sweep read need no memory.
void dropStores(MutableArrayRef<Sweep> sweeps, const NestGroup &group) {
  auto isReadFromMemory = [&](unsigned base) {
    for (const Sweep &sweep : sweeps)
      for (const Statement &statement : sweep.statements) {
        const Nest &nest = *statement.nest;
        if (llvm::is_contained(nest.extracted, base))
          return true;
        for (const Access &init : nest.inits)
          if (init.isMemory() && static_cast<unsigned>(init.base) == base)
            return true;
        for (auto [input, from] : llvm::zip(nest.inputs, statement.forwarded))
          if (input.isMemory() && static_cast<unsigned>(input.base) == base && from.first < 0)
            return true;
      }
    return false;
  };
  for (Sweep &sweep : sweeps)
    for (Statement &statement : sweep.statements)
      for (auto [output, isStored] : llvm::zip(statement.nest->outputs, statement.isStored))
        isStored = !group.scratch.contains(output.base) || isReadFromMemory(output.base);
}
} // namespace

std::vector<Sweep> nncc::formSweeps(const NestGroup &group, const Homes &homes) {
  std::vector<Sweep> sweeps;
  for (auto [nest, repeated] : llvm::zip(group.nests, group.repeated)) {
    if (!sweeps.empty() && repeated == sweeps.back().isRepeated &&
        Joiner(sweeps.back(), nest, group, homes).join())
      continue;
    sweeps.push_back(sweepOf(nest, group, homes));
    sweeps.back().isRepeated = repeated;
  }
  dropStores(sweeps, group);
  return sweeps;
}

void nncc::allocateIntermediates(NestGroup &group, ArrayRef<Sweep> sweeps, Homes &homes,
                                 Allocate allocate) {
  MLIRContext *context = homes.getContext();
  for (const Sweep &sweep : sweeps)
    for (const Statement &statement : sweep.statements)
      for (auto [output, isStored] : llvm::zip(statement.nest->outputs, statement.isStored)) {
        auto found = group.scratch.find(output.base);
        if (found == group.scratch.end() || !isStored || found->second.buffer)
          continue;
        found->second.buffer =
            allocate(found->second.elements(context), homes.bases[output.base].element);
      }
  // What a body reads at indices that it computes has all its elements in scratch, in order.
  for (const Nest &nest : group.nests)
    for (unsigned base : nest.extracted)
      if (auto found = group.scratch.find(base); found != group.scratch.end())
        homes.bases[base].buffer = found->second.buffer;
}
