// Sequences and optionals. Those whose length, and presence, is known are the values in them;
// others are tensors: see Values.h.
#include "compiler/import/Indices.h"
#include "compiler/import/Ragged.h"
#include "compiler/import/Rules.h"
#include "compiler/import/TypeMap.h"

using namespace mlir;
using namespace nncc;

// A list of tensors.
static Value listOf(OpBinder &b, ValueRange elements, Type tensor) {
  if (b.hasFailed() || llvm::is_contained(elements, Value()))
    return {};
  for (Value element : elements)
    if (!isa<RankedTensorType>(element.getType()))
      return b.invalid("puts " + describe(element.getType()) + " into a sequence");
  return makeList(b.getBuilder(), b.getLocation(), elements, tensor);
}

// Whether the place in a list is known when it is compiled: a list is all that is needed then.
static bool isListAt(OpBinder &b, Value list, Value position) {
  return isList(list) && (!position || b.integersOf(position));
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

static void importConstruct(OpBinder &b) {
  Value list = listOf(b, b.allInputs(), {});
  if (list && !tensorTypeOf(list))
    return (void)b.invalid("its inputs are of different types");
  b.result(list);
}

static void importEmpty(OpBinder &b) {
  Type element = b.valueElementType("dtype", b.getBuilder().getF32Type());
  b.result(listOf(b, {}, element));
}

static void importAt(OpBinder &b) {
  Value sequence = b.input(0), place = b.input(1);
  if (!isListAt(b, sequence, place))
    return b.result(Ragged(b).at(Ragged(b).open(sequence), place));
  ValueRange elements = elementsOf(sequence);
  const int64_t position = readPosition(b, place, elements.size(), 0);
  if (!b.hasFailed())
    b.result(elements[position]);
}

static void importInsert(OpBinder &b) {
  Value sequence = b.input(0), element = b.input(1), place = b.input(2);
  if (!isListAt(b, sequence, place))
    return b.result(Ragged(b).insert(Ragged(b).open(sequence), element, place));
  SmallVector<Value> elements(elementsOf(sequence));
  const int64_t count = elements.size();
  int64_t position = count;
  if (place) { // one more than there are is allowed: behind the last one
    auto known = b.integersOf(place);
    if (known->size() != 1 || known->front() != count)
      position = readPosition(b, place, count, count);
  }
  if (!commonTensor(tensorTypeOf(sequence), tensorTypeOf(element)))
    return (void)b.invalid("puts " + describe(element.getType()) + " into a sequence of others");
  elements.insert(elements.begin() + position, element);
  b.result(listOf(b, elements, {}));
}

static void importErase(OpBinder &b) {
  Value sequence = b.input(0), place = b.input(1);
  if (!isListAt(b, sequence, place))
    return b.result(Ragged(b).erase(Ragged(b).open(sequence), place));
  SmallVector<Value> elements(elementsOf(sequence));
  const int64_t count = elements.size();
  if (!count)
    return (void)b.invalid("takes an element out of an empty sequence");
  const int64_t position = readPosition(b, place, count, count - 1);
  elements.erase(elements.begin() + position);
  b.result(listOf(b, elements, tensorTypeOf(sequence)));
}

static void importLength(OpBinder &b) {
  Value sequence = b.input(0);
  const AffineExpr length = isList(sequence)
                                ? b.getBuilder().getAffineConstantExpr(elementsOf(sequence).size())
                                : Ragged(b).length(sequence);
  b.result(b.reshape(b.sizes(length), {}));
}

// The sizes of the parts where their number is known: given, or chunks of one size, with a smaller
// last one. Nothing where only a run knows their number.
static std::optional<Shape> readParts(OpBinder &b, Value split, AffineExpr size) {
  if (split && b.rankOf(split) == 1)
    return constantOf(b.shapeOf(split)[0]) ? std::optional(b.sizesOf(split, "the size of a part"))
                                           : std::nullopt;
  const auto given = split ? b.integersOf(split) : SmallVector<int64_t>{1};
  const std::optional<int64_t> whole = constantOf(size);
  if (!given || !whole)
    return std::nullopt;
  if (given->size() != 1 || given->front() < 1) {
    b.invalid("expects parts of 1 or more elements");
    return Shape();
  }
  SmallVector<int64_t> parts;
  for (int64_t start = 0; start < *whole; start += given->front())
    parts.push_back(std::min(given->front(), *whole - start));
  return makeShape(parts, b.getBuilder().getContext());
}

// Parts of which only a run knows the number: their sizes, int64 [n].
static Value partSizes(OpBinder &b, Value split, AffineExpr size) {
  const Ragged r(b);
  Value whole = b.sizes(size), zero = b.constant(ArrayRef<int64_t>{0});
  if (split && b.rankOf(split) == 1) {
    Value parts = r.wide(split);
    requireWithin(b, parts, size * 0, size, "the size of a part");
    r.require(r.equal(r.sum(parts, 0), b.reshape(whole, {})),
              "its parts do not add up to the size of the axis");
    return parts;
  }
  Value chunk = split ? r.wide(split) : b.constant(ArrayRef<int64_t>{1});
  r.require(r.less(zero, chunk), "expects parts of 1 or more elements");
  chunk = r.min(chunk, r.max(whole, r.f.number(whole, 1))); // no more than there is
  Value rounded = r.f.div(r.f.add(whole, r.f.add(chunk, -1)), chunk);
  const Shape count = b.sizesOf(rounded, "the number of parts");
  if (b.hasFailed())
    return {};
  return r.min(chunk, r.f.sub(whole, r.f.mul(r.places(count[0]), chunk)));
}

static void importSplit(OpBinder &b) {
  Value x = b.input(0), split = b.input(1);
  const int64_t axis = b.axis(b.integer("axis", 0), b.rankOf(x));
  if (b.hasFailed())
    return;
  if (!isNumeric(x))
    return (void)b.unsupported("splits " + describe(x.getType()));
  const bool keepsAxis = split || b.flag("keepdims", true);
  const AffineExpr size = b.shapeOf(x)[axis];
  const std::optional<Shape> parts = readParts(b, split, size);
  if (!parts)
    return b.result(Ragged(b).split(x, axis, partSizes(b, split, size), keepsAxis));
  if (b.hasFailed())
    return;
  AffineExpr left = size;
  for (AffineExpr part : *parts) {
    const std::optional<int64_t> known = constantOf(part), whole = constantOf(size);
    if (known && (*known < 0 || (whole && *known > *whole)))
      return (void)b.invalid("the size of a part is " + Twine(*known) + ", outside of [0, " +
                             b.textOf(size) + "]");
    left = left - part;
  }
  b.requireZeros(left, "its parts do not add up to the " + b.textOf(size) + " elements of axis " +
                           Twine(axis));
  SmallVector<Value> elements =
      Compose{b}.split(x, axis, *parts, !split || nn::factOf(split).value);
  if (!keepsAxis)
    for (Value &element : elements) {
      Shape shape = b.shapeOf(element);
      shape.erase(shape.begin() + axis);
      element = b.reshapeTo(element, shape);
    }
  b.result(listOf(b, elements, elementTypeOf(x.getType())));
}

static void importConcat(OpBinder &b) {
  const bool isNew = b.flag("new_axis");
  if (!isList(b.input(0)))
    return b.result(Ragged(b).concat(b.input(0), b.integer("axis", 0), isNew));
  SmallVector<Value> elements(elementsOf(b.input(0)));
  if (elements.empty())
    return (void)b.invalid("joins the elements of an empty sequence");
  if (!llvm::all_of(elements, isNumeric))
    return (void)b.unsupported("joins tensors of strings");
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

static bool isOpenOptional(Value value) { return value && isa<nn::OptionalType>(value.getType()); }

static void importOptional(OpBinder &b) {
  if (isOpenOptional(b.input(0)) || isNone(b.input(0)))
    return (void)b.invalid("makes an optional of an optional");
  b.result(b.input(0) ? b.input(0) : makeNone(b.getBuilder(), b.getLocation()));
}

static void importHasElement(OpBinder &b) {
  if (isOpenOptional(b.input(0)))
    return b.result(Ragged(b).hasValue(b.input(0)));
  b.result(b.scalar(b.getBuilder().getI1Type(), b.input(0) && !isNone(b.input(0))));
}

static void importGetElement(OpBinder &b) {
  if (isNone(b.input(0)))
    return (void)b.invalid("takes the element of an optional that has none");
  b.result(isOpenOptional(b.input(0)) ? Ragged(b).valueOf(b.input(0)) : b.input(0));
}

void nncc::addSequenceRules(Rules &rules) {
  rules.onValues("SequenceConstruct", 11, importConstruct);
  rules.onValues("SequenceEmpty", 11, importEmpty);
  rules.onValues("SequenceInsert", 11, importInsert);
  rules.onValues("SequenceErase", 11, importErase);
  rules.onValues("SequenceAt", 11, importAt);
  rules.onValues("SequenceLength", 11, importLength);
  rules.onValues("SplitToSequence", 11, importSplit);
  rules.onValues("ConcatFromSequence", 11, importConcat);
  rules.onValues("Optional", 15, importOptional);
  rules.onValues("OptionalHasElement", 15, importHasElement);
  rules.onValues("OptionalGetElement", 15, importGetElement);
}
