// Arithmetic of floats of 16 bits: in float, or double where that is not exact.
#include "Intrinsics.h"
#include "Narrow.h"
#include "Variants.h"

namespace emulator {

template <typename N, typename F> static void eachNarrow(Word *results, unsigned count, F f) {
  results[0] = 0;
  for (unsigned i = 0; i < count; ++i)
    results[0] |= Word(N::round(f(16 * i))) << 16 * i;
}

template <typename N, unsigned count>
static void narrowFma(const Site *site, const Word *args, Word *results) {
  int param = site->info->param;
  eachNarrow<N>(results, count, [&](unsigned shift) {
    double a = N::widen(args[0] >> shift), b = N::widen(args[1] >> shift);
    return finish(std::fma(a, b, double(N::widen(args[2] >> shift))), param);
  });
}

template <typename N, unsigned count, bool isMax>
static void narrowSelect(const Site *site, const Word *args, Word *results) {
  eachNarrow<N>(results, count, [&](unsigned shift) -> double {
    float a = N::widen(args[0] >> shift), b = N::widen(args[1] >> shift);
    return site->info->param & PropagateNan ? selectNan<float, isMax>(a, b)
                                            : select<float, isMax>(a, b);
  });
}

template <typename N> static void convertOne(const Site *site, const Word *args, Word *results) {
  results[0] = N::round(finish(double(fromWord<float>(args[0])), site->info->param));
}
/// The first operand is the upper half.
template <typename N> static void convertTwo(const Site *site, const Word *args, Word *results) {
  int param = site->info->param;
  results[0] = Word(N::round(finish(double(fromWord<float>(args[0])), param))) << 16 |
               N::round(finish(double(fromWord<float>(args[1])), param));
}
/// To the nearest number of 10 bits, ties away from zero.
static void convertTf32(const Site *, const Word *args, Word *results) {
  uint32_t bits = args[0];
  bool finite = (bits & 0x7f800000) != 0x7f800000;
  results[0] = finite ? (bits + 0x1000) & 0xffffe000 : bits;
}

void addNarrowMath(IntrinsicTable &table) {
  for (int param : {0, int(PropagateNan)}) {
    std::string suffix = param & PropagateNan ? ".nan" : "";
    table.push_back({nvvm("fmin" + suffix + ".f16"), narrowSelect<Half, 1, false>, 0, param});
    table.push_back({nvvm("fmax" + suffix + ".f16"), narrowSelect<Half, 1, true>, 0, param});
    table.push_back({nvvm("fmin" + suffix + ".f16x2"), narrowSelect<Half, 2, false>, 0, param});
    table.push_back({nvvm("fmax" + suffix + ".f16x2"), narrowSelect<Half, 2, true>, 0, param});
    table.push_back({nvvm("fmin" + suffix + ".bf16"), narrowSelect<Bfloat, 1, false>, 0, param});
    table.push_back({nvvm("fmax" + suffix + ".bf16"), narrowSelect<Bfloat, 1, true>, 0, param});
    table.push_back({nvvm("fmin" + suffix + ".bf16x2"), narrowSelect<Bfloat, 2, false>, 0, param});
    table.push_back({nvvm("fmax" + suffix + ".bf16x2"), narrowSelect<Bfloat, 2, true>, 0, param});
  }
  for (int param : {0, int(Saturate), int(Relu)}) {
    std::string suffix = param == Saturate ? ".sat" : param == Relu ? ".relu" : "";
    table.push_back({nvvm("fma.rn" + suffix + ".f16"), narrowFma<Half, 1>, 0, param});
    table.push_back({nvvm("fma.rn" + suffix + ".f16x2"), narrowFma<Half, 2>, 0, param});
    table.push_back({nvvm("fma.rn" + suffix + ".bf16"), narrowFma<Bfloat, 1>, 0, param});
    table.push_back({nvvm("fma.rn" + suffix + ".bf16x2"), narrowFma<Bfloat, 2>, 0, param});
    if (param == Saturate)
      continue;
    table.push_back({nvvm("f2bf16.rn" + suffix), convertOne<Bfloat>, 0, param});
    table.push_back({nvvm("f2f16.rn" + suffix), convertOne<Half>, 0, param});
    table.push_back({nvvm("ff2bf16x2.rn" + suffix), convertTwo<Bfloat>, 0, param});
    table.push_back({nvvm("ff2f16x2.rn" + suffix), convertTwo<Half>, 0, param});
  }
  table.push_back({nvvm("f2h.rn"), convertOne<Half>});
  table.push_back({nvvm("f2tf32.rna"), convertTf32});
}

} // namespace emulator
