// The passes of the NVPTX target, in pipeline order.
#ifndef NNCC_NVPTX_PASSES
#define NNCC_NVPTX_PASSES

include "mlir/Pass/PassBase.td"

def EmitKernel : Pass<"nncc-nvptx-emit-kernel", "::mlir::ModuleOp"> {
  let summary = "A kernel on tensors -> units on flat buffers, each computed by a block of threads";
  let description = [{
    On the module of one kernel:
    ```mlir
    func.func @k(%x: tensor<64x1000xf32>) -> tensor<64x1000xf32> attributes {rt.kernel} {...}
      -->
    func.func @k(%call: !llvm.ptr) attributes {rt.units = 64, rt.threads = 128, rt.scratch = 0} {
      %x = rt.buffer %call[0] : !llvm.ptr -> memref<64000xf32>
      ...
    }
    ```
    Block b computes unit b; of a kernel that uses scratch units b, b + blocks, ... Its threads share the points of each
    operation: neighbouring threads
    take neighbouring elements of memory, sums over many elements are split between the lanes of a warp or all
    threads of the block. What one operation hands to the next within a unit is in shared memory, or, where that is
    not enough, in the scratch of the call, of which each block has its part. `nvvm.barrier0` stands between what
    writes and what reads; there is none where nothing is handed over.

    A thread computes neighbouring points, as many as 16 bytes have of the largest element, and loads several such
    vectors before it uses them. Buffers of a caller may be aligned to their elements only: a test of the
    addresses chooses between accesses of 16 bytes and of one element. What is read with strides and contiguous in the
    direction of another loop goes through a tile of shared memory first. Sums over what is not contiguous have a part of
    the block for each part of the elements; neighbouring threads have neighbouring sums. An element that a body reads at
    indices which it computes is loaded with its neighbours too, where one index counts with the points and the others
    stay, as in rows of a table.

    Of a group whose operations all run over the same rows, of up to 32 elements for each thread of a warp or block, a row
    stays in registers: it is read once, and sums are handed on without memory, by a warp without a barrier.

    Where 32 bits hold all indices the kernel has the attribute `rt.narrow`: they are lowered to i32 then.

    `kern.contract` is computed in tiles of the result: slices of both operands pass through shared memory, each
    thread has its part of the sums in registers, and loads the next slice while it multiplies this one. From
    `capability` 80 on bytes, f16 and bf16, and f32 where `math` allows it, are multiplied by the lanes of a warp together
    (`nvvm.mma.sync`), and slices are copied asynchronously, several of them ahead. Sums of bytes are exact, products of
    f16 and bf16 too, with sums in f32, and f32 is multiplied as it is unless `math` says otherwise:
    ```
    math     an operand is rounded to                    a sum over a * b is off by
    tf32     11 bits                                     at most 2^-10 of the sum over |a * b|
    bf16x3   16 bits, as the sum of two numbers of bf16  at most 2^-16 of it; infinities become NaN
    ```
    besides what the additions of tensor cores, which are in f32 and may round towards 0, lose.

    Where a contraction of known sizes has too few tiles for all multiprocessors, its reduction is computed in parts,
    each by blocks of its own. A second function, `@k_results`, adds up their sums, always in the same order, and makes
    the results of them; both have `rt.workspace`, the bytes of the buffer behind those of the tensors, in which the
    sums are.

    Up to 16 rows, without a window of several taps, take no longer to multiply than B takes to be read: each thread has
    all rows, neighbouring columns and a part of the reduction, whose elements of B it loads by 16 bytes straight to
    registers, several groups of steps at once; codes become numbers there. The lanes' sums are added by shuffles, and
    those of warps through shared memory, all in a fixed order. Buffers that are not aligned are read in single
    elements. Such products are of f32 whatever `math` is, and of bytes by `dp4a`.

    Shared memory beyond the 48 KiB that every kernel can declare is asked for when the kernel is started: `rt.shared`
    has the bytes. Tiles that need a multiprocessor's registers have `rt.blocks = 1`, the blocks that are on it at a time.

    The remark `plan` of category `nncc-nvptx` has the tile of a block and of a thread or warp, what multiplies, how
    many words of the reduction a slice has, and how many slices are in shared memory; of few rows how many threads share the
    reduction, how many steps a group has, and how many groups are loaded at once. Of attention it has the queries and
    keys of a tile, what multiplies, and how many tiles are in shared memory.

    `kern.attention` is computed in blocks of queries that pass over tiles of keys: scores, largest scores, sums of
    weights and the block's result stay in registers, weights go through shared memory. Rows are copied by 16 bytes where
    they are aligned. f16 and bf16 of a depth up to 256 are multiplied by the lanes of a warp together, from `capability` 80
    on: each warp has 16 queries, tiles of keys and values are copied asynchronously, and weights, rounded, stay in
    registers as well, powers of two by the instruction for them. Elsewhere they are computed as f32. Up to four queries are one
    block whose warps, and lanes in them, have different keys: a few lanes share the row of a key and that of its value,
    which they load by 16 bytes to registers, f16 and bf16 as they are stored. What they have of the result is joined in
    the end. Up to four heads of one query each that have the same keys are queries of one block too.

    Many keys of few queries are split: as many blocks as multiprocessors have room for have whole tiles of them each,
    and leave their largest scores, sums and results in the workspace, which `@k_results` joins, always in the same
    order. Where sizes are open, `rt.units` and `rt.workspace` are expressions of them; of few keys one block makes the
    result, and the second function has no units.

    `kern.window` is computed by threads that have up to four columns of as many channels as 16 bytes hold, with the fewest
    loads and stores of those tiles that leave a block for each multiprocessor: what the windows of several columns share
    is read once. Tiles that see no padding have code without a test of it; in others the nearest column inside is read
    and does not count, so that no load waits for a branch.

    `kern.recurrence` is computed by a block for each direction and some rows, all steps: its threads have the
    products of a unit with a part of the state each, then the cells; states stay in shared memory.

    `kern.argsort` is computed by a block for each row: elements become integers that carry their places and pass through
    a bitonic network, a barrier behind each step; of a long row, whose first few are wanted, only those up to a bound
    that the threads' least ones give. `kern.suppress` has a block for each class, whose threads share the boxes behind
    one that is chosen. `kern.positions` has blocks for up to 32 parts of the mask, each of which counts what is before its
    part; of a thread's 16 elements the marks are the bits of a number, and their sums across the block tell it where its
    places go.

    A kernel with loops that insert single elements, such as a scatter, is one unit: its operations follow each other
    with barriers between them. Where all elements that a loop touches have the number of the iteration at one and
    the same position, threads share its iterations; other such loops are for one thread.
  }];
  let options = [
    Option<"capability", "capability", "int64_t", /*default=*/"70",
           "10 * major + minor of the chip's compute capability">,
    Option<"math", "math", "std::string", /*default=*/"\"f32\"",
           "How products of f32 are computed: f32, tf32 or bf16x3">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect",
                           "::mlir::math::MathDialect", "::mlir::memref::MemRefDialect", "::mlir::NVVM::NVVMDialect",
                           "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect", "::nncc::rt::RTDialect"];
}

def LowerToLLVM : Pass<"nncc-nvptx-lower-to-llvm", "::mlir::ModuleOp"> {
  let summary = "A scheduled kernel for a GPU -> the LLVM dialect";
  let description = [{
    One conversion, as nncc-cpu-lower-to-llvm, and of vectors, since indices may have 32 bits. The call becomes
    parameters, as nncc_launch has them:
    ```mlir
    func.func @k(%call: !llvm.ptr)
      -->   llvm.func @k(%buffer0: !llvm.ptr, ..., %dim0: i64, ..., %scratch: !llvm.ptr, %stride: i64)
                attributes {nvvm.kernel, nvvm.maxntid = array<i32: 128>, rt.buffers = 2, rt.dims = 1}
    ```
    The last two are there where the kernel uses scratch.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

#endif
