#include "passes/verify/Program.h"

#include "dialects/SizeText.h"
#include "dialects/kern/Kern.h"
#include "dialects/nn/NN.h"
#include "dialects/rt/RT.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace nncc {

static LogicalResult verifyType(Operation *op, Type type, func::FuncOp program) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return op->emitError(
               "expects values of the program that are tensors of a known number of dims, "
               "found ")
           << type;
  return verifySizes(op, shapeOf(tensor), program);
}

/// Numbers in memory, the same many as the type has.
static LogicalResult verifyConstant(nn::ConstantOp constant) {
  ElementsAttr value = constant.getValue();
  if (isa<DenseIntOrFPElementsAttr>(value))
    return success();
  auto type = cast<RankedTensorType>(constant.getType());
  auto resource = dyn_cast<DenseResourceElementsAttr>(value);
  Type element = type.getElementType();
  if (!resource || !(element.isIntOrFloat() || isa<ComplexType>(element)))
    return constant.emitOpError("expects dense numbers, found ") << type;
  uint64_t bytes = llvm::SaturatingMultiply<uint64_t>(type.getNumElements(),
                                                      nn::storedBytes(type.getElementType()));
  AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  if (blob && blob->getData().size() != bytes)
    return constant.emitOpError("has ")
           << blob->getData().size() << " bytes of data, expected " << bytes << " for " << type;
  return success();
}

static LogicalResult verifyBody(func::FuncOp program) {
  if (!llvm::hasSingleElement(program.getBody()))
    return program.emitError("expects a program of one block");
  for (Type type : program.getArgumentTypes())
    if (failed(verifyType(program, type, program)))
      return failure();
  WalkResult result = program.walk([&](Operation *op) {
    SmallVector<Type> types(op->getResultTypes());
    if (op != program)
      for (Region &region : op->getRegions())
        llvm::append_range(types, region.getArgumentTypes());
    for (Type type : types)
      if (failed(verifyType(op, type, program)))
        return WalkResult::interrupt();
    if (auto check = dyn_cast<rt::CheckOp>(op))
      return WalkResult(verifySizes(op, check.getZeros().getResults(), program));
    auto constant = dyn_cast<nn::ConstantOp>(op);
    return constant ? WalkResult(verifyConstant(constant)) : WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

namespace {

/// Which symbols have a value where an operation stands.
class Symbols {
public:
  explicit Symbols(func::FuncOp program) : defined(symbolNames(program).size()) {
    for (RankedTensorType type : argumentTypes(program))
      for (AffineExpr size : shapeOf(type))
        define(size);
    given = defined;
  }

  LogicalResult verify(Block &block) {
    for (Operation &op : block)
      if (failed(verify(op)))
        return failure();
    return success();
  }

private:
  void define(AffineExpr size) {
    if (auto symbol = dyn_cast<AffineSymbolExpr>(size))
      define(static_cast<int64_t>(symbol.getPosition()));
  }
  void define(int64_t symbol) {
    if (symbol >= static_cast<int64_t>(defined.size()))
      defined.resize(symbol + 1);
    defined.set(symbol);
  }
  void define(ArrayRef<int64_t> symbols) {
    for (int64_t symbol : symbols)
      define(symbol);
  }

  /// An operation gives these a value; the caller's tensors do not.
  LogicalResult defineBy(Operation &op, ArrayRef<int64_t> symbols) {
    for (int64_t symbol : symbols)
      if (symbol < given.find_last() + 1)
        return op.emitOpError("defines symbol ")
               << symbol << ", expected one behind those of the arguments' sizes";
    define(symbols);
    return success();
  }

  LogicalResult expect(Operation &op, ArrayRef<AffineExpr> sizes) {
    std::optional<unsigned> missing;
    for (AffineExpr size : sizes)
      size.walk([&](AffineExpr part) {
        auto symbol = dyn_cast<AffineSymbolExpr>(part);
        if (symbol && (symbol.getPosition() >= defined.size() || !defined[symbol.getPosition()]))
          missing = symbol.getPosition();
      });
    if (missing)
      return op.emitOpError("uses symbol ") << *missing << ", which has no value there";
    return success();
  }

  LogicalResult expect(Operation &op, TypeRange types) {
    for (Type type : types)
      if (failed(expect(op, shapeOf(cast<RankedTensorType>(type)))))
        return failure();
    return success();
  }

  /// What a region defines is known inside of it alone.
  LogicalResult verifyInside(Region &region) {
    llvm::BitVector before = defined;
    LogicalResult result = verify(region.front());
    defined = before;
    return result;
  }

  LogicalResult verify(Operation &op) {
    for (NamedAttribute attribute : op.getAttrs())
      if (auto map = dyn_cast<AffineMapAttr>(attribute.getValue()))
        if (failed(expect(op, map.getValue().getResults())))
          return failure();
    auto loop = dyn_cast<rt::LoopOp>(op);
    if (loop &&
        (failed(defineBy(op, loop.getCounter())) || failed(defineBy(op, loop.getSymbols()))))
      return failure();
    for (Region &region : op.getRegions())
      if (failed(expect(op, region.getArgumentTypes())) || failed(verifyInside(region)))
        return failure();
    auto read = dyn_cast<rt::ReadOp>(op);
    if (read && (failed(defineBy(op, read.getSymbols())) || failed(defineBy(op, read.getMinus()))))
      return failure();
    auto branch = dyn_cast<rt::IfOp>(op);
    if (branch && failed(defineBy(op, branch.getSymbols())))
      return failure();
    return expect(op, op.getResultTypes());
  }

  llvm::BitVector defined, given;
};

} // namespace

LogicalResult verifySymbols(func::FuncOp program) {
  return Symbols(program).verify(program.front());
}

static bool isValueType(Type type) {
  if (auto optional = dyn_cast<nn::OptionalType>(type))
    type = optional.getValue();
  if (auto sequence = dyn_cast<nn::SequenceType>(type))
    return !isa<nn::SequenceType, nn::OptionalType>(sequence.getTensor());
  return isa<TensorType>(type);
}

/// Which of `count` tensors are one value of the model: nn.inputs, nn.outputs.
static LogicalResult verifyValues(func::FuncOp program, StringRef name, int64_t count) {
  Attribute attribute = program->getAttr(name);
  if (!attribute)
    return success();
  auto values = dyn_cast<ArrayAttr>(attribute);
  int64_t parts = 0;
  for (Attribute value : values ? values.getValue() : ArrayRef<Attribute>()) {
    auto entry = dyn_cast<DictionaryAttr>(value);
    auto own = entry ? entry.getAs<IntegerAttr>("parts") : IntegerAttr();
    auto type = entry ? entry.getAs<TypeAttr>("type") : TypeAttr();
    if (!own || !own.getType().isInteger(64) || !type || !entry.getAs<StringAttr>("name") ||
        !isValueType(type.getValue()) || own.getInt() < 1 || own.getInt() > 4)
      return program.emitError("expects a name, type and number of parts in '")
             << name << "', found " << value;
    parts += own.getInt();
  }
  if (!values || parts != count)
    return program.emitError("expects the ") << count << " tensors to be parts of the values in '"
                                             << name << "', found " << attribute;
  return success();
}

FailureOr<func::FuncOp> verifyProgram(ModuleOp module) {
  func::FuncOp program;
  for (Operation &op : *module.getBody()) {
    if (auto kernel = dyn_cast<ModuleOp>(op)) {
      if (!kernel.getSymName())
        return kernel.emitError("expects the module of a kernel to have the kernel's name");
      continue;
    }
    if (!isa<func::FuncOp>(op))
      return op.emitOpError("is outside of a function");
    if (program)
      return op.emitError("expects one program, but there is another one already");
    program = cast<func::FuncOp>(op);
  }
  if (!program)
    return module.emitError("holds no program: expected a func.func");
  if (Attribute dims = program->getAttr("nn.dims")) {
    auto names = dyn_cast<ArrayAttr>(dims);
    if (!names || !llvm::all_of(names, llvm::IsaPred<StringAttr>))
      return program.emitError("expects names of symbols in 'nn.dims', found ") << dims;
  }
  if (failed(verifyBody(program)))
    return failure();
  auto planned = program->getAttrOfType<ArrayAttr>("rt.result_types");
  const int64_t results =
      planned ? planned.size() : program.front().getTerminator()->getNumOperands();
  if (failed(verifyValues(program, nn::inputsAttr, program.getNumArguments())) ||
      failed(verifyValues(program, nn::outputsAttr, results)))
    return failure();
  return program;
}

LogicalResult verifyDispatches(func::FuncOp program) {
  WalkResult result = program.walk([](Operation *op) {
    if (isa<func::FuncOp, func::ReturnOp, rt::CheckOp, rt::DispatchOp, rt::ExpectOp, rt::IfOp,
            rt::LoopOp, rt::ReadOp, rt::ViewOp, rt::WithinOp, rt::YieldOp, nn::ConstantOp,
            kern::PackOp>(op))
      return WalkResult::advance();
    return WalkResult(
        op->emitOpError("is left in the program: expected kernels for everything that computes"));
  });
  return failure(result.wasInterrupted() || failed(verifySymbols(program)));
}

LogicalResult verifySizes(Operation *op, ArrayRef<AffineExpr> sizes, func::FuncOp program) {
  auto names = program->getAttrOfType<ArrayAttr>("nn.dims");
  unsigned count = names ? names.size() : 0;
  for (AffineExpr size : sizes) {
    bool hasDims = false;
    size.walk([&](AffineExpr part) { hasDims |= isa<AffineDimExpr>(part); });
    if (hasDims)
      return op->emitError("has a size that is no expression over symbols");
  }
  if (symbolCount(sizes) > count)
    return op->emitError("has a size over symbol ")
           << symbolCount(sizes) - 1 << ", but 'nn.dims' of the program has " << count << " names";
  return success();
}

FunctionOpInterface kernelFunction(ModuleOp kernel) {
  auto function = dyn_cast_or_null<FunctionOpInterface>(
      SymbolTable::lookupSymbolIn(kernel, kernel.getSymNameAttr()));
  return function && !function.isExternal() ? function : FunctionOpInterface();
}

static bool hasWorkspace(Operation *function) { return function->hasAttr("rt.workspace"); }

/// Bytes, one or more where their number is known.
static LogicalResult verifyWorkspace(Operation *function) {
  if (!hasWorkspace(function))
    return success();
  Attribute bytes = function->getAttr("rt.workspace");
  AffineExpr size = sizeOf(bytes);
  if (!size || constantOf(size).value_or(1) < 1)
    return function->emitError("expects a number of bytes in 'rt.workspace', found ") << bytes;
  return success();
}

LogicalResult verifyKernelSizes(ModuleOp kernel) {
  FunctionOpInterface function = kernelFunction(kernel);
  if (!function)
    return kernel.emitError("expects a function of the name of the kernel");
  SmallVector<FunctionOpInterface> launches = rt::launchesOf(kernel);
  if (launches.empty() || launches.front() != function)
    return function->emitError(
        "expects a size in 'rt.units' of a scheduled kernel, as the first of "
        "its module");
  for (FunctionOpInterface launch : launches) {
    for (StringRef name : {"rt.units", "rt.scratch"})
      if (!sizeOf(launch->getAttr(name)))
        return launch->emitError("expects a size in '") << name << "' of a scheduled kernel";
    if (failed(verifyWorkspace(launch)))
      return failure();
  }
  if (Attribute team = function->getAttr("rt.team")) {
    auto workers = dyn_cast<IntegerAttr>(team);
    if (!workers || !workers.getType().isInteger(64) || workers.getInt() < 1 ||
        !llvm::isInt<32>(workers.getInt()))
      return function->emitError("expects a number of workers in 'rt.team', found ") << team;
  }
  return success();
}

LogicalResult verifyCall(Operation *call, ModuleOp kernel, unsigned sizes, unsigned buffers) {
  uint64_t symbols = 0, arguments = 0;
  bool isShared = llvm::any_of(rt::launchesOf(kernel), hasWorkspace);
  kernel.walk([&](Operation *op) {
    if (auto dim = dyn_cast<rt::DimOp>(op))
      symbols = std::max(symbols, dim.getNumber() + 1);
    if (auto buffer = dyn_cast<rt::BufferOp>(op))
      arguments = std::max(arguments, buffer.getIndex() + 1);
    for (StringRef name : {"rt.units", "rt.scratch", "rt.workspace"})
      if (AffineExpr size = sizeOf(op->getAttr(name)))
        symbols = std::max<uint64_t>(symbols, symbolCount(size));
  });
  if (symbols > sizes)
    return call->emitOpError("gives its kernel ")
           << sizes << " sizes, which has " << symbols << " symbols";
  if (arguments > buffers + isShared)
    return call->emitOpError("gives its kernel ")
           << buffers << " buffers, which has " << arguments << " arguments";
  return success();
}

} // namespace nncc
