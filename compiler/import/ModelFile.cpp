#include "compiler/import/ModelFile.h"
#include "compiler/import/ModelError.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace nncc;

llvm::Expected<ModelFile> ModelFile::open(llvm::StringRef path) {
  if (llvm::sys::fs::is_directory(path))
    return ioError("'" + path + "' is a folder, not an ONNX file");
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return ioError("cannot read '" + path + "': " + buffer.getError().message());
  llvm::StringRef folder = llvm::sys::path::parent_path(path);
  auto file = parse(std::move(*buffer), folder.empty() ? "." : folder);
  if (file)
    return file;
  Problems problems;
  problems.take(file.takeError(), path);
  return problems.finish();
}

llvm::Expected<ModelFile> ModelFile::parse(std::unique_ptr<llvm::MemoryBuffer> buffer,
                                           llvm::StringRef folder) {
  if (buffer->getBufferSize() == 0)
    return invalidModel("the file is empty");
  auto scanned = scanModel(buffer->getBuffer());
  if (!scanned)
    return scanned.takeError();
  if (scanned->message.size() > INT32_MAX)
    return invalidModel("the graph without its weights has " +
                        llvm::Twine(scanned->message.size()) + " bytes; protobuf's limit is 2 GiB");
  ModelFile result;
  result.model = std::make_unique<onnx::ModelProto>();
  if (!result.model->ParseFromArray(scanned->message.data(), int(scanned->message.size())))
    return invalidModel("not a valid ONNX file: a field's value does not decode as protobuf");
  result.file = std::move(buffer);
  result.folder = folder.str();
  result.payloads = std::move(scanned->payloads);
  return std::move(result);
}
