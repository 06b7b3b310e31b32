#include "compiler/import/Values.h"

#include "runtime/include/nncc/abi.h"

#include "dialects/Sizes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace nncc;

static constexpr llvm::StringLiteral tensorAttr = "tensor"; // of an empty list

// Lists and none
// ---------------------------------------------------------------------------------------------

static Value standFor(OpBuilder &b, Location loc, Type type, ValueRange parts) {
  return UnrealizedConversionCastOp::create(b, loc, type, parts).getResult(0);
}

Value nncc::makeList(OpBuilder &b, Location loc, ValueRange elements, Type tensor) {
  Value list = standFor(b, loc, TupleType::get(b.getContext(), elements.getTypes()), elements);
  if (elements.empty())
    list.getDefiningOp()->setDiscardableAttr(tensorAttr, TypeAttr::get(tensor));
  return list;
}

bool nncc::isList(Value value) { return value && isa<TupleType>(value.getType()); }

ValueRange nncc::elementsOf(Value list) {
  return list.getDefiningOp<UnrealizedConversionCastOp>().getInputs();
}

Value nncc::makeNone(OpBuilder &b, Location loc) {
  return standFor(b, loc, b.getNoneType(), ValueRange());
}

bool nncc::isNone(Value value) { return value && isa<NoneType>(value.getType()); }

// Parts
// ---------------------------------------------------------------------------------------------

bool nncc::isString(Type tensor) { return isa<nn::StringType>(getElementTypeOrSelf(tensor)); }

bool nncc::isNumeric(Value value) {
  return value && isa<RankedTensorType>(value.getType()) && !isString(value.getType());
}

bool nncc::isSequence(Value value) {
  return isList(value) || (value && isa<nn::SequenceType>(value.getType()));
}

SmallVector<Value> nncc::partsOf(Value value) {
  if (isNumeric(value))
    return {value};
  return SmallVector<Value>(value.getDefiningOp<UnrealizedConversionCastOp>().getInputs());
}

Value nncc::fromParts(OpBuilder &b, Location loc, Type type, ValueRange parts) {
  if (isa<RankedTensorType>(type)) {
    if (!isString(type))
      return parts[0];
    type = tensorOf(shapeOf(parts[1]), nn::StringType::get(b.getContext()));
  }
  return isa<TupleType>(type) ? makeList(b, loc, parts) : standFor(b, loc, type, parts);
}

// The number of tensors of numbers that a value of this type is made of.
static size_t partCount(Type type) {
  if (auto list = dyn_cast<TupleType>(type))
    return list.size();
  return isa<NoneType>(type) ? 0 : partNames(type).size();
}

SmallVector<Value> nncc::fromParts(OpBuilder &b, Location loc, ArrayRef<Type> types,
                                   ValueRange parts) {
  SmallVector<Value> values;
  for (Type type : types) {
    const size_t count = partCount(type);
    values.push_back(fromParts(b, loc, type, parts.take_front(count)));
    parts = parts.drop_front(count);
  }
  return values;
}

SmallVector<StringRef> nncc::partNames(Type type) {
  if (auto optional = dyn_cast<nn::OptionalType>(type)) {
    if (!isa<nn::SequenceType>(optional.getValue()))
      return partNames(nn::SequenceType::get(type.getContext(), optional.getValue()));
    SmallVector<StringRef> names = partNames(optional.getValue());
    names.insert(names.begin(), ".present");
    return names;
  }
  auto sequence = dyn_cast<nn::SequenceType>(type);
  if (!sequence)
    return isString(type) ? SmallVector<StringRef>{".bytes", ".lengths"}
                          : SmallVector<StringRef>{""};
  if (isString(sequence.getTensor()))
    return {".bytes", ".lengths", ".rows"};
  return {".elements", ".rows"};
}

SmallVector<RankedTensorType> nncc::partTypes(Type type, llvm::function_ref<AffineExpr()> open) {
  Builder b(type.getContext());
  const Type bytes = b.getIntegerType(8, /*isSigned=*/false), i64 = b.getI64Type();
  if (auto tensor = dyn_cast<RankedTensorType>(type)) {
    if (!isString(tensor))
      return {tensor};
    return {tensorOf(open(), bytes), tensorOf(shapeOf(tensor), i64)};
  }
  if (auto optional = dyn_cast<nn::OptionalType>(type)) {
    if (!isa<nn::SequenceType>(optional.getValue()))
      return partTypes(nn::SequenceType::get(type.getContext(), optional.getValue()), open);
    SmallVector<RankedTensorType> parts = partTypes(optional.getValue(), open);
    parts.insert(parts.begin(), RankedTensorType::get({}, b.getI1Type()));
    return parts;
  }
  const Type element = elementTypeOf(cast<nn::SequenceType>(type).getTensor());
  SmallVector<RankedTensorType> parts{tensorOf(open(), isString(element) ? bytes : element)};
  if (isString(element))
    parts.push_back(tensorOf(open(), i64));
  parts.push_back(tensorOf({open(), b.getAffineConstantExpr(NNCC_VALUE_ROW)}, i64));
  return parts;
}

// Types
// ---------------------------------------------------------------------------------------------

Type nncc::elementTypeOf(Type tensor) { return getElementTypeOrSelf(tensor); }

// What is known of a tensor, whatever the sizes are that only the program tells.
static Type withoutSymbols(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? RankedTensorType::get(tensor.getShape(), tensor.getElementType()) : type;
}

Type nncc::commonTensor(Type a, Type b) {
  if (elementTypeOf(a) != elementTypeOf(b))
    return {};
  if (!isa<TensorType>(a) || !isa<TensorType>(b)) // there is none of one of them
    return isa<TensorType>(a) ? a : b;
  auto first = dyn_cast<RankedTensorType>(a), second = dyn_cast<RankedTensorType>(b);
  if (!first || !second || first.getRank() != second.getRank())
    return UnrankedTensorType::get(elementTypeOf(a));
  SmallVector<int64_t> shape(first.getShape());
  for (auto [size, other] : llvm::zip(shape, second.getShape()))
    size = size == other ? size : ShapedType::kDynamic;
  return RankedTensorType::get(shape, elementTypeOf(a));
}

Type nncc::tensorTypeOf(Value value) {
  if (isList(value)) {
    if (elementsOf(value).empty())
      return cast<TypeAttr>(value.getDefiningOp()->getDiscardableAttr(tensorAttr)).getValue();
    Type joined = withoutSymbols(elementsOf(value)[0].getType());
    for (Value element : elementsOf(value).drop_front())
      joined = joined ? commonTensor(joined, withoutSymbols(element.getType())) : joined;
    return joined;
  }
  return tensorTypeOf(value.getType());
}

Type nncc::tensorTypeOf(Type type) {
  if (auto optional = dyn_cast<nn::OptionalType>(type))
    type = optional.getValue();
  if (auto sequence = dyn_cast<nn::SequenceType>(type))
    return sequence.getTensor();
  return withoutSymbols(type);
}

Type nncc::openTypeOf(Value value) {
  if (!isList(value))
    return withoutSymbols(value.getType());
  Type tensor = tensorTypeOf(value);
  return tensor ? nn::SequenceType::get(value.getContext(), tensor) : Type();
}

// Tensors of different numbers of dims have one inside of a sequence or optional alone.
static Type commonValue(Type a, Type b) {
  if (!a || !b || a == b)
    return a && b ? a : Type();
  auto first = dyn_cast<nn::SequenceType>(a), second = dyn_cast<nn::SequenceType>(b);
  if (bool(first) != bool(second))
    return {};
  Type joined = first ? commonTensor(first.getTensor(), second.getTensor()) : commonTensor(a, b);
  return joined && first ? nn::SequenceType::get(a.getContext(), joined) : joined;
}

Type nncc::commonType(Type a, Type b) {
  auto inside = [](Type type) {
    auto optional = dyn_cast_or_null<nn::OptionalType>(type);
    return optional ? optional.getValue() : type;
  };
  if (a == b || !a || !b)
    return a ? b : Type();
  Type first = inside(a), second = inside(b);
  const bool isOptional = first != a || second != b || isa<NoneType>(a) || isa<NoneType>(b);
  Type joined = isa<NoneType>(a) ? second : isa<NoneType>(b) ? first : commonValue(first, second);
  if (joined && isOptional)
    return nn::OptionalType::get(a.getContext(), joined);
  return isa_and_present<UnrankedTensorType>(joined) ? Type() : joined;
}

std::string nncc::describe(Type type) {
  if (isa<NoneType>(type))
    return "an optional that has no value";
  if (auto optional = dyn_cast<nn::OptionalType>(type))
    return "optionally " + describe(optional.getValue());
  if (auto list = dyn_cast<TupleType>(type))
    return "a sequence of " + std::to_string(list.size()) + " tensors";
  if (auto sequence = dyn_cast<nn::SequenceType>(type))
    return "a sequence of tensors of " + nn::typeName(elementTypeOf(sequence.getTensor()));
  return "a tensor of " + nn::typeName(elementTypeOf(type));
}
