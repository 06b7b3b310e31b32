// What the program asks of its runtime.
#ifndef NNCC_RT_TD
#define NNCC_RT_TD

include "dialects/rt/Flow.td"
include "dialects/rt/Steps.td"

def RT_DispatchOp : RT_Op<"dispatch", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "One run of a kernel, on whole tensors";
  let description = [{
    ```mlir
    %y = rt.dispatch @kernel(%x, %w) {nodes = "Conv_0;Relu_1"} : (tensor<..>, tensor<..>) -> tensor<..>
    ```
    The kernel is a function in a module of its own, @kernel::@kernel, whose arguments and results
    have the types of the operands and results. Those symbols of the kernel in which sizes are
    expressed have the values `dims`, over the symbols of the program:
    ```mlir
    %y = rt.dispatch @kernel(%x) {dims = affine_map<()[s0, s1] -> (s1, s0 * s1)>} : ...
    ```
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<AnyRankedTensor>:$operands,
                       OptionalAttr<AffineMapAttr>:$dims);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = "$kernel `(` $operands `)` attr-dict `:` functional-type(operands, results)";
}

def RT_SymbolOp : RT_Op<"symbol", [Pure]> {
  let summary = "A size that the program knows when it runs";
  let description = [{
    `%n = rt.symbol 2 : index`: the value of symbol 2 of the function around, see dialects/Sizes.h.
  }];
  let arguments = (ins I64Attr:$number);
  let results = (outs Index:$value);
  let assemblyFormat = "$number attr-dict `:` type($value)";
}

def RT_CheckOp : RT_Op<"check"> {
  let summary = "Sizes that have to fit each other when the program runs";
  let description = [{
    ```mlir
    rt.check affine_map<()[s0, s1] -> (s0 - s1)>, "node '/encoder/Add': add of [batch] and [n] do not fit each other"
    ```
    A run is refused, with this text, unless each expression over the symbols of the program is 0.
  }];
  let arguments = (ins AffineMapAttr:$zeros, StrAttr:$text);
  let assemblyFormat = "$zeros `,` $text attr-dict";
  let hasVerifier = 1;
}

def RT_DimOp : RT_Op<"dim", [Pure]> {
  let summary = "A size that a call hands to its kernel";
  let description = "`%n = rt.dim %call[1] : !llvm.ptr -> index`: nncc_call.dims[1].";
  let arguments = (ins LLVM_AnyPointer:$call, I64Attr:$number);
  let results = (outs Index:$value);
  let assemblyFormat = "$call `[` $number `]` attr-dict `:` type($call) `->` type($value)";
}

def RT_ViewOp : RT_Op<"view", [Pure]> {
  let summary = "The same elements under another shape, or a contiguous part of them";
  let description = [{
    `%y = rt.view %x + 128 : tensor<2x128xf32> -> tensor<128xf32>`: elements from `offset` on, in order. An
    offset that is no constant is `start`, over the symbols of the program:
    ```mlir
    %y = rt.view %x {start = affine_map<()[s0] -> (s0 * 128)>} : tensor<2x?xf32, ..> -> tensor<?xf32, ..>
    ```
    Whatever the symbols are (from 1 on), all of these elements are in the source.
  }];
  let arguments = (ins AnyRankedTensor:$source, DefaultValuedAttr<I64Attr, "0">:$offset,
                       OptionalAttr<AffineMapAttr>:$start);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$source (`+` $offset^)? attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
  let builders = [OpBuilder<(ins "::mlir::Type":$result, "::mlir::Value":$source,
                                 CArg<"uint64_t", "0">:$offset),
                            [{ build($_builder, $_state, result, source, offset, nullptr); }]>];
  let extraClassDeclaration = [{
    /// The first element: a constant or an expression over the symbols of the program.
    ::mlir::AffineExpr getFirst();
  }];
}

def RT_BufferOp : RT_Op<"buffer", [Pure]> {
  let summary = "A buffer that a call hands to its kernel";
  let description = "`%b = rt.buffer %call[1] : !llvm.ptr -> memref<128xf32>`: nncc_call.buffers[1], flat.";
  let arguments = (ins LLVM_AnyPointer:$call, I64Attr:$index);
  let results = (outs MemRefRankOf<[AnyType], [1]>:$buffer);
  let assemblyFormat = "$call `[` $index `]` attr-dict `:` type($call) `->` type($buffer)";
}

def RT_ScratchOp : RT_Op<"scratch", [Pure]> {
  let summary = "A part of the worker's own slice of the scratch memory";
  let description = "`%s = rt.scratch %call, %worker + %offset : !llvm.ptr -> memref<64xf32>`: `offset` in bytes.";
  let arguments = (ins LLVM_AnyPointer:$call, I32:$worker, Index:$offset);
  let results = (outs MemRefRankOf<[AnyType], [1]>:$buffer);
  let assemblyFormat = "$call `,` $worker `+` $offset attr-dict `:` type($call) `->` type($buffer)";
}

def RT_PointerOp : RT_Op<"pointer", [Pure]> {
  let summary = "A pointer to an element of flat memory";
  let description = [{
    `%p = rt.pointer %b[%i] : memref<64xf32> -> !llvm.ptr<1>`, for instructions that take no memory but pointers, of one address
    space. An index is of fewer bits than a pointer where all that a kernel has are small.
  }];
  let arguments = (ins MemRefRankOf<[AnyType], [1]>:$memory, Index:$index);
  let results = (outs LLVM_AnyPointer:$pointer);
  let assemblyFormat = "$memory `[` $index `]` attr-dict `:` type($memory) `->` qualified(type($pointer))";
}

def RT_TeamOp : RT_Op<"team", [Pure]> {
  let summary = "How many workers compute all units of a call together";
  let description = "`%n = rt.team %call : !llvm.ptr -> index`: nncc_call.workers, below 2 where each has units of its own.";
  let arguments = (ins LLVM_AnyPointer:$call);
  let results = (outs Index:$workers);
  let assemblyFormat = "$call attr-dict `:` type($call) `->` type($workers)";
}

def RT_BarrierOp : RT_Op<"barrier"> {
  let summary = "Waits until all workers of the team have come here";
  let description = "`rt.barrier %call : !llvm.ptr`: what they wrote before is seen by all after. Only in a team.";
  let arguments = (ins LLVM_AnyPointer:$call);
  let assemblyFormat = "$call attr-dict `:` type($call)";
}

#endif
