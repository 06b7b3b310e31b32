#include "tools/nncc/Reproducer.h"

#include "compiler/Compiler.h"
#include "compiler/Files.h"
#include "compiler/Pipeline.h"
#include "tools/nncc/CommandLine.h"
#include "tools/nncc/Isolate.h"

#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace nncc::tool {

/// The command that goes on from the IR in `path`, after the first `done` stages.
static std::string commandLine(const CompileOptions &options, StringRef path, size_t done) {
  std::vector<std::string> words{"nncc",
                                 "compile",
                                 path.str(),
                                 "-o",
                                 outputPath(options),
                                 "--target=" + options.target,
                                 "-O" + std::to_string(options.optLevel),
                                 ("--emit=" + emitFormat(options.emit).name).str()};
  auto add = [&](bool isGiven, const Twine &word) {
    if (isGiven)
      words.push_back(word.str());
  };
  add(options.header, "--header");
  add(options.weights == WeightsPlace::File, "--weights=file");
  add(options.weightType == WeightType::BF16, "--weight-type=bf16");
  add(options.strip, "--strip");
  add(!options.name.empty(), "--name=" + options.name);
  add(options.verifyEach, "--verify-each");
  add(options.threads, "--threads=" + Twine(options.threads));
  add(!options.stopAfter.empty(), "--stop-after=" + options.stopAfter);
  for (const std::string &file : options.plugins)
    add(true, "--load-pass-plugin=" + file);
  for (const Stage &stage : pipelineStages().drop_front(done)) {
    if (stage.name == "graph")
      for (const std::string &file : options.patterns)
        add(true, "--patterns=" + file);
    if (stage.name == "schedule") {
      add(options.winograd != CompileOptions().winograd, "--winograd=" + options.winograd);
      add(options.bands != CompileOptions().bands, "--bands=" + options.bands);
      add(options.gpuMath != CompileOptions().gpuMath, "--gpu-math=" + options.gpuMath);
      add(options.keepDenormals, "--keep-denormals");
      add(!options.machineFacts.empty(), "--machine=" + options.machineFacts);
    }
    if (stage.name == "schedule")
      for (const std::string &file : options.tuning)
        add(true, "--tuning=" + file);
    for (const InsertedPasses &inserted : options.insert)
      add(inserted.stage == stage.name,
          "--insert=" + Twine(inserted.before ? "before-" : "after-") + inserted.stage + ":" +
              inserted.pipeline);
  }
  std::string text;
  raw_string_ostream os(text);
  for (const std::string &word : words) {
    os << (os.tell() ? " " : "");
    sys::printArg(os, word, /*Quote=*/false);
  }
  return text;
}

static Error prepend(const std::string &line, StringRef path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> text = MemoryBuffer::getFile(path, /*IsText=*/true);
  if (!text)
    return createStringError(text.getError(), "cannot read '" + path + "'");
  return writeFile(path, "// " + line + "\n" + (*text)->getBuffer().str());
}

void writeReproducer(const CompileOptions &options, const std::string &path) {
  CompileOptions part = options;
  part.output = path;
  part.progress = part.verbose = false;
  // The last stage that still ends well is the one before the crash.
  for (size_t done = pipelineStages().size(); done > 0; --done) {
    part.stopAfter = pipelineStages()[done - 1].name.str();
    auto stop = [&] {
      Expected<CompileReport> report = compile(part);
      return report ? 0 : (consumeError(report.takeError()), 1);
    };
    if (isolatedQuietly(stop) != 0)
      continue;
    std::string command = commandLine(options, part.output, done);
    if (Error error = prepend(command, part.output)) {
      fail(std::move(error));
      return;
    }
    note("after stage '" + part.stopAfter + "'; please report it with '" + part.output +
         "' (and '" + part.output +
         ".weights', if there is one). It crashes again with: " + command);
    return;
  }
  note("it happens before there is IR: please report it with '" + options.input + "'");
}

} // namespace nncc::tool
