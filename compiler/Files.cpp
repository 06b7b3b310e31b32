#include "compiler/Files.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Signals.h"

using namespace llvm;

namespace nncc {

Expected<TemporaryFolder> TemporaryFolder::create() {
  SmallString<128> path;
  if (std::error_code code = sys::fs::createUniqueDirectory("nncc", path))
    return createStringError(code, "cannot create a temporary folder");
  return TemporaryFolder(path.str().str());
}

TemporaryFolder::~TemporaryFolder() {
  if (!folder.empty())
    sys::fs::remove_directories(folder);
}

Expected<AtomicFile> AtomicFile::create(StringRef name) {
  if (sys::fs::is_directory(name))
    return createStringError("cannot write '" + name + "': it is a folder");
  int descriptor = -1;
  SmallString<128> path;
  if (std::error_code code =
          sys::fs::createUniqueFile(name + ".%%%%%%", descriptor, path, sys::fs::OF_None,
                                    sys::fs::all_read | sys::fs::all_write))
    return createStringError(code, "cannot write '" + name + "': " + code.message());
  sys::RemoveFileOnSignal(path);
  return AtomicFile(name.str(), path.str().str(),
                    std::make_unique<raw_fd_ostream>(descriptor, /*shouldClose=*/true));
}

AtomicFile::~AtomicFile() {
  if (temporary.empty())
    return;
  os->clear_error();
  os.reset();
  sys::fs::remove(temporary);
}

Error AtomicFile::flush() {
  os->flush();
  if (std::error_code code = os->error()) {
    os->clear_error();
    return createStringError(code, "cannot write '" + name + "': " + code.message());
  }
  return Error::success();
}

Error AtomicFile::keep() {
  if (Error error = flush())
    return error;
  os->close();
  if (os->has_error()) {
    std::error_code code = os->error();
    os->clear_error();
    return createStringError(code, "cannot write '" + name + "': " + code.message());
  }
  if (std::error_code code = sys::fs::rename(temporary, name))
    return createStringError(code, "cannot write '" + name + "': " + code.message());
  sys::DontRemoveFileOnSignal(temporary);
  temporary.clear();
  return Error::success();
}

Error writeFile(StringRef path, StringRef content) {
  Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  file->stream() << content;
  return file->keep();
}

} // namespace nncc
