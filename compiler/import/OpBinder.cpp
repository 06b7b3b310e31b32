#include "compiler/import/OpBinder.h"
#include "compiler/import/TypeMap.h"
#include "compiler/import/Values.h"
#include "compiler/import/Weights.h"

#include "dialects/SizeText.h"
#include "dialects/rt/RT.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace nncc;
using onnx::AttributeProto;

func::FuncOp nncc::programOf(OpBuilder &builder) {
  Operation *parent = builder.getInsertionBlock()->getParentOp();
  auto function = dyn_cast<func::FuncOp>(parent);
  return function ? function : parent->getParentOfType<func::FuncOp>();
}

RankedTensorType OpBinder::typeOf(Value value) const {
  return llvm::cast<RankedTensorType>(value.getType());
}
int64_t OpBinder::rankOf(Value value) const { return value ? typeOf(value).getRank() : 0; }
Shape OpBinder::shapeOf(Value value) const {
  return value ? nncc::shapeOf(typeOf(value)) : Shape();
}
std::string OpBinder::textOf(AffineExpr size) {
  return nncc::textOf(size, symbolNames(programOf(b))).text;
}
void OpBinder::needsDim(int64_t dim) {
  unsupported("needs dim " + Twine(dim) +
              " of an operand known at compile time; give the sizes of the inputs with --dim or "
              "--shape");
}
ArrayRef<int64_t> OpBinder::fixedShapeOf(Value value) {
  if (!value)
    return {};
  ArrayRef<int64_t> shape = typeOf(value).getShape();
  if (!ShapedType::isDynamicShape(shape))
    return shape;
  needsDim(llvm::find_if(shape, ShapedType::isDynamic) - shape.begin());
  return none.emplace_back(shape.size(), 1);
}
int64_t OpBinder::fixedSizeOf(Value value, int64_t dim) {
  const std::optional<int64_t> known = constantOf(shapeOf(value)[dim]);
  if (!known)
    needsDim(dim);
  return known.value_or(1);
}
bool OpBinder::hasOneElement(Value value) const {
  const RankedTensorType type = typeOf(value);
  return type.hasStaticShape() && type.getNumElements() == 1;
}
StringRef OpBinder::getName() const {
  auto name = llvm::dyn_cast<NameLoc>(loc);
  return name ? name.getName().getValue() : StringRef();
}
Value OpBinder::secondOperand() {
  Value lhs = input(0), rhs = input(1);
  if (opset >= 7 || !flag("broadcast") || !attribute("axis") || !lhs || !rhs)
    return rhs;
  const int64_t from = axis(integer("axis", 0), rankOf(lhs));
  const int64_t missing = rankOf(lhs) - from - rankOf(rhs);
  if (missing < 0)
    return invalid("the second operand has more dims than the first one has from axis " +
                   Twine(from) + " on");
  Shape shape = shapeOf(rhs);
  shape.append(missing, getAffineConstantExpr(1, b.getContext()));
  return reshapeTo(rhs, shape);
}

std::optional<SmallVector<int64_t>> OpBinder::integersOf(Value value) const {
  return value ? nn::constantIntegers(value) : std::nullopt;
}

SmallVector<int64_t> OpBinder::requireIntegers(Value value, const Twine &what) {
  auto known = integersOf(value);
  if (!known && value)
    unsupported(what + " must be known at compile time");
  return known.value_or(SmallVector<int64_t>());
}

// The symbols of an earlier rt.read of the same value, if it has run by then.
static rt::ReadOp findRead(Value value, Block *block, bool isSigned) {
  for (Operation *user : value.getUsers())
    if (auto read = llvm::dyn_cast<rt::ReadOp>(user);
        read && read.getMinus().empty() != isSigned &&
        read->getParentRegion()->isAncestor(block->getParent()))
      return read;
  return {};
}

Shape OpBinder::read(Value value, const Twine &what, bool isSigned) {
  if (!value)
    return {};
  if (std::optional<Shape> known = nn::factOf(value).value)
    return *known;
  const RankedTensorType type = typeOf(value);
  if (!type.getElementType().isInteger() || !type.hasStaticShape() ||
      type.getNumElements() > nn::Fact::maxValues) {
    unsupported(what + " must be known before the program runs");
    return {};
  }
  rt::ReadOp read = findRead(value, b.getInsertionBlock(), isSigned);
  if (!read) {
    Operation *function = programOf(b);
    auto add = [&](auto) -> int64_t { return addSymbol(function); };
    const auto numbers = llvm::seq<int64_t>(0, isSigned ? type.getNumElements() : 0);
    const auto symbols = llvm::map_to_vector(llvm::seq<int64_t>(0, type.getNumElements()), add);
    read = rt::ReadOp::create(b, loc, value, symbols, llvm::map_to_vector(numbers, add),
                              ("node '" + getName() + "': " + what).str());
  }
  Shape elements;
  for (auto [i, symbol] : llvm::enumerate(read.getSymbols())) {
    AffineExpr element = b.getAffineSymbolExpr(symbol);
    elements.push_back(isSigned ? element - b.getAffineSymbolExpr(read.getMinus()[i]) : element);
  }
  return elements;
}

Shape OpBinder::sizesOf(Value value, const Twine &what) { return read(value, what, false); }
Shape OpBinder::numbersOf(Value value, const Twine &what) { return read(value, what, true); }

Value OpBinder::known(Value value, const Shape &elements) {
  if (!value || failed)
    return {};
  nn::Fact fact = nn::factOf(value);
  if (fact.value)
    return value;
  fact.value = elements;
  return nn::buildValue(b, loc, fact);
}
Value OpBinder::knownSizes(Value value, const Twine &what) {
  return known(value, sizesOf(value, what));
}
Value OpBinder::knownNumbers(Value value, const Twine &what) {
  return known(value, numbersOf(value, what));
}

const AttributeProto *OpBinder::attribute(StringRef name) const {
  for (const AttributeProto &attribute : node.attribute())
    if (attribute.name() == name)
      return &attribute;
  return nullptr;
}

int64_t OpBinder::integer(StringRef name, int64_t otherwise) const {
  const AttributeProto *found = attribute(name);
  return found ? found->i() : otherwise;
}
float OpBinder::number(StringRef name, float otherwise) const {
  const AttributeProto *found = attribute(name);
  return found ? found->f() : otherwise;
}
StringRef OpBinder::string(StringRef name, StringRef otherwise) const {
  const AttributeProto *found = attribute(name);
  return found ? StringRef(found->s()) : otherwise;
}
std::optional<SmallVector<int64_t>> OpBinder::integers(StringRef name) const {
  const AttributeProto *found = attribute(name);
  if (!found)
    return std::nullopt;
  return SmallVector<int64_t>(found->ints().begin(), found->ints().end());
}

SmallVector<int64_t> OpBinder::integers(StringRef name, size_t count, int64_t otherwise) {
  auto found = integers(name);
  if (found && found->size() != count)
    invalid("attribute '" + name + "' has " + Twine(found->size()) + " values, expected " +
            Twine(count));
  return found && found->size() == count ? *found : SmallVector<int64_t>(count, otherwise);
}

Type OpBinder::elementType(StringRef name, Type otherwise) {
  if (otherwise && !attribute(name))
    return otherwise;
  const int64_t stated = integer(name, 0);
  const int dataType = llvm::isInt<32>(stated) ? int(stated) : -1; // no number of a type
  Type element = toElementType(dataType, b.getContext());
  if (!element)
    unsupported("elements of type " + elementTypeName(dataType) + " are not supported");
  return element;
}

Type OpBinder::valueElementType(StringRef name, Type otherwise) {
  if (integer(name, 0) == onnx::TensorProto::STRING)
    return nn::StringType::get(b.getContext());
  return elementType(name, otherwise);
}

int64_t OpBinder::axis(int64_t axis, int64_t rank) {
  if (axis >= -rank && axis < rank)
    return axis < 0 ? axis + rank : axis;
  invalid("axis " + Twine(axis) + " is outside of [" + Twine(-rank) + ", " + Twine(rank - 1) + "]");
  return 0;
}

// "add of [batch, 768] and [n, 768]"
static std::string operandsOf(Operation *op) {
  const SmallVector<std::string> names = symbolNames(op->getParentOfType<func::FuncOp>());
  auto shapes = llvm::map_range(
      op->getOperands(), [&](Value operand) { return nncc::textOf(shapeOf(operand), names); });
  return op->getName().stripDialect().str() + " of " + llvm::join(shapes, " and ");
}

Value OpBinder::finish(Operation *op) {
  if (mlir::failed(mlir::verify(op))) {
    op->erase();
    refused = true;
    return fail();
  }
  const SmallVector<nn::Fact> facts = nn::inferFacts(op);
  Shape zeros;
  for (const nn::Fact &fact : facts)
    zeros.append(fact.zeros);
  if (!zeros.empty()) { // before what works with these sizes
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(op);
    requireZeros(zeros, operandsOf(op) + " do not fit each other");
  }
  SmallVector<Value> folded = nn::foldByFacts(b, op, facts);
  if (folded.empty())
    return op->getResult(0);
  op->erase();
  return folded[0];
}

void OpBinder::requireZeros(ArrayRef<AffineExpr> zeros, const Twine &what) {
  if (failed)
    return;
  Shape open;
  for (AffineExpr zero : zeros) {
    zero = normalForm(zero);
    if (constantOf(zero).value_or(0) != 0)
      return (void)invalid(what);
    if (!constantOf(zero))
      open.push_back(zero);
  }
  if (!open.empty())
    rt::CheckOp::create(b, loc, sizeMap(open, b.getContext()),
                        ("node '" + getName() + "': " + what).str());
}

Value OpBinder::withSize(Value value, int64_t dim, AffineExpr size, const Twine &what) {
  Shape shape = shapeOf(value);
  if (dim < 0 || dim >= int64_t(shape.size()) || constantOf(shape[dim]) || shape[dim] == size)
    return value;
  requireZeros(shape[dim] - size, what);
  shape[dim] = size;
  return reshapeTo(value, shape);
}

Value OpBinder::constant(ElementsAttr value) { return nn::ConstantOp::create(b, loc, value); }

Value OpBinder::constant(ArrayRef<int64_t> values) { return constant(b.getI64TensorAttr(values)); }

Value OpBinder::sizes(ArrayRef<AffineExpr> values) { return nn::buildSizes(b, loc, values); }

Value OpBinder::scalar(Type element, double value) {
  auto type = RankedTensorType::get({}, element);
  if (llvm::isa<FloatType>(element))
    return constant(DenseElementsAttr::get(type, Attribute(b.getFloatAttr(element, value))));
  return constant(
      DenseElementsAttr::get(type, Attribute(b.getIntegerAttr(element, int64_t(value)))));
}

Value OpBinder::constantOrFail(llvm::Expected<ElementsAttr> value) {
  if (!value)
    return fail(value.takeError());
  return constant(*value);
}
Value OpBinder::constant(ArrayRef<StringRef> strings, ArrayRef<int64_t> shape) {
  SmallVector<uint8_t> bytes;
  SmallVector<int64_t> lengths;
  for (StringRef string : strings) {
    bytes.append(string.bytes_begin(), string.bytes_end());
    lengths.push_back(int64_t(string.size()));
  }
  auto all = RankedTensorType::get(int64_t(bytes.size()), b.getIntegerType(8, /*isSigned=*/false));
  auto type = RankedTensorType::get(shape, b.getI64Type());
  return fromParts(b, loc, RankedTensorType::get(shape, nn::StringType::get(b.getContext())),
                   {constant(DenseElementsAttr::get(all, ArrayRef<uint8_t>(bytes))),
                    constant(DenseElementsAttr::get(type, ArrayRef<int64_t>(lengths)))});
}

Value OpBinder::constant(const onnx::TensorProto &tensor) {
  if (tensor.data_type() == onnx::TensorProto::STRING) {
    auto strings = file.readStrings(tensor);
    return strings ? constant(*strings, dimsOf(tensor)) : fail(strings.takeError());
  }
  return constantOrFail(readElements(file, tensor, b.getContext()));
}
Value OpBinder::constant(const onnx::SparseTensorProto &tensor) {
  return constantOrFail(readElements(file, tensor, b.getContext()));
}

Value OpBinder::reshape(Value value, ArrayRef<int64_t> shape) {
  if (!value || typeOf(value).getShape() == shape)
    return value;
  if (auto known = value.getDefiningOp<nn::ConstantOp>();
      known && llvm::product_of(shape) == typeOf(value).getNumElements()) {
    auto type = RankedTensorType::get(shape, typeOf(value).getElementType());
    if (auto dense = llvm::dyn_cast<DenseElementsAttr>(known.getValue()))
      return constant(dense.reshape(type));
    if (auto resource = llvm::dyn_cast<DenseResourceElementsAttr>(known.getValue()))
      return constant(DenseResourceElementsAttr::get(type, resource.getRawHandle()));
  }
  nn::ReshapeOp::Properties properties;
  properties.allow_zero = b.getUnitAttr();
  return create<nn::ReshapeOp>({value, constant(shape)}, properties);
}

Value OpBinder::reshapeTo(Value value, ArrayRef<AffineExpr> shape) {
  SmallVector<int64_t> fixed;
  for (AffineExpr size : shape)
    if (std::optional<int64_t> known = constantOf(size))
      fixed.push_back(*known);
  if (fixed.size() == shape.size())
    return reshape(value, fixed);
  if (!value || shapeOf(value) == Shape(shape))
    return value;
  nn::ReshapeOp::Properties properties;
  properties.allow_zero = b.getUnitAttr();
  return create<nn::ReshapeOp>({value, sizes(shape)}, properties);
}

Value OpBinder::cast(Value value, Type element) {
  if (!value || typeOf(value).getElementType() == element)
    return value;
  nn::CastOp::Properties properties;
  properties.to = TypeAttr::get(element);
  return create<nn::CastOp>({value}, properties);
}

Value OpBinder::fail(llvm::Error reason) {
  if (failed) // the first one counts
    llvm::consumeError(std::move(reason));
  else
    problems.take(std::move(reason));
  return fail();
}
Value OpBinder::invalid(const Twine &what) { return fail(invalidModel(what)); }
Value OpBinder::unsupported(const Twine &what) { return fail(unsupportedModel(what)); }
