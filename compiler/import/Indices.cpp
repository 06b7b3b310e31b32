#include "compiler/import/Indices.h"

#include "dialects/SizeText.h"
#include "dialects/nn/Limits.h"
#include "dialects/rt/RT.h"

using namespace mlir;
using namespace nncc;

// Whether a run that comes here has made this check.
static bool isRequired(Value value, AffineMap low, AffineMap high, Block *block) {
  return llvm::any_of(value.getUsers(), [&](Operation *user) {
    auto known = llvm::dyn_cast<rt::WithinOp>(user);
    return known && known.getLow() == low && known.getHigh() == high &&
           known->getParentRegion()->isAncestor(block->getParent());
  });
}

// The first element that no run can find inside.
static std::optional<std::string> findOutside(ArrayRef<int64_t> elements, ArrayRef<AffineExpr> low,
                                              ArrayRef<AffineExpr> high) {
  for (auto [i, element] : llvm::enumerate(elements)) {
    const auto from = constantOf(low[i % low.size()]), to = constantOf(high[i % high.size()]);
    if (from && to && (element < *from || element > *to))
      return (" is " + Twine(element) + ", outside of [" + Twine(*from) + ", " + Twine(*to) + "]")
          .str();
  }
  return std::nullopt;
}

namespace {
/// Elements over the symbols of the program, and their limits: no memory has to be looked at.
struct Expected {
  Shape values, low, high;

  void add(AffineExpr value, AffineExpr from, AffineExpr to) {
    for (size_t i = 0; i < values.size(); ++i)
      if (values[i] == value && low[i] == from && high[i] == to)
        return;
    values.push_back(value), low.push_back(from), high.push_back(to);
  }
};
} // namespace

// The sizes of the program's inputs decide before it runs.
static void requireOfSizes(OpBinder &b, const Expected &expected, const Twine &what) {
  Shape zeros;
  for (auto [value, from, to] : llvm::zip(expected.values, expected.low, expected.high))
    zeros.push_back(normalForm(isLess(value, from) + isLess(to, value)));
  if (zeros.size() == 1)
    b.requireZeros(zeros, what + " of " + b.textOf(expected.values[0]) + " and its limits " +
                              b.textOf(expected.low[0]) + " and " + b.textOf(expected.high[0]) +
                              " do not fit each other");
  else
    b.requireZeros(zeros, what + " and the sizes of its dim do not fit each other");
}

static void requireOfSymbols(OpBinder &b, ArrayRef<AffineExpr> elements, ArrayRef<AffineExpr> low,
                             ArrayRef<AffineExpr> high, const Twine &what) {
  Expected ofInputs, ofRun;
  OpBuilder &builder = b.getBuilder();
  func::FuncOp program = programOf(builder);
  const unsigned given = givenSymbols(program);
  const bool isCertain = builder.getInsertionBlock() == &program.front();
  for (auto [i, element] : llvm::enumerate(elements)) {
    const AffineExpr from = low[i % low.size()], to = high[i % high.size()];
    const AffineExpr zero = normalForm(isLess(element, from) + isLess(to, element));
    const bool isGiven = isCertain && symbolCount(ArrayRef{element, from, to}) <= given;
    if (constantOf(zero) != 0)
      (isGiven || constantOf(zero) ? ofInputs : ofRun).add(element, from, to);
  }
  if (!ofInputs.values.empty())
    requireOfSizes(b, ofInputs, what);
  MLIRContext *context = builder.getContext();
  if (!ofRun.values.empty() && !b.hasFailed())
    rt::ExpectOp::create(builder, b.getLocation(), sizeMap(ofRun.values, context),
                         sizeMap(ofRun.low, context), sizeMap(ofRun.high, context),
                         ("node '" + b.getName() + "': " + what).str());
}

void nncc::requireWithin(OpBinder &b, Value value, ArrayRef<AffineExpr> low,
                         ArrayRef<AffineExpr> high, const Twine &what) {
  if (!value || b.hasFailed())
    return;
  auto known = b.integersOf(value);
  if (!known)
    known = nn::allIntegers(value);
  if (known)
    if (auto outside = findOutside(*known, low, high))
      return (void)b.invalid(what + *outside);
  if (nn::isWithin(value, low, high))
    return;
  if (const nn::Fact fact = nn::factOf(value); fact.value)
    return requireOfSymbols(b, *fact.value, low, high, what);
  OpBuilder &builder = b.getBuilder();
  const AffineMap from = sizeMap(low, builder.getContext()),
                  to = sizeMap(high, builder.getContext());
  if (!isRequired(value, from, to, builder.getInsertionBlock()))
    rt::WithinOp::create(builder, b.getLocation(), value, from, to,
                         ("node '" + b.getName() + "': " + what).str());
}

void nncc::requireIndices(OpBinder &b, Value indices, ArrayRef<AffineExpr> sizes) {
  Shape low, high;
  for (AffineExpr size : sizes) {
    low.push_back(normalForm(-size));
    high.push_back(normalForm(size - 1));
  }
  requireWithin(b, indices, low, high, "an index");
}
