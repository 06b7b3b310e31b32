#include "targets/nvptx/RowSweep.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

/// Elements of a row that a thread keeps.
static constexpr int64_t mostKept = 32;

static int ownLoop(const Sweep &sweep) {
  for (auto [i, loop] : llvm::enumerate(sweep.loops))
    if (loop.shared < 0)
      return i;
  return -1;
}

namespace {
/// Whether each point reads and writes of an intermediate what belongs to the same place of the
/// row.
bool isAlongRow(const Access &access, const Scratch &scratch, const Statement &statement, int own) {
  if (!scratch.isBlocked)
    return false;
  for (auto [dim, shared, size] : llvm::zip(access.dims, scratch.shared, scratch.sizes)) {
    if (shared >= 0 || isOne(size))
      continue;
    if (!dim || !isZero(dim->constant))
      return false;
    for (auto [loop, factor] : llvm::enumerate(dim->factors))
      if (isZero(factor) == (own >= 0 && statement.loops[loop] == own))
        return false;
    if (!llvm::all_of(dim->factors, [](AffineExpr f) { return isZero(f) || isOne(f); }))
      return false;
  }
  return true;
}

bool canKeep(const Statement &statement, const NestGroup &group, int own) {
  const Nest &nest = *statement.nest;
  for (unsigned base : nest.extracted)
    if (group.scratch.contains(base))
      return false;
  for (const Access *access : nest.accesses())
    if (auto scratch = group.scratch.find(access->base); scratch != group.scratch.end())
      if (!isAlongRow(*access, scratch->second, statement, own))
        return false;
  for (auto [o, init] : llvm::enumerate(nest.inits))
    if (statement.isReduction &&
        (!nest.combiner(o) || (init.isMemory() && group.scratch.contains(init.base))))
      return false;
  return true;
}
} // namespace

std::optional<Row> Row::of(const NestGroup &group, ArrayRef<Sweep> sweeps, int64_t threads) {
  Row row;
  for (const SharedDim &dim : group.dims)
    row.rows *= dim.inner ? dim.block : 1;
  if (group.isPointwise() || row.rows > threads / warpLanes)
    return std::nullopt;
  row.threads = row.rows == 1 ? threads : warpLanes;
  for (const Sweep &sweep : sweeps) {
    int own = ownLoop(sweep);
    if (sweep.isRepeated || llvm::count_if(sweep.loops, [](auto &l) { return l.shared < 0; }) > 1)
      return std::nullopt;
    if (own >= 0) {
      std::optional<int64_t> size = constantOf(sweep.loops[own].size);
      if (!size || (row.elements != 1 && row.elements != *size))
        return std::nullopt;
      row.elements = *size;
    }
    for (const Statement &statement : sweep.statements)
      if (!canKeep(statement, group, own))
        return std::nullopt;
  }
  if (row.elements < row.threads || row.elements > mostKept * row.threads)
    return std::nullopt;
  return row;
}

int64_t BlockSweep::widestOfRow() const {
  int own = ownLoop(sweep);
  return own < 0 ? INT64_MAX : memory.widest(own);
}

std::optional<Shape> BlockSweep::placeInRow(const State &state, const Access &access) const {
  std::optional<Linear> offset = memory.offsetOf(access);
  if (!offset)
    return std::nullopt;
  Shape place(group.dims.size() + 1, e.b.getAffineConstantExpr(0));
  for (auto [loop, factor] : llvm::enumerate(offset->factors)) {
    int shared = state.nest().shared[loop];
    AffineExpr &sum = place[shared >= 0 ? shared : group.dims.size()];
    sum = normalForm(sum + factor);
  }
  place.push_back(offset->constant);
  return place;
}

std::vector<BlockSweep::Values> BlockSweep::readRow(const State &state, const Access &access,
                                                    ArrayRef<PointVector> points, Value exists) {
  const int64_t width = points.front().width, whole = points.size() - (exists ? 1 : 0);
  std::vector<Values> result;
  auto readAll = [&](ArrayRef<PointVector> some) {
    SmallVector<Type> types(some.size() * width, access.element);
    bool areNeighbours = width > 1 && memory.stepOf(*state.statement, access,
                                                    points.front().along) == Step::Neighbour;
    return ifAligned(areNeighbours ? width : 1, types, [&](bool isAligned) {
      Values values;
      for (const PointVector &point : some)
        llvm::append_range(values, memory.read(*state.statement, access, point, isAligned));
      return values;
    });
  };
  Values values = readAll(points.take_front(whole));
  if (exists) {
    SmallVector<Type> types(width, access.element);
    llvm::append_range(values, e.choose(
                                   exists, types, [&] { return readAll(points.back()); },
                                   [&] {
                                     Value zero = arith::ConstantOp::create(
                                         e.b, e.loc, e.b.getZeroAttr(access.element));
                                     return Values(width, zero);
                                   }));
  }
  for (size_t k = 0; k < points.size(); ++k)
    result.push_back(Values(ArrayRef(values).slice(k * width, width)));
  return result;
}

std::vector<BlockSweep::Loaded> BlockSweep::loadRow(Row &row, ArrayRef<PointVector> points,
                                                    Value exists) {
  std::vector<Loaded> result(points.size(), Loaded(states.size()));
  const int64_t width = points.front().width;
  for (auto [s, state] : llvm::enumerate(states))
    NestMemory::forEachRead(*state.statement, [&, s = s](Value argument, const Access &access) {
      auto enter = [&](ArrayRef<Values> vectors) {
        for (size_t k = 0; k < points.size(); ++k) {
          const Values &values = vectors[vectors.size() == 1 ? 0 : k];
          bool isOne = vectors.size() == 1 && values.size() == 1;
          result[k][s].push_back({argument, isOne ? Values(width, values.front()) : values});
        }
      };
      if (!access.isMemory())
        return enter(Values{access.scalar});
      if (auto found = row.computed.find(access.base); found != row.computed.end())
        return enter(found->second);
      const State &state = states[s];
      std::optional<Shape> place = placeInRow(state, access);
      for (const Row::Read &read : row.reads)
        if (place && read.base == static_cast<unsigned>(access.base) &&
            read.element == access.element && read.place == *place &&
            read.vectors.size() == points.size() && read.vectors.front().size() == size_t(width))
          return enter(read.vectors);
      std::vector<Values> vectors = readRow(state, access, points, exists);
      enter(vectors);
      if (place)
        row.reads.push_back(
            {static_cast<unsigned>(access.base), access.element, *place, std::move(vectors)});
    });
  return result;
}

void BlockSweep::storeRow(Row &row, ArrayRef<PointVector> points, Value exists,
                          const std::vector<Computed> &computed) {
  const bool isRow = ownLoop(sweep) >= 0;
  auto store = [&](size_t begin, size_t end) {
    ifAligned(points.front().width, {}, [&](bool isAligned) {
      for (size_t k = begin; k < end; ++k)
        for (auto [state, outputs] : llvm::zip(states, computed[k]))
          for (size_t o = 0; !state.statement->isReduction && o < outputs.size(); ++o)
            if (!group.scratch.contains(state.nest().outputs[o].base))
              memory.write(*state.statement, o, points[k], outputs[o], isAligned);
      return Values();
    });
  };
  bool isWritten = false;
  for (auto [s, state] : llvm::enumerate(states))
    for (auto [o, output] : llvm::enumerate(state.nest().outputs)) {
      if (state.statement->isReduction)
        continue;
      isWritten |= !group.scratch.contains(output.base);
      if (!group.scratch.contains(output.base))
        continue;
      std::vector<Values> &kept = row.computed[output.base];
      kept.clear();
      for (const Computed &outputs : computed)
        kept.push_back(outputs[s][o]);
    }
  if (!isWritten)
    return;
  if (!isRow)
    return e.branch(
        e.equals(row.first, 0), [&] { store(0, 1); }, [] {});
  store(0, points.size() - (exists ? 1 : 0));
  if (exists)
    e.branch(
        exists, [&] { store(points.size() - 1, points.size()); }, [] {});
}

void BlockSweep::finishRow(Row &row, const PointVector &point, Values sums) {
  sums = foldNeighbours(std::move(sums), row.width);
  acrossLanes(sums);
  if (row.threads > warpLanes)
    acrossWarps(sums);
  sums = withInitial(point, std::move(sums));
  bool isWritten = false;
  for (auto [sum, a] : llvm::zip(sums, accumulators)) {
    const Access &output = states[a.state].nest().outputs[a.output];
    if (group.scratch.contains(output.base))
      row.computed[output.base] = {Values{sum}};
    else
      isWritten = true;
  }
  if (isWritten)
    e.branch(
        e.equals(row.first, 0),
        [&] {
          for (auto [sum, a] : llvm::zip(sums, accumulators))
            if (!group.scratch.contains(states[a.state].nest().outputs[a.output].base))
              memory.write(*states[a.state].statement, a.output, point.first, sum);
        },
        [] {});
}

PointVector BlockSweep::locateRow(const Row &row, SmallVectorImpl<int> &outer) {
  for (auto [i, loop] : llvm::enumerate(sweep.loops))
    if (loop.shared >= 0)
      outer.push_back(i);
  llvm::sort(outer, [&](int a, int b) { return sweep.loops[a].shared < sweep.loops[b].shared; });
  return locate(row.number, outer, Values(sweep.loops.size()), 1);
}

Value BlockSweep::hasRow(const Row &row) {
  if (row.rows == 1)
    return {};
  SmallVector<int> outer;
  PointVector point = locateRow(row, outer);
  Value exists = isInside(outer, point.first);
  if (row.rows * warpLanes == e.threads)
    return exists;
  Value isRow = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult, row.number,
                                      e.constant(row.rows));
  return e.both(exists, isRow);
}

void BlockSweep::emitRow(Row &row) {
  e.loc = sweep.statements.front().nest->op->getLoc();
  const int own = ownLoop(sweep);
  SmallVector<int> outer;
  PointVector point = locateRow(row, outer);
  std::vector<PointVector> points{point};
  Value exists;
  if (own >= 0) {
    aligned = memory.areBuffersAligned(own, row.width);
    points.assign(row.wholeRounds() + row.hasRest(), point);
    for (auto [k, vector] : llvm::enumerate(points)) {
      Value number = e.add(row.first, k * row.threads);
      if (row.hasRest() && k + 1 == points.size())
        exists = arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ult, number,
                                       e.constant(row.elements / row.width));
      vector.first[own] = e.mul(number, row.width);
      vector.along = row.width > 1 ? own : -1, vector.width = row.width;
    }
  }
  std::vector<Loaded> loaded = loadRow(row, points, exists);
  std::vector<Computed> computed(points.size(), Computed(states.size()));
  Values sums = accumulators.empty() ? Values() : neutral(row.width);
  for (auto [k, vector] : llvm::enumerate(points)) {
    Values next = compute(vector, loaded[k], sums, computed[k]);
    for (auto [before, after] : llvm::zip(sums, next))
      before = exists && k + 1 == points.size()
                   ? arith::SelectOp::create(e.b, e.loc, exists, after, before).getResult()
                   : after;
  }
  storeRow(row, points, exists, computed);
  if (!accumulators.empty())
    finishRow(row, point, std::move(sums));
}
