#include "targets/nvptx/NestMemory.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "targets/kernel/BodyEvaluator.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

namespace {
int64_t bytesOf(Type memory) { return llvm::divideCeil(memory.getIntOrFloatBitWidth(), 8); }

bool isMultiple(AffineExpr expression, int64_t of) {
  if (auto known = constantOf(expression))
    return *known % of == 0;
  return bool(exactQuotient(expression, getAffineConstantExpr(of, expression.getContext())));
}

Linear sumOf(const Linear &a, const Linear &b, AffineExpr factor) {
  Linear result{normalForm(a.constant + b.constant * factor), {}};
  for (auto [x, y] : llvm::zip(a.factors, b.factors))
    result.factors.push_back(normalForm(x + y * factor));
  return result;
}
} // namespace

AffineExpr nncc::nvptx::inUnit(const SweepLoop &loop, const NestGroup &group) {
  return loop.shared >= 0 ? group.dims[loop.shared].blockSize() : loop.size;
}

const Scratch *NestMemory::scratchOf(const Access &access) const {
  auto found = group.scratch.find(access.base);
  return found == group.scratch.end() ? nullptr : &found->second;
}

NestMemory::Values NestMemory::loopsOf(const Statement &statement, ArrayRef<Value> point,
                                       bool inUnit) {
  const Nest &nest = *statement.nest;
  Values result;
  for (auto [loop, size] : llvm::enumerate(nest.sizes)) {
    int at = statement.loops[loop], shared = nest.shared[loop];
    Value index = at >= 0 ? point[at] : e.constant(0);
    if (shared >= 0 && !isOne(size) && !inUnit)
      index = e.add(unit.start[shared], index);
    result.push_back(index);
  }
  return result;
}

std::optional<Linear> NestMemory::offsetOf(const Access &access) const {
  const Scratch *scratch = scratchOf(access);
  bool isBlocked = scratch && scratch->isBlocked;
  if (!isBlocked && access.flat)
    return access.flat;
  const Shape &shape = homes.bases[access.base].shape;
  Shape strides = isBlocked ? scratch->strides : denseStrides(shape, e.b.getContext());
  std::optional<Linear> result;
  for (auto [sum, stride] : llvm::zip(access.dims, strides)) {
    if (isZero(stride))
      continue;
    if (!sum)
      return std::nullopt;
    Linear zero{stride - stride, Shape(sum->factors.size(), stride - stride)};
    result = sumOf(result ? *result : zero, *sum, stride);
  }
  return result;
}

std::pair<Value, Value> NestMemory::address(const Statement &statement, const Access &access,
                                            ArrayRef<Value> point) {
  const Base &base = homes.bases[access.base];
  const Scratch *scratch = scratchOf(access);
  bool isBlocked = scratch && scratch->isBlocked;
  Values loops = loopsOf(statement, point, isBlocked);
  Value buffer = scratch ? scratch->buffer : base.buffer;
  auto sumOf = [&](const Linear &sum) {
    Value result = e.size(sum.constant);
    for (auto [factor, loop] : llvm::zip(sum.factors, loops))
      if (!isZero(factor))
        result = e.add(result, e.mul(loop, factor));
    return result;
  };
  if (!isBlocked && access.flat)
    return {buffer, sumOf(*access.flat)};
  Shape strides = denseStrides(base.shape, e.b.getContext());
  if (isBlocked)
    strides = scratch->strides;
  Value offset = e.constant(0);
  for (auto [index, sum, stride] : llvm::zip(access.indices, access.dims, strides))
    if (!isZero(stride))
      offset = e.add(offset, e.mul(sum ? sumOf(*sum) : e.expand(index, loops), stride));
  return {buffer, offset};
}

Value NestMemory::splatOf(const Access &access) {
  auto splat = dyn_cast_or_null<SplatElementsAttr>(homes.bases[access.base].constant);
  if (!splat)
    return {};
  Value value = arith::ConstantOp::create(e.b, e.loc, splat.getSplatValue<TypedAttr>());
  return value.getType() == access.element
             ? value
             : arith::BitcastOp::create(e.b, e.loc, access.element, value).getResult();
}

Value NestMemory::read(const Statement &statement, const Access &access, ArrayRef<Value> point) {
  if (!access.isMemory())
    return access.scalar;
  if (Value splat = splatOf(access))
    return splat;
  if (auto tile = tiles.find(&access); tile != tiles.end()) {
    const auto &[buffer, strides] = tile->second;
    Value offset = offsetInTile(point, strides);
    return fromMemory(e, memref::LoadOp::create(e.b, e.loc, buffer, offset), access.element);
  }
  auto [buffer, offset] = address(statement, access, point);
  return fromMemory(e, memref::LoadOp::create(e.b, e.loc, buffer, offset), access.element);
}

void NestMemory::write(const Statement &statement, size_t output, ArrayRef<Value> point,
                       Value value) {
  if (!statement.isStored[output])
    return;
  const Access &access = statement.nest->outputs[output];
  auto [buffer, offset] = address(statement, access, point);
  memref::StoreOp::create(e.b, e.loc, toMemory(e, value, homes.bases[access.base].element), buffer,
                          offset);
}

// Neighbours
// ---------------------------------------------------------------------------------------------------

/// The points alone.
static SmallVector<SmallVector<Value>> pointsOf(ThreadBlock &e, const PointVector &points) {
  SmallVector<SmallVector<Value>> result(points.width, points.first);
  for (int64_t i = 1; i < points.width; ++i)
    result[i][points.along] = e.add(points.first[points.along], i);
  return result;
}

NestMemory::Values NestMemory::read(const Statement &statement, const Access &access,
                                    const PointVector &points, bool isAligned) {
  Step step = points.width == 1 ? Step::None : stepOf(statement, access, points.along);
  if (step == Step::None)
    return Values(points.width, read(statement, access, points.first));
  Values result;
  if (step == Step::Neighbour && isAligned) {
    auto [buffer, offset] = address(statement, access, points.first);
    for (Value value : e.loadNeighbours(buffer, offset, points.width))
      result.push_back(fromMemory(e, value, access.element));
    return result;
  }
  for (const Values &point : pointsOf(e, points))
    result.push_back(read(statement, access, point));
  return result;
}

void NestMemory::write(const Statement &statement, size_t output, const PointVector &points,
                       ValueRange values, bool isAligned) {
  if (!statement.isStored[output])
    return;
  const Access &access = statement.nest->outputs[output];
  if (isAligned && points.width > 1 && stepOf(statement, access, points.along) == Step::Neighbour) {
    auto [buffer, offset] = address(statement, access, points.first);
    Values elements;
    for (Value value : values)
      elements.push_back(toMemory(e, value, homes.bases[access.base].element));
    return e.storeNeighbours(elements, buffer, offset);
  }
  for (auto [point, value] : llvm::zip(pointsOf(e, points), values))
    write(statement, output, point, value);
}

Step NestMemory::stepOf(const Statement &statement, const Access &access, int loop) const {
  if (!access.isMemory() || isa_and_nonnull<SplatElementsAttr>(homes.bases[access.base].constant))
    return Step::None;
  std::optional<Linear> offset = offsetOf(access);
  AffineExpr step = e.b.getAffineConstantExpr(0);
  for (auto [number, at] : llvm::enumerate(statement.loops))
    if (at == loop) {
      if (!offset && llvm::any_of(access.indices, [number = number](AffineExpr index) {
            return index.isFunctionOfDim(number);
          }))
        return Step::Other;
      if (offset)
        step = offset->factors[number];
    }
  return isZero(step) ? Step::None : isOne(step) ? Step::Neighbour : Step::Other;
}

void NestMemory::forEachRead(const Statement &statement,
                             llvm::function_ref<void(Value, const Access &)> visit) {
  const Nest &nest = *statement.nest;
  for (auto [i, input] : llvm::enumerate(nest.inputs)) {
    Value argument = nest.body ? nest.body->getArgument(i) : Value();
    if (statement.forwarded[i].first < 0 && !(argument && argument.use_empty()))
      visit(argument, input);
  }
  for (auto [o, init] : llvm::enumerate(nest.inits))
    if (nest.body && !statement.isReduction && (init.isMemory() || init.scalar))
      visit(nest.body->getArgument(nest.inputs.size() + o), init);
}

void NestMemory::forEachAccess(
    llvm::function_ref<void(const Statement &, const Access &)> visit) const {
  for (const Statement &statement : sweep.statements) {
    forEachRead(statement, [&](Value, const Access &access) { visit(statement, access); });
    for (auto [output, isStored] : llvm::zip(statement.nest->outputs, statement.isStored))
      if (isStored)
        visit(statement, output);
  }
}

bool NestMemory::isAlignedTo(const Statement &statement, const Access &access, int loop,
                             int64_t width) const {
  std::optional<Linear> offset = offsetOf(access);
  const Scratch *scratch = scratchOf(access);
  if (!offset || !isMultiple(offset->constant, width))
    return false;
  for (auto [number, factor] : llvm::enumerate(offset->factors)) {
    if (isZero(factor))
      continue;
    int shared = statement.nest->shared[number];
    bool isWithin = scratch && scratch->isBlocked;
    if (statement.loops[number] == loop && loop >= 0
            ? shared >= 0 && !isWithin && group.dims[shared].block % width != 0 &&
                  !isOne(group.dims[shared].blocks())
            : !isMultiple(factor, width))
      return false;
  }
  return true;
}

int64_t NestMemory::widest(Accesses accesses, int loop) const {
  int64_t most = 0; // bytes of an element
  for (auto [statement, access] : accesses)
    most = std::max(most, bytesOf(homes.bases[access->base].element));
  if (!most)
    return 1;
  AffineExpr size = inUnit(sweep.loops[loop], group);
  auto fits = [&](int64_t width) {
    return constantOf(size) && *constantOf(size) % width == 0 &&
           llvm::all_of(accesses, [&](auto access) {
             return isAlignedTo(*access.first, *access.second, loop, width);
           });
  };
  int64_t width = std::max<int64_t>(widestBytes / most, 1);
  while (width > 1 && !fits(width))
    width /= 2;
  return width;
}

int64_t NestMemory::widest(int loop) const {
  SmallVector<std::pair<const Statement *, const Access *>> accesses;
  forEachAccess([&](const Statement &statement, const Access &access) {
    if (stepOf(statement, access, loop) == Step::Neighbour)
      accesses.push_back({&statement, &access});
  });
  return widest(accesses, loop);
}

int64_t NestMemory::widest(const Statement &statement, const Access &access, int loop) const {
  return widest({{&statement, &access}}, loop);
}

Value NestMemory::isBufferAligned(const Access &access, int64_t width) {
  const Base &base = homes.bases[access.base];
  if (width == 1 || base.constant)
    return {};
  return e.areAligned({{base.buffer, width * bytesOf(base.element)}});
}

Value NestMemory::offsetInTile(ArrayRef<Value> point, ArrayRef<int64_t> strides) {
  Value result = e.constant(0);
  for (auto [index, stride] : llvm::zip(point, strides))
    if (stride)
      result = e.add(result, e.mul(index, stride));
  return result;
}

Value NestMemory::areBuffersAligned(int loop, int64_t width) {
  if (width == 1)
    return {};
  llvm::SmallSetVector<std::pair<Value, int64_t>, 4> buffers;
  forEachAccess([&](const Statement &statement, const Access &access) {
    if (stepOf(statement, access, loop) != Step::Neighbour || scratchOf(access) ||
        homes.bases[access.base].constant)
      return;
    const Base &base = homes.bases[access.base];
    buffers.insert({base.buffer, width * bytesOf(base.element)});
  });
  for (const Statement &statement : sweep.statements)
    for (const GatheredRow &row : rowsOf(statement, loop, width)) {
      const Base &base = homes.bases[row.access.base];
      buffers.insert({base.buffer, std::min(width * bytesOf(base.element), widestBytes)});
    }
  auto places = llvm::map_to_vector(buffers, [](auto buffer) {
    return AlignedPlace{buffer.first, buffer.second};
  });
  return places.empty() ? Value() : e.areAligned(places);
}
