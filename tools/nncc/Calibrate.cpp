// nncc calibrate: what the cost models know of this machine, measured.
#include "tools/nncc/Calibrate.h"

#include "compiler/Files.h"
#include "tools/nncc/CommandLine.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace nncc::tool {

static cl::opt<std::string> output("o", cl::desc("The file of facts (default facts.json)"),
                                   cl::value_desc("file"), cl::init("facts.json"),
                                   cl::cat(category()), cl::sub(calibrateCommand()));

static Error calibrate() {
  Expected<cpu::MachineFacts> facts = measureFacts();
  if (!facts)
    return facts.takeError();
  std::string text;
  raw_string_ostream stream(text);
  llvm::json::OStream object(stream, 2);
  object.object([&] {
    for (const cpu::MachineFacts::Number &number : cpu::MachineFacts::numbers()) {
      object.attributeBegin(number.name);
      object.rawValue(formatv("{0:f1}", (*facts).*number.value).str());
      object.attributeEnd();
    }
  });
  if (Error error = writeFile(output, text + "\n"))
    return error;
  if (json())
    outs() << text << '\n';
  else
    for (const cpu::MachineFacts::Number &number : cpu::MachineFacts::numbers())
      outs() << format("%12.1f  ", (*facts).*number.value) << left_justify(number.name, 12) << ' '
             << number.description << '\n';
  return Error::success();
}

int calibrateMain() {
  Error error = calibrate();
  return error ? fail(std::move(error)) : 0;
}

} // namespace nncc::tool
