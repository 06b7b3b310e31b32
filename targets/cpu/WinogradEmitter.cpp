#include "targets/cpu/WinogradEmitter.h"
#include "targets/cpu/Emitters.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "targets/kernel/Indices.h"
#include "targets/kernel/Lanes.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;
using kern::panel;

/// Steps of the product's reduction that its loop does at once.
static constexpr int64_t unroll = 4;
/// Channels by which weights are fetched ahead: the nine taps of a panel are as many streams, of
/// which each is soon at its end.
static constexpr int64_t prefetched = 16;
/// Floats by which rows and points are set apart in scratch: at distances of powers of two they
/// would share few sets of the caches.
static constexpr int64_t apart = 16;

WinogradEmitter::WinogradEmitter(OpBuilder &b, Location loc, const Contraction &p,
                                 kern::WinogradPlanAttr plan, Kernel &kernel)
    : CursorEmitter(b, loc, kernel.sizes), p(p), plan(plan),
      transforms(*this, plan.getTile(), VectorType::get({panel}, p.element)),
      vector(VectorType::get({panel}, p.element)), tile(plan.getTile()),
      points((tile + 2) * (tile + 2)), depth(fixed(p.depth)), columns(fixed(p.n.size)) {
  tilesX = llvm::divideCeil(fixed(p.x.size), tile);
  tilesY = llvm::divideCeil(fixed(p.y.size), tile);
  tileCount = fixed(p.lineCount()) / fixed(p.y.size) * tilesY * tilesX;
  panelCount = fixed(p.panels());
  unitTiles = std::min(plan.getUnitTiles(), tileCount);
  unitPanels = std::min(plan.getUnitPanels(), panelCount);
  kBlock = std::min(plan.getKBlock(), depth);
  rowV = llvm::alignTo(depth, panel) + apart;
  pointV = unitTiles * rowV + apart;
  pointU = unitPanels * kBlock * panel + apart;
  pointM = unitPanels * panel;
  rowM = points * pointM + apart;
}

Value WinogradEmitter::isLess(Value x, Value y) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y);
}
Value WinogradEmitter::both(Value x, Value y) { return arith::AndIOp::create(b, loc, x, y); }

WinogradEmitter::Values WinogradEmitter::loadPoints(Value buffer, Value at, int64_t pointStride) {
  Values values;
  for (int64_t i = 0; i < points; ++i)
    values.push_back(vector::LoadOp::create(b, loc, vector, buffer, add(at, i * pointStride)));
  return values;
}

void WinogradEmitter::storePoints(ValueRange values, Value buffer, Value at, int64_t pointStride) {
  for (auto [i, value] : llvm::enumerate(values))
    vector::StoreOp::create(b, loc, value, buffer, add(at, i * pointStride));
}

/// Tiles are counted over all images, row by row.
WinogradEmitter::Tile WinogradEmitter::tileAt(Value index) {
  auto [row, column] = divide(index, tilesX);
  auto [image, line] = divide(row, tilesY);
  Tile result{mul(line, tile), mul(column, tile), begin(p)};
  if (!p.lines.empty())
    result.at = advance(result.at, p.lines, image);
  result.at = advance(advance(result.at, p.y, result.y), p.x, result.x);
  return result;
}

/// The input of a tile for 16 channels. Elements outside of the image are zero: they are loaded
/// from its border, and not taken.
WinogradEmitter::Values WinogradEmitter::loadInput(const Tile &tile, Value channel, int64_t lanes,
                                                   bool isInside) {
  int64_t t = this->tile + 2;
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(vector));
  Value at = add(tile.at.a, mul(channel, p.aK)), mask = firstLanes(*this, lanes, panel);
  struct Line {
    Value offset, isInside;
  };
  auto lines = [&](Value first, int64_t size, AffineExpr stride) {
    SmallVector<Line> lines;
    for (int64_t i = 0; i < t; ++i) {
      Value index = add(first, i), clamped = index, inside;
      if (!isInside) {
        clamped = maximum(constant(0), minimum(index, constant(size - 1)));
        inside = equals(index, clamped);
      }
      lines.push_back({mul(sub(clamped, first), stride), inside});
    }
    return lines;
  };
  Value y = sub(tile.y, constant(p.top)), x = sub(tile.x, constant(p.left));
  SmallVector<Line> rows = lines(y, fixed(p.h), p.aH), columns = lines(x, fixed(p.w), p.aW);
  Value first = add(at, size(p.aH * -p.top + p.aW * -p.left));
  Values values;
  for (const Line &row : rows)
    for (const Line &column : columns) {
      Value from = add(first, add(row.offset, column.offset));
      Value value = loadLanes(*this, vector, bufferA, from, p.aK, mask);
      if (!isInside)
        value = arith::SelectOp::create(b, loc, both(row.isInside, column.isInside), value, zero);
      values.push_back(value);
    }
  return values;
}

void WinogradEmitter::transformInputTile(const Tile &tile, Value row) {
  int64_t t = this->tile + 2;
  auto channels = [&](bool isInside) {
    auto at = [&](Value channel, int64_t lanes) {
      storePoints(transforms.input(loadInput(tile, channel, lanes, isInside)), bufferV,
                  add(row, channel), pointV);
    };
    if (depth >= panel)
      loop(constant(depth / panel), [&](Value i) { at(mul(i, panel), panel); });
    if (depth % panel)
      at(constant(depth / panel * panel), depth % panel);
  };
  // The first and the last rows and columns that it reads are inside.
  auto fits = [&](Value first, int64_t low, int64_t size) {
    Value isAfter = isLess(constant(low - 1), first);
    return both(isAfter, isLess(first, constant(size - t + low + 1)));
  };
  Value isInside = both(fits(tile.y, p.top, fixed(p.h)), fits(tile.x, p.left, fixed(p.w)));
  branch(
      isInside, [&] { channels(true); }, [&] { channels(false); });
}

void WinogradEmitter::transformInput(Value firstTile, Value count) {
  loop(count, [&](Value i) { transformInputTile(tileAt(add(firstTile, i)), mul(i, rowV)); });
}

void WinogradEmitter::transformWeights(Value group, Value panelCount, Value firstK, Value kCount) {
  loop(panelCount, [&](Value j) {
    Value from = add(size(p.bOffset), mul(add(mul(group, unitPanels), j), p.bPanel));
    loop(kCount, [&](Value k) {
      Value at = add(from, mul(add(firstK, k), p.bK));
      Values taps;
      for (int64_t i = 0; i < 9; ++i) {
        Value tap = add(at, size(p.bH * (i / 3) + p.bW * (i % 3)));
        taps.push_back(vector::LoadOp::create(b, loc, vector, bufferB, tap));
        memref::PrefetchOp::create(b, loc, bufferB, add(tap, mul(constant(prefetched), p.bK)),
                                   /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
      }
      storePoints(transforms.weights(taps), bufferU, add(mul(j, kBlock * panel), mul(k, panel)),
                  pointU);
    });
  });
}

void WinogradEmitter::inTiles(Value count, int64_t whole, int64_t usual, int64_t last,
                              function_ref<void(int64_t, Value)> body) {
  auto [tiles, rest] = divide(count, whole);
  loop(tiles, [&](Value i) { body(whole, mul(i, whole)); });
  Value at = mul(tiles, whole);
  llvm::SmallSetVector<int64_t, 2> sizes;
  sizes.insert(usual % whole);
  sizes.insert(last % whole);
  sizes.remove(0);
  for (int64_t size : sizes) {
    if (auto known = getConstantIntValue(rest)) {
      if (*known == size)
        body(size, at);
      continue;
    }
    branch(
        equals(rest, size), [&] { body(size, at); }, [] {});
  }
}

void WinogradEmitter::multiplyTile(int64_t rows, int64_t panels, Value row, Value panelIndex,
                                   Value point, Value firstK, Value kCount) {
  Value v = add(add(mul(point, pointV), mul(row, rowV)), firstK);
  Value u = add(mul(point, pointU), mul(panelIndex, kBlock * panel));
  Value m = add(add(mul(point, pointM), mul(row, rowM)), mul(panelIndex, panel));
  Values zeros(rows * panels, arith::ConstantOp::create(b, loc, b.getZeroAttr(vector)));
  int64_t steps = rows * panels > 26 ? 1 : unroll;
  auto product =
      kern::BrgemmOp::create(b, loc, ValueRange(zeros).getTypes(), bufferV, v, bufferU, u, kCount,
                             ValueRange(), zeros, ArrayRef<int64_t>{1}, ArrayRef<int64_t>{panel},
                             rowV, kBlock * panel, panels, steps, kern::BlocksAttr());
  auto store = [&](bool isFirst) {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t j = 0; j < panels; ++j) {
        Value at = add(m, r * rowM + j * panel), sum = product.getResult(r * panels + j);
        if (!isFirst)
          sum = arith::AddFOp::create(
              b, loc, vector::LoadOp::create(b, loc, vector, bufferM, at).getResult(), sum);
        vector::StoreOp::create(b, loc, sum, bufferM, at);
      }
  };
  if (kBlock == depth)
    return store(true);
  branch(
      equals(firstK, 0), [&] { store(true); }, [&] { store(false); });
}

/// M of all points. The panels of one point are used by all rows while they are near.
void WinogradEmitter::multiply(Value tiles, Value panels, Value firstK, Value kCount) {
  int64_t lastTiles = tileCount - (llvm::divideCeil(tileCount, unitTiles) - 1) * unitTiles;
  int64_t lastPanels = panelCount - (llvm::divideCeil(panelCount, unitPanels) - 1) * unitPanels;
  loop(constant(points), [&](Value point) {
    inTiles(panels, plan.getPanels(), unitPanels, lastPanels, [&](int64_t width, Value j) {
      inTiles(tiles, plan.getRows(), unitTiles, lastTiles, [&](int64_t rows, Value row) {
        multiplyTile(rows, width, row, j, point, firstK, kCount);
      });
    });
  });
}

/// One element of 16 columns. `shared` holds extras that are the same for all elements of a tile.
void WinogradEmitter::finish(const Cursor &at, Value sum, Value mask, Values &shared) {
  Values extras;
  for (auto [i, extra] : llvm::enumerate(p.epilogue.getExtras())) {
    Value value = shared[i];
    if (!value)
      value = loadLanes(*this, vector.clone(extra.element), extra.buffer, at.extras[i],
                        p.n.extras[i], mask);
    if (isZero(p.x.extras[i]) && isZero(p.y.extras[i]))
      shared[i] = value;
    extras.push_back(value);
  }
  storeLanes(*this, p.epilogue.apply(*this, sum, extras), bufferC, at.c, p.n.c, mask);
}

void WinogradEmitter::finishInside(const Cursor &at, const Values &sums, Value mask) {
  Values shared(p.epilogue.getExtras().size());
  for (auto [i, sum] : llvm::enumerate(sums))
    finish(advance(advance(at, p.y, constant(i / tile)), p.x, constant(i % tile)), sum, mask,
           shared);
}

/// Through memory, element by element: only those that there are, or where the code of an epilogue
/// is too large for each.
void WinogradEmitter::finishAtBorder(const Tile &tile, const Cursor &at, const Values &sums,
                                     Value mask) {
  for (auto [i, sum] : llvm::enumerate(sums))
    vector::StoreOp::create(b, loc, sum, stored, constant(i * panel));
  auto count = [&](Value first, AffineExpr size) {
    return minimum(constant(this->tile), sub(this->size(size), first));
  };
  loop(count(tile.y, p.y.size), [&](Value y) {
    Cursor line = advance(at, p.y, y);
    loop(count(tile.x, p.x.size), [&](Value x) {
      Values shared(p.epilogue.getExtras().size());
      Value from = mul(add(mul(y, this->tile), x), panel);
      finish(advance(line, p.x, x), vector::LoadOp::create(b, loc, vector, stored, from), mask,
             shared);
    });
  });
}

void WinogradEmitter::transformOutputTile(const Tile &tile, Value row, Value panelIndex,
                                          Value mask) {
  Values sums =
      transforms.output(loadPoints(bufferM, add(mul(row, rowM), mul(panelIndex, panel)), pointM));
  int64_t height = fixed(p.y.size), width = fixed(p.x.size);
  if (p.epilogue.isHeavy())
    return finishAtBorder(tile, tile.at, sums, mask);
  if (height % this->tile == 0 && width % this->tile == 0)
    return finishInside(tile.at, sums, mask);
  Value isInside = both(isLess(tile.y, constant(height - this->tile + 1)),
                        isLess(tile.x, constant(width - this->tile + 1)));
  branch(
      isInside, [&] { finishInside(tile.at, sums, mask); },
      [&] { finishAtBorder(tile, tile.at, sums, mask); });
}

void WinogradEmitter::transformOutput(Value firstTile, Value count, Value group, Value panels) {
  int64_t tail = columns % panel;
  loop(count, [&](Value row) {
    Tile tile = tileAt(add(firstTile, row));
    tile.at = advance(tile.at, p.n, mul(group, unitPanels * panel));
    auto onePanel = [&](Value j, int64_t lanes) {
      Tile part = tile;
      part.at = advance(tile.at, p.n, mul(j, panel));
      transformOutputTile(part, row, j, firstLanes(*this, lanes, panel));
    };
    if (!tail)
      return loop(panels, [&](Value j) { onePanel(j, panel); });
    // The last panel of the last group is stored under a mask.
    int64_t whole = columns / panel;
    Value left = sub(constant(whole), mul(group, unitPanels));
    Value full = minimum(panels, left);
    loop(full, [&](Value j) { onePanel(j, panel); });
    branch(
        isLess(full, panels), [&] { onePanel(full, tail); }, [] {});
  });
}

/// `isFirst`: of this call, when nothing is in scratch.
void WinogradEmitter::unit(Value index, Value isFirst) {
  int64_t blocks = llvm::divideCeil(tileCount, unitTiles);
  int64_t groups = llvm::divideCeil(panelCount, unitPanels);
  Value group, block;
  std::tie(group, block) = divide(index, blocks);
  Value firstTile = mul(block, unitTiles), firstPanel = mul(group, unitPanels);
  auto count = [&](int64_t usual, int64_t all, Value first) {
    return all % usual ? minimum(constant(usual), sub(constant(all), first)) : constant(usual);
  };
  Value tiles = blocks == 1 ? constant(unitTiles) : count(unitTiles, tileCount, firstTile);
  Value panels = groups == 1 ? constant(unitPanels) : count(unitPanels, panelCount, firstPanel);
  auto input = [&] { transformInput(firstTile, tiles); };
  blocks == 1 ? branch(isFirst, input, [] {}) : input();
  if (kBlock == depth) {
    Value isNew = arith::OrIOp::create(b, loc, isFirst, equals(block, 0));
    branch(
        isNew, [&] { transformWeights(group, panels, constant(0), constant(depth)); }, [] {});
    multiply(tiles, panels, constant(0), constant(depth));
  } else {
    loop(constant(llvm::divideCeil(depth, kBlock)), [&](Value i) {
      Value firstK = mul(i, kBlock), kCount = count(kBlock, depth, firstK);
      transformWeights(group, panels, firstK, kCount);
      multiply(tiles, panels, firstK, kCount);
    });
  }
  transformOutput(firstTile, tiles, group, panels);
}

void WinogradEmitter::emit(kern::ContractOp op, Kernel &kernel) {
  bufferA = kernel.place(op.getA()).buffer;
  bufferB = kernel.place(op.getB()).buffer;
  bufferC = kernel.place(op.getInit()).buffer;
  auto scratch = [&](int64_t elements) {
    return kernel.allocateScratch(b, loc, elements, p.element);
  };
  bufferV = scratch(points * pointV);
  bufferU = scratch(points * pointU);
  bufferM = scratch(unitTiles * rowM);
  stored = scratch(tile * tile * panel);
  kernel.setUnits(llvm::divideCeil(tileCount, unitTiles) *
                  llvm::divideCeil(panelCount, unitPanels));
  auto units = scf::ForOp::create(b, loc, kernel.begin, kernel.end, constant(1));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(units.getBody());
  unit(units.getInductionVar(), equals(units.getInductionVar(), kernel.begin));
}

LogicalResult nncc::cpu::emitWinograd(OpBuilder &b, kern::ContractOp op, Kernel &kernel) {
  FailureOr<Contraction> contraction = Contraction::of(op, &kernel);
  if (failed(contraction))
    return failure();
  if (llvm::is_contained(op.getInitType().getShape(), 0)) {
    kernel.setUnits(0);
    return success();
  }
  if (!isWinogradShape(*contraction))
    return op.emitError("expects constant sizes and a reduction over one channel or more for a "
                        "#kern.winograd plan");
  if (constantOf(contraction->n.c) == 0)
    return op.emitError("the columns of init lie on one another");
  WinogradEmitter(b, op.getLoc(), *contraction, cast<kern::WinogradPlanAttr>(op.getPlanAttr()),
                  kernel)
      .emit(op, kernel);
  return success();
}
