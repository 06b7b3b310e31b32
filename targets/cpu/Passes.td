// The passes of the CPU target, in pipeline order.
#ifndef NNCC_CPU_PASSES
#define NNCC_CPU_PASSES

include "mlir/Pass/PassBase.td"

def ApplyTuning : Pass<"nncc-cpu-apply-tuning", "::mlir::ModuleOp"> {
  let summary = "Plans that were measured -> the contractions that they are for";
  let description = [{
    Attaches to each contraction without a plan the one that tuning files, which `nncc tune` writes, have for its
    problem on this processor:
    ```
    sapphirerapids/32x64/dot512 | kern.contract (tensor<4x8xf32>, ...) {...} {...} | threads 2 | #kern.plan<rows = 4, ...> | gain 1.120
    ```
    Of several ones the last one counts. The remark `tuning` (category `nncc-cpu`) tells the plan, or why it is not
    taken: numbers of which no kernel can be made, an algorithm that `winograd` excludes. The remark `tuning-unused`
    counts lines of other processors and of problems that are not in the module.
  }];
  let options = [
    ListOption<"files", "files", "std::string", "tuning files, in order">,
    Option<"processor", "processor", "std::string", "\"\"", "whose plans are taken">,
    Option<"winograd", "winograd", "std::string", "\"auto\"", "the mode of nncc-cpu-plan-winograd">,
    Option<"registers", "registers", "int64_t", "32", "vector registers of the machine">,
    Option<"registerBytes", "register-bytes", "int64_t", "64", "size of a vector register">];
  let dependentDialects = ["::nncc::kern::KernDialect"];
}

def PlanWinograd : Pass<"nncc-cpu-plan-winograd", "::mlir::func::FuncOp"> {
  let summary = "Choose the 3x3 convolutions that Winograd's algorithm computes faster";
  let description = [{
    Attaches a `#kern.winograd` plan, F(2x2, 3x3) or F(4x4, 3x3), to each contraction of a 3x3 window, of stride and
    dilation 1, in one group, of f32 and of constant sizes, where a cost model finds it cheaper than nine products:
    ```mlir
    kern.contract packed ins(%a, %w) ... strides [1, 1] ...
      -->   ... attributes {plan = #kern.winograd<tile = 4, unit_tiles = 28, ...>}
    ```
    The model counts multiplications, with those of tiles that reach over the image's end, the transforms of each
    tile, of the weights and of the result, and what passes the L2 cache, for each way to divide tiles, columns and K.
    The remark `winograd` (category `nncc-cpu`) tells its estimates, in thousands of cycles, and the choice. Direct
    convolutions have no error beyond that of their sums; tiles of 4x4 about twice that (see `Winograd.h`).
  }];
  let options = [
    Option<"mode", "mode", "std::string", "\"auto\"", "auto, off, or the tile of all that it can compute: 2, 4">,
    Option<"threads", "threads", "int64_t", "0", "threads that share the units; 0: 4 are assumed">,
    Option<"registers", "registers", "int64_t", "32", "vector registers of the machine">,
    Option<"registerBytes", "register-bytes", "int64_t", "64", "size of a vector register">,
    Option<"l2Bytes", "l2-bytes", "double", "2097152", "size of the L2 cache">];
  let dependentDialects = ["::nncc::kern::KernDialect"];
}

def PlanContract : Pass<"nncc-cpu-plan-contract", "::mlir::func::FuncOp"> {
  let summary = "Choose tile, blocks and order of each kern.contract";
  let description = [{
    Attaches a `#kern.plan` chosen by a cost model to each contraction that has none:
    ```mlir
    kern.contract packed ins(%a, %w) ...   -->   ... attributes {plan = #kern.plan<rows = 14, panels = 2, ...>}
    ```
    The remark `plan` (category `nncc-cpu`) tells the plan and the size of the matrix product. The options are what
    the model knows of the processor (see `MachineFacts.h`).
  }];
  let options = [
    Option<"threads", "threads", "int64_t", "0", "threads that share the units; 0: 4 are assumed">,
    Option<"registers", "registers", "int64_t", "32", "vector registers of the machine">,
    Option<"registerBytes", "register-bytes", "int64_t", "64", "size of a vector register">,
    Option<"fmas", "fmas", "double", "2", "vector multiply-adds that begin in a cycle">,
    Option<"loads", "loads", "double", "2", "vectors loaded from the L1 cache in a cycle">,
    Option<"fmaLatency", "fma-latency", "double", "4", "cycles of a multiply-add">,
    Option<"l1Bytes", "l1-bytes", "double", "49152", "size of the L1 data cache">,
    Option<"l2Bytes", "l2-bytes", "double", "2097152", "size of the L2 cache">,
    Option<"l2Rate", "l2-rate", "double", "48", "bytes from the L2 cache in a cycle">];
  let dependentDialects = ["::nncc::kern::KernDialect"];
}

def PlanAttention : Pass<"nncc-cpu-plan-attention", "::mlir::func::FuncOp"> {
  let summary = "Choose tiles and units of each kern.attention";
  let description = [{
    Attaches a `#kern.attention_plan` to each attention that has none:
    ```mlir
    kern.attention ins(%q, %k, %v ...) ... {scale = 0.125 : f32}
      -->   ... {plan = #kern.attention_plan<queries = 2, keys = 12, key_block = 192, rows = 8, panels = 2, ...>, ...}
    ```
    Blocks of keys are such that scores stay in the L1 cache. The remark `plan` (category `nncc-cpu`) tells the plan,
    and the numbers of queries and keys. The options are what the model knows of the processor (see `MachineFacts.h`).
  }];
  let options = [
    Option<"threads", "threads", "int64_t", "0", "threads that share the units; 0: 4 are assumed">,
    Option<"registers", "registers", "int64_t", "32", "vector registers of the machine">,
    Option<"registerBytes", "register-bytes", "int64_t", "64", "size of a vector register">,
    Option<"fmas", "fmas", "double", "2", "vector multiply-adds that begin in a cycle">,
    Option<"loads", "loads", "double", "2", "vectors loaded from the L1 cache in a cycle">,
    Option<"fmaLatency", "fma-latency", "double", "4", "cycles of a multiply-add">,
    Option<"l1Bytes", "l1-bytes", "double", "49152", "size of the L1 data cache">];
  let dependentDialects = ["::nncc::kern::KernDialect"];
}

def PlanRecurrence : Pass<"nncc-cpu-plan-recurrence", "::mlir::func::FuncOp"> {
  let summary = "Choose tiles and units of each kern.recurrence";
  let description = [{
    Attaches a `#kern.recurrence_plan` to each recurrence that has none:
    ```mlir
    kern.recurrence ins(%x, %r ...) ...
      -->   ... attributes {plan = #kern.recurrence_plan<unit_rows = 2, rows = 8, tile_rows = 8, sums = 26, team = 4>}
    ```
    Workers share the steps of large layers, of 256 KiB of weights and more in a direction, where there are few rows.
    The remark `plan` (category `nncc-cpu`) tells the plan, and the numbers of rows and units.
  }];
  let options = [
    Option<"threads", "threads", "int64_t", "0", "threads that share the units; 0: 4 are assumed">,
    Option<"registers", "registers", "int64_t", "32", "vector registers of the machine">,
    Option<"registerBytes", "register-bytes", "int64_t", "64", "size of a vector register">];
  let dependentDialects = ["::nncc::kern::KernDialect"];
}

def WidenHalves : Pass<"nncc-cpu-widen-halves", "::mlir::ModuleOp"> {
  let summary = "Contractions of f16 and bf16 -> ones of f32, behind kernels that convert their operands";
  let description = [{
    A processor multiplies f32. Each operand of a contraction of floats of 16 bits is converted once in a run, by a kernel
    of its own:
    ```mlir
    %1 = rt.dispatch @contract_0(%0, ...)   // kern.contract ins(.. : tensor<64x32xf16>, ..)
      -->
    %2 = rt.dispatch @widen_0(%0) : (tensor<64x32xf16>) -> tensor<64x32xf32>
    %1 = rt.dispatch @contract_0(%2, ...)   // kern.contract ins(.. : tensor<64x32xf32>, ..)
    ```
    Results, and what epilogues read, stay as they are, but for a result in which sums wait between blocks of a reduction of
    open depth: it becomes one of f32, and a kernel of its own narrows it. Packed weights of bf16 of a matrix product of few rows do too: they
    are converted in registers.
  }];
  let dependentDialects = ["::nncc::kern::KernDialect", "::nncc::rt::RTDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::arith::ArithDialect"];
}

def FuseBands : Pass<"nncc-cpu-fuse-bands", "::mlir::ModuleOp"> {
  let summary = "A window and the contractions before and behind it -> one kernel, by bands of rows";
  let description = [{
    Where nothing else reads what they hand to each other, a contraction, the depthwise convolution or pooling of its
    result, and a contraction over the channels of that become one kernel, whose units are bands of rows of one image:
    ```mlir
    %1 = rt.dispatch @contract_4(%0, ...)   // 1x1 -> 112x112x96
    %2 = rt.dispatch @window_5(%1, ...)     // 3x3, stride 2
    %3 = rt.dispatch @contract_6(%2, ...)   // 1x1
      -->
    %3 = rt.dispatch @bands_0(%0, ...)
    func.func @bands_0(...) attributes {kern.band_rows = 7 : i64, rt.kernel} {
      %1 = kern.contract ...; %2 = kern.window ...; %3 = kern.contract ...
    ```
    What lies between them stays in a worker's scratch, `kern.band_rows` rows of the last result at a time, and the
    rows around these that its window sees, which the bands beside compute as well. The plans of the contractions
    become ones whose tiles end with the rows of an image.

    In mode `auto` a cost model decides, for the two and for the three of them: what a tensor costs that does not stay
    in the L2 cache, against rows that are computed twice, worse register tiles, and bands that do not divide among
    the threads. `always` takes as many of them as is possible, in the best bands, `off` none. `rows` sets the rows of all bands.
    Contractions of images and windows over them of known sizes can be fused, with packed weights; not with
    Winograd's algorithm.

    The remark `bands` (category `nncc-cpu`), at each window that could be fused, tells which operations were, the rows
    of a band, its scratch, the percentage of rows that are computed twice, and the cycles gained, in thousands.
  }];
  let options = [
    Option<"mode", "mode", "std::string", "\"auto\"", "auto, off or always">,
    Option<"rows", "rows", "int64_t", "0", "of each band; 0: chosen">,
    Option<"threads", "threads", "int64_t", "0", "threads that share the units; 0: 4 are assumed">,
    Option<"registers", "registers", "int64_t", "32", "vector registers of the machine">,
    Option<"registerBytes", "register-bytes", "int64_t", "64", "size of a vector register">,
    Option<"fmas", "fmas", "double", "2", "vector multiply-adds that begin in a cycle">,
    Option<"loads", "loads", "double", "2", "vectors loaded from the L1 cache in a cycle">,
    Option<"fmaLatency", "fma-latency", "double", "4", "cycles of a multiply-add">,
    Option<"l1Bytes", "l1-bytes", "double", "49152", "size of the L1 data cache">,
    Option<"l2Bytes", "l2-bytes", "double", "2097152", "size of the L2 cache">,
    Option<"l2Rate", "l2-rate", "double", "48", "bytes from the L2 cache in a cycle">];
  let dependentDialects = ["::nncc::kern::KernDialect", "::nncc::rt::RTDialect"];
}

def EmitKernel : Pass<"nncc-cpu-emit-kernel", "::mlir::func::FuncOp"> {
  let summary = "A kernel on tensors -> loops over units on flat buffers";
  let description = [{
    The function `(tensors) -> tensors`, marked `rt.kernel`, becomes
    `(%call: !llvm.ptr, %begin: index, %end: index, %worker: i32) -> i32` with the attributes
    `rt.units` (iterations of its parallel loop) and `rt.scratch` (bytes per worker): an i64, or where sizes are known
    at run time only an affine_map<()[s..] -> (expression)> over the kernel's symbols. `rt.team`, an i64, is there where
    up to so many workers can compute all units together (`rt.team`, `rt.barrier`). Buffers come from `rt.buffer`:
    arguments first, then results. Symbols come from `rt.dim`; one that is 0 makes empty tensors, of which nothing is
    read or written.

    What is computed for whole rows, is reduced along them, and then becomes the result element by element, such as the
    powers of a soft-max, is kept where the result will be; other intermediates are in registers or scratch. While such
    rows are computed by functions that take dozens of instructions, the next row's lines are fetched.

    Soft-max and log-soft-max of a row that does not fit into the L1 cache beside its result run block by block, with the
    maximum so far, so that the row is read from further away once: see `OnlineSoftmax.h`. A length that is open counts
    as if each symbol were 64.

    `kern.argsort` is a merge sort, `kern.suppress` compares each box with those that are chosen already.

    A kernel with `kern.band_rows` is a window with a contraction before or behind it, or both: see
    `nncc-cpu-fuse-bands`. Any other has one root.

    Kernels of products and recurrences take numbers below 2^-126 for zero while they run, where `flush-denormals`
    names the register that makes the processor do so: see `FloatControl.h`. With `byte-windows` depthwise windows of
    bytes, with `byte_weights`, sum up the taps of a column in one instruction: see `ByteWindow.h`.
  }];
  let options = [
    Option<"flushDenormals", "flush-denormals", "std::string", "\"none\"", "none, mxcsr (x86-64) or fpcr (AArch64)">,
    Option<"byteWindows", "byte-windows", "bool", "false", "whether the machine has VPDPBUSD and VPERMB on 512 bits">,
    Option<"l1Bytes", "l1-bytes", "double", "49152", "size of the L1 data cache">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
                           "::mlir::LLVM::LLVMDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect",
                           "::nncc::kern::KernDialect", "::nncc::rt::RTDialect"];
}

def LowerBrgemm : Pass<"nncc-cpu-lower-brgemm", "::mlir::func::FuncOp"> {
  let summary = "kern.brgemm -> scf.for over vector.fma, or over dot products of bytes";
  let description = "The accumulators are loop-carried vectors and so stay in registers.";
  let options = [
    Option<"dotBits", "dot-bits", "int64_t", "0",
           "bits of the registers that have `dot`; 0: products of bytes are made by VPMADDWD or the like">,
    Option<"dot", "dot", "std::string", "\"vpdpbusd\"",
           "vpdpbusd, or of AArch64 usdot or sdot: see DotProduct.h">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect",
                           "::mlir::LLVM::LLVMDialect"];
}

def PackBytes : Pass<"nncc-cpu-pack-bytes", "::mlir::func::FuncOp"> {
  let summary = "Bytes made of floats are packed with saturation, and neighbours stored at once";
  let description = [{
    Codes of `nn.quantize` are bounded, rounded, converted and truncated; x86-64 has instructions that narrow two
    registers of integers into one with saturation, which leaves only the upper bound to do: a number that is no i32
    becomes the least one, as it is right for NaN and what is too small. Up to `pack-bits` / 128 stores of 16 bytes
    with no other access to memory between them are packed at once; what neighbours store becomes one:
    ```mlir
    vector.store %x, %c[%i] : memref<64xi8>, vector<16xi8>
    vector.store %y, %c[%i + 16] : memref<64xi8>, vector<16xi8>
      -->   cvtps2dq, packssdw, packuswb, vector.shuffle
            vector.store %xy, %c[%i] : memref<64xi8>, vector<32xi8>
    ```
    The results are the same, for all numbers. Zero points are added between the two steps of narrowing.
  }];
  let options = [
    Option<"packBits", "pack-bits", "int64_t", "0",
           "bits of the registers that have PACKSSDW and PACKUSWB; 0: none, and nothing is done">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::vector::VectorDialect",
                           "::mlir::LLVM::LLVMDialect"];
}

def ApproximateMath : Pass<"nncc-cpu-approximate-math", "::mlir::func::FuncOp"> {
  let summary = "Polynomials in place of calls into libm";
  let description = [{
    Expands functions of f32, on scalars and vectors of any length, into arithmetic:
    ```mlir
    %y = math.exp %x : vector<16xf32>   -->   fma, shifts and selects on vector<16xf32>
    ```
    Errors are at most, in units in the last place, for any argument; each with an argument that comes within a tenth
    of the bound. `test/targets/cpu/check_math.py` measures them.

    | function | error | at |
    |---|---|---|
    | exp | 1.7 | -0x1.4cb6c6p+3 |
    | exp_normal | 4.7 | -0x1.57cdf6p+6 |
    | exp2 | 1.1 | -0x1.d4c266p-2 |
    | expm1 | 1.5 | 0x1.0fc688p+4 |
    | log | 0.85 | 0x1.4865bcp-1 |
    | log2 | 1.15 | 0x1.67ff02p+0 |
    | log10 | 1.25 | 0x1.5202aap+0 |
    | log1p | 2.6 | 0x1.0155f2p+24 |
    | sinh | 2.3 | -0x1.f156eap-5 |
    | cosh | 1.55 | 0x1.241050p+2 |
    | tanh | 5.0 | 0x1.01656ap+2 |
    | pow | 0.55 | 0x1.6a901cp-2, -0x1.3dc418p+6 |
    | sin | 2.0 | 0x1.f9e52p+19 |
    | cos | 1.85 | 0x1.e506fp+19 |
    | tan | 3.9 | 0x1.f55c02p+1 |
    | asin | 7.6 | 0x1.ffe956p-1 |
    | acos | 1.2 | 0x1.231d62p-1 |
    | atan | 1.45 | 0x1.a66244p+0 |
    | asinh | 2.7 | -0x1.fd05cep-2 |
    | acosh | 3.0 | 0x1.07cbc8p+0 |
    | atanh | 3.1 | -0x1.fe5e84p-8 |
    | erf | 1.6 | 0x1.f7af9cp-1 |
    | erfc | 3.5 | 0x1.a0b89ep-1 |

    NaN, infinities, signed zeros, overflow and results below the normal numbers are as in C.
    `exp_normal` is `math.exp` with the flags `ninf` and `afn`, for arguments that are not positive, as in a
    soft-max: 12 steps; results below 2^-126 may be 0. With `afn` alone results below e^-87 are e^-87: for
    sums in which both are lost.
    Sine, cosine and tangent are exact in their reduction of any argument; above 2^20 they take a
    slower branch. `arith.fptosi` of `math.roundeven` is `llvm.lrint`. `arith.maximumf` with the
    flag `nnan` is the larger number, or the second one beside a NaN. Functions of f64 and those not listed are left
    to LLVM and libm, element by element.
  }];
  let options = [
    Option<"lrint", "lrint", "bool", "true", "whether the target has `llvm.lrint`, which GPUs do not">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::LLVM::LLVMDialect", "::mlir::scf::SCFDialect",
                           "::mlir::vector::VectorDialect"];
}

def LowerToLLVM : Pass<"nncc-cpu-lower-to-llvm", "::mlir::ModuleOp"> {
  let summary = "A scheduled kernel -> the LLVM dialect";
  let description = [{
    One conversion for arith, cf, func, index, math, memref and rt: `rt.buffer` and `rt.scratch` become loads from
    nncc_call. Structured control flow and vectors are lowered before. What has no
    LLVM form is an error: nothing unknown reaches the translation.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif
