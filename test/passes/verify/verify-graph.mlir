// RUN: nncc-opt %s --nncc-verify-graph --split-input-file --verify-diagnostics
func.func @main(%x: tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>) -> tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>
    attributes {nn.dims = ["n"]} {
  return %x : tensor<?x4xf32, affine_map<()[s0] -> (s0, 4)>>
}
// -----
// expected-error @+1 {{has a size over symbol 1, but 'nn.dims' of the program has 1 names}}
func.func @main(%x: tensor<?xf32, affine_map<()[s0, s1] -> (s1)>>) attributes {nn.dims = ["n"]} {
  return
}
// -----
// expected-error @+1 {{expects names of symbols in 'nn.dims', found 3 : i64}}
func.func @main() attributes {nn.dims = 3 : i64} {
  return
}
// -----
func.func @main() {
  return
}
// expected-error @+1 {{expects one program, but there is another one already}}
func.func @other() {
  return
}
// -----
// expected-error @+1 {{expects a program of one block}}
func.func private @main()
// -----
// expected-error @+1 {{expects values of the program that are tensors of a known number of dims, found 'index'}}
func.func @main(%i: index) {
  return
}
// -----
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{is not of dialect nn}}
  %y = math.exp %x : tensor<4xf32>
  return %y : tensor<4xf32>
}
// -----
func.func @main() {
  // expected-error @+1 {{expects dense numbers, found 'tensor<4xf32>'}}
  %x = nn.constant sparse<[[0], [2]], [1.0, 2.0]> : tensor<4xf32>
  return
}
// -----
func.func @main(%x: tensor<?xf32, affine_map<()[s0] -> (s0)>>) attributes {nn.dims = ["n", ""]} {
  // expected-error @+1 {{uses symbol 1, which has no value there}}
  %y = nn.sizes affine_map<()[s0, s1] -> (s1)> as tensor<1xi64>
  return
}
// -----
func.func @main(%c: tensor<i1>, %n: tensor<1xi64>) attributes {nn.dims = [""]} {
  rt.if %c {
    rt.read %n as [0], "a size" : tensor<1xi64>
    rt.yield
  } else {
    // expected-error @+1 {{uses symbol 0, which has no value there}}
    %y = nn.sizes affine_map<()[s0] -> (s0)> as tensor<1xi64>
    rt.yield
  } : tensor<i1>
  return
}
// -----
func.func @main(%x: tensor<?xf32, affine_map<()[s0] -> (s0)>>, %n: tensor<1xi64>) attributes {nn.dims = ["n"]} {
  // expected-error @+1 {{defines symbol 0, expected one behind those of the arguments' sizes}}
  rt.read %n as [0], "a size" : tensor<1xi64>
  return
}
// -----
func.func @main() attributes {nn.dims = ["", ""]} {
  rt.loop counter 0 () {trip = affine_map<() -> (5)>} : () -> () {
    %i = nn.sizes affine_map<()[s0] -> (s0)> as tensor<1xi64>
    rt.yield
  }
  // after it: how many iterations there were
  %n = nn.sizes affine_map<()[s0] -> (s0)> as tensor<1xi64>
  return
}
