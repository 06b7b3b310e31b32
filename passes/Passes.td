// The table of contents of the compiler: every pass that is not a target's own, in pipeline order.
#ifndef NNCC_PASSES
#define NNCC_PASSES

include "mlir/Pass/PassBase.td"

//===-- graph: nn -> nn ---------------------------------------------------------------------------===//

class GraphPass<string name> : Pass<name, "::mlir::func::FuncOp"> {
  let dependentDialects = ["::nncc::nn::NNDialect"];
}

def PackBorders : GraphPass<"nncc-pack-borders"> {
  let summary = "Make bytes of arguments and results whose elements have less than a byte";
  let description = [{
    A caller stores such elements packed, the lowest bits first; kernels store one per byte. The declared types
    become attributes:
    ```mlir
    func.func @main(%x: tensor<3x5xi4>)     -->  func.func @main(%x: tensor<8xui8> {nn.type = tensor<3x5xi4>})
                                                   %0 = nn.unpack %x, %shape {to = i4}
    return %y : tensor<3x5xi4>              -->  %1 = nn.pack %y : tensor<8xui8>
    ```
  }];
}

def AppendStates : GraphPass<"nncc-append-states"> {
  let summary = "Collect the states of loops that only grow at their end";
  let description = [{
    A state that the body puts something behind, and uses for nothing else, would be copied in each iteration. It becomes
    one of the results that the loop collects, in memory that grows by doubling:
    ```mlir
    %r = rt.loop counter 1 (%init) {symbols = [2], starts = (s0)} : ... {     %c = rt.loop counter 1 () ... {
    ^bb0(%state: tensor<?x4xf32, (s2, 4)>):                               -->   rt.yield %x
      %next = nn.concat %state, %x {axis = 0}                                 }
      rt.yield %next                                                          %r = nn.concat %init, %c {axis = 0}
    }
    ```
    Sequences that a loop makes (ONNX SequenceInsert, SequenceMap) are such states.
  }];
}

def HoistInvariants : GraphPass<"nncc-hoist-invariants"> {
  let summary = "Compute before a loop what each of its iterations would compute alike";
  let description = [{
    An operation without effects leaves a loop if its operands are from outside, and neither its sizes nor the values it
    states are over symbols that the loop or its body defines. A loop that does not run computes it for nothing.
    ```mlir
    rt.loop .. { %t = nn.transpose %w .. }    -->    %t = nn.transpose %w  rt.loop .. { .. }
    ```
  }];
}

def FoldShapes : GraphPass<"nncc-fold-shapes"> {
  let summary = "Fold the arithmetic on shapes";
  let description = [{
    Sizes, and small integer tensors made of them, are known as expressions through the whole function; what they make
    constant becomes a constant, and types become as static as they can be:
    ```mlir
    %s = nn.shape %x : (tensor<?x64x7x7xf32>) -> tensor<4xi64>
    %c = nn.gather %s, %one {axis = 0}   -->   %c = nn.constant dense<64> : tensor<i64>
    %r = nn.reshape %x, %concat : -> tensor<?x?xf32>   -->   tensor<?x3136xf32>
    ```
  }];
}

def SimplifyGraph : GraphPass<"nncc-simplify-graph"> {
  let summary = "Remove what computes nothing, merge what computes the same";
  let description = [{
    Together with the canonical forms of the operations, until nothing changes; then equal operations become one.
    ```mlir
    %x + 0, %x * 1, %x ^ 1           -->  %x
    %x - c                           -->  %x + (-c)
    %x / 8                           -->  %x * 0.125
    %x * 2 * a                       -->  %x * (2a)
    nn.gather %x, 3 {axis = 1}       -->  a slice and a reshape: views
    nn.transpose (nn.relu (nn.transpose %x))  -->  nn.relu %x, where the transposes cancel
    ```
    Floats are rounded as before: scalars are merged only where one of them is a power of two.
  }];
}

def FuseActivations : GraphPass<"nncc-fuse-activations"> {
  let summary = "Recognise sigmoid, SiLU, hard-sigmoid and hard-swish by their formulas";
  let description = [{
    ```mlir
    %c = clip(%x + 3, 0, 6)       // nn.max and nn.min, nn.relu and nn.min
    %y = %x * %c / 6              -->  nn.hard_swish %x
    %x * nn.sigmoid %x            -->  nn.silu %x
    1 / (1 + exp(-%x))            -->  nn.sigmoid %x
    ```
    Formulas are compared after they are multiplied out: the order of operations and where a constant stands do not matter.
  }];
}

def FormIntegerProducts : GraphPass<"nncc-form-integer-products"> {
  let summary = "Convolve and multiply 8-bit integers in place of the numbers that they stand for";
  let description = [{
    Of an activation with one scale and zero point, and constant symmetric weights with a scale per output channel:
    ```mlir
    %x = nn.dequantize %a, %s, %z                     %p = nn.conv %a, %b : (ui8, i8) -> i32
    %w = nn.dequantize %b, %t, 0                -->   %y = nn.dequantize %p, (%s * %t), (%z * sum %b)
    %y = nn.conv %x, %w
    ```
    and matrix products alike. Sums of integers are exact; what is computed on constants is left to constant evaluation. Signed
    activations and unsigned weights are shifted by 128. Padding that stands for another code than 0, and channels up to a
    multiple of 4, become an nn.pad. Depthwise convolutions sum in f32, which is exact for so few products. Maximum pools take
    codes, and quantizing what was dequantized with the same parameters is nothing. The remarks `Formed` and `NotFormed` tell
    which and why. ONNX QDQ and QOperator models: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference".
  }];
}

def FoldScales : GraphPass<"nncc-fold-scales"> {
  let summary = "Multiply scales of quantized numbers at compile time";
  let description = [{
    Where the order of rounding is open, behind products of integers:
    ```mlir
    %x = nn.dequantize %p, %s, %z                     %x = nn.dequantize %p, (%s / %t), %z
    %y = nn.relu (nn.add %x, %bias)              -->  %y = nn.add %x, (%bias / %t)
    %q = nn.quantize %y, %t, 0                        %q = nn.quantize %y, 1, 0
    ```
    Bounds that saturation has as well are dropped, and what is quantized to be dequantized at once is rounded and bounded as
    floats.
  }];
}

def FuseGelu : GraphPass<"nncc-fuse-gelu"> {
  let summary = "Recognise GELU by its formula";
  let description = [{
    ```mlir
    %x * 0.5 * (1 + nn.erf(%x / 1.41421))                          -->  nn.gelu %x
    0.5 * %x * (1 + nn.tanh(0.79788 * (%x + 0.044715 * %x^3)))     -->  nn.gelu %x {approximate}
    ```
    in every spelling with additions, multiplications, divisions by scalars and integer powers.
  }];
}

def FuseLayerNorm : GraphPass<"nncc-fuse-layer-norm"> {
  let summary = "Recognise layer and RMS normalisation by their formulas";
  let description = [{
    Over the last dims, with the mean, square, root and quotient in every spelling of exporters; equal subexpressions must be
    one value (cse):
    ```mlir
    %d = %x - mean(%x)
    %y = %d / nn.sqrt(mean(%d^2) + 1e-5) * %s + %b   -->  nn.layer_norm %x, %s, %b {axis = -1, epsilon = 1e-5}
    %x * 1 / nn.sqrt(mean(%x^2) + 1e-6) * %s         -->  nn.rms_norm %x, %s {axis = -1, epsilon = 1e-6}
    ```
  }];
}

def FuseSoftmax : GraphPass<"nncc-fuse-softmax"> {
  let summary = "Recognise softmax by its formula";
  let description = [{
    ```mlir
    %e = nn.exp (%x - nn.reduce max %x)
    %y = %e / nn.reduce sum %e   -->  %y = nn.softmax %x
    nn.log (nn.softmax %x)       -->  nn.log_softmax %x
    ```
  }];
}

def FoldBatchNorm : GraphPass<"nncc-fold-batch-norm"> {
  let summary = "Fold batch normalisation, and factors per channel, into the weights before them";
  let description = [{
    ```mlir
    nn.batch_norm %x, ...               -->  %x * a + b
    nn.mul (nn.conv %x, %w), a          -->  nn.conv %x, (%w * a)
    nn.mul (nn.add (nn.conv %x, %w), b), a  -->  nn.add (nn.conv %x, (%w * a)), (a * b)
    ```
    for convolutions, transposed ones and matrix products with constant weights that nothing else uses. a and b, one element per
    channel, are computed in f64; %w * a is left to constant evaluation.
  }];
}

def AssignLayout : GraphPass<"nncc-assign-layout"> {
  let summary = "Choose which activations are channels-last";
  let description = [{
    Convolutions and pools become channels-last. Operations that work in any order take the one for which the fewest bytes are
    converted in the whole function (a minimum cut); the others get their operands in the original order, by one transpose per
    value.
    ```mlir
    %a = nn.conv %x, %w : (tensor<1x3x8x8xf32>, ...) -> tensor<1x16x8x8xf32>
    %b = nn.relu %a
    %c = nn.conv %b, %v
      -->  %t = nn.transpose %x {perm = [0, 2, 3, 1]}
           %a = nn.conv %t, %w {channels_last} -> tensor<1x8x8x16xf32>
           %b = nn.relu %a : tensor<1x8x8x16xf32>
           %c = nn.conv %b, %v {channels_last}
    ```
    Transposes of the model to and from channels-last become the identity. Weights keep their order: packing handles it.
  }];
}

def SplitBatch : GraphPass<"nncc-split-batch"> {
  let summary = "Compute the images of a batch one after the other";
  let description = [{
    Operations from the arguments on that compute each image of a batch for itself move into a loop, if there is a convolution
    among them and what one of them reads and writes of the whole batch does not fit the caches:
    ```mlir
    %c = nn.conv %x, %w : tensor<8x56x56x64xf32>        %y = rt.loop counter 0 () {trip = 8} {
    %y = nn.relu %c                                -->     %i = nn.gather %x, counter
                                                           %c = nn.conv %i, %w : tensor<1x56x56x64xf32>
                                                           rt.yield (nn.relu %c) }
    ```
    Products of few rows per image stay outside: they share each read of their weights. The remark `Split` tells how many images
    are taken at a time.
  }];
  let dependentDialects = ["::nncc::nn::NNDialect", "::nncc::rt::RTDialect"];
  let options = [
    Option<"cacheBytes", "cache-bytes", "int64_t", "8 << 20",
           "bytes that one operation may read and write and find again">];
}

def SplitReductions : GraphPass<"nncc-split-reductions"> {
  let summary = "A reduction that leaves little and reads much -> one of parts, and one of what these leave";
  let description = [{
    For a GPU, whose blocks share nothing: the results of one reduction alone would leave most of it idle.
    ```mlir
    %y = nn.reduce sum %x : (tensor<8x1024x1024xf32>) -> tensor<f32>
      -->
    %p = nn.reshape %x                        // 1x1024x8192x1
    %y = nn.reduce sum (nn.reduce sum %p, 2), 1
    ```
    Sums, means, largest and smallest elements of dims that follow each other; not of numbers of less than 32 bits where the
    results of parts would be rounded. The number of parts depends on the sizes alone, and so does the order of the sums.
  }];
  let dependentDialects = ["::nncc::nn::NNDialect"];
  let options = [
    Option<"results", "results", "int64_t", "528", "results, or rows of them, that are enough">,
    Option<"elements", "elements", "int64_t", "8192", "elements that a part has at least">];
}

def DecomposeConvTranspose : GraphPass<"nncc-decompose-conv-transpose"> {
  let summary = "Transposed convolutions that are channels-last -> convolutions";
  let description = [{
    Along each dim the results of a stride `s` are of s phases; each phase is a convolution with every s-th tap, last one
    first. One convolution computes all of them as channels, which then move to their places; the weights' movement is
    evaluated. Where s does not divide the kernel, phases that have a tap less take a zero.
    ```mlir
    %y = nn.conv_transpose %x, %w {channels_last, strides = [2, 2], ...}
        : (tensor<1x8x8x32xf32>, tensor<32x16x4x4xf32>) -> tensor<1x16x16x16xf32>
      -->  %v = ... %w                          // [2 * 2 * 16, 32, 2, 2]
           %c = nn.conv %x, %v {channels_last, strides = [1, 1], pads = [1, 1, 1, 1]}   // [1, 9, 9, 64]
           %t = nn.transpose (nn.reshape %c)    // [1, 9, 2, 9, 2, 16]
           %y = nn.slice (nn.reshape %t)        // what the pads of the transposed one leave
    ```
  }];
}

def PackWeights : GraphPass<"nncc-pack-weights"> {
  let summary = "Keep weights of matrix products in few bits";
  let description = [{
    Constant matrices of 8- and 4-bit integers that a dequantize turns into floats, with a scale and zero point in common, per
    column, or per column and block of rows, stay integers: kernels convert them in registers, and read 4 to 8 times fewer
    bytes. With `type=bf16` matrices of f32 are rounded to bf16 (relative error 2^-9).
    ```mlir
    %w = nn.dequantize %q, %scale, %zero : (tensor<768x768xi4>, ...) -> tensor<768x768xf32>
    %y = nn.matmul %x, %w   -->   %y = nn.matmul_packed %x, %blocks {bits = 4, block = 32, columns = 768}
    ```
    Refused: weights that something else reads too, products of f64, an odd number of rows of 4 bits.
  }];
  let options = [
    Option<"type", "type", "std::string", "", "bf16: round matrices of f32 to it; empty: leave them">];
}

def EvaluateConstants : Pass<"nncc-evaluate-constants", "::mlir::ModuleOp"> {
  let summary = "Compute operations on constants at compile time";
  let description = [{
    Movement and arithmetic on floats are computed at once. All others of a function become one model, which is compiled by
    the ordinary route and run on this machine:
    ```mlir
    %w = nn.constant dense_resource<..>
    %a = nn.mul %w, %scale
    %b = nn.exp %a            -->  %b = nn.constant dense_resource<evaluated>
    ```
    Left alone: results of more than twice the operands' bytes and a MiB; transposes of weights that only matrix products
    read (packing does them); convolutions and pools.
  }];
  let dependentDialects = ["::nncc::nn::NNDialect"];
}

def FuseAttention : GraphPass<"nncc-fuse-attention"> {
  let summary = "Recognise attention by its formula";
  let description = [{
    ```mlir
    %s = nn.matmul %q, (nn.transpose %k)                 // [.., L, S]
    %w = nn.softmax (%s * 0.125 + %mask) {axis = -1}
    %y = nn.matmul %w, %v    -->  %y = nn.attention %q, %k, %v, %mask {scale = 0.125}
    ```
    Operands are of rank 4, or of rank 3 and become [1, heads, length, size]. The scale may stand, as products and
    quotients with scalars, at the scores, the query, the key or several of them. The mask is added or chosen by:
    where(mask, scores, c), where(mask, c, scores). where(isnan(%w), 0, %w) sets the guard. Keys and values that
    are repeated for several heads, by reshape and expand, are read as they were.

    Refused: scores or weights that something else reads too, f64.
  }];
}

def ApplyPatterns : Pass<"nncc-apply-patterns", "::mlir::ModuleOp"> {
  let summary = "Apply the rewrites of a user's pattern file";
  let description = [{
    Reads PDLL text (`.pdll`, translated by the program `mlir-pdll`) or PDL (`.mlir`):
    ```
    #include "dialects/nn/NNOps.td"
    Pattern { let root = op<nn.relu>(inner: op<nn.relu>(x: Value)); replace root with inner; }
    ```
    Native functions that a file may declare: the constraints `IsConstant(Value)`, `HasOneUse(Value)`,
    `IsSplat(Value, Attr)`, `HasRank(Value, Attr)` and the rewrite `TypeOf(Value) -> Type`.
  }];
  let options = [
    Option<"file", "file", "std::string", "", "the pattern file">,
    ListOption<"include", "include", "std::string", "folders of .td files to #include">];
  let dependentDialects = ["::mlir::pdl::PDLDialect", "::mlir::pdl_interp::PDLInterpDialect",
                           "::nncc::nn::NNDialect"];
}

//===-- kernels: nn -> outlined kernels and a program that dispatches them ------------------------===//

def FormRecurrences : Pass<"nncc-form-recurrences", "::mlir::func::FuncOp"> {
  let summary = "Spell the steps of recurrent layers as kern.recurrence";
  let description = [{
    The formulas of the cell become a region on one element; of the results those that are used stay. Weights are
    packed by a `kern.pack`, a recipe where they are constant:
    ```mlir
    nn.recurrence lstm forward %x, %r {activations = ["sigmoid", "tanh", "tanh"], ...}
      -->  %p = kern.pack %r dims [0, 1, 1, 2, 1] factors [1, 256, 16, 1, 1]
           kern.recurrence ins(%x, %p ...) ... cell { ^bb0(...): ... kern.states %h, %c : f32, f32 }
    ```
  }];
  let dependentDialects = ["::nncc::kern::KernDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def FormContractions : Pass<"nncc-form-contractions", "::mlir::func::FuncOp"> {
  let summary = "Spell convolutions, matrix products, attention and pools as kern.contract, kern.attention and kern.window";
  let description = [{
    Convolutions and pools must be channels-last (nncc-assign-layout). Constant weights are packed by a
    `kern.pack`, a recipe that is executed while the weights are written:
    ```mlir
    nn.conv %x, %w {channels_last, ...}
      -->  %p = kern.pack %w dims [0, 2, 3, 1, 0] factors [16, 1, 1, 1, 1]
           kern.contract packed ins(%x, %p) ... { ^bb0(%acc: f32): kern.yield %acc : f32 }
    ```
    Attention of up to 8 queries becomes products of matrices and a soft-max, each a kernel, where it has more than
    `few-keys` keys, no grouped heads and is not causal: on a processor that is faster. A GPU has to start each kernel,
    and one of attention on it is a block for each head: it is slower only where there are thousands of keys.
    Contractions compute in f32, or f64 where the model says so. Those of f16 and bf16 take and give these: what multiplies
    them, and whether they are converted before, is up to the target. Attention computes in f32, and from `halves-from`
    queries on takes and gives f16 and bf16 too.
    ```mlir
    nn.matmul %x, %w : f16   -->   kern.contract plain ins(%x, %w : tensor<..xf16>, ..) outs(.. : tensor<..xf16>) ...
                                   { ^bb0(%acc: f32): %r = arith.truncf %acc; kern.yield %r : f16 }
    ```
  }];
  let options = [
    Option<"fewKeys", "few-keys", "int64_t", /*default=*/"0",
           "Keys up to which an attention of few queries stays one kernel">,
    Option<"halvesFrom", "halves-from", "int64_t", /*default=*/"0",
           "Queries from which an attention of f16 or bf16 multiplies these as they are; 0: none does">
  ];
  let dependentDialects = ["::nncc::kern::KernDialect", "::mlir::tensor::TensorDialect", "::mlir::arith::ArithDialect"];
}

def FuseEpilogue : Pass<"nncc-fuse-epilogue", "::mlir::func::FuncOp"> {
  let summary = "Inline elementwise consumers into the region of a contraction or window";
  let description = [{
    Scalars are inlined, nothing is tiled; other operands of the consumer become extras:
    ```mlir
    %c = kern.contract ... { ^bb0(%acc): kern.yield %acc }
    %r = nn.relu %c
      -->  kern.contract ... { ^bb0(%acc): %m = relu(%acc); kern.yield %m }
    ```
    Refused, with a remark: a contraction that is used elsewhere too, a consumer that changes the shape.
  }];
  let dependentDialects = ["::nncc::kern::KernDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect"];
}

def FormKernels : Pass<"nncc-form-kernels", "::mlir::ModuleOp"> {
  let summary = "Outline groups of operations into kernels; leave a program of dispatches";
  let description = [{
    A kernel is a contraction or window, or a group of other operations that share their outer dims, with the
    elementwise operations that fuse into it. Each becomes a function in a module of its own:
    ```mlir
    %y = kern.contract ...   -->   %y = rt.dispatch @contract_0(%x, %w) {nodes = "Conv_0;Relu_1"}
                                   module @contract_0 { func.func @contract_0(..) attributes {rt.kernel} {..} }
    ```
    Small constants move into the kernel. Reshapes between kernels stay in the program: they are views.
  }];
  let dependentDialects = ["::nncc::kern::KernDialect", "::nncc::rt::RTDialect", "::mlir::tensor::TensorDialect"];
}

def MergeKernels : Pass<"nncc-merge-kernels", "::mlir::ModuleOp"> {
  let summary = "Keep one of several identical kernels";
  let description = [{
    The layers of a transformer dispatch the same kernels with other weights: each is compiled once.
  }];
  let dependentDialects = ["::nncc::rt::RTDialect"];
}

def LowerNN : Pass<"nncc-lower-nn", "::mlir::func::FuncOp"> {
  let summary = "Lower the nn operations of a kernel by their own lower()";
  let description = [{
    ```mlir
    %s = nn.softmax %x {axis = 1 : i64}   -->   linalg.generic ..., linalg.generic ...
    ```
    Constants become arith.constant; elements get their storage types. Sizes
    that are known when the program runs are arithmetic on rt.symbol.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
                           "::mlir::tensor::TensorDialect", "::nncc::kern::KernDialect",
                           "::nncc::rt::RTDialect"];
}

//===-- program: between kernels ------------------------------------------------------------------===//

def PlanMemory : Pass<"nncc-plan-memory", "::mlir::ModuleOp"> {
  let summary = "Give every tensor of the program its place";
  let description = [{
    Results of the model are written where the caller wants them; views share the place of their source;
    everything else is packed by offset into one arena, by liveness, in the best of several orders:
    ```mlir
    %y = rt.dispatch @k(%x, %w)  -->  rt.run @k spaces [0, 3, 2] indices [0, 0, 0] offsets [0, 4096, 128]
    ```
    The module gets `rt.arena_size` and `rt.weights_size` (bytes), and `rt.live_size`: the most bytes of values that live
    at the same time, which no arena can be smaller than (the remark `Packed` tells both). Constants and packing recipes
    that are used keep their `rt.offset` and stay as operations; the results' types and names become attributes of the
    function.

    Where a size in the arena is no constant, the offsets are none either, only the order is: that of the same packing for
    nominal sizes. Two slots that live at the same time stay in it whatever the sizes are, so that a few maxima give all
    offsets when the program runs:
    ```mlir
    %a = rt.dispatch @k(%x) {dims = affine_map<()[s0] -> (s0)>} : .. -> tensor<?x8xf32, affine_map<()[s0] -> (s0, 8)>>
    %y = rt.dispatch @l(%a) {dims = affine_map<()[s0] -> (s0)>} ..
      -->  rt.slot 0 bytes affine_map<()[s0] -> ((s0 * 32 + 63) floordiv 64 * 64 + 64)>
           rt.run @k spaces [0, 2] indices [0, 0] offsets [0, 0] {dims = affine_map<()[s0] -> (s0)>}
           rt.run @l spaces [2, 1] indices [0, 0] offsets [0, 0] {dims = affine_map<()[s0] -> (s0)>}
    ```
    There is no `rt.arena_size` and `rt.live_size` then. The function gets `rt.sizes`: all sizes, in elements and bytes, that must be
    neither negative nor greater than memory.
  }];
  let dependentDialects = ["::nncc::rt::RTDialect"];
}

//===-- verify: what each stage promises to the next ----------------------------------------------===//

def VerifyGraph : Pass<"nncc-verify-graph", "::mlir::ModuleOp"> {
  let summary = "Check what stages import and graph promise";
  let description = [{
    The model is one function of one block, of nn operations on tensors whose number of dims is known. The sizes of
    its values are over symbols that `nn.dims` names, which may be empty names.
  }];
}

def VerifyKernels : Pass<"nncc-verify-kernels", "::mlir::ModuleOp"> {
  let summary = "Check what stage kernels promises";
  let description = [{
    The program holds rt.dispatch, rt.view, constants and packing recipes, nothing that computes; kernels are functions
    in modules of their names and hold no nn operation. Anything else is an error at its ONNX node.
  }];
}

def VerifySchedule : Pass<"nncc-verify-schedule", "::mlir::ModuleOp"> {
  let summary = "Check what stage schedule promises";
  let description = [{
    The program is as after stage kernels. Kernels are loops and vectors on the buffers of a call, without allocations;
    they say their units and scratch memory and ask for no more sizes and buffers than each dispatch gives them.
  }];
}

def VerifyProgram : Pass<"nncc-verify-program", "::mlir::ModuleOp"> {
  let summary = "Check what stage program promises";
  let description = [{
    Every rt.run names a scheduled kernel, gives it all the sizes and buffers that it asks for, and has its buffers
    inside of the arena and the weights; no tensor is left without a place. Weights have places of their own. Sizes are
    over symbols that `nn.dims` of the program names and that the arguments give. Every result has a name and a type
    that a caller can store.
  }];
}

def VerifyTarget : Pass<"nncc-verify-target", "::mlir::ModuleOp"> {
  let summary = "Check what stage target promises";
  let description = [{
    Kernels are in the LLVM dialect alone: a whitelist, for conversions can leave operations behind silently. Their
    functions have the type of nncc_kernel_fn.
  }];
}

#endif
