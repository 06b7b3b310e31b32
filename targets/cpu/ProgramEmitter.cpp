#include "targets/cpu/ProgramEmitter.h"

#include "dialects/nn/Types.h"
#include "dialects/rt/RT.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "runtime/include/nncc/abi.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Verifier.h"

using namespace nncc;
using llvm::ArrayRef;
using llvm::Constant;
using llvm::SmallVector;
using llvm::StringRef;

namespace nncc::cpu {

std::string kernelSymbol(StringRef model, StringRef kernel) {
  return ("nncc_" + model + "_" + kernel).str();
}

namespace {

nncc_type typeCode(mlir::Type type) {
  if (type.isF32())
    return NNCC_FLOAT;
  if (type.isF64())
    return NNCC_DOUBLE;
  if (type.isF16())
    return NNCC_FLOAT16;
  if (type.isBF16())
    return NNCC_BFLOAT16;
  if (type.isInteger(1))
    return NNCC_BOOL;
  bool isUnsigned = type.isUnsignedInteger();
  switch (type.getIntOrFloatBitWidth()) {
  case 8:
    return isUnsigned ? NNCC_UINT8 : NNCC_INT8;
  case 16:
    return isUnsigned ? NNCC_UINT16 : NNCC_INT16;
  case 32:
    return isUnsigned ? NNCC_UINT32 : NNCC_INT32;
  case 64:
    return isUnsigned ? NNCC_UINT64 : NNCC_INT64;
  }
  return 0;
}

class ProgramEmitter {
public:
  ProgramEmitter(mlir::ModuleOp source, const ProgramInfo &info, const Machine &machine,
                 llvm::LLVMContext &context)
      : source(source), info(info), machine(machine),
        module(std::make_unique<llvm::Module>(info.name, context)), b(context) {}

  llvm::Expected<std::unique_ptr<llvm::Module>> run() {
    for (auto function : source.getOps<mlir::func::FuncOp>())
      main = function;
    if (!main || !main->hasAttr("rt.result_types"))
      return llvm::createStringError("the IR holds no program: expected a function of rt.run");
    emitDispatches();
    if (failed)
      return llvm::createStringError("the program refers to a kernel that is not scheduled");
    emitRun();
    emitPlan();
    emitDescriptor();
    if (layoutDiffers)
      return llvm::createStringError("the descriptor does not have the layout of abi.h");
    if (llvm::verifyModule(*module, &llvm::errs()))
      return llvm::createStringError("the program is not valid LLVM IR");
    return std::move(module);
  }

private:
  llvm::Type *pointer() { return b.getPtrTy(); }
  Constant *null() { return llvm::ConstantPointerNull::get(b.getPtrTy()); }
  Constant *i32(int64_t value) { return b.getInt32(value); }
  Constant *i64(int64_t value) { return b.getInt64(value); }
  Constant *real(double value) { return llvm::ConstantFP::get(b.getDoubleTy(), value); }

  Constant *global(Constant *value, const llvm::Twine &name) {
    auto *variable =
        new llvm::GlobalVariable(*module, value->getType(), /*isConstant=*/true,
                                 llvm::GlobalValue::PrivateLinkage, value, name);
    variable->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    return variable;
  }
  Constant *text(StringRef value) {
    auto [known, isNew] = texts.try_emplace(value, nullptr);
    if (isNew)
      known->second =
          global(llvm::ConstantDataArray::getString(b.getContext(), value), "text");
    return known->second;
  }
  Constant *record(ArrayRef<Constant *> fields) {
    return llvm::ConstantStruct::getAnon(b.getContext(), fields);
  }
  /// A struct of abi.h, which has `size` bytes.
  Constant *record(ArrayRef<Constant *> fields, size_t size) {
    Constant *value = record(fields);
    layoutDiffers |= module->getDataLayout().getTypeAllocSize(value->getType()) != size;
    return value;
  }
  Constant *array(ArrayRef<Constant *> elements, const llvm::Twine &name) {
    if (elements.empty())
      return null();
    auto *type = llvm::ArrayType::get(elements.front()->getType(), elements.size());
    return global(llvm::ConstantArray::get(type, elements), name);
  }

  static int64_t integer(mlir::Operation *op, StringRef name) {
    auto attr = op->getAttrOfType<mlir::IntegerAttr>(name);
    return attr ? attr.getInt() : 0;
  }
  static double number(mlir::Operation *op, StringRef name) {
    auto attr = op->getAttrOfType<mlir::FloatAttr>(name);
    return attr ? attr.getValueAsDouble() : 0;
  }

  void emitDispatches() {
    auto *type = llvm::FunctionType::get(
        b.getInt32Ty(), {pointer(), b.getInt64Ty(), b.getInt64Ty(), b.getInt32Ty()}, false);
    mlir::SymbolTable symbols(source);
    main.walk([&](rt::RunOp op) {
      StringRef name = op.getKernel();
      auto own = symbols.lookup<mlir::ModuleOp>(name);
      auto kernel = own ? own.lookupSymbol<mlir::LLVM::LLVMFuncOp>(name) : mlir::LLVM::LLVMFuncOp();
      if (!kernel) {
        failed = true;
        return;
      }
      std::string symbol = kernelSymbol(info.name, name);
      auto *function =
          llvm::cast<llvm::Function>(module->getOrInsertFunction(symbol, type).getCallee());
      function->setVisibility(llvm::GlobalValue::HiddenVisibility);
      scratch = std::max(scratch, integer(kernel, "rt.scratch"));
      auto nodes = op->getAttrOfType<mlir::StringAttr>("nodes");
      Constant *dispatch =
          record({i32(sizeof(nncc_dispatch)), i32(0), text(symbol),
                  text(nodes ? nodes.getValue() : ""), function, i64(integer(kernel, "rt.units")),
                  real(number(op, "flops")), real(number(op, "bytes"))},
                 sizeof(nncc_dispatch));
      dispatches.push_back(global(dispatch, "dispatch"));
      units.push_back(integer(kernel, "rt.units"));
    });
  }

  llvm::Value *load(llvm::Type *type, llvm::Value *base, size_t offset) {
    return b.CreateLoad(type, b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), base, offset));
  }
  void store(llvm::Value *value, llvm::Value *base, size_t offset) {
    b.CreateStore(value, b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), base, offset));
  }

  llvm::Function *makeFunction(llvm::FunctionType *type, StringRef suffix) {
    return llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage,
                                  info.name + "_" + suffix, *module);
  }

  /// nncc_descriptor.run: one call of parallel_for per dispatch.
  void emitRun() {
    run_ = makeFunction(llvm::FunctionType::get(b.getInt32Ty(), {pointer()}, false), "run");
    llvm::Value *frame = run_->getArg(0);
    auto *entry = llvm::BasicBlock::Create(b.getContext(), "entry", run_);
    b.SetInsertPoint(entry);
    size_t most = 1;
    main.walk([&](rt::RunOp op) { most = std::max(most, op.getSpaces().size()); });
    auto *call = b.CreateAlloca(llvm::ArrayType::get(b.getInt8Ty(), sizeof(nncc_call)));
    call->setAlignment(llvm::Align(16));
    auto *buffers = b.CreateAlloca(llvm::ArrayType::get(pointer(), most));
    llvm::Value *services = load(pointer(), frame, offsetof(nncc_frame, services));
    llvm::Value *host = load(pointer(), frame, offsetof(nncc_frame, host));
    store(buffers, call, offsetof(nncc_call, buffers));
    store(load(pointer(), frame, offsetof(nncc_frame, dims)), call, offsetof(nncc_call, dims));
    store(load(pointer(), frame, offsetof(nncc_frame, scratch)), call,
          offsetof(nncc_call, scratch));
    store(load(b.getInt64Ty(), frame, offsetof(nncc_frame, scratch_stride)), call,
          offsetof(nncc_call, scratch_stride));
    store(services, call, offsetof(nncc_call, services));
    store(host, call, offsetof(nncc_call, host));
    llvm::Value *spaces[] = {load(pointer(), frame, offsetof(nncc_frame, inputs)),
                             load(pointer(), frame, offsetof(nncc_frame, outputs)),
                             load(pointer(), frame, offsetof(nncc_frame, arena)),
                             load(pointer(), frame, offsetof(nncc_frame, weights))};
    llvm::Value *parallelFor =
        load(pointer(), services, offsetof(nncc_services, parallel_for));
    llvm::Value *cancelled = load(pointer(), services, offsetof(nncc_services, cancelled));
    auto *exit = llvm::BasicBlock::Create(b.getContext(), "exit", run_);
    auto *status = llvm::PHINode::Create(b.getInt32Ty(), 0, "status", exit);

    auto *parallelType = llvm::FunctionType::get(
        b.getInt32Ty(), {pointer(), pointer(), pointer(), b.getInt64Ty()}, false);
    auto *cancelledType = llvm::FunctionType::get(b.getInt32Ty(), {pointer()}, false);
    size_t step = 0;
    main.walk([&](rt::RunOp op) {
      auto leaveIf = [&](llvm::Value *condition, llvm::Value *with) {
        auto *next = llvm::BasicBlock::Create(b.getContext(), "next", run_);
        status->addIncoming(with, b.GetInsertBlock());
        b.CreateCondBr(condition, exit, next);
        b.SetInsertPoint(next);
      };
      leaveIf(b.CreateIsNotNull(b.CreateCall(cancelledType, cancelled, {host})),
              i32(NNCC_CANCELLED));
      for (size_t i = 0; i < op.getSpaces().size(); ++i)
        store(address(spaces, op, i), buffers, i * sizeof(void *));
      llvm::Value *result =
          b.CreateCall(parallelType, parallelFor, {host, dispatches[step], call, i64(units[step])});
      leaveIf(b.CreateIsNotNull(result), result);
      ++step;
    });
    status->addIncoming(i32(NNCC_OK), b.GetInsertBlock());
    b.CreateBr(exit);
    b.SetInsertPoint(exit);
    b.CreateRet(status);
  }

  llvm::Value *address(ArrayRef<llvm::Value *> spaces, rt::RunOp op, size_t i) {
    auto space = static_cast<rt::Space>(op.getSpaces()[i]);
    llvm::Value *base = spaces[op.getSpaces()[i]];
    if (space == rt::Space::Input || space == rt::Space::Output)
      base = load(pointer(), base, op.getIndices()[i] * sizeof(void *));
    return b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), base, op.getOffsets()[i]);
  }

  void emitPlan() {
    plan = makeFunction(
        llvm::FunctionType::get(b.getInt32Ty(), {pointer(), pointer(), pointer()}, false), "plan");
    b.SetInsertPoint(llvm::BasicBlock::Create(b.getContext(), "entry", plan));
    b.CreateStore(i64(integer(source, "rt.arena_size")), plan->getArg(1));
    b.CreateStore(i64(scratch), plan->getArg(2));
    b.CreateRet(i32(NNCC_OK));
  }

  Constant *tensorInfo(StringRef name, mlir::Type type) {
    auto tensor = llvm::cast<mlir::RankedTensorType>(type);
    SmallVector<Constant *> shape;
    for (int64_t size : tensor.getShape())
      shape.push_back(i64(size));
    return record({text(name), i32(typeCode(tensor.getElementType())), i32(tensor.getRank()),
                   array(shape, "shape")},
                  sizeof(nncc_tensor_info));
  }

  SmallVector<Constant *> inputInfos() {
    SmallVector<Constant *> infos;
    for (auto [i, type] : llvm::enumerate(main.getArgumentTypes())) {
      auto name = main.getArgAttrOfType<mlir::StringAttr>(i, "nn.name");
      infos.push_back(tensorInfo(name ? name.str() : "input" + std::to_string(i), type));
    }
    return infos;
  }

  SmallVector<Constant *> outputInfos() {
    SmallVector<Constant *> infos;
    auto types = main->getAttrOfType<mlir::ArrayAttr>("rt.result_types");
    auto names = main->getAttrOfType<mlir::ArrayAttr>("rt.result_names");
    for (auto [type, name] : llvm::zip(types, names))
      infos.push_back(tensorInfo(llvm::cast<mlir::StringAttr>(name),
                                 llvm::cast<mlir::TypeAttr>(type).getValue()));
    return infos;
  }

  SmallVector<Constant *> metadata() {
    SmallVector<Constant *> entries;
    if (auto dictionary = source->getAttrOfType<mlir::DictionaryAttr>("nn.metadata"))
      for (mlir::NamedAttribute entry : dictionary)
        if (auto value = llvm::dyn_cast<mlir::StringAttr>(entry.getValue()))
          entries.push_back(record({text(entry.getName()), text(value)}, sizeof(nncc_metadata)));
    return entries;
  }

  void emitDescriptor() {
    SmallVector<Constant *> inputs = inputInfos(), outputs = outputInfos(), meta = metadata();
    Constant *weights = null();
    if (info.weightsFile.empty() && info.weightsSize) {
      auto *symbol = new llvm::GlobalVariable(
          *module, llvm::ArrayType::get(b.getInt8Ty(), info.weightsSize), true,
          llvm::GlobalValue::ExternalLinkage, nullptr, info.weightsSymbol);
      symbol->setVisibility(llvm::GlobalValue::HiddenVisibility);
      weights = symbol;
    }
    Constant *descriptor = global(
        record({i64(NNCC_ABI_MAGIC), b.getInt16(NNCC_ABI_MAJOR), b.getInt16(NNCC_ABI_MINOR),
                i32(sizeof(nncc_descriptor)), text(info.name), text(info.compiler),
                text(machine.triple), text(machine.cpu), text(llvm::join(machine.isa(), ",")),
                i32(inputs.size()), i32(outputs.size()), i32(0), i32(meta.size()),
                i32(dispatches.size()), i32(0), array(inputs, "inputs"), array(outputs, "outputs"),
                null(), array(meta, "metadata"), array(dispatches, "dispatches"), weights,
                info.weightsFile.empty() ? null() : text(info.weightsFile), i64(info.weightsSize),
                i64(info.weightsHash), plan, run_, /*infer=*/null()},
               sizeof(nncc_descriptor)),
        "descriptor");
    auto *entry = llvm::Function::Create(llvm::FunctionType::get(pointer(), false),
                                         llvm::GlobalValue::ExternalLinkage,
                                         "nncc_model_" + info.name, *module);
    b.SetInsertPoint(llvm::BasicBlock::Create(b.getContext(), "entry", entry));
    b.CreateRet(descriptor);
  }

  mlir::ModuleOp source;
  const ProgramInfo &info;
  const Machine &machine;
  std::unique_ptr<llvm::Module> module;
  llvm::IRBuilder<> b;
  mlir::func::FuncOp main;
  llvm::StringMap<Constant *> texts;
  SmallVector<Constant *> dispatches;
  SmallVector<int64_t> units;
  llvm::Function *run_ = nullptr, *plan = nullptr;
  int64_t scratch = 0;
  bool failed = false, layoutDiffers = false;
};

} // namespace

llvm::Expected<std::unique_ptr<llvm::Module>> emitProgram(mlir::ModuleOp module,
                                                          const ProgramInfo &info,
                                                          const Machine &machine,
                                                          llvm::LLVMContext &context) {
  return ProgramEmitter(module, info, machine, context).run();
}

} // namespace nncc::cpu
