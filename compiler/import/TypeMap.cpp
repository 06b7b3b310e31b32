#include "compiler/import/TypeMap.h"
#include "compiler/import/ElementType.h"
#include "compiler/import/Values.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/STLExtras.h"

#include <map>

using namespace nncc;
using onnx::TensorProto;

// The types that nn computes with, as (ONNX, nn).
static llvm::SmallVector<std::pair<int, mlir::Type>> typeTable(mlir::MLIRContext *context) {
  mlir::Builder b(context);
  return {{TensorProto::FLOAT, b.getF32Type()},
          {TensorProto::DOUBLE, b.getF64Type()},
          {TensorProto::FLOAT16, b.getF16Type()},
          {TensorProto::BFLOAT16, b.getBF16Type()},
          {TensorProto::BOOL, b.getI1Type()},
          {TensorProto::INT8, b.getI8Type()},
          {TensorProto::INT16, b.getI16Type()},
          {TensorProto::INT32, b.getI32Type()},
          {TensorProto::INT64, b.getI64Type()},
          {TensorProto::UINT8, b.getIntegerType(8, /*isSigned=*/false)},
          {TensorProto::UINT16, b.getIntegerType(16, /*isSigned=*/false)},
          {TensorProto::UINT32, b.getIntegerType(32, /*isSigned=*/false)},
          {TensorProto::UINT64, b.getIntegerType(64, /*isSigned=*/false)},
          {TensorProto::INT4, b.getIntegerType(4)},
          {TensorProto::UINT4, b.getIntegerType(4, /*isSigned=*/false)},
          {TensorProto::INT2, b.getIntegerType(2)},
          {TensorProto::UINT2, b.getIntegerType(2, /*isSigned=*/false)},
          {TensorProto::FLOAT8E4M3FN, b.getType<mlir::Float8E4M3FNType>()},
          {TensorProto::FLOAT8E4M3FNUZ, b.getType<mlir::Float8E4M3FNUZType>()},
          {TensorProto::FLOAT8E5M2, b.getType<mlir::Float8E5M2Type>()},
          {TensorProto::FLOAT8E5M2FNUZ, b.getType<mlir::Float8E5M2FNUZType>()},
          {TensorProto::FLOAT8E8M0, b.getType<mlir::Float8E8M0FNUType>()},
          {TensorProto::FLOAT4E2M1, b.getType<mlir::Float4E2M1FNType>()},
          {TensorProto::FLOAT6E2M3, b.getType<mlir::Float6E2M3FNType>()},
          {TensorProto::FLOAT6E3M2, b.getType<mlir::Float6E3M2FNType>()},
          {TensorProto::COMPLEX64, mlir::ComplexType::get(b.getF32Type())},
          {TensorProto::COMPLEX128, mlir::ComplexType::get(b.getF64Type())}};
}

mlir::Type nncc::toElementType(int dataType, mlir::MLIRContext *context) {
  for (auto [onnxType, type] : typeTable(context))
    if (onnxType == dataType)
      return type;
  return {};
}

mlir::Type nncc::toValueElementType(int dataType, mlir::MLIRContext *context) {
  return dataType == TensorProto::STRING ? nn::StringType::get(context)
                                         : toElementType(dataType, context);
}

int nncc::toDataType(mlir::Type element) {
  for (auto [onnxType, type] : typeTable(element.getContext()))
    if (type == element)
      return onnxType;
  return llvm::isa<nn::StringType>(element) ? TensorProto::STRING : TensorProto::UNDEFINED;
}

static void setTensorType(mlir::Type tensor, onnx::TypeProto &proto) {
  proto.mutable_tensor_type()->set_elem_type(toDataType(elementTypeOf(tensor)));
  if (auto ranked = llvm::dyn_cast<mlir::RankedTensorType>(tensor)) {
    auto *shape = proto.mutable_tensor_type()->mutable_shape();
    for (int64_t size : ranked.getShape())
      if (auto *dim = shape->add_dim(); !mlir::ShapedType::isDynamic(size))
        dim->set_dim_value(size);
  }
}

onnx::TypeProto nncc::toTypeProto(mlir::Value value) {
  onnx::TypeProto proto;
  if (isSequence(value)) {
    if (mlir::Type tensor = tensorTypeOf(value))
      setTensorType(tensor, *proto.mutable_sequence_type()->mutable_elem_type());
  } else if (llvm::isa<mlir::RankedTensorType>(value.getType())) {
    setTensorType(value.getType(), proto);
  }
  return proto;
}

mlir::Type nncc::toValueType(const onnx::TypeProto &proto, mlir::MLIRContext *context) {
  if (proto.has_sequence_type()) {
    mlir::Type tensor = toValueType(proto.sequence_type().elem_type(), context);
    return llvm::isa_and_present<mlir::TensorType>(tensor) ? nn::SequenceType::get(context, tensor)
                                                           : mlir::Type();
  }
  if (proto.has_optional_type()) {
    mlir::Type value = toValueType(proto.optional_type().elem_type(), context);
    return value && !llvm::isa<nn::OptionalType>(value) ? nn::OptionalType::get(context, value)
                                                        : mlir::Type();
  }
  const onnx::TypeProto::Tensor &tensor = proto.tensor_type();
  mlir::Type element = toValueElementType(tensor.elem_type(), context);
  if (!element)
    return {};
  if (!tensor.has_shape())
    return mlir::UnrankedTensorType::get(element);
  llvm::SmallVector<int64_t> shape;
  for (const auto &dim : tensor.shape().dim())
    shape.push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value()
                                                                : mlir::ShapedType::kDynamic);
  return mlir::RankedTensorType::get(shape, element);
}

// "tensor(float)", "seq(tensor(float))", "optional(tensor(float))"; empty where any type will do.
static std::string spelledType(mlir::Value value, const onnx::OpSchema &schema) {
  if (llvm::StringRef(schema.Name()).starts_with("Optional")) // may be given the value in it
    return "";
  mlir::Type tensor = tensorTypeOf(value), type = value.getType();
  if (!tensor)
    return "";
  std::string name = "tensor(" + elementTypeName(toDataType(elementTypeOf(tensor))) + ")";
  auto optional = llvm::dyn_cast<nn::OptionalType>(type);
  if (isSequence(value) || (optional && llvm::isa<nn::SequenceType>(optional.getValue())))
    name = "seq(" + name + ")";
  return optional ? "optional(" + name + ")" : name;
}

// Whether values of the parameter may be left out by being optionals without a value.
static bool takesNone(const onnx::OpSchema::FormalParameter &parameter) {
  return llvm::any_of(parameter.GetTypes(), [](onnx::DataType type) {
    return llvm::StringRef(*type).starts_with("optional(");
  });
}

std::string nncc::checkInputTypes(const onnx::OpSchema &schema,
                                  llvm::ArrayRef<mlir::Value> inputs) {
  // Type parameter -> type, first input of it.
  std::map<std::string, std::pair<std::string, size_t>> bound;
  for (auto [i, input] : llvm::enumerate(inputs)) {
    if (!input || schema.inputs().empty())
      continue;
    const auto &parameter = schema.inputs()[std::min(i, schema.inputs().size() - 1)];
    const bool isAbsent = isNone(input);
    if (isAbsent && !takesNone(parameter) && !parameter.GetTypes().empty())
      return "its input " + std::to_string(i) + " is " + describe(input.getType()) + ", which " +
             schema.Name() + " does not take";
    std::string name = isAbsent ? "" : spelledType(input, schema);
    if (name.empty())
      continue;
    onnx::DataType spelled = onnx::Utils::DataTypeUtils::ToType(name);
    if (llvm::isa<mlir::RankedTensorType>(input.getType())) // "float" is what people call it
      name = name.substr(7, name.size() - 8);
    if (!parameter.GetTypes().empty() && !parameter.GetTypes().count(spelled))
      return "its input " + std::to_string(i) + " is of type " + name + ", which " + schema.Name() +
             " of operator set " + std::to_string(schema.SinceVersion()) + " does not take";
    if (!parameter.GetIsHomogeneous())
      continue;
    auto [known, inserted] = bound.try_emplace(parameter.GetTypeStr(), name, i);
    if (!inserted && known->second.first != name)
      return "its inputs " + std::to_string(known->second.second) + " and " + std::to_string(i) +
             " are of types " + known->second.first + " and " + name + ", expected the same";
  }
  return "";
}

std::string nncc::checkPresence(const onnx::OpSchema &schema, llvm::ArrayRef<mlir::Value> inputs) {
  const auto &parameters = schema.inputs();
  for (size_t i = 0; i < std::max(inputs.size(), parameters.size()); ++i) {
    const auto &parameter = parameters[std::min(i, parameters.size() - 1)];
    const bool isVariadic = parameter.GetOption() == onnx::OpSchema::Variadic;
    const bool mayBeAbsent =
        parameter.GetOption() == onnx::OpSchema::Optional || (isVariadic && i >= inputs.size());
    if (!mayBeAbsent && (i >= inputs.size() || !inputs[i]))
      return "its input " + std::to_string(i) + ", " + parameter.GetName() + ", is left out";
  }
  return "";
}
