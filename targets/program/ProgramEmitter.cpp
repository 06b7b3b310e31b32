#include "targets/program/ProgramEmitter.h"

#include "dialects/rt/RT.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "runtime/include/nncc/abi.h"
#include "targets/program/KernelNames.h"
#include "targets/program/ProgramDescriptor.h"
#include "targets/program/ProgramRun.h"
#include "targets/program/ProgramSizes.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/IR/Verifier.h"

using namespace nncc;
using llvm::ArrayRef;
using llvm::Constant;
using llvm::SmallVector;
using llvm::StringRef;
using llvm::Value;
using mlir::AffineExpr;

namespace nncc {

std::string ProgramInfo::symbol(StringRef part) const {
  std::string text = "nncc_" + name + "_" + part.str();
  return level.empty() ? text : text + "_" + level;
}

namespace {

int64_t integer(mlir::Operation *op, StringRef name) {
  auto attr = op->getAttrOfType<mlir::IntegerAttr>(name);
  return attr ? attr.getInt() : 0;
}
double number(mlir::Operation *op, StringRef name) {
  auto attr = op->getAttrOfType<mlir::FloatAttr>(name);
  return attr ? attr.getValueAsDouble() : 0;
}

class ProgramEmitter {
public:
  ProgramEmitter(mlir::ModuleOp source, const ProgramInfo &info, const cpu::Machine &machine,
                 llvm::LLVMContext &context)
      : source(source), info(info), machine(machine),
        program(info.level.empty() ? info.name : info.name + "_" + info.level, context),
        b(program.b) {}

  llvm::Expected<std::unique_ptr<llvm::Module>> run() {
    main = *source.getOps<mlir::func::FuncOp>().begin();
    emitDispatches();
    ProgramDims dims(main);
    DescriptorParts parts;
    parts.run = emitRun(program, main, dispatches, dims.names.size(), !info.device.empty());
    for (auto check : main.getOps<rt::CheckOp>())
      if (isMadeByPlan(check, dims.names.size()))
        checks.push_back(check);
    parts.plan = emitPlan(dims.names.size());
    SmallVector<Constant *> data;
    for (auto &[op, launches] : dispatches)
      for (const Dispatch &launch : launches)
        data.push_back(launch.data);
    parts.dispatches = data;
    for (rt::CheckOp check : checks)
      parts.checks.push_back(check.getText().str());
    emitDescriptor(program, main, dims, info, machine, parts);
    if (program.layoutDiffers)
      return llvm::createStringError("the descriptor does not have the layout of abi.h");
    if (llvm::verifyModule(*program.module, &llvm::errs()))
      return llvm::createStringError("the program is not valid LLVM IR");
    return std::move(program.module);
  }

private:
  /// The size that an attribute of the kernel gives, in this call of it.
  static AffineExpr sizeIn(rt::RunOp op, mlir::Operation *kernel, StringRef name) {
    return op.inProgram(sizeOf(kernel->getAttr(name)));
  }

  void emitDispatches() {
    auto *type = llvm::FunctionType::get(
        b.getInt32Ty(), {program.pointer(), b.getInt64Ty(), b.getInt64Ty(), b.getInt32Ty()}, false);
    mlir::SymbolTable symbols(source);
    llvm::StringMap<KernelName> names = nameKernels(source, info);
    main.walk([&](rt::RunOp op) {
      const std::string &symbol = names[op.getKernel()].symbol;
      SmallVector<Dispatch, 1> &launches = dispatches[op];
      for (auto kernel : rt::launchesOf(symbols.lookup<mlir::ModuleOp>(op.getKernel()))) {
        StringRef launch = kernel.getName().drop_front(op.getKernel().size());
        launches.push_back(emitDispatch(op, kernel, symbol + launch.str(), type, launches.empty()));
      }
    });
  }

  /// The first launch counts for the work of the call.
  Dispatch emitDispatch(rt::RunOp op, mlir::Operation *kernel, StringRef symbol,
                        llvm::FunctionType *type, bool isFirst) {
    auto work = [&](StringRef name) { return program.real(isFirst ? number(op, name) : 0); };
    Dispatch step = {nullptr,
                     sizeIn(op, kernel, "rt.units"),
                     sizeIn(op, kernel, "rt.scratch"),
                     integer(kernel, "rt.team"),
                     {}};
    if (kernel->hasAttr("rt.workspace"))
      step.workspace = sizeIn(op, kernel, "rt.workspace");
    Constant *function = program.null(), *launch = program.null();
    if (info.device.empty()) {
      auto *declared =
          llvm::cast<llvm::Function>(program.module->getOrInsertFunction(symbol, type).getCallee());
      declared->setVisibility(llvm::GlobalValue::HiddenVisibility);
      function = declared;
    } else {
      launch = emitLaunch(kernel);
    }
    auto nodes = op->getAttrOfType<mlir::StringAttr>("nodes");
    Constant *dispatch = program.record(
        {program.i32(sizeof(nncc_dispatch)), program.i32(0), program.text(symbol),
         program.text(nodes ? nodes.getValue() : ""), function,
         program.i64(constantOf(step.units).value_or(-1)), work("flops"), work("bytes"), launch},
        sizeof(nncc_dispatch));
    step.data = program.global(dispatch, "dispatch");
    return step;
  }

  Constant *emitLaunch(mlir::Operation *kernel) {
    auto field = [&](StringRef name) { return program.i32(integer(kernel, name)); };
    Constant *launch = program.record({program.i32(sizeof(nncc_launch)), field("rt.threads"),
                                       field("rt.buffers"), field("rt.dims"), field("rt.shared"),
                                       program.i32(kernel->hasAttr("rt.uses_scratch"))},
                                      sizeof(nncc_launch));
    return program.global(launch, "launch");
  }

  /// -1 - the number of the first rt.check that fails, or 0.
  Value *failedCheck(ProgramSizes &sizes) {
    Value *failed = program.i64(0);
    for (int64_t number = checks.size() - 1; number >= 0; --number)
      for (AffineExpr zero : checks[number].getZeros().getResults())
        failed = b.CreateSelect(b.CreateIsNotNull(sizes.value(normalForm(zero))),
                                program.i64(-1 - number), failed);
    return failed;
  }

  /// 0 where there are none.
  Value *greatest(ProgramSizes &sizes, llvm::ArrayRef<AffineExpr> all) {
    Value *most = program.i64(0);
    for (AffineExpr size : all)
      most = b.CreateBinaryIntrinsic(llvm::Intrinsic::smax, most, sizes.value(size));
    return most;
  }

  /// nncc_descriptor.plan. Sizes that a run cannot work with are refused here, so that run() does
  /// not have to look.
  llvm::Function *emitPlan(unsigned given) {
    llvm::Function *plan =
        program.makeFunction({program.pointer(), program.pointer(), program.pointer()}, "plan");
    ProgramSizes sizes(program, plan->getArg(0), given);
    llvm::SetVector<AffineExpr> bounded, scratch, workspace;
    if (auto map = main->getAttrOfType<mlir::AffineMapAttr>("rt.sizes"))
      bounded.insert_range(llvm::map_range(map.getValue().getResults(), normalForm));
    for (auto &[op, launches] : dispatches)
      for (const Dispatch &dispatch : launches) {
        bounded.insert(dispatch.units);
        bounded.insert(dispatch.scratch);
        scratch.insert(dispatch.scratch);
        if (dispatch.workspace)
          workspace.insert(dispatch.workspace);
      }
    // What is over sizes that a run computes, the run looks at.
    auto isLate = [&](AffineExpr size) { return !sizes.isGiven(size); };
    bounded.remove_if(isLate);
    scratch.remove_if(isLate);
    workspace.remove_if(isLate);
    bounded.insert_range(workspace);
    bounded.remove_if([](AffineExpr size) { return constantOf(size).has_value(); });
    Value *bad = b.getFalse();
    for (AffineExpr size : bounded)
      bad = b.CreateOr(bad, sizes.isBad(size));
    Slots slots = computeSlots(program, sizes, main);
    Value *arena = slots.end;
    if (!workspace.empty())
      arena = b.CreateAdd(slots.workspace(program), greatest(sizes, workspace.getArrayRef()));
    bad = b.CreateOr(bad, b.CreateICmpUGT(arena, program.i64(int64_t(1) << 47)));
    Value *most = greatest(sizes, scratch.getArrayRef());
    Value *failed = failedCheck(sizes);
    bad = b.CreateOr(bad, b.CreateIsNotNull(failed));
    llvm::BasicBlock *refuse = program.makeBlock("refuse"), *accept = program.makeBlock("accept");
    b.CreateCondBr(bad, refuse, accept);
    b.SetInsertPoint(refuse);
    b.CreateStore(failed, plan->getArg(1));
    b.CreateRet(program.i32(NNCC_INVALID_ARGUMENT));
    b.SetInsertPoint(accept);
    b.CreateStore(arena, plan->getArg(1));
    b.CreateStore(most, plan->getArg(2));
    b.CreateRet(program.i32(NNCC_OK));
    return plan;
  }

  mlir::ModuleOp source;
  const ProgramInfo &info;
  const cpu::Machine &machine;
  ProgramBuilder program;
  llvm::IRBuilder<> &b;
  mlir::func::FuncOp main;
  Dispatches dispatches;
  SmallVector<rt::CheckOp> checks;
};

} // namespace

llvm::Expected<std::unique_ptr<llvm::Module>> emitProgram(mlir::ModuleOp module,
                                                          const ProgramInfo &info,
                                                          const cpu::Machine &machine,
                                                          llvm::LLVMContext &context) {
  return ProgramEmitter(module, info, machine, context).run();
}

} // namespace nncc
