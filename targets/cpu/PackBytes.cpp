// Stores of bytes that are made of floats: packed with saturation, neighbours stored at once.
#include "targets/cpu/Passes.h"
#include "targets/kernel/Lanes.h"

#include "dialects/kern/Kern.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace nncc::cpu {
#define GEN_PASS_DEF_PACKBYTES
#include "targets/cpu/Passes.h.inc"
} // namespace nncc::cpu

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {
/// Bytes that stand for zero + the nearest integer to number, within what such a byte holds; NaN is
/// the lowest one.
struct Codes {
  Value number; // vector<16xf32>
  int64_t zero = 0;
  bool isSigned = false;

  double high() const { return (isSigned ? 127 : 255) - zero; }
  double low() const { return (isSigned ? -128 : 0) - zero; }
  bool isLike(const Codes &other) const { return zero == other.zero && isSigned == other.isSigned; }
};

/// A store of a panel of bytes.
struct Store {
  Operation *op;
  Value buffer, base; // at base + offset; a null base is 0
  int64_t offset;
  int64_t count; // lanes that are stored, the first ones; 0: not known
  Codes codes;

  bool isWhole() const { return count == kern::panel; }
  /// Whether it goes on where `before` ends.
  bool follows(const Store &before) const {
    return before.isWhole() && buffer == before.buffer && base == before.base &&
           offset == before.offset + kern::panel && codes.isLike(before.codes);
  }
};

/// Stores of neighbours, and of several segments the bytes of one register.
using Segment = SmallVector<Store>;
using Group = SmallVector<Segment>;

std::optional<double> splatFloat(Value value) {
  DenseFPElementsAttr splat;
  if (!matchPattern(value, m_Constant(&splat)) || !splat.isSplat())
    return std::nullopt;
  return splat.getSplatValue<APFloat>().convertToDouble();
}

/// x of `x <predicate> bound ? x : bound`, and the bound.
std::optional<std::pair<Value, double>> matchBound(Value value, arith::CmpFPredicate predicate) {
  auto select = value.getDefiningOp<arith::SelectOp>();
  auto compare = select ? select.getCondition().getDefiningOp<arith::CmpFOp>() : arith::CmpFOp();
  if (!compare || compare.getPredicate() != predicate ||
      select.getTrueValue() != compare.getLhs() || select.getFalseValue() != compare.getRhs())
    return std::nullopt;
  auto bound = splatFloat(compare.getRhs());
  return bound ? std::optional(std::pair(compare.getLhs(), *bound)) : std::nullopt;
}

/// As `nn.quantize` computes its codes.
std::optional<Codes> matchCodes(Value bytes) {
  auto narrow = bytes.getDefiningOp<arith::TruncIOp>();
  auto type = dyn_cast<VectorType>(bytes.getType());
  if (!narrow || !type ||
      type != VectorType::get({kern::panel}, IntegerType::get(bytes.getContext(), 8)))
    return std::nullopt;
  Codes codes;
  Value wide = narrow.getIn();
  if (auto sum = wide.getDefiningOp<arith::AddIOp>()) {
    DenseIntElementsAttr zero;
    if (!matchPattern(sum.getRhs(), m_Constant(&zero)) || !zero.isSplat())
      return std::nullopt;
    codes.zero = zero.getSplatValue<APInt>().getSExtValue();
    if (!llvm::isInt<16>(codes.zero)) // it is added to what the first pack makes
      return std::nullopt;
    wide = sum.getLhs();
  }
  auto convert = wide.getDefiningOp<arith::FPToSIOp>();
  auto round = convert ? convert.getIn().getDefiningOp<math::RoundEvenOp>() : math::RoundEvenOp();
  if (!round || !getElementTypeOrSelf(round.getType()).isF32())
    return std::nullopt;
  auto high = matchBound(round.getOperand(), arith::CmpFPredicate::OLT);
  auto low = high ? matchBound(high->first, arith::CmpFPredicate::OGT) : std::nullopt;
  if (!low)
    return std::nullopt;
  codes.number = low->first;
  for (bool isSigned : {false, true}) {
    codes.isSigned = isSigned;
    if (codes.low() == low->second && codes.high() == high->second)
      return codes;
  }
  return std::nullopt;
}

/// The number of the first lanes that a mask has, if it has no others; 0: not known.
int64_t countOf(Value mask) {
  DenseIntElementsAttr bits;
  if (!matchPattern(mask, m_Constant(&bits)))
    return 0;
  auto values = llvm::to_vector(bits.getValues<bool>());
  int64_t count = llvm::count(values, true);
  return llvm::all_of(ArrayRef(values).take_front(count), [](bool bit) { return bit; }) ? count : 0;
}

std::optional<Store> matchStore(Operation &op) {
  auto whole = dyn_cast<vector::StoreOp>(op);
  auto masked = dyn_cast<vector::MaskedStoreOp>(op);
  if (!whole && !masked)
    return std::nullopt;
  OperandRange indices = whole ? whole.getIndices() : masked.getIndices();
  auto codes = matchCodes(whole ? whole.getValueToStore() : masked.getValueToStore());
  if (!codes || indices.size() != 1)
    return std::nullopt;
  Store store{&op, whole ? whole.getBase() : masked.getBase(),      indices.front(),
              0,   whole ? kern::panel : countOf(masked.getMask()), *codes};
  if (auto known = getConstantIntValue(store.base))
    store.offset = *known, store.base = nullptr;
  else if (auto sum = store.base.getDefiningOp<arith::AddIOp>())
    if (auto known = getConstantIntValue(sum.getRhs()))
      store.offset = *known, store.base = sum.getLhs();
  return store;
}

struct Packing : Emitter {
  int64_t bits; // of a register

  /// The codes of up to 4 registers of numbers, in one; repeats them where there are less.
  Value pack(ArrayRef<Store> stores) {
    const Codes &codes = stores.front().codes;
    Values numbers;
    for (const Store &store : stores)
      for (int64_t first = 0; first < kern::panel; first += bits / 32)
        numbers.push_back(integers(slice(bounded(store.codes), first, bits / 32)));
    for (size_t i = 0; numbers.size() < 4; ++i)
      numbers.push_back(numbers[i]);
    Values pairs;
    for (int64_t i = 0; i < 4; i += 2) {
      Value pair = packed("packssdw", numbers[i], numbers[i + 1], 16);
      if (codes.zero)
        pair = LLVM::SAddSat::create(b, loc, pair, splat(pair.getType(), codes.zero));
      pairs.push_back(pair);
    }
    return inOrder(packed(codes.isSigned ? "packsswb" : "packuswb", pairs[0], pairs[1], 8));
  }

  /// Lanes [first, first + count).
  Value slice(Value vector, int64_t first, int64_t count) {
    if (cast<VectorType>(vector.getType()).getNumElements() == count)
      return vector;
    return vector::ExtractStridedSliceOp::create(b, loc, vector, ArrayRef(first), ArrayRef(count),
                                                 ArrayRef<int64_t>(1));
  }

private:
  using Values = SmallVector<Value>;

  Value splat(Type type, int64_t value) {
    Type element = getElementTypeOrSelf(type);
    auto number = isa<FloatType>(element) ? TypedAttr(b.getFloatAttr(element, value))
                                          : TypedAttr(b.getIntegerAttr(element, value));
    return arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(cast<ShapedType>(type), Attribute(number)));
  }

  /// Of what is too large for an i32 the conversion would make the least one, as it is right for
  /// NaN and what is too small.
  Value bounded(const Codes &codes) {
    Value high = splat(codes.number.getType(), codes.high());
    Value isAbove = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, high, codes.number);
    return arith::SelectOp::create(b, loc, isAbove, high, codes.number);
  }

  /// What arith.fptosi and llvm.lrint leave open, numbers beyond i32, counts here.
  Value integers(Value numbers) {
    auto type = cast<VectorType>(numbers.getType()).clone(b.getI32Type());
    Values operands{numbers};
    StringRef name = bits == 128   ? "llvm.x86.sse2.cvtps2dq"
                     : bits == 256 ? "llvm.x86.avx.cvt.ps2dq.256"
                                   : "llvm.x86.avx512.mask.cvtps2dq.512";
    if (bits == 512) {
      constexpr int32_t allLanes = -1, roundAsSet = 4;
      operands.push_back(splat(type, 0));
      operands.push_back(arith::ConstantIntOp::create(b, loc, b.getIntegerType(16), allLanes));
      operands.push_back(arith::ConstantIntOp::create(b, loc, b.getI32Type(), roundAsSet));
    }
    return LLVM::CallIntrinsicOp::create(b, loc, type, b.getStringAttr(name), operands)
        .getResult(0);
  }

  Value packed(StringRef name, Value x, Value y, int64_t width) {
    auto type = VectorType::get({bits / width}, b.getIntegerType(width));
    std::string prefix = bits == 128   ? "llvm.x86.sse2."
                         : bits == 256 ? "llvm.x86.avx2."
                                       : "llvm.x86.avx512.";
    std::string suffix = bits == 128 ? ".128" : bits == 256 ? "" : ".512";
    auto intrinsic = b.getStringAttr(prefix + name + suffix);
    return LLVM::CallIntrinsicOp::create(b, loc, type, intrinsic, ValueRange{x, y}).getResult(0);
  }

  /// Packs work on parts of 128 bits: each has four bytes of each register, in turn.
  Value inOrder(Value bytes) {
    int64_t parts = bits / 128;
    if (parts == 1)
      return bytes;
    auto type = VectorType::get({bits / 32}, b.getI32Type());
    Value words = vector::BitCastOp::create(b, loc, type, bytes);
    SmallVector<int64_t> order;
    for (int64_t source = 0; source < 4; ++source)
      for (int64_t part = 0; part < parts; ++part)
        order.push_back(4 * part + source);
    words = vector::ShuffleOp::create(b, loc, words, words, order);
    return vector::BitCastOp::create(b, loc, bytes.getType(), words);
  }
};

struct PackBytes : nncc::cpu::impl::PackBytesBase<PackBytes> {
  using PackBytesBase::PackBytesBase;

  void runOnOperation() override {
    if (!llvm::is_contained<int64_t>({0, 128, 256, 512}, packBits)) {
      getOperation().emitError("expects pack-bits of 0, 128, 256 or 512, found ")
          << static_cast<int64_t>(packBits);
      return signalPassFailure();
    }
    if (packBits)
      getOperation()->walk([&](Block *block) { runOnBlock(*block); });
  }

  void runOnBlock(Block &block) {
    SmallVector<Group> groups;
    bool isOpen = false; // whether the last group may go on
    for (Operation &op : block) {
      if (std::optional<Store> store = matchStore(op)) {
        if (!isOpen || !join(groups.back(), *store))
          groups.push_back({{*store}});
        isOpen = true;
      } else if (!isMemoryEffectFree(&op))
        isOpen = false;
    }
    for (const Group &group : groups)
      if (packBits < 512 || storesOf(group).size() > 1) // VPMOVDB is as good for one
        rewrite(group);
  }

  static SmallVector<Store> storesOf(const Group &group) {
    SmallVector<Store> stores;
    for (const Segment &segment : group)
      llvm::append_range(stores, segment);
    return stores;
  }

  /// Whether the store is taken by the group. Only AVX-512 stores some bytes of a register, and
  /// parts that are not the first.
  bool join(Group &group, const Store &store) const {
    Segment &last = group.back();
    size_t width = group.front().size();
    if (!store.codes.isLike(last.back().codes) ||
        static_cast<int64_t>(storesOf(group).size()) == packBits / 128)
      return false;
    bool goesOn =
        store.follows(last.back()) && (store.isWhole() || (packBits == 512 && store.count));
    if (goesOn && (group.size() == 1 || last.size() < width)) {
      last.push_back(store);
      return true;
    }
    if (packBits < 512 || last.size() < width || width > 2)
      return false;
    group.push_back({store});
    return true;
  }

  void rewrite(const Group &group) {
    SmallVector<Store> stores = storesOf(group);
    OpBuilder builder(stores.back().op);
    Packing packing{{builder, stores.back().op->getLoc()}, packBits};
    Value bytes = packing.pack(stores);
    int64_t first = 0;
    for (const Segment &segment : group) {
      store(packing, segment, bytes, first * kern::panel);
      first += segment.size();
    }
  }

  /// `bytes` from lane `first` on -> where the stores of the segment have their parts.
  static void store(Packing &packing, const Segment &segment, Value bytes, int64_t first) {
    int64_t panels = segment.size(), lanes = llvm::PowerOf2Ceil(panels) * kern::panel;
    Value part = packing.slice(bytes, first, lanes);
    Operation *op = segment.front().op;
    if (panels == 1) {
      op->moveBefore(&*packing.b.getInsertionPoint());
      packing.b.setInsertionPointAfter(op);
      op->setOperand(isa<vector::StoreOp>(op) ? 0 : op->getNumOperands() - 1, part);
      return;
    }
    auto whole = dyn_cast<vector::StoreOp>(op);
    Value at = whole ? whole.getIndices().front() : cast<vector::MaskedStoreOp>(op).getIndices()[0];
    Value buffer = segment.front().buffer;
    int64_t count = (panels - 1) * kern::panel + segment.back().count;
    if (Value mask = firstLanes(packing, count, lanes))
      vector::MaskedStoreOp::create(packing.b, packing.loc, buffer, at, mask, part);
    else
      vector::StoreOp::create(packing.b, packing.loc, part, buffer, at);
    for (const Store &store : segment) {
      if (&*packing.b.getInsertionPoint() == store.op)
        packing.b.setInsertionPointAfter(store.op);
      store.op->erase();
    }
  }
};
} // namespace
