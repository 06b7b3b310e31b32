// NumPy's .npz: a zip archive of .npy files, stored or deflated.
// Source: PKWARE's APPNOTE.TXT, sections 4.3 to 4.5.
#include "tools/nncc/CommandLine.h"
#include "tools/nncc/TensorFiles.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CRC.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/raw_ostream.h"

#include <zlib.h>

using namespace llvm;
using support::endian::read16le;
using support::endian::read32le;
using support::endian::read64le;

namespace nncc::tool {

static constexpr uint32_t localMagic = 0x04034b50, centralMagic = 0x02014b50, endMagic = 0x06054b50,
                          end64Magic = 0x06064b50, locator64Magic = 0x07064b50;
static constexpr size_t localSize = 30, centralSize = 46, endSize = 22, end64Size = 56,
                        locator64Size = 20;
static constexpr uint32_t in64 = 0xffffffff; // the number is in the zip64 field

namespace {
struct Entry {
  StringRef name;
  uint16_t method, flags;
  uint32_t crc;
  uint64_t packed, size, offset;
};
struct Directory {
  uint64_t offset, entries;
};
} // namespace

static bool inside(StringRef bytes, uint64_t offset, uint64_t size) {
  return offset <= bytes.size() && size <= bytes.size() - offset;
}

static Error broken(const Twine &what) { return usageError("a broken zip archive: " + what); }

static Expected<Directory> findDirectory(StringRef bytes) {
  if (bytes.size() < endSize)
    return usageError("not an .npz file");
  // The record at the end is followed by a comment of at most 64 KiB.
  size_t last = bytes.size() - endSize, first = last - std::min<size_t>(last, 0xffff);
  for (size_t at = last + 1; at-- > first;) {
    const char *end = bytes.data() + at;
    if (read32le(end) != endMagic)
      continue;
    Directory directory{read32le(end + 16), read16le(end + 10)};
    const char *locator = end - locator64Size;
    if (at >= locator64Size && read32le(locator) == locator64Magic) {
      uint64_t at64 = read64le(locator + 8);
      if (!inside(bytes, at64, end64Size) || read32le(bytes.data() + at64) != end64Magic)
        return broken("its zip64 record is missing");
      directory = {read64le(bytes.data() + at64 + 48), read64le(bytes.data() + at64 + 32)};
    }
    return directory;
  }
  return usageError("not an .npz file");
}

/// Replaces the numbers of `entry` that did not fit 32 bits by those of its zip64 field.
static bool read64(StringRef extra, Entry &entry) {
  while (extra.size() >= 4) {
    uint16_t id = read16le(extra.data()), size = read16le(extra.data() + 2);
    extra = extra.drop_front(4);
    if (size > extra.size())
      return false;
    StringRef field = extra.take_front(size);
    for (uint64_t *number : {&entry.size, &entry.packed, &entry.offset}) {
      if (id != 1 || *number != in64)
        continue;
      if (field.size() < 8)
        return false;
      *number = read64le(field.data());
      field = field.drop_front(8);
    }
    extra = extra.drop_front(size);
  }
  return true;
}

/// Reads one entry of the directory at `at` and moves there.
static Expected<Entry> readEntry(StringRef bytes, uint64_t &at) {
  if (!inside(bytes, at, centralSize) || read32le(bytes.data() + at) != centralMagic)
    return broken("its directory is cut off");
  const char *p = bytes.data() + at;
  Entry entry{{},
              read16le(p + 10),
              read16le(p + 8),
              read32le(p + 16),
              read32le(p + 20),
              read32le(p + 24),
              read32le(p + 42)};
  uint64_t name = read16le(p + 28), extra = read16le(p + 30), comment = read16le(p + 32);
  at += centralSize;
  if (!inside(bytes, at, name + extra + comment))
    return broken("its directory is cut off");
  entry.name = bytes.substr(at, name);
  if (!read64(bytes.substr(at + name, extra), entry))
    return broken("a zip64 field of '" + entry.name + "' is cut off");
  at += name + extra + comment;
  return entry;
}

static Expected<StringRef> packedBytes(StringRef bytes, const Entry &entry) {
  if (!inside(bytes, entry.offset, localSize) ||
      read32le(bytes.data() + entry.offset) != localMagic)
    return broken("'" + entry.name + "' is not where the directory says");
  const char *p = bytes.data() + entry.offset;
  uint64_t data = entry.offset + localSize + read16le(p + 26) + read16le(p + 28);
  if (!inside(bytes, data, entry.packed))
    return broken("'" + entry.name + "' is cut off");
  return bytes.substr(data, entry.packed);
}

/// Raw deflate: what llvm::compression has expects zlib's header.
static bool inflateInto(StringRef packed, MutableArrayRef<char> out) {
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return false;
  constexpr size_t chunk = 1u << 30; // zlib counts in 32 bits
  int status = Z_OK;
  size_t done = 0, written = 0;
  while (status == Z_OK) {
    if (!stream.avail_in && done < packed.size()) {
      stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(packed.data() + done));
      stream.avail_in = std::min(chunk, packed.size() - done);
      done += stream.avail_in;
    }
    if (!stream.avail_out && written < out.size()) {
      stream.next_out = reinterpret_cast<Bytef *>(out.data() + written);
      stream.avail_out = std::min(chunk, out.size() - written);
      written += stream.avail_out;
    }
    status = inflate(&stream, Z_NO_FLUSH);
  }
  bool whole = status == Z_STREAM_END && written == out.size() && !stream.avail_out;
  inflateEnd(&stream);
  return whole;
}

static Expected<Tensor> readTensor(StringRef bytes, const Entry &entry) {
  Expected<StringRef> data = packedBytes(bytes, entry);
  if (!data)
    return data.takeError();
  std::unique_ptr<WritableMemoryBuffer> memory;
  if (entry.flags & 1)
    return usageError("'" + entry.name + "' is encrypted");
  if (entry.method == 8) {
    if (entry.size / 1040 > entry.packed) // more than deflate can do
      return broken("the size of '" + entry.name + "'");
    memory = WritableMemoryBuffer::getNewUninitMemBuffer(entry.size);
    if (!memory)
      return usageError("no memory for '" + entry.name + "'");
    if (!inflateInto(*data, memory->getBuffer()))
      return broken("'" + entry.name + "' does not inflate");
    data = StringRef(memory->getBufferStart(), entry.size);
  } else if (entry.method != 0) {
    return unsupportedError("'" + entry.name + "' is compressed by method " + Twine(entry.method) +
                            ", expected stored (0) or deflated (8)");
  }
  if (data->size() != entry.size || crc32(arrayRefFromStringRef(*data)) != entry.crc)
    return broken("the checksum of '" + entry.name + "'");
  Expected<Tensor> tensor = parseNpy(*data);
  if (!tensor)
    return joinErrors(usageError("'" + entry.name + "':"), tensor.takeError());
  StringRef name = entry.name;
  name.consume_back(".npy");
  tensor->name = name.str();
  return tensor;
}

Expected<std::vector<Tensor>> parseNpz(StringRef bytes) {
  Expected<Directory> directory = findDirectory(bytes);
  if (!directory)
    return directory.takeError();
  std::vector<Tensor> tensors;
  uint64_t at = directory->offset;
  for (uint64_t i = 0; i < directory->entries; ++i) {
    Expected<Entry> entry = readEntry(bytes, at);
    if (!entry)
      return entry.takeError();
    Expected<Tensor> tensor = readTensor(bytes, *entry);
    if (!tensor)
      return tensor.takeError();
    tensors.push_back(std::move(*tensor));
  }
  return tensors;
}

// Writing -----------------------------------------------------------------------------------------

static void put16(std::string &to, uint16_t value) {
  to += char(value);
  to += char(value >> 8);
}
static void put32(std::string &to, uint32_t value) {
  put16(to, value);
  put16(to, value >> 16);
}

/// The part that local header and directory have in common: from "version needed" to the lengths.
static std::string description(const std::string &name, uint32_t crc, uint32_t size) {
  std::string text;
  put16(text, 20);    // version needed
  put16(text, 0x800); // names are UTF-8
  put16(text, 0);     // stored
  put16(text, 0);     // time and date: the same bytes every time
  put16(text, 0x21);
  for (uint32_t number : {crc, size, size})
    put32(text, number);
  put16(text, name.size());
  put16(text, 0);
  return text;
}

Error writeNpz(raw_ostream &os, ArrayRef<Value> values) {
  std::string directory;
  uint64_t offset = 0;
  for (const Value &value : values) {
    std::string name = value.name + ".npy", data, header;
    raw_string_ostream dataStream(data);
    if (Error error = writeNpy(dataStream, value.tensors.front()))
      return error;
    if (offset + data.size() >= in64 || name.size() > 0xffff || values.size() >= 0xffff)
      return usageError("more than 4 GiB in one .npz: write into a folder instead");
    std::string common = description(name, crc32(arrayRefFromStringRef(data)), data.size());
    put32(header, localMagic);
    header += common + name;
    os << header << data;
    put32(directory, centralMagic);
    put16(directory, 20); // version made by
    directory += common;
    put16(directory, 0); // comment
    put16(directory, 0); // disk
    put16(directory, 0); // attributes
    put32(directory, 0);
    put32(directory, offset);
    directory += name;
    offset += header.size() + data.size();
  }
  std::string end;
  put32(end, endMagic);
  put32(end, 0); // disks
  put16(end, values.size());
  put16(end, values.size());
  put32(end, directory.size());
  put32(end, offset);
  put16(end, 0); // comment
  os << directory << end;
  return Error::success();
}

} // namespace nncc::tool
