#include "targets/cpu/ProgramEmitter.h"

#include "dialects/rt/RT.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "runtime/include/nncc/abi.h"
#include "targets/cpu/ProgramDescriptor.h"
#include "targets/cpu/ProgramSizes.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/IR/Verifier.h"

using namespace nncc;
using llvm::ArrayRef;
using llvm::Constant;
using llvm::SmallVector;
using llvm::StringRef;
using llvm::Value;
using mlir::AffineExpr;

namespace nncc::cpu {

std::string kernelSymbol(StringRef model, StringRef kernel) {
  return ("nncc_" + model + "_" + kernel).str();
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

/// One rt.run: its constant data, and its sizes over the symbols of the program.
struct Step {
  rt::RunOp op;
  Constant *dispatch;
  AffineExpr units, scratch;
};

class ProgramEmitter {
public:
  ProgramEmitter(mlir::ModuleOp source, const ProgramInfo &info, const Machine &machine,
                 llvm::LLVMContext &context)
      : source(source), info(info), machine(machine), program(info.name, context), b(program.b) {}

  llvm::Expected<std::unique_ptr<llvm::Module>> run() {
    main = *source.getOps<mlir::func::FuncOp>().begin();
    emitDispatches();
    ProgramDims dims(main);
    DescriptorParts parts;
    parts.run = emitRun();
    parts.plan = emitPlan();
    SmallVector<Constant *> dispatches =
        llvm::map_to_vector(steps, [](const Step &step) { return step.dispatch; });
    parts.dispatches = dispatches;
    for (auto check : main.getOps<rt::CheckOp>())
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
    for (auto op : main.getOps<rt::RunOp>()) {
      StringRef name = op.getKernel();
      auto kernel = symbols.lookup<mlir::ModuleOp>(name).lookupSymbol<mlir::LLVM::LLVMFuncOp>(name);
      Step step = {op, nullptr, sizeIn(op, kernel, "rt.units"), sizeIn(op, kernel, "rt.scratch")};
      std::string symbol = kernelSymbol(info.name, name);
      auto *function =
          llvm::cast<llvm::Function>(program.module->getOrInsertFunction(symbol, type).getCallee());
      function->setVisibility(llvm::GlobalValue::HiddenVisibility);
      auto nodes = op->getAttrOfType<mlir::StringAttr>("nodes");
      Constant *dispatch =
          program.record({program.i32(sizeof(nncc_dispatch)), program.i32(0), program.text(symbol),
                          program.text(nodes ? nodes.getValue() : ""), function,
                          program.i64(constantOf(step.units).value_or(-1)),
                          program.real(number(op, "flops")), program.real(number(op, "bytes"))},
                         sizeof(nncc_dispatch));
      step.dispatch = program.global(dispatch, "dispatch");
      steps.push_back(step);
    }
  }

  /// What run() works with; of the frame and on its stack.
  struct RunState {
    llvm::Function *function;
    Value *services, *host, *spaces[4], *parallelFor, *cancelled, *call, *buffers, *dims;
    llvm::BasicBlock *exit;
    llvm::PHINode *status;
    Slots slots;
  };

  RunState beginRun() {
    RunState run = {};
    run.function = program.makeFunction({program.pointer()}, "run");
    Value *frame = run.function->getArg(0);
    auto fromFrame = [&](size_t offset) { return program.load(program.pointer(), frame, offset); };
    size_t buffers = 1, dims = 0;
    for (Step &step : steps) {
      buffers = std::max(buffers, step.op.getSpaces().size());
      if (step.op.getDims())
        dims = std::max<size_t>(dims, step.op.getDims()->getNumResults());
    }
    auto *call = b.CreateAlloca(llvm::ArrayType::get(b.getInt8Ty(), sizeof(nncc_call)));
    call->setAlignment(llvm::Align(16));
    run.call = call;
    run.buffers = b.CreateAlloca(llvm::ArrayType::get(program.pointer(), buffers));
    run.dims = dims ? b.CreateAlloca(llvm::ArrayType::get(b.getInt64Ty(), dims))
                    : fromFrame(offsetof(nncc_frame, dims));
    run.services = fromFrame(offsetof(nncc_frame, services));
    run.host = fromFrame(offsetof(nncc_frame, host));
    program.store(run.buffers, call, offsetof(nncc_call, buffers));
    program.store(run.dims, call, offsetof(nncc_call, dims));
    program.store(fromFrame(offsetof(nncc_frame, scratch)), call, offsetof(nncc_call, scratch));
    program.store(program.load(b.getInt64Ty(), frame, offsetof(nncc_frame, scratch_stride)), call,
                  offsetof(nncc_call, scratch_stride));
    program.store(run.services, call, offsetof(nncc_call, services));
    program.store(run.host, call, offsetof(nncc_call, host));
    size_t spaces[] = {offsetof(nncc_frame, inputs), offsetof(nncc_frame, outputs),
                       offsetof(nncc_frame, arena), offsetof(nncc_frame, weights)};
    for (auto [i, offset] : llvm::enumerate(spaces))
      run.spaces[i] = fromFrame(offset);
    run.parallelFor =
        program.load(program.pointer(), run.services, offsetof(nncc_services, parallel_for));
    run.cancelled =
        program.load(program.pointer(), run.services, offsetof(nncc_services, cancelled));
    run.exit = program.makeBlock("exit");
    run.status = llvm::PHINode::Create(b.getInt32Ty(), 0, "status", run.exit);
    return run;
  }

  /// nncc_descriptor.run: one call of parallel_for per step.
  llvm::Function *emitRun() {
    RunState run = beginRun();
    Value *frame = run.function->getArg(0);
    ProgramSizes sizes(program, program.load(program.pointer(), frame, offsetof(nncc_frame, dims)));
    run.slots = computeSlots(program, sizes, main);
    for (const Step &step : steps)
      emitStep(run, sizes, step);
    run.status->addIncoming(program.i32(NNCC_OK), b.GetInsertBlock());
    b.CreateBr(run.exit);
    b.SetInsertPoint(run.exit);
    b.CreateRet(run.status);
    return run.function;
  }

  void leaveIf(RunState &run, Value *condition, Value *status) {
    llvm::BasicBlock *next = program.makeBlock("next");
    run.status->addIncoming(status, b.GetInsertBlock());
    b.CreateCondBr(condition, run.exit, next);
    b.SetInsertPoint(next);
  }

  void emitStep(RunState &run, ProgramSizes &sizes, const Step &step) {
    auto *cancelledType = llvm::FunctionType::get(b.getInt32Ty(), {program.pointer()}, false);
    auto *parallelType = llvm::FunctionType::get(
        b.getInt32Ty(), {program.pointer(), program.pointer(), program.pointer(), b.getInt64Ty()},
        false);
    leaveIf(run, b.CreateIsNotNull(b.CreateCall(cancelledType, run.cancelled, {run.host})),
            program.i32(NNCC_CANCELLED));
    rt::RunOp op = step.op;
    for (size_t i = 0; i < op.getSpaces().size(); ++i)
      program.store(address(run, sizes, op, i), run.buffers, i * sizeof(void *));
    if (op.getDims())
      for (auto [i, size] : llvm::enumerate(op.getDims()->getResults()))
        program.store(sizes.value(normalForm(size)), run.dims, i * sizeof(int64_t));
    Value *units = sizes.value(step.units);
    llvm::BasicBlock *after = nullptr;
    if (!constantOf(step.units)) { // of an empty tensor there is nothing to compute
      llvm::BasicBlock *work = program.makeBlock("work");
      after = program.makeBlock("after");
      b.CreateCondBr(b.CreateICmpSGT(units, program.i64(0)), work, after);
      b.SetInsertPoint(work);
    }
    Value *result =
        b.CreateCall(parallelType, run.parallelFor, {run.host, step.dispatch, run.call, units});
    leaveIf(run, b.CreateIsNotNull(result), result);
    if (after) {
      b.CreateBr(after);
      b.SetInsertPoint(after);
    }
  }

  Value *address(RunState &run, ProgramSizes &sizes, rt::RunOp op, size_t i) {
    auto space = static_cast<rt::Space>(op.getSpaces()[i]);
    Value *base = run.spaces[op.getSpaces()[i]];
    int64_t index = op.getIndices()[i];
    if (space == rt::Space::Input || space == rt::Space::Output)
      base = program.load(program.pointer(), base, index * sizeof(void *));
    else if (space == rt::Space::Arena && !run.slots.begins.empty())
      base = b.CreateInBoundsGEP(b.getInt8Ty(), base, run.slots.begins[index]);
    if (op.getStarts())
      base = b.CreateInBoundsGEP(b.getInt8Ty(), base,
                                 sizes.value(normalForm(op.getStarts()->getResult(i))));
    return program.field(base, op.getOffsets()[i]);
  }

  /// -1 - the number of the first rt.check that fails, or 0.
  Value *failedCheck(ProgramSizes &sizes) {
    Value *failed = program.i64(0);
    auto checks = llvm::to_vector(main.getOps<rt::CheckOp>());
    for (int64_t number = checks.size() - 1; number >= 0; --number)
      for (AffineExpr zero : checks[number].getZeros().getResults())
        failed = b.CreateSelect(b.CreateIsNotNull(sizes.value(normalForm(zero))),
                                program.i64(-1 - number), failed);
    return failed;
  }

  /// nncc_descriptor.plan. Sizes that a run cannot work with are refused here, so that run() does
  /// not have to look.
  llvm::Function *emitPlan() {
    llvm::Function *plan =
        program.makeFunction({program.pointer(), program.pointer(), program.pointer()}, "plan");
    ProgramSizes sizes(program, plan->getArg(0));
    llvm::SetVector<AffineExpr> bounded, scratch;
    if (auto map = main->getAttrOfType<mlir::AffineMapAttr>("rt.sizes"))
      bounded.insert_range(llvm::map_range(map.getValue().getResults(), normalForm));
    for (const Step &step : steps) {
      bounded.insert(step.units);
      bounded.insert(step.scratch);
      scratch.insert(step.scratch);
    }
    bounded.remove_if([](AffineExpr size) { return constantOf(size).has_value(); });
    Value *bad = b.getFalse();
    for (AffineExpr size : bounded)
      bad = b.CreateOr(bad, sizes.isBad(size));
    Slots slots = computeSlots(program, sizes, main);
    Value *arena = slots.begins.empty() ? program.i64(integer(source, "rt.arena_size")) : slots.end;
    bad = b.CreateOr(bad, b.CreateICmpUGT(arena, program.i64(int64_t(1) << 47)));
    Value *most = program.i64(0);
    for (AffineExpr size : scratch)
      most = b.CreateBinaryIntrinsic(llvm::Intrinsic::smax, most, sizes.value(size));
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
  const Machine &machine;
  ProgramBuilder program;
  llvm::IRBuilder<> &b;
  mlir::func::FuncOp main;
  SmallVector<Step> steps;
};

} // namespace

llvm::Expected<std::unique_ptr<llvm::Module>> emitProgram(mlir::ModuleOp module,
                                                          const ProgramInfo &info,
                                                          const Machine &machine,
                                                          llvm::LLVMContext &context) {
  return ProgramEmitter(module, info, machine, context).run();
}

} // namespace nncc::cpu
