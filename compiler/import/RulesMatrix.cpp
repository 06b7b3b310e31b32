// Functions of matrices.
#include "compiler/import/Compose.h"
#include "compiler/import/Rules.h"

using namespace mlir;
using namespace nncc;

// By elimination with the largest element of a column as pivot, unrolled over the columns. ONNX
// Det.
static void importDet(OpBinder &b) {
  Compose f{b};
  Value x = b.input(0);
  const int64_t rank = b.rankOf(x);
  if (rank < 2)
    return (void)b.invalid("expected square matrices, found an operand of " + Twine(rank) +
                           " dims");
  const int64_t size = b.fixedSizeOf(x, rank - 1);
  constexpr int64_t mostColumns = 64;
  if (b.fixedSizeOf(x, rank - 2) != size)
    return (void)b.invalid("expected square matrices, found " + Twine(b.fixedSizeOf(x, rank - 2)) +
                           " rows of " + Twine(size));
  if (size > mostColumns || b.hasFailed())
    return (void)b.unsupported("matrices of " + Twine(size) +
                               " columns are not supported, only up to " + Twine(mostColumns));
  Shape batch = b.shapeOf(x);
  batch.resize(rank - 2);
  Value one = f.number(x, 1), zero = f.number(x, 0), result;
  for (int64_t left = size; left > 0; --left) {
    Value column = f.slice(x, rank - 1, 0, 1);
    nn::ArgReduceOp::Properties largest;
    largest.kind = nn::ArgReduceKindAttr::get(b.getBuilder().getContext(), nn::ArgReduceKind::Max);
    largest.axis = b.i64(rank - 2);
    largest.keepdims = b.unitIf(true);
    Value place = b.create<nn::ArgReduceOp>({f.unary<nn::AbsOp>(column)}, largest); // [.., 1, 1]
    Shape row = batch;
    row.push_back(b.getBuilder().getAffineConstantExpr(1));
    row.push_back(b.getBuilder().getAffineConstantExpr(left));
    nn::GatherElementsOp::Properties along;
    along.axis = b.i64(rank - 2);
    Value pivotRow =
        b.create<nn::GatherElementsOp>({x, b.create<nn::ExpandOp>({place, b.sizes(row)})}, along);
    Value pivot = f.slice(pivotRow, rank - 1, 0, 1);
    Value isFirst = f.compare(nn::CompareKind::Equal, place, f.number(place, 0));
    Value factor = f.where(isFirst, pivot, f.unary<nn::NegOp>(pivot)); // rows that change places
    result = result ? f.mul(result, factor) : factor;
    if (left == 1)
      break;
    SmallVector<int64_t> others = llvm::to_vector(llvm::seq<int64_t>(1, left));
    Value isPivot =
        f.compare(nn::CompareKind::Equal, b.reshape(b.constant(others), {left - 1, 1}), place);
    Value rows = f.where(isPivot, f.slice(x, rank - 2, 0, 1), f.slice(x, rank - 2, 1, left));
    Value isZero = f.compare(nn::CompareKind::Equal, pivot, zero); // all of the column
    Value share = f.div(f.slice(rows, rank - 1, 0, 1), f.where(isZero, one, pivot));
    x = f.sub(f.slice(rows, rank - 1, 1, left), f.mul(share, f.slice(pivotRow, rank - 1, 1, left)));
  }
  if (!result) // of no elements
    result = b.create<nn::ExpandOp>({one, b.sizes(batch)});
  b.result(b.reshapeTo(result, batch));
}

void nncc::addMatrixRules(Rules &rules) { rules.onOp("Det", 11, importDet); }
