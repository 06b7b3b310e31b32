#include "dialects/kern/Kern.h"

#include "dialects/Sizes.h"
#include "dialects/WeightBlocks.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/CheckedArithmetic.h"

using namespace mlir;
using namespace nncc::kern;
using nncc::WeightBlocks;

static_assert(panel == WeightBlocks::columns);

#include "dialects/kern/KernDialect.cpp.inc"
#include "dialects/kern/KernEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/kern/KernAttributes.cpp.inc"

void KernDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/kern/KernAttributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/kern/KernOps.cpp.inc"
      >();
}

MutableOperandRange ContractOp::getDpsInitsMutable() { return getInitMutable(); }
MutableOperandRange WindowOp::getDpsInitsMutable() { return getInitMutable(); }
MutableOperandRange AttentionOp::getDpsInitsMutable() { return getInitMutable(); }

static double nominalElements(RankedTensorType type) {
  double count = 1;
  for (AffineExpr size : nncc::shapeOf(type))
    count *= nncc::nominal(size);
  return count;
}

double ContractOp::getFlops() {
  double depth = nncc::nominal(nncc::shapeOf(getAType()).back()) / getGroups();
  double flops = 2.0 * nominalElements(getInitType()) * depth;
  if (getBLayout() == BLayout::Packed)
    flops *= llvm::product_of(getBType().getShape().slice(1 + (getGroups() > 1), getWindowRank()));
  return flops;
}

double WindowOp::getFlops() {
  double flops = (getKind() == WindowKind::Depthwise ? 2.0 : 1.0) * nominalElements(getInitType());
  for (int64_t size : getKernel())
    flops *= size;
  return flops;
}

double AttentionOp::getFlops() {
  double perKey = 2.0 * (nominalElements(getQueryType()) + nominalElements(getInitType()));
  return perKey * nncc::nominal(nncc::shapeOf(getKeyType())[2]);
}

bool nncc::kern::agree(int64_t a, int64_t b) {
  return ShapedType::isDynamic(a) || ShapedType::isDynamic(b) || a == b;
}

/// Checks what contract and window have in common: the window's arithmetic and the extras' maps.
template <typename Op> static LogicalResult verifyWindow(Op op, ArrayRef<int64_t> kernel) {
  int64_t window = op.getWindowRank();
  RankedTensorType x = op.getAType(), y = op.getInitType();
  int64_t rank = y.getRank(), rows = rank - 1 - window;
  if (static_cast<int64_t>(op.getDilations().size()) != window ||
      static_cast<int64_t>(op.getPads().size()) != 2 * window)
    return op.emitOpError("expects ") << window << " dilations and " << 2 * window << " pads";
  for (int64_t i = 0; i < rows; ++i)
    if (!agree(x.getDimSize(i), y.getDimSize(i)))
      return op.emitOpError("a and init differ in dim ") << i;
  for (int64_t i = 0; i < window; ++i) {
    int64_t in = x.getDimSize(rows + i), out = y.getDimSize(rows + i);
    if (op.getStrides()[i] < 1 || op.getDilations()[i] < 1 || op.getPads()[i] < 0 ||
        op.getPads()[window + i] < 0)
      return op.emitOpError("expects positive strides and dilations, no negative pad");
    if (ShapedType::isDynamic(in) || ShapedType::isDynamic(kernel[i]))
      continue;
    int64_t padded = in + op.getPads()[i] + op.getPads()[window + i];
    int64_t covered = padded - (kernel[i] - 1) * op.getDilations()[i] - 1;
    if (covered < 0 || !agree(out, covered / op.getStrides()[i] + 1))
      return op.emitOpError("the window of dim ") << i << " does not give " << out << " rows";
  }
  if (op.getMaps().size() != op.getExtras().size())
    return op.emitOpError("expects one map per extra");
  for (auto [extra, map] :
       llvm::zip(op.getExtras(), op.getMaps().template getAsValueRange<AffineMapAttr>())) {
    auto type = cast<RankedTensorType>(extra.getType());
    if (map.getNumDims() != rank || map.getNumResults() != type.getRank() ||
        !map.isProjectedPermutation(/*allowZeroInResults=*/true))
      return op.emitOpError("expects a projected permutation of the ")
             << rank << " dims of init for each extra";
    for (auto [i, result] : llvm::enumerate(map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(result);
      if (!agree(type.getDimSize(i), dim ? y.getDimSize(dim.getPosition()) : 1))
        return op.emitOpError("the shape of an extra does not fit its map");
    }
  }
  if (op.getResult().getType() != y)
    return op.emitOpError("expects init's type as result");
  return success();
}

/// The type that kernels store: integers have no sign.
static Type storedType(RankedTensorType type) {
  auto integer = dyn_cast<IntegerType>(type.getElementType());
  return integer ? IntegerType::get(type.getContext(), integer.getWidth()) : type.getElementType();
}

template <typename Op> static LogicalResult verifyEpilogue(Op op) {
  auto yield = dyn_cast<YieldOp>(op.getBody()->getTerminator());
  if (!yield || yield.getValue().getType() != storedType(op.getInitType()))
    return op.emitOpError("expects to yield one element of init");
  if (op.getBody()->getNumArguments() != 1 + op.getExtras().size())
    return op.emitOpError("expects block arguments: the sum and one per extra");
  for (auto [argument, extra] :
       llvm::zip(op.getBody()->getArguments().drop_front(), op.getExtras()))
    if (argument.getType() != storedType(cast<RankedTensorType>(extra.getType())))
      return op.emitOpError("expects an extra's element type as block argument");
  for (Operation &inner : op.getBody()->without_terminator())
    if (!isMemoryEffectFree(&inner) || inner.getNumRegions())
      return inner.emitOpError("is not allowed in an epilogue");
  return success();
}

/// Packed b in blocks.
static LogicalResult verifyBlocks(ContractOp op) {
  RankedTensorType x = op.getAType(), w = op.getBType(), y = op.getInitType();
  int64_t bits = op.getBlocks()->getBits(), rows = op.getBlocks()->getRows();
  int64_t depth = x.getShape().back(), columns = y.getShape().back();
  if (op.getBLayout() != BLayout::Packed || op.getWindowRank() || op.getGroups() != 1)
    return op.emitOpError("expects packed b, without window and groups, in blocks");
  if ((bits != 8 && bits != 4) || rows < 1 || rows > WeightBlocks::mostRows ||
      (bits == 4 && rows % 2))
    return op.emitOpError("expects blocks of 8 or 4 bits, the latter of an even number of rows");
  if (ShapedType::isDynamic(depth) || ShapedType::isDynamic(columns) ||
      depth > WeightBlocks::mostRows || (bits == 4 && depth % 2))
    return op.emitOpError("expects constant sizes, and an even K of 4 bits");
  int64_t sizes[] = {llvm::divideCeilSigned(columns, panel),
                     WeightBlocks{bits, rows}.panelBytes(depth)};
  if (!x.getElementType().isF32() || !w.getElementType().isInteger(8) ||
      w.getShape() != ArrayRef(sizes))
    return op.emitOpError("expects a of f32 and b of bytes [")
           << sizes[0] << ", " << sizes[1] << "], found " << w;
  return verifyWindow(op, {});
}

static LogicalResult verifyPacked(ContractOp op) {
  RankedTensorType x = op.getAType(), w = op.getBType(), y = op.getInitType();
  int64_t window = op.getWindowRank(), groups = op.getGroups(), lead = groups > 1;
  int64_t step = op.isOfBytes() ? bytesPerStep : 1, rank = window + 3 + lead;
  if (groups < 1 || w.getRank() != rank + (step > 1))
    return op.emitOpError("expects packed b of rank ") << rank + (step > 1);
  int64_t depth = w.getDimSize(rank - 2), columns = y.getShape().back();
  if (lead && !agree(w.getDimSize(0), groups))
    return op.emitOpError("expects b of ") << groups << " groups";
  if (!agree(w.getDimSize(rank - 1), panel) || (step > 1 && !agree(w.getShape().back(), step)) ||
      !(ShapedType::isDynamic(depth) || agree(depth * step * groups, x.getShape().back())))
    return op.emitOpError("expects b ")
           << (step > 1 ? "[N/16, window..., K/4, 16, 4]" : "[N/16, window..., K, 16]")
           << " with K = " << x.getShape().back() / groups << ", found " << w;
  if (!ShapedType::isDynamic(columns) &&
      (columns % groups || !agree(w.getDimSize(lead), llvm::divideCeil(columns / groups, panel))))
    return op.emitOpError("expects b of ")
           << llvm::divideCeil(columns / groups, panel) << " panels, found " << w;
  return verifyWindow(op, w.getShape().slice(1 + lead, window));
}

static LogicalResult verifyPlan(ContractOp op, PlanAttr plan) {
  for (int64_t number :
       {plan.getRows(), plan.getPanels(), plan.getKBlocks(), plan.getUnitTiles(), plan.getUnroll()})
    if (number < 1)
      return op.emitOpError("expects a plan of positive numbers, found ") << plan;
  if (plan.getPrefetches() < 0 || plan.getPrefetches() > mostPrefetches)
    return op.emitOpError("expects 0 to ") << mostPrefetches << " prefetches, found " << plan;
  if (plan.getLead() < 0 || plan.getLead() > mostLead)
    return op.emitOpError("expects a lead of 0 to ") << mostLead << " lines, found " << plan;
  return success();
}

/// What Winograd's algorithm computes, and numbers of which a kernel can be made.
static LogicalResult verifyPlan(ContractOp op, WinogradPlanAttr plan) {
  constexpr int64_t mostSums = 32, most = 1 << 20; // registers; of each other number
  if (plan.getTile() != 2 && plan.getTile() != 4)
    return op.emitOpError("expects tiles of 2x2 or 4x4, found ") << plan;
  for (int64_t number : {plan.getUnitTiles(), plan.getUnitPanels(), plan.getKBlock(),
                         plan.getRows(), plan.getPanels()})
    if (number < 1 || number > most)
      return op.emitOpError("expects a plan of numbers from 1 to ") << most << ", found " << plan;
  if (plan.getRows() * plan.getPanels() > mostSums)
    return op.emitOpError("expects a register tile of at most ")
           << mostSums << " panels, found " << plan;
  auto isOnes = [](ArrayRef<int64_t> numbers) {
    return llvm::all_equal(numbers) && numbers[0] == 1;
  };
  RankedTensorType w = op.getBType();
  bool isWindow = op.getWindowRank() == 2 && op.getBLayout() == BLayout::Packed &&
                  op.getGroups() == 1 && w.getRank() == 5 && w.getDimSize(1) == 3 &&
                  w.getDimSize(2) == 3 && isOnes(op.getStrides()) && isOnes(op.getDilations());
  if (!isWindow || !op.getAType().getElementType().isF32() || !w.getElementType().isF32())
    return op.emitOpError("expects a 3x3 window of stride and dilation 1 over f32 in one group");
  return success();
}

LogicalResult ContractOp::verify() {
  if (getAType().getRank() != getInitType().getRank() || getInitType().getRank() <= getWindowRank())
    return emitOpError("expects a and init of one rank, at least ") << getWindowRank() + 1;
  if (auto plan = dyn_cast_or_null<PlanAttr>(getPlanAttr());
      plan && failed(verifyPlan(*this, plan)))
    return failure();
  auto winograd = dyn_cast_or_null<WinogradPlanAttr>(getPlanAttr());
  if (getBlocks())
    return success(succeeded(verifyBlocks(*this)) &&
                   (!winograd || succeeded(verifyPlan(*this, winograd))));
  RankedTensorType x = getAType(), w = getBType(), y = getInitType();
  bool isRounded =
      w.getElementType().isBF16() && x.getElementType().isF32() && getBLayout() == BLayout::Packed;
  if (isOfBytes() ? !w.getElementType().isSignlessInteger(8)
                  : w.getElementType() != x.getElementType() && !isRounded)
    return emitOpError("expects b of the type of a, or of i8 where a has bytes, found ") << w;
  if (isOfBytes() && getBLayout() != BLayout::Packed)
    return emitOpError("expects packed b where bytes are multiplied");
  if (getBLayout() == BLayout::Packed)
    return success(succeeded(verifyPacked(*this)) &&
                   (!winograd || succeeded(verifyPlan(*this, winograd))));
  if (winograd)
    return verifyPlan(*this, winograd);
  bool transposed = getBLayout() == BLayout::Transposed;
  if (getWindowRank() || getGroups() != 1)
    return emitOpError("expects packed b for a window or groups");
  if (w.getRank() < 2 || w.getRank() > y.getRank())
    return emitOpError("expects b of a rank from 2 to ") << y.getRank();
  int64_t depth = w.getDimSize(w.getRank() - (transposed ? 1 : 2));
  int64_t columns = w.getDimSize(w.getRank() - (transposed ? 2 : 1));
  if (!agree(depth, x.getShape().back()) || !agree(columns, y.getShape().back()))
    return emitOpError("b, ") << w << ", does not fit a, " << x << ", and init, " << y;
  for (int64_t i = 0; i < w.getRank() - 2; ++i)
    if (w.getDimSize(i) != 1 && !agree(w.getDimSize(i), y.getDimSize(i)))
      return emitOpError("b and init differ in batch dim ") << i;
  return verifyWindow(*this, {});
}

LogicalResult ContractOp::verifyRegions() {
  if (failed(verifyEpilogue(*this)))
    return failure();
  Builder b(getContext());
  Type element = storedType(getAType()), sum = element;
  if (isOfBytes())
    sum = b.getI32Type();
  else if (isOfHalves())
    sum = b.getF32Type();
  if (getSumType() != sum)
    return emitOpError("expects sums of ") << sum << ", found " << getSumType();
  return success();
}

LogicalResult WindowOp::verify() {
  int64_t window = getWindowRank();
  if (getAType().getRank() != getInitType().getRank() || getInitType().getRank() <= window)
    return emitOpError("expects a and init of one rank, at least ") << window + 1;
  if (window < 1 || static_cast<int64_t>(getKernel().size()) != window)
    return emitOpError("expects one size of the kernel per stride, at least one");
  if ((getKind() == WindowKind::Depthwise) != static_cast<bool>(getWeights()))
    return emitOpError("expects weights for a depthwise convolution, and only there");
  if (getWeights()) {
    auto type = cast<RankedTensorType>(getWeights().getType());
    if (type.getRank() != window + 1 ||
        !agree(type.getShape().back(), getAType().getShape().back()))
      return emitOpError("expects weights [window..., C], found ") << type;
    for (int64_t i = 0; i < window; ++i)
      if (!agree(type.getDimSize(i), getKernel()[i]))
        return emitOpError("weights, ") << type << ", are not of the kernel's size";
  }
  if (!agree(getAType().getShape().back(), getInitType().getShape().back()))
    return emitOpError("a and init differ in channels");
  if (getByteWeights() && !(getWeights() && getElementTypeOrSelf(getWeights()).isF32() &&
                            getAType().getElementType().isInteger(8)))
    return emitOpError("expects byte_weights with bytes in a and weights of f32");
  return verifyWindow(*this, getKernel());
}

LogicalResult WindowOp::verifyRegions() { return verifyEpilogue(*this); }

/// Numbers of which a kernel can be made.
static LogicalResult verifyPlan(AttentionOp op, AttentionPlanAttr plan) {
  constexpr int64_t most = 1 << 20; // each number
  for (int64_t number : {plan.getQueries(), plan.getKeys(), plan.getKeyBlock(), plan.getRows(),
                         plan.getPanels(), plan.getUnitBlocks()})
    if (number < 1 || number > most)
      return op.emitOpError("expects a plan of numbers from 1 to ") << most << ", found " << plan;
  if (panel % plan.getRows() || plan.getKeyBlock() % panel)
    return op.emitOpError("expects rows that divide 16 and blocks of multiples of 16 keys, found ")
           << plan;
  if (std::max(plan.getQueries() * plan.getKeys(), plan.getRows() * plan.getPanels()) > mostSums)
    return op.emitOpError("expects register tiles of at most ")
           << mostSums << " panels, found " << plan;
  return success();
}

LogicalResult AttentionOp::verify() {
  RankedTensorType query = getQueryType(), key = getKeyType(), value = getValueType();
  RankedTensorType init = getInitType();
  Type element = init.getElementType();
  if (!element.isF32() && !element.isF16() && !element.isBF16())
    return emitOpError("expects operands of f32, f16 or bf16, found ") << element;
  for (RankedTensorType type : {query, key, value, init}) {
    if (type.getRank() != 4)
      return emitOpError("expects operands of rank 4, found ") << type;
    if (type.getElementType() != element)
      return emitOpError("expects operands of ")
             << element << " as init, found " << type.getElementType();
  }
  auto expect = [&](int64_t a, int64_t b, StringRef what) -> LogicalResult {
    return agree(a, b) ? success() : LogicalResult(emitOpError("expects ") << what);
  };
  for (RankedTensorType type : {key, value, init})
    if (failed(expect(type.getDimSize(0), query.getDimSize(0), "one batch size")))
      return failure();
  int64_t heads = query.getDimSize(1), groups = key.getDimSize(1);
  if (ShapedType::isDynamic(heads) || ShapedType::isDynamic(groups) || groups < 1 || heads % groups)
    return emitOpError("expects heads of the query that are a multiple of those of the key");
  if (failed(expect(groups, value.getDimSize(1), "key and value of as many heads")) ||
      failed(expect(heads, init.getDimSize(1), "as many heads in query and init")) ||
      failed(expect(query.getDimSize(2), init.getDimSize(2), "as many rows in query and init")) ||
      failed(expect(query.getDimSize(3), key.getDimSize(3), "query and key of one depth")) ||
      failed(expect(key.getDimSize(2), value.getDimSize(2), "as many keys as values")) ||
      failed(expect(value.getDimSize(3), init.getDimSize(3), "value and init of one width")))
    return failure();
  if (AttentionPlanAttr plan = getPlanAttr())
    if (failed(verifyPlan(*this, plan)))
      return failure();
  if (getResult().getType() != init)
    return emitOpError("expects init's type as result");
  if (!getMask())
    return getFill() ? emitOpError("expects a mask where there is a fill") : success();
  auto mask = cast<RankedTensorType>(getMask().getType());
  int64_t scores[] = {query.getDimSize(0), heads, query.getDimSize(2), key.getDimSize(2)};
  if (mask.getRank() != 4 || !mask.getElementType().isF32())
    return emitOpError("expects a mask of rank 4 and f32, found ") << mask;
  for (auto [size, full] : llvm::zip(mask.getShape(), scores))
    if (size != 1 && !agree(size, full))
      return emitOpError("expects a mask that broadcasts to the scores, found ") << mask;
  return success();
}

LogicalResult PackOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType());
  auto result = cast<RankedTensorType>(getResult().getType());
  if (static_cast<int64_t>(getDims().size()) != result.getRank() ||
      static_cast<int64_t>(getFactors().size()) != result.getRank())
    return emitOpError("expects one dim and one factor per dim of the result");
  if (result.getRank() == 0)
    return emitOpError("expects a result of 1 dim or more");
  if (source.getElementType() != result.getElementType() || !source.hasStaticShape() ||
      !result.hasStaticShape())
    return emitOpError("expects static shapes of one element type");
  for (auto [dim, factor] : llvm::zip(getDims(), getFactors()))
    if (dim < 0 || dim >= source.getRank() || factor < 1)
      return emitOpError("expects dims of the source and positive factors");
  // Indices into the source are sums of products: none of them overflows.
  SmallVector<int64_t> last(source.getRank(), 0);
  for (auto [size, dim, factor] : llvm::zip(result.getShape(), getDims(), getFactors())) {
    std::optional<int64_t> end = llvm::checkedMulAdd(size, factor, last[dim]);
    if (!end || *end > (int64_t(1) << 47))
      return emitOpError("expects indices into the source below 2^47");
    last[dim] = *end;
  }
  return success();
}

int64_t nncc::kern::elementsPerLine(Value buffer) {
  return cacheLine * 8 / cast<MemRefType>(buffer.getType()).getElementTypeBitWidth();
}

LogicalResult BrgemmOp::verify() {
  if (getAStrides().size() != getCounts().size() || getBStrides().size() != getCounts().size() ||
      getCounts().empty())
    return emitOpError("expects one stride of each operand per loop");
  int64_t open = llvm::count(getAStrides(), ShapedType::kDynamic) +
                 llvm::count(getBStrides(), ShapedType::kDynamic) +
                 ShapedType::isDynamic(getRowStride());
  if (static_cast<int64_t>(getOpenStrides().size()) != open)
    return emitOpError("expects one operand per dynamic stride");
  if (ShapedType::isDynamic(getPanelStride()))
    return emitOpError("expects a constant distance of panels");
  if (getAcc().empty() || getAcc().getTypes() != getResultTypes() || getNv() < 1 ||
      getAcc().size() % getNv())
    return emitOpError("expects accumulators of rows x nv");
  if (getUnroll() < 1)
    return emitOpError("expects to unroll by at least one step");
  if (getPrefetch() ? getPrefetches() < 1 : getPrefetches() != 0)
    return emitOpError("expects a number of prefetches with the offset where they begin");
  if (static_cast<int64_t>(getLead()) < 0)
    return emitOpError("expects a lead of 0 lines or more");
  Type factor = cast<MemRefType>(getA().getType()).getElementType();
  Type weight = cast<MemRefType>(getB().getType()).getElementType();
  if (BlocksAttr blocks = getBlocksAttr()) {
    std::optional<int64_t> rows = getConstantIntValue(getCounts().back());
    if (!weight.isInteger(8) || !factor.isF32() || !getElementTypeOrSelf(getAcc().front()).isF32())
      return emitOpError("expects bytes in b, and sums of f32, with blocks");
    if (!rows || *rows > blocks.getRows() || (blocks.getBits() == 4 && *rows % 2))
      return emitOpError(
          "expects to take a constant number of rows of a block, an even one of 4 bits");
    return success();
  }
  Type sum = factor.isInteger(8) ? Builder(getContext()).getI32Type() : factor;
  if ((weight != factor && !(weight.isBF16() && factor.isF32())) ||
      getElementTypeOrSelf(getAcc().front()) != sum)
    return emitOpError(
        "expects a, b and accumulators of one type, or bytes and accumulators of i32");
  auto type = cast<VectorType>(getAcc().front().getType());
  if (!llvm::all_equal(getAcc().getTypes()) ||
      (factor.isInteger() && (type.isScalable() || type.getNumElements() != panel)))
    return emitOpError("expects accumulators of one type, of 16 lanes where bytes are multiplied");
  return success();
}

#define GET_OP_CLASSES
#include "dialects/kern/KernOps.cpp.inc"
