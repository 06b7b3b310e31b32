// RUN: nncc-opt %s --split-input-file --verify-diagnostics

func.func @f(%x: tensor<5x4x8x1xf32>, %r: tensor<1x1x1x8x16xf32>, %y: tensor<5x1x4x8xf32>) {
  // expected-error @below {{expects x of rank 3 and r of rank 5 and known sizes}}
  %0 = kern.recurrence ins(%x, %r : tensor<5x4x8x1xf32>, tensor<1x1x1x8x16xf32>) y_init(%y : tensor<5x1x4x8xf32>) reverse [false] cell {
  ^bb0(%a0: f32, %a1: f32, %a2: f32):
    kern.states %a0 : f32
  } -> tensor<5x1x4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<5x4x24xf32>, %r: tensor<3x1x1x8x16xf32>, %y: tensor<5x1x4x8xf32>) {
  // expected-error @below {{expects one or two directions, found 3}}
  %0 = kern.recurrence ins(%x, %r : tensor<5x4x24xf32>, tensor<3x1x1x8x16xf32>) y_init(%y : tensor<5x1x4x8xf32>) reverse [false, true, false] cell {
  ^bb0(%a0: f32, %a1: f32, %a2: f32):
    kern.states %a0 : f32
  } -> tensor<5x1x4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x1x0x8x16xf32>, %y: tensor<5x1x4x8xf32>) {
  // expected-error @below {{expects r of gates and units}}
  %0 = kern.recurrence ins(%x, %r : tensor<5x4x8xf32>, tensor<1x1x0x8x16xf32>) y_init(%y : tensor<5x1x4x8xf32>) reverse [false] cell {
  ^bb0(%a0: f32, %a1: f32, %a2: f32):
    kern.states %a0 : f32
  } -> tensor<5x1x4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<5x4x9xf32>, %r: tensor<1x1x1x8x16xf32>, %y: tensor<5x1x4x8xf32>) {
  // expected-error @below {{expects x of [?, ?, 8], found}}
  %0 = kern.recurrence ins(%x, %r : tensor<5x4x9xf32>, tensor<1x1x1x8x16xf32>) y_init(%y : tensor<5x1x4x8xf32>) reverse [false] cell {
  ^bb0(%a0: f32, %a1: f32, %a2: f32):
    kern.states %a0 : f32
  } -> tensor<5x1x4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x2x1x8x16xf32>, %y: tensor<5x1x4x8xf32>) {
  // expected-error @below {{expects r of [1, 1, 1, 8, 16], found}}
  %0 = kern.recurrence ins(%x, %r : tensor<5x4x8xf32>, tensor<1x2x1x8x16xf32>) y_init(%y : tensor<5x1x4x8xf32>) reverse [false] cell {
  ^bb0(%a0: f32, %a1: f32, %a2: f32):
    kern.states %a0 : f32
  } -> tensor<5x1x4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x1x1x8x16xf32>, %y: tensor<5x1x4x8xf32>, %p: tensor<8xf32>) {
  // expected-error @below {{expects params of rank 3}}
  %0 = kern.recurrence ins(%x, %r : tensor<5x4x8xf32>, tensor<1x1x1x8x16xf32>) params(%p : tensor<8xf32>) y_init(%y : tensor<5x1x4x8xf32>) reverse [false] cell {
  ^bb0(%a0: f32, %a1: f32, %a2: f32):
    kern.states %a0 : f32
  } -> tensor<5x1x4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x1x1x8x16xf32>, %y: tensor<5x1x4x8xf32>, %n: tensor<3xi32>) {
  // expected-error @below {{expects lengths of [4], found}}
  %0 = kern.recurrence ins(%x, %r : tensor<5x4x8xf32>, tensor<1x1x1x8x16xf32>) lengths(%n : tensor<3xi32>) y_init(%y : tensor<5x1x4x8xf32>) reverse [false] cell {
  ^bb0(%a0: f32, %a1: f32, %a2: f32):
    kern.states %a0 : f32
  } -> tensor<5x1x4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x1x1x8x16xf32>, %y: tensor<4x1x4x8xf32>) {
  // expected-error @below {{expects y_init of [5, 1, 4, 8], found}}
  %0 = kern.recurrence ins(%x, %r : tensor<5x4x8xf32>, tensor<1x1x1x8x16xf32>) y_init(%y : tensor<4x1x4x8xf32>) reverse [false] cell {
  ^bb0(%a0: f32, %a1: f32, %a2: f32):
    kern.states %a0 : f32
  } -> tensor<4x1x4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x1x1x8x16xf32>, %y: tensor<5x1x4x8xf32>, %h: tensor<1x5x8xf32>) {
  // expected-error @below {{expects h of [1, 4, 8], found}}
  %0 = kern.recurrence ins(%x, %r : tensor<5x4x8xf32>, tensor<1x1x1x8x16xf32>) h(%h : tensor<1x5x8xf32>) y_init(%y : tensor<5x1x4x8xf32>) reverse [false] cell {
  ^bb0(%a0: f32, %a1: f32, %a2: f32):
    kern.states %a0 : f32
  } -> tensor<5x1x4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<5x4x8xf16>, %r: tensor<1x1x1x8x16xf32>, %y: tensor<5x1x4x8xf32>) {
  // expected-error @below {{expects elements of f32 or f64, found}}
  %0 = kern.recurrence ins(%x, %r : tensor<5x4x8xf16>, tensor<1x1x1x8x16xf32>) y_init(%y : tensor<5x1x4x8xf32>) reverse [false] cell {
  ^bb0(%a0: f32, %a1: f32, %a2: f32):
    kern.states %a0 : f32
  } -> tensor<5x1x4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x1x1x8x16xf64>, %y: tensor<5x1x4x8xf32>) {
  // expected-error @below {{expects lengths of i32 and other operands of one type}}
  %0 = kern.recurrence ins(%x, %r : tensor<5x4x8xf32>, tensor<1x1x1x8x16xf64>) y_init(%y : tensor<5x1x4x8xf32>) reverse [false] cell {
  ^bb0(%a0: f32, %a1: f32, %a2: f32):
    kern.states %a0 : f32
  } -> tensor<5x1x4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x1x1x8x16xf32>, %y: tensor<5x1x4x8xf32>) {
  // expected-error @below {{expects a plan of positive numbers}}
  %0 = kern.recurrence ins(%x, %r : tensor<5x4x8xf32>, tensor<1x1x1x8x16xf32>) y_init(%y : tensor<5x1x4x8xf32>) reverse [false] attributes {plan = #kern.recurrence_plan<unit_rows = 2, rows = 1, tile_rows = 1, sums = 8, team = 1>} cell {
  ^bb0(%a0: f32, %a1: f32, %a2: f32):
    kern.states %a0 : f32
  } -> tensor<5x1x4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x1x1x8x16xf32>, %y: tensor<5x1x4x8xf32>) {
  // expected-error @below {{expects the types of its inits, one or more, as results}}
  %0 = kern.recurrence ins(%x, %r : tensor<5x4x8xf32>, tensor<1x1x1x8x16xf32>) y_init(%y : tensor<5x1x4x8xf32>) reverse [false] cell {
  ^bb0(%a0: f32, %a1: f32, %a2: f32):
    kern.states %a0 : f32
  } -> tensor<?x1x4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x1x1x8x16xf32>, %y: tensor<5x1x4x8xf32>, %h: tensor<1x4x8xf32>) {
  // expected-error @below {{expects one state, or two where there is a c, found 1}}
  %0 = kern.recurrence ins(%x, %r : tensor<5x4x8xf32>, tensor<1x1x1x8x16xf32>) c(%h : tensor<1x4x8xf32>) y_init(%y : tensor<5x1x4x8xf32>) reverse [false] cell {
  ^bb0(%a0: f32, %a1: f32, %a2: f32):
    kern.states %a0 : f32
  } -> tensor<5x1x4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x1x1x8x16xf32>, %y: tensor<5x1x4x8xf32>) {
  // expected-error @below {{expects cell of 3 arguments of}}
  %0 = kern.recurrence ins(%x, %r : tensor<5x4x8xf32>, tensor<1x1x1x8x16xf32>) y_init(%y : tensor<5x1x4x8xf32>) reverse [false] cell {
  ^bb0(%a0: f32, %a1: f32):
    kern.states %a0 : f32
  } -> tensor<5x1x4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x1x1x8x16xf32>, %y: tensor<5x1x4x8xf32>) {
  // expected-error @below {{expects cell to yield 1 elements of}}
  %0 = kern.recurrence ins(%x, %r : tensor<5x4x8xf32>, tensor<1x1x1x8x16xf32>) y_init(%y : tensor<5x1x4x8xf32>) reverse [false] cell {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %d = arith.extf %a : f32 to f64
    kern.states %d : f64
  } -> tensor<5x1x4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x1x1x8x16xf32>, %y: tensor<5x1x4x8xf32>) {
  // expected-error @below {{expects one region reset at most, and two gates there}}
  %0 = kern.recurrence ins(%x, %r : tensor<5x4x8xf32>, tensor<1x1x1x8x16xf32>) y_init(%y : tensor<5x1x4x8xf32>) reverse [false] cell {
  ^bb0(%a0: f32, %a1: f32, %a2: f32):
    kern.states %a0 : f32
  } reset {
  ^bb0(%a0: f32):
    kern.states %a0 : f32
  } -> tensor<5x1x4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x1x1x8x16xf32>, %y: tensor<5x1x4x8xf32>, %m: memref<f32>) {
  %0 = kern.recurrence ins(%x, %r : tensor<5x4x8xf32>, tensor<1x1x1x8x16xf32>) y_init(%y : tensor<5x1x4x8xf32>) reverse [false] cell {
  ^bb0(%a: f32, %b: f32, %c: f32):
    // expected-error @below {{is not allowed in a cell}}
    %z = memref.alloc() : memref<f32>
    kern.states %a : f32
  } -> tensor<5x1x4x8xf32>
  return
}

// -----

func.func @f(%x: tensor<5x4x8xf32>, %r: tensor<1x1x1x8x16xf32>, %y: tensor<5x1x4x8xf32>) {
  // expected-error @below {{and no more workers in a team than panels}}
  %0 = kern.recurrence ins(%x, %r : tensor<5x4x8xf32>, tensor<1x1x1x8x16xf32>) y_init(%y : tensor<5x1x4x8xf32>) reverse [false] attributes {plan = #kern.recurrence_plan<unit_rows = 1, rows = 1, tile_rows = 1, sums = 8, team = 2>} cell {
  ^bb0(%a0: f32, %a1: f32, %a2: f32):
    kern.states %a0 : f32
  } -> tensor<5x1x4x8xf32>
  return
}
