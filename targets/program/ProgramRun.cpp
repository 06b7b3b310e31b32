#include "targets/program/ProgramRun.h"

#include "runtime/include/nncc/abi.h"
#include "targets/program/ProgramLimits.h"
#include "targets/program/ProgramSizes.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace nncc;
using llvm::SmallVector;
using llvm::Value;
using mlir::AffineExpr;

namespace {

/// A place without the constant part of its address.
struct Address {
  rt::Space space;
  int64_t index, offset;
  AffineExpr start; // null: 0
};

class RunEmitter {
public:
  RunEmitter(ProgramBuilder &program, mlir::func::FuncOp main, const Dispatches &dispatches,
             unsigned given, bool onDevice)
      : program(program), b(program.b), main(main), dispatches(dispatches), given(given),
        onDevice(onDevice) {}

  llvm::Function *emit() {
    function = program.makeFunction({program.pointer()}, "run");
    begin();
    ProgramSizes runSizes(program, symbols, given);
    sizes = &runSizes;
    slots = computeSlots(program, *sizes, main);
    emit(main.getBody().front());
    leave(program.i32(NNCC_OK));
    b.SetInsertPoint(exit);
    b.CreateRet(status);
    return function;
  }

private:
  // What a run works with; of the frame and on its stack
  // -----------------------------------------------------------------------

  Value *fromFrame(size_t offset) {
    return program.load(program.pointer(), function->getArg(0), offset);
  }
  Value *service(size_t offset) { return program.load(program.pointer(), services, offset); }
  Value *newArray(llvm::Type *element, size_t count) {
    llvm::IRBuilderBase::InsertPointGuard guard(b);
    b.SetInsertPoint(&function->getEntryBlock(), function->getEntryBlock().begin());
    return b.CreateAlloca(llvm::ArrayType::get(element, count));
  }

  void begin() {
    size_t buffers = 1, dims = 0, pointers = 0, results = 0;
    bool setsSymbols = false;
    main.walk([&](mlir::Operation *op) {
      if (auto run = llvm::dyn_cast<rt::RunOp>(op)) {
        buffers = std::max(buffers, run.getSpaces().size() + 1); // and the workspace
        if (run.getDims())
          dims = std::max<size_t>(dims, run.getDims()->getNumResults());
      } else if (auto pointer = op->getAttrOfType<mlir::IntegerAttr>("pointer")) {
        pointers = std::max<size_t>(pointers, pointer.getInt() + 1);
      }
      if (auto output = llvm::dyn_cast<rt::OutputOp>(op))
        results = std::max<size_t>(results, output.getSizes().getNumResults());
      setsSymbols |= llvm::isa<rt::LoadOp, rt::SetOp>(op);
    });
    auto *memory = b.CreateAlloca(llvm::ArrayType::get(b.getInt8Ty(), sizeof(nncc_call)));
    memory->setAlignment(llvm::Align(16));
    call = memory;
    this->buffers = newArray(program.pointer(), buffers);
    this->pointers = newArray(program.pointer(), pointers);
    capacities = newArray(b.getInt64Ty(), pointers);
    shape = newArray(b.getInt64Ty(), results);
    Value *givenDims = fromFrame(offsetof(nncc_frame, dims));
    this->dims = dims ? newArray(b.getInt64Ty(), dims) : givenDims;
    symbols = setsSymbols ? copySymbols(givenDims) : givenDims;
    services = fromFrame(offsetof(nncc_frame, services));
    host = fromFrame(offsetof(nncc_frame, host));
    fillCall();
    size_t offsets[] = {offsetof(nncc_frame, inputs), offsetof(nncc_frame, outputs),
                        offsetof(nncc_frame, arena), offsetof(nncc_frame, weights)};
    for (auto [i, offset] : llvm::enumerate(offsets))
      spaces[i] = fromFrame(offset);
    parallelFor = service(offsetof(nncc_services, parallel_for));
    cancelled = service(offsetof(nncc_services, cancelled));
    exit = program.makeBlock("exit");
    status = llvm::PHINode::Create(b.getInt32Ty(), 0, "status", exit);
  }

  void fillCall() {
    program.store(buffers, call, offsetof(nncc_call, buffers));
    program.store(dims, call, offsetof(nncc_call, dims));
    scratch = fromFrame(offsetof(nncc_frame, scratch));
    stride =
        program.load(b.getInt64Ty(), function->getArg(0), offsetof(nncc_frame, scratch_stride));
    program.store(scratch, call, offsetof(nncc_call, scratch));
    program.store(stride, call, offsetof(nncc_call, scratch_stride));
    program.store(services, call, offsetof(nncc_call, services));
    program.store(host, call, offsetof(nncc_call, host));
    program.store(program.i32(0), call, offsetof(nncc_call, workers));
  }

  /// The symbols of the caller, and places for those that the run sets.
  Value *copySymbols(Value *from) {
    auto names = main->getAttrOfType<mlir::ArrayAttr>("nn.dims");
    Value *to = newArray(b.getInt64Ty(), names ? names.size() : 0);
    for (unsigned i = 0; i < given; ++i)
      program.store(program.load(b.getInt64Ty(), from, i * sizeof(int64_t)), to,
                    i * sizeof(int64_t));
    return to;
  }

  // Leaving
  // ---------------------------------------------------------------------------------------

  void leave(Value *with) {
    status->addIncoming(with, b.GetInsertBlock());
    b.CreateBr(exit);
  }

  void leaveIf(Value *condition, Value *with) {
    llvm::BasicBlock *next = program.makeBlock("next");
    status->addIncoming(with, b.GetInsertBlock());
    b.CreateCondBr(condition, exit, next);
    b.SetInsertPoint(next);
  }

  /// Says why before it leaves.
  void refuseIf(Value *condition, nncc_status code, llvm::StringRef text) {
    llvm::BasicBlock *refuse = program.makeBlock("refuse"), *next = program.makeBlock("next");
    b.CreateCondBr(condition, refuse, next);
    b.SetInsertPoint(refuse);
    this->refuse(code, program.text(text));
    b.SetInsertPoint(next);
  }
  void refuse(nncc_status code, Value *text) {
    callService(offsetof(nncc_services, error), b.getVoidTy(),
                {host, program.i32(code), program.null(), text});
    leave(program.i32(code));
  }

  Value *callService(size_t offset, llvm::Type *result, llvm::ArrayRef<Value *> arguments) {
    SmallVector<llvm::Type *> types;
    for (Value *argument : arguments)
      types.push_back(argument->getType());
    return b.CreateCall(llvm::FunctionType::get(result, types, false), service(offset), arguments);
  }

  void leaveIfCancelled() {
    auto *type = llvm::FunctionType::get(b.getInt32Ty(), {program.pointer()}, false);
    leaveIf(b.CreateIsNotNull(b.CreateCall(type, cancelled, {host})), program.i32(NNCC_CANCELLED));
  }

  // Steps
  // -----------------------------------------------------------------------------------------

  void emit(mlir::Block &block) {
    for (mlir::Operation &op : block)
      llvm::TypeSwitch<mlir::Operation *>(&op)
          .Case<rt::RunOp, rt::LoadOp, rt::SetOp, rt::BoundOp, rt::AllocateOp, rt::OutputOp,
                rt::GrowOp, rt::FreeOp, rt::PointOp, rt::CheckOp, rt::ExpectOp, rt::LimitOp,
                rt::WhenOp, rt::WhileOp>([&](auto step) { emit(step); });
  }

  Value *pointer(int64_t number) {
    return program.load(program.pointer(), pointers, number * sizeof(void *));
  }
  void setPointer(int64_t number, Value *value) {
    program.store(value, pointers, number * sizeof(void *));
  }

  Value *address(const Address &a) {
    Value *base = nullptr;
    if (a.space == rt::Space::Pointer)
      base = pointer(a.index);
    else
      base = spaces[static_cast<size_t>(a.space)];
    if (a.space == rt::Space::Input || a.space == rt::Space::Output)
      base = program.load(program.pointer(), base, a.index * sizeof(void *));
    else if (a.space == rt::Space::Arena && !slots.begins.empty())
      base = b.CreateInBoundsGEP(b.getInt8Ty(), base, slots.begins[a.index]);
    if (a.start)
      base = b.CreateInBoundsGEP(b.getInt8Ty(), base, sizes->value(normalForm(a.start)));
    return program.field(base, a.offset);
  }
  Value *address(rt::PlaceAttr place) {
    return address({place.getSpace(), place.getIndex(), place.getOffset(),
                    place.getStart() ? place.getStart().getResult(0) : AffineExpr()});
  }

  void emit(rt::RunOp op) {
    llvm::ArrayRef<Dispatch> launches = dispatches.find(op)->second;
    leaveIfCancelled();
    for (size_t i = 0; i < op.getSpaces().size(); ++i)
      program.store(address({static_cast<rt::Space>(op.getSpaces()[i]), op.getIndices()[i],
                             op.getOffsets()[i],
                             op.getStarts() ? op.getStarts()->getResult(i) : AffineExpr()}),
                    buffers, i * sizeof(void *));
    Value *own = beginWorkspace(launches, op.getSpaces().size());
    if (op.getDims())
      for (auto [i, size] : llvm::enumerate(op.getDims()->getResults()))
        program.store(sizes->value(normalForm(size)), dims, i * sizeof(int64_t));
    for (const Dispatch &launch : launches)
      emit(launch);
    if (own)
      callService(offsetof(nncc_services, free), b.getVoidTy(), {host, own});
  }

  /// Hands a workspace, if the launches have one, over as buffer `index`. -> what is to be freed
  Value *beginWorkspace(llvm::ArrayRef<Dispatch> launches, size_t index) {
    auto isShared = [](const Dispatch &launch) { return bool(launch.workspace); };
    const auto *first = llvm::find_if(launches, isShared);
    if (first == launches.end())
      return nullptr;
    if (sizes->isGiven(first->workspace)) {
      Value *arena = spaces[size_t(rt::Space::Arena)];
      program.store(b.CreateInBoundsGEP(b.getInt8Ty(), arena, slots.workspace(program)), buffers,
                    index * sizeof(void *));
      return nullptr;
    }
    refuseIf(sizes->isBad(first->workspace), NNCC_OUT_OF_MEMORY,
             "a kernel needs a larger workspace than there is memory");
    Value *memory = allocate(sizes->value(first->workspace));
    program.store(memory, buffers, index * sizeof(void *));
    return memory;
  }

  void emit(const Dispatch &launch) {
    Value *units = sizes->value(launch.units);
    llvm::BasicBlock *after = nullptr;
    if (!constantOf(launch.units)) { // of an empty tensor there is nothing to compute
      llvm::BasicBlock *work = program.makeBlock("work");
      after = program.makeBlock("after");
      b.CreateCondBr(b.CreateICmpSGT(units, program.i64(0)), work, after);
      b.SetInsertPoint(work);
    }
    Value *own = beginScratch(launch);
    Value *result = runUnits(launch, units);
    endScratch(own);
    leaveIf(b.CreateIsNotNull(result), result);
    if (after) {
      b.CreateBr(after);
      b.SetInsertPoint(after);
    }
  }

  Value *offer(Value *entry, const Dispatch &dispatch, Value *count) {
    llvm::Type *pointer = program.pointer();
    auto *type = llvm::FunctionType::get(b.getInt32Ty(),
                                         {pointer, pointer, pointer, count->getType()}, false);
    return b.CreateCall(type, entry, {host, dispatch.data, call, count});
  }

  /// All units, by parallel_for; by a team where the kernel can, there are more workers than units,
  /// and the host runs it.
  Value *runUnits(const Dispatch &dispatch, Value *units) {
    if (dispatch.team < 2)
      return offer(parallelFor, dispatch, units);
    llvm::BasicBlock *team = program.makeBlock("team"), *apart = program.makeBlock("apart"),
                     *done = program.makeBlock("done");
    Value *workers =
        b.CreateBinaryIntrinsic(llvm::Intrinsic::smin, frameWorkers(), program.i32(dispatch.team));
    Value *teamRun = service(offsetof(nncc_services, team_run));
    Value *areMore = b.CreateICmpSGT(b.CreateSExt(workers, b.getInt64Ty()), units);
    Value *barrier = service(offsetof(nncc_services, barrier));
    Value *isThere = b.CreateAnd(b.CreateIsNotNull(teamRun), b.CreateIsNotNull(barrier));
    b.CreateCondBr(b.CreateAnd(areMore, isThere), team, apart);
    b.SetInsertPoint(team);
    program.store(workers, call, offsetof(nncc_call, workers));
    Value *ofTeam = offer(teamRun, dispatch, workers);
    program.store(program.i32(0), call, offsetof(nncc_call, workers));
    b.CreateCondBr(b.CreateICmpEQ(ofTeam, program.i32(NNCC_NOT_SUPPORTED)), apart, done);
    b.SetInsertPoint(apart);
    Value *ofUnits = offer(parallelFor, dispatch, units);
    b.CreateBr(done);
    b.SetInsertPoint(done);
    auto *result = b.CreatePHI(b.getInt32Ty(), 2);
    result->addIncoming(ofTeam, team);
    result->addIncoming(ofUnits, apart);
    return result;
  }

  Value *frameWorkers() {
    return program.load(b.getInt32Ty(), function->getArg(0), offsetof(nncc_frame, workers));
  }

  /// plan() knows what scratch a kernel needs unless that is over sizes of the run.
  Value *beginScratch(const Dispatch &dispatch) {
    if (sizes->isGiven(dispatch.scratch))
      return nullptr;
    Value *bytes = sizes->value(dispatch.scratch);
    Value *workers = frameWorkers();
    Value *bad = b.CreateOr(sizes->isBad(dispatch.scratch), sizes->isBad(dispatch.units));
    refuseIf(bad, NNCC_OUT_OF_MEMORY, "a kernel needs more scratch than there is memory");
    Value *memory = allocate(b.CreateMul(bytes, b.CreateSExt(workers, b.getInt64Ty())));
    program.store(memory, call, offsetof(nncc_call, scratch));
    program.store(bytes, call, offsetof(nncc_call, scratch_stride));
    return memory;
  }
  void endScratch(Value *memory) {
    if (!memory)
      return;
    callService(offsetof(nncc_services, free), b.getVoidTy(), {host, memory});
    program.store(scratch, call, offsetof(nncc_call, scratch));
    program.store(stride, call, offsetof(nncc_call, scratch_stride));
  }

  /// As many bytes, and the spare ones that follow each value.
  Value *allocate(Value *bytes) {
    Value *memory = callService(offsetof(nncc_services, alloc), program.pointer(),
                                {host, b.CreateAdd(bytes, program.i64(NNCC_ALIGNMENT))});
    refuseIf(b.CreateIsNull(memory), NNCC_OUT_OF_MEMORY,
             "no memory for a value whose size the run computed");
    return memory;
  }

  /// A function of nncc_services.device, which there is for a program on a device.
  Value *callDevice(size_t offset, llvm::Type *result, llvm::ArrayRef<Value *> arguments) {
    Value *device = service(offsetof(nncc_services, device));
    SmallVector<llvm::Type *> types;
    for (Value *argument : arguments)
      types.push_back(argument->getType());
    return b.CreateCall(llvm::FunctionType::get(result, types, false),
                        program.load(program.pointer(), device, offset), arguments);
  }

  /// Memory of the program where it can be read from here.
  Value *readable(Value *memory, Value *bytes) {
    if (!onDevice)
      return memory;
    Value *copy =
        callDevice(offsetof(nncc_device, fetch), program.pointer(), {host, memory, bytes});
    leaveIf(b.CreateIsNull(copy), program.i32(NNCC_INTERNAL));
    return copy;
  }

  void moveBytes(Value *to, Value *from, Value *bytes) {
    if (!onDevice) {
      b.CreateMemCpy(to, llvm::Align(1), from, llvm::Align(1), bytes);
      return;
    }
    Value *failed =
        callDevice(offsetof(nncc_device, copy), b.getInt32Ty(), {host, to, from, bytes});
    leaveIf(b.CreateIsNotNull(failed), failed);
  }

  void emit(rt::LoadOp op) {
    mlir::Type element = op.getElement();
    unsigned bytes = llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
    llvm::Type *stored = b.getIntNTy(bytes * 8);
    Value *base = readable(address(op.getPlace()), program.i64(bytes * op.getSymbols().size()));
    bool isSigned = !element.isUnsignedInteger() && !element.isInteger(1);
    Value *zero = program.i64(0), *most = program.i64(int64_t(1) << 39);
    for (auto [i, symbol] : llvm::enumerate(op.getSymbols())) {
      auto *load = b.CreateAlignedLoad(stored, program.field(base, i * bytes), llvm::Align(1));
      Value *value = b.CreateIntCast(load, b.getInt64Ty(), isSigned);
      if (op.getMinus().empty())
        refuseIf(b.CreateICmpSLT(value, zero), NNCC_DATA_ERROR,
                 op.getText().str() + " is negative");
      value = b.CreateBinaryIntrinsic(llvm::Intrinsic::smin, value, most);
      value = b.CreateBinaryIntrinsic(llvm::Intrinsic::smax, value, b.CreateNeg(most));
      sizes->setSymbol(symbol, b.CreateBinaryIntrinsic(llvm::Intrinsic::smax, value, zero));
      if (!op.getMinus().empty())
        sizes->setSymbol(op.getMinus()[i],
                         b.CreateBinaryIntrinsic(llvm::Intrinsic::smax, b.CreateNeg(value), zero));
    }
  }

  void emit(rt::SetOp op) {
    SmallVector<Value *> values;
    for (AffineExpr value : op.getValues().getResults())
      values.push_back(sizes->value(value));
    for (auto [symbol, value] : llvm::zip(op.getSymbols(), values))
      sizes->setSymbol(symbol, value);
  }

  void emit(rt::BoundOp op) {
    Value *bad = b.getFalse();
    for (AffineExpr size : op.getSizes().getResults())
      bad = b.CreateOr(bad, sizes->isBad(normalForm(size)));
    refuseIf(bad, NNCC_DATA_ERROR, op.getText().str() + " is negative or greater than memory");
  }

  void emit(rt::AllocateOp op) {
    setPointer(op.getPointer(), allocate(sizes->value(op.getBytes().getResult(0))));
  }

  void emit(rt::OutputOp op) {
    for (auto [i, size] : llvm::enumerate(op.getSizes().getResults()))
      program.store(sizes->value(normalForm(size)), shape, i * sizeof(int64_t));
    Value *known = program.load(b.getInt32Ty(), services, offsetof(nncc_services, struct_size));
    constexpr size_t needed = offsetof(nncc_services, output) + sizeof(void *);
    refuseIf(b.CreateICmpULT(known, program.i32(needed)), NNCC_NOT_SUPPORTED,
             "the host has no service 'output', for outputs whose sizes a run computes");
    Value *memory = callService(offsetof(nncc_services, output), program.pointer(),
                                {host, program.i32(op.getOutput()), shape});
    refuseIf(b.CreateIsNull(memory), NNCC_OUT_OF_MEMORY, "no memory for an output");
    setPointer(op.getPointer(), memory);
  }

  void emit(rt::GrowOp op) {
    size_t place = op.getPointer() * sizeof(int64_t);
    // Before the branches, as later steps may use what is computed for them.
    Value *needed = sizes->value(op.getBytes().getResult(0));
    Value *kept = sizes->value(op.getKept().getResult(0));
    Value *old = pointer(op.getPointer()), *null = program.null();
    Value *capacity = b.CreateSelect(b.CreateICmpEQ(old, null), program.i64(0),
                                     program.load(b.getInt64Ty(), capacities, place));
    llvm::BasicBlock *grow = program.makeBlock("grow"), *copy = program.makeBlock("copy"),
                     *done = program.makeBlock("done");
    Value *isSmall = b.CreateOr(b.CreateICmpSGT(needed, capacity), b.CreateICmpEQ(old, null));
    b.CreateCondBr(isSmall, grow, done);
    b.SetInsertPoint(grow);
    Value *bytes = b.CreateBinaryIntrinsic(llvm::Intrinsic::smax, needed,
                                           b.CreateMul(capacity, program.i64(2)));
    Value *memory = allocate(bytes);
    program.store(bytes, capacities, place);
    setPointer(op.getPointer(), memory);
    b.CreateCondBr(b.CreateICmpEQ(old, null), done, copy);
    b.SetInsertPoint(copy);
    moveBytes(memory, old, kept);
    callService(offsetof(nncc_services, free), b.getVoidTy(), {host, old});
    b.CreateBr(done);
    b.SetInsertPoint(done);
  }

  void emit(rt::FreeOp op) {
    callService(offsetof(nncc_services, free), b.getVoidTy(), {host, pointer(op.getPointer())});
    setPointer(op.getPointer(), program.null());
  }

  void emit(rt::PointOp op) {
    setPointer(op.getPointer(), op.getPlace() ? address(*op.getPlace()) : program.null());
  }

  /// Those that plan() cannot make.
  void emit(rt::CheckOp op) {
    if (isMadeByPlan(op, given))
      return;
    Value *failed = b.getFalse();
    for (AffineExpr zero : op.getZeros().getResults())
      failed = b.CreateOr(failed, b.CreateIsNotNull(sizes->value(normalForm(zero))));
    refuseIf(failed, NNCC_DATA_ERROR, op.getText());
  }

  SmallVector<Value *> valuesOf(mlir::AffineMap map) {
    return llvm::map_to_vector(map.getResults(),
                               [&](AffineExpr size) { return sizes->value(normalForm(size)); });
  }

  void emit(rt::ExpectOp op) {
    SmallVector<Value *> values = valuesOf(op.getValues());
    refuseOutside(leaveIfOutside(program, values, valuesOf(op.getLow()), valuesOf(op.getHigh())),
                  op.getText());
  }

  void emit(rt::LimitOp op) {
    mlir::Type element = op.getElement();
    SmallVector<Value *> low = valuesOf(op.getLow()), high = valuesOf(op.getHigh());
    const unsigned bits = llvm::alignTo(element.getIntOrFloatBitWidth(), 8);
    const bool isSigned = !element.isUnsignedInteger() && !element.isInteger(1);
    Value *count = sizes->value(normalForm(op.getCount().getResult(0)));
    Value *integersAt = readable(address(op.getPlace()), b.CreateMul(count, program.i64(bits / 8)));
    LimitedIntegers integers = {integersAt, count, bits, isSigned, low, high};
    refuseOutside(leaveIfOutside(program, integers), op.getText());
  }

  void refuseOutside(const OutsideBlock &outside, llvm::StringRef text) {
    llvm::BasicBlock *inside = b.GetInsertBlock();
    b.SetInsertPoint(outside.block);
    refuse(NNCC_DATA_ERROR, format(text, " is %lld, outside of [%lld, %lld]",
                                   {outside.element, outside.low, outside.high}));
    b.SetInsertPoint(inside);
  }

  /// `text`, and what libc's snprintf makes of `pattern`, on the stack.
  Value *format(llvm::StringRef text, llvm::StringRef pattern, llvm::ArrayRef<Value *> numbers) {
    constexpr size_t size = 1024; // one for all messages, which hosts cut as well
    message = message ? message : newArray(b.getInt8Ty(), size);
    SmallVector<Value *> arguments{message, program.i64(size),
                                   program.text(("%.900s" + pattern).str()), program.text(text)};
    llvm::append_range(arguments, numbers);
    auto *type = llvm::FunctionType::get(
        b.getInt32Ty(), {program.pointer(), b.getInt64Ty(), program.pointer()}, /*isVarArg=*/true);
    b.CreateCall(program.module->getOrInsertFunction("snprintf", type), arguments);
    return message;
  }

  void emit(rt::WhenOp op) {
    llvm::BasicBlock *then = program.makeBlock("then"), *otherwise = program.makeBlock("else"),
                     *done = program.makeBlock("done");
    Value *symbol = sizes->value(mlir::getAffineSymbolExpr(op.getSymbol(), op.getContext()));
    b.CreateCondBr(b.CreateIsNotNull(symbol), then, otherwise);
    for (auto [i, block] : llvm::enumerate(std::array{then, otherwise})) {
      mlir::Block &steps = op->getRegion(i).front();
      b.SetInsertPoint(block);
      sizes->inBranch([&] { emit(steps); });
      b.CreateBr(done);
    }
    b.SetInsertPoint(done);
  }

  void emit(rt::WhileOp op) {
    llvm::BasicBlock *test = program.makeBlock("test"), *body = program.makeBlock("body"),
                     *done = program.makeBlock("done");
    b.CreateBr(test);
    b.SetInsertPoint(test);
    Value *symbol = sizes->value(mlir::getAffineSymbolExpr(op.getSymbol(), op.getContext()));
    b.CreateCondBr(b.CreateIsNotNull(symbol), body, done);
    b.SetInsertPoint(body);
    leaveIfCancelled();
    sizes->inBranch([&] { emit(op.getBody().front()); });
    b.CreateBr(test);
    b.SetInsertPoint(done);
  }

  ProgramBuilder &program;
  llvm::IRBuilder<> &b;
  mlir::func::FuncOp main;
  const Dispatches &dispatches;
  unsigned given;
  bool onDevice;
  ProgramSizes *sizes = nullptr;
  llvm::Function *function = nullptr;
  Value *message = nullptr;
  Value *services, *host, *spaces[4], *parallelFor, *cancelled, *call, *buffers, *dims, *symbols;
  Value *pointers, *capacities, *shape, *scratch, *stride;
  llvm::BasicBlock *exit;
  llvm::PHINode *status;
  Slots slots;
};

} // namespace

bool nncc::isMadeByPlan(rt::CheckOp op, unsigned given) {
  return llvm::isa<mlir::func::FuncOp>(op->getParentOp()) &&
         symbolCount(op.getZeros().getResults()) <= given;
}

llvm::Function *nncc::emitRun(ProgramBuilder &program, mlir::func::FuncOp main,
                              const Dispatches &dispatches, unsigned given, bool onDevice) {
  return RunEmitter(program, main, dispatches, given, onDevice).emit();
}
