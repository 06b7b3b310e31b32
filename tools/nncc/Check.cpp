// nncc check: everything that is not supported, at once.
#include "tools/nncc/CommandLine.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace nncc::tool {

static cl::opt<std::string> model(cl::Positional, cl::Required, cl::desc("<model.onnx>"),
                                  cl::cat(category()), cl::sub(checkCommand()));

int checkMain() {
  Expected<CompileOptions> options = commonOptions();
  if (!options)
    return fail(options.takeError());
  options->input = model;
  Expected<std::vector<std::string>> problems = check(*options);
  if (!problems)
    return fail(problems.takeError());
  if (json()) {
    llvm::json::Object result{{"model", options->input},
                              {"supported", problems->empty()},
                              {"problems", llvm::json::Array(*problems)}};
    outs() << formatv("{0:2}\n", llvm::json::Value(std::move(result)));
  } else if (problems->empty()) {
    outs() << options->input << ": supported\n";
  } else {
    for (StringRef problem : *problems)
      outs() << problem.trim() << '\n';
  }
  if (problems->empty())
    return 0;
  // Whoever reads only the standard error learns the reason too.
  errs() << "nncc: error: " << options->input << " is not supported (" << problems->size()
         << (problems->size() == 1 ? " reason): " : " reasons), first: ")
         << StringRef(problems->front()).trim() << '\n';
  return static_cast<int>(ErrorClass::Unsupported);
}

} // namespace nncc::tool
