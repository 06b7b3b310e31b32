#include "tools/nncc/TensorFiles.h"

#include "compiler/Files.h"
#include "tools/nncc/CommandLine.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace nncc::tool {

std::optional<TensorFormat> tensorFormat(StringRef path) {
  return StringSwitch<std::optional<TensorFormat>>(sys::path::extension(path))
      .Case(".npy", TensorFormat::Npy)
      .Case(".npz", TensorFormat::Npz)
      .Case(".pb", TensorFormat::Pb)
      .Default(std::nullopt);
}

/// The same error with the file's name before its message.
static Error inFile(StringRef path, Error error) {
  ErrorClass kind = ErrorClass::Usage;
  std::string message;
  handleAllErrors(
      std::move(error),
      [&](const CompileError &e) {
        kind = e.kind;
        message = e.message;
      },
      [&](const ErrorInfoBase &e) { message = e.message(); });
  return make_error<CompileError>(kind, (path + ": " + message).str());
}

static Expected<std::vector<Tensor>> one(Expected<Tensor> tensor) {
  if (!tensor)
    return tensor.takeError();
  std::vector<Tensor> tensors;
  tensors.push_back(std::move(*tensor));
  return tensors;
}

Expected<std::vector<Tensor>> readTensors(StringRef path) {
  std::optional<TensorFormat> format = tensorFormat(path);
  if (!format)
    return usageError(path + ": expected a .npy, .npz or .pb file");
  ErrorOr<std::unique_ptr<MemoryBuffer>> file =
      MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return usageError(path + ": " + file.getError().message());
  StringRef bytes = (*file)->getBuffer();
  Expected<std::vector<Tensor>> tensors = *format == TensorFormat::Npz   ? parseNpz(bytes)
                                          : *format == TensorFormat::Npy ? one(parseNpy(bytes))
                                                                         : one(parsePb(bytes));
  if (!tensors)
    return inFile(path, tensors.takeError());
  return tensors;
}

Error writeTensors(StringRef path, ArrayRef<Tensor> tensors) {
  std::optional<TensorFormat> format = tensorFormat(path);
  if (!format)
    return usageError(path + ": expected a .npy, .npz or .pb file");
  if (*format != TensorFormat::Npz && tensors.size() != 1)
    return usageError(path + ": holds one tensor, not " + Twine(tensors.size()) +
                      "; use .npz or a folder");
  Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return usageError(toString(file.takeError()));
  raw_ostream &os = file->stream();
  Error error = *format == TensorFormat::Npz   ? writeNpz(os, tensors)
                : *format == TensorFormat::Npy ? writeNpy(os, tensors[0])
                                               : writePb(os, tensors[0]);
  if (!error)
    error = file->keep();
  return error ? inFile(path, std::move(error)) : Error::success();
}

} // namespace nncc::tool
