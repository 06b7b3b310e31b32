// Matrices that a warp holds in its registers: ldmatrix, stmatrix, mma. The layout of fragments is
// that of the PTX ISA, "Matrix fragments": lane 4 * group + member.
#include "Intrinsics.h"
#include "Machine.h"
#include "Memory.h"
#include "Narrow.h"
#include "Shadow.h"
#include <algorithm>

namespace emulator {

// Loads and stores of 8x8 matrices of 16 bits -----------------------------------------------------

namespace {
constexpr int transposed = 8; // in the param, beside the number of matrices
constexpr unsigned rowBytes = 16;
} // namespace

/// Every lane gives the address of one row, and touches it.
static void touchRow(const Site *site, Thread &lane, Access access) {
  Machine &m = machine();
  Thread *executing = m.current;
  m.current = &lane;
  uint64_t address = lane.args[0];
  if (address % rowBytes)
    fail(MisalignedAddress, site, "misaligned access",
         format("thread (%u, %u, %u) gives a row at %s, which is no multiple of %u", lane.tid[0],
                lane.tid[1], lane.tid[2], describeAddress(address).c_str(), rowBytes)
             .c_str());
  accessGeneric(site, address, rowBytes, access);
  m.current = executing;
}

/// Calls `f(element in memory, lane, half of its word)` for all elements of a matrix.
template <typename F> static void forElements(Thread *lanes, unsigned matrix, bool turned, F f) {
  for (unsigned lane = 0; lane < warpSize; ++lane)
    for (unsigned half = 0; half < 2; ++half) {
      unsigned row = lane / 4, column = lane % 4 * 2 + half;
      if (turned)
        std::swap(row, column);
      auto *memory = reinterpret_cast<uint16_t *>(lanes[matrix * 8 + row].args[0]);
      f(memory[column], lanes[lane], half);
    }
}

static void loadMatrices(const Site *site, uint32_t, Thread *lanes) {
  int param = site->info->param;
  unsigned count = param & 7;
  for (unsigned i = 0; i < 8 * count; ++i)
    touchRow(site, lanes[i], Read);
  for (unsigned matrix = 0; matrix < count; ++matrix) {
    for (unsigned lane = 0; lane < warpSize; ++lane)
      lanes[lane].results[matrix] = 0;
    forElements(lanes, matrix, param & transposed,
                [&](uint16_t &element, Thread &lane, unsigned half) {
                  lane.results[matrix] |= Word(element) << 16 * half;
                });
  }
}

static void storeMatrices(const Site *site, uint32_t, Thread *lanes) {
  int param = site->info->param;
  unsigned count = param & 7;
  for (unsigned i = 0; i < 8 * count; ++i)
    touchRow(site, lanes[i], Write);
  for (unsigned matrix = 0; matrix < count; ++matrix)
    forElements(lanes, matrix, param & transposed,
                [&](uint16_t &element, Thread &lane, unsigned half) {
                  element = lane.args[1 + matrix] >> 16 * half;
                });
}

// Products ----------------------------------------------------------------------------------------

namespace {
enum Type { F16, Bf16, Tf32, S8, U8, F32, S32 };

/// The param of a product packs one of these: M is 16 and N 8 for all.
struct Product {
  const char *name; // behind the shape
  unsigned k;
  Type a, b, c;
  bool saturates;
  int capability;
};

/// Elements of A and B come in words of 32 bits, `perWord` of them.
struct Element {
  unsigned perWord;
  double (*decode)(uint32_t bits);
};
} // namespace

static double decodeTf32(uint32_t bits) { return fromWord<float>(bits & 0xffffe000); }
static double decodeHalf(uint32_t bits) { return Half::widen(bits); }
static double decodeBfloat(uint32_t bits) { return Bfloat::widen(bits); }
static double decodeSigned(uint32_t bits) { return int8_t(bits); }
static double decodeUnsigned(uint32_t bits) { return uint8_t(bits); }

static Element elementOf(Type type) {
  switch (type) {
  case F16:
    return {2, decodeHalf};
  case Bf16:
    return {2, decodeBfloat};
  case Tf32:
    return {1, decodeTf32};
  case S8:
    return {4, decodeSigned};
  default:
    return {4, decodeUnsigned};
  }
}

static const Product products[] = {
    {"f16.f16", 16, F16, F16, F16, false, 80},
    {"f32.f32", 16, F16, F16, F32, false, 80},
    {"f16.f16", 8, F16, F16, F16, false, 75},
    {"f32.f32", 8, F16, F16, F32, false, 75},
    {"bf16", 16, Bf16, Bf16, F32, false, 80},
    {"bf16", 8, Bf16, Bf16, F32, false, 80},
    {"tf32", 8, Tf32, Tf32, F32, false, 80},
    {"tf32", 4, Tf32, Tf32, F32, false, 80},
    {"s8", 32, S8, S8, S32, false, 80},
    {"u8", 32, U8, U8, S32, false, 80},
    {"s8.u8", 32, S8, U8, S32, false, 80},
    {"u8.s8", 32, U8, S8, S32, false, 80},
    {"satfinite.s8", 32, S8, S8, S32, true, 80},
    {"satfinite.u8", 32, U8, U8, S32, true, 80},
    {"satfinite.s8.u8", 32, S8, U8, S32, true, 80},
    {"satfinite.u8.s8", 32, U8, S8, S32, true, 80},
    {"s8", 16, S8, S8, S32, false, 80},
    {"u8", 16, U8, U8, S32, false, 80},
    {"s8.u8", 16, S8, U8, S32, false, 80},
    {"u8.s8", 16, U8, S8, S32, false, 80},
};

/// Integers up to 2^53 are exact in a double, and so is any sum of 32 products of bytes.
static Word roundResult(const Product &product, double value) {
  switch (product.c) {
  case F16:
    return Half::round(value);
  case F32:
    return toWord(float(value));
  default:
    if (product.saturates)
      value = std::min(std::max(value, -2147483648.0), 2147483647.0);
    return uint32_t(int64_t(value));
  }
}

static double accumulator(const Product &product, const Word *words, unsigned index) {
  switch (product.c) {
  case F16:
    return Half::widen(words[index / 2] >> 16 * (index % 2));
  case F32:
    return fromWord<float>(words[index]);
  default:
    return int32_t(words[index]);
  }
}

static void multiply(const Site *site, uint32_t, Thread *lanes) {
  const Product &product = products[site->info->param];
  double a[16][32], b[32][8];
  Element ofA = elementOf(product.a), ofB = elementOf(product.b);
  unsigned perWord = ofA.perWord, bits = 32 / perWord, span = 4 * perWord; // columns of four lanes
  unsigned wordsB = product.k / span, wordsA = 2 * wordsB;
  for (unsigned lane = 0; lane < warpSize; ++lane) {
    const Word *args = lanes[lane].args;
    unsigned group = lane / 4, member = lane % 4;
    for (unsigned word = 0; word < wordsA; ++word)
      for (unsigned e = 0; e < perWord; ++e)
        a[group + 8 * (word & 1)][member * perWord + e + span * (word >> 1)] =
            ofA.decode(uint32_t(args[word]) >> bits * e);
    for (unsigned word = 0; word < wordsB; ++word)
      for (unsigned e = 0; e < perWord; ++e)
        b[member * perWord + e + span * word][group] =
            ofB.decode(uint32_t(args[wordsA + word]) >> bits * e);
  }
  for (unsigned lane = 0; lane < warpSize; ++lane) {
    Thread &t = lanes[lane];
    for (unsigned i = 0; i < 4; ++i) {
      unsigned row = lane / 4 + 8 * (i >> 1), column = lane % 4 * 2 + (i & 1);
      double sum = accumulator(product, t.args + wordsA + wordsB, i);
      for (unsigned k = 0; k < product.k; ++k)
        sum += a[row][k] * b[k][column];
      Word result = roundResult(product, sum);
      if (product.c != F16)
        t.results[i] = result;
      else if (i & 1)
        t.results[i / 2] |= result << 16;
      else
        t.results[i / 2] = result;
    }
  }
}

void addMatrixOperations(IntrinsicTable &table) {
  const unsigned flags = Waits | Aligned;
  for (unsigned i = 0; i < std::size(products); ++i)
    table.push_back({format("llvm.nvvm.mma.m16n8k%u.row.col.%s", products[i].k, products[i].name),
                     rendezvous, flags, int(i), multiply, -1, products[i].capability});
  for (int count : {1, 2, 4})
    for (int turned : {0, transposed})
      for (const char *space : {"p0", "p3"}) {
        std::string shape =
            format("matrix.sync.aligned.m8n8.x%d%s.b16.%s", count, turned ? ".trans" : "", space);
        table.push_back(
            {"llvm.nvvm.ld" + shape, rendezvous, flags, count | turned, loadMatrices, -1, 75});
        table.push_back(
            {"llvm.nvvm.st" + shape, rendezvous, flags, count | turned, storeMatrices, -1, 90});
      }
}

} // namespace emulator
