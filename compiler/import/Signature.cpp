// The inputs and outputs of a model: types, and sizes that the user gives.
#include "compiler/import/Importer.h"
#include "compiler/import/Ragged.h"
#include "compiler/import/TypeMap.h"

#include "runtime/include/nncc/abi.h"

#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace nncc;

namespace {

// Finds the sizes of the dims of all inputs together. Dims that neither the model nor the user
// fixes are symbols: one for each name, and one for each dim without a name.
constexpr int64_t openSize = -1; // in ImportOptions.shapes

class InputSizes {
public:
  InputSizes(ArrayRef<const onnx::ValueInfoProto *> inputs, const ImportOptions &options,
             MLIRContext *context, Problems &problems)
      : inputs(inputs), options(options), context(context), problems(problems) {}

  /// Reads the options; false where they do not fit the model, which is reported.
  bool bind();
  /// The shape of `input`; nothing where its rank is not known, which is reported.
  std::optional<Shape> resolve(const onnx::ValueInfoProto &input);
  /// The type of a sequence or optional, whose tensors have the shape that the user gives.
  Type withTensors(const onnx::ValueInfoProto &input, Type type);
  AffineExpr makeSymbol() { return symbolOf(""); }
  /// The names of the symbols by their numbers, empty where a symbol has none.
  ArrayRef<std::string> getSymbols() const { return symbols; }

private:
  void usage(const Twine &message) {
    fits = false;
    problems.add(ErrorClass::Usage, "", message);
  }
  void bindShape(const onnx::ValueInfoProto &input, ArrayRef<int64_t> shape);
  void bindDim(const std::string &name, int64_t size);
  AffineExpr symbolOf(StringRef name);
  Shape resolveUndeclared(ArrayRef<int64_t> given);

  ArrayRef<const onnx::ValueInfoProto *> inputs;
  const ImportOptions &options;
  MLIRContext *context;
  Problems &problems;
  bool fits = true;
  llvm::StringMap<int64_t> sizes; // by the name of the dim
  SmallVector<std::string> symbols;
};

} // namespace

static const onnx::TensorShapeProto &declaredShape(const onnx::ValueInfoProto &input) {
  return input.type().tensor_type().shape();
}

// The name by which a dim is the same everywhere; exporters write "?" for any unknown size.
static StringRef dimName(const onnx::TensorShapeProto::Dimension &dim) {
  return dim.dim_param() == "?" ? "" : StringRef(dim.dim_param());
}

static bool isFixed(const onnx::TensorShapeProto::Dimension &dim) {
  return dim.has_dim_value() && dim.dim_value() >= 0;
}

void InputSizes::bindDim(const std::string &name, int64_t size) {
  if (size < 0)
    return usage("dimension '" + name + "' is given the size " + Twine(size));
  auto [known, inserted] = sizes.try_emplace(name, size);
  if (!inserted && known->second != size)
    usage("dimension '" + name + "' is given the sizes " + Twine(known->second) + " and " +
          Twine(size));
}

void InputSizes::bindShape(const onnx::ValueInfoProto &input, ArrayRef<int64_t> shape) {
  if (!input.type().tensor_type().has_shape())
    return;
  const onnx::TensorShapeProto &declared = declaredShape(input);
  if (shape.size() != size_t(declared.dim_size()))
    return usage("the shape given for input '" + input.name() + "' has " + Twine(shape.size()) +
                 " dims, the model's has " + Twine(declared.dim_size()));
  for (auto [i, size] : llvm::enumerate(shape)) {
    const auto &dim = declared.dim(int(i));
    if (size == openSize)
      continue;
    if (size < 0 || (isFixed(dim) && dim.dim_value() != size))
      usage("dimension " + Twine(i) + " of input '" + input.name() + "' is given the size " +
            Twine(size) +
            (isFixed(dim) ? "; the model fixes it to " + std::to_string(dim.dim_value())
                          : std::string()));
    else if (StringRef name = dimName(dim); !name.empty())
      bindDim(name.str(), size);
  }
}

bool InputSizes::bind() {
  llvm::StringSet<> dims, names;
  for (const onnx::ValueInfoProto *input : inputs) {
    names.insert(input->name());
    for (const auto &dim : declaredShape(*input).dim())
      if (!dimName(dim).empty())
        dims.insert(dimName(dim));
  }
  for (const auto &[name, size] : options.dims)
    if (dims.contains(name))
      bindDim(name, size);
    else
      usage("the model has no dimension '" + name + "'");
  for (const auto &[name, shape] : options.shapes)
    if (!names.contains(name))
      usage("the model has no input '" + name + "'");
  for (const onnx::ValueInfoProto *input : inputs)
    if (auto given = options.shapes.find(input->name()); given != options.shapes.end())
      bindShape(*input, given->second);
  return fits;
}

AffineExpr InputSizes::symbolOf(StringRef name) {
  auto known = name.empty() ? symbols.end() : llvm::find(symbols, name);
  const unsigned number = known - symbols.begin();
  if (known == symbols.end())
    symbols.push_back(name.str());
  return getAffineSymbolExpr(number, context);
}

// Of an input that the model declares without a number of dims.
Shape InputSizes::resolveUndeclared(ArrayRef<int64_t> given) {
  return llvm::map_to_vector(given, [&](int64_t size) {
    return size == openSize ? symbolOf("") : getAffineConstantExpr(size, context);
  });
}

std::optional<Shape> InputSizes::resolve(const onnx::ValueInfoProto &input) {
  auto given = options.shapes.find(input.name());
  const bool isGiven = given != options.shapes.end();
  if (isGiven && !input.type().tensor_type().has_shape())
    return resolveUndeclared(given->second);
  if (!input.type().tensor_type().has_shape()) {
    problems.add(ErrorClass::Unsupported, "input '" + input.name() + "'",
                 "the model does not say how many dims it has; give its shape with --shape " +
                     input.name() + ":N...");
    return std::nullopt;
  }
  Shape shape;
  for (auto [i, dim] : llvm::enumerate(declaredShape(input).dim())) {
    const StringRef name = dimName(dim);
    auto known = name.empty() ? sizes.end() : sizes.find(name);
    if (isGiven && given->second[i] != openSize)
      shape.push_back(getAffineConstantExpr(given->second[i], context));
    else if (isFixed(dim))
      shape.push_back(getAffineConstantExpr(dim.dim_value(), context));
    else if (known != sizes.end())
      shape.push_back(getAffineConstantExpr(known->second, context));
    else
      shape.push_back(symbolOf(name));
  }
  return shape;
}

Type InputSizes::withTensors(const onnx::ValueInfoProto &input, Type type) {
  auto given = options.shapes.find(input.name());
  if (auto optional = dyn_cast<nn::OptionalType>(type))
    return nn::OptionalType::get(context, withTensors(input, optional.getValue()));
  if (auto sequence = dyn_cast<nn::SequenceType>(type))
    return nn::SequenceType::get(context, withTensors(input, sequence.getTensor()));
  if (given == options.shapes.end())
    return type;
  SmallVector<int64_t> shape(ArrayRef<int64_t>(given->second));
  std::replace(shape.begin(), shape.end(), openSize, ShapedType::kDynamic);
  if (auto declared = dyn_cast<RankedTensorType>(type)) {
    if (declared.getRank() != int64_t(shape.size()))
      usage("the shape given for the tensors of input '" + input.name() + "' has " +
            Twine(shape.size()) + " dims, the model's has " + Twine(declared.getRank()));
    for (auto [size, known] : llvm::zip(shape, declared.getShape()))
      if (!ShapedType::isDynamic(known) && size != known && !ShapedType::isDynamic(size))
        usage("a size of the tensors of input '" + input.name() + "' is given as " + Twine(size) +
              "; the model fixes it to " + Twine(known));
      else if (ShapedType::isDynamic(size))
        size = known;
  }
  for (int64_t size : shape)
    if (size < 0 && !ShapedType::isDynamic(size))
      usage("a size of the tensors of input '" + input.name() + "' is given as " + Twine(size));
  if (!fits)
    return type;
  return RankedTensorType::get(shape, elementTypeOf(type));
}

// The type of an input, of a tensor with its sizes; null after reporting why there is none.
static Type importInput(const onnx::ValueInfoProto &input, InputSizes &sizes, MLIRContext *context,
                        Problems &problems) {
  const std::string where = "input '" + input.name() + "'";
  const auto kind = input.type().value_case();
  auto refuse = [&](const Twine &why) {
    problems.add(ErrorClass::Unsupported, where, why);
    return Type();
  };
  if (kind == onnx::TypeProto::kSequenceType || kind == onnx::TypeProto::kOptionalType) {
    Type type = toValueType(input.type(), context);
    if (!type)
      return refuse("a sequence or optional of such elements is not supported");
    type = sizes.withTensors(input, type);
    auto tensor = dyn_cast<RankedTensorType>(tensorTypeOf(type));
    if (tensor && tensor.getRank() > NNCC_VALUE_MAX_RANK)
      return refuse("its tensors have " + Twine(tensor.getRank()) + " dims, at most " +
                    Twine(NNCC_VALUE_MAX_RANK) + " are supported in a sequence or optional");
    return type;
  }
  if (kind != onnx::TypeProto::kTensorType)
    return refuse("maps and sparse tensors are not supported");
  const int dataType = input.type().tensor_type().elem_type();
  Type element = toValueElementType(dataType, context);
  if (!element)
    return refuse("elements of type " + elementTypeName(dataType) + " are not supported");
  auto shape = sizes.resolve(input);
  if (!shape)
    return {};
  SmallVector<int64_t> fixed;
  for (AffineExpr size : *shape)
    if (std::optional<int64_t> known = constantOf(size))
      fixed.push_back(*known);
  auto count = countElements(fixed);
  if (!count) {
    problems.take(count.takeError(), where);
    return {};
  }
  return tensorOf(*shape, element);
}

// What a value of the model is among the tensors of the program.
static Attribute signatureOf(const std::string &name, Type type, size_t parts, Builder &b) {
  return b.getDictionaryAttr({b.getNamedAttr("name", b.getStringAttr(name)),
                              b.getNamedAttr("parts", b.getI64IntegerAttr(int64_t(parts))),
                              b.getNamedAttr("type", TypeAttr::get(type))});
}

static void nameDims(func::FuncOp function, unsigned argument, const onnx::ValueInfoProto &input) {
  SmallVector<StringRef> names;
  for (const auto &dim : declaredShape(input).dim())
    names.push_back(dimName(dim));
  function.setArgAttr(argument, "nn.dims", Builder(function).getStrArrayAttr(names));
}

bool Importer::importSignature(func::FuncOp function, Scope &scope) {
  SmallVector<const onnx::ValueInfoProto *> inputs;
  for (const onnx::ValueInfoProto &input : file.proto().graph().input())
    if (!scope.tensors.contains(input.name()) && !scope.sparseTensors.contains(input.name()))
      inputs.push_back(&input); // others have a default value, which is the one that is compiled
  InputSizes sizes(inputs, options, &context, problems);
  if (!sizes.bind())
    return false;
  SmallVector<Type> types; // of the inputs that have one
  SmallVector<const onnx::ValueInfoProto *> arguments;
  SmallVector<RankedTensorType> tensors;
  for (const onnx::ValueInfoProto *input : inputs) {
    scope.values[input->name()] = Value();
    if (Type type = importInput(*input, sizes, &context, problems)) {
      types.push_back(type);
      arguments.push_back(input);
      llvm::append_range(tensors, partTypes(type, [&] { return sizes.makeSymbol(); }));
    }
  }
  function.setFunctionType(
      builder.getFunctionType(SmallVector<Type>(llvm::iterator_range(tensors)), {}));
  if (ArrayRef<std::string> symbols = sizes.getSymbols(); !symbols.empty()) {
    auto names =
        llvm::map_to_vector(symbols, [](const std::string &name) -> StringRef { return name; });
    function->setAttr("nn.dims", builder.getStrArrayAttr(names));
  }
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToStart(body);
  SmallVector<Attribute> signature;
  unsigned next = 0;
  for (auto [input, type] : llvm::zip(arguments, types)) {
    const unsigned first = next;
    for (StringRef part : partNames(type)) {
      const std::string name = input->name() + part.str();
      function.setArgAttr(next, "nn.name", builder.getStringAttr(name));
      body->getArgument(next++).setLoc(NameLoc::get(builder.getStringAttr(name)));
    }
    if (next == first + 1)
      nameDims(function, first, *input);
    ValueRange parts = body->getArguments().slice(first, next - first);
    scope.values[input->name()] = fromParts(builder, function.getLoc(), type, parts);
    signature.push_back(signatureOf(input->name(), type, next - first, builder));
  }
  if (types.size() != tensors.size())
    function->setAttr(nn::inputsAttr, builder.getArrayAttr(signature));
  return true;
}

// The value as what the model declares an output to be; null after reporting why not.
static Value asDeclared(OpBinder &b, Value value, const onnx::TypeProto &proto) {
  Type declared = toValueType(proto, b.getBuilder().getContext()), type = openTypeOf(value);
  if (isa<RankedTensorType>(value.getType()) && (!declared || isa<TensorType>(declared)))
    return value;
  const bool isOptional = isa_and_present<nn::OptionalType>(declared);
  if (auto optional = dyn_cast_or_null<nn::OptionalType>(type); optional && !isOptional)
    type = optional.getValue();
  Type joined = declared ? commonType(declared, type) : type;
  if (isa_and_present<TensorType>(declared) && isa_and_present<RankedTensorType>(type))
    joined = type;
  if (!joined || (isNone(value) && !isOptional))
    return b.invalid("is " + describe(value.getType()) + ", which is not what is declared");
  return Ragged(b).convert(value, isOptional ? joined : type);
}

void Importer::importOutputs(func::FuncOp function, Scope &scope) {
  SmallVector<Value> results;
  SmallVector<Attribute> attributes, signature;
  llvm::StringSet<> names;
  auto add = [&](const std::string &name, Value value) {
    const SmallVector<Value> parts = partsOf(value);
    for (auto [part, suffix] : llvm::zip(parts, partNames(value.getType())))
      attributes.push_back(builder.getDictionaryAttr(
          builder.getNamedAttr("nn.name", builder.getStringAttr(name + suffix.str()))));
    llvm::append_range(results, parts);
    signature.push_back(signatureOf(name, value.getType(), parts.size(), builder));
    names.insert(name);
  };
  for (const onnx::ValueInfoProto &output : file.proto().graph().output()) {
    const std::string where = "output '" + output.name() + "'";
    Value value = lookUp(scope, output.name());
    if (!value) {
      if (problems.empty()) // else its producer is reported
        problems.add(ErrorClass::Unsupported, where, "could not be imported");
      continue;
    }
    const int declared = output.type().tensor_type().elem_type();
    const int found = toDataType(getElementTypeOrSelf(value));
    if (declared != onnx::TensorProto::UNDEFINED && declared != found)
      problems.invalid(where, "is of type " + elementTypeName(found) + ", but declared as " +
                                  elementTypeName(declared));
    Problems wrong;
    OpBinder binder(builder, function.getLoc(), file, onnx::NodeProto::default_instance(), 0, {},
                    wrong);
    value = asDeclared(binder, value, output.type());
    problems.take(wrong.finish(), where);
    if (value)
      add(output.name(), value);
  }
  if (options.allValuesAreOutputs)
    for (const onnx::NodeProto &node : file.proto().graph().node())
      for (const std::string &name : node.output())
        if (Value value = name.empty() || names.contains(name) ? Value() : lookUp(scope, name))
          if (isa<FloatType>(getElementTypeOrSelf(value)))
            add(name, value);
  func::ReturnOp::create(builder, function.getLoc(), results);
  function.setFunctionType(
      builder.getFunctionType(function.getArgumentTypes(), ValueRange(results).getTypes()));
  function.setAllResultAttrs(attributes);
  if (signature.size() != results.size())
    function->setAttr(nn::outputsAttr, builder.getArrayAttr(signature));
}
