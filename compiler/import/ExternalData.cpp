// Tensor data in files beside the model.
#include "compiler/import/ModelError.h"
#include "compiler/import/ModelFile.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace nncc;
namespace fs = llvm::sys::fs;
namespace path = llvm::sys::path;

// Why `location` cannot name a file inside the model's folder; empty when it can.
static llvm::StringRef refuseLocation(llvm::StringRef location) {
  if (location.empty())
    return "is empty";
  if (location.contains('\0'))
    return "contains a zero byte";
  if (path::is_absolute(location))
    return "is an absolute path";
  for (llvm::StringRef part : llvm::make_range(path::begin(location), path::end(location)))
    if (part == "..")
      return "leaves the model's folder with '..'";
  return "";
}

static bool liesIn(llvm::StringRef file, llvm::StringRef folder) {
  return file.consume_front(folder) && (folder.ends_with("/") || file.starts_with("/"));
}

llvm::Expected<ModelFile::File> ModelFile::openExternal(llvm::StringRef location) const {
  if (auto known = externalFiles.find(location); known != externalFiles.end())
    return known->second;
  const std::string quoted = "external data file '" + location.str() + "' ";
  if (llvm::StringRef why = refuseLocation(location); !why.empty())
    return invalidModel(quoted + why);
  llvm::SmallString<256> full(folder), realFolder, realFile;
  path::append(full, location);
  fs::file_status status;
  if (auto error = fs::status(full, status))
    return ioError(quoted + "cannot be read: " + error.message());
  if (status.type() != fs::file_type::regular_file) // a pipe would block
    return ioError(quoted + "is not a regular file");
  // Compare what is really open, not what the names say: a link may lead out.
  auto handle = fs::openNativeFileForRead(full, fs::OF_None, &realFile);
  if (!handle)
    return ioError(quoted + "cannot be read: " + llvm::toString(handle.takeError()));
  auto closeFile = llvm::scope_exit([&] { fs::closeFile(*handle); });
  if (fs::real_path(folder, realFolder) || !liesIn(realFile, realFolder))
    return invalidModel(quoted + "is a link that leaves the model's folder");
  auto buffer = llvm::MemoryBuffer::getOpenFile(*handle, full, status.getSize(),
                                                /*RequiresNullTerminator=*/false);
  if (!buffer)
    return ioError(quoted + "cannot be read: " + buffer.getError().message());
  return externalFiles[location] = std::move(*buffer);
}

static llvm::Error readNumber(const onnx::StringStringEntryProto &entry,
                              std::optional<uint64_t> &number) {
  uint64_t value;
  if (llvm::StringRef(entry.value()).getAsInteger(10, value))
    return invalidModel("external data's " + entry.key() + " is '" + entry.value() +
                        "', expected a number of bytes");
  number = value;
  return llvm::Error::success();
}

// The fields of an external data record; unknown keys (checksums) are ignored.
namespace {
struct ExternalRecord {
  llvm::StringRef location;
  std::optional<uint64_t> offset, length; // bytes
};
} // namespace

static llvm::Expected<ExternalRecord> readRecord(const onnx::TensorProto &tensor) {
  ExternalRecord record;
  for (const onnx::StringStringEntryProto &entry : tensor.external_data()) {
    if (entry.key() == "location")
      record.location = entry.value();
    auto *number = entry.key() == "offset"   ? &record.offset
                   : entry.key() == "length" ? &record.length
                                             : nullptr;
    if (!number)
      continue;
    if (auto error = readNumber(entry, *number))
      return std::move(error);
  }
  return record;
}

llvm::Expected<TensorData> ModelFile::readExternalUnnamed(const onnx::TensorProto &tensor,
                                                          const TensorLayout &layout) const {
  if (tensor.data_type() == onnx::TensorProto::STRING)
    return invalidModel("strings cannot be stored outside the model");
  auto record = readRecord(tensor);
  if (!record)
    return record.takeError();
  auto data = openExternal(record->location);
  if (!data)
    return data.takeError();
  const uint64_t size = (*data)->getBufferSize(), offset = record->offset.value_or(0);
  if (record->length && *record->length != layout.bytes)
    return invalidModel("external data's length is " + llvm::Twine(*record->length) +
                        ", expected " + llvm::Twine(layout.bytes) + " bytes");
  if (offset > size || layout.bytes > size - offset)
    return invalidModel("expected " + llvm::Twine(layout.bytes) + " bytes at offset " +
                        llvm::Twine(offset) + " of external data file '" + record->location +
                        "', which has " + llvm::Twine(size) + " bytes");
  return TensorData{{(*data)->getBufferStart() + offset, size_t(layout.bytes)}, *data};
}

llvm::Expected<TensorData> ModelFile::readExternal(const onnx::TensorProto &tensor,
                                                   const TensorLayout &layout) const {
  auto data = readExternalUnnamed(tensor, layout);
  if (data)
    return data;
  Problems problems;
  problems.take(data.takeError(), describe(tensor));
  return problems.finish();
}
