#include "targets/cpu/Cursor.h"

using namespace mlir;
using namespace nncc;
using namespace nncc::cpu;

Cursor CursorEmitter::begin(const Contraction &p) {
  Cursor at{size(p.aOffset), size(p.bOffset), size(p.cOffset), {}};
  for (const Epilogue::Extra &extra : p.epilogue.getExtras())
    at.extras.push_back(size(extra.offset));
  return at;
}

Cursor CursorEmitter::advance(const Cursor &from, const Axis &axis, Value steps) {
  Cursor to{add(from.a, mul(steps, axis.a)),
            add(from.b, mul(steps, axis.b)),
            add(from.c, mul(steps, axis.c)),
            {}};
  for (auto [offset, stride] : llvm::zip(from.extras, axis.extras))
    to.extras.push_back(add(offset, mul(steps, stride)));
  return to;
}

Cursor CursorEmitter::advance(Cursor at, ArrayRef<Axis> axes, Value index) {
  for (size_t i = axes.size(); i-- > 0;) {
    Value step = index;
    if (i > 0)
      std::tie(index, step) = divide(index, axes[i].size);
    at = advance(at, axes[i], step);
  }
  return at;
}
