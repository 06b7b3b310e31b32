#include "compiler/import/ElementType.h"
#include "compiler/import/ModelError.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/MathExtras.h"

using namespace nncc;
using onnx::TensorProto;

std::optional<ElementType> nncc::getElementType(int dataType) {
  constexpr int f32 = TensorProto::kFloatDataFieldNumber, f64 = TensorProto::kDoubleDataFieldNumber,
                i32 = TensorProto::kInt32DataFieldNumber, i64 = TensorProto::kInt64DataFieldNumber,
                u64 = TensorProto::kUint64DataFieldNumber,
                str = TensorProto::kStringDataFieldNumber;
  switch (dataType) {
  // clang-format off
  case TensorProto::FLOAT:          return ElementType{"float", 32, f32, 1, 1};
  case TensorProto::UINT8:          return ElementType{"uint8", 8, i32, 1, 1};
  case TensorProto::INT8:           return ElementType{"int8", 8, i32, 1, 1};
  case TensorProto::UINT16:         return ElementType{"uint16", 16, i32, 1, 1};
  case TensorProto::INT16:          return ElementType{"int16", 16, i32, 1, 1};
  case TensorProto::INT32:          return ElementType{"int32", 32, i32, 1, 1};
  case TensorProto::INT64:          return ElementType{"int64", 64, i64, 1, 1};
  case TensorProto::STRING:         return ElementType{"string", 0, str, 1, 1};
  case TensorProto::BOOL:           return ElementType{"bool", 8, i32, 1, 1};
  case TensorProto::FLOAT16:        return ElementType{"float16", 16, i32, 1, 1};
  case TensorProto::DOUBLE:         return ElementType{"double", 64, f64, 1, 1};
  case TensorProto::UINT32:         return ElementType{"uint32", 32, u64, 1, 1};
  case TensorProto::UINT64:         return ElementType{"uint64", 64, u64, 1, 1};
  case TensorProto::COMPLEX64:      return ElementType{"complex64", 64, f32, 2, 1};
  case TensorProto::COMPLEX128:     return ElementType{"complex128", 128, f64, 2, 1};
  case TensorProto::BFLOAT16:       return ElementType{"bfloat16", 16, i32, 1, 1};
  case TensorProto::FLOAT8E4M3FN:   return ElementType{"float8e4m3fn", 8, i32, 1, 1};
  case TensorProto::FLOAT8E4M3FNUZ: return ElementType{"float8e4m3fnuz", 8, i32, 1, 1};
  case TensorProto::FLOAT8E5M2:     return ElementType{"float8e5m2", 8, i32, 1, 1};
  case TensorProto::FLOAT8E5M2FNUZ: return ElementType{"float8e5m2fnuz", 8, i32, 1, 1};
  case TensorProto::FLOAT8E8M0:     return ElementType{"float8e8m0", 8, i32, 1, 1};
  case TensorProto::UINT4:          return ElementType{"uint4", 4, i32, 1, 2};
  case TensorProto::INT4:           return ElementType{"int4", 4, i32, 1, 2};
  case TensorProto::FLOAT4E2M1:     return ElementType{"float4e2m1", 4, i32, 1, 2};
  case TensorProto::UINT2:          return ElementType{"uint2", 2, i32, 1, 4};
  case TensorProto::INT2:           return ElementType{"int2", 2, i32, 1, 4};
  case TensorProto::FLOAT6E2M3:     return ElementType{"float6e2m3", 6, i32, 1, 1};
  case TensorProto::FLOAT6E3M2:     return ElementType{"float6e3m2", 6, i32, 1, 1};
  // clang-format on
  default:
    return std::nullopt;
  }
}

std::string nncc::elementTypeName(int dataType) {
  if (auto type = getElementType(dataType))
    return type->name.str();
  return "type " + std::to_string(dataType) + " (unknown)";
}

std::string nncc::describe(const TensorProto &tensor) {
  return tensor.name().empty() ? "tensor" : "tensor '" + tensor.name() + "'";
}

llvm::ArrayRef<int64_t> nncc::dimsOf(const TensorProto &tensor) {
  return {tensor.dims().data(), size_t(tensor.dims_size())};
}

llvm::Expected<int64_t> nncc::countElements(llvm::ArrayRef<int64_t> dims) {
  if (const auto *negative = llvm::find_if(dims, [](int64_t dim) { return dim < 0; });
      negative != dims.end())
    return invalidModel("dimension " + llvm::Twine(negative - dims.begin()) + " is " +
                        llvm::Twine(*negative));
  if (llvm::is_contained(dims, 0))
    return 0;
  std::optional<int64_t> count = 1;
  for (int64_t dim : dims)
    if (count = llvm::checkedMul(*count, dim); !count)
      return invalidModel("its dimensions hold more than 2^63 elements");
  return *count;
}

llvm::Expected<TensorLayout> nncc::layoutOf(const TensorProto &tensor) {
  const std::string where = describe(tensor);
  auto type = getElementType(tensor.data_type());
  if (!type)
    return invalidModel("element " + elementTypeName(tensor.data_type()), where);
  auto elements = countElements(dimsOf(tensor));
  if (!elements) {
    Problems problems;
    problems.take(elements.takeError(), where);
    return problems.finish();
  }
  auto bits = llvm::checkedMulUnsigned<uint64_t>(*elements, type->bits);
  if (!bits)
    return invalidModel(
        llvm::Twine(*elements) + " elements of " + type->name + " exceed the address space", where);
  return TensorLayout{*type, *elements, llvm::divideCeil(*bits, 8),
                      llvm::divideCeil(uint64_t(*elements), type->packing) * type->entries};
}
