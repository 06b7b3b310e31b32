#include "compiler/import/Weights.h"
#include "compiler/import/ModelError.h"
#include "compiler/import/TypeMap.h"

#include "dialects/nn/Types.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Alignment.h"

using namespace mlir;
using namespace nncc;

// What the values of shapes, axes and the like must not exceed to be seen by inference.
static constexpr int64_t maxFoldedIntegers = 1024;

static bool isSmall(RankedTensorType type, size_t bytes) {
  return bytes <= inlinePayloadBytes ||
         (type.getElementType().isInteger() && type.getNumElements() <= maxFoldedIntegers);
}

// Elements of less than a byte get one each: see nn::storageType.
static TensorData unpack(const TensorData &packed, unsigned width, int64_t count) {
  auto codes = std::make_shared<std::vector<char>>(count);
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t bit = uint64_t(i) * width, at = bit / 8;
    unsigned found = uint8_t(packed.bytes[at]);
    if (bit % 8 + width > 8)
      found |= unsigned(uint8_t(packed.bytes[at + 1])) << 8;
    (*codes)[i] = char(found >> bit % 8 & ((1u << width) - 1));
  }
  return {*codes, codes};
}

// A bool is one byte in ONNX, anything but 0 is true.
static ElementsAttr makeDense(RankedTensorType type, ArrayRef<char> bytes) {
  if (!type.getElementType().isInteger(1))
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  SmallVector<bool> values = llvm::map_to_vector(bytes, [](char byte) { return byte != 0; });
  return DenseElementsAttr::get(type, ArrayRef<bool>(values));
}

static ElementsAttr makeResource(RankedTensorType type, TensorData data, StringRef name) {
  // Readers of the resource use typed loads.
  const size_t align = nn::storedBytes(type.getElementType());
  if (!llvm::isAddrAligned(llvm::Align(align), data.bytes.data()))
    return DenseResourceElementsAttr::get(
        type, name, HeapAsmResourceBlob::allocateAndCopyWithAlign(data.bytes, /*align=*/64));
  auto release = [owner = data.owner](void *, size_t, size_t) {};
  return DenseResourceElementsAttr::get(
      type, name,
      UnmanagedAsmResourceBlob::allocateWithAlign(data.bytes, align, std::move(release)));
}

static llvm::Expected<ElementsAttr> makeElements(llvm::Expected<TensorData> data, int dataType,
                                                 ArrayRef<int64_t> dims, const std::string &name,
                                                 MLIRContext *context) {
  if (!data)
    return data.takeError();
  Type element = toElementType(dataType, context);
  if (!element)
    return unsupportedModel("elements of type " + elementTypeName(dataType) + " are not supported",
                            "tensor '" + name + "'");
  auto type = RankedTensorType::get(dims, element);
  if (type.getNumElements() == 0)
    return DenseElementsAttr::get(type, ArrayRef<Attribute>());
  if (element.isIntOrFloat() && nn::isCode(element) && type.getElementTypeBitWidth() < 8)
    data = unpack(*data, type.getElementTypeBitWidth(), type.getNumElements());
  if (isSmall(type, data->bytes.size()))
    return makeDense(type, data->bytes);
  return makeResource(type, std::move(*data), name.empty() ? "tensor" : name);
}

llvm::Expected<ElementsAttr>
nncc::readElements(const ModelFile &file, const onnx::TensorProto &tensor, MLIRContext *context) {
  if (tensor.data_type() == onnx::TensorProto::STRING)
    return unsupportedModel("elements of type string are not supported", describe(tensor));
  return makeElements(file.read(tensor), tensor.data_type(), dimsOf(tensor), tensor.name(),
                      context);
}

llvm::Expected<ElementsAttr> nncc::readElements(const ModelFile &file,
                                                const onnx::SparseTensorProto &tensor,
                                                MLIRContext *context) {
  return makeElements(file.readDense(tensor), tensor.values().data_type(),
                      {tensor.dims().data(), size_t(tensor.dims_size())}, tensor.values().name(),
                      context);
}
