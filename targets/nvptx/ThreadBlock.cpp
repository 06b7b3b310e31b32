#include "targets/nvptx/ThreadBlock.h"

#include "dialects/rt/RT.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

/// Of the shared memory: left for what warps hand to each other, which has no other place.
static constexpr int64_t bytesForSums = 4 << 10;

namespace {
template <typename Register> Value readRegister(OpBuilder &b, Location loc) {
  Value value = Register::create(b, loc, b.getI32Type());
  return arith::IndexCastUIOp::create(b, loc, b.getIndexType(), value);
}
} // namespace

ThreadBlock::ThreadBlock(OpBuilder &b, Kernel &kernel, int64_t threads)
    : Emitter{b, kernel.function.getLoc(), &kernel.sizes}, kernel(kernel), threads(threads) {
  thread = readRegister<NVVM::ThreadIdXOp>(b, loc);
  block = readRegister<NVVM::BlockIdXOp>(b, loc);
  kernel.worker = arith::IndexCastUIOp::create(b, loc, b.getI32Type(), block);
}

void ThreadBlock::units(AffineExpr count, llvm::function_ref<void(Value)> body) {
  kernel.units = normalForm(count);
  Value blocks = readRegister<NVVM::GridDimXOp>(b, loc);
  auto loop = scf::ForOp::create(b, loc, block, size(kernel.units), blocks);
  bool isLoop = false;
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPoint(loop.getBody()->getTerminator());
    shares = false;
    body(loop.getInductionVar());
    isLoop = usesScratch() && constantOf(kernel.units) != 1;
    if (shares && isLoop)
      barrier();
  }
  if (isLoop)
    return;
  // One unit for each block: a loop would only keep what does not depend on the unit in registers.
  loop.getInductionVar().replaceAllUsesWith(block);
  Block *unit = loop.getBody();
  loop->getBlock()->getOperations().splice(loop->getIterator(), unit->getOperations(),
                                           unit->begin(), unit->getTerminator()->getIterator());
  loop.erase();
}

void ThreadBlock::repeat(AffineExpr count, llvm::function_ref<void(Value)> body) {
  bool before = shares;
  loop(size(count), [&](Value i) {
    shares = false;
    body(i);
    if (shares && constantOf(count) != 1)
      barrier();
  });
  shares |= before;
}

SmallVector<Value> ThreadBlock::stride(Value first, Value count, int64_t step, ValueRange carried,
                                       CarryBody body) {
  auto loop = scf::ForOp::create(b, loc, first, count, constant(step), carried,
                                 [&](OpBuilder &, Location, Value i, ValueRange values) {
                                   OpBuilder::InsertionGuard guard(b);
                                   b.setInsertionPointToEnd(i.getParentBlock());
                                   scf::YieldOp::create(b, loc, body(i, values));
                                 });
  return llvm::to_vector_of<Value>(loop.getResults());
}

void ThreadBlock::stride(Value first, Value count, int64_t step, Body body) {
  auto known = getConstantIntValue(count);
  if (known == step) // one for each
    return body(first);
  if (known && *known < step) {
    Value isOne = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, first, count);
    return branch(
        isOne, [&] { body(first); }, [] {});
  }
  stride(first, count, step, {}, [&](Value i, ValueRange) {
    body(i);
    return SmallVector<Value>();
  });
}

SmallVector<Value> ThreadBlock::choose(Value condition, TypeRange types,
                                       llvm::function_ref<SmallVector<Value>()> yes,
                                       llvm::function_ref<SmallVector<Value>()> no) {
  auto op = scf::IfOp::create(b, loc, types, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  for (Block *block : {op.thenBlock(), op.elseBlock()}) {
    b.setInsertionPointToStart(block);
    SmallVector<Value> values = block == op.thenBlock() ? yes() : no();
    if (!types.empty())
      scf::YieldOp::create(b, loc, values);
  }
  return llvm::to_vector_of<Value>(op.getResults());
}

std::pair<Value, Value> ThreadBlock::divideBelow(AffineExpr bound, Value number,
                                                 AffineExpr divisor) {
  std::optional<int64_t> most = constantOf(bound), by = constantOf(divisor);
  if (!most || *most > INT32_MAX || !by || *by < 2 || *by > INT32_MAX ||
      getConstantIntValue(number))
    return divide(number, divisor);
  Value narrow = arith::IndexCastUIOp::create(b, loc, b.getI32Type(), number);
  Value other = arith::ConstantIntOp::create(b, loc, b.getI32Type(), *by);
  auto wide = [&](Value value) -> Value {
    return arith::IndexCastUIOp::create(b, loc, b.getIndexType(), value);
  };
  return {wide(arith::DivUIOp::create(b, loc, narrow, other)),
          wide(arith::RemUIOp::create(b, loc, narrow, other))};
}

Value ThreadBlock::warp() { return divide(thread, warpLanes).first; }
Value ThreadBlock::lane() { return divide(thread, warpLanes).second; }

void ThreadBlock::barrier() { NVVM::Barrier0Op::create(b, loc); }

Value ThreadBlock::global(MemRefType type, Attribute contents, StringRef name) {
  auto module = kernel.function->getParentOfType<ModuleOp>();
  OpBuilder top = OpBuilder::atBlockBegin(module.getBody());
  std::string symbol = (kernel.function.getName() + "_" + name + "_" + Twine(globals++)).str();
  bool isHere = contents != nullptr, isConstant = isHere && !isa<UnitAttr>(contents);
  memref::GlobalOp::create(top, loc, symbol, top.getStringAttr(isHere ? "private" : "public"), type,
                           contents, isConstant, top.getI64IntegerAttr(16));
  return memref::GetGlobalOp::create(b, loc, type, symbol);
}

bool ThreadBlock::canShare(int64_t elements, Type element) const {
  int64_t bytes = llvm::divideCeil(element.getIntOrFloatBitWidth(), 8);
  return sharedBytes + elements * bytes <= mostSharedBytes - bytesForSums;
}

MemRefType ThreadBlock::sharedType(int64_t elements, Type element) {
  return MemRefType::get({elements}, element, MemRefLayoutAttrInterface(),
                         b.getI64IntegerAttr(sharedSpace));
}

Value ThreadBlock::allocateShared(int64_t elements, Type element) {
  shares = true;
  int64_t bytes =
      llvm::alignTo(elements * llvm::divideCeil(element.getIntOrFloatBitWidth(), 8), 16);
  if (sharedBytes + bytes > mostSharedBytes) {
    // Declared elsewhere, of any size: it begins behind what is declared here.
    kernel.function->setAttr("rt.shared", b.getI64IntegerAttr(bytes));
    return global(sharedType(0, element), /*contents=*/nullptr, "shared");
  }
  sharedBytes += bytes;
  return global(sharedType(elements, element), b.getUnitAttr(), "shared");
}

Value ThreadBlock::allocate(AffineExpr elements, Type element) {
  std::optional<int64_t> known = constantOf(elements);
  if (known && canShare(*known, element))
    return allocateShared(*known, element);
  shares = true;
  return kernel.allocateScratch(b, loc, elements, element);
}

SmallVector<Value> ThreadBlock::loadNeighbours(Value buffer, Value at, int64_t count,
                                               int64_t alignment) {
  Type element = cast<MemRefType>(buffer.getType()).getElementType();
  int64_t elementBytes = element.getIntOrFloatBitWidth() / 8;
  int64_t atOnce = std::clamp<int64_t>(alignment / elementBytes, 1, count);
  auto type = VectorType::get({atOnce}, element);
  SmallVector<Value> result;
  for (int64_t first = 0; first < count; first += atOnce) {
    Value loaded =
        vector::LoadOp::create(b, loc, type, buffer, add(at, first), /*nontemporal=*/false,
                               llvm::MaybeAlign(atOnce * elementBytes));
    for (int64_t i = 0; i < atOnce; ++i)
      result.push_back(vector::ExtractOp::create(b, loc, loaded, ArrayRef<int64_t>{i}));
  }
  return result;
}

void ThreadBlock::storeNeighbours(ValueRange values, Value buffer, Value at) {
  auto type = VectorType::get({static_cast<int64_t>(values.size())}, values.front().getType());
  int64_t bytes = type.getNumElements() * type.getElementTypeBitWidth() / 8;
  Value vector = vector::FromElementsOp::create(b, loc, type, values);
  vector::StoreOp::create(b, loc, vector, buffer, at, /*nontemporal=*/false,
                          llvm::MaybeAlign(std::min<int64_t>(bytes, 16)));
}

Value ThreadBlock::constants(DenseElementsAttr elements, Type memory) {
  if (elements.getElementType() != memory) // bools are bytes
    elements = elements.mapValues(
        memory, [&](const APInt &value) { return value.zext(memory.getIntOrFloatBitWidth()); });
  auto type = MemRefType::get({elements.getNumElements()}, memory, MemRefLayoutAttrInterface(),
                              b.getI64IntegerAttr(globalSpace));
  auto flat = RankedTensorType::get({elements.getNumElements()}, memory);
  return global(type, elements.reshape(flat), "constants");
}

Value ThreadBlock::pointer(Value memory, Value at, unsigned space) {
  auto type = LLVM::LLVMPointerType::get(b.getContext(), space);
  return rt::PointerOp::create(b, loc, type, memory, at);
}

Value ThreadBlock::areAligned(ArrayRef<AlignedPlace> places) {
  auto i64 = [&](int64_t number) {
    return arith::ConstantIntOp::create(b, loc, b.getI64Type(), number);
  };
  llvm::MapVector<int64_t, Value> addresses; // by alignment, one or the other
  for (const AlignedPlace &place : places) {
    Value first = pointer(place.buffer, place.at ? place.at : constant(0), globalSpace);
    Value address = LLVM::PtrToIntOp::create(b, loc, b.getI64Type(), first);
    Value &all = addresses[place.bytes];
    all = all ? arith::OrIOp::create(b, loc, all, address).getResult() : address;
  }
  Value rest; // parts of the addresses below the alignments
  for (auto [bytes, all] : addresses) {
    Value below = arith::AndIOp::create(b, loc, all, i64(bytes - 1));
    rest = rest ? arith::OrIOp::create(b, loc, rest, below).getResult() : below;
  }
  return equals(rest, i64(0));
}

bool nncc::nvptx::areMultiples(ArrayRef<AffineExpr> sizes, int64_t of) {
  return llvm::all_of(sizes, [of](AffineExpr size) { return normalForm(size).isMultipleOf(of); });
}

int64_t nncc::nvptx::alignmentOf(ArrayRef<AffineExpr> offsets, int64_t elementBytes,
                                 int64_t bytes) {
  for (int64_t width = 16; width > elementBytes; width /= 2)
    if (bytes % width == 0 && areMultiples(offsets, width / elementBytes))
      return width;
  return elementBytes;
}

/// In words of 32 bits, which is what the instruction takes.
Value ThreadBlock::shuffleXor(Value value, int64_t mask) {
  Type type = value.getType();
  unsigned bits = type.getIntOrFloatBitWidth();
  auto i32 = [&](int64_t number) {
    return arith::ConstantIntOp::create(b, loc, b.getI32Type(), number);
  };
  auto word = [&](Value part) -> Value {
    return NVVM::ShflOp::create(b, loc, part.getType(), i32(-1), part, i32(mask), i32(31),
                                NVVM::ShflKind::bfly, UnitAttr());
  };
  if (type.isF32() || type.isSignlessInteger(32))
    return word(value);
  Type integer = b.getIntegerType(bits);
  Value number = type == integer ? value : arith::BitcastOp::create(b, loc, integer, value);
  if (bits < 32) {
    Value wide = word(arith::ExtUIOp::create(b, loc, b.getI32Type(), number));
    number = arith::TruncIOp::create(b, loc, integer, wide);
  } else {
    Value half = arith::ConstantIntOp::create(b, loc, integer, 32);
    Value low = word(arith::TruncIOp::create(b, loc, b.getI32Type(), number));
    Value shifted = arith::ShRUIOp::create(b, loc, number, half);
    Value high = word(arith::TruncIOp::create(b, loc, b.getI32Type(), shifted));
    low = arith::ExtUIOp::create(b, loc, integer, low);
    high = arith::ExtUIOp::create(b, loc, integer, high);
    number = arith::OrIOp::create(b, loc, low, arith::ShLIOp::create(b, loc, high, half));
  }
  return type == integer ? number : arith::BitcastOp::create(b, loc, type, number);
}
