// What the program asks of its runtime.
#ifndef NNCC_RT_TD
#define NNCC_RT_TD

include "mlir/Dialect/LLVMIR/LLVMTypes.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def RT_Dialect : Dialect {
  let name = "rt";
  let cppNamespace = "::nncc::rt";
  let summary = "What the program asks of its runtime";
}

class RT_Op<string mnemonic, list<Trait> traits = []> : Op<RT_Dialect, mnemonic, traits>;

def RT_Space : I32EnumAttr<"Space", "Where a buffer of the program lives", [
    I32EnumAttrCase<"Input", 0, "input">, I32EnumAttrCase<"Output", 1, "output">,
    I32EnumAttrCase<"Arena", 2, "arena">, I32EnumAttrCase<"Weights", 3, "weights">]> {
  let cppNamespace = "::nncc::rt";
}

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
    rt.check affine_map<()[s0, s1] -> (s0 - s1)>, "node '/encoder/Add': add of [batch], [n]"
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

def RT_SlotOp : RT_Op<"slot", []> {
  let summary = "A part of the arena in a program with sizes that are not constant";
  let description = [{
    ```mlir
    rt.slot 0 bytes 4160
    rt.slot 1 bytes affine_map<()[s0] -> (s0 * 256 + 64)> above [0]
    ```
    Slots are numbered from 0, in their order in the function. A slot begins where the highest of the slots in
    `above`, which have lower numbers, ends, and at 0 where there is none. `bytes` is an i64 or an expression over
    the symbols of the program, always a multiple of 64.
  }];
  let arguments = (ins I64Attr:$number, AnyAttrOf<[I64Attr, AffineMapAttr]>:$bytes,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$above);
  let assemblyFormat = "$number `bytes` $bytes (`above` $above^)? attr-dict";
  let hasVerifier = 1;
}

def RT_RunOp : RT_Op<"run", []> {
  let summary = "One run of a kernel, on places that the memory plan has chosen";
  let description = [{
    ```mlir
    rt.run @kernel spaces [0, 3, 2] indices [0, 0, 0] offsets [0, 4096, 128] {nodes = ".."}
    ```
    `spaces`, `indices` and `offsets` (bytes) say where each argument of the kernel lives; results
    come after operands. An index is the number of an input or output; in the arena, that of an
    rt.slot where the program has slots.

    In a program with sizes that are not constant, `dims` are the values of the kernel's symbols,
    as of an rt.dispatch, and `starts`, one per buffer, is added to the offsets.
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, DenseI32ArrayAttr:$spaces,
                       DenseI64ArrayAttr:$indices, DenseI64ArrayAttr:$offsets,
                       OptionalAttr<AffineMapAttr>:$dims, OptionalAttr<AffineMapAttr>:$starts);
  let assemblyFormat = "$kernel `spaces` $spaces `indices` $indices `offsets` $offsets attr-dict";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// An expression over the kernel's symbols, over those of the program; null where `dims` does
    /// not have them all.
    ::mlir::AffineExpr inProgram(::mlir::AffineExpr size);
  }];
}

#endif
