#include "compiler/import/TypeMap.h"
#include "compiler/import/ElementType.h"
#include "compiler/import/Sequence.h"

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

int nncc::toDataType(mlir::Type element) {
  for (auto [onnxType, type] : typeTable(element.getContext()))
    if (type == element)
      return onnxType;
  return TensorProto::UNDEFINED;
}

onnx::TypeProto nncc::toTypeProto(mlir::Value value) {
  onnx::TypeProto proto;
  if (isSequence(value)) {
    if (!elementsOf(value).empty())
      *proto.mutable_sequence_type()->mutable_elem_type() = toTypeProto(elementsOf(value)[0]);
    return proto;
  }
  auto type = llvm::dyn_cast<mlir::RankedTensorType>(value.getType());
  if (!type)
    return proto;
  proto.mutable_tensor_type()->set_elem_type(toDataType(type.getElementType()));
  auto *shape = proto.mutable_tensor_type()->mutable_shape();
  for (int64_t size : type.getShape())
    shape->add_dim()->set_dim_value(size);
  return proto;
}

// "float", "seq(tensor(float))"; empty where any type will do: nobody knows of what a sequence
// without elements is, and an optional is the value in it.
static std::string spelledType(mlir::Value value, const onnx::OpSchema &schema) {
  if (isNone(value) || llvm::StringRef(schema.Name()).starts_with("Optional"))
    return "";
  if (!isSequence(value))
    return elementTypeName(toDataType(mlir::getElementTypeOrSelf(value)));
  if (elementsOf(value).empty() || isSequence(elementsOf(value)[0]))
    return "";
  return "seq(tensor(" + spelledType(elementsOf(value)[0], schema) + "))";
}

std::string nncc::checkInputTypes(const onnx::OpSchema &schema,
                                  llvm::ArrayRef<mlir::Value> inputs) {
  // Type parameter -> type, first input of it.
  std::map<std::string, std::pair<std::string, size_t>> bound;
  for (auto [i, input] : llvm::enumerate(inputs)) {
    if (!input || schema.inputs().empty())
      continue;
    const auto &parameter = schema.inputs()[std::min(i, schema.inputs().size() - 1)];
    const std::string name = spelledType(input, schema);
    if (name.empty())
      continue;
    onnx::DataType spelled =
        onnx::Utils::DataTypeUtils::ToType(isSequence(input) ? name : "tensor(" + name + ")");
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
