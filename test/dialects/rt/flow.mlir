// RUN: nncc-opt %s | nncc-opt | FileCheck %s

// CHECK-LABEL: func.func @graph
func.func @graph(%c: tensor<i1>, %x: tensor<?xf32, affine_map<()[s0] -> (s0)>>, %n: tensor<2xi64>) attributes {nn.dims = ["n", "", "", "", "", "", ""]} {
  // CHECK: rt.read %{{.*}} as [1, 2], "node 'a': a size" : tensor<2xi64>
  rt.read %n as [1, 2], "node 'a': a size" : tensor<2xi64>
  // CHECK: rt.read %{{.*}} as [3, 4] minus [5, 6], "node 'b': an end" : tensor<2xi64>
  rt.read %n as [3, 4] minus [5, 6], "node 'b': an end" : tensor<2xi64>
  // CHECK: rt.within %{{.*}} from #{{.*}} to #{{.*}}, "node 'c': an index" : tensor<2xi64>
  rt.within %n from affine_map<()[s0] -> (-s0, -4)> to affine_map<()[s0] -> (s0 - 1, 3)>, "node 'c': an index" : tensor<2xi64>
  // CHECK: rt.expect #{{.*}} from #{{.*}} to #{{.*}}, "node 'd': an index"
  rt.expect affine_map<()[s0, s1] -> (s1)> from affine_map<()[s0] -> (-s0)> to affine_map<()[s0] -> (s0 - 1)>, "node 'd': an index"
  // CHECK: %{{.*}} = rt.if %{{.*}} symbols [7] -> (tensor<?xf32, #{{.*}}>) {
  // CHECK:   rt.yield %{{.*}} {sizes = #{{.*}}} : tensor<?xf32, #{{.*}}>
  // CHECK: } else {
  // CHECK:   rt.yield
  // CHECK: } : tensor<i1>
  %y = rt.if %c symbols [7] -> (tensor<?xf32, affine_map<()[s0, s1, s2, s3, s4, s5, s6, s7] -> (s7)>>) {
    rt.yield %x {sizes = affine_map<()[s0] -> (s0)>} : tensor<?xf32, affine_map<()[s0] -> (s0)>>
  } else {
    %two = nn.constant dense<2.0> : tensor<2xf32>
    rt.yield %two {sizes = affine_map<() -> (2)>} : tensor<2xf32>
  } : tensor<i1>
  // CHECK: rt.if %{{.*}} {
  // CHECK:   rt.yield
  rt.if %c {
    rt.yield
  } else {
    rt.yield
  } : tensor<i1>
  // CHECK: %{{.*}}:2 = rt.loop counter 8(%{{.*}}, %{{.*}}) {conditional, trip = #{{.*}}} : (tensor<i1>, tensor<?xf32, #{{.*}}>) -> (tensor<?xf32, #{{.*}}>, tensor<?xi1, #{{.*}}>) {
  // CHECK: ^bb0(%{{.*}}: tensor<?xf32, #{{.*}}>):
  %last, %all = rt.loop counter 8 (%c, %x) {conditional, trip = affine_map<()[s0] -> (s0)>} : (tensor<i1>, tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> (tensor<?xf32, affine_map<()[s0] -> (s0)>>, tensor<?xi1, affine_map<()[s0, s1, s2, s3, s4, s5, s6, s7, s8] -> (s8)>>) {
  ^bb0(%state: tensor<?xf32, affine_map<()[s0] -> (s0)>>):
    %next = nn.neg %state : (tensor<?xf32, affine_map<()[s0] -> (s0)>>) -> tensor<?xf32, affine_map<()[s0] -> (s0)>>
    rt.yield %c, %next, %c : tensor<i1>, tensor<?xf32, affine_map<()[s0] -> (s0)>>, tensor<i1>
  }
  return
}

// CHECK-LABEL: func.func @steps
func.func @steps() attributes {nn.dims = ["n", "", ""]} {
  // CHECK: rt.load i64 <arena 1 + 64 start ()[s0] -> (s0 * 8)> as [1] minus [2], "node 'a': an end"
  rt.load i64 #rt.place<arena 1 + 64 start ()[s0] -> (s0 * 8)> as [1] minus [2], "node 'a': an end"
  // CHECK: rt.limit i32 <input 1 + 0> count #{{.*}} from #{{.*}} to #{{.*}}, "node 'c': an index"
  rt.limit i32 #rt.place<input 1 + 0> count affine_map<()[s0] -> (s0)> from affine_map<() -> (0)> to affine_map<()[s0] -> (s0)>, "node 'c': an index"
  // CHECK: rt.set [1, 2] = #{{.*}}
  rt.set [1, 2] = affine_map<()[s0, s1] -> (s1, s0)>
  // CHECK: rt.bound #{{.*}}, "node 'a': a size"
  rt.bound affine_map<()[s0, s1] -> (s1)>, "node 'a': a size"
  // CHECK: rt.allocate 0 bytes #{{.*}}
  rt.allocate 0 bytes affine_map<()[s0, s1] -> (s1 * 4)>
  // CHECK: rt.output 1 of 0 sizes #{{.*}}
  rt.output 1 of 0 sizes affine_map<()[s0, s1] -> (s1, 4)>
  // CHECK: rt.grow 2 to #{{.*}} keeping #{{.*}}
  rt.grow 2 to affine_map<()[s0, s1] -> (s1 * 4 + 4)> keeping affine_map<()[s0, s1] -> (s1 * 4)>
  // CHECK: rt.while 1 {
  rt.while 1 {
    // CHECK: rt.when 2 {
    rt.when 2 {
      // CHECK: rt.point 0 at <pointer 1 + 0>
      rt.point 0 at #rt.place<pointer 1 + 0>
    // CHECK: } else {
    } else {
      // CHECK: rt.point 0{{$}}
      rt.point 0
    }
  }
  // CHECK: rt.free 0
  rt.free 0
  return
}
