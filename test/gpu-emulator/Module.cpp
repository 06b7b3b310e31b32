#include "Module.h"
#include "Memory.h"
#include "Narrow.h"
#include "Report.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/ExecutionEngine/Orc/AbsoluteSymbols.h"
#include "llvm/ExecutionEngine/Orc/ExecutionUtils.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace llvm::orc;

namespace emulator {

// The image ---------------------------------------------------------------------------------------

/// Bitcode has no length of its own: it is a row of blocks, each with its length, of which the
/// table of strings comes last. 0: it is none.
static size_t bitcodeSize(const void *image) {
  const auto *bytes = static_cast<const uint8_t *>(image);
  if (support::endian::read32le(bytes) == 0x0B17C0DE) // in a wrapper
    return size_t(support::endian::read32le(bytes + 8)) + support::endian::read32le(bytes + 12);
  if (support::endian::read32le(bytes) != 0xDEC04342) // "BC", 0xC0DE
    return 0;
  constexpr unsigned enterBlock = 1, stringTable = 23;
  for (size_t at = 4;;) {
    uint32_t head = support::endian::read32le(bytes + at);
    if ((head & 3) != enterBlock)
      return 0;
    at += 8 + 4 * size_t(support::endian::read32le(bytes + at + 4));
    if ((head >> 2 & 0xff) == stringTable)
      return at;
  }
}

// Narrow floats, which LLVM converts by calls where the processor cannot --------------------------

static float fromHalf(_Float16 value) { return value; }
static _Float16 toHalf(float value) { return value; }
static _Float16 doubleToHalf(double value) { return value; }
static __bf16 doubleToBfloat(double value) {
  uint16_t bits = Bfloat::round(value);
  __bf16 result;
  memcpy(&result, &bits, sizeof result);
  return result;
}
static __bf16 toBfloat(float value) { return doubleToBfloat(value); }

static Error defineConversions(LLJIT &jit) {
  SymbolMap symbols;
  auto define = [&](const char *name, void *function) {
    symbols[jit.mangleAndIntern(name)] = {ExecutorAddr::fromPtr(function),
                                          JITSymbolFlags::Exported | JITSymbolFlags::Callable};
  };
  define("__extendhfsf2", reinterpret_cast<void *>(fromHalf));
  define("__truncsfhf2", reinterpret_cast<void *>(toHalf));
  define("__truncdfhf2", reinterpret_cast<void *>(doubleToHalf));
  define("__truncsfbf2", reinterpret_cast<void *>(toBfloat));
  define("__truncdfbf2", reinterpret_cast<void *>(doubleToBfloat));
  return jit.getMainJITDylib().define(absoluteSymbols(std::move(symbols)));
}

// Compilation -------------------------------------------------------------------------------------

static void optimize(Module &module, TargetMachine &machine) {
  PipelineTuningOptions tuning; // calls of the emulator keep loops as they are
  tuning.LoopVectorization = tuning.SLPVectorization = tuning.LoopUnrolling = false;
  PassBuilder builder(&machine, tuning);
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager graphs;
  ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(graphs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, graphs, modules);
  builder.buildPerModuleDefaultPipeline(OptimizationLevel::O2).run(module, modules);
}

static std::string textOf(Error error) { return toString(std::move(error)); }

std::string CompiledModule::compile(const void *image) {
  size_t size = bitcodeSize(image);
  if (!size)
    return "the image is no LLVM bitcode; the emulator runs nothing else";
  auto context = std::make_unique<LLVMContext>();
  auto module = parseBitcodeFile(
      MemoryBufferRef(StringRef(static_cast<const char *>(image), size), "image"), *context);
  if (!module)
    return textOf(module.takeError());
  auto target = JITTargetMachineBuilder::detectHost();
  if (!target)
    return textOf(target.takeError());
  auto machine = target->createTargetMachine();
  if (!machine)
    return textOf(machine.takeError());
  (*module)->setTargetTriple(target->getTargetTriple());
  (*module)->setDataLayout((*machine)->createDataLayout());
  std::string why = retarget(**module, loaded);
  if (why.empty())
    why = addVariables(**module);
  if (!why.empty())
    return why;
  raw_string_ostream stream(why);
  if (verifyModule(**module, &stream))
    return "the emulator has made a wrong module: " + why;
  optimize(**module, **machine);
  auto made = LLJITBuilder().setJITTargetMachineBuilder(*target).create();
  if (!made)
    return textOf(made.takeError());
  jit = std::move(*made);
  if (Error error = defineConversions(*jit))
    return textOf(std::move(error));
  if (Error error = jit->addIRModule(ThreadSafeModule(std::move(*module), std::move(context))))
    return textOf(std::move(error));
  return lookUp();
}

/// Code reaches variables of any linkage by pointers, so that all of them have to be found.
std::string CompiledModule::addVariables(Module &module) {
  for (GlobalVariable &variable : module.globals()) {
    if (variable.isDeclaration())
      return "variable " + variable.getName().str() + " has no definition";
    if (variable.getName().starts_with("llvm."))
      continue;
    if (!variable.hasName())
      variable.setName("variable");
    variable.setLinkage(GlobalValue::ExternalLinkage);
    variable.setVisibility(GlobalValue::DefaultVisibility);
    variables.push_back({variable.getName().str(),
                         module.getDataLayout().getTypeAllocSize(variable.getValueType()),
                         variable.isConstant()});
  }
  return "";
}

std::string CompiledModule::lookUp() {
  for (Kernel &kernel : loaded.kernels) {
    auto address = jit->lookup(entryName(kernel.name));
    if (!address)
      return textOf(address.takeError());
    kernel.entry = address->toPtr<void (*)(void **)>();
  }
  for (const Variable &variable : variables) {
    auto address = jit->lookup(variable.name);
    if (!address)
      return textOf(address.takeError());
    addVariable(address->getValue(), variable.size, variable.constant, variable.name);
    addresses.push_back(address->getValue());
  }
  return "";
}

CompiledModule::~CompiledModule() {
  for (uint64_t address : addresses)
    removeVariable(address);
}

std::unique_ptr<CompiledModule> CompiledModule::load(const void *image, std::string &why) {
  static const bool initialized = !InitializeNativeTarget() && !InitializeNativeTargetAsmPrinter();
  auto module = std::make_unique<CompiledModule>();
  why = initialized ? module->compile(image) : "LLVM has no target for this machine";
  if (why.empty())
    return module;
  return nullptr;
}

bool CompiledModule::isBitcode(const void *image) { return bitcodeSize(image) != 0; }

const Kernel *CompiledModule::findKernel(const std::string &name) const {
  for (const Kernel &kernel : loaded.kernels)
    if (kernel.name == name)
      return &kernel;
  return nullptr;
}

} // namespace emulator
