// RUN: nncc-opt %s --nncc-verify-program --split-input-file --verify-diagnostics
module attributes {rt.arena_size = 128 : i64, rt.weights_size = 64 : i64} {
  module @k {
    func.func @k() attributes {rt.units = 1 : i64, rt.scratch = 0 : i64} {
      return
    }
  }
  func.func @main(%x: tensor<2048xf32>) attributes {rt.result_types = [], rt.result_names = []} {
    rt.run @k spaces [0, 3, 2] indices [0, 0, 0] offsets [4096, 0, 64]
    // expected-error @+1 {{has a buffer at 128, outside of its memory of 128 bytes}}
    rt.run @k spaces [2] indices [0] offsets [128]
    return
  }
}
// -----
module {
  func.func @main() attributes {rt.result_types = [], rt.result_names = []} {
    // expected-error @+1 {{runs a kernel that does not exist}}
    rt.run @k spaces [] indices [] offsets []
    return
  }
}
// -----
func.func @main(%x: tensor<4xf32>) attributes {rt.result_types = [], rt.result_names = []} {
  // expected-error @+1 {{has no place in memory}}
  %v = rt.view %x : tensor<4xf32> -> tensor<2x2xf32>
  return
}
// -----
module {
  module @k {
    func.func @k() attributes {rt.units = affine_map<()[s0, s1] -> (s1)>, rt.scratch = 0 : i64} {
      return
    }
  }
  func.func @main(%x: tensor<?xf32, affine_map<()[s0] -> (s0)>>) attributes {rt.result_types = [], rt.result_names = [], nn.dims = ["n"]} {
    rt.slot 0 bytes 64
    rt.run @k spaces [0, 2] indices [0, 0] offsets [0, 0] {dims = affine_map<()[s0] -> (s0, s0)>}
    // expected-error @+1 {{has a buffer in arena 1, of 1}}
    rt.run @k spaces [0, 2] indices [0, 1] offsets [0, 0] {dims = affine_map<()[s0] -> (s0, s0)>}
    return
  }
}
// -----
module {
  module @k {
    func.func @k() attributes {rt.units = affine_map<()[s0, s1] -> (s1)>, rt.scratch = 0 : i64} {
      return
    }
  }
  func.func @main(%x: tensor<?xf32, affine_map<()[s0] -> (s0)>>) attributes {rt.result_types = [], rt.result_names = [], nn.dims = ["n"]} {
    // expected-error @+1 {{gives its kernel 1 sizes, which has 2 symbols}}
    rt.run @k spaces [0] indices [0] offsets [0] {dims = affine_map<()[s0] -> (s0)>}
    return
  }
}
// -----
module {
  module @k {
    func.func @k() attributes {rt.units = 1 : i64, rt.scratch = 0 : i64} {
      return
    }
  }
  func.func @main(%x: tensor<?xf32, affine_map<()[s0] -> (s0)>>) attributes {rt.result_types = [], rt.result_names = [], nn.dims = ["n"]} {
    // expected-error @+1 {{has a size over symbol 1, but 'nn.dims' of the program has 1 names}}
    rt.run @k spaces [0] indices [0] offsets [0] {dims = affine_map<()[s0, s1] -> (s1)>}
    return
  }
}
// -----
// expected-error @+1 {{symbol 1 has no value: it is not the size of an argument}}
func.func @main(%x: tensor<?xf32, affine_map<()[s0] -> (s0)>>) attributes {rt.result_types = [], rt.result_names = [], nn.dims = ["n", "m"], rt.sizes = affine_map<()[s0, s1] -> (s0 + s1)>} {
  return
}
// -----
func.func @main() attributes {rt.result_types = [], rt.result_names = []} {
  // expected-error @+1 {{expects number 0}}
  rt.slot 1 bytes 64
  return
}
// -----
// expected-error @+1 {{expects a name in 'rt.result_names' for each type in 'rt.result_types'}}
func.func @main() attributes {rt.result_types = [tensor<4xf32>], rt.result_names = []} {
  return
}
// -----
// expected-error @+1 {{expects arguments and results that are tensors of numbers, found 'tensor<4xindex>'}}
func.func @main() attributes {rt.result_types = [tensor<4xindex>], rt.result_names = ["y"]} {
  return
}
// -----
// expected-error @+1 {{expects results in 'rt.result_types', found those of a function}}
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
// -----
module attributes {rt.weights_size = 192 : i64} {
  func.func @main() attributes {rt.result_types = [], rt.result_names = []} {
    %0 = nn.constant dense<1.0> : tensor<4xf32> {rt.offset = 0 : i64}
    // expected-error @+1 {{has its 16 bytes at 0, expected a place from 16 on in weights of 192 bytes}}
    %1 = nn.constant dense<2.0> : tensor<4xf32> {rt.offset = 0 : i64}
    return
  }
}
// -----
// expected-error @+1 {{has weights of 100000 bytes, but the last one ends at 16}}
module attributes {rt.weights_size = 100000 : i64} {
  func.func @main() attributes {rt.result_types = [], rt.result_names = []} {
    %0 = nn.constant dense<1.0> : tensor<4xf32> {rt.offset = 0 : i64}
    return
  }
}
// -----
module {
  module @k {
    func.func @k(%call: !llvm.ptr) attributes {rt.units = 1 : i64, rt.scratch = 0 : i64} {
      %b = rt.buffer %call[1] : !llvm.ptr -> memref<4xf32>
      return
    }
  }
  func.func @main(%x: tensor<4xf32>) attributes {rt.result_types = [], rt.result_names = []} {
    // expected-error @+1 {{gives its kernel 1 buffers, which has 2 arguments}}
    rt.run @k spaces [0] indices [0] offsets [0]
    return
  }
}
// -----
module {
  // expected-error @+1 {{expects a function of the name of the kernel}}
  module @k {
  }
  func.func @main() attributes {rt.result_types = [], rt.result_names = []} {
    return
  }
}
// -----
module attributes {rt.arena_size = 0 : i64, rt.weights_size = 0 : i64} {
  func.func @main() attributes {nn.dims = [""], rt.result_types = [], rt.result_names = []} {
    // expected-error @+1 {{expects one expression in 'bytes', found 2}}
    rt.allocate 0 bytes affine_map<() -> (4, 8)>
    return
  }
}
// -----
module attributes {rt.arena_size = 0 : i64, rt.weights_size = 0 : i64} {
  func.func @main() attributes {nn.dims = [""], rt.result_types = [], rt.result_names = []} {
    // expected-error @+1 {{expects one expression as the start of a place, found 2}}
    rt.point 0 at #rt.place<arena 0 + 0 start () -> (4, 8)>
    return
  }
}
// -----
module attributes {rt.arena_size = 0 : i64, rt.weights_size = 0 : i64} {
  func.func @main() attributes {nn.dims = [""], rt.result_types = [], rt.result_names = []} {
    // expected-error @+1 {{sets or reads symbol 3, but 'nn.dims' of the program has 1 names}}
    rt.set [3] = affine_map<() -> (4)>
    return
  }
}
// -----
module attributes {rt.arena_size = 0 : i64, rt.weights_size = 0 : i64} {
  func.func @main() attributes {nn.dims = [""], rt.result_types = [], rt.result_names = []} {
    // expected-error @+1 {{has a buffer in pointer 0, of 0}}
    rt.load i64 #rt.place<pointer 0 + 0> as [0], "a size"
    return
  }
}
// -----
module attributes {rt.arena_size = 0 : i64, rt.weights_size = 0 : i64} {
  func.func @main() attributes {nn.dims = [""], rt.result_types = [tensor<?xf32, affine_map<()[s0] -> (s0)>>], rt.result_names = ["y"]} {
    // expected-error @+1 {{gives 2 sizes of output 0, which has 1}}
    rt.output 0 of 0 sizes affine_map<() -> (4, 8)>
    return
  }
}
