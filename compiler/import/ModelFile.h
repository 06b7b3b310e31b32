// An ONNX file whose weights stay where they are: mapped, not copied.
#pragma once

#include "compiler/import/ElementType.h"
#include "compiler/import/WireScan.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>

namespace nncc {

/// The elements of a tensor in ONNX's raw layout: little-endian, row-major, types of less than
/// eight bits packed from the lowest bit on. `owner` keeps `bytes` alive: a mapping or memory.
struct TensorData {
  llvm::ArrayRef<char> bytes;
  std::shared_ptr<const void> owner;
};

/// The protobuf message of a model without its large tensors, and the way to their data.
class ModelFile {
public:
  /// Maps and parses the file. Errors: I/O; invalid when it is no ONNX model.
  static llvm::Expected<ModelFile> open(llvm::StringRef path);

  /// Parses a model that is in memory already; external data is looked for in `folder`.
  static llvm::Expected<ModelFile> parse(std::unique_ptr<llvm::MemoryBuffer> buffer,
                                         llvm::StringRef folder);

  onnx::ModelProto &proto() { return *model; }
  const onnx::ModelProto &proto() const { return *model; }

  /// The data of a numeric tensor of this model, wherever it is stored. Zero-copy for raw data,
  /// external data and packed float/double fields; anything else is decoded into memory.
  /// Errors (invalid, I/O): dims, element type and size that do not agree; a missing external file.
  llvm::Expected<TensorData> read(const onnx::TensorProto &tensor) const;

  /// The strings of a tensor of this model. Errors (invalid): dims that do not fit their number.
  llvm::Expected<llvm::SmallVector<llvm::StringRef>>
  readStrings(const onnx::TensorProto &tensor) const;

  /// The sparse tensor with its zeros. Errors as above; indices out of range.
  llvm::Expected<TensorData> readDense(const onnx::SparseTensorProto &tensor) const;

  /// Checks all that `read` checks without decoding or touching the data.
  llvm::Error check(const onnx::TensorProto &tensor) const;

private:
  ModelFile() = default;

  llvm::Error checkInline(const onnx::TensorProto &tensor, const TensorLayout &layout) const;
  llvm::Expected<TensorData> readInline(const onnx::TensorProto &tensor,
                                        const TensorLayout &layout) const;
  llvm::Expected<const Payload *> payloadOf(const onnx::TensorProto &tensor) const;
  llvm::Expected<TensorData> readPayload(const onnx::TensorProto &tensor, const Payload &payload,
                                         const TensorLayout &layout) const;
  llvm::Expected<TensorData> readExternal(const onnx::TensorProto &tensor,
                                          const TensorLayout &layout) const;

  llvm::Expected<TensorData> readExternalUnnamed(const onnx::TensorProto &tensor,
                                                 const TensorLayout &layout) const;

  using File = std::shared_ptr<const llvm::MemoryBuffer>;
  llvm::Expected<File> openExternal(llvm::StringRef location) const;

  File file;
  std::string folder; // of the model, where its external data lies
  std::unique_ptr<onnx::ModelProto> model;
  std::vector<Payload> payloads;
  mutable llvm::StringMap<File> externalFiles; // by location
};

} // namespace nncc
