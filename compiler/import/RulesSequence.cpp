// Sequences and optionals, by the lists of values that they are.
#include "compiler/import/Compose.h"
#include "compiler/import/Rules.h"
#include "compiler/import/Sequence.h"

#include "mlir/IR/BuiltinOps.h"

using namespace mlir;
using namespace nncc;

Value nncc::makeSequence(OpBuilder &b, Location loc, ValueRange elements) {
  auto type = TupleType::get(b.getContext(), elements.getTypes());
  return UnrealizedConversionCastOp::create(b, loc, type, elements).getResult(0);
}

bool nncc::isSequence(Value value) { return value && llvm::isa<TupleType>(value.getType()); }

ValueRange nncc::elementsOf(Value sequence) {
  return sequence.getDefiningOp<UnrealizedConversionCastOp>().getInputs();
}

Value nncc::makeNone(OpBuilder &b, Location loc) {
  Type type = b.getNoneType();
  return UnrealizedConversionCastOp::create(b, loc, type, ValueRange()).getResult(0);
}

bool nncc::isNone(Value value) { return value && llvm::isa<NoneType>(value.getType()); }

static Value sequenceOf(OpBinder &b, ValueRange elements) {
  if (b.hasFailed() || llvm::is_contained(elements, Value()))
    return {};
  return makeSequence(b.getBuilder(), b.getLocation(), elements);
}

// A position in a sequence of `count` elements, from the back where it is negative; the last one
// where it is left out.
static int64_t readPosition(OpBinder &b, Value position, int64_t count, int64_t otherwise) {
  if (!position)
    return otherwise;
  auto known = b.requireIntegers(position, "the position in a sequence");
  if (known.size() != 1 || known[0] < -count || known[0] >= count) {
    if (!b.hasFailed())
      b.invalid("the position " + Twine(known.empty() ? 0 : known[0]) + " is outside of [" +
                Twine(-count) + ", " + Twine(count - 1) + "]");
    return 0;
  }
  return known[0] < 0 ? known[0] + count : known[0];
}

static void importAt(OpBinder &b) {
  ValueRange elements = elementsOf(b.input(0));
  const int64_t position = readPosition(b, b.input(1), elements.size(), 0);
  if (!b.hasFailed())
    b.result(elements[position]);
}

static void importInsert(OpBinder &b) {
  SmallVector<Value> elements(elementsOf(b.input(0)));
  const int64_t count = elements.size();
  int64_t position = count;
  if (Value given = b.input(2)) { // one more than there are is allowed: behind the last one
    auto known = b.integersOf(given);
    if (!known || known->size() != 1 || known->front() != count)
      position = readPosition(b, given, count, count);
  }
  if (b.hasFailed())
    return;
  elements.insert(elements.begin() + position, b.input(1));
  b.result(sequenceOf(b, elements));
}

static void importErase(OpBinder &b) {
  SmallVector<Value> elements(elementsOf(b.input(0)));
  const int64_t count = elements.size();
  if (!count)
    return (void)b.invalid("takes an element out of an empty sequence");
  const int64_t position = readPosition(b, b.input(1), count, count - 1);
  elements.erase(elements.begin() + position);
  b.result(sequenceOf(b, elements));
}

// The sizes of the parts: given, or chunks of one size, with a smaller last one, in a dim of known
// size.
static Shape readParts(OpBinder &b, Value x, int64_t axis) {
  Value split = b.input(1);
  if (split && b.rankOf(split) == 1)
    return b.sizesOf(split, "the size of a part");
  const auto given =
      split ? b.requireIntegers(split, "the size of its parts") : SmallVector<int64_t>{1};
  if (given.size() != 1 || given[0] < 1) {
    if (!b.hasFailed())
      b.invalid("expects parts of 1 or more elements");
    return {};
  }
  const int64_t size = b.fixedSizeOf(x, axis);
  SmallVector<int64_t> parts;
  for (int64_t start = 0; start < size; start += given[0])
    parts.push_back(std::min(given[0], size - start));
  return makeShape(parts, b.getBuilder().getContext());
}

static void importSplit(OpBinder &b) {
  Value x = b.input(0);
  const int64_t axis = b.axis(b.integer("axis", 0), b.rankOf(x));
  if (b.hasFailed())
    return;
  const Shape parts = readParts(b, x, axis);
  if (b.hasFailed())
    return;
  AffineExpr left = b.shapeOf(x)[axis];
  for (AffineExpr part : parts)
    left = left - part;
  b.requireZeros(left, "its parts do not add up to the " + nn::textOf(b.shapeOf(x)[axis]) +
                           " elements of axis " + Twine(axis));
  const bool isKnown = !b.input(1) || nn::factOf(b.input(1)).value;
  SmallVector<Value> elements = Compose{b}.split(x, axis, parts, isKnown);
  if (!b.input(1) && !b.flag("keepdims", true))
    for (Value &element : elements) {
      Shape shape = b.shapeOf(element);
      shape.erase(shape.begin() + axis);
      element = b.reshapeTo(element, shape);
    }
  b.result(sequenceOf(b, elements));
}

static void importConcat(OpBinder &b) {
  SmallVector<Value> elements(elementsOf(b.input(0)));
  if (elements.empty())
    return (void)b.invalid("joins the elements of an empty sequence");
  const bool isNew = b.flag("new_axis");
  const int64_t axis = b.axis(b.integer("axis", 0), b.rankOf(elements[0]) + isNew);
  if (b.hasFailed())
    return;
  if (isNew)
    for (Value &element : elements) {
      Shape shape = b.shapeOf(element);
      shape.insert(shape.begin() + axis, b.getBuilder().getAffineConstantExpr(1));
      element = b.reshapeTo(element, shape);
    }
  b.result(Compose{b}.concat(elements, axis));
}

static void importOptional(OpBinder &b) {
  b.result(b.input(0) ? b.input(0) : makeNone(b.getBuilder(), b.getLocation()));
}

static void importHasElement(OpBinder &b) {
  b.result(b.scalar(b.getBuilder().getI1Type(), b.input(0) && !isNone(b.input(0))));
}

static void importGetElement(OpBinder &b) {
  if (isNone(b.input(0)))
    return (void)b.invalid("takes the element of an optional that has none");
  b.result(b.input(0));
}

void nncc::addSequenceRules(Rules &rules) {
  rules.onOp("SequenceConstruct", 11, [](OpBinder &b) { b.result(sequenceOf(b, b.allInputs())); });
  rules.onOp("SequenceEmpty", 11, [](OpBinder &b) { b.result(sequenceOf(b, {})); });
  rules.onOp("SequenceInsert", 11, importInsert);
  rules.onOp("SequenceErase", 11, importErase);
  rules.onOp("SequenceAt", 11, importAt);
  rules.onOp("SequenceLength", 11, [](OpBinder &b) {
    b.result(b.scalar(b.getBuilder().getI64Type(), double(elementsOf(b.input(0)).size())));
  });
  rules.onOp("SplitToSequence", 11, importSplit);
  rules.onOp("ConcatFromSequence", 11, importConcat);
  rules.onOp("Optional", 15, importOptional);
  rules.onOp("OptionalHasElement", 15, importHasElement);
  rules.onOp("OptionalGetElement", 15, importGetElement);
}
