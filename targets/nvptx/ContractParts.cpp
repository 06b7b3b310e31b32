#include "targets/nvptx/ContractParts.h"
#include "targets/nvptx/ContractProducts.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

PartialSums::PartialSums(ThreadBlock &e, const Contraction &p, const ContractTile &tile)
    : e(e), p(p), parts(tile.parts), batches(fixed(p.batchCount())), rows(fixed(p.rowCount())),
      columns(fixed(p.n.size)),
      memory(e.kernel.allocateWorkspace(
          e.b, e.loc, e.b.getAffineConstantExpr(parts * batches * rows * columns), p.element)) {}

Value PartialSums::offset(Value batch, Value row, Value column) {
  return e.add(e.mul(e.add(e.mul(batch, rows), row), columns), column);
}

void PartialSums::store(Value part, Value batch, Value row, Value column, Value sum) {
  Value at = offset(e.add(e.mul(part, batches), batch), row, column);
  memref::StoreOp::create(e.b, e.loc, sum, memory, at);
}

Value PartialSums::sum(Value batch, Value row, Value column) {
  Value first = offset(batch, row, column), sum;
  SmallVector<Value> values; // all of them are on their way at once
  for (int64_t part = 0; part < parts; ++part)
    values.push_back(
        memref::LoadOp::create(e.b, e.loc, memory, e.add(first, part * batches * rows * columns)));
  for (Value value : values)
    sum = sum ? addSums(e, p, sum, value) : value;
  return sum;
}
