#include "targets/cpu/CodeGen.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "targets/kernel/Code.h"
#include "targets/kernel/FloatInstructions.h"
#include "llvm/BinaryFormat/Dwarf.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/DIBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/Linker/Linker.h"

using namespace llvm;

namespace nncc::cpu {

static void optimize(Module &module, TargetMachine &machine, unsigned level) {
  StringRef pipeline = level == 0
                           ? "function(early-cse)"
                           : "function(early-cse,instcombine<no-verify-fixpoint>,simplifycfg,"
                             "loop-mssa(licm),early-cse)";
  nncc::optimize(module, machine, PipelineTuningOptions(), [&](PassBuilder &builder) {
    ModulePassManager passes;
    cantFail(builder.parsePassPipeline(passes, pipeline));
    return passes;
  });
}

/// Text can be compiled by itself, and holds code for several processors: each function says which.
static void nameProcessor(Module &module, const TargetMachine &target) {
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", target.getTargetCPU());
    function.addFnAttr("target-features", target.getTargetFeatureString());
  }
}

static Expected<CodeCache::Code> optimizeAndEmit(Module &module, TargetMachine &target,
                                                 const CodeOptions &options) {
  expandFloatInstructions(module, target);
  optimize(module, target, options.optLevel);
  CodeCache::Code output;
  raw_svector_ostream stream(output);
  if (options.kind == CodeKind::Bitcode) {
    nameProcessor(module, target);
    WriteBitcodeToFile(module, stream);
  } else if (Error error = writeCode(module, target, CodeGenFileType::ObjectFile, stream)) {
    return std::move(error);
  }
  return output;
}

/// All that the code depends on besides the build of the compiler.
static std::string sourceOf(const Module &module, const Machine &machine,
                            const CodeOptions &options) {
  std::string source;
  raw_string_ostream os(source);
  for (StringRef part :
       {StringRef(machine.triple), StringRef(machine.cpu), StringRef(machine.features)})
    os << part << '\0';
  os << static_cast<int>(options.kind) << options.optLevel;
  WriteBitcodeToFile(module, os);
  return source;
}

Expected<SmallVector<char, 0>> generateCode(Module &module, const Machine &machine,
                                            const CodeOptions &options) {
  std::unique_ptr<TargetMachine> target = machine.create();
  module.setTargetTriple(target->getTargetTriple());
  module.setDataLayout(target->createDataLayout());
  module.setPICLevel(PICLevel::BigPIC);
  // So that perf and debuggers can walk through a kernel.
  module.setUwtable(UWTableKind::Async);
  auto generate = [&] { return optimizeAndEmit(module, *target, options); };
  return options.cache ? options.cache->lookup(sourceOf(module, machine, options), generate)
                       : generate();
}

/// The least that shows a kernel's nodes in backtraces and profiles: a line for all of its code,
/// which does not change by it.
static void describe(Function &kernel, const KernelName &name, StringRef file) {
  Module &module = *kernel.getParent();
  module.setModuleFlag(Module::Warning, "Debug Info Version", DEBUG_METADATA_VERSION);
  module.setModuleFlag(Module::Max, "Dwarf Version", 5);
  DIBuilder b(module);
  DIFile *source = b.createFile(file, /*Directory=*/"");
  b.createCompileUnit(DISourceLanguageName(dwarf::DW_LANG_C), source, "nncc", /*isOptimized=*/true,
                      /*Flags=*/"", /*RV=*/0, /*SplitName=*/"",
                      DICompileUnit::DebugEmissionKind::FullDebug, /*DWOId=*/0,
                      /*SplitDebugInlining=*/false, /*DebugInfoForProfiling=*/false,
                      DICompileUnit::DebugNameTableKind::None);
  DISubprogram *entry = b.createFunction(
      source, name.title, /*LinkageName=*/"", source, name.call, // or gdb would show the symbol
      b.createSubroutineType(b.getOrCreateTypeArray({})), name.call, DINode::FlagZero,
      DISubprogram::SPFlagDefinition | DISubprogram::SPFlagOptimized);
  kernel.setSubprogram(entry);
  DILocation *line = DILocation::get(module.getContext(), name.call, 0, entry);
  for (Instruction &instruction : instructions(kernel))
    instruction.setDebugLoc(line);
  b.finalize();
}

Expected<SmallVector<char, 0>> generateKernel(mlir::ModuleOp kernel, const KernelName &name,
                                              const Machine &machine, const CodeOptions &options) {
  LLVMContext context; // LLVM's data are not shared between threads
  std::string inside = kernel.getSymName().value_or("").str();
  std::unique_ptr<Module> module = mlir::translateModuleToLLVMIR(kernel, context, name.symbol);
  if (!module)
    return createStringError("kernel " + inside + " cannot be translated to LLVM IR");
  for (Function &function : *module) {
    if (function.isDeclaration())
      continue;
    if (function.getName() == inside) {
      function.setName(name.symbol);
      function.setVisibility(GlobalValue::HiddenVisibility);
      if (!options.file.empty())
        describe(function, name, options.file);
    } else {
      function.setLinkage(GlobalValue::InternalLinkage);
    }
  }
  return generateCode(*module, machine, options);
}

Error writeText(ArrayRef<SmallVector<char, 0>> bitcode, const Machine &machine, TextKind kind,
                raw_pwrite_stream &os) {
  LLVMContext context;
  std::unique_ptr<Module> whole;
  for (const SmallVector<char, 0> &part : bitcode) {
    auto module = parseBitcodeFile(MemoryBufferRef({part.data(), part.size()}, "kernel"), context);
    if (!module)
      return module.takeError();
    if (!whole)
      whole = std::move(*module);
    else if (Linker::linkModules(*whole, std::move(*module)))
      return createStringError("the kernels cannot be put into one module");
  }
  if (kind == TextKind::Assembly)
    return writeCode(*whole, *machine.create(), CodeGenFileType::AssemblyFile, os);
  whole->print(os, nullptr);
  return Error::success();
}

} // namespace nncc::cpu
