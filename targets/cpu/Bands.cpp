#include "targets/cpu/Bands.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {
/// Cycles of a band beside its work, for each of its operations: loops that begin and end.
constexpr double bandCycles = 100;
/// Of what the multipliers could do, what contractions reach.
constexpr double efficiency = 0.8;
/// What comes from behind the L2 cache comes at this share of the L2 cache's rate.
constexpr double farRate = 1.0 / 3;

double bytesOf(RankedTensorType type) {
  return static_cast<double>(type.getNumElements()) * type.getElementTypeBitWidth() / 8;
}

/// Static images of rows, columns and channels.
bool isOfImages(RankedTensorType type) { return type.getRank() == 4 && type.hasStaticShape(); }
} // namespace

std::optional<Chain> Chain::of(kern::WindowOp window) {
  RankedTensorType in = window.getAType(), out = window.getInitType();
  constexpr int64_t widestUnrolled = 16; // a wider window's columns are rows to its emitter
  if (window.getWindowRank() != 2 || !isOfImages(in) || !isOfImages(out) ||
      window.getKernel()[1] > widestUnrolled || out.getNumElements() == 0 ||
      in.getNumElements() == 0)
    return std::nullopt;
  Chain chain;
  chain.window = window, chain.before = in, chain.after = out;
  chain.images = in.getDimSize(0), chain.in = in.getDimSize(1), chain.out = out.getDimSize(1);
  chain.taps = window.getKernel()[0], chain.stride = window.getStrides()[0];
  chain.dilation = window.getDilations()[0], chain.low = window.getPads()[0];
  return chain;
}

/// Whether each row of the result is made of the same row of the same image.
static bool isByRows(kern::ContractOp op, RankedTensorType image) {
  RankedTensorType result = op.getInitType();
  if (op.getAType() != image || !isOfImages(result) ||
      result.getShape().take_front(3) != image.getShape().take_front(3) ||
      llvm::any_of(op.getPads(), [](int64_t pad) { return pad != 0; }) ||
      llvm::any_of(op.getStrides(), [](int64_t stride) { return stride != 1; }))
    return false;
  FailureOr<Contraction> p = Contraction::of(op, /*kernel=*/nullptr);
  return succeeded(p) && p->kh * p->kw == 1;
}

std::optional<Chain> Chain::of(ArrayRef<Operation *> ops) {
  auto *found = llvm::find_if(ops, llvm::IsaPred<kern::WindowOp>);
  if (found == ops.end() || ops.size() < 2 || ops.size() > 3)
    return std::nullopt;
  std::optional<Chain> chain = of(cast<kern::WindowOp>(*found));
  if (!chain || found - ops.begin() > 1 || ops.end() - found > 2)
    return std::nullopt;
  if (found != ops.begin()) {
    chain->producer = dyn_cast<kern::ContractOp>(ops.front());
    if (!chain->producer || chain->producer.getResult() != chain->window.getA() ||
        !chain->producer->hasOneUse())
      return std::nullopt;
  }
  if (found + 1 != ops.end()) {
    chain->consumer = dyn_cast<kern::ContractOp>(ops.back());
    if (!chain->consumer || chain->consumer.getA() != chain->window.getResult() ||
        !chain->window->hasOneUse() || !isByRows(chain->consumer, chain->after))
      return std::nullopt;
  }
  return chain;
}

int64_t Chain::computedRows(int64_t rows) const {
  int64_t count = 0;
  for (int64_t y = 0; y < out; y += rows) {
    int64_t last = std::min(y + rows, out) - 1;
    int64_t end = std::min(in, last * stride - low + (taps - 1) * dilation + 1);
    count += std::max<int64_t>(0, end - std::max<int64_t>(0, y * stride - low));
  }
  return count;
}

BandPlanner::BandPlanner(const Chain &chain, const MachineFacts &facts, int64_t threads)
    : chain(chain), facts(facts), threads(threads ? threads : 4) {
  if (chain.producer)
    producer = neighbour(chain.producer, /*isProducer=*/true);
  if (chain.consumer)
    consumer = neighbour(chain.consumer, /*isProducer=*/false);
}

std::optional<BandPlanner::Neighbour> BandPlanner::neighbour(kern::ContractOp op,
                                                             bool isProducer) const {
  RankedTensorType a = op.getAType(), c = op.getInitType();
  // A plan of another algorithm computes tiles of an image, not rows.
  auto plan = dyn_cast_or_null<kern::PlanAttr>(op.getPlanAttr());
  if (!plan || op.getBLayout() != kern::BLayout::Packed || !a.hasStaticShape() || !isOfImages(c))
    return std::nullopt;
  FailureOr<Contraction> p = Contraction::of(op, /*kernel=*/nullptr);
  if (failed(p))
    return std::nullopt;
  int64_t rows = c.getDimSize(0) * c.getDimSize(1), width = c.getDimSize(2);
  bool isFlat = fixed(p->lineCount()) == 1 && fixed(p->x.size) == rows * width;
  bool isByRows = fixed(p->lineCount()) == rows && fixed(p->x.size) == width;
  if (!p->batches.empty() || (!isFlat && (!isByRows || !isProducer)) ||
      fixed(p->x.c) != c.getDimSize(3))
    return std::nullopt;
  ContractPlanner planner(*p, facts, threads);
  std::optional<ContractPlanner::RowPlan> byRows = planner.planByRows(width);
  if (!byRows)
    return std::nullopt;
  double steps = static_cast<double>(p->kh * p->kw * nominal(p->depth)) * fixed(p->lineCount());
  double cycles = byRows->cycles * steps / efficiency;
  Neighbour result{byRows->plan, cycles, cycles - byRows->leastCycles * steps / efficiency,
                   bytesOf(isProducer ? a : c), fixed(p->panels()) * p->panelBytes()};
  if (p->epilogue.isHeavy()) // functions of a dozen steps and more for each vector of results
    result.cycles += static_cast<double>(c.getNumElements()) * 64 / facts.unit.registerBytes;
  return result;
}

double BandPlanner::windowCycles() const {
  double taps = chain.taps * kern::WindowOp(chain.window).getKernel()[1];
  double lanes = facts.unit.registerBytes / 4.0;
  return taps * chain.after.getNumElements() / (lanes * facts.fmas) / efficiency;
}

/// None where the scratch or the weights do not stay in the L2 cache.
std::optional<BandPlan> BandPlanner::planOf(bool takesProducer, bool takesConsumer,
                                            int64_t rows) const {
  BandPlan plan;
  plan.takesProducer = takesProducer, plan.takesConsumer = takesConsumer, plan.rows = rows;
  double images = chain.images, before = bytesOf(chain.before), after = bytesOf(chain.after);
  double scratch = 0, weights = 0, total = windowCycles();
  if (takesProducer)
    scratch += before / (images * chain.in) * chain.rowsBefore(rows);
  if (takesConsumer)
    scratch += after / (images * chain.out) * rows;
  // Of a tensor that does not stay in the L2 cache with what is read or written beside it.
  auto farBytes = [&](double bytes, double beside) {
    double l2 = facts.l2Bytes;
    return bytes * std::clamp((bytes + beside - 0.75 * l2) / (0.5 * l2), 0.0, 1.0);
  };
  double kept = 0; // bytes that pass through the scratch
  if (takesProducer) {
    double beside = std::max(producer->outerBytes, takesConsumer ? scratch : after);
    plan.recomputed = static_cast<double>(chain.computedRows(rows)) / chain.in - 1;
    plan.gain += farBytes(before, beside) / (farRate * facts.l2Rate);
    plan.gain -= std::max(0.0, plan.recomputed) * producer->cycles + producer->slowdown;
    plan.producer = producer->plan, weights += producer->weightBytes;
    total += producer->cycles, kept += before;
  }
  if (takesConsumer) {
    double beside = std::max(consumer->outerBytes, takesProducer ? scratch : before);
    plan.gain += farBytes(after, beside) / (farRate * facts.l2Rate) - consumer->slowdown;
    plan.consumer = consumer->plan, weights += consumer->weightBytes;
    total += consumer->cycles, kept += after;
  }
  // The more scratch, the less of it, and of what is beside it, is in the L1 cache.
  double room = facts.l2Bytes / 2;
  plan.gain -= kept * scratch / room / facts.l2Rate;
  double units = images * chain.bands(rows);
  plan.gain -= bandCycles * plan.operations() * units;
  double busiest = std::ceil(units / threads) * rows; // of all threads, in rows
  plan.gain -= 0.5 * total * (busiest * threads / (images * chain.out) - 1);
  plan.scratchBytes = static_cast<int64_t>(scratch);
  if (scratch + weights > room)
    return std::nullopt;
  return plan;
}

std::optional<BandPlan> BandPlanner::best(int64_t rows, bool takesAll) const {
  std::optional<BandPlan> best;
  auto isBetter = [&](const BandPlan &plan) {
    if (takesAll && plan.operations() != best->operations())
      return plan.operations() > best->operations();
    return plan.gain > best->gain;
  };
  for (bool takesProducer : {false, true})
    for (bool takesConsumer : {false, true}) {
      if ((!takesProducer && !takesConsumer) || (takesProducer && !producer) ||
          (takesConsumer && !consumer))
        continue;
      for (int64_t count = 1; count <= chain.out; ++count) {
        if (rows && count != std::min(rows, chain.out))
          continue;
        auto plan = planOf(takesProducer, takesConsumer, count);
        if (plan && (!best || isBetter(*plan)))
          best = plan;
      }
    }
  return best;
}
