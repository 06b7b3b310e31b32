#include "targets/cpu/CodeCache.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/BLAKE3.h"
#include "llvm/Support/CachePruning.h"
#include "llvm/Support/Caching.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <elf.h>
#include <link.h>

using namespace llvm;

namespace nncc::cpu {

static std::string hashOf(StringRef text) {
  return toStringRef(BLAKE3::hash(arrayRefFromStringRef(text))).str();
}

/// Appends the build IDs in the notes of one loaded object, a hash of its contents, to a string.
static int appendBuildIds(dl_phdr_info *object, size_t, void *text) {
  for (const ElfW(Phdr) & segment : ArrayRef(object->dlpi_phdr, object->dlpi_phnum)) {
    if (segment.p_type != PT_NOTE)
      continue;
    StringRef notes(reinterpret_cast<const char *>(object->dlpi_addr + segment.p_vaddr),
                    segment.p_memsz);
    while (notes.size() >= sizeof(ElfW(Nhdr))) {
      ElfW(Nhdr) header;
      std::memcpy(&header, notes.data(), sizeof(header));
      notes = notes.drop_front(sizeof(header));
      StringRef name = notes.take_front(header.n_namesz);
      notes = notes.substr(alignTo(header.n_namesz, 4));
      if (header.n_type == NT_GNU_BUILD_ID && name == StringRef("GNU\0", 4))
        *static_cast<std::string *>(text) += notes.take_front(header.n_descsz);
      notes = notes.substr(alignTo(header.n_descsz, 4));
    }
  }
  return 0;
}

/// Of everything that code generation depends on besides its input: our library, and LLVM's.
static const std::string &compilerIdentity() {
  static const std::string identity = [] {
    std::string ids;
    dl_iterate_phdr(appendBuildIds, &ids);
    return hashOf(ids);
  }();
  return identity;
}

Expected<CodeCache> CodeCache::open(const std::string &folder) {
  if (std::error_code error = sys::fs::create_directories(folder))
    return createStringError(error, "cannot make the cache '" + folder + "': " + error.message());
  if (!sys::fs::is_directory(folder))
    return createStringError("the cache '" + folder + "' is not a folder");
  return CodeCache(folder);
}

/// An entry is the hash of the code, then the code; nothing where it is damaged.
static std::optional<CodeCache::Code> readEntry(const MemoryBuffer &entry) {
  StringRef hash = entry.getBuffer().take_front(sizeof(BLAKE3Result<>)),
            code = entry.getBuffer().substr(sizeof(BLAKE3Result<>));
  if (hashOf(code) != hash)
    return std::nullopt;
  return CodeCache::Code(code.begin(), code.end());
}

/// What cannot be kept is left out; an entry that was cut short does not have its hash.
static void writeEntry(AddStreamFn &add, StringRef code) {
  Expected<std::unique_ptr<CachedFileStream>> stream = add(/*Task=*/0, /*ModuleName=*/"");
  if (!stream)
    return consumeError(stream.takeError());
  auto &file = static_cast<raw_fd_ostream &>(*(*stream)->OS);
  file << hashOf(code) << code;
  file.flush();
  file.clear_error(); // or LLVM ends the process
  consumeError((*stream)->commit());
}

Expected<CodeCache::Code> CodeCache::lookup(StringRef source,
                                            function_ref<Expected<Code>()> generate) const {
  std::unique_ptr<MemoryBuffer> entry;
  // Files begin with what LLVM prunes, so that those of processes that were ended go as well.
  Expected<FileCache> files =
      localCache("nncc", "llvmcache-new", folder,
                 [&](unsigned, const Twine &, std::unique_ptr<MemoryBuffer> found) {
                   entry = std::move(found);
                 });
  if (!files)
    return files.takeError();
  const std::string key = toHex(hashOf(compilerIdentity() + source.str()), /*LowerCase=*/true);
  AddStreamFn add;
  for (int attempt = 0; attempt < 2 && !add; ++attempt) {
    Expected<AddStreamFn> missing = (*files)(/*Task=*/0, key, /*ModuleName=*/"");
    if (!missing) { // such as an entry that may not be read
      consumeError(missing.takeError());
      return generate();
    }
    add = std::move(*missing);
    if (add)
      break;
    if (std::optional<Code> code = readEntry(*entry))
      return std::move(*code);
    SmallString<128> path(folder);
    sys::path::append(path, "llvmcache-" + key);
    sys::fs::remove(path);
  }
  Expected<Code> code = generate();
  if (code && add)
    writeEntry(add, StringRef(code->data(), code->size()));
  return code;
}

void CodeCache::prune(uint64_t bytes) const {
  CachePruningPolicy policy;
  policy.Interval = std::chrono::seconds(0);   // now
  policy.Expiration = std::chrono::seconds(0); // by size alone
  policy.MaxSizePercentageOfAvailableSpace = 0;
  policy.MaxSizeBytes = std::max<uint64_t>(bytes, 1); // 0 would be no limit
  pruneCache(folder, policy);
}

} // namespace nncc::cpu
