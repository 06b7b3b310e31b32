// Dispatches of a window and of the contractions around it -> one dispatch, in bands of rows.
#include "targets/cpu/Bands.h"
#include "targets/cpu/Passes.h"
#include "targets/cpu/VerifyUnit.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"

namespace nncc::cpu {
#define GEN_PASS_DEF_FUSEBANDS
#include "targets/cpu/Passes.h.inc"
} // namespace nncc::cpu

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {

/// A dispatch whose kernel is one operation and returns what this computes.
struct Part {
  rt::DispatchOp dispatch;
  Block *body; // of the kernel
  Operation *op = nullptr;

  /// The dispatch's operand behind an operand of the operation; null where it is none of its own.
  OpOperand *operandFor(Value operand) {
    auto argument = dyn_cast<BlockArgument>(operand);
    return argument && argument.getOwner() == body
               ? &dispatch.getOperandsMutable()[argument.getArgNumber()]
               : nullptr;
  }
  Value result() { return dispatch.getResult(0); }
};

class Fuser {
public:
  explicit Fuser(ModuleOp program) : program(program), symbols(program) {}

  template <typename OpT> std::optional<Part> partOf(rt::DispatchOp dispatch) {
    auto own = dispatch ? symbols.lookup<ModuleOp>(dispatch.getKernel()) : nullptr;
    if (!own || dispatch.getDims() || dispatch.getNumResults() != 1)
      return std::nullopt;
    auto function = own.lookupSymbol<func::FuncOp>(dispatch.getKernel());
    if (!function || !llvm::hasSingleElement(function.getBody()))
      return std::nullopt;
    Part part{dispatch, &function.front()};
    for (Operation &op : part.body->without_terminator()) {
      if (isa<tensor::EmptyOp>(op))
        continue;
      if (part.op || !isa<OpT>(op))
        return std::nullopt;
      part.op = &op;
    }
    if (!part.op || part.body->getTerminator()->getOperand(0) != part.op->getResult(0))
      return std::nullopt;
    return part;
  }

  /// One dispatch instead of those of the parts, each of which takes the result of the one before.
  void fuse(MutableArrayRef<Part> parts, const BandPlan &plan) {
    rt::DispatchOp last = parts.back().dispatch;
    llvm::SetVector<Value> operands;
    for (auto [i, part] : llvm::enumerate(parts))
      for (Value operand : part.dispatch.getOperands())
        if (i == 0 || operand != parts[i - 1].result())
          operands.insert(operand);
    std::string key = std::to_string(plan.rows), nodes;
    double flops = 0;
    SmallVector<Location> locations;
    for (Part &part : parts) {
      key += " " + part.dispatch.getKernel().str();
      for (Value operand : part.dispatch.getOperands())
        key += "," + std::to_string(llvm::find(operands, operand) - operands.begin());
      if (auto own = part.dispatch->getAttrOfType<StringAttr>("nodes"))
        nodes += (nodes.empty() ? "" : ";") + own.str();
      if (auto own = part.dispatch->getAttrOfType<FloatAttr>("flops"))
        flops += own.getValueAsDouble();
      locations.push_back(part.dispatch->getLoc());
    }
    OpBuilder b(last);
    Location loc = b.getFusedLoc(locations);
    StringAttr &kernel = kernels[key];
    if (!kernel)
      kernel = makeKernel(parts, plan, operands.getArrayRef(), loc);
    auto dispatch =
        rt::DispatchOp::create(b, loc, last.getResultTypes(), FlatSymbolRefAttr::get(kernel),
                               operands.getArrayRef(), AffineMapAttr());
    dispatch->setAttr("nodes", b.getStringAttr(nodes));
    dispatch->setAttr("flops", b.getF64FloatAttr(flops));
    last->replaceAllUsesWith(dispatch);
    for (Part &part : llvm::reverse(parts)) {
      left.insert(symbols.lookup(part.dispatch.getKernel()));
      part.dispatch->erase();
    }
  }

  /// Kernels that no dispatch calls any more.
  void eraseUnused() {
    program.walk([&](rt::DispatchOp op) { left.remove(symbols.lookup(op.getKernel())); });
    for (Operation *kernel : left)
      symbols.erase(kernel);
  }

private:
  StringAttr makeKernel(MutableArrayRef<Part> parts, const BandPlan &plan, ArrayRef<Value> operands,
                        Location loc) {
    OpBuilder b = OpBuilder::atBlockEnd(program.getBody());
    auto own = ModuleOp::create(b, loc, "bands_" + std::to_string(kernels.size() - 1));
    StringAttr name = symbols.insert(own);
    b.setInsertionPointToStart(own.getBody());
    llvm::DenseMap<Value, Type> types; // in the kernels: integers have no sign there
    for (Part &part : parts)
      for (auto [argument, operand] :
           llvm::zip(part.body->getArguments(), part.dispatch.getOperands()))
        types[operand] = argument.getType();
    auto type = b.getFunctionType(
        llvm::map_to_vector(operands, [&](Value operand) { return types.lookup(operand); }),
        parts.back().op->getResultTypes());
    auto function = func::FuncOp::create(b, loc, name.getValue(), type);
    function->setAttr("rt.kernel", b.getUnitAttr());
    function->setAttr(bandRows, b.getI64IntegerAttr(plan.rows));
    b.setInsertionPointToStart(function.addEntryBlock());
    IRMapping values; // of the program and of the kernels, to those of the new kernel
    values.map(operands, function.getArguments());
    for (Part &part : parts) {
      for (auto [argument, operand] :
           llvm::zip(part.body->getArguments(), part.dispatch.getOperands()))
        values.map(argument, values.lookup(operand));
      for (Operation &op : part.body->without_terminator())
        setPlan(b.clone(op, values), plan, &part == &parts.back());
      values.map(part.result(), values.lookup(part.op->getResult(0)));
    }
    func::ReturnOp::create(b, loc, values.lookup(parts.back().result()));
    return name;
  }

  static void setPlan(Operation *op, const BandPlan &plan, bool isLast) {
    if (auto contract = dyn_cast<kern::ContractOp>(op))
      contract.setPlanAttr(isLast ? plan.consumer : plan.producer);
  }

  ModuleOp program;
  SymbolTable symbols;
  llvm::StringMap<StringAttr> kernels;
  llvm::SetVector<Operation *> left;
};

struct FuseBands : nncc::cpu::impl::FuseBandsBase<FuseBands> {
  using FuseBandsBase::FuseBandsBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (!llvm::is_contained({"auto", "off", "always"}, mode.getValue()))
      return emitError(UnknownLoc::get(context), "expects auto, off or always as mode, found '")
             << mode.getValue() << "'";
    return rows >= 0
               ? nncc::cpu::verifyUnit(context, registers, registerBytes)
               : emitError(UnknownLoc::get(context), "expects rows from 0 on, found ") << rows;
  }

  void runOnOperation() override {
    if (mode.getValue() == "off")
      return;
    Fuser fuser(getOperation());
    SmallVector<Part> windows;
    for (func::FuncOp function : getOperation().getOps<func::FuncOp>())
      for (Block *block : rt::programBlocks(function))
        for (rt::DispatchOp dispatch : block->getOps<rt::DispatchOp>())
          if (auto window = fuser.partOf<kern::WindowOp>(dispatch))
            windows.push_back(*window);
    for (const Part &window : windows)
      fuseAround(window, fuser);
    fuser.eraseUnused();
  }

  /// The dispatch of the same block that computes the operand, for this alone.
  static rt::DispatchOp producerOf(OpOperand *operand) {
    auto dispatch = operand ? operand->get().getDefiningOp<rt::DispatchOp>() : nullptr;
    return dispatch && operand->get().hasOneUse() &&
                   dispatch->getBlock() == operand->getOwner()->getBlock()
               ? dispatch
               : nullptr;
  }

  void fuseAround(Part window, Fuser &fuser) {
    auto op = cast<kern::WindowOp>(window.op);
    std::optional<Chain> chain = Chain::of(op);
    OpOperand *image = window.operandFor(op.getA());
    if (!chain || !image)
      return;
    // Only as the image: an epilogue that reads it too would need more of it than a band.
    std::optional<Part> producer;
    if (op.getA().hasOneUse())
      producer = fuser.partOf<kern::ContractOp>(producerOf(image));
    if (producer)
      chain->producer = cast<kern::ContractOp>(producer->op);
    Value result = window.result();
    std::optional<Part> consumer;
    if (result.hasOneUse() && result.getUsers().begin()->getBlock() == window.dispatch->getBlock())
      consumer = fuser.partOf<kern::ContractOp>(dyn_cast<rt::DispatchOp>(*result.user_begin()));
    if (consumer) {
      auto contract = cast<kern::ContractOp>(consumer->op);
      OpOperand *read = consumer->operandFor(contract.getA());
      if (read && read->get() == result && contract.getA().hasOneUse())
        chain->consumer = contract;
    }
    MachineFacts facts{
        VectorUnit{registers, registerBytes}, fmas, loads, fmaLatency, l1Bytes, l2Bytes, l2Rate};
    BandPlanner planner(*chain, facts, threads);
    std::optional<BandPlan> best = planner.best(rows, mode.getValue() == "always");
    if (!best)
      return;
    bool isTaken = best->gain > 0 || mode.getValue() == "always";
    tell(op.getLoc(), *best, isTaken);
    if (!isTaken)
      return;
    SmallVector<Part> parts{window};
    if (best->takesProducer)
      parts.insert(parts.begin(), *producer);
    if (best->takesConsumer)
      parts.push_back(*consumer);
    fuser.fuse(parts, *best);
  }

  static void tell(Location loc, const BandPlan &plan, bool isTaken) {
    std::string parts = plan.takesProducer ? "contract+window" : "window";
    if (plan.takesConsumer)
      parts += "+contract";
    remark::analysis(loc, remark::RemarkOpts::name("bands").category("nncc-cpu"))
        << remark::metric("fused", isTaken ? parts : "none") << remark::metric("best", parts)
        << remark::metric("rows", plan.rows)
        << remark::metric("scratch_kb", (plan.scratchBytes + 1023) / 1024)
        << remark::metric("recomputed_percent",
                          static_cast<int64_t>(std::lround(100 * plan.recomputed)))
        << remark::metric("gain_kcycles", static_cast<int64_t>(std::lround(plan.gain / 1000)));
  }
};
} // namespace
