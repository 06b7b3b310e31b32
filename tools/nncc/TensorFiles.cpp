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

static Expected<std::vector<Value>> parse(StringRef bytes, TensorFormat format, int32_t kind) {
  std::vector<Value> values;
  if (format == TensorFormat::Pb) {
    Expected<Value> value = parsePb(bytes, kind);
    if (!value)
      return value.takeError();
    values.push_back(std::move(*value));
    return values;
  }
  if (format == TensorFormat::Npy) {
    Expected<Tensor> tensor = parseNpy(bytes);
    if (!tensor)
      return tensor.takeError();
    values.emplace_back(std::move(*tensor));
    return values;
  }
  Expected<std::vector<Tensor>> tensors = parseNpz(bytes);
  if (!tensors)
    return tensors.takeError();
  for (Tensor &tensor : *tensors)
    values.emplace_back(std::move(tensor));
  return values;
}

Expected<std::vector<Value>> readValues(StringRef path, int32_t kind) {
  std::optional<TensorFormat> format = tensorFormat(path);
  if (!format)
    return usageError(path + ": expected a .npy, .npz or .pb file");
  ErrorOr<std::unique_ptr<MemoryBuffer>> file =
      MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return usageError(path + ": " + file.getError().message());
  Expected<std::vector<Value>> values = parse((*file)->getBuffer(), *format, kind);
  if (!values)
    return inFile(path, values.takeError());
  return values;
}

Error writeValues(StringRef path, ArrayRef<Value> values) {
  std::optional<TensorFormat> format = tensorFormat(path);
  if (!format)
    return usageError(path + ": expected a .npy, .npz or .pb file");
  if (*format != TensorFormat::Npz && values.size() != 1)
    return usageError(path + ": holds one value, not " + Twine(values.size()) +
                      "; use .npz or a folder");
  for (const Value &value : values)
    if (*format != TensorFormat::Pb && !value.isTensor())
      return unsupportedError(path + ": cannot hold '" + value.name + "', " + value.typeText() +
                              "; use a .pb, or a folder");
  Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return usageError(toString(file.takeError()));
  raw_ostream &os = file->stream();
  Error error = *format == TensorFormat::Npz   ? writeNpz(os, values)
                : *format == TensorFormat::Npy ? writeNpy(os, values[0].tensors.front())
                                               : writePb(os, values[0]);
  if (!error)
    error = file->keep();
  return error ? inFile(path, std::move(error)) : Error::success();
}

} // namespace nncc::tool
