// RUN: nncc-opt %s --split-input-file --verify-diagnostics
func.func @symbols(%n: tensor<2xi64>) {
  // expected-error @+1 {{expects 2 symbols}}
  rt.read %n as [0], "a size" : tensor<2xi64>
  return
}
// -----
func.func @floats(%n: tensor<2xf32>) {
  // expected-error @+1 {{expects integers, of known sizes, found 'tensor<2xf32>'}}
  rt.read %n as [0, 1], "a size" : tensor<2xf32>
  return
}
// -----
func.func @condition(%c: tensor<2xi1>) {
  // expected-error @+1 {{expects a condition of one element of i1, found 'tensor<2xi1>'}}
  rt.if %c {
    rt.yield
  } else {
    rt.yield
  } : tensor<2xi1>
  return
}
// -----
func.func @branches(%c: tensor<i1>, %x: tensor<3xf32>, %y: tensor<4xf32>) {
  // expected-error @+1 {{expects branches that yield ('tensor<3xf32>'), found ('tensor<4xf32>')}}
  %z = rt.if %c -> (tensor<3xf32>) {
    rt.yield %x : tensor<3xf32>
  } else {
    rt.yield %y : tensor<4xf32>
  } : tensor<i1>
  return
}
// -----
func.func @sizes(%c: tensor<i1>, %x: tensor<3xf32>) attributes {nn.dims = [""]} {
  %z = rt.if %c symbols [0] -> (tensor<?xf32, affine_map<()[s0] -> (s0)>>) {
    // expected-error @+1 {{expects 1 values in 'sizes', found 0}}
    rt.yield %x : tensor<3xf32>
  } else {
    rt.yield %x {sizes = affine_map<() -> (3)>} : tensor<3xf32>
  } : tensor<i1>
  return
}
// -----
func.func @terminator(%c: tensor<i1>) {
  // expected-error @+1 {{expects branches without arguments that end with rt.yield}}
  rt.if %c {
    %x = nn.constant dense<2.0> : tensor<3xf32>
  } else {
    rt.yield
  } : tensor<i1>
  return
}
// -----
func.func @state(%x: tensor<3xf32>) {
  // expected-error @+1 {{expects a body that yields the state ('tensor<3xf32>'), found ('tensor<3x1xf32>')}}
  %y = rt.loop counter 0 (%x) : (tensor<3xf32>) -> tensor<3xf32> {
  ^bb0(%s: tensor<3xf32>):
    %w = nn.constant dense<2.0> : tensor<3x1xf32>
    rt.yield %w : tensor<3x1xf32>
  }
  return
}
// -----
func.func @results(%x: tensor<3xf32>) {
  // expected-error @+1 {{expects a result per value that its body yields}}
  %y = rt.loop counter 0 (%x) : (tensor<3xf32>) -> tensor<3xf32> {
  ^bb0(%s: tensor<3xf32>):
    rt.yield %s, %s : tensor<3xf32>, tensor<3xf32>
  }
  return
}
// -----
func.func @collected(%x: tensor<3xf32>) {
  // expected-error @+1 {{expects results ('tensor<?x3xf32>'), found ('tensor<5x4xf32>')}}
  %y = rt.loop counter 0 () : () -> tensor<5x4xf32> {
    rt.yield %x : tensor<3xf32>
  }
  return
}
// -----
func.func @appended(%x: tensor<3xf32>) {
  // expected-error @+1 {{expects what it puts one behind the other to be of a size that grows}}
  %y = rt.loop counter 0 () : () -> tensor<5xf32> {
    rt.yield %x : tensor<3xf32>
  }
  return
}
// -----
func.func @minus() {
  // expected-error @+1 {{expects 2 symbols in 'minus'}}
  rt.load i64 #rt.place<arena 0 + 0> as [0, 1] minus [2], "a size"
  return
}
// -----
func.func @set() {
  // expected-error @+1 {{expects 1 values in 'values', found 2}}
  rt.set [0] = affine_map<() -> (1, 2)>
  return
}
// -----
func.func @limited_floats(%x: tensor<2xf32>) {
  // expected-error @+1 {{expects integers, found 'tensor<2xf32>'}}
  rt.within %x from affine_map<() -> (0)> to affine_map<() -> (1)>, "an index" : tensor<2xf32>
  return
}
// -----
func.func @limits(%n: tensor<2xi64>) {
  // expected-error @+1 {{expects as many lower as upper limits, found 2 and 1}}
  rt.within %n from affine_map<() -> (0, 0)> to affine_map<() -> (1)>, "an index" : tensor<2xi64>
  return
}
// -----
func.func @limits_over_dims(%n: tensor<2xi64>) {
  // expected-error @+1 {{expects limits over symbols}}
  rt.within %n from affine_map<(d0) -> (d0)> to affine_map<() -> (1)>, "an index" : tensor<2xi64>
  return
}
// -----
func.func @values() {
  // expected-error @+1 {{expects values over symbols, one for each limit}}
  rt.expect affine_map<() -> (1, 2)> from affine_map<() -> (0)> to affine_map<() -> (1)>, "an index"
  return
}
// -----
func.func @no_limits() {
  // expected-error @+1 {{expects as many lower as upper limits, found 0 and 0}}
  rt.limit i64 #rt.place<arena 0 + 0> count affine_map<() -> (1)> from affine_map<() -> ()> to affine_map<() -> ()>, "an index"
  return
}
// -----
func.func @limit_of_floats() {
  // expected-error @+1 {{expects integers, found 'f32'}}
  rt.limit f32 #rt.place<arena 0 + 0> count affine_map<() -> (1)> from affine_map<() -> (0)> to affine_map<() -> (1)>, "an index"
  return
}
