// The program after memory is planned: steps on memory, symbols and pointers.
#ifndef NNCC_RT_STEPS_TD
#define NNCC_RT_STEPS_TD

include "dialects/rt/RTBase.td"

def RT_Space : I32EnumAttr<"Space", "Where a buffer of the program lives", [
    I32EnumAttrCase<"Input", 0, "input">, I32EnumAttrCase<"Output", 1, "output">,
    I32EnumAttrCase<"Arena", 2, "arena">, I32EnumAttrCase<"Weights", 3, "weights">,
    I32EnumAttrCase<"Pointer", 4, "pointer">]> {
  let cppNamespace = "::nncc::rt";
}

def RT_PlaceAttr : AttrDef<RT_Dialect, "Place"> {
  let mnemonic = "place";
  let summary = "An address that the program knows when it runs";
  let description = [{
    `#rt.place<arena 1 + 128 start affine_map<()[s0] -> (s0 * 4)>>`: `offset` bytes, and `start` over the symbols of the
    program, into an input or output, a slot of the arena, the weights, or what a pointer points to.
  }];
  let parameters = (ins EnumParameter<RT_Space>:$space, "int64_t":$index, "int64_t":$offset,
                        OptionalParameter<"::mlir::AffineMap">:$start);
  let assemblyFormat = "`<` $space $index `+` $offset (`start` $start^)? `>`";
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
    come after operands. An index is the number of an input or output, or of a pointer; in the arena,
    that of an rt.slot where the program has slots.

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

def RT_LoadOp : RT_Op<"load", []> {
  let summary = "Symbols from memory: rt.read with a place";
  let description = [{
    `rt.load i64 #rt.place<arena 0 + 64> as [3] minus [4], "node 'Slice_3': an end"`
  }];
  let arguments = (ins TypeAttr:$element, RT_PlaceAttr:$place, DenseI64ArrayAttr:$symbols,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$minus, StrAttr:$text);
  let assemblyFormat = "$element $place `as` $symbols (`minus` $minus^)? `,` $text attr-dict";
  let hasVerifier = 1;
}

def RT_LimitOp : RT_Op<"limit", []> {
  let summary = "Integers in memory that have to be within limits: rt.within with a place";
  let description = [{
    `rt.limit i64 #rt.place<input 1 + 0> count affine_map<()[s0] -> (s0)> from affine_map<() -> (-8)> to
    affine_map<() -> (7)>, "node 'Gather_0': an index"`: the first `count` elements of type `element` there.
  }];
  let arguments = (ins TypeAttr:$element, RT_PlaceAttr:$place, AffineMapAttr:$count, AffineMapAttr:$low,
                       AffineMapAttr:$high, StrAttr:$text);
  let assemblyFormat = "$element $place `count` $count `from` $low `to` $high `,` $text attr-dict";
  let hasVerifier = 1;
}

def RT_SetOp : RT_Op<"set", []> {
  let summary = "Symbols from other symbols";
  let description = "`rt.set [3, 4] = affine_map<()[s0, s1] -> (0, s1 * 2)>`: all at once, from their old values.";
  let arguments = (ins DenseI64ArrayAttr:$symbols, AffineMapAttr:$values);
  let assemblyFormat = "$symbols `=` $values attr-dict";
  let hasVerifier = 1;
}

def RT_BoundOp : RT_Op<"bound", []> {
  let summary = "Sizes that a run computes must be neither negative nor greater than memory";
  let description = "Ends the run with `text`, and the first size that is.";
  let arguments = (ins AffineMapAttr:$sizes, StrAttr:$text);
  let assemblyFormat = "$sizes `,` $text attr-dict";
}

def RT_AllocateOp : RT_Op<"allocate", []> {
  let summary = "A pointer to new memory, for a value whose size a run computes";
  let description = [{
    `rt.allocate 2 bytes affine_map<()[s0] -> (s0 * 4)>`: from the host's pool (nncc_services.alloc).
  }];
  let arguments = (ins I64Attr:$pointer, AffineMapAttr:$bytes);
  let assemblyFormat = "$pointer `bytes` $bytes attr-dict";
}

def RT_OutputOp : RT_Op<"output", []> {
  let summary = "A pointer to the memory of an output whose sizes a run computes";
  let description = [{
    `rt.output 2 of 0 sizes affine_map<()[s0] -> (s0, 4)>`: the host gives memory for output 0, as its sizes are known
    now (nncc_services.output).
  }];
  let arguments = (ins I64Attr:$pointer, I64Attr:$output, AffineMapAttr:$sizes);
  let assemblyFormat = "$pointer `of` $output `sizes` $sizes attr-dict";
}

def RT_GrowOp : RT_Op<"grow", []> {
  let summary = "More memory behind what a pointer points to";
  let description = [{
    `rt.grow 2 to affine_map<()[s0] -> (s0 * 4 + 4)> keeping affine_map<()[s0] -> (s0 * 4)>`: afterwards, at least so
    many bytes, of which the first ones are as before. The memory of a null pointer has no bytes. It at least doubles.
  }];
  let arguments = (ins I64Attr:$pointer, AffineMapAttr:$bytes, AffineMapAttr:$kept);
  let assemblyFormat = "$pointer `to` $bytes `keeping` $kept attr-dict";
}

def RT_FreeOp : RT_Op<"free", []> {
  let summary = "Gives the memory of a pointer back to the pool; the pointer becomes null";
  let arguments = (ins I64Attr:$pointer);
  let assemblyFormat = "$pointer attr-dict";
}

def RT_PointOp : RT_Op<"point", []> {
  let summary = "A pointer to a place";
  let description = "`rt.point 2 at #rt.place<arena 0 + 64>`; a null pointer without a place.";
  let arguments = (ins I64Attr:$pointer, OptionalAttr<RT_PlaceAttr>:$place);
  let assemblyFormat = "$pointer (`at` $place^)? attr-dict";
}

def RT_WhenOp : RT_Op<"when", [NoTerminator, NoRegionArguments, SingleBlock]> {
  let summary = "Steps that run if a symbol is not 0, and others if it is";
  let arguments = (ins I64Attr:$symbol);
  let regions = (region SizedRegion<1>:$thenRegion, SizedRegion<1>:$elseRegion);
  let assemblyFormat = "$symbol $thenRegion `else` $elseRegion attr-dict";
}

def RT_WhileOp : RT_Op<"while", [NoTerminator, NoRegionArguments, SingleBlock]> {
  let summary = "Steps that run again and again, as long as a symbol is not 0 before them";
  let arguments = (ins I64Attr:$symbol);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$symbol $body attr-dict";
}

#endif
