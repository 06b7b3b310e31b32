// The command line: sub-commands, the options that several of them have, and how errors end.
#pragma once

#include "compiler/Compiler.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <vector>

namespace nncc::tool {

/// `nncc compile` is also what happens without a sub-command. (Not LLVM's "top level": the options
/// of its libraries are there, and some have our names.)
llvm::cl::SubCommand &compileCommand();
llvm::cl::SubCommand &runCommand();
llvm::cl::SubCommand &benchCommand();
llvm::cl::SubCommand &compareCommand();
llvm::cl::SubCommand &checkCommand();
llvm::cl::SubCommand &inspectCommand();
llvm::cl::SubCommand &tuneCommand();
llvm::cl::SubCommand &calibrateCommand();

/// The category of our options: --help hides LLVM's.
llvm::cl::OptionCategory &category();

/// Reads the command line; false after having said what is wrong with it.
bool parseCommandLine(int argc, char **argv);

/// What each sub-command does; returns the exit code.
int compileMain();
int runMain();
int benchMain();
int compareMain();
int checkMain();
int inspectMain();
int tuneMain();
int calibrateMain();

/// After an internal error of compileMain(): leaves a file to report it with.
void reproduceCompilation();

/// --json: one JSON object on the standard output instead of text.
bool json();

/// --level: nncc_open_options.level.
const char *level();

/// --dim, --shape, --insert, --target, -O, -v and such: what every sub-command that compiles knows.
llvm::Expected<CompileOptions> commonOptions();

/// Sizes as people write them: "1x3x224x224", "1,3,224,224"; "" has no sizes. Nothing where it is
/// something else.
std::optional<std::vector<int64_t>> parseShape(llvm::StringRef text, bool allowOpen = false);

/// "[1, 3, 224, 224]".
std::string shapeText(llvm::ArrayRef<int64_t> shape);

llvm::Error usageError(const llvm::Twine &message);
llvm::Error unsupportedError(const llvm::Twine &message);

/// What another process has already printed: its exit code is left to be returned.
struct ReportedError : llvm::ErrorInfo<ReportedError> {
  static char ID;
  explicit ReportedError(int code) : code(code) {}
  void log(llvm::raw_ostream &os) const override { os << "exit code " << code; }
  std::error_code convertToErrorCode() const override { return llvm::inconvertibleErrorCode(); }

  int code;
};

/// Prints `nncc: error: ...`, one line per line of the message; returns the exit code of its class.
int fail(llvm::Error error);

/// Prints a remark for the user on the standard error.
void note(const llvm::Twine &message);

} // namespace nncc::tool
