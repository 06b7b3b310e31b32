#include "compiler/IRFile.h"

#include "compiler/Files.h"
#include "dialects/nn/NN.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using llvm::Error;
using llvm::Expected;

namespace nncc {

// The sidecar: "NNCCIRW1", then per blob: u64 length of its name, the name, u64 size, padding to 64
// bytes, the data.
static constexpr StringLiteral magic = "NNCCIRW1";
static constexpr StringLiteral stageAttr = "nncc.stage";

static std::string sidecar(StringRef path) { return (path + ".weights").str(); }

static void collectBlobs(ModuleOp module,
                         llvm::MapVector<StringRef, DenseResourceElementsHandle> &blobs) {
  module.walk([&](nn::ConstantOp op) {
    if (auto resource = dyn_cast<DenseResourceElementsAttr>(op.getValue()))
      blobs.insert({resource.getRawHandle().getKey(), resource.getRawHandle()});
  });
}

static Error writeBlobs(ModuleOp module, StringRef path) {
  llvm::MapVector<StringRef, DenseResourceElementsHandle> blobs;
  collectBlobs(module, blobs);
  if (blobs.empty())
    return Error::success();
  Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  llvm::raw_fd_ostream &os = file->stream();
  auto number = [&](uint64_t value) { os.write(reinterpret_cast<const char *>(&value), 8); };
  os << magic;
  for (auto &[name, handle] : blobs) {
    AsmResourceBlob *blob = handle.getBlob();
    if (!blob)
      return llvm::createStringError("the data of constant '" + name + "' are missing");
    number(name.size());
    os << name;
    number(blob->getData().size());
    os.write_zeros(llvm::offsetToAlignment(os.tell(), llvm::Align(64)));
    os.write(blob->getData().data(), blob->getData().size());
  }
  return file->keep();
}

Error writeIR(ModuleOp module, StringRef stage, StringRef path) {
  if (Error error = writeBlobs(module, sidecar(path)))
    return error;
  module->setAttr(stageAttr, StringAttr::get(module.getContext(), stage));
  Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  OpPrintingFlags flags;
  flags.enableDebugInfo(/*enable=*/true, /*prettyForm=*/false);
  flags.elideLargeResourceString(0); // their data are in the sidecar
  module.print(file->stream(), flags);
  file->stream() << "\n";
  return file->keep();
}

/// Gives every blob of the sidecar to the resource of its name; they stay in the mapped file.
static Error readBlobs(MLIRContext &context, StringRef path) {
  auto mapped =
      llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!mapped)
    return llvm::createStringError("cannot read '" + path +
                                   "', the constants of the IR: " + mapped.getError().message());
  std::shared_ptr<llvm::MemoryBuffer> buffer = std::move(*mapped);
  StringRef data = buffer->getBuffer();
  auto broken = [&] { return llvm::createStringError("'" + path + "' is damaged or cut short"); };
  if (!data.starts_with(magic))
    return broken();
  auto &manager = DenseResourceElementsHandle::getManagerInterface(&context).getBlobManager();
  uint64_t at = magic.size();
  auto number = [&](uint64_t &value) {
    if (data.size() - at < 8)
      return false;
    std::memcpy(&value, data.data() + at, 8);
    at += 8;
    return value <= data.size();
  };
  while (at < data.size()) {
    uint64_t length = 0, size = 0;
    if (!number(length) || length > data.size() - at)
      return broken();
    StringRef name = data.substr(at, length);
    at += length;
    if (!number(size))
      return broken();
    at = llvm::alignTo(at, 64);
    if (at > data.size() || size > data.size() - at)
      return broken();
    manager.update(
        name, UnmanagedAsmResourceBlob::allocateWithAlign(ArrayRef(data.data() + at, size), 64,
                                                          [buffer](void *, size_t, size_t) {}));
    at += size;
  }
  return Error::success();
}

Expected<std::pair<OwningOpRef<ModuleOp>, std::string>> readIR(MLIRContext &context,
                                                               StringRef path) {
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(path, &context);
  if (!module)
    return llvm::createStringError("'" + path + "' is not valid IR");
  if (module->getOps<func::FuncOp>().empty())
    return llvm::createStringError("'" + path + "' holds no model: expected a func.func");
  llvm::MapVector<StringRef, DenseResourceElementsHandle> blobs;
  collectBlobs(*module, blobs);
  bool missing = llvm::any_of(blobs, [](auto &entry) { return !entry.second.getBlob(); });
  if (missing)
    if (Error error = readBlobs(context, sidecar(path)))
      return std::move(error);
  for (auto &[name, handle] : blobs)
    if (!handle.getBlob())
      return llvm::createStringError("'" + sidecar(path) + "' lacks the constant '" + name + "'");
  auto stage = (*module)->getAttrOfType<StringAttr>(stageAttr);
  std::string name = stage ? stage.str() : "import";
  (*module)->removeAttr(stageAttr);
  return std::make_pair(std::move(module), name);
}

} // namespace nncc
