// The operations at the heart of kernels: contraction and window reduction as a whole, and the
// register tile that a contraction is emitted to.
#ifndef NNCC_KERN_TD
#define NNCC_KERN_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Kern_Dialect : Dialect {
  let name = "kern";
  let cppNamespace = "::nncc::kern";
  let summary = "The operations at the heart of kernels";
  let useDefaultAttributePrinterParser = 1;
}

class Kern_Op<string mnemonic, list<Trait> traits> : Op<Kern_Dialect, mnemonic, traits>;

def Kern_Vector : VectorOfRankAndType<[1], [AnyFloat, AnySignlessInteger]>;

def Kern_BLayout : I32EnumAttr<"BLayout", "How the second operand of a contraction is stored", [
    I32EnumAttrCase<"Packed", 0, "packed">,        // [G?, N/16, k1..ks, K, 16], [.., K/4, 16, 4] of bytes
    I32EnumAttrCase<"Plain", 1, "plain">,          // [batch..., K, N]
    I32EnumAttrCase<"Transposed", 2, "transposed"> // [batch..., N, K]
    ]> {
  let cppNamespace = "::nncc::kern";
}

def Kern_WindowKind : I32EnumAttr<"WindowKind", "What a window reduction computes per channel", [
    I32EnumAttrCase<"Depthwise", 0, "depthwise">,     // sum of input * weights
    I32EnumAttrCase<"Max", 1, "max">,                 // NaN propagates
    I32EnumAttrCase<"Average", 2, "average">,         // over all taps, padding counts as zeros
    I32EnumAttrCase<"AverageValid", 3, "average_valid"> // over the taps inside of the input
    ]> {
  let cppNamespace = "::nncc::kern";
}

// The schedule of a contraction on a CPU, chosen by a pass of its own so that tests, tuning files
// and remarks see it.
def Kern_PlanAttr : AttrDef<Kern_Dialect, "Plan"> {
  let mnemonic = "plan";
  let summary = "How a contraction is scheduled on a CPU";
  let description = [{
    The register tile is `rows` x `panels` * 16 columns. `k_blocks` blocks of the reduction (of K in a matmul, of the
    window's rows in a convolution), `unit_tiles` tiles per unit (as many as a line of the image has
    or more: whole lines), `unroll` steps of the reduction, `n_slow`: units walk all rows of one group of panels first.
    Where K is known at run time only, its blocks are of a fixed size and `k_blocks` is 1.

    Each iteration of the innermost loop, of `unroll` steps, fetches `prefetches` cache lines of the next group of
    packed panels into the L2 cache: weights come from memory in every run, and to wait for them takes longer than to
    multiply by them.

    Where few rows use packed panels once, each panel is fetched `lead` cache lines before it is read, so that more of
    them are on their way than the instructions that wait for some have room for.
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$panels, "int64_t":$k_blocks,
                        "int64_t":$unit_tiles, "int64_t":$unroll, "bool":$n_slow,
                        DefaultValuedParameter<"int64_t", "0">:$prefetches,
                        DefaultValuedParameter<"int64_t", "0">:$lead);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Kern_WinogradPlanAttr : AttrDef<Kern_Dialect, "WinogradPlan"> {
  let mnemonic = "winograd";
  let summary = "How a convolution is computed by Winograd's minimal filtering on a CPU";
  let description = [{
    A 3x3 convolution of stride and dilation 1 as F(m x m, 3 x 3), m = `tile`: with t = m + 2 a tile of m x m results takes
    t x t products instead of 9 x m x m (Lavin and Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016).
    ```
    U[.., k, n] = G g[k, n] G^T            t x t points of the weights, from 3 x 3
    V[.., i, k] = B^T a[i, k] B            t x t points of tile i of the input, which overlap by 2
    M[.., i, n] = sum over k of V[.., i, k] * U[.., k, n]      a matrix product for each point
    init[i, n]  = epilogue(A^T M[.., i, n] A)
    ```
    The weights stay as they are: U is made for a unit in scratch, which costs less than to read the (t / 3)^2 times
    as many bytes of a U that is made ahead of time.

    A unit is `unit_tiles` tiles x `unit_panels` panels of 16 columns, all tiles of one group of panels first. The
    products are computed in register tiles of `rows` tiles x `panels` panels, K in blocks of `k_block`.
  }];
  let parameters = (ins "int64_t":$tile, "int64_t":$unit_tiles, "int64_t":$unit_panels, "int64_t":$k_block,
                        "int64_t":$rows, "int64_t":$panels);
  let assemblyFormat = "`<` struct(params) `>`";
}

// Numbers of few bits that share scales.
def Kern_BlocksAttr : AttrDef<Kern_Dialect, "Blocks"> {
  let mnemonic = "blocks";
  let summary = "Packed weights as codes of 8 or 4 bits in blocks of `rows` rows";
  let description = [{
    A panel of 16 columns, of i8, is one block after the other; the last one may have fewer rows:
    ```
    scale[16] f32, zero[16] ui8, codes: rows of 16 ui8; of 4 bits two rows share one, the first in the low bits
    weight[k, n] = (code[k, n] - zero[n]) * scale[n]
    ```
  }];
  let parameters = (ins "int64_t":$bits, "int64_t":$rows);
  let assemblyFormat = "`<` struct(params) `>`";
}

// How queries that have no keys are answered; the same as in nn.attention.
def Kern_Guard : I32EnumAttr<"Guard", "Which weights of an attention are zero in place of NaN", [
    I32EnumAttrCase<"None", 0, "none">,   // none
    I32EnumAttrCase<"Empty", 1, "empty">, // those of a query without a score above -inf
    I32EnumAttrCase<"NaN", 2, "nan">      // all
    ]> {
  let cppNamespace = "::nncc::kern";
}

def Kern_AttentionPlanAttr : AttrDef<Kern_Dialect, "AttentionPlan"> {
  let mnemonic = "attention_plan";
  let summary = "How an attention is scheduled on a CPU";
  let description = [{
    A block is `queries` panels of 16 queries; it passes over blocks of `key_block` keys, a multiple of 16. Scores
    are computed in register tiles of `keys` keys x 16 queries of each panel, results in tiles of `rows` queries, a
    divisor of 16, x `panels` * 16 columns. A unit is `unit_blocks` blocks of one head; they share a copy of its keys
    and values, or read them `in_place`.
  }];
  let parameters = (ins "int64_t":$queries, "int64_t":$keys, "int64_t":$key_block, "int64_t":$rows,
                        "int64_t":$panels, "int64_t":$unit_blocks, "bool":$in_place);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Kern_ContractOp : Kern_Op<"contract", [
    IsolatedFromAbove, SingleBlock, Pure, DeclareOpInterfaceMethods<DestinationStyleOpInterface>]> {
  let summary = "Matrix product or convolution, with an epilogue on one element";
  let description = [{
    With s window dims (the length of `strides`; 0 is a matmul):
    ```
    a       [batch..., x1..xs, G*K]
    b       packed:     [N/16, k1..ks, K, 16]; with groups > 1: [G, N/16, k1..ks, K, 16], N per group,
                        rounded up to panels of 16 columns, zeros behind the last one
            plain:      [batch..., K, N], transposed: [batch..., N, K]; s = 0, batch dims aligned with
                        the first dims of init, of equal size or 1
    init    [batch..., y1..ys, G*N]
    init[i, y, n] = epilogue(sum over t, k of a[i, y*stride + t*dilation - pad_lo, k] * b[n, t, k],
                             extras[e][maps[e](i, y, n)]...)
    ```
    Elements outside of `a` are zero; `pads` is [lo1..los, hi1..his]. The contents of `init` are never
    read. The region computes one element from the block arguments (acc, one per extra), which have storage types. A map takes
    the dims of init to those of the extra; a dim or the constant 0 per result.

    Sums are of the type of `a` and `b`, f32 or f64; f32 where these are f16 or bf16; or i32, which wraps, of unsigned bytes
    in `a` and signed bytes in `b`; K is a multiple of 4 then, and b packed as [G?, N/16, k1..ks, K/4, 16, 4].

    Packed b may be of bf16 where `a` is of f32, or, without a window and groups, of `blocks`: [N/16, bytes]. It
    is converted in registers.

    The plan is a `#kern.plan`, or a `#kern.winograd` for a 3x3 window of stride and dilation 1 over f32.
  }];
  let arguments = (ins AnyRankedTensor:$a, AnyRankedTensor:$b, Variadic<AnyRankedTensor>:$extras,
                       AnyRankedTensor:$init, DefaultValuedAttr<Kern_BLayout, "BLayout::Packed">:$b_layout,
                       DefaultValuedAttr<I64Attr, "1">:$groups,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
                       DenseI64ArrayAttr:$pads, AffineMapArrayAttr:$maps,
                       OptionalAttr<AnyAttrOf<[Kern_PlanAttr, Kern_WinogradPlanAttr]>>:$plan,
                       OptionalAttr<Kern_BlocksAttr>:$blocks);
  let results = (outs AnyRankedTensor:$result);
  let regions = (region SizedRegion<1>:$epilogue);
  let assemblyFormat = [{
    $b_layout `ins` `(` $a `,` $b `:` type($a) `,` type($b) `)`
    `extras` `(` ($extras^ `:` type($extras))? `)` `outs` `(` $init `:` type($init) `)`
    `strides` $strides `dilations` $dilations `pads` $pads `maps` $maps attr-dict-with-keyword
    $epilogue `->` type($result)
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    int64_t getWindowRank() { return getStrides().size(); }
    ::mlir::RankedTensorType getAType() { return getA().getType(); }
    ::mlir::RankedTensorType getBType() { return getB().getType(); }
    ::mlir::RankedTensorType getInitType() { return getInit().getType(); }
    ::mlir::Block *getBody() { return &getEpilogue().front(); }
    /// Whether bytes are multiplied.
    bool isOfBytes() { return getAType().getElementType().isInteger(8); }
    /// Whether f16 or bf16 are multiplied, with sums in f32.
    bool isOfHalves() {
      return getAType().getElementType().isF16() || getAType().getElementType().isBF16();
    }
    /// The type of `acc`.
    ::mlir::Type getSumType() { return getBody()->getArgument(0).getType(); }
    /// Multiplications and additions, of the sums as they are written above.
    double getFlops();
  }];
}

def Kern_AttentionOp : Kern_Op<"attention", [
    Pure, DeclareOpInterfaceMethods<DestinationStyleOpInterface>]> {
  let summary = "softmax(scale * query * transposed key + mask) * value, head by head";
  let description = [{
    ```
    query [N, H, L, D], key [N, G, S, D], value [N, G, S, E]  ->  init [N, H, L, E]
    scores[n, h, l, s] = scale * sum over d of query[n, h, l, d] * key[n, h / (H/G), s, d]
    ```
    G divides H. Each dim of the mask is that of the scores or 1. Without `fill` the mask is added to the
    scores; with it, the score is `fill` where the mask is 0. With `causal`, keys s > l take no part. Rows of
    scores become weights by soft-max; NaN weights are what `guard` says. The contents of `init` are never read.

    Query, key, value and init are of f32, f16 or bf16 each, and the mask of f32; scores, their sums and those of
    weights are f32. Where all four are of f16 or of bf16, weights may be rounded to it before they are divided by
    their sum.
  }];
  let arguments = (ins AnyRankedTensor:$query, AnyRankedTensor:$key, AnyRankedTensor:$value,
                       Optional<AnyRankedTensor>:$mask, AnyRankedTensor:$init, F32Attr:$scale,
                       OptionalAttr<F32Attr>:$fill, UnitAttr:$causal,
                       DefaultValuedAttr<Kern_Guard, "Guard::None">:$guard,
                       OptionalAttr<Kern_AttentionPlanAttr>:$plan);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    `ins` `(` $query `,` $key `,` $value `:` type($query) `,` type($key) `,` type($value) `)`
    (`mask` `(` $mask^ `:` type($mask) `)`)? `outs` `(` $init `:` type($init) `)` attr-dict
    `->` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getQueryType() { return getQuery().getType(); }
    ::mlir::RankedTensorType getKeyType() { return getKey().getType(); }
    ::mlir::RankedTensorType getValueType() { return getValue().getType(); }
    ::mlir::RankedTensorType getInitType() { return getInit().getType(); }
    /// Multiplications and additions of both products.
    double getFlops();
  }];
}

def Kern_RecurrencePlanAttr : AttrDef<Kern_Dialect, "RecurrencePlan"> {
  let mnemonic = "recurrence_plan";
  let summary = "How a recurrence is scheduled on a CPU";
  let description = [{
    A unit is `unit_rows` rows of one direction. Units that one call computes one after the other are taken
    together, up to `rows` rows, so that these share each read of the weights. Register tiles have up to
    `tile_rows` rows, a power of two, and of all tiles at most `sums` x 16 sums.

    Where there are more workers than units, up to `team` workers compute all units together: each has its share of
    the panels of 16 units (of the state), whose weights stay in its caches, and they wait for each other in each step.
  }];
  let parameters = (ins "int64_t":$unit_rows, "int64_t":$rows, "int64_t":$tile_rows, "int64_t":$sums,
                        "int64_t":$team);
  let assemblyFormat = "`<` struct(params) `>`";
}

def Kern_RecurrenceOp : Kern_Op<"recurrence", [
    IsolatedFromAbove, Pure, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<DestinationStyleOpInterface>]> {
  let summary = "Steps that each take products of the state before, and a cell on one element";
  let description = [{
    With D directions (the length of `reverse`), G gates, P parameters and one or two states of H units:
    ```
    x        [S, B, D*G*H]
    r        [D, ceil(H/16), G, H, 16], anything behind the last unit
    params   [D, P, H]
    lengths  [B], i32: the steps of each row; S where left out
    h, c     [D, B, H]: the states before the first step; 0 where left out
    y_init [S, D, B, H], h_init and c_init [D, B, H]: each gives a result if it is there

    in each step, for each row b and unit n of direction d:
      sum g = sum over k of (`reset` and g = G-1 ? reset : h)[k] * r[d, .., g, k, ..]
      states[n] = cell(x g.., sum g.., params.., states[n])
    ```
    The region `cell` yields the states of one element, of them h is y; `reset`, which takes the first G-1 of
    x and of sums, yields what the products of the last gate take in place of h. Row b takes its steps in their
    order, or from its last one to its first one where `reverse` says so; y is 0 behind its last one. A row of no
    step ends, where there are lengths, with states of 0. Lengths outside of 0..S are taken for the nearest one
    inside. The contents of inits are never read.
  }];
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$r, Optional<AnyRankedTensor>:$params,
                       Optional<AnyRankedTensor>:$lengths, Optional<AnyRankedTensor>:$h,
                       Optional<AnyRankedTensor>:$c, Optional<AnyRankedTensor>:$y_init,
                       Optional<AnyRankedTensor>:$h_init, Optional<AnyRankedTensor>:$c_init,
                       DenseBoolArrayAttr:$reverse, OptionalAttr<Kern_RecurrencePlanAttr>:$plan);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$cell, VariadicRegion<SizedRegion<1>>:$reset);
  let assemblyFormat = [{
    `ins` `(` $x `,` $r `:` type($x) `,` type($r) `)` (`params` `(` $params^ `:` type($params) `)`)?
    (`lengths` `(` $lengths^ `:` type($lengths) `)`)? (`h` `(` $h^ `:` type($h) `)`)?
    (`c` `(` $c^ `:` type($c) `)`)? (`y_init` `(` $y_init^ `:` type($y_init) `)`)?
    (`h_init` `(` $h_init^ `:` type($h_init) `)`)? (`c_init` `(` $c_init^ `:` type($c_init) `)`)?
    `reverse` $reverse attr-dict-with-keyword `cell` $cell (`reset` $reset^)? `->` type($results)
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getXType() { return getX().getType(); }
    ::mlir::RankedTensorType getRType() { return getR().getType(); }
    int64_t getDirections() { return getReverse().size(); }
    int64_t getGates() { return getRType().getDimSize(2); }
    /// Of 16 units, of which the last ones may not be there.
    int64_t getPanels() { return getRType().getDimSize(1); }
    int64_t getUnits() { return getRType().getDimSize(3); }
    int64_t getParamCount() { return getParams() ? getParams().getType().getDimSize(1) : 0; }
    int64_t getStates() { return getCell().front().getTerminator()->getNumOperands(); }
    ::mlir::Block *getResetBody() { return getReset().empty() ? nullptr : &getReset().front().front(); }
    /// Multiplications and additions of the products.
    double getFlops();
  }];
}

def Kern_WindowOp : Kern_Op<"window", [
    IsolatedFromAbove, SingleBlock, Pure, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<DestinationStyleOpInterface>]> {
  let summary = "Depthwise convolution or pooling over channels-last images, with an epilogue";
  let description = [{
    With s window dims (the length of `strides`):
    ```
    a        [batch..., x1..xs, C]
    weights  [k1..ks, C], for kind = depthwise only
    init     [batch..., y1..ys, C]
    ```
    `kernel` is [k1..ks]. Bytes in `a` are unsigned where sums are floats. Each channel is reduced for itself over the window as `kind` says; then the
    region computes one element, as in kern.contract. `pads` is [lo1..los, hi1..his]; taps outside of `a` do not take part.

    `byte_weights` promises that all weights, of f32, are integers from -128 to 127: with bytes in `a`, products are those of
    integers, and sums of them that floats hold.
  }];
  let arguments = (ins AnyRankedTensor:$a, Optional<AnyRankedTensor>:$weights,
                       Variadic<AnyRankedTensor>:$extras, AnyRankedTensor:$init,
                       Kern_WindowKind:$kind, DenseI64ArrayAttr:$kernel,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
                       DenseI64ArrayAttr:$pads, AffineMapArrayAttr:$maps, UnitAttr:$byte_weights);
  let results = (outs AnyRankedTensor:$result);
  let regions = (region SizedRegion<1>:$epilogue);
  let assemblyFormat = [{
    $kind `ins` `(` $a (`,` $weights^)? `:` type($a) (`,` type($weights)^)? `)`
    `extras` `(` ($extras^ `:` type($extras))? `)` `outs` `(` $init `:` type($init) `)`
    `kernel` $kernel `strides` $strides `dilations` $dilations `pads` $pads `maps` $maps
    attr-dict-with-keyword $epilogue `->` type($result)
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    int64_t getWindowRank() { return getStrides().size(); }
    ::mlir::RankedTensorType getAType() { return getA().getType(); }
    ::mlir::RankedTensorType getInitType() { return getInit().getType(); }
    ::mlir::Block *getBody() { return &getEpilogue().front(); }
    double getFlops();
  }];
}

def Kern_ArgSortOp : Kern_Op<"argsort", [Pure, DeclareOpInterfaceMethods<DestinationStyleOpInterface>]> {
  let summary = "The places of the first rows in their order";
  let description = [{
    ```
    operand [batch, n, m]  ->  init i64 [batch, count]
    ```
    See nn.argsort. Integers are signed unless `is_unsigned` is there. The contents of `init` are never read.
  }];
  let arguments = (ins AnyRankedTensor:$operand, AnyRankedTensor:$init, UnitAttr:$descending, UnitAttr:$is_unsigned);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    `ins` `(` $operand `:` type($operand) `)` `outs` `(` $init `:` type($init) `)` attr-dict `->` type($result)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getOperandType() { return getOperand().getType(); }
    ::mlir::RankedTensorType getInitType() { return getInit().getType(); }
  }];
}

def Kern_PositionsOp : Kern_Op<"positions", [Pure, DeclareOpInterfaceMethods<DestinationStyleOpInterface>]> {
  let summary = "The places of the first elements that are true";
  let description = [{
    ```
    mask i1 [n]  ->  init i64 [count]
    ```
    See nn.positions. The contents of `init` are never read.
  }];
  let arguments = (ins AnyRankedTensor:$mask, AnyRankedTensor:$init);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    `ins` `(` $mask `:` type($mask) `)` `outs` `(` $init `:` type($init) `)` attr-dict `->` type($result)
  }];
  let hasVerifier = 1;
}

def Kern_SuppressOp : Kern_Op<"suppress", [Pure, DeclareOpInterfaceMethods<DestinationStyleOpInterface>]> {
  let summary = "Boxes in the order of their scores without those that overlap an earlier one";
  let description = [{
    ```
    boxes f32 [B, N, 4], scores f32 [B, C, N], order i64 [B, C, N]  ->  init i64 [B, C, N]
    ```
    See nn.suppress. The contents of `init` are never read.
  }];
  let arguments = (ins AnyRankedTensor:$boxes, AnyRankedTensor:$scores, AnyRankedTensor:$order, Index:$most,
                       F32:$iou_threshold, F32:$score_threshold, AnyRankedTensor:$init, UnitAttr:$center_point);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    `ins` `(` $boxes `,` $scores `,` $order `:` type($boxes) `,` type($scores) `,` type($order) `)`
    `limits` `(` $most `,` $iou_threshold `,` $score_threshold `)` `outs` `(` $init `:` type($init) `)` attr-dict
    `->` type($result)
  }];
  let hasVerifier = 1;
}

def Kern_YieldOp : Kern_Op<"yield", [Pure, Terminator, ParentOneOf<["ContractOp", "WindowOp"]>]> {
  let summary = "The value of one element";
  let arguments = (ins AnyType:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

def Kern_StatesOp : Kern_Op<"states", [Pure, Terminator, HasParent<"RecurrenceOp">]> {
  let summary = "The states of one unit after a step";
  let arguments = (ins Variadic<AnyFloat>:$values);
  let assemblyFormat = "$values attr-dict `:` type($values)";
}

def Kern_PackOp : Kern_Op<"pack", [Pure]> {
  let summary = "A strided copy into the order in which a kernel reads";
  let description = [{
    ```
    result[i0..ir] = source[j0..js],  js = sum of factors[d] * i_d over all d with dims[d] = s
    ```
    and zero where an index is outside of the source. Weights of a matmul, [K, N], in panels of 16 columns:
    `kern.pack %w dims [1, 0, 1] factors [16, 1, 1] : tensor<8x40xf32> -> tensor<3x8x16xf32>`.
    Of a constant it is a recipe, executed while the weights are written.
  }];
  let arguments = (ins AnyRankedTensor:$source, DenseI64ArrayAttr:$dims, DenseI64ArrayAttr:$factors);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = [{
    $source `dims` $dims `factors` $factors attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Kern_BrgemmOp : Kern_Op<"brgemm", [AttrSizedOperandSegments, MemoryEffects<[MemRead]>]> {
  let summary = "A register tile += a nest of reductions over flat memory";
  let description = [{
    ```
    acc[r*nv + j] += sum over the nest (i0 < counts[0], i1 < counts[1], ...) of
      a[aOffset + r*rowStride + sum(i*aStrides)] *
      b[bOffset + j*panelStride + sum(i*bStrides) + 0..lanes)
    ```
    Of bytes, unsigned in a and signed in b, with sums of i32, a step is the sum of 4 products: of 4 neighbours in a and 4 in b for
    each lane.
    The last loop of the nest is the innermost one and is unrolled. Counts may be run-time values:
    a window clipped by padding. So may the strides of rows and loops: those that are dynamic in the
    attributes are operands, in the order rowStride, aStrides, bStrides.

    b may be of bf16 where sums are of f32. With `blocks` it is of i8, and each run of the innermost loop
    takes the rows of one block; bOffset and the strides of the other loops, in bytes, lead to its begin.

    From the offset `prefetch` in b on, every iteration of the innermost loop fetches the next `prefetches` cache lines
    into the L2 cache. With a `lead` what is read from b is fetched so many cache lines before. Both may be behind the end
    of b.
  }];
  let arguments = (ins MemRefRankOf<[AnyFloat, I8], [1]>:$a, Index:$aOffset,
                       MemRefRankOf<[AnyFloat, I8], [1]>:$b, Index:$bOffset, Variadic<Index>:$counts,
                       Variadic<Index>:$openStrides, Optional<Index>:$prefetch, Variadic<Kern_Vector>:$acc,
                       DenseI64ArrayAttr:$aStrides, DenseI64ArrayAttr:$bStrides, I64Attr:$rowStride,
                       I64Attr:$panelStride, I64Attr:$nv, I64Attr:$unroll, OptionalAttr<Kern_BlocksAttr>:$blocks,
                       DefaultValuedAttr<I64Attr, "0">:$prefetches, DefaultValuedAttr<I64Attr, "0">:$lead);
  let results = (outs Variadic<Kern_Vector>:$results);
  // Nothing is fetched ahead.
  let builders = [OpBuilder<(ins "::mlir::TypeRange":$results, "::mlir::Value":$a, "::mlir::Value":$aOffset,
                                 "::mlir::Value":$b, "::mlir::Value":$bOffset, "::mlir::ValueRange":$counts,
                                 "::mlir::ValueRange":$openStrides, "::mlir::ValueRange":$acc,
                                 "::llvm::ArrayRef<int64_t>":$aStrides, "::llvm::ArrayRef<int64_t>":$bStrides,
                                 "int64_t":$rowStride, "int64_t":$panelStride, "int64_t":$nv, "int64_t":$unroll,
                                 "BlocksAttr":$blocks), [{
    build($_builder, $_state, results, a, aOffset, b, bOffset, counts, openStrides, /*prefetch=*/nullptr, acc, aStrides,
          bStrides, rowStride, panelStride, nv, unroll, blocks, /*prefetches=*/0, /*lead=*/0);
  }]>];
  let assemblyFormat = [{
    $a `[` $aOffset `]` `,` $b `[` $bOffset `]` `counts` `(` $counts `)`
    (`strides` `(` $openStrides^ `)`)? (`prefetch` `[` $prefetch^ `]`)? `acc` `(` $acc `)` attr-dict `:` type($a) `,` type($b) `,` type($acc) `->` type($results)
  }];
  let hasVerifier = 1;
}

#endif
