#include "tools/nncc/CommandLine.h"

#include "compiler/Pipeline.h"
#include "compiler/import/ModelError.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace nncc::tool {

// Functions, because options of other files refer to them before main() runs.
cl::SubCommand &compileCommand() {
  static cl::SubCommand command("compile", "Compile a model; the default");
  return command;
}
cl::SubCommand &runCommand() {
  static cl::SubCommand command("run", "Run a model once on given inputs");
  return command;
}
cl::SubCommand &benchCommand() {
  static cl::SubCommand command("bench", "Measure a model's speed and memory");
  return command;
}
cl::SubCommand &compareCommand() {
  static cl::SubCommand command("compare", "Compare a model's results with reference results");
  return command;
}
cl::SubCommand &checkCommand() {
  static cl::SubCommand command("check", "List everything in a model that is not supported");
  return command;
}
cl::SubCommand &inspectCommand() {
  static cl::SubCommand command("inspect", "Show what is in a model or a compiled library");
  return command;
}
cl::SubCommand &tuneCommand() {
  static cl::SubCommand command("tune", "Measure which plans of a model's kernels are the fastest");
  return command;
}
cl::SubCommand &calibrateCommand() {
  static cl::SubCommand command("calibrate", "Measure what the cost models know of this machine");
  return command;
}
cl::OptionCategory &category() {
  static cl::OptionCategory category("Options of nncc");
  return category;
}

static cl::opt<bool> jsonOption("json", cl::desc("One JSON object instead of text"),
                                cl::cat(category()), cl::sub(cl::SubCommand::getAll()));

static cl::list<std::string>
    dimOptions("dim", cl::desc("Size of a dimension by its name, e.g. batch=8"),
               cl::value_desc("name=size"), cl::cat(category()), cl::sub(compileCommand()),
               cl::sub(runCommand()), cl::sub(benchCommand()), cl::sub(compareCommand()),
               cl::sub(checkCommand()), cl::sub(inspectCommand()), cl::sub(tuneCommand()));

static cl::list<std::string>
    shapeOptions("shape", cl::desc("Whole shape of an input, e.g. x:8x3x224x224; ? stays open"),
                 cl::value_desc("input:sizes"), cl::cat(category()), cl::sub(compileCommand()),
                 cl::sub(runCommand()), cl::sub(benchCommand()), cl::sub(compareCommand()),
                 cl::sub(checkCommand()), cl::sub(tuneCommand()));

static cl::opt<std::string> targetOption(
    "target",
    cl::desc("host (default), x86-64-v2, x86-64-v3, x86-64-v4, or <triple>:<processor>; several "
             "between ',', or x86-64-multi: one library with code for each; nvptx:<chip>, such as "
             "nvptx:sm_90a, for a GPU, <processors>+nvptx:<chip> for both"),
    cl::init("host"), cl::cat(category()), cl::sub(compileCommand()), cl::sub(runCommand()),
    cl::sub(benchCommand()), cl::sub(compareCommand()), cl::sub(tuneCommand()));

static cl::opt<std::string> gpuImagesOption(
    "gpu-images",
    cl::desc("Forms of the code for a GPU, between ',': cubin (where ptxas is there), ptx, or "
             "bitcode, for emulators; default: cubin,ptx"),
    cl::init("cubin,ptx"), cl::cat(category()), cl::sub(compileCommand()), cl::sub(runCommand()),
    cl::sub(benchCommand()), cl::sub(compareCommand()));

static cl::opt<std::string> gpuMathOption(
    "gpu-math",
    cl::desc("How a GPU multiplies f32: f32 (default), or on its tensor cores, tf32, with operands "
             "rounded to 11 bits, or bf16x3, to 16 bits; check that the accuracy is enough"),
    cl::init("f32"), cl::cat(category()), cl::sub(compileCommand()), cl::sub(runCommand()),
    cl::sub(benchCommand()), cl::sub(compareCommand()));

static cl::opt<std::string> levelOption(
    "level",
    cl::desc("Of a library with code for several processors: the one whose code is run; "
             "default: the best that this machine has"),
    cl::value_desc("processor"), cl::cat(category()), cl::sub(runCommand()),
    cl::sub(benchCommand()), cl::sub(compareCommand()), cl::sub(inspectCommand()));

static cl::opt<unsigned> optLevelOption("O", cl::Prefix, cl::desc("Optimisation level, 0 to 3"),
                                        cl::init(2), cl::value_desc("level"), cl::cat(category()),
                                        cl::sub(compileCommand()), cl::sub(runCommand()),
                                        cl::sub(benchCommand()), cl::sub(compareCommand()),
                                        cl::sub(tuneCommand()));

static cl::opt<std::string> cacheOption(
    "cache-dir",
    cl::desc("Keep the code of kernels in this folder, for compilations to come; default: the "
             "environment's NNCC_CACHE_DIR, or nowhere"),
    cl::value_desc("folder"), cl::cat(category()), cl::sub(compileCommand()), cl::sub(runCommand()),
    cl::sub(benchCommand()), cl::sub(compareCommand()), cl::sub(tuneCommand()));
static cl::opt<unsigned>
    cacheSizeOption("cache-size",
                    cl::desc("MiB that are left in it: what was used longest ago goes first"),
                    cl::init(CompileOptions().cacheMegabytes), cl::value_desc("size"),
                    cl::cat(category()), cl::sub(compileCommand()), cl::sub(runCommand()),
                    cl::sub(benchCommand()), cl::sub(compareCommand()), cl::sub(tuneCommand()));

static cl::opt<std::string> winogradOption(
    "winograd",
    cl::desc(
        "3x3 convolutions by Winograd's algorithm: auto (default), off, or in tiles of 2 or 4"),
    cl::init("auto"), cl::value_desc("mode"), cl::cat(category()), cl::sub(compileCommand()),
    cl::sub(runCommand()), cl::sub(benchCommand()), cl::sub(compareCommand()),
    cl::sub(tuneCommand()));

static cl::opt<std::string> bandsOption(
    "bands",
    cl::desc("Depthwise convolutions and poolings in one kernel with the products around them, by "
             "bands of rows: auto (default), off, always"),
    cl::init("auto"), cl::value_desc("mode"), cl::cat(category()), cl::sub(compileCommand()),
    cl::sub(runCommand()), cl::sub(benchCommand()), cl::sub(compareCommand()),
    cl::sub(tuneCommand()));

static cl::opt<std::string> machineOption(
    "machine",
    cl::desc("Numbers of the processor for the cost models, as nncc calibrate writes them"),
    cl::value_desc("file"), cl::cat(category()), cl::sub(compileCommand()), cl::sub(runCommand()),
    cl::sub(benchCommand()), cl::sub(compareCommand()), cl::sub(tuneCommand()));
static cl::list<std::string> tuningOptions(
    "tuning",
    cl::desc("Measured plans, as nncc tune writes them; of several files later ones count"),
    cl::value_desc("file"), cl::cat(category()), cl::sub(compileCommand()), cl::sub(runCommand()),
    cl::sub(benchCommand()), cl::sub(compareCommand()), cl::sub(tuneCommand()));

static cl::opt<bool> keepDenormalsOption(
    "keep-denormals",
    cl::desc(
        "Products compute with numbers below 2^-126, which are slow, instead of taking them for 0"),
    cl::cat(category()), cl::sub(compileCommand()), cl::sub(runCommand()), cl::sub(benchCommand()),
    cl::sub(compareCommand()), cl::sub(tuneCommand()));

static cl::opt<bool> verboseOption("v", cl::desc("One line per stage with its time and memory"),
                                   cl::cat(category()), cl::sub(compileCommand()),
                                   cl::sub(runCommand()), cl::sub(benchCommand()),
                                   cl::sub(compareCommand()), cl::sub(tuneCommand()));

static cl::list<std::string>
    insertOptions("insert", cl::desc("Passes at a point of the pipeline: after-graph:my-pass{k=v}"),
                  cl::value_desc("point:passes"), cl::cat(category()), cl::sub(compileCommand()),
                  cl::sub(runCommand()), cl::sub(benchCommand()), cl::sub(compareCommand()),
                  cl::sub(tuneCommand()));
static cl::list<std::string>
    patternOptions("patterns", cl::desc("Rewrite patterns, PDLL or PDL, for the imported graph"),
                   cl::value_desc("file"), cl::cat(category()), cl::sub(compileCommand()),
                   cl::sub(runCommand()), cl::sub(benchCommand()), cl::sub(compareCommand()),
                   cl::sub(tuneCommand()));
static cl::list<std::string> pluginOptions("load-pass-plugin",
                                           cl::desc("A plug-in with MLIR passes"),
                                           cl::value_desc("file"), cl::cat(category()),
                                           cl::sub(compileCommand()), cl::sub(runCommand()),
                                           cl::sub(benchCommand()), cl::sub(compareCommand()),
                                           cl::sub(tuneCommand()));

bool json() { return jsonOption; }

const char *level() { return levelOption.empty() ? nullptr : levelOption.c_str(); }

std::optional<std::vector<int64_t>> parseShape(StringRef text, bool allowOpen) {
  std::vector<int64_t> shape;
  if (text.empty())
    return shape;
  SmallVector<StringRef> sizes;
  text.split(sizes, text.contains(',') ? ',' : 'x');
  for (StringRef size : sizes) {
    int64_t value = -1;
    bool isOpen = allowOpen && size.trim() == "?";
    if (!isOpen && (size.trim().getAsInteger(10, value) || value < 0))
      return std::nullopt;
    shape.push_back(value);
  }
  return shape;
}

std::string shapeText(ArrayRef<int64_t> shape) {
  std::string text;
  raw_string_ostream os(text);
  os << '[';
  interleaveComma(shape, os);
  os << ']';
  return text;
}

/// "after-graph:my-pass{k=v}".
static Expected<InsertedPasses> parseInsertion(StringRef text) {
  StringRef point = text.split(':').first, pipeline = text.split(':').second;
  InsertedPasses result;
  result.before = point.consume_front("before-");
  bool placed = result.before || point.consume_front("after-");
  std::vector<std::string> stages;
  for (const Stage &stage : pipelineStages())
    stages.push_back(stage.name.str());
  if (!placed || pipeline.empty() || !is_contained(stages, point))
    return usageError("--insert=" + text +
                      ": expected before-<stage>:<passes> or after-<stage>:<passes>, the stages "
                      "are " +
                      join(stages, ", "));
  result.stage = point.str();
  result.pipeline = pipeline.str();
  return result;
}

/// Whether an option of LLVM or of a plug-in is given.
static bool givesOthersOptions() {
  for (cl::SubCommand *command : {&cl::SubCommand::getTopLevel(), &compileCommand(), &runCommand(),
                                  &benchCommand(), &compareCommand(), &tuneCommand()})
    for (auto &[name, option] : cl::getRegisteredOptions(*command))
      if (option->getNumOccurrences() && !is_contained(option->Categories, &category()))
        return true;
  return false;
}

Expected<CompileOptions> commonOptions() {
  CompileOptions options;
  for (StringRef text : dimOptions) {
    auto [name, size] = text.rsplit('=');
    int64_t value;
    if (name.empty() || size.getAsInteger(10, value) || value < 0)
      return usageError("--dim=" + text + ": expected <name>=<size>, e.g. --dim batch=8");
    if (!options.dims.emplace(name.str(), value).second)
      return usageError("--dim: '" + name + "' is given twice");
  }
  for (StringRef text : shapeOptions) {
    size_t split = text.find_last_of(":=");
    StringRef name = text.take_front(split);
    std::optional<std::vector<int64_t>> shape;
    if (split != StringRef::npos)
      shape = parseShape(text.drop_front(split + 1), /*allowOpen=*/true);
    if (!shape || name.empty())
      return usageError(
          "--shape=" + text +
          ": expected <input>:<sizes>, e.g. --shape x:8x3x224x224, or ? for a size that "
          "stays open");
    if (!options.shapes.emplace(name.str(), *shape).second)
      return usageError("--shape: '" + name + "' is given twice");
  }
  if (optLevelOption > 3)
    return usageError("-O" + Twine(optLevelOption) + ": expected -O0, -O1, -O2 or -O3");
  if (!is_contained({"auto", "off", "2", "4"}, winogradOption))
    return usageError("--winograd=" + winogradOption + ": expected auto, off, 2 or 4");
  if (!is_contained({"auto", "off", "always"}, bandsOption))
    return usageError("--bands=" + bandsOption + ": expected auto, off or always");
  if (!is_contained({"f32", "tf32", "bf16x3"}, gpuMathOption))
    return usageError("--gpu-math=" + gpuMathOption + ": expected f32, tf32 or bf16x3");
  for (StringRef text : insertOptions) {
    Expected<InsertedPasses> passes = parseInsertion(text);
    if (!passes)
      return passes.takeError();
    options.insert.push_back(std::move(*passes));
  }
  options.patterns = patternOptions;
  options.plugins = pluginOptions;
  options.target = targetOption;
  options.gpuImages = gpuImagesOption;
  options.gpuMath = gpuMathOption;
  options.optLevel = optLevelOption;
  options.winograd = winogradOption;
  options.bands = bandsOption;
  options.keepDenormals = keepDenormalsOption;
  const char *folder = std::getenv("NNCC_CACHE_DIR");
  options.cacheDir = cacheOption.getNumOccurrences() || !folder ? cacheOption.getValue() : folder;
  options.cacheMegabytes = cacheSizeOption;
  if (givesOthersOptions()) // which change the code, and are no part of its key
    options.cacheDir.clear();
  options.tuning = tuningOptions;
  options.machineFacts = machineOption;
  options.verbose = verboseOption;
  options.progress = !verboseOption && errs().is_displayed();
  return options;
}

Error usageError(const Twine &message) {
  return make_error<CompileError>(ErrorClass::Usage, message.str());
}

Error unsupportedError(const Twine &message) {
  return make_error<CompileError>(ErrorClass::Unsupported, message.str());
}

/// What a file's contents could do to a terminal is replaced.
static std::string printable(StringRef message) {
  std::string text = llvm::json::fixUTF8(message);
  for (char &c : text)
    if (static_cast<unsigned char>(c) < ' ' && c != '\n')
      c = '?';
  return text;
}

char ReportedError::ID = 0;

int fail(Error error) {
  int code = 0;
  std::string message;
  error = handleErrors(std::move(error), [&](const ReportedError &e) { code = e.code; });
  if (!error)
    return code;
  auto add = [&](ErrorClass kind, StringRef text) {
    code = code ? code : static_cast<int>(kind);
    message += (message.empty() ? "" : "\n") + text.trim().str();
  };
  handleAllErrors(
      std::move(error), [&](const CompileError &e) { add(e.kind, e.message); },
      [&](const ModelError &e) { add(e.getClass(), e.message()); },
      [&](const ErrorInfoBase &e) { add(ErrorClass::Usage, e.message()); });
  message = printable(message);
  SmallVector<StringRef> lines;
  StringRef(message).split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (StringRef line : lines)
    errs() << "nncc: error: " << line << '\n';
  if (json())
    outs() << formatv(
        "{0:2}\n", llvm::json::Value(llvm::json::Object{{"error", message}, {"exit_code", code}}));
  return code;
}

void note(const Twine &message) { errs() << "nncc: note: " << message << '\n'; }

} // namespace nncc::tool
