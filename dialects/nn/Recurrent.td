// Recurrent layers.
#ifndef NNCC_NN_RECURRENT
#define NNCC_NN_RECURRENT

include "dialects/nn/NNBase.td"

def NN_CellKind : I32EnumAttr<"CellKind", "What a recurrent layer computes in a step", [
    I32EnumAttrCase<"RNN", 0, "rnn">, I32EnumAttrCase<"GRU", 1, "gru">,
    I32EnumAttrCase<"LSTM", 2, "lstm">]> {
  let cppNamespace = "::nncc::nn";
}
def NN_Direction : I32EnumAttr<"Direction", "In which order a recurrent layer takes its steps", [
    I32EnumAttrCase<"Forward", 0, "forward">, I32EnumAttrCase<"Reverse", 1, "reverse">,
    I32EnumAttrCase<"Bidirectional", 2, "bidirectional">]> {
  let cppNamespace = "::nncc::nn";
}

def NN_RecurrenceOp : NN_Op<"recurrence", [AttrSizedOperandSegments]> {
  let summary = "The steps of an RNN, GRU or LSTM layer";
  let description = [{
    With D directions, G gates (rnn 1, gru 3: z r h, lstm 4: i o f c) of H units, each [B, H]:
    ```
    x         [S, B, D*G*H]  the products of the inputs with their weights, and the biases
    r         [D, G*H, H]    the weights of the products s = h r^T
    params    [D, P, H]      lstm: peepholes i o f; gru with `linear_before_reset`: a bias of s of gate h
    lengths   [B]            i32: steps of each row, in 0..S; all have S where it is left out
    initial_h, initial_c  [D, B, H]; 0 where left out
    ->  y [S, D, B, H], last_h, and of an lstm last_c [D, B, H]

    rnn:  h' = f(x + s)
    gru:  z, r = f(x + s);  h' = (1 - z) * g(x + (r * h) r^T) + z * h
          with `linear_before_reset`: g(x + r * (s + param))
    lstm: i, f = f(x + s + param * c);  c' = f * c + i * g(x + s)
          o = f(x + s + param * c');  h' = o * h(c')
    ```
    Arguments of f and g are bounded to [-clip, clip]. With `input_forget`, f = 1 - i. The functions f, g, h are
    the first 1, 2 or 3 of `activations`, with `alpha` and `beta`, 0 where one takes none: relu, tanh, sigmoid,
    affine, leaky_relu, thresholded_relu, scaled_tanh, hard_sigmoid, elu, softsign, softplus.

    A row of L steps has y = 0 from step L on, and the last states of step L-1; those of a row of 0 steps are 0.
    The reverse direction begins at step L-1. Lengths outside of 0..S are taken for the nearest one inside.
    ```mlir
    %y, %h, %c = nn.recurrence lstm forward %x, %r
        {activations = ["sigmoid", "tanh", "tanh"], alpha = array<f32: 0., 0., 0.>, beta = array<f32: 0., 0., 0.>}
        : tensor<7x2x32xf32>, tensor<1x32x8xf32> -> tensor<7x1x2x8xf32>, tensor<1x2x8xf32>, tensor<1x2x8xf32>
    ```
    ONNX RNN, GRU and LSTM.
  }];
  let arguments = (ins NN_FloatTensor:$x, NN_FloatTensor:$r, Optional<NN_FloatTensor>:$params,
                       Optional<RankedTensorOf<[I32]>>:$lengths, Optional<NN_FloatTensor>:$initial_h,
                       Optional<NN_FloatTensor>:$initial_c, NN_CellKind:$kind, NN_Direction:$direction,
                       StrArrayAttr:$activations, DenseF32ArrayAttr:$alpha, DenseF32ArrayAttr:$beta,
                       OptionalAttr<F32Attr>:$clip, UnitAttr:$input_forget, UnitAttr:$linear_before_reset);
  let results = (outs NN_FloatTensor:$y, NN_FloatTensor:$last_h, Optional<NN_FloatTensor>:$last_c);
  let assemblyFormat = [{
    $kind $direction $x `,` $r (`params` $params^ `:` type($params))? (`lengths` $lengths^ `:` type($lengths))?
    (`h` $initial_h^ `:` type($initial_h))? (`c` $initial_c^ `:` type($initial_c))? attr-dict
    `:` type($x) `,` type($r) `->` type($y) `,` type($last_h) (`,` type($last_c)^)?
  }];
  let extraClassDeclaration = [{
    /// Gates of a cell of this kind, the functions that it takes, and its states.
    static int64_t gatesOf(CellKind kind) { return kind == CellKind::RNN ? 1 : kind == CellKind::GRU ? 3 : 4; }
    static int64_t functionsOf(CellKind kind) { return static_cast<int64_t>(kind) + 1; }
    static int64_t statesOf(CellKind kind) { return kind == CellKind::LSTM ? 2 : 1; }
    static int64_t directionsOf(Direction direction) { return direction == Direction::Bidirectional ? 2 : 1; }
    /// How many of alpha and beta an activation takes; -1 of a name that is none.
    static int64_t parametersOf(::llvm::StringRef activation);
    /// Activation `i` of one element.
    ::mlir::Value activate(::mlir::OpBuilder &b, ::mlir::Location loc, int64_t i, ::mlir::Value x);
  }];
}

#endif
