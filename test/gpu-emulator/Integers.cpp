// Integer arithmetic, and what a thread can ask of the machine.
#include "Intrinsics.h"
#include "Machine.h"
#include "Memory.h"
#include <chrono>

namespace emulator {

namespace {
enum Signs { SignedA = 1, SignedB = 2 };
enum LaneMask { Equal, LessEqual, Less, GreaterEqual, Greater };
} // namespace

static int32_t byteOf(uint32_t word, unsigned index, bool isSigned) {
  uint8_t byte = word >> 8 * index;
  return isSigned ? int8_t(byte) : byte;
}

/// The sum of four products of bytes and the third operand.
static void dot4(const Site *site, const Word *args, Word *results) {
  int signs = site->info->param;
  uint32_t sum = args[2];
  for (unsigned i = 0; i < 4; ++i)
    sum += byteOf(args[0], i, signs & SignedA) * byteOf(args[1], i, signs & SignedB);
  results[0] = sum;
}

/// Two halves of the first with two bytes of the second operand, the upper ones where the third
/// says.
static void dot2(const Site *site, const Word *args, Word *results) {
  int signs = site->info->param;
  uint32_t sum = args[3];
  for (unsigned i = 0; i < 2; ++i) {
    uint16_t half = args[0] >> 16 * i;
    int32_t a = signs & SignedA ? int16_t(half) : half;
    sum += a * byteOf(args[1], i + (args[2] & 1 ? 2 : 0), signs & SignedB);
  }
  results[0] = sum;
}

/// Bytes of two words, each chosen by four bits, of which the last one asks for its sign only.
static void permute(const Site *, const Word *args, Word *results) {
  uint64_t bytes = uint32_t(args[0]) | uint64_t(uint32_t(args[1])) << 32;
  uint32_t result = 0;
  for (unsigned i = 0; i < 4; ++i) {
    unsigned choice = args[2] >> 4 * i & 15;
    uint8_t byte = bytes >> 8 * (choice & 7);
    if (choice & 8)
      byte = byte & 0x80 ? 0xff : 0;
    result |= uint32_t(byte) << 8 * i;
  }
  results[0] = result;
}

template <typename T, typename Wide>
static void multiplyHigh(const Site *, const Word *args, Word *results) {
  Wide product = Wide(fromWord<T>(args[0])) * Wide(fromWord<T>(args[1]));
  results[0] = toWord(T(product >> 8 * sizeof(T)));
}

static void low(const Site *, const Word *args, Word *results) { results[0] = uint32_t(args[0]); }
static void high(const Site *, const Word *args, Word *results) { results[0] = args[0] >> 32; }
static void join(const Site *, const Word *args, Word *results) {
  results[0] = uint32_t(args[0]) | args[1] << 32;
}
/// The halves of a * b + c.
static void multiplyAddWide(const Site *, const Word *args, Word *results) {
  uint64_t sum = uint64_t(uint32_t(args[0])) * uint32_t(args[1]) + uint32_t(args[2]);
  results[0] = uint32_t(sum);
  results[1] = sum >> 32;
}

static void laneMask(const Site *site, const Word *, Word *results) {
  uint32_t bit = 1u << machine().current->lane;
  switch (site->info->param) {
  case Equal:
    results[0] = bit;
    return;
  case LessEqual:
    results[0] = bit | (bit - 1);
    return;
  case Less:
    results[0] = bit - 1;
    return;
  case GreaterEqual:
    results[0] = ~(bit - 1);
    return;
  default:
    results[0] = ~(bit | (bit - 1));
  }
}

static void numWarps(const Site *, const Word *, Word *results) {
  results[0] = (machine().threads.size() + warpSize - 1) / warpSize;
}
static void clockTicks(const Site *site, const Word *, Word *results) {
  uint64_t ticks = std::chrono::steady_clock::now().time_since_epoch().count();
  results[0] = site->info->param == 32 ? uint32_t(ticks) : ticks;
}
/// The param is the result.
static void constant(const Site *site, const Word *, Word *results) {
  results[0] = site->info->param;
}
static void nothing(const Site *, const Word *, Word *) {}

static void isSharedAddress(const Site *, const Word *args, Word *results) {
  results[0] = isShared(args[0]);
}
static void isLocalAddress(const Site *, const Word *args, Word *results) {
  results[0] = machine().onStack(args[0]);
}
static void isGlobalAddress(const Site *, const Word *args, Word *results) {
  results[0] = !isShared(args[0]) && !machine().onStack(args[0]);
}

void addIntegers(IntrinsicTable &table) {
  const std::string prefix = "llvm.nvvm.", registers = prefix + "read.ptx.sreg.";
  for (int signs = 0; signs < 4; ++signs) {
    std::string suffix =
        std::string(signs & SignedA ? ".s" : ".u") + (signs & SignedB ? ".s" : ".u");
    table.push_back({prefix + "idp4a" + suffix, dot4, 0, signs});
    table.push_back({prefix + "idp2a" + suffix, dot2, 0, signs});
  }
  table.push_back({prefix + "prmt", permute});
  table.push_back({prefix + "mulhi.i", multiplyHigh<int32_t, int64_t>});
  table.push_back({prefix + "mulhi.ui", multiplyHigh<uint32_t, uint64_t>});
  table.push_back({prefix + "mulhi.ll", multiplyHigh<int64_t, __int128>});
  table.push_back({prefix + "mulhi.ull", multiplyHigh<uint64_t, unsigned __int128>});
  table.push_back({prefix + "d2i.lo", low});
  table.push_back({prefix + "d2i.hi", high});
  table.push_back({prefix + "lohi.i2d", join});
  table.push_back({"asm {mad.lo.cc.u32$0,$2,$3,$4;madc.hi.u32$1,$2,$3,0;}", multiplyAddWide});
  const char *masks[] = {"eq", "le", "lt", "ge", "gt"};
  for (int mask = Equal; mask <= Greater; ++mask)
    table.push_back({registers + "lanemask." + masks[mask], laneMask, 0, mask});
  table.push_back({registers + "nwarpid", numWarps});
  table.push_back({registers + "clock", clockTicks, 0, 32});
  table.push_back({registers + "clock64", clockTicks, 0, 64});
  table.push_back({registers + "globaltimer", clockTicks, 0, 64});
  table.push_back({registers + "smid", constant, 0, 0});
  table.push_back({registers + "nsmid", constant, 0, 1});
  table.push_back({registers + "gridid", constant, 0, 0});
  table.push_back({prefix + "nanosleep", nothing});
  table.push_back({prefix + "isspacep.shared", isSharedAddress});
  table.push_back({prefix + "isspacep.local", isLocalAddress});
  table.push_back({prefix + "isspacep.global", isGlobalAddress});
  for (const char *name : {"llvm.trap", "llvm.debugtrap", "llvm.ubsantrap", "__assertfail"})
    table.push_back({name, trap});
}

} // namespace emulator
