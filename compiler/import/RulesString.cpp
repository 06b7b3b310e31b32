// Tensors of strings: see Values.h. Operators that move elements move numbers, those of the
// strings.
#include "compiler/import/Ragged.h"
#include "compiler/import/Rules.h"

using namespace mlir;
using namespace nncc;

namespace {
/// The strings of tensors, one after the other; by their numbers they are elements of any tensor.
struct Strings : Pieces {
  explicit Strings(OpBinder &b) : Pieces(b) {}

  Value bytes, lengths; // ui8 [total], int64 [count]

  /// Adds the strings of a tensor; their numbers, in its shape.
  Value add(Value tensor) {
    const SmallVector<Value> parts = partsOf(tensor);
    const Shape shape = b.shapeOf(tensor);
    const AffineExpr before = lengths ? b.shapeOf(lengths)[0] : number(0);
    Value numbers = places(elementCount(shape, b.getBuilder().getContext()));
    if (lengths)
      numbers = f.add(numbers, b.reshape(b.sizes(before), {}));
    bytes = lengths ? f.concat({bytes, parts[0]}, 0) : parts[0];
    lengths = lengths ? f.concat({lengths, flat(parts[1])}, 0) : flat(parts[1]);
    return b.reshapeTo(numbers, shape);
  }
  /// Whether there are no strings, which nothing can be picked from.
  bool isEmpty() const { return lengths && constantOf(b.shapeOf(lengths)[0]) == 0; }
  /// The lengths of the strings of these numbers, of any shape.
  Value lengthsOf(Value numbers) const {
    return isEmpty() ? b.reshapeTo(lengths, b.shapeOf(numbers)) : gather(lengths, numbers);
  }
  /// The bytes of the strings of these numbers [n], one after the other.
  Value join(Value numbers) const {
    Value sizes = lengthsOf(numbers);
    return isEmpty() ? bytes
                     : collect(bytes, gather(sumBefore(lengths), numbers), sizes, total(sizes));
  }
  Value make(Value joined, Value sizes) const {
    if (b.hasFailed() || !joined || !sizes)
      return {};
    Type type = RankedTensorType::get({}, nn::StringType::get(b.getBuilder().getContext()));
    return fromParts(b.getBuilder(), b.getLocation(), type, {joined, sizes});
  }
  /// A tensor of the strings of these numbers.
  Value pick(Value numbers) const { return make(join(flat(numbers)), lengthsOf(numbers)); }
};
} // namespace

static bool isStringTensor(Value value) {
  return value && isa<RankedTensorType>(value.getType()) && isString(value.getType());
}

// The rule, on the numbers of strings in place of strings.
static void moveStrings(OpBinder &b, const Rule &rule) {
  Strings strings(b);
  SmallVector<Value> inputs(b.allInputs());
  if (llvm::none_of(inputs, isStringTensor))
    return rule(b);
  if (StringRef reduction = b.string("reduction", "none"); reduction != "none")
    return (void)b.unsupported("reduction '" + reduction + "' of strings");
  for (auto [i, input] : llvm::enumerate(inputs)) {
    if (isStringTensor(input))
      input = strings.add(input);
    else if (input && !isNumeric(input))
      return (void)b.unsupported("its input " + Twine(i) + " is " + describe(input.getType()));
  }
  b.replaceInputs(inputs);
  rule(b);
  for (size_t i = 0; i < b.getOutputCount() && !b.hasFailed(); ++i)
    if (Value numbers = b.getResults()[i])
      b.result(strings.pick(numbers), i);
}

// The rule, on any numbers in the place of strings: their shape is all it looks at.
static void measureStrings(OpBinder &b, const Rule &rule) {
  if (isStringTensor(b.input(0)))
    b.replaceInputs(partsOf(b.input(0))[1]);
  rule(b);
}

// Numbers of strings of either input, repeated as broadcasting does.
static std::pair<Value, Value> broadcastNumbers(Strings &strings, Value x, Value y) {
  Value first = strings.add(x), second = strings.add(y);
  auto like = [&](Value numbers, Value other) {
    return strings.f.add(numbers, strings.f.mul(other, 0));
  };
  return {like(first, second), like(second, first)};
}

static void importStringConcat(OpBinder &b) {
  Strings strings(b);
  auto [first, second] = broadcastNumbers(strings, b.input(0), b.input(1));
  if (b.hasFailed())
    return;
  Shape column = b.shapeOf(first);
  column.push_back(strings.number(1));
  Value pairs = strings.f.concat({b.reshapeTo(first, column), b.reshapeTo(second, column)},
                                 int64_t(column.size()) - 1);
  Value sizes = strings.f.add(strings.lengthsOf(first), strings.lengthsOf(second));
  b.result(strings.make(strings.join(strings.flat(pairs)), sizes));
}

// Of strings of the same length the bytes are compared.
static void importStringEqual(OpBinder &b) {
  Strings s(b);
  auto [first, second] = broadcastNumbers(s, b.input(0), b.input(1));
  if (b.hasFailed())
    return;
  const Shape shape = b.shapeOf(first);
  first = s.flat(first), second = s.flat(second);
  Value sizes = s.lengthsOf(first);
  Value same = s.equal(sizes, s.lengthsOf(second));
  if (s.isEmpty() || constantOf(b.shapeOf(s.bytes)[0]) == 0)
    return b.result(b.reshapeTo(same, shape)); // no byte to compare
  sizes = s.f.where(same, sizes, s.f.number(sizes, 0));
  const AffineExpr total = s.total(sizes);
  Value owner = s.owners(sizes, total), starts = s.sumBefore(s.lengths);
  auto bytesOf = [&](Value numbers) {
    return s.collect(s.bytes, s.gather(starts, numbers), sizes, total);
  };
  Value differs = s.flip(s.equal(bytesOf(first), bytesOf(second)));
  Value count = s.scatter(s.f.mul(sizes, 0), owner, s.toInteger(differs), nn::ScatterKind::Add);
  b.result(b.reshapeTo(s.both(same, s.equal(count, s.f.number(count, 0))), shape));
}

void nncc::addStringRules(Rules &rules) {
  for (StringRef op :
       {"Reshape", "Squeeze",        "Unsqueeze",       "Flatten",         "Transpose",
        "Gather",  "GatherElements", "GatherND",        "ScatterElements", "ScatterND",
        "Slice",   "Split",          "Concat",          "Expand",          "Tile",
        "Where",   "Compress",       "ReverseSequence", "DepthToSpace",    "SpaceToDepth"})
    rules.extend(op, moveStrings);
  for (StringRef op : {"Shape", "Size"})
    rules.extend(op, measureStrings);
  rules.extend("Equal", [](OpBinder &b, const Rule &numbers) {
    return isStringTensor(b.input(0)) ? importStringEqual(b) : numbers(b);
  });
  rules.onValues("StringConcat", 20, importStringConcat);
}
