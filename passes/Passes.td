// The table of contents of the compiler: every pass that is not a target's own, in pipeline order.
#ifndef NNCC_PASSES
#define NNCC_PASSES

include "mlir/Pass/PassBase.td"

//===-- graph: nn -> nn ---------------------------------------------------------------------------===//

//===-- kernels: nn -> outlined kernels and a program that dispatches them ------------------------===//

def FormContractions : Pass<"nncc-form-contractions", "::mlir::func::FuncOp"> {
  let summary = "Spell convolutions, matrix products and pools as kern.contract and kern.window";
  let description = [{
    Convolutions and pools must be channels-last (nncc-assign-layout). Constant weights are packed by a
    `kern.pack`, a recipe that is executed while the weights are written:
    ```mlir
    nn.conv %x, %w {channels_last, ...}
      -->  %p = kern.pack %w dims [0, 2, 3, 1, 0] factors [16, 1, 1, 1, 1]
           kern.contract packed ins(%x, %p) ... { ^bb0(%acc: f32): kern.yield %acc : f32 }
    ```
  }];
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
    Constants become arith.constant; unsigned integers keep only their bits (tensor.bitcast).
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
                           "::mlir::math::MathDialect", "::mlir::tensor::TensorDialect"];
}

//===-- program: between kernels ------------------------------------------------------------------===//

def PlanMemory : Pass<"nncc-plan-memory", "::mlir::ModuleOp"> {
  let summary = "Give every tensor of the program its place";
  let description = [{
    Results of the model are written where the caller wants them; views share the place of their source;
    everything else is packed by offset into one arena, by liveness, largest first:
    ```mlir
    %y = rt.dispatch @k(%x, %w)  -->  rt.run @k spaces [0, 3, 2] indices [0, 0, 0] offsets [0, 4096, 128]
    ```
    The module gets `rt.arena_size` and `rt.weights_size` (bytes); constants and packing recipes that are used
    keep their `rt.offset` and stay as operations; the results' types and names become attributes of the function.
  }];
  let dependentDialects = ["::nncc::rt::RTDialect"];
}

#endif
