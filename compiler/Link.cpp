#include "compiler/Link.h"

#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"

#include <cmath>
#include <cstdlib>
#include <dlfcn.h>

using namespace llvm;

namespace nncc {

/// The library of this process that holds `symbol`: for the host no development package is needed.
static std::string libraryOf(const void *symbol) {
  Dl_info info;
  return dladdr(symbol, &info) ? info.dli_fname : "";
}

static Error runLinker(ArrayRef<StringRef> options) {
  ErrorOr<std::string> linker = sys::findProgramByName("ld.lld", {NNCC_LLVM_TOOLS_DIR});
  if (!linker && !(linker = sys::findProgramByName("ld.lld")))
    return createStringError("cannot find the linker ld.lld: install the package lld-22");
  SmallString<128> log;
  if (std::error_code code = sys::fs::createTemporaryFile("nncc-link", "log", log))
    return createStringError(code, "cannot write a temporary file: " + code.message());
  SmallVector<StringRef> args{*linker};
  append_range(args, options);
  std::optional<StringRef> redirects[] = {std::nullopt, StringRef(log), StringRef(log)};
  std::string problem;
  int status = sys::ExecuteAndWait(*linker, args, std::nullopt, redirects, 0, 0, &problem);
  if (auto text = MemoryBuffer::getFile(log); status != 0 && text)
    problem += (*text)->getBuffer().rtrim().str();
  sys::fs::remove(log);
  return status == 0 ? Error::success() : createStringError("linking failed: " + problem);
}

Error linkShared(ArrayRef<std::string> objects, StringRef output, StringRef triple, bool strip) {
  SmallVector<StringRef> args{"-shared",
                              "-z",
                              "relro",
                              "-z",
                              "now",
                              "-z",
                              "noexecstack",
                              "--hash-style=gnu",
                              "--gc-sections",
                              "--build-id=sha1",
                              "-o",
                              output};
  if (strip)
    args.push_back("--strip-all");
  append_range(args, objects);
  std::string math, c;
  bool isHost = Triple(triple).getArch() == Triple(sys::getProcessTriple()).getArch();
  if (isHost) { // for other machines, libc and libm are resolved when the library is loaded
    // Functions that nobody puts in the place of libc's, as allocators and sanitizers do with
    // malloc.
    math = libraryOf(reinterpret_cast<void *>(&::sinf)); // std::sin is inline, in us
    c = libraryOf(reinterpret_cast<void *>(&::ldiv));
    args.append({"-z", "defs", "--as-needed", math, c});
  }
  return runLinker(args);
}

Error linkRelocatable(ArrayRef<std::string> objects, StringRef output) {
  SmallVector<StringRef> args{"-r", "-o", output};
  append_range(args, objects);
  return runLinker(args);
}

Error archive(ArrayRef<std::string> objects, StringRef output) {
  std::vector<NewArchiveMember> members;
  for (const std::string &object : objects) {
    Expected<NewArchiveMember> member = NewArchiveMember::getFile(object, /*Deterministic=*/true);
    if (!member)
      return member.takeError();
    member->MemberName = sys::path::filename(member->MemberName); // not where it lay
    members.push_back(std::move(*member));
  }
  return writeArchive(output, members, SymtabWritingMode::NormalSymtab, object::Archive::K_GNU,
                      /*Deterministic=*/true, /*Thin=*/false);
}

} // namespace nncc
