#include "compiler/import/Ragged.h"
#include "compiler/import/Indices.h"

#include "runtime/include/nncc/abi.h"

using namespace mlir;
using namespace nncc;

static constexpr llvm::StringLiteral sizeText = "a size of what a sequence is made of";

// Pieces
// ---------------------------------------------------------------------------------------------

Value Pieces::cut(Value x, AffineExpr start, AffineExpr size) const {
  if (!x || (constantOf(start) == 0 && size == b.shapeOf(x)[0]))
    return x;
  Shape starts(b.rankOf(x), number(0)), sizes = b.shapeOf(x);
  Value steps = b.constant(SmallVector<int64_t>(starts.size(), 1));
  starts[0] = normalForm(start), sizes[0] = normalForm(size);
  return b.create<nn::SliceAtOp>({x, b.sizes(starts), steps, b.sizes(sizes)});
}

AffineExpr Pieces::total(Value sizes) const {
  const Shape sum = b.sizesOf(Parameters::sum(sizes, 0), sizeText);
  return b.hasFailed() ? number(0) : sum[0];
}

// A mark behind the end of each piece, of which every element counts those before it.
Value Pieces::owners(Value sizes, AffineExpr total) const {
  if (!sizes)
    return {};
  Value ends = f.add(sumBefore(sizes), sizes);
  Value ones = b.create<nn::ExpandOp>({f.number(sizes, 1), b.sizes(b.shapeOf(sizes)[0])});
  Value marks = scatter(zeros(normalForm(total + 1)), ends, ones, nn::ScatterKind::Add);
  Value axis = b.reshape(b.constant(ArrayRef<int64_t>{0}), {});
  return cut(b.create<nn::CumSumOp>({marks, axis}), number(0), total);
}

Value Pieces::collect(Value x, Value starts, Value sizes, AffineExpr total) const {
  if (!x || constantOf(b.shapeOf(x)[0]) == 0 || !sizes || constantOf(b.shapeOf(sizes)[0]) == 0)
    return x ? cut(x, number(0), number(0)) : x; // of nothing, or no pieces
  Value owner = owners(sizes, total);
  Value shift = f.sub(starts, sumBefore(sizes)); // from the result to `x`
  return gather(x, f.add(gather(shift, owner), places(total)));
}

// Conversions
// ---------------------------------------------------------------------------------------------

// The row of a tensor in a sequence.
static SmallVector<AffineExpr> rowOf(ArrayRef<AffineExpr> shape, MLIRContext *context) {
  SmallVector<AffineExpr> row(NNCC_VALUE_ROW, getAffineConstantExpr(1, context));
  row[0] = getAffineConstantExpr(int64_t(shape.size()), context);
  llvm::copy(shape, row.begin() + 1);
  return row;
}

Ragged::Parts Ragged::partsOfElement(Value element) const {
  const Shape shape = b.shapeOf(element);
  if (shape.size() > NNCC_VALUE_MAX_RANK) {
    b.unsupported("puts a tensor of " + Twine(shape.size()) +
                  " dims into a sequence, which holds tensors of up to " +
                  Twine(NNCC_VALUE_MAX_RANK) + " dims");
    return {};
  }
  Parts parts;
  if (isString(element.getType())) {
    const SmallVector<Value> strings = partsOf(element);
    parts = {strings[0], flat(strings[1])};
  } else {
    parts = {flat(element)};
  }
  parts.push_back(
      b.reshape(b.sizes(rowOf(shape, b.getBuilder().getContext())), {1, NNCC_VALUE_ROW}));
  return parts;
}

Ragged::Parts Ragged::partsOfEmpty(Type type) const {
  Parts parts;
  for (RankedTensorType part : partTypes(type, [&] { return number(0); }))
    parts.push_back(part.getRank() == 0
                        ? b.scalar(part.getElementType(), 0)
                        : b.constant(DenseElementsAttr::get(part, ArrayRef<Attribute>())));
  return parts;
}

// The pieces, one behind the other.
Value Ragged::sequenceOf(Type tensor, ArrayRef<Parts> pieces) const {
  if (b.hasFailed())
    return {};
  auto isEmpty = [&](const Parts &piece) { return constantOf(b.shapeOf(piece.back())[0]) == 0; };
  SmallVector<Parts> some;
  llvm::copy_if(pieces, std::back_inserter(some),
                [&](const Parts &piece) { return !isEmpty(piece); });
  if (some.empty())
    some.push_back(pieces[0]);
  SmallVector<Value> parts;
  for (size_t i = 0; i < some[0].size(); ++i)
    parts.push_back(
        f.concat(llvm::map_to_vector(some, [&](const Parts &piece) { return piece[i]; }), 0));
  return make(nn::SequenceType::get(b.getBuilder().getContext(), tensor), parts);
}

Value Ragged::fromList(ValueRange elements, Type tensor) const {
  if (elements.empty()) {
    Type type = nn::SequenceType::get(b.getBuilder().getContext(), tensor);
    return make(type, partsOfEmpty(type));
  }
  SmallVector<Parts> pieces;
  for (Value element : elements)
    pieces.push_back(partsOfElement(element));
  return sequenceOf(tensor, pieces);
}

Value Ragged::toOptional(Value value, nn::OptionalType type) const {
  if (isa<nn::OptionalType>(value.getType()))
    return make(type, partsOf(value));
  if (isNone(value))
    return make(type, partsOfEmpty(type));
  if (!isa<nn::SequenceType>(type.getValue())) {
    Value one = fromList(value, type.getValue());
    return one ? make(type, partsOf(one)) : one;
  }
  Value sequence = convert(value, type.getValue());
  if (!sequence)
    return {};
  SmallVector<Value> parts = partsOf(sequence);
  parts.insert(parts.begin(), b.scalar(b.getBuilder().getI1Type(), 1));
  return make(type, parts);
}

Value Ragged::convert(Value value, Type type) const {
  if (!value || value.getType() == type || isa<RankedTensorType>(value.getType()))
    return value && isa<nn::OptionalType>(type) ? toOptional(value, cast<nn::OptionalType>(type))
                                                : value;
  if (auto optional = dyn_cast<nn::OptionalType>(type))
    return toOptional(value, optional);
  if (isa<nn::OptionalType>(value.getType()))
    return convert(valueOf(value), type);
  if (isList(value))
    return fromList(elementsOf(value), cast<nn::SequenceType>(type).getTensor());
  return make(type, partsOf(value));
}

// Optionals
// ---------------------------------------------------------------------------------------------

Value Ragged::hasValue(Value optional) const {
  const bool isTensor =
      !isa<nn::SequenceType>(cast<nn::OptionalType>(optional.getType()).getValue());
  Value zero = b.reshape(b.constant(ArrayRef<int64_t>{0}), {});
  return isTensor ? less(zero, b.reshape(b.sizes(length(optional)), {})) : partsOf(optional)[0];
}

Value Ragged::valueOf(Value optional) const {
  auto type = cast<nn::OptionalType>(optional.getType());
  require(hasValue(optional), "takes the value of an optional that has none");
  const SmallVector<Value> parts = partsOf(optional);
  if (isa<nn::SequenceType>(type.getValue()))
    return make(type.getValue(), ArrayRef<Value>(parts).drop_front());
  Value sequence = make(nn::SequenceType::get(type.getContext(), type.getValue()), parts);
  return sequence ? at(sequence, number(0)) : sequence;
}

// Sequences
// ---------------------------------------------------------------------------------------------

AffineExpr Ragged::length(Value sequence) const { return b.shapeOf(partsOf(sequence).back())[0]; }

RankedTensorType Ragged::rankedTensor(Value sequence, const Twine &why) const {
  auto tensor = dyn_cast<RankedTensorType>(tensorTypeOf(sequence));
  if (!tensor)
    b.unsupported(why + "; where the sequence is an input, give its tensors' shape with --shape");
  return tensor;
}

Value Ragged::withRank(Value sequence, int64_t rank) const {
  Type known = tensorTypeOf(sequence);
  if (isa<RankedTensorType>(known))
    return sequence;
  const SmallVector<Value> parts = partsOf(sequence);
  Value ranks = f.slice(parts.back(), 1, 0, 1);
  require(equal(ranks, f.number(ranks, double(rank))),
          "a tensor in a sequence has not " + Twine(rank) + " dims");
  Type tensor =
      RankedTensorType::get(SmallVector<int64_t>(rank, ShapedType::kDynamic), elementTypeOf(known));
  return make(nn::SequenceType::get(known.getContext(), tensor), parts);
}

AffineExpr Ragged::position(Value given, AffineExpr count, AffineExpr limit) const {
  if (given && !b.hasOneElement(given))
    return b.invalid("expects one integer as the position in a sequence"), number(0);
  Value place = wide(given);
  requireWithin(b, place, normalForm(-count), normalForm(limit - 1), "a position");
  place = f.where(less(place, f.number(place, 0)), f.add(place, b.sizes(count)), place);
  const Shape known = b.sizesOf(place, "a position in a sequence");
  return b.hasFailed() ? number(0) : known[0];
}

// How many elements, or strings, each tensor has: [count].
Value Ragged::counts(Value sequence) const {
  Value rows = partsOf(sequence).back();
  return f.reduce(nn::ReduceKind::Prod, f.slice(rows, 1, 1, NNCC_VALUE_ROW), {1},
                  /*keepdims=*/false);
}

// The sum of the first `index` of the counts, which are those of what `flat` holds.
AffineExpr Ragged::before(Value counts, AffineExpr index, Value flat) const {
  if (b.hasFailed() || constantOf(index) == 0)
    return number(0);
  if (normalForm(index - b.shapeOf(counts)[0]) == number(0))
    return b.shapeOf(flat)[0];
  Value offsets = f.concat({sumBefore(counts), b.sizes(b.shapeOf(flat)[0])}, 0);
  const Shape start = b.sizesOf(cut(offsets, index, number(1)), sizeText);
  return b.hasFailed() ? number(0) : start[0];
}

// The parts of the tensors [from, to) of a sequence.
Ragged::Parts Ragged::piece(Value sequence, AffineExpr from, AffineExpr to) const {
  Parts parts = partsOf(sequence);
  Value sizes = counts(sequence); // of the tensors, and then of the strings in them
  parts.back() = cut(parts.back(), from, to - from);
  for (int i = int(parts.size()) - 2; i >= 0 && !b.hasFailed(); --i) {
    from = before(sizes, from, parts[i]), to = before(sizes, to, parts[i]);
    sizes = parts[i];
    parts[i] = cut(parts[i], from, to - from);
  }
  return parts;
}

Value Ragged::at(Value sequence, Value position) const {
  if (!sequence)
    return {};
  if (!isa<TensorType>(tensorTypeOf(sequence)))
    return b.invalid("takes a tensor out of an empty sequence");
  const AffineExpr count = length(sequence);
  return at(sequence, position ? this->position(position, count, count) : number(0));
}

Value Ragged::at(Value sequence, AffineExpr position) const {
  const RankedTensorType tensor = rankedTensor(
      sequence, "takes a tensor out of a sequence, and nothing says how many dims it has");
  if (!tensor)
    return {};
  SmallVector<Value> parts = partsOf(sequence);
  Value row = cut(parts.back(), position, number(1));
  Shape shape = makeShape(tensor.getShape(), tensor.getContext());
  if (!tensor.hasStaticShape()) {
    Value sizes = b.reshape(f.slice(row, 1, 1, 1 + tensor.getRank()), {tensor.getRank()});
    const Shape found = b.sizesOf(sizes, "a size of a tensor in a sequence");
    if (b.hasFailed())
      return {};
    for (int64_t i = 0; i < tensor.getRank(); ++i)
      shape[i] = tensor.isDynamicDim(i) ? found[i] : number(tensor.getDimSize(i));
  }
  Value sizes = counts(sequence);
  const bool areStrings = isString(tensor);
  const AffineExpr size = elementCount(shape, tensor.getContext());
  Value &elements = parts[areStrings];
  const AffineExpr start =
      tensor.hasStaticShape() ? normalForm(position * size) : before(sizes, position, elements);
  Value own = b.reshapeTo(cut(elements, start, size), shape);
  if (!areStrings || !own)
    return own;
  Value bytes = cut(parts[0], before(elements, start, parts[0]), total(flat(own)));
  return make(tensor, {bytes, own});
}

Value Ragged::insert(Value sequence, Value element, Value position) const {
  if (!sequence || !element)
    return {};
  Type tensor;
  if (isa<RankedTensorType>(element.getType()))
    tensor = commonTensor(tensorTypeOf(sequence), tensorTypeOf(element));
  if (!tensor)
    return b.invalid("puts " + describe(element.getType()) + " into " +
                     describe(sequence.getType()));
  const AffineExpr count = length(sequence);
  const Parts own = partsOfElement(element);
  if (!position || b.hasFailed())
    return sequenceOf(tensor, {partsOf(sequence), own});
  const AffineExpr place = this->position(position, count, count + 1);
  return sequenceOf(tensor,
                    {piece(sequence, number(0), place), own, piece(sequence, place, count)});
}

Value Ragged::erase(Value sequence, Value position) const {
  if (!sequence)
    return {};
  const AffineExpr count = length(sequence);
  Value last = b.constant(ArrayRef<int64_t>{-1});
  const AffineExpr place = this->position(position ? position : last, count, count);
  if (b.hasFailed())
    return {};
  return sequenceOf(tensorTypeOf(sequence),
                    {piece(sequence, number(0), place), piece(sequence, place + 1, count)});
}
