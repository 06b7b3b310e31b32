// Rows that the bodies of nests read at indices which they compute: of tables, or of what is
// sliced.
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "targets/kernel/BodyEvaluator.h"
#include "targets/nvptx/NestMemory.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

bool NestMemory::isFixed(const Statement &statement, Value value, int loop,
                         SmallVectorImpl<Operation *> &ops) const {
  const Nest &nest = *statement.nest;
  if (auto argument = dyn_cast<BlockArgument>(value);
      argument && argument.getOwner() == nest.body) {
    size_t input = argument.getArgNumber();
    return input < nest.inputs.size() && statement.forwarded[input].first < 0 &&
           stepOf(statement, nest.inputs[input], loop) == Step::None;
  }
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != nest.body || llvm::is_contained(ops, op))
    return true;
  if (op->getNumRegions())
    return false;
  if (auto index = dyn_cast<linalg::IndexOp>(op)) {
    AffineExpr expression = nest.loopIndices[index.getDim()];
    for (auto [number, at] : llvm::enumerate(statement.loops))
      if (at == loop && expression.isFunctionOfDim(number))
        return false;
  }
  if (!llvm::all_of(op->getOperands(),
                    [&](Value operand) { return isFixed(statement, operand, loop, ops); }))
    return false;
  ops.push_back(op);
  return true;
}

std::optional<GatheredRow> NestMemory::rowOf(const Statement &statement, tensor::ExtractOp op,
                                             int loop) const {
  const Nest &nest = *statement.nest;
  const unsigned base = homes.of(op.getTensor()).base;
  std::optional<Place> place = homes.place(op.getTensor());
  if (!place || !place->buffer || homes.bases[base].constant || group.scratch.contains(base))
    return std::nullopt;
  GatheredRow row{op, {}, {}, *place, {}};
  row.access.base = base, row.access.element = op.getType();
  for (auto [index, stride] : llvm::zip(op.getIndices(), place->strides)) {
    if (isFixed(statement, index, loop, row.indices))
      continue;
    auto counter = index.getDefiningOp<linalg::IndexOp>();
    if (!counter || !isOne(stride) || row.access.flat)
      return std::nullopt;
    row.access.flat = linearOf(nest.loopIndices[counter.getDim()], nest.sizes.size());
    if (!row.access.flat || stepOf(statement, row.access, loop) != Step::Neighbour)
      return std::nullopt;
    row.access.flat->constant = normalForm(row.access.flat->constant + place->offset);
    row.indices.push_back(counter);
    row.counter = index;
  }
  return row.access.flat ? std::optional(row) : std::nullopt;
}

std::vector<GatheredRow> NestMemory::rowsOf(const Statement &statement, int loop,
                                            int64_t width) const {
  std::vector<GatheredRow> result;
  if (!statement.nest->body || loop < 0 || width == 1)
    return result;
  for (auto op : statement.nest->body->getOps<tensor::ExtractOp>()) {
    std::optional<GatheredRow> row = rowOf(statement, op, loop);
    if (!row)
      continue;
    int64_t bytes = homes.bases[row->access.base].element.getIntOrFloatBitWidth() / 8;
    const int64_t atOnce = std::min(width, widestBytes / bytes);
    bool areFixedAligned = true;
    for (auto [index, stride] : llvm::zip(op.getIndices(), row->place.strides))
      areFixedAligned &=
          index == row->counter || getConstantIntValue(index) == 0 || areMultiples(stride, atOnce);
    if (areFixedAligned && isAlignedTo(statement, row->access, loop, atOnce))
      result.push_back(std::move(*row));
  }
  return result;
}

NestMemory::Values NestMemory::read(const GatheredRow &row, Value first, int64_t width,
                                    bool isAligned) {
  Values result;
  if (isAligned)
    result = e.loadNeighbours(row.place.buffer, first, width);
  for (int64_t i = 0; !isAligned && i < width; ++i)
    result.push_back(memref::LoadOp::create(e.b, e.loc, row.place.buffer, e.add(first, i)));
  for (Value &value : result)
    value = fromMemory(e, value, row.access.element);
  return result;
}
