// kern.suppress -> a block of threads for each class.
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "targets/kernel/Selection.h"
#include "targets/nvptx/SelectionEmitter.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::nvptx;

namespace {
using Values = SmallVector<Value>;

class SuppressEmitter {
public:
  SuppressEmitter(ThreadBlock &e, kern::SuppressOp op)
      : e(e), op(op), shape(shapeOf(op.getInit())), boxes(e.size(shape[2])) {}

  void emit() {
    e.units(normalForm(shape[0] * shape[1]), [&](Value unit) {
      std::tie(batch, kind) = e.divide(unit, shape[1]);
      flags = e.allocate(shape[2], e.b.getI8Type());
      corners = e.allocate(normalForm(shape[2] * 4), e.b.getF32Type());
      prepare();
      e.barrier();
      choose();
    });
  }

private:
  Value load(Value tensor, ValueRange indices) {
    const Place &place = e.kernel.place(tensor);
    return memref::LoadOp::create(e.b, e.loc, place.buffer, offsetOf(e, place, indices));
  }
  void storeResult(Value number, Value i) {
    const Place &place = e.kernel.place(op.getResult());
    memref::StoreOp::create(e.b, e.loc, number, place.buffer, offsetOf(e, place, {batch, kind, i}));
  }
  Value flag(int64_t value) { return arith::ConstantIntOp::create(e.b, e.loc, value, 8); }
  Value isFree(Value i) {
    Value found = memref::LoadOp::create(e.b, e.loc, flags, i);
    return e.compare(arith::CmpIPredicate::eq, found, flag(0));
  }
  /// The box that comes `i`th.
  Value boxAt(Value i) {
    Value box = arith::IndexCastOp::create(e.b, e.loc, e.b.getIndexType(),
                                           load(op.getOrder(), {batch, kind, i}));
    return e.maximum(e.minimum(box, e.sub(boxes, e.constant(1))), e.constant(0));
  }
  Values cornersAt(Value i) { return e.loadNeighbours(corners, e.mul(i, 4), 4); }
  BoxOverlap overlap() { return {e.b, e.loc, op.getCenterPoint()}; }

  void prepare();
  void choose();
  void take(Value i, Value kept);

  ThreadBlock &e;
  kern::SuppressOp op;
  Shape shape;
  Value boxes, batch, kind;
  Value flags, corners; // in the order of the boxes: 1 where it is not wanted; four of each
};
} // namespace

void SuppressEmitter::prepare() {
  Value none = arith::ConstantIntOp::create(e.b, e.loc, -1, 64), limit = op.getScoreThreshold();
  e.distribute(boxes, [&](Value i) {
    storeResult(none, i);
    Value box = boxAt(i), score = load(op.getScores(), {batch, kind, box});
    Value state =
        arith::SelectOp::create(e.b, e.loc, isScored(e.b, e.loc, score, limit), flag(0), flag(1));
    memref::StoreOp::create(e.b, e.loc, state, flags, i);
    Values numbers;
    for (int64_t n = 0; n < 4; ++n)
      numbers.push_back(load(op.getBoxes(), {batch, box, e.constant(n)}));
    e.storeNeighbours(overlap().corners(numbers), corners, e.mul(i, 4));
  });
}

/// Box `i` is chosen: those behind it that overlap it are struck out. What is read of flags until
/// the barrier is not behind `i`, so that one for each chosen box is enough.
void SuppressEmitter::take(Value i, Value kept) {
  e.branch(
      e.equals(e.thread, 0),
      [&] {
        Value box = arith::IndexCastOp::create(e.b, e.loc, e.b.getI64Type(), boxAt(i));
        storeResult(box, kept);
      },
      [] {});
  Values own = cornersAt(i);
  e.stride(e.add(e.add(i, 1), e.thread), boxes, e.threads, [&](Value other) {
    auto strike = [&] {
      Value isStruck = overlap().isAbove(own, cornersAt(other), op.getIouThreshold());
      e.branch(
          isStruck, [&] { memref::StoreOp::create(e.b, e.loc, flag(1), flags, other); }, [] {});
    };
    e.branch(isFree(other), strike, [] {});
  });
  e.barrier();
}

void SuppressEmitter::choose() {
  Type index = e.b.getIndexType();
  // Carried: the next box, and how many are chosen; the same for all threads.
  scf::WhileOp::create(
      e.b, e.loc, TypeRange{index, index}, ValueRange{e.constant(0), e.constant(0)},
      [&](OpBuilder &inner, Location loc, ValueRange state) {
        OpBuilder::InsertionGuard guard(e.b);
        e.b.setInsertionPointToEnd(inner.getInsertionBlock());
        Value exists = e.compare(arith::CmpIPredicate::slt, state[0], boxes);
        Value isOpen = e.compare(arith::CmpIPredicate::slt, state[1], op.getMost());
        scf::ConditionOp::create(e.b, loc, arith::AndIOp::create(e.b, loc, exists, isOpen), state);
      },
      [&](OpBuilder &inner, Location loc, ValueRange state) {
        OpBuilder::InsertionGuard guard(e.b);
        e.b.setInsertionPointToEnd(inner.getInsertionBlock());
        Value isNext = isFree(state[0]);
        e.branch(
            isNext, [&] { take(state[0], state[1]); }, [] {});
        Value more = arith::SelectOp::create(e.b, loc, isNext, e.constant(1), e.constant(0));
        scf::YieldOp::create(e.b, loc, {e.add(state[0], 1), e.add(state[1], more)});
      });
}

FailureOr<int64_t> nncc::nvptx::emitSuppress(OpBuilder &b, kern::SuppressOp op, Kernel &kernel) {
  int64_t threads = threadsFor(shapeOf(op.getInit())[2]);
  ThreadBlock block(b, kernel, threads);
  block.loc = op.getLoc();
  SuppressEmitter(block, op).emit();
  return threads;
}
