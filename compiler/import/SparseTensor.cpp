// Sparse tensors, read as dense ones.
#include "compiler/import/ElementType.h"
#include "compiler/import/ModelError.h"
#include "compiler/import/ModelFile.h"

#include "llvm/Support/CheckedArithmetic.h"

using namespace nncc;
using onnx::TensorProto;

// More than this for one dense tensor is taken for an error in the model.
static constexpr uint64_t maxDenseBytes = uint64_t(1) << 32;

// The row-major position of nonzero number `i`; nothing when it lies outside `dims`.
static std::optional<uint64_t> positionOf(llvm::ArrayRef<int64_t> indices,
                                          llvm::ArrayRef<int64_t> dims, int64_t elements,
                                          bool linear, size_t i) {
  if (linear)
    return indices[i] >= 0 && indices[i] < elements ? std::optional<uint64_t>(indices[i])
                                                    : std::nullopt;
  uint64_t position = 0;
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    int64_t index = indices[i * dims.size() + axis];
    if (index < 0 || index >= dims[axis])
      return std::nullopt;
    position = position * dims[axis] + index;
  }
  return position;
}

llvm::Expected<TensorData> ModelFile::readDense(const onnx::SparseTensorProto &tensor) const {
  const TensorProto &values = tensor.values(), &indices = tensor.indices();
  const std::string where = "sparse tensor '" + values.name() + "'";
  llvm::ArrayRef<int64_t> dims(tensor.dims().data(), size_t(tensor.dims_size()));
  auto elements = countElements(dims);
  if (!elements)
    return elements.takeError();
  auto type = getElementType(values.data_type());
  if (!type || type->bits == 0 || type->bits % 8 != 0)
    return unsupportedModel("elements of " + elementTypeName(values.data_type()), where);
  auto bytes = llvm::checkedMulUnsigned<uint64_t>(*elements, type->bits / 8);
  if (!bytes || *bytes > maxDenseBytes)
    return unsupportedModel("more than 4 GiB when its zeros are written out", where);

  const int64_t nonzeros = values.dims_size() == 1 ? values.dims(0) : -1;
  const bool linear = indices.dims_size() == 1;
  const bool shaped = linear || (indices.dims_size() == 2 && indices.dims(1) == tensor.dims_size());
  if (nonzeros < 0 || indices.data_type() != TensorProto::INT64 || !shaped ||
      indices.dims(0) != nonzeros)
    return invalidModel("expected values [n] and int64 indices [n] or [n, rank]", where);
  auto valueData = read(values), indexData = read(indices);
  if (!valueData || !indexData)
    return llvm::joinErrors(valueData.takeError(), indexData.takeError());

  std::vector<int64_t> index(indexData->bytes.size() / sizeof(int64_t));
  std::memcpy(index.data(), indexData->bytes.data(), index.size() * sizeof(int64_t));
  auto dense = std::make_shared<std::vector<char>>(*bytes);
  const size_t size = type->bits / 8;
  for (int64_t i = 0; i < nonzeros; ++i) {
    auto position = positionOf(index, dims, *elements, linear, i);
    if (!position)
      return invalidModel("index of value " + llvm::Twine(i) + " is out of range", where);
    std::memcpy(dense->data() + *position * size, valueData->bytes.data() + i * size, size);
  }
  return TensorData{*dense, dense};
}
