#include "targets/cpu/MachineFacts.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;

namespace nncc::cpu {

ArrayRef<MachineFacts::Number> MachineFacts::numbers() {
  constexpr double kib = 1 << 10, gib = 1 << 30;
  static constexpr Number all[] = {
      {"fmas", &MachineFacts::fmas, 0.25, 16, "vector multiply-adds that begin in a cycle"},
      {"loads", &MachineFacts::loads, 0.25, 16, "vectors loaded from the L1 cache in a cycle"},
      {"fma_latency", &MachineFacts::fmaLatency, 1, 64, "cycles of a multiply-add"},
      {"l1_bytes", &MachineFacts::l1Bytes, kib, gib, "size of the L1 data cache"},
      {"l2_bytes", &MachineFacts::l2Bytes, 16 * kib, gib, "size of the L2 cache"},
      {"l2_rate", &MachineFacts::l2Rate, 0.25, 1024, "bytes from the L2 cache in a cycle"}};
  return all;
}

namespace {
/// A family of processors: those whose LLVM name begins with `prefix`.
struct Family {
  StringLiteral prefix;
  double fmas, loads, fmaLatency, l1KiB, l2KiB;
};
} // namespace

// Nominal numbers, of vectors as wide as the registers. The rate of the L2 cache is that of the
// defaults: nominal ones are not reached.
static constexpr Family families[] = {
    {"haswell", 2, 2, 5, 32, 256},         {"broadwell", 2, 2, 5, 32, 256},
    {"skylake-avx512", 2, 2, 4, 32, 1024}, {"cascadelake", 2, 2, 4, 32, 1024},
    {"skylake", 2, 2, 4, 32, 256},         {"icelake-server", 2, 2, 4, 48, 1280},
    {"znver2", 2, 2, 5, 32, 512},          {"znver3", 2, 2, 4, 32, 512},
    {"znver4", 1, 1, 4, 32, 1024},         {"znver5", 2, 2, 4, 48, 1024},
    {"neoverse-n1", 2, 2, 4, 64, 1024},    {"neoverse-v1", 4, 3, 4, 64, 1024}};

MachineFacts MachineFacts::of(const Machine &machine) {
  MachineFacts facts;
  facts.unit = machine.vectorUnit();
  for (const Family &family : families)
    if (StringRef(machine.cpu).starts_with(family.prefix)) {
      facts.fmas = family.fmas;
      facts.loads = family.loads;
      facts.fmaLatency = family.fmaLatency;
      facts.l1Bytes = family.l1KiB * 1024;
      facts.l2Bytes = family.l2KiB * 1024;
      break;
    }
  return facts;
}

Error MachineFacts::read(StringRef file) {
  auto buffer = MemoryBuffer::getFile(file, /*IsText=*/true);
  if (!buffer)
    return createStringError("cannot read '" + file + "': " + buffer.getError().message());
  Expected<json::Value> parsed = json::parse((*buffer)->getBuffer());
  if (!parsed)
    return createStringError(file + ": expected JSON: " + toString(parsed.takeError()));
  const json::Object *object = parsed->getAsObject();
  if (!object)
    return createStringError(file + ": expected an object of numbers");
  for (const auto &[key, value] : *object) {
    StringRef name = key;
    const Number *number = find_if(numbers(), [&](const Number &n) { return n.name == name; });
    std::optional<double> given = value.getAsNumber();
    if (number == numbers().end()) {
      std::string names;
      for (const Number &known : numbers())
        names += (names.empty() ? "" : ", ") + known.name.str();
      return createStringError(file + ": unknown fact '" + name + "': expected " + names);
    }
    if (!given || !(*given >= number->least && *given <= number->most))
      return createStringError(
          file + ": " + name + ": expected a number from " +
          formatv("{0} to {1}, found {2}", number->least, number->most, value).str());
    this->*number->value = *given;
  }
  return Error::success();
}

} // namespace nncc::cpu
