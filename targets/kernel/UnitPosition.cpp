#include "targets/kernel/UnitPosition.h"

using namespace mlir;
using namespace nncc;

UnitPosition UnitPosition::of(Emitter &e, const NestGroup &group, Value number, Divide divide) {
  UnitPosition position;
  position.start.assign(group.dims.size(), nullptr);
  position.extent.assign(group.dims.size(), nullptr);
  for (int d = static_cast<int>(group.dims.size()) - 1; d >= 0; --d) {
    const SharedDim &dim = group.dims[d];
    bool isFirst = llvm::all_of(ArrayRef(group.dims).take_front(d),
                                [](const SharedDim &outer) { return isOne(outer.blocks()); });
    Value rest = number, block = e.constant(0);
    if (!isOne(dim.blocks()))
      std::tie(rest, block) =
          isFirst ? std::make_pair(e.constant(0), number) : divide(number, dim.blocks());
    position.start[d] = e.mul(block, dim.block);
    position.extent[d] = e.constant(dim.block);
    if (!dim.hasEqualBlocks())
      position.extent[d] =
          e.minimum(e.constant(dim.block), e.sub(e.size(dim.size), position.start[d]));
    number = rest;
  }
  return position;
}
