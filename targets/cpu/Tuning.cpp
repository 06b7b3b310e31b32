#include "targets/cpu/Tuning.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using llvm::Error;
using llvm::Expected;

namespace nncc::cpu {

static constexpr StringLiteral version = "# nncc tuning ", firstLine = "# nncc tuning 1",
                               separator = " | ";

std::string processorKey(const Machine &machine) {
  VectorUnit unit = machine.vectorUnit();
  std::string key =
      machine.cpu + "/" + std::to_string(unit.registers) + "x" + std::to_string(unit.registerBytes);
  return unit.dotBits ? key + "/dot" + std::to_string(unit.dotBits) : key;
}

/// The operations of a region, with their operands by number: constants count as operations only.
static void printRegion(Region &region, llvm::raw_ostream &os) {
  llvm::DenseMap<Value, size_t> numbers;
  auto number = [&](Value value) {
    return numbers.try_emplace(value, numbers.size()).first->second;
  };
  for (BlockArgument argument : region.getArguments())
    number(argument);
  os << " {";
  for (Operation &op : region.front()) {
    os << (&op == &region.front().front() ? "" : "; ") << op.getName();
    for (Value operand : op.getOperands())
      os << " %" << number(operand);
    for (Value result : op.getResults())
      number(result);
  }
  os << "}";
}

std::string problemKey(Operation *op) {
  std::string key;
  llvm::raw_string_ostream os(key);
  os << op->getName() << " (";
  llvm::interleaveComma(op->getOperandTypes(), os);
  os << ")";
  SmallVector<NamedAttribute> attributes(op->getAttrDictionary().getValue());
  llvm::erase_if(attributes, [](NamedAttribute a) { return a.getName() == "plan"; });
  os << " " << DictionaryAttr::get(op->getContext(), attributes);
  for (Region &region : op->getRegions())
    printRegion(region, os);
  return key;
}

namespace {
/// Reads one file line by line.
class Reader {
public:
  Reader(MLIRContext *context, StringRef file) : context(context), file(file) {}

  Error read(StringRef text, Tuning &tuning) {
    SmallVector<StringRef> lines;
    text.split(lines, '\n');
    if (Error error = checkVersion(lines))
      return error;
    for (StringRef line : lines) {
      ++number;
      if (line.trim().empty() || line.starts_with("#"))
        continue;
      if (Error error = readPlan(line.trim(), tuning))
        return error;
    }
    return Error::success();
  }

private:
  /// One line tells it, wherever sorting has put it.
  Error checkVersion(ArrayRef<StringRef> lines) {
    const StringRef *found =
        llvm::find_if(lines, [](StringRef line) { return line.starts_with(version); });
    if (found != lines.end() && found->trim() == firstLine)
      return Error::success();
    if (found == lines.end())
      found = lines.begin();
    number = found - lines.begin() + 1;
    return fail("'" + firstLine + "'", *found);
  }

  Error fail(const Twine &expected, StringRef found) const {
    constexpr size_t most = 100;
    std::string shown = found.take_front(most).str() + (found.size() > most ? "..." : "");
    return llvm::createStringError(file + ":" + Twine(number) + ": expected " + expected +
                                   ", found '" + shown + "'");
  }

  Error readPlan(StringRef line, Tuning &tuning) const {
    SmallVector<StringRef> fields;
    line.split(fields, separator);
    if (fields.size() != 5 || fields[0].empty() || fields[1].empty())
      return fail("<processor> | <problem> | threads <n> | <plan> | gain <factor>", line);
    TunedPlan result{};
    StringRef threads = fields[2], gain = fields[4];
    if (!threads.consume_front("threads ") || threads.getAsInteger(10, result.threads) ||
        result.threads < 1)
      return fail("threads <n>", fields[2]);
    if (!gain.consume_front("gain ") || !llvm::to_float(gain, result.gain) ||
        !std::isfinite(result.gain) || result.gain <= 0)
      return fail("gain <factor>", fields[4]);
    std::string problem;
    {
      ScopedDiagnosticHandler handler(context, [&](Diagnostic &d) { problem = d.str(); });
      result.plan = parseAttribute(fields[3], context);
    }
    if (!isa_and_nonnull<kern::PlanAttr, kern::WinogradPlanAttr>(result.plan))
      return fail("#kern.plan<...> or #kern.winograd<...>" +
                      Twine(problem.empty() ? "" : " (" + problem + ")"),
                  fields[3]);
    tuning.set(fields[0].str(), fields[1].str(), result);
    return Error::success();
  }

  MLIRContext *context;
  StringRef file;
  size_t number = 0;
};
} // namespace

Expected<Tuning> Tuning::read(MLIRContext *context, ArrayRef<std::string> files) {
  context->getOrLoadDialect<kern::KernDialect>();
  Tuning tuning;
  for (const std::string &file : files) {
    auto buffer = llvm::MemoryBuffer::getFile(file, /*IsText=*/true);
    if (!buffer)
      return llvm::createStringError("cannot read '" + file + "': " + buffer.getError().message());
    if (Error error = Reader(context, file).read((*buffer)->getBuffer(), tuning))
      return std::move(error);
  }
  return tuning;
}

const TunedPlan *Tuning::find(const std::string &processor, const std::string &problem) const {
  auto found = plans.find({processor, problem});
  return found == plans.end() ? nullptr : &found->second;
}

void Tuning::forEach(StringRef processor,
                     llvm::function_ref<void(const std::string &problem)> f) const {
  for (const auto &[key, plan] : plans)
    if (key.first == processor)
      f(key.second);
}

void Tuning::print(llvm::raw_ostream &os) const {
  os << firstLine << "\n# <processor> | <problem> | threads <n> | <plan> | gain <factor>\n";
  for (const auto &[key, plan] : plans)
    os << key.first << separator << key.second << separator << "threads " << plan.threads
       << separator << plan.plan << separator << "gain " << llvm::format("%.3f", plan.gain) << "\n";
}

} // namespace nncc::cpu
