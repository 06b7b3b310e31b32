// Arithmetic of one thread. Approximations of the hardware are computed in double precision and
// rounded, so that they are exact but for the last bit in one of millions of cases; the ftz
// variants take numbers below 2^-126 for zero and give none.
#include "Intrinsics.h"
#include "Variants.h"
#include <cfenv>

#pragma STDC FENV_ACCESS ON

namespace emulator {

namespace {
constexpr const char *modeNames[] = {"rn", "rz", "rm", "rp"};
constexpr int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};

/// Rounds as a row asks for, as long as it lives.
class Rounding {
public:
  explicit Rounding(int param) : mode(param >> ModeShift) {
    if (mode)
      fesetround(modes[mode]);
  }
  ~Rounding() {
    if (mode)
      fesetround(FE_TONEAREST);
  }

private:
  int mode;
};
} // namespace

template <typename T, T (*F)(T)>
static void unary(const Site *site, const Word *args, Word *results) {
  int param = site->info->param;
  Rounding rounding(param);
  results[0] = toWord(finish(F(flush(fromWord<T>(args[0]), param)), param));
}

template <typename T, T (*F)(T, T)>
static void binary(const Site *site, const Word *args, Word *results) {
  int param = site->info->param;
  Rounding rounding(param);
  results[0] = toWord(
      finish(F(flush(fromWord<T>(args[0]), param), flush(fromWord<T>(args[1]), param)), param));
}

template <typename T> static void fusedMultiply(const Site *site, const Word *args, Word *results) {
  int param = site->info->param;
  Rounding rounding(param);
  results[0] =
      toWord(finish(std::fma(flush(fromWord<T>(args[0]), param), flush(fromWord<T>(args[1]), param),
                             flush(fromWord<T>(args[2]), param)),
                    param));
}

// The functions -----------------------------------------------------------------------------------

template <typename T> static T add(T a, T b) { return a + b; }
template <typename T> static T multiply(T a, T b) { return a * b; }
template <typename T> static T divide(T a, T b) { return a / b; }
template <typename T> static T reciprocal(T a) { return T(1) / a; }
template <typename T> static T absolute(T a) { return std::fabs(a); }
template <typename T> static T identity(T a) { return a; }
template <typename T> static T floorOf(T a) { return std::floor(a); }
template <typename T> static T ceilOf(T a) { return std::ceil(a); }
template <typename T> static T truncOf(T a) { return std::trunc(a); }
template <typename T> static T roundOf(T a) { return std::rint(a); }
template <typename T> static T squareRoot(T a) { return std::sqrt(a); }
template <typename T> static T reciprocalRoot(T a) { return T(1.0 / std::sqrt(double(a))); }
template <typename T> static T exponential2(T a) { return T(std::exp2(double(a))); }
template <typename T> static T logarithm2(T a) { return T(std::log2(double(a))); }
static float sine(float a) { return float(std::sin(double(a))); }
static float cosine(float a) { return float(std::cos(double(a))); }
static float tangent(float a) { return float(std::tanh(double(a))); }

// Conversions -------------------------------------------------------------------------------------

template <typename From, typename To>
static void toInteger(const Site *site, const Word *args, Word *results) {
  Rounding rounding(site->info->param);
  From value = std::nearbyint(flush(fromWord<From>(args[0]), site->info->param));
  using Limits = std::numeric_limits<To>;
  To result = std::isnan(value)                              ? To(0)
              : value <= From(Limits::min())                 ? Limits::min()
              : value >= std::ldexp(From(1), Limits::digits) ? Limits::max()
                                                             : To(value);
  results[0] = toWord(result);
}
template <typename From, typename To>
static void toFloat(const Site *site, const Word *args, Word *results) {
  Rounding rounding(site->info->param);
  results[0] = toWord(To(fromWord<From>(args[0])));
}

// Rows --------------------------------------------------------------------------------------------

template <float (*F)(float)> static void addUnary(IntrinsicTable &table, const std::string &name) {
  table.push_back({nvvm(name + ".f"), unary<float, F>});
  table.push_back({nvvm(name + ".ftz.f"), unary<float, F>, 0, Ftz});
}

static void addRounded(IntrinsicTable &table) {
  for (int mode = Nearest; mode <= Up; ++mode) {
    std::string suffix = std::string(".") + modeNames[mode];
    int rounding = mode << ModeShift;
    for (int ftz : {0, int(Ftz)}) {
      std::string f = suffix + (ftz ? ".ftz" : "");
      int param = rounding | ftz;
      for (int saturate : {0, int(Saturate)}) {
        std::string end = f + (saturate ? ".sat.f" : ".f");
        table.push_back({nvvm("add" + end), binary<float, add<float>>, 0, param | saturate});
        table.push_back({nvvm("fma" + end), fusedMultiply<float>, 0, param | saturate});
      }
      table.push_back({nvvm("mul" + f + ".f"), binary<float, multiply<float>>, 0, param});
      table.push_back({nvvm("div" + f + ".f"), binary<float, divide<float>>, 0, param});
      table.push_back({nvvm("rcp" + f + ".f"), unary<float, reciprocal<float>>, 0, param});
      table.push_back({nvvm("sqrt" + f + ".f"), unary<float, squareRoot<float>>, 0, param});
      table.push_back({nvvm("f2i" + f), toInteger<float, int32_t>, 0, param});
      table.push_back({nvvm("f2ui" + f), toInteger<float, uint32_t>, 0, param});
      table.push_back({nvvm("f2ll" + f), toInteger<float, int64_t>, 0, param});
      table.push_back({nvvm("f2ull" + f), toInteger<float, uint64_t>, 0, param});
    }
    const std::string d = suffix + ".d";
    table.push_back({nvvm("add" + d), binary<double, add<double>>, 0, rounding});
    table.push_back({nvvm("mul" + d), binary<double, multiply<double>>, 0, rounding});
    table.push_back({nvvm("div" + d), binary<double, divide<double>>, 0, rounding});
    table.push_back({nvvm("fma" + d), fusedMultiply<double>, 0, rounding});
    table.push_back({nvvm("rcp" + d), unary<double, reciprocal<double>>, 0, rounding});
    table.push_back({nvvm("sqrt" + d), unary<double, squareRoot<double>>, 0, rounding});
    table.push_back({nvvm("d2i" + suffix), toInteger<double, int32_t>, 0, rounding});
    table.push_back({nvvm("d2f" + suffix), toFloat<double, float>, 0, rounding});
    table.push_back({nvvm("i2f" + suffix), toFloat<int32_t, float>, 0, rounding});
    table.push_back({nvvm("ui2f" + suffix), toFloat<uint32_t, float>, 0, rounding});
  }
}

static void addSelections(IntrinsicTable &table) {
  for (int param : {0, int(Ftz), int(PropagateNan), int(Ftz | PropagateNan)}) {
    std::string suffix =
        std::string(param & Ftz ? ".ftz" : "") + (param & PropagateNan ? ".nan" : "");
    bool nan = param & PropagateNan;
    table.push_back(
        {nvvm("fmin" + suffix + ".f"),
         nan ? binary<float, selectNan<float, false>> : binary<float, select<float, false>>, 0,
         param & Ftz});
    table.push_back(
        {nvvm("fmax" + suffix + ".f"),
         nan ? binary<float, selectNan<float, true>> : binary<float, select<float, true>>, 0,
         param & Ftz});
  }
  table.push_back({nvvm("fmin.d"), binary<double, select<double, false>>});
  table.push_back({nvvm("fmax.d"), binary<double, select<double, true>>});
}

void addMath(IntrinsicTable &table) {
  addRounded(table);
  addSelections(table);
  addUnary<floorOf<float>>(table, "floor");
  addUnary<ceilOf<float>>(table, "ceil");
  addUnary<truncOf<float>>(table, "trunc");
  addUnary<roundOf<float>>(table, "round");
  addUnary<squareRoot<float>>(table, "sqrt.approx");
  addUnary<reciprocalRoot<float>>(table, "rsqrt.approx");
  addUnary<logarithm2<float>>(table, "lg2.approx");
  addUnary<sine>(table, "sin.approx");
  addUnary<cosine>(table, "cos.approx");
  table.push_back({nvvm("sqrt.f"), unary<float, squareRoot<float>>});
  for (int ftz : {0, int(Ftz)}) {
    std::string suffix = ftz ? ".ftz" : "";
    table.push_back(
        {nvvm("saturate" + suffix + ".f"), unary<float, identity<float>>, 0, ftz | Saturate});
    table.push_back({nvvm("fabs" + suffix + ".f32"), unary<float, absolute<float>>, 0, ftz});
    table.push_back(
        {nvvm("ex2.approx" + suffix + ".f32"), unary<float, exponential2<float>>, 0, ftz});
    table.push_back({nvvm("div.approx" + suffix + ".f"), binary<float, divide<float>>, 0, ftz});
    table.push_back({nvvm("div.full" + suffix), binary<float, divide<float>>, 0, ftz});
    table.push_back(
        {"asm ex2.approx" + suffix + ".f32$0,$1;", unary<float, exponential2<float>>, 0, ftz});
    table.push_back(
        {"asm rcp.approx" + suffix + ".f32$0,$1;", unary<float, reciprocal<float>>, 0, ftz});
  }
  table.push_back({"asm tanh.approx.f32$0,$1;", unary<float, tangent>});
  table.push_back({"asm rsqrt.approx.ftz.f64$0,$1;", unary<double, reciprocalRoot<double>>});
  table.push_back({nvvm("tanh.approx.f32"), unary<float, tangent>});
  table.push_back({nvvm("rcp.approx.ftz.f"), unary<float, reciprocal<float>>, 0, Ftz});
  table.push_back({nvvm("rcp.approx.ftz.d"), unary<double, reciprocal<double>>});
  table.push_back({nvvm("rsqrt.approx.d"), unary<double, reciprocalRoot<double>>});
  table.push_back({nvvm("fabs.f64"), unary<double, absolute<double>>});
  table.push_back({nvvm("floor.d"), unary<double, floorOf<double>>});
  table.push_back({nvvm("ceil.d"), unary<double, ceilOf<double>>});
  table.push_back({nvvm("trunc.d"), unary<double, truncOf<double>>});
  table.push_back({nvvm("round.d"), unary<double, roundOf<double>>});
}

} // namespace emulator
