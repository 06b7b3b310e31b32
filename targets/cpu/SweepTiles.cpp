// Transposition within a sweep. Where an input is contiguous in the direction of another loop than
// the output, tiles of both loops are read along one, transposed in registers and written along the
// other; where one of the two loops has few iterations, whole runs of it are taken apart instead.
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "targets/cpu/SweepEmitter.h"
#include "targets/kernel/Lanes.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

namespace {
/// Loops of so few iterations are unrolled; their vectors are interleaved.
constexpr int64_t narrowest = 4;
/// Rows of a tile: they all are in registers.
constexpr int64_t tileRows = 16;
} // namespace

/// Finds loops `vector` and `across` such that some input steps by one along `across` only.
void SweepEmitter::chooseTile() {
  bool hasReduction = llvm::any_of(states, [](auto &s) { return s.statement->isReduction; });
  if (vector < 0 || hasReduction || sweep.isHeavy)
    return;
  for (const State &state : states)
    for (size_t i = 0; i < state.inputs() + state.outputs(); ++i) {
      const Stream &stream = state.streams[i];
      if (!isRead(state, i) || isZero(stream.strides[vector]) || isOne(stream.strides[vector]))
        continue;
      for (int loop = 0; loop < static_cast<int>(shape.size()); ++loop)
        if (loop != vector && nominal(shape[loop].size) > 1 && isOne(stream.strides[loop]))
          setTile(loop, stream, i >= state.inputs());
      if (across >= 0)
        return;
    }
}

bool SweepEmitter::isRead(const State &state, size_t stream) const {
  bool isForwarded = stream < state.inputs() && state.statement->forwarded[stream].first >= 0;
  bool isDropped = stream >= state.inputs() && stream < state.inputs() + state.outputs() &&
                   !state.statement->isStored[stream - state.inputs()];
  return state.streams[stream].buffer && !isForwarded && !isDropped;
}

void SweepEmitter::setTile(int loop, const Stream &stream, bool isOutput) {
  AffineExpr size = shape[loop].size;
  int shared = shape[loop].shared;
  bool isWhole = shared < 0 || group.dims[shared].blockSize() == size;
  bool isShort = constantOf(size).value_or(INT64_MAX) <= narrowest;
  if (isShort && isWhole && stream.strides[vector] == size) {
    across = loop, isNarrow = true;
    unroll = 1;
  } else if (!isOutput && lanes >= 8) {
    across = loop, isNarrow = false;
    lanes = std::min(lanes, tileRows);
  }
}

/// Whether a stream is one that the tile transposes.
bool SweepEmitter::isTransposed(const Stream &stream) const {
  if (across < 0 || !stream.buffer || !isOne(stream.strides[across]))
    return false;
  return isNarrow ? stream.strides[vector] == shape[across].size
                  : !isZero(stream.strides[vector]) && !isOne(stream.strides[vector]);
}

/// Element (i, j) of rows of equal length -> element (j, i). Rows that are null are not defined.
SweepEmitter::Values SweepEmitter::transposeRows(Values rows) {
  int64_t count = rows.size();
  SmallVector<int64_t> low, high;
  for (int64_t i = 0; i < count / 2; ++i) {
    low.append({i, i + count});
    high.append({i + count / 2, i + count + count / 2});
  }
  // Each step rotates the bits of (row, column) by one.
  for (int64_t step = 1; step < count; step *= 2) {
    Values next(count);
    for (int64_t r = 0; r < count / 2; ++r) {
      Value a = rows[r], b = rows[r + count / 2];
      if (!a && !b)
        continue;
      a = a ? a : b, b = b ? b : a;
      next[2 * r] = vector::ShuffleOp::create(e.b, e.loc, a, b, low);
      next[2 * r + 1] = vector::ShuffleOp::create(e.b, e.loc, a, b, high);
    }
    rows = next;
  }
  return rows;
}

/// Lanes picked from several vectors: of each lane, the index into all of them one after the other.
Value SweepEmitter::pick(ArrayRef<Value> from, ArrayRef<int64_t> indices) {
  Value result;
  for (auto [n, vector] : llvm::enumerate(from)) {
    // Lanes that are there already stay; the others come from this vector.
    SmallVector<int64_t> mask;
    int64_t first = n * lanes;
    for (auto [lane, index] : llvm::enumerate(indices)) {
      bool isHere = index >= first && index < first + lanes;
      mask.push_back(!result ? (isHere ? index - first : 0)
                             : (isHere ? index - first + lanes : static_cast<int64_t>(lane)));
    }
    result = vector::ShuffleOp::create(e.b, e.loc, result ? result : vector, vector, mask);
  }
  return result;
}

/// All tiles of the two innermost loops.
void SweepEmitter::tiles(const Cursor &cursor) {
  auto along = [&](int loop, int64_t step, llvm::function_ref<void(Value, Part)> body) {
    auto [whole, rest] = e.divide(extent(loop), step);
    Value steps = whole;
    if (mlir::getConstantIntValue(steps) != 0)
      e.loop(steps, [&](Value i) { body(e.mul(i, step), {step, nullptr}); });
    // Blocks are multiples of a tile: only the last one has a rest, always the same.
    AffineExpr tail = normalForm(shape[loop].size % step);
    if (isZero(tail))
      return;
    Value first = e.mul(steps, step), left = rest;
    std::optional<int64_t> known = constantOf(tail);
    auto last = [&] { body(first, known ? Part{*known, nullptr} : Part{step, left}); };
    if (mlir::getConstantIntValue(rest))
      return last();
    Value hasRest =
        arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::ne, rest, e.constant(0));
    e.branch(hasRest, last, [] {});
  };
  if (isNarrow)
    return along(vector, lanes, [&](Value first, Part columns) {
      narrowTile(advance(cursor, vector, first), columns);
    });
  along(across, lanes, [&](Value row, Part rows) {
    along(vector, lanes, [&](Value column, Part columns) {
      wideTile(advance(advance(cursor, vector, column), across, row), rows, columns);
    });
  });
}

/// The mask of the lanes that exist; null: all.
Value SweepEmitter::firstOf(Part part) {
  if (!part.value)
    return firstLanes(e, part.most, lanes);
  auto type = VectorType::get({lanes}, e.b.getI1Type());
  return vector::CreateMaskOp::create(e.b, e.loc, type, part.value);
}

/// rows (of `across`) x columns (of `vector`), both up to `lanes`.
void SweepEmitter::wideTile(const Cursor &cursor, Part rows, Part columns) {
  std::vector<SmallVector<Values>> transposed(states.size()); // per statement, input and row
  for (size_t s = 0; s < states.size(); ++s)
    for (size_t i = 0; i < states[s].inputs(); ++i) {
      transposed[s].emplace_back();
      const Stream &stream = states[s].streams[i];
      if (!isRead(states[s], i) || !isTransposed(stream))
        continue;
      Values read(lanes);
      for (int64_t column = 0; column < columns.most; ++column) {
        Value index = e.constant(column); // those that do not exist stand for the last one
        if (columns.value)
          index = e.minimum(index, e.sub(columns.value, e.constant(1)));
        read[column] = loadLanes(e, VectorType::get({lanes}, stream.memory), stream.buffer,
                                 e.add(cursor.offsets[s][i], e.mul(index, stream.strides[vector])),
                                 1, firstOf(rows));
      }
      transposed[s][i] = transposeRows(read);
    }
  Value mask = firstOf(columns);
  for (int64_t row = 0; row < rows.most; ++row) {
    auto emitRow = [&] {
      Cursor at = advance(cursor, across, e.constant(row));
      at.loops[across] = e.add(cursor.loops[across], row);
      at.mask = mask;
      for (size_t s = 0; s < states.size(); ++s)
        for (size_t i = 0; i < states[s].inputs(); ++i)
          if (!transposed[s][i].empty())
            at.loaded[{s, i}] = transposed[s][i][row];
      leaf(at, {});
    };
    if (!rows.value) {
      emitRow();
      continue;
    }
    Value exists =
        arith::CmpIOp::create(e.b, e.loc, arith::CmpIPredicate::slt, e.constant(row), rows.value);
    e.branch(exists, emitRow, [] {});
  }
}

/// All of `across`, and some of `vector`, up to `lanes`.
void SweepEmitter::narrowTile(const Cursor &cursor, Part columns) {
  int64_t width = *constantOf(shape[across].size);
  auto part = [&](const Stream &stream, Value offset, int64_t n) {
    Part left{std::clamp<int64_t>(columns.most * width - n * lanes, 0, lanes), nullptr};
    if (columns.value)
      left.value =
          e.maximum(e.sub(e.mul(columns.value, width), e.constant(n * lanes)), e.constant(0));
    return std::make_pair(e.add(offset, n * lanes), firstOf(left));
  };
  Cursor base = cursor;
  base.mask = firstOf(columns);
  std::vector<SmallVector<Values>> taken(states.size());
  for (size_t s = 0; s < states.size(); ++s)
    for (size_t i = 0; i < states[s].inputs(); ++i) {
      taken[s].emplace_back();
      const Stream &stream = states[s].streams[i];
      if (!isRead(states[s], i) || !isTransposed(stream))
        continue;
      Values read;
      for (int64_t n = 0; n < width; ++n) {
        auto [at, mask] = part(stream, cursor.offsets[s][i], n);
        read.push_back(
            loadLanes(e, VectorType::get({lanes}, stream.memory), stream.buffer, at, 1, mask));
      }
      for (int64_t n = 0; n < width; ++n) {
        SmallVector<int64_t> indices;
        for (int64_t lane = 0; lane < lanes; ++lane)
          indices.push_back(lane * width + n);
        taken[s][i].push_back(pick(read, indices));
      }
    }
  std::map<std::pair<size_t, size_t>, Values> written; // per statement and output
  for (int64_t n = 0; n < width; ++n) {
    Cursor at = advance(base, across, e.constant(n));
    for (size_t s = 0; s < states.size(); ++s)
      for (size_t i = 0; i < states[s].inputs(); ++i)
        if (!taken[s][i].empty())
          at.loaded[{s, i}] = taken[s][i][n];
    interleaved = &written;
    leaf(at, {});
    interleaved = nullptr;
  }
  for (auto &[output, values] : written) {
    const State &state = states[output.first];
    size_t index = state.inputs() + output.second;
    const Stream &stream = state.streams[index];
    for (int64_t n = 0; n < width; ++n) {
      if (n * lanes >= columns.most * width)
        break;
      SmallVector<int64_t> indices;
      for (int64_t lane = 0; lane < lanes; ++lane) {
        int64_t element = n * lanes + lane;
        indices.push_back(element % width * lanes + element / width);
      }
      auto [at, mask] = part(stream, cursor.offsets[output.first][index], n);
      storeLanes(e, pick(values, indices), stream.buffer, at, 1, mask);
    }
  }
}
