// Control flow and the sizes that a run computes, from import until memory is planned.
#ifndef NNCC_RT_FLOW_TD
#define NNCC_RT_FLOW_TD

include "dialects/rt/RTBase.td"

def RT_ReadOp : RT_Op<"read"> {
  let summary = "Sizes that a run computes";
  let description = [{
    ```mlir
    rt.read %n as [3, 4], "node '/NonZero': a size" : tensor<2xi64>
    rt.read %ends as [5] minus [6], "node '/Slice': an end" : tensor<1xi64>
    ```
    From here on, the elements of an integer tensor of known size are expressions over symbols of the program, which
    this defines. Symbols are never negative: element i is symbol `symbols[i]`, and a negative element ends the run with
    `text` and its value. With `minus` it is `symbols[i]` less `minus[i]`, one of which is 0. Numbers beyond 2^39 count
    as 2^39: no size is as large, and the ends of slices that are left open come as the greatest integer.
  }];
  let arguments = (ins AnyRankedTensor:$source, DenseI64ArrayAttr:$symbols,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$minus, StrAttr:$text);
  let assemblyFormat = "$source `as` $symbols (`minus` $minus^)? `,` $text attr-dict `:` type($source)";
  let hasVerifier = 1;
}

def RT_WithinOp : RT_Op<"within"> {
  let summary = "Integers that have to be within limits when the program runs";
  let description = [{
    ```mlir
    rt.within %i from affine_map<()[s0] -> (-s0)> to affine_map<()[s0] -> (s0 - 1)>, "node '/Gather': an index" : tensor<4xi64>
    ```
    A run ends with `text`, the element and its limits where an element of an integer tensor is less than `low` or greater
    than `high`, which are over the symbols of the program. Of k limits each, element i is within those of number i mod
    k: tuples of k indices have limits of their own for each member. Goes where this is known: see nn::isWithin().
  }];
  let arguments = (ins AnyRankedTensor:$source, AffineMapAttr:$low, AffineMapAttr:$high, StrAttr:$text);
  let assemblyFormat = "$source `from` $low `to` $high `,` $text attr-dict `:` type($source)";
  let hasVerifier = 1;
  let hasCanonicalizeMethod = 1;
}

def RT_ExpectOp : RT_Op<"expect"> {
  let summary = "Numbers over symbols that have to be within limits when the program runs";
  let description = [{
    ```mlir
    rt.expect affine_map<()[s0, s1] -> (s1)> from affine_map<() -> (0)> to affine_map<()[s0] -> (s0)>, "node '/Gather': an index"
    ```
    As rt.within, of values that are over the symbols of the program, each with limits of its own.
  }];
  let arguments = (ins AffineMapAttr:$values, AffineMapAttr:$low, AffineMapAttr:$high, StrAttr:$text);
  let assemblyFormat = "$values `from` $low `to` $high `,` $text attr-dict";
  let hasVerifier = 1;
}

def RT_YieldOp : RT_Op<"yield", [Pure, Terminator, ParentOneOf<["IfOp", "LoopOp"]>]> {
  let summary = "What a branch, or one iteration of a loop, gives";
  let description = [{
    `sizes` are the values of the symbols that the operation around defines.
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$operands, OptionalAttr<AffineMapAttr>:$sizes);
  let assemblyFormat = "($operands^)? attr-dict (`:` type($operands)^)?";
  let builders = [OpBuilder<(ins CArg<"::mlir::AffineMapAttr", "{}">:$sizes),
                            [{ build($_builder, $_state, ::mlir::ValueRange(), sizes); }]>];
}

def RT_IfOp : RT_Op<"if", [RecursiveMemoryEffects, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
                           SingleBlock]> {
  let summary = "One of two branches";
  let description = [{
    ```mlir
    %y = rt.if %condition symbols [4] -> (tensor<?xf32, affine_map<()[s0, s1, s2, s3, s4] -> (s4)>>) {
      %a = ...
      rt.yield %a {sizes = affine_map<()[s0] -> (s0)>} : tensor<?xf32, ..>
    } else {
      rt.yield %b {sizes = affine_map<()[s0] -> (2)>} : tensor<2xf32>
    } : tensor<i1>
    ```
    `condition` has one element. Branches use values from outside. `symbols` are defined here: the branch that runs says
    by `sizes` what they are. (ONNX If.)
  }];
  let arguments = (ins AnyRankedTensor:$condition, DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$symbols);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$thenRegion, SizedRegion<1>:$elseRegion);
  let assemblyFormat = [{
    $condition (`symbols` $symbols^)? (`->` `(` type($results)^ `)`)? $thenRegion `else` $elseRegion
    attr-dict `:` type($condition)
  }];
  let hasVerifier = 1;
}

def RT_LoopOp : RT_Op<"loop", [RecursiveMemoryEffects, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
                               SingleBlock]> {
  let summary = "The same again, with state";
  let description = [{
    ```mlir
    %last, %all = rt.loop counter 3 (%condition, %first) {conditional, trip = affine_map<()[s0] -> (s0)>}
        : (tensor<i1>, tensor<4xf32>) -> (tensor<4xf32>, tensor<?x4xf32, affine_map<()[s0, s1, s2, s3] -> (s3, 4)>>) {
    ^bb0(%state: tensor<4xf32>):
      ...
      rt.yield %next_condition, %next, %element : tensor<i1>, tensor<4xf32>, tensor<4xf32>
    }
    ```
    Operands are, where the loop is `conditional`, a condition of one element, then the state before the first iteration.
    The body gets the state and yields, likewise, the condition, the state, and elements that the results after the state
    collect, along a new first dim; elements of as many dims as their result are put one behind the other along the first
    one, and may differ in it. It runs as long as fewer than `trip` iterations are done (no bound without it) and
    the condition holds. Inside, symbol `counter` is the number of the iteration, after the loop how many there were.

    The sizes of the state, and of what is collected, may change from one iteration to the next: they are then over
    `symbols`, which are `starts` in the first iteration and what the yield's `sizes` say in the next one and after the
    loop. (ONNX Loop, Scan.)
  }];
  let arguments = (ins I64Attr:$counter, Variadic<AnyRankedTensor>:$operands, UnitAttr:$conditional,
                       OptionalAttr<AffineMapAttr>:$trip,
                       DefaultValuedAttr<DenseI64ArrayAttr, "{}">:$symbols,
                       OptionalAttr<AffineMapAttr>:$starts);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `counter` $counter `(` $operands `)` attr-dict `:` functional-type($operands, $results) $body
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::Value getCondition() { return getConditional() ? getOperand(0) : ::mlir::Value(); }
    ::mlir::OperandRange getInits() { return getOperands().drop_front(getConditional()); }
    YieldOp getYield();
    ::mlir::Value getNextCondition();
    ::mlir::OperandRange getNextStates();
    /// What the results after the state collect.
    ::mlir::OperandRange getElements();
    /// Whether this one of them is put behind those before it, rather than along a new dim.
    bool isAppended(size_t element);
  }];
}

#endif
