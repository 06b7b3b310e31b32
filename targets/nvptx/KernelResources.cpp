#include "targets/nvptx/KernelResources.h"

#include "llvm/Object/ELF.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;

namespace nncc::nvptx {

using File = object::ELFFile<object::ELF64LE>;

// Of a section ".nv.info" there is no description; these entries have been the same in all of
// ptxas's output from CUDA 12.9 to 13.0 and for sm_80 to sm_120, and a test compares them with its
// own report. An entry is {format, attribute, bytes of its value or the value itself}.
static constexpr uint8_t sizedFormat = 4;
static constexpr uint8_t registersOf = 0x2f, frameOf = 0x11; // {symbol, value}
static constexpr size_t entryHeader = 4;

/// What the driver keeps of a block's shared memory, from these capabilities on: of all blocks, and
/// as a part of the section that has the kernel's own.
static constexpr int64_t reservedShared = 1024;
static constexpr int reservedFrom = 80, reservedInSectionFrom = 90;

/// Calls `use` with the attribute, the index of a kernel's symbol, and the value.
static Error readInfo(ArrayRef<uint8_t> info,
                      function_ref<Error(uint8_t, uint32_t, uint32_t)> use) {
  while (!info.empty()) {
    if (info.size() < entryHeader)
      return createStringError("its .nv.info ends within an entry");
    uint8_t format = info[0], attribute = info[1];
    size_t size = format == sizedFormat ? support::endian::read16le(&info[2]) : 0;
    if (info.size() - entryHeader < size)
      return createStringError("its .nv.info ends within an entry");
    const uint8_t *value = info.data() + entryHeader;
    if (size == 8)
      if (Error error = use(attribute, support::endian::read32le(value),
                            support::endian::read32le(value + 4)))
        return error;
    info = info.drop_front(entryHeader + size);
  }
  return Error::success();
}

static Expected<StringRef> symbolName(const File &elf, const File::Elf_Shdr &table,
                                      uint32_t index) {
  Expected<const File::Elf_Sym *> symbol = elf.getSymbol(&table, index);
  if (!symbol)
    return symbol.takeError();
  Expected<StringRef> strings = elf.getStringTableForSymtab(table);
  if (!strings)
    return strings.takeError();
  return (*symbol)->getName(*strings);
}

static Error readRegisters(const File &elf, File::Elf_Shdr_Range sections,
                           const File::Elf_Shdr &info, StringMap<KernelResources> &kernels) {
  if (info.sh_link >= sections.size())
    return createStringError("its .nv.info names no table of symbols");
  Expected<ArrayRef<uint8_t>> bytes = elf.getSectionContents(info);
  if (!bytes)
    return bytes.takeError();
  return readInfo(*bytes, [&](uint8_t attribute, uint32_t symbol, uint32_t value) -> Error {
    if (attribute != registersOf && attribute != frameOf)
      return Error::success();
    Expected<StringRef> name = symbolName(elf, sections[info.sh_link], symbol);
    if (!name)
      return name.takeError();
    KernelResources &kernel = kernels[*name];
    (attribute == registersOf ? kernel.registers : kernel.stackBytes) = value;
    return Error::success();
  });
}

/// 10 * major + minor.
static int capabilityOf(const File::Elf_Ehdr &header) {
  if (header.e_ident[llvm::ELF::EI_ABIVERSION] < llvm::ELF::ELFABIVERSION_CUDA_V2)
    return header.e_flags & llvm::ELF::EF_CUDA_SM;
  return (header.e_flags & llvm::ELF::EF_CUDA_SM_MASK) >> llvm::ELF::EF_CUDA_SM_OFFSET;
}

Expected<StringMap<KernelResources>> readResources(StringRef cubin) {
  Expected<File> elf = File::create(cubin);
  if (!elf)
    return elf.takeError();
  Expected<File::Elf_Shdr_Range> sections = elf->sections();
  if (!sections)
    return sections.takeError();
  StringMap<KernelResources> kernels;
  bool isReserved = capabilityOf(elf->getHeader()) >= reservedInSectionFrom;
  for (const File::Elf_Shdr &section : *sections) {
    Expected<StringRef> name = elf->getSectionName(section);
    if (!name)
      return name.takeError();
    if (*name == ".nv.info") {
      if (Error error = readRegisters(*elf, *sections, section, kernels))
        return std::move(error);
    } else if (name->consume_front(".nv.shared.") && !name->starts_with("reserved.")) {
      int64_t own = int64_t(section.sh_size) - (isReserved ? reservedShared : 0);
      kernels[*name].staticShared = std::max<int64_t>(0, own);
    }
  }
  return kernels;
}

namespace {
/// Of one multiprocessor, by the CUDA C++ programming guide's table of compute capabilities.
struct Multiprocessor {
  int capability;
  int64_t threads, blocks, sharedBytes;
};
} // namespace

static constexpr Multiprocessor multiprocessors[] = {
    {70, 2048, 32, 96 << 10},   {72, 2048, 32, 96 << 10},   {75, 1024, 16, 64 << 10},
    {80, 2048, 32, 164 << 10},  {86, 1536, 16, 100 << 10},  {87, 1536, 16, 164 << 10},
    {89, 1536, 24, 100 << 10},  {90, 2048, 32, 228 << 10},  {100, 2048, 32, 228 << 10},
    {103, 2048, 32, 228 << 10}, {120, 1536, 24, 100 << 10}, {121, 1536, 24, 100 << 10},
};
static constexpr int64_t warp = 32, registersOfMultiprocessor = 65536, parts = 4;
static constexpr int64_t registerUnit = 256, sharedUnit = 128, olderSharedUnit = 256;

std::optional<Occupancy> occupancy(int capability, const KernelResources &kernel, int64_t threads,
                                   int64_t dynamicShared) {
  const auto *found =
      find_if(multiprocessors, [&](const auto &m) { return m.capability == capability; });
  if (found == std::end(multiprocessors) || threads < 1)
    return std::nullopt;
  int64_t warps = divideCeil(threads, warp);
  int64_t blocks = std::min(found->blocks, found->threads / (warps * warp));
  if (kernel.registers > 0) { // of each quarter, which have a warp's in units
    int64_t ofWarp = alignTo(kernel.registers * warp, registerUnit);
    int64_t fitting = registersOfMultiprocessor / parts / ofWarp * parts;
    blocks = std::min<int64_t>(blocks, fitting / alignTo(warps, parts));
  }
  bool isReserved = capability >= reservedFrom;
  int64_t shared = kernel.staticShared + dynamicShared + (isReserved ? reservedShared : 0);
  if (shared > 0)
    blocks = std::min<int64_t>(
        blocks, found->sharedBytes / alignTo(shared, isReserved ? sharedUnit : olderSharedUnit));
  return Occupancy{blocks, blocks * warps * warp, found->threads};
}

} // namespace nncc::nvptx
