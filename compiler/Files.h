// Files that appear whole or not at all.
#pragma once

#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>
#include <string>

namespace nncc {

/// A folder that is removed with what is in it.
class TemporaryFolder {
public:
  static llvm::Expected<TemporaryFolder> create();
  TemporaryFolder(TemporaryFolder &&other) : folder(std::move(other.folder)) {
    other.folder.clear();
  }
  ~TemporaryFolder();
  const std::string &path() const { return folder; }

private:
  explicit TemporaryFolder(std::string folder) : folder(std::move(folder)) {}
  std::string folder;
};

/// A file under a temporary name beside its own; `keep` gives it its name, else it is removed.
class AtomicFile {
public:
  static llvm::Expected<AtomicFile> create(llvm::StringRef name);
  AtomicFile(AtomicFile &&other)
      : name(std::move(other.name)), temporary(std::move(other.temporary)),
        os(std::move(other.os)) {
    other.temporary.clear();
  }
  AtomicFile &operator=(AtomicFile &&) = delete;
  ~AtomicFile();

  /// Where another program may write the file.
  const std::string &path() const { return temporary; }
  llvm::raw_fd_ostream &stream() { return *os; }
  /// Reports a full disk.
  llvm::Error flush();
  llvm::Error keep();

private:
  AtomicFile(std::string name, std::string temporary, std::unique_ptr<llvm::raw_fd_ostream> os)
      : name(std::move(name)), temporary(std::move(temporary)), os(std::move(os)) {}
  std::string name, temporary;
  std::unique_ptr<llvm::raw_fd_ostream> os;
};

llvm::Error writeFile(llvm::StringRef path, llvm::StringRef content);

} // namespace nncc
