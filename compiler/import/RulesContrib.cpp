// Operators of other domains than ONNX's own: see ContribSchemas.h.
#include "compiler/import/Compose.h"
#include "compiler/import/Rules.h"

using namespace mlir;
using namespace nncc;

namespace {
/// The weights of MatMulNBits: a row per column of the matrix, of `blocks` blocks of `size` codes.
struct Weights {
  int64_t depth, columns, bits, size;
  int64_t blocks() const { return llvm::divideCeil(depth, size); }
  int64_t bytesPerBlock() const { return size * bits / 8; }
  /// Of the zero points of one row, which begin with a byte.
  int64_t zeroBytes() const { return llvm::divideCeil(blocks() * bits, 8); }
};
} // namespace

// Codes out of bytes that hold several of them.
static Value unpack(OpBinder &b, Value bytes, ArrayRef<int64_t> shape, int64_t bits) {
  if (bits == 8)
    return b.reshape(bytes, shape);
  nn::UnpackOp::Properties properties;
  properties.to = TypeAttr::get(b.getBuilder().getIntegerType(bits, /*isSigned=*/false));
  const int64_t count = b.typeOf(bytes).getNumElements();
  return b.create<nn::UnpackOp>({b.reshape(bytes, {count}), b.constant(shape)}, properties);
}

// Whether input `i` has so many elements; reports it otherwise.
static bool expectElements(OpBinder &b, size_t i, StringRef name, int64_t expected) {
  const int64_t found = llvm::product_of(b.fixedShapeOf(b.input(i)));
  if (found != expected)
    b.invalid(name + " has " + Twine(found) + " elements, expected " + Twine(expected));
  return !b.hasFailed();
}

static std::optional<Weights> readWeights(OpBinder &b) {
  Weights w{b.integer("K", 0), b.integer("N", 0), b.integer("bits", 4), b.integer("block_size", 0)};
  constexpr int64_t most = (int64_t(1) << 31) - 1;
  if (w.depth < 1 || w.columns < 1 || w.depth > most || w.columns > most)
    b.invalid("K and N are " + Twine(w.depth) + " and " + Twine(w.columns) +
              ", expected positive sizes");
  else if (w.size < 16 || w.size > most || !llvm::isPowerOf2_64(w.size))
    b.invalid("block_size is " + Twine(w.size) + ", expected a power of 2, at least 16");
  else if (w.bits != 4 && w.bits != 8)
    b.unsupported("bits is " + Twine(w.bits) + ", only 4 and 8 are supported");
  else if (b.input(4))
    b.unsupported("g_idx, an order of the rows, is not supported");
  else if (b.input(3) && isa<FloatType>(b.typeOf(b.input(3)).getElementType()))
    b.unsupported("zero_points are floats, only uint8 is supported");
  else if (b.rankOf(b.input(0)) < 1 ||
           constantOf(b.shapeOf(b.input(0)).back()).value_or(w.depth) != w.depth)
    b.invalid("expected an input A of " + Twine(w.depth) + " elements in its last dim");
  else if (expectElements(b, 1, "B", w.columns * w.blocks() * w.bytesPerBlock()) &&
           expectElements(b, 2, "scales", w.columns * w.blocks()) && b.input(3))
    expectElements(b, 3, "zero_points", w.columns * w.zeroBytes());
  return b.hasFailed() ? std::nullopt : std::optional(w);
}

// Y = A * dequantized(B) + bias
static void importMatMulNBits(OpBinder &b) {
  auto weights = readWeights(b);
  if (!weights)
    return;
  const Weights &w = *weights;
  Compose f{b};
  Value codes = unpack(b, b.input(1), {w.columns, w.blocks(), w.size}, w.bits);
  Value zero;
  if (b.input(3)) {
    zero = unpack(b, b.input(3), {w.columns, w.zeroBytes() * 8 / w.bits}, w.bits);
    zero = b.reshape(f.slice(zero, 1, 0, w.blocks()), {w.columns, w.blocks(), 1});
  } else {
    zero = f.number(codes, double(int64_t(1) << (w.bits - 1)));
  }
  Value scale = b.reshape(b.input(2), {w.columns, w.blocks(), 1});
  Value matrix =
      b.reshape(b.create<nn::DequantizeOp>({codes, scale, zero}), {w.columns, w.blocks() * w.size});
  matrix = f.transpose(f.slice(matrix, 1, 0, w.depth), {1, 0});
  Value result = b.create<nn::MatMulOp>({b.input(0), matrix});
  b.result(b.input(5) ? f.add(result, b.input(5)) : result);
}

void nncc::addContribRules(Rules &rules) {
  rules.onOp("com.microsoft.MatMulNBits", 1, importMatMulNBits);
}
