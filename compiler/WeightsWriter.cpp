#include "compiler/WeightsWriter.h"

#include "dialects/kern/Kern.h"
#include "dialects/nn/NN.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/Parallel.h"
#include "llvm/TargetParser/Triple.h"

using namespace mlir;
using llvm::Expected;

namespace nncc {

namespace {

int64_t elementBytes(RankedTensorType type) { return nn::storedBytes(type.getElementType()); }

/// The elements of a constant: a view of them where they lie, or expanded into `storage`.
Expected<ArrayRef<char>> bytesOf(nn::ConstantOp op, std::vector<char> &storage) {
  auto type = op.getType();
  int64_t count = type.getNumElements(), size = elementBytes(type);
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(op.getValue())) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob || static_cast<int64_t>(blob->getData().size()) != count * size)
      return llvm::createStringError("the data of a constant are missing: its resource '" +
                                     resource.getRawHandle().getKey() + "' is empty or short");
    return blob->getData();
  }
  auto dense = cast<DenseElementsAttr>(op.getValue());
  ArrayRef<char> raw = dense.getRawData();
  if (type.getElementType().isInteger(1)) { // one byte each
    for (bool element : dense.getValues<bool>())
      storage.push_back(element);
    return ArrayRef<char>(storage);
  }
  if (!dense.isSplat())
    return raw;
  storage.resize(count * size);
  for (int64_t i = 0; i < count; ++i)
    std::memcpy(storage.data() + i * size, raw.data(), size);
  return ArrayRef<char>(storage);
}

/// Executes a packing recipe: see kern.pack.
class Packer {
public:
  Packer(kern::PackOp op, const char *source) : source(source) {
    auto from = cast<RankedTensorType>(op.getSource().getType());
    auto to = cast<RankedTensorType>(op.getType());
    size = elementBytes(from);
    shape.assign(to.getShape().begin(), to.getShape().end());
    limits.assign(from.getShape().begin(), from.getShape().end());
    dims.assign(op.getDims().begin(), op.getDims().end());
    factors.assign(op.getFactors().begin(), op.getFactors().end());
    strides.assign(limits.size(), 1);
    for (int64_t i = static_cast<int64_t>(limits.size()) - 2; i >= 0; --i)
      strides[i] = strides[i + 1] * limits[i + 1];
  }

  std::vector<char> run() const {
    int64_t slice = size;
    for (int64_t extent : ArrayRef(shape).drop_front())
      slice *= extent;
    std::vector<char> result(slice * shape[0]);
    llvm::parallelFor(0, shape[0], [&](size_t i) {
      SmallVector<int64_t> indices(limits.size(), 0);
      indices[dims[0]] = factors[0] * static_cast<int64_t>(i);
      char *to = result.data() + slice * i;
      copy(1, indices, to);
    });
    return result;
  }

private:
  void copy(size_t dim, SmallVectorImpl<int64_t> &indices, char *&to) const {
    if (dim == shape.size()) {
      int64_t at = 0;
      bool inside = true;
      for (size_t i = 0; i < limits.size(); ++i) {
        at += indices[i] * strides[i];
        inside &= indices[i] < limits[i];
      }
      if (inside)
        std::memcpy(to, source + at * size, size);
      to += size;
      return;
    }
    if (dim + 1 == shape.size())
      return copyInnermost(indices, to);
    int64_t s = dims[dim], begin = indices[s];
    for (int64_t i = 0; i < shape[dim]; ++i, indices[s] += factors[dim])
      copy(dim + 1, indices, to);
    indices[s] = begin;
  }

  void copyInnermost(SmallVectorImpl<int64_t> &indices, char *&to) const {
    size_t dim = shape.size() - 1;
    int64_t s = dims[dim], at = 0, extent = shape[dim];
    bool inside = true;
    for (int64_t i = 0; i < static_cast<int64_t>(limits.size()); ++i) {
      at += indices[i] * strides[i];
      inside &= i == s || indices[i] < limits[i];
    }
    int64_t step = factors[dim] * strides[s];
    int64_t valid =
        inside ? std::clamp<int64_t>(llvm::divideCeilSigned(limits[s] - indices[s], factors[dim]),
                                     0, extent)
               : 0;
    const char *from = source + at * size;
    if (size == 4)
      for (int64_t i = 0; i < valid; ++i)
        std::memcpy(to + i * 4, from + i * step * 4, 4);
    else
      for (int64_t i = 0; i < valid; ++i)
        std::memcpy(to + i * size, from + i * step * size, size);
    to += extent * size;
  }

  const char *source;
  int64_t size;
  SmallVector<int64_t> shape, dims, factors; // of the result
  SmallVector<int64_t> limits, strides;      // of the source
};

/// Counts and hashes what passes: FNV-1a over little-endian 64-bit words, zero padded.
class HashingStream {
public:
  explicit HashingStream(llvm::raw_ostream &os) : os(os) {}

  void write(ArrayRef<char> bytes) {
    os.write(bytes.data(), bytes.size());
    size += bytes.size();
    for (size_t i = 0; i < bytes.size();) {
      if (filled == 0 && bytes.size() - i >= 8) {
        uint64_t value;
        std::memcpy(&value, bytes.data() + i, 8);
        mix(value);
        i += 8;
        continue;
      }
      word[filled++] = bytes[i++];
      if (filled == 8)
        flush();
    }
  }

  void padTo(uint64_t offset) {
    static const char zeros[4096] = {};
    while (size < offset)
      write(ArrayRef(zeros, std::min<uint64_t>(sizeof(zeros), offset - size)));
  }

  WeightsSummary finish() {
    if (filled)
      flush();
    return {size, hash};
  }

private:
  void mix(uint64_t value) { hash = (hash ^ value) * UINT64_C(0x100000001b3); }
  void flush() {
    uint64_t value;
    std::memcpy(&value, word, 8);
    mix(value);
    std::memset(word, 0, 8);
    filled = 0;
  }

  llvm::raw_ostream &os;
  uint64_t size = 0, hash = UINT64_C(0xcbf29ce484222325);
  char word[8] = {};
  unsigned filled = 0;
};

/// Constants and recipes, by offset.
std::vector<std::pair<int64_t, Operation *>> weightsOf(ModuleOp module) {
  std::vector<std::pair<int64_t, Operation *>> weights;
  module.walk([&](Operation *op) {
    if (auto offset = op->getAttrOfType<IntegerAttr>("rt.offset"))
      weights.push_back({offset.getInt(), op});
  });
  llvm::sort(weights, llvm::less_first());
  return weights;
}

} // namespace

bool haveSameWeights(ModuleOp a, ModuleOp b) {
  auto isSame = [](const std::pair<int64_t, Operation *> &x,
                   const std::pair<int64_t, Operation *> &y) {
    auto source = [](Operation *op) {
      return isa<kern::PackOp>(op) ? op->getOperand(0).getDefiningOp() : op;
    };
    return x.first == y.first && x.second->getName() == y.second->getName() &&
           x.second->getResultTypes() == y.second->getResultTypes() &&
           x.second->getAttrDictionary() == y.second->getAttrDictionary() &&
           cast<nn::ConstantOp>(source(x.second)).getValue() ==
               cast<nn::ConstantOp>(source(y.second)).getValue();
  };
  auto ofA = weightsOf(a), ofB = weightsOf(b);
  return a->getAttr("rt.weights_size") == b->getAttr("rt.weights_size") &&
         std::equal(ofA.begin(), ofA.end(), ofB.begin(), ofB.end(), isSame);
}

Expected<WeightsSummary> writeWeights(ModuleOp module, llvm::raw_ostream &os) {
  HashingStream stream(os);
  for (auto [offset, op] : weightsOf(module)) {
    stream.padTo(offset);
    auto pack = dyn_cast<kern::PackOp>(op);
    auto constant = dyn_cast_or_null<nn::ConstantOp>(pack ? pack.getSource().getDefiningOp() : op);
    if (!constant)
      return llvm::createStringError("weights that are not constant");
    std::vector<char> storage;
    Expected<ArrayRef<char>> bytes = bytesOf(constant, storage);
    if (!bytes)
      return bytes.takeError();
    if (pack)
      stream.write(Packer(pack, bytes->data()).run());
    else
      stream.write(*bytes);
  }
  if (auto size = module->getAttrOfType<IntegerAttr>("rt.weights_size"))
    stream.padTo(size.getInt());
  return stream.finish();
}

static uint16_t elfMachine(const llvm::Triple &triple) {
  if (triple.isAArch64())
    return llvm::ELF::EM_AARCH64;
  if (triple.isRISCV())
    return llvm::ELF::EM_RISCV;
  return llvm::ELF::EM_X86_64;
}

/// The end of an object file with one section of data: symbols, names and the table of sections,
/// whose offset it returns. `at` is where it begins.
static uint64_t writeTables(llvm::raw_pwrite_stream &os, uint64_t at, uint64_t offset,
                            uint64_t size, StringRef symbol) {
  using namespace llvm::ELF;
  std::string strings = std::string(1, '\0') + symbol.str() + '\0';
  constexpr char table[] = "\0.nncc_weights\0.symtab\0.strtab\0.shstrtab\0.note.GNU-stack";
  std::string names(table, sizeof(table));
  Elf64_Sym symbols[2] = {};
  symbols[1].st_name = 1;
  symbols[1].setBindingAndType(STB_GLOBAL, STT_OBJECT);
  symbols[1].st_other = STV_HIDDEN;
  symbols[1].st_shndx = 1;
  symbols[1].st_size = size;
  uint64_t symbolsAt = llvm::alignTo(at, 8), stringsAt = symbolsAt + sizeof(symbols);
  uint64_t namesAt = stringsAt + strings.size();
  uint64_t sectionsAt = llvm::alignTo(namesAt + names.size(), 8);
  Elf64_Shdr sections[6] = {};
  auto section = [&](int i, StringRef name, Elf64_Word type, uint64_t from, uint64_t bytes,
                     uint64_t align) {
    sections[i].sh_name = static_cast<Elf64_Word>(names.find(name.str()));
    sections[i].sh_type = type;
    sections[i].sh_offset = from;
    sections[i].sh_size = bytes;
    sections[i].sh_addralign = align;
  };
  section(1, ".nncc_weights", SHT_PROGBITS, offset, size, offset);
  sections[1].sh_flags = SHF_ALLOC;
  section(2, ".symtab", SHT_SYMTAB, symbolsAt, sizeof(symbols), 8);
  sections[2].sh_link = 3; // its strings
  sections[2].sh_info = 1; // its first global symbol
  sections[2].sh_entsize = sizeof(Elf64_Sym);
  section(3, ".strtab", SHT_STRTAB, stringsAt, strings.size(), 1);
  section(4, ".shstrtab", SHT_STRTAB, namesAt, names.size(), 1);
  section(5, ".note.GNU-stack", SHT_PROGBITS, namesAt, 0, 1);
  os.write_zeros(symbolsAt - at);
  os.write(reinterpret_cast<const char *>(symbols), sizeof(symbols));
  os << strings << names;
  os.write_zeros(sectionsAt - namesAt - names.size());
  os.write(reinterpret_cast<const char *>(sections), sizeof(sections));
  return sectionsAt;
}

Expected<WeightsSummary> writeWeightsObject(ModuleOp module, StringRef triple, StringRef symbol,
                                            llvm::raw_pwrite_stream &os) {
  using namespace llvm::ELF;
  constexpr uint64_t page = 4096; // of the header, and the alignment of the data
  Elf64_Ehdr header = {};
  os.write_zeros(page); // the header is completed at the end
  Expected<WeightsSummary> summary = writeWeights(module, os);
  if (!summary)
    return summary;
  header.e_shoff = writeTables(os, page + summary->size, page, summary->size, symbol);
  std::memcpy(header.e_ident, ElfMagic, 4);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = elfMachine(llvm::Triple(triple));
  header.e_version = EV_CURRENT;
  if (header.e_machine == EM_RISCV) // as all code of ours: the linker compares
    header.e_flags = EF_RISCV_FLOAT_ABI_DOUBLE;
  header.e_ehsize = sizeof(header);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 6;
  header.e_shstrndx = 4;
  os.pwrite(reinterpret_cast<const char *>(&header), sizeof(header), 0);
  return summary;
}

} // namespace nncc
