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

    Shared memory beyond the 48 KiB that every kernel can declare is asked for when the kernel is started: `rt.shared`
    has the bytes. Tiles that need a multiprocessor's registers have `rt.blocks = 1`, the blocks that are on it at a time.

    The remark `plan` of category `nncc-nvptx` has the tile of a block and of a thread or warp, what multiplies, how
    many words of the reduction a slice has, and how many slices are in shared memory.

    `kern.attention` is computed in blocks of queries that pass over tiles of keys: scores, largest scores, sums of
    weights and the block's result stay in registers, weights go through shared memory. Up to four queries are one
    block whose warps have different keys.

    `kern.recurrence` is computed by a block for each direction and some rows, all steps: its threads have the
    products of a unit with a part of the state each, then the cells; states stay in shared memory.

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
