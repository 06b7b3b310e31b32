// From argv to the options, by LLVM's command line library.
#include "compiler/Register.h"
#include "tools/nncc/CommandLine.h"

#include "nncc/nncc.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace nncc::tool {

static constexpr StringLiteral overview =
    "nncc compiles neural networks ahead of time.\n\n"
    "  nncc model.onnx -o model.so        compile to a native library\n"
    "  nncc run model.so --input x.npy    run it; bench, compare, check, inspect, tune, "
    "calibrate: see --help of each\n";

/// What the library puts before its messages, as the program's name.
static constexpr StringLiteral errorPrefix = "nncc: error";

/// Its messages as one line.
static std::string oneLine(StringRef messages) {
  std::string text;
  SmallVector<StringRef> lines;
  messages.split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (StringRef line : lines) {
    if (line.consume_front(errorPrefix))
      line.consume_front(": ");
    line = line.take_front(std::min(line.find("  Try: "), line.find(" See: ")));
    text += (text.empty() ? "" : " ") + line.trim().str();
  }
  return text + " See nncc --help";
}

static void printVersion(raw_ostream &os) {
  os << "nncc " << nncc_version() << " (LLVM " << LLVM_VERSION_STRING << ", ABI " << NNCC_ABI_MAJOR
     << '.' << NNCC_ABI_MINOR << ")\n";
}

/// Makes MLIR's options for printing, timing and threads options of `nncc compile`; --help-hidden
/// shows them.
static void registerMLIROptions() {
  auto &top = cl::getRegisteredOptions();
  auto before = top;
  registerPasses(); // their names are values of options
  mlir::registerAsmPrinterCLOptions();
  mlir::registerMLIRContextCLOptions();
  mlir::registerPassManagerCLOptions();
  mlir::registerDefaultTimingManagerCLOptions();
  for (auto [name, option] : top) {
    if (before.contains(name))
      continue;
    option->setHiddenFlag(cl::Hidden);
    compileCommand().OptionsMap.insert({name, option});
  }
}

bool parseCommandLine(int argc, char **argv) {
  cl::HideUnrelatedOptions(category()); // the hundreds of LLVM's libraries
  registerMLIROptions();
  cl::SetVersionPrinter(printVersion);

  SmallVector<const char *> arguments(argv, argv + argc);
  auto asksForHelp = [](StringRef a) { return a.starts_with("--help") || a == "-h"; };
  auto isCommand = [](StringRef a) {
    return any_of(cl::getRegisteredSubcommands(),
                  [a](cl::SubCommand *command) { return command->getName() == a; });
  };
  StringRef first = argc > 1 ? argv[1] : "";
  bool general = asksForHelp(first) || first == "--version";
  if (first.empty() || (!general && !isCommand(first)))
    arguments.insert(arguments.begin() + 1, "compile");
  arguments[0] = any_of(arguments, asksForHelp) ? "nncc" : errorPrefix.data();

  std::string messages;
  raw_string_ostream os(messages);
  if (cl::ParseCommandLineOptions(arguments.size(), arguments.data(), overview, &os))
    return true;
  if (!messages.empty()) // else it has printed what is wrong with a value
    fail(usageError(oneLine(messages)));
  return false;
}

} // namespace nncc::tool
