/* Finds a model's entry point in an ELF file without running its code: a file that is not ours is
 * refused before the loader runs its constructors, and one that was cut off before it is mapped. */
#include "Internal.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "nncc_model_"

#if defined(__x86_64__)
#define THIS_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define THIS_MACHINE EM_AARCH64
#elif defined(__riscv)
#define THIS_MACHINE EM_RISCV
#else
#define THIS_MACHINE EM_NONE
#endif

typedef struct File {
  const char *path;
  const char *data;
  uint64_t size;
} File;

/* A table of the file, or NULL where it does not lie inside or is not aligned. */
static const void *at(const File *file, uint64_t offset, uint64_t count, uint64_t size) {
  uint64_t bytes, alignment = size < 8 ? size : 8;
  if (__builtin_mul_overflow(count, size, &bytes) || offset > file->size ||
      bytes > file->size - offset || offset % alignment)
    return NULL;
  return file->data + offset;
}

static const char *machineName(uint16_t machine) {
  switch (machine) {
  case EM_X86_64:
    return "x86-64";
  case EM_386:
    return "x86 (32 bits)";
  case EM_AARCH64:
    return "AArch64";
  case EM_ARM:
    return "ARM (32 bits)";
  case EM_RISCV:
    return "RISC-V";
  default:
    return "another processor";
  }
}

static nncc_status checkHeader(const File *file) {
  const Elf64_Ehdr *header = at(file, 0, 1, sizeof *header);
  if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
    return nnccFail(NNCC_ABI_MISMATCH, "%s: not a shared library (no ELF header)", file->path);
  if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
      header->e_machine != THIS_MACHINE)
    return nnccFail(NNCC_ABI_MISMATCH, "%s: compiled for %s, this machine is %s", file->path,
                    machineName(header->e_machine), machineName(THIS_MACHINE));
  if (header->e_type != ET_DYN)
    return nnccFail(NNCC_ABI_MISMATCH, "%s: not a shared library (ELF type %d)", file->path,
                    header->e_type);
  const Elf64_Phdr *segment = at(file, header->e_phoff, header->e_phnum, sizeof *segment);
  if (!segment)
    return nnccFail(NNCC_ABI_MISMATCH, "%s: is cut off or damaged", file->path);
  for (uint16_t i = 0; i < header->e_phnum; ++i)
    if (segment[i].p_type == PT_LOAD && (segment[i].p_offset > file->size ||
                                         segment[i].p_filesz > file->size - segment[i].p_offset))
      return nnccFail(NNCC_ABI_MISMATCH, "%s: is cut off: %llu bytes", file->path,
                      (unsigned long long)file->size);
  return NNCC_OK;
}

/* The table at an address of the loaded image; `count` becomes the most elements it can have. */
static const void *atAddress(const File *file, uint64_t address, uint64_t *count, uint64_t size) {
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)file->data;
  const Elf64_Phdr *segment = (const Elf64_Phdr *)(file->data + header->e_phoff);
  for (uint16_t i = 0; i < header->e_phnum; ++i) {
    const Elf64_Phdr *s = &segment[i];
    if (s->p_type != PT_LOAD || address < s->p_vaddr || address - s->p_vaddr >= s->p_filesz)
      continue;
    *count = (s->p_filesz - (address - s->p_vaddr)) / size;
    uint64_t offset = s->p_offset + (address - s->p_vaddr);
    return at(file, offset, *count, size);
  }
  return NULL;
}

typedef struct Symbols {
  const Elf64_Sym *symbols;
  const char *names;
  uint64_t count, nameBytes;
} Symbols;

/* The DT_GNU_HASH table does not say how many symbols there are: its last chain ends with them. */
static uint64_t countByGnuHash(const uint32_t *table, uint64_t words) {
  if (words < 4)
    return 0;
  uint64_t buckets = table[0], first = table[1], bloom = table[2];
  uint64_t begin = 4 + 2 * bloom, last = 0;
  if (begin + buckets > words)
    return 0;
  for (uint64_t i = 0; i < buckets; ++i)
    if (table[begin + i] > last)
      last = table[begin + i];
  if (last < first)
    return first;
  for (uint64_t i = begin + buckets + (last - first); i < words; ++i, ++last)
    if (table[i] & 1)
      return last + 1;
  return 0;
}

/* What the loader will see: by the dynamic segment, for section headers may be stripped. */
static bool findSymbols(const File *file, Symbols *result) {
  const Elf64_Ehdr *header = (const Elf64_Ehdr *)file->data;
  const Elf64_Phdr *segment = (const Elf64_Phdr *)(file->data + header->e_phoff);
  const Elf64_Dyn *dynamic = NULL;
  uint64_t entries = 0, symbols = 0, names = 0, nameBytes = 0, sysv = 0, gnu = 0;
  for (uint16_t i = 0; i < header->e_phnum; ++i)
    if (segment[i].p_type == PT_DYNAMIC) {
      entries = segment[i].p_filesz / sizeof *dynamic;
      dynamic = at(file, segment[i].p_offset, entries, sizeof *dynamic);
    }
  for (uint64_t i = 0; dynamic && i < entries && dynamic[i].d_tag != DT_NULL; ++i) {
    uint64_t value = dynamic[i].d_un.d_val;
    switch (dynamic[i].d_tag) {
    case DT_SYMTAB:
      symbols = value;
      break;
    case DT_STRTAB:
      names = value;
      break;
    case DT_STRSZ:
      nameBytes = value;
      break;
    case DT_HASH:
      sysv = value;
      break;
    case DT_GNU_HASH:
      gnu = value;
      break;
    }
  }
  uint64_t symbolRoom = 0, nameRoom = 0, words = 0;
  result->symbols = symbols ? atAddress(file, symbols, &symbolRoom, sizeof(Elf64_Sym)) : NULL;
  result->names = names ? atAddress(file, names, &nameRoom, 1) : NULL;
  const uint32_t *table = atAddress(file, sysv ? sysv : gnu, &words, sizeof(uint32_t));
  if (!result->symbols || !result->names || !table)
    return false;
  result->count = sysv ? (words > 1 ? table[1] : 0) : countByGnuHash(table, words);
  result->nameBytes = nameBytes < nameRoom ? nameBytes : nameRoom;
  return result->count <= symbolRoom && result->nameBytes &&
         result->names[result->nameBytes - 1] == 0;
}

static nncc_status findEntryPoint(const File *file, char **symbol) {
  nncc_status status = checkHeader(file);
  if (status || !symbol)
    return status;
  Symbols table = {0};
  const char *found = NULL;
  bool readable = findSymbols(file, &table);
  for (uint64_t i = 0; readable && i < table.count; ++i) {
    const Elf64_Sym *s = &table.symbols[i];
    if (s->st_shndx == SHN_UNDEF || ELF64_ST_TYPE(s->st_info) != STT_FUNC ||
        s->st_name >= table.nameBytes)
      continue;
    const char *name = table.names + s->st_name;
    if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
      continue;
    if (found)
      return nnccFail(NNCC_INVALID_ARGUMENT,
                      "%s: has several models, '%s' and '%s': choose one by options.symbol",
                      file->path, found, name);
    found = name;
  }
  if (!found)
    return nnccFail(NNCC_ABI_MISMATCH,
                    "%s: not a compiled model (exports no function " PREFIX "<name>)", file->path);
  *symbol = strdup(found);
  return *symbol ? NNCC_OK : nnccFail(NNCC_OUT_OF_MEMORY, "%s: out of memory", file->path);
}

nncc_status nnccFindEntryPoint(const char *path, char **symbol) {
  struct stat info;
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return nnccFail(NNCC_IO_ERROR, "%s: %s", path, strerror(errno));
  void *data = MAP_FAILED;
  int error = fstat(descriptor, &info) ? errno : S_ISREG(info.st_mode) ? 0 : EISDIR;
  if (!error && info.st_size) {
    data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    error = data == MAP_FAILED ? errno : 0;
  }
  close(descriptor);
  if (error)
    return nnccFail(NNCC_IO_ERROR, "%s: %s", path,
                    error == EISDIR ? "not a file" : strerror(error));
  if (data == MAP_FAILED)
    return nnccFail(NNCC_ABI_MISMATCH, "%s: is empty", path);
  File file = {path, data, (uint64_t)info.st_size};
  nncc_status status = findEntryPoint(&file, symbol);
  munmap(data, (size_t)info.st_size);
  return status;
}
