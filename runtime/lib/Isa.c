/* Processor features, usable CPUs, the clock. */
#include "Internal.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

int64_t nnccNow(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Answers for one feature: -1 where this runtime does not know the name. */
static int hasFeature(const char *name, size_t length);

static bool sameName(const char *known, const char *name, size_t length) {
  return strncmp(known, name, length) == 0 && known[length] == 0;
}

#if defined(__x86_64__)
#include <cpuid.h>

enum Register { EAX, EBX, ECX, EDX };
/* Registers that the operating system must save for a feature to be usable. */
enum State { ANY, AVX, AVX512, AMX };

typedef struct Feature {
  const char *name;
  uint32_t leaf, subleaf;
  enum Register word;
  int bit;
  enum State state;
} Feature;

/* LLVM's names, in the order of CPUID's leaves (Intel SDM volume 2, AMD APM volume 3). */
static const Feature features[] = {
    {"x87", 1, 0, EDX, 0, ANY},
    {"cx8", 1, 0, EDX, 8, ANY},
    {"cmov", 1, 0, EDX, 15, ANY},
    {"mmx", 1, 0, EDX, 23, ANY},
    {"fxsr", 1, 0, EDX, 24, ANY},
    {"sse", 1, 0, EDX, 25, ANY},
    {"sse2", 1, 0, EDX, 26, ANY},
    {"sse3", 1, 0, ECX, 0, ANY},
    {"pclmul", 1, 0, ECX, 1, ANY},
    {"ssse3", 1, 0, ECX, 9, ANY},
    {"fma", 1, 0, ECX, 12, AVX},
    {"cx16", 1, 0, ECX, 13, ANY},
    {"sse4.1", 1, 0, ECX, 19, ANY},
    {"sse4.2", 1, 0, ECX, 20, ANY},
    {"crc32", 1, 0, ECX, 20, ANY},
    {"movbe", 1, 0, ECX, 22, ANY},
    {"popcnt", 1, 0, ECX, 23, ANY},
    {"aes", 1, 0, ECX, 25, ANY},
    {"xsave", 1, 0, ECX, 27, ANY},
    {"avx", 1, 0, ECX, 28, AVX},
    {"f16c", 1, 0, ECX, 29, AVX},
    {"rdrnd", 1, 0, ECX, 30, ANY},
    {"fsgsbase", 7, 0, EBX, 0, ANY},
    {"sgx", 7, 0, EBX, 2, ANY},
    {"bmi", 7, 0, EBX, 3, ANY},
    {"avx2", 7, 0, EBX, 5, AVX},
    {"bmi2", 7, 0, EBX, 8, ANY},
    {"invpcid", 7, 0, EBX, 10, ANY},
    {"rtm", 7, 0, EBX, 11, ANY},
    {"avx512f", 7, 0, EBX, 16, AVX512},
    {"evex512", 7, 0, EBX, 16, AVX512},
    {"avx512dq", 7, 0, EBX, 17, AVX512},
    {"rdseed", 7, 0, EBX, 18, ANY},
    {"adx", 7, 0, EBX, 19, ANY},
    {"avx512ifma", 7, 0, EBX, 21, AVX512},
    {"clflushopt", 7, 0, EBX, 23, ANY},
    {"clwb", 7, 0, EBX, 24, ANY},
    {"avx512cd", 7, 0, EBX, 28, AVX512},
    {"sha", 7, 0, EBX, 29, ANY},
    {"avx512bw", 7, 0, EBX, 30, AVX512},
    {"avx512vl", 7, 0, EBX, 31, AVX512},
    {"prefetchwt1", 7, 0, ECX, 0, ANY},
    {"avx512vbmi", 7, 0, ECX, 1, AVX512},
    {"pku", 7, 0, ECX, 4, ANY},
    {"waitpkg", 7, 0, ECX, 5, ANY},
    {"avx512vbmi2", 7, 0, ECX, 6, AVX512},
    {"shstk", 7, 0, ECX, 7, ANY},
    {"gfni", 7, 0, ECX, 8, ANY},
    {"vaes", 7, 0, ECX, 9, AVX},
    {"vpclmulqdq", 7, 0, ECX, 10, AVX},
    {"avx512vnni", 7, 0, ECX, 11, AVX512},
    {"avx512bitalg", 7, 0, ECX, 12, AVX512},
    {"avx512vpopcntdq", 7, 0, ECX, 14, AVX512},
    {"rdpid", 7, 0, ECX, 22, ANY},
    {"kl", 7, 0, ECX, 23, ANY},
    {"cldemote", 7, 0, ECX, 25, ANY},
    {"movdiri", 7, 0, ECX, 27, ANY},
    {"movdir64b", 7, 0, ECX, 28, ANY},
    {"enqcmd", 7, 0, ECX, 29, ANY},
    {"uintr", 7, 0, EDX, 5, ANY},
    {"avx512vp2intersect", 7, 0, EDX, 8, AVX512},
    {"serialize", 7, 0, EDX, 14, ANY},
    {"tsxldtrk", 7, 0, EDX, 16, ANY},
    {"pconfig", 7, 0, EDX, 18, ANY},
    {"amx-bf16", 7, 0, EDX, 22, AMX},
    {"avx512fp16", 7, 0, EDX, 23, AVX512},
    {"amx-tile", 7, 0, EDX, 24, AMX},
    {"amx-int8", 7, 0, EDX, 25, AMX},
    {"sha512", 7, 1, EAX, 0, AVX},
    {"sm3", 7, 1, EAX, 1, AVX},
    {"sm4", 7, 1, EAX, 2, AVX},
    {"raoint", 7, 1, EAX, 3, ANY},
    {"avxvnni", 7, 1, EAX, 4, AVX},
    {"avx512bf16", 7, 1, EAX, 5, AVX512},
    {"cmpccxadd", 7, 1, EAX, 7, ANY},
    {"amx-fp16", 7, 1, EAX, 21, AMX},
    {"hreset", 7, 1, EAX, 22, ANY},
    {"avxifma", 7, 1, EAX, 23, AVX},
    {"avxvnniint8", 7, 1, EDX, 4, AVX},
    {"avxneconvert", 7, 1, EDX, 5, AVX},
    {"amx-complex", 7, 1, EDX, 8, AMX},
    {"avxvnniint16", 7, 1, EDX, 10, AVX},
    {"prefetchi", 7, 1, EDX, 14, ANY},
    {"usermsr", 7, 1, EDX, 15, ANY},
    {"xsaveopt", 0xd, 1, EAX, 0, ANY},
    {"xsavec", 0xd, 1, EAX, 1, ANY},
    {"xsaves", 0xd, 1, EAX, 3, ANY},
    {"ptwrite", 0x14, 0, EBX, 4, ANY},
    {"sahf", 0x80000001, 0, ECX, 0, ANY},
    {"lzcnt", 0x80000001, 0, ECX, 5, ANY},
    {"sse4a", 0x80000001, 0, ECX, 6, ANY},
    {"prfchw", 0x80000001, 0, ECX, 8, ANY},
    {"xop", 0x80000001, 0, ECX, 11, AVX},
    {"lwp", 0x80000001, 0, ECX, 15, ANY},
    {"fma4", 0x80000001, 0, ECX, 16, AVX},
    {"tbm", 0x80000001, 0, ECX, 21, ANY},
    {"mwaitx", 0x80000001, 0, ECX, 29, ANY},
    {"64bit", 0x80000001, 0, EDX, 29, ANY},
    {"clzero", 0x80000008, 0, EBX, 0, ANY},
    {"rdpru", 0x80000008, 0, EBX, 4, ANY},
    {"wbnoinvd", 0x80000008, 0, EBX, 9, ANY},
};

/* A word of CPUID; 0 where the processor does not have the leaf. */
static uint32_t cpuid(uint32_t leaf, uint32_t subleaf, enum Register word) {
  uint32_t words[4] = {0, 0, 0, 0};
  if ((uint32_t)__get_cpuid_max(leaf & 0x80000000, NULL) < leaf)
    return 0;
  if (leaf == 7 && subleaf) { /* beyond the last sub-leaf, the last one is repeated */
    __cpuid_count(7, 0, words[EAX], words[EBX], words[ECX], words[EDX]);
    if (words[EAX] < subleaf)
      return 0;
  }
  __cpuid_count(leaf, subleaf, words[EAX], words[EBX], words[ECX], words[EDX]);
  return words[word];
}

static bool systemSaves(enum State state) {
  if (state == ANY)
    return true;
  if (!(cpuid(1, 0, ECX) >> 27 & 1)) /* OSXSAVE: xgetbv works */
    return false;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  uint32_t needed = state == AVX ? 0x6 : state == AVX512 ? 0xe6 : 0x60000;
  return (low & needed) == needed;
}

static int hasFeature(const char *name, size_t length) {
  for (size_t i = 0; i < sizeof features / sizeof *features; ++i) {
    const Feature *f = &features[i];
    if (sameName(f->name, name, length))
      return (cpuid(f->leaf, f->subleaf, f->word) >> f->bit & 1) && systemSaves(f->state);
  }
  return -1;
}

#elif defined(__aarch64__)

typedef struct Feature {
  const char *name;
  int word, bit; /* of HWCAP, HWCAP2; bit -1: every AArch64 processor */
} Feature;

static const Feature features[] = {
    {"v8a", 0, -1},    {"fp-armv8", 0, 0},    {"neon", 0, 1},       {"aes", 0, 3},
    {"sha2", 0, 6},    {"crc", 0, 7},         {"lse", 0, 8},        {"fullfp16", 0, 10},
    {"rdm", 0, 12},    {"jsconv", 0, 13},     {"complxnum", 0, 14}, {"rcpc", 0, 15},
    {"ccpp", 0, 16},   {"sha3", 0, 17},       {"sm4", 0, 19},       {"dotprod", 0, 20},
    {"sve", 0, 22},    {"fp16fml", 0, 23},    {"dit", 0, 24},       {"flagm", 0, 27},
    {"ssbs", 0, 28},   {"sb", 0, 29},         {"pauth", 0, 30},     {"sve2", 1, 1},
    {"sve-aes", 1, 2}, {"sve-bitperm", 1, 4}, {"sve-sha3", 1, 5},   {"altnzcv", 1, 7},
    {"fptoint", 1, 8}, {"f32mm", 1, 10},      {"f64mm", 1, 11},     {"i8mm", 1, 13},
    {"bf16", 1, 14},   {"rand", 1, 16},       {"bti", 1, 17},       {"mte", 1, 18},
    {"sme", 1, 23},    {"cssc", 1, 34},       {"sve2p1", 1, 36},    {"mops", 1, 43},
};

static int hasFeature(const char *name, size_t length) {
  unsigned long words[2] = {getauxval(AT_HWCAP), getauxval(AT_HWCAP2)};
  for (size_t i = 0; i < sizeof features / sizeof *features; ++i)
    if (sameName(features[i].name, name, length))
      return features[i].bit < 0 || (words[features[i].word] >> features[i].bit & 1);
  return -1;
}

#elif defined(__riscv)

static int hasFeature(const char *name, size_t length) {
  /* Parts and consequences of RV64GC that LLVM lists by name. */
  static const char *const base[] = {"64bit", "zicsr",  "zifencei", "zmmul",
                                     "zaamo", "zalrsc", "zca",      "zcd"};
  for (size_t i = 0; i < sizeof base / sizeof *base; ++i)
    if (sameName(base[i], name, length))
      return 1;
  if (length == 1 && *name >= 'a' && *name <= 'z') /* HWCAP has one bit per letter */
    return getauxval(AT_HWCAP) >> (*name - 'a') & 1;
  return -1;
}

#else

static int hasFeature(const char *name, size_t length) { return -1; }

#endif

nncc_status nnccIsaCheck(const char *list, bool withDevices) {
  for (const char *name = list ? list : ""; *name;) {
    size_t length = strcspn(name, ",");
    const char *next = name + length + (name[length] == ',');
    if (*name == '+')
      ++name, --length;
    const Device *device = nnccDeviceNamed(name, length);
    nncc_status status = device && withDevices ? device->check(NULL, -1) : NNCC_OK;
    if (status)
      return status;
    int has = length && *name != '-' && !device ? hasFeature(name, length) : 1;
    if (has == 0)
      return nnccFail(NNCC_ISA_MISSING, "this machine does not have '%.*s'", (int)length, name);
    if (has < 0)
      return nnccFail(NNCC_ISA_MISSING,
                      "cannot tell whether this machine has '%.*s': not a known feature",
                      (int)length, name);
    name = next;
  }
  return NNCC_OK;
}

nncc_status nncc_isa_check(const char *list) { return nnccIsaCheck(list, true); }

/* CPUs that a control group's quota pays for; 0: no limit. */
static int32_t quotaCpus(void) {
  FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
  if (!file)
    return 0;
  long long quota = 0, period = 0;
  int fields = fscanf(file, "%lld %lld", &quota, &period); /* "max 100000" gives no number */
  fclose(file);
  if (fields != 2 || quota <= 0 || period <= 0)
    return 0;
  long long cpus = (quota + period - 1) / period;
  return cpus > NNCC_MAX_THREADS ? NNCC_MAX_THREADS : (int32_t)cpus;
}

int32_t nncc_usable_cpus(void) {
  cpu_set_t sets[8]; /* up to 8192 CPUs */
  CPU_ZERO_S(sizeof sets, sets);
  long cpus = sched_getaffinity(0, sizeof sets, sets) == 0 ? CPU_COUNT_S(sizeof sets, sets)
                                                           : sysconf(_SC_NPROCESSORS_ONLN);
  int32_t quota = quotaCpus();
  if (quota && quota < cpus)
    cpus = quota;
  return cpus < 1 ? 1 : cpus > NNCC_MAX_THREADS ? NNCC_MAX_THREADS : (int32_t)cpus;
}
