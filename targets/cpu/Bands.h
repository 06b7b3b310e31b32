// A window and the contractions around it in one kernel, by bands of rows: what lies between them
// stays in a worker's scratch.
#pragma once

#include "targets/cpu/ContractPlanner.h"

namespace nncc::cpu {

/// `producer` -> `window` -> `consumer`, on images of `in` and `out` rows. The consumer has a
/// window of one tap: a band of its rows takes the same rows of the window, and these a few more
/// rows of the producer, which neighbouring bands compute as well.
struct Chain {
  kern::ContractOp producer, consumer; // null: there is none
  kern::WindowOp window;
  mlir::RankedTensorType before, after; // what the window reads and computes
  int64_t images = 1, in = 1, out = 1;
  int64_t taps = 1, stride = 1, dilation = 1, low = 0; // from row to row

  /// None where the window does not move over the rows and columns of images of known size.
  static std::optional<Chain> of(kern::WindowOp window);
  /// The operations of a kernel in bands; none where they are no chain.
  static std::optional<Chain> of(llvm::ArrayRef<mlir::Operation *> ops);

  /// Rows of the producer that a band of `rows` rows takes, the most of all bands.
  int64_t rowsBefore(int64_t rows) const {
    return std::min(in, (std::min(rows, out) - 1) * stride + (taps - 1) * dilation + 1);
  }
  /// Rows of the producer in one image that are computed, some of them more than once.
  int64_t computedRows(int64_t rows) const;
  int64_t bands(int64_t rows) const { return llvm::divideCeil(out, rows); }
};

/// All of a kernel that is a chain, in bands of `rows` rows: as emitContract and its like.
llvm::LogicalResult emitBands(mlir::OpBuilder &b, const Chain &chain, int64_t rows, Kernel &kernel);

/// The attribute of a kernel in bands: rows of the last operation in each.
constexpr llvm::StringLiteral bandRows = "kern.band_rows";

/// How a chain, or a part of it, is computed.
struct BandPlan {
  bool takesProducer = false, takesConsumer = false;
  int64_t rows = 1;
  kern::PlanAttr producer, consumer;
  int64_t scratchBytes = 0;
  double recomputed = 0; // of the producer's rows
  double gain = 0;       // cycles

  int operations() const { return 1 + takesProducer + takesConsumer; }
};

/// The cost model: what a tensor costs that passes through memory behind the L2 cache, beside rows
/// that are computed twice, register tiles that end with the rows of an image, and bands that do
/// not divide evenly among threads.
class BandPlanner {
public:
  /// Reports nothing: contractions that bands cannot take are not taken.
  BandPlanner(const Chain &chain, const MachineFacts &facts, int64_t threads);

  /// The best one, of bands of `rows` rows where they are not 0, and, where `takesAll`, of as many
  /// operations as can be; none where none fits.
  std::optional<BandPlan> best(int64_t rows, bool takesAll) const;

private:
  struct Neighbour {
    kern::PlanAttr plan;
    double cycles, slowdown; // of all rows; of them, what the plan costs more than the best one
    double outerBytes;       // of the tensor that is not between it and the window
    int64_t weightBytes;
  };
  std::optional<Neighbour> neighbour(kern::ContractOp op, bool isProducer) const;
  double windowCycles() const;
  std::optional<BandPlan> planOf(bool takesProducer, bool takesConsumer, int64_t rows) const;

  const Chain &chain;
  MachineFacts facts;
  int64_t threads;
  std::optional<Neighbour> producer, consumer;
};

} // namespace nncc::cpu
