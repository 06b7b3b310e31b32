// What stage "program" promises.
#include "passes/Passes.h"
#include "passes/verify/Program.h"

#include "dialects/SizeText.h"
#include "llvm/ADT/SmallBitVector.h"
#include "llvm/Support/CheckedArithmetic.h"
#include "llvm/Support/MathExtras.h"

namespace nncc {
#define GEN_PASS_DEF_VERIFYPROGRAM
#include "passes/Passes.h.inc"
} // namespace nncc

using namespace mlir;
using namespace nncc;

namespace {

/// The program, and what its rt.run may refer to.
class Checker {
public:
  Checker(ModuleOp module, func::FuncOp program)
      : module(module), program(program), symbols(module) {}

  LogicalResult run() {
    for (auto check :
         {&Checker::checkArguments, &Checker::checkSizesAttribute, &Checker::checkResults,
          &Checker::checkSlots, &Checker::checkWeights, &Checker::countPointers})
      if (failed((this->*check)()))
        return failure();
    for (ModuleOp kernel : module.getOps<ModuleOp>())
      if (failed(verifyKernelSizes(kernel)))
        return failure();
    WalkResult result = program.walk([&](Operation *op) {
      if (auto run = dyn_cast<rt::RunOp>(op))
        return WalkResult(checkRun(run));
      if (isa<rt::LoadOp, rt::SetOp, rt::PointOp, rt::AllocateOp, rt::OutputOp, rt::GrowOp,
              rt::FreeOp, rt::BoundOp, rt::ExpectOp, rt::LimitOp, rt::WhenOp, rt::WhileOp>(op))
        return WalkResult(checkStep(op));
      if (isa<func::FuncOp, func::ReturnOp, rt::CheckOp, rt::SlotOp, nn::ConstantOp, kern::PackOp>(
              op))
        return WalkResult::advance();
      return WalkResult(op->emitOpError("has no place in memory"));
    });
    return failure(result.wasInterrupted());
  }

private:
  int64_t moduleSize(StringRef name) {
    auto attr = module->getAttrOfType<IntegerAttr>(name);
    return attr ? attr.getInt() : 0;
  }

  /// What a caller can store.
  LogicalResult checkInterface(Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor ||
        !(tensor.getElementType().isIntOrFloat() || isa<ComplexType>(tensor.getElementType())))
      return program.emitError("expects arguments and results that are tensors of numbers, found ")
             << type;
    return verifySizes(program, shapeOf(tensor), program);
  }

  LogicalResult checkArguments() {
    for (Type type : program.getArgumentTypes())
      if (failed(checkInterface(type)))
        return failure();
    return success();
  }

  /// Symbols get their values from the sizes of the arguments.
  LogicalResult checkSizesAttribute() {
    auto sizes = program->getAttrOfType<AffineMapAttr>("rt.sizes");
    if (!sizes)
      return success();
    if (failed(verifySizes(program, sizes.getValue().getResults(), program)))
      return failure();
    llvm::SmallBitVector isGiven(symbolCount(sizes.getValue().getResults()));
    for (RankedTensorType type : argumentTypes(program))
      for (AffineExpr size : shapeOf(type))
        if (auto symbol = dyn_cast<AffineSymbolExpr>(size))
          if (symbol.getPosition() < isGiven.size())
            isGiven.set(symbol.getPosition());
    unsigned missing = 0;
    for (AffineExpr size : sizes.getValue().getResults())
      size.walk([&](AffineExpr part) {
        auto symbol = dyn_cast<AffineSymbolExpr>(part);
        if (symbol && !isGiven.test(symbol.getPosition()))
          missing = symbol.getPosition() + 1;
      });
    if (missing)
      return program.emitError("symbol ")
             << missing - 1 << " has no value: it is not the size of an argument";
    return success();
  }

  LogicalResult checkResults() {
    if (program.getNumResults())
      return program.emitError("expects results in 'rt.result_types', found those of a function");
    auto types = program->getAttrOfType<ArrayAttr>("rt.result_types");
    auto names = program->getAttrOfType<ArrayAttr>("rt.result_names");
    if (!types || !names || types.size() != names.size() ||
        !llvm::all_of(types, llvm::IsaPred<TypeAttr>) ||
        !llvm::all_of(names, llvm::IsaPred<StringAttr>))
      return program.emitError("expects a name in 'rt.result_names' for each type in "
                               "'rt.result_types'");
    results = types.size();
    for (auto type : types.getAsRange<TypeAttr>())
      if (failed(checkInterface(type.getValue())))
        return failure();
    return success();
  }

  LogicalResult checkSlots() {
    for (auto slot : program.getOps<rt::SlotOp>()) {
      if (static_cast<int64_t>(slot.getNumber()) != slots)
        return slot.emitOpError("expects number ") << slots;
      ++slots;
      if (failed(verifySizes(slot, sizeOf(slot.getBytes()), program)))
        return failure();
    }
    return success();
  }

  /// Those that have an offset follow each other and fill the weights.
  LogicalResult checkWeights() {
    SmallVector<std::pair<int64_t, Operation *>> weights;
    WalkResult result = program.walk([&](Operation *op) {
      auto offset = op->getAttrOfType<IntegerAttr>("rt.offset");
      if (!offset)
        return WalkResult::advance();
      auto pack = dyn_cast<kern::PackOp>(op);
      Operation *source = pack ? pack.getSource().getDefiningOp() : op;
      if (!isa_and_nonnull<nn::ConstantOp>(source))
        return WalkResult(op->emitOpError("is among the weights, but is not constant"));
      weights.push_back({offset.getInt(), op});
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return failure();
    llvm::sort(weights, llvm::less_first());
    int64_t end = 0;
    for (auto [offset, op] : weights) {
      auto type = cast<RankedTensorType>(op->getResult(0).getType());
      std::optional<int64_t> after = llvm::checkedAdd(offset, byteCount(type));
      if (offset < end || !after || *after > moduleSize("rt.weights_size"))
        return op->emitOpError("has its ")
               << byteCount(type) << " bytes at " << offset << ", expected a place from " << end
               << " on in weights of " << moduleSize("rt.weights_size") << " bytes";
      end = *after;
    }
    constexpr int64_t spare = 128; // alignment, and as many bytes after the last one
    if (moduleSize("rt.weights_size") > end + spare)
      return module.emitError("has weights of ")
             << moduleSize("rt.weights_size") << " bytes, but the last one ends at " << end;
    return success();
  }

  LogicalResult countPointers() {
    WalkResult result = program.walk([&](Operation *op) {
      auto pointer = op->getAttrOfType<IntegerAttr>("pointer");
      if (!pointer)
        return WalkResult::advance();
      constexpr int64_t most = 1 << 20;
      if (pointer.getInt() < 0 || pointer.getInt() >= most)
        return WalkResult(op->emitOpError("expects the number of a pointer, found ") << pointer);
      pointers = std::max(pointers, pointer.getInt() + 1);
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  LogicalResult checkSymbols(Operation *op, ArrayRef<int64_t> numbers) {
    auto names = program->getAttrOfType<ArrayAttr>("nn.dims");
    int64_t count = names ? names.size() : 0;
    for (int64_t number : numbers)
      if (number < 0 || number >= count)
        return op->emitOpError("sets or reads symbol ")
               << number << ", but 'nn.dims' of the program has " << count << " names";
    return success();
  }

  LogicalResult checkMap(Operation *op, StringRef name, AffineMap map) {
    bool isOne = name == "bytes" || name == "kept" || name == "count";
    if (isOne && map.getNumResults() != 1)
      return op->emitOpError("expects one expression in '")
             << name << "', found " << map.getNumResults();
    return verifySizes(op, map.getResults(), program);
  }

  /// A step that is no run of a kernel.
  LogicalResult checkStep(Operation *op) {
    for (NamedAttribute attribute : op->getAttrs()) {
      Attribute value = attribute.getValue();
      LogicalResult good = success();
      if (auto map = dyn_cast<AffineMapAttr>(value))
        good = checkMap(op, attribute.getName(), map.getValue());
      else if (auto place = dyn_cast<rt::PlaceAttr>(value))
        good =
            checkPlace(op, place.getSpace(), place.getIndex(), place.getOffset(), place.getStart());
      else if (attribute.getName() == "symbol")
        good = checkSymbols(op, cast<IntegerAttr>(value).getInt());
      else if (attribute.getName() == "output" && !(cast<IntegerAttr>(value).getInt() >= 0 &&
                                                    cast<IntegerAttr>(value).getInt() < results))
        good = op->emitOpError("is of output ") << value << ", of " << results;
      else if (auto numbers = dyn_cast<DenseI64ArrayAttr>(value))
        good = checkSymbols(op, numbers.asArrayRef());
      if (failed(good))
        return failure();
    }
    auto output = dyn_cast<rt::OutputOp>(op);
    return output ? checkOutput(output) : success();
  }

  LogicalResult checkOutput(rt::OutputOp op) {
    auto types = program->getAttrOfType<ArrayAttr>("rt.result_types").getAsRange<TypeAttr>();
    auto type = cast<RankedTensorType>((*std::next(types.begin(), op.getOutput())).getValue());
    if (type.getRank() == static_cast<int64_t>(op.getSizes().getNumResults()))
      return success();
    return op.emitOpError("gives ") << op.getSizes().getNumResults() << " sizes of output "
                                    << op.getOutput() << ", which has " << type.getRank();
  }

  static int64_t byteCount(RankedTensorType type) {
    return type.getNumElements() * nn::storedBytes(type.getElementType());
  }

  LogicalResult checkRun(rt::RunOp run) {
    auto kernel = symbols.lookup<ModuleOp>(run.getKernel());
    if (!kernel)
      return run.emitOpError("runs a kernel that does not exist");
    for (std::optional<AffineMap> map : {run.getDims(), run.getStarts()})
      if (map && failed(verifySizes(run, map->getResults(), program)))
        return failure();
    if (failed(verifyCall(run, kernel, run.getDims() ? run.getDims()->getNumResults() : 0,
                          run.getSpaces().size())))
      return failure();
    for (auto [space, index, offset] :
         llvm::zip(run.getSpaces(), run.getIndices(), run.getOffsets()))
      if (failed(checkPlace(run, static_cast<rt::Space>(space), index, offset)))
        return failure();
    return success();
  }

  LogicalResult checkPlace(Operation *run, rt::Space space, int64_t index, int64_t offset,
                           AffineMap start = {}) {
    if (start && start.getNumResults() != 1)
      return run->emitOpError("expects one expression as the start of a place, found ")
             << start.getNumResults();
    if (start && failed(verifySizes(run, start.getResults(), program)))
      return failure();
    int64_t count = 1, end = INT64_MAX;
    switch (space) {
    case rt::Space::Input:
      count = program.getNumArguments();
      break;
    case rt::Space::Output:
      count = results;
      break;
    case rt::Space::Arena:
      count = std::max<int64_t>(slots, 1);
      end = slots ? INT64_MAX : moduleSize("rt.arena_size");
      break;
    case rt::Space::Weights:
      end = moduleSize("rt.weights_size");
      break;
    case rt::Space::Pointer:
      count = pointers;
      break;
    }
    if (index < 0 || index >= count)
      return run->emitOpError("has a buffer in ")
             << rt::stringifySpace(space) << " " << index << ", of " << count;
    if (offset < 0 || offset >= std::max<int64_t>(end, 1))
      return run->emitOpError("has a buffer at ")
             << offset << ", outside of its memory of " << end << " bytes";
    return success();
  }

  ModuleOp module;
  func::FuncOp program;
  SymbolTable symbols;
  int64_t slots = 0, results = 0, pointers = 0;
};

struct VerifyProgram : nncc::impl::VerifyProgramBase<VerifyProgram> {
  void runOnOperation() override {
    auto program = verifyProgram(getOperation());
    if (failed(program) || failed(Checker(getOperation(), *program).run()))
      signalPassFailure();
  }
};

} // namespace
