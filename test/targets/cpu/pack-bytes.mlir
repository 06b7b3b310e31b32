// RUN: nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-pack-bytes{pack-bits=512},canonicalize,cse))" | FileCheck %s --check-prefixes=CHECK,WIDE
// RUN: nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-pack-bytes{pack-bits=256},canonicalize,cse))" | FileCheck %s --check-prefixes=CHECK,HALF
// RUN: nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-pack-bytes{pack-bits=128},canonicalize,cse))" | FileCheck %s --check-prefixes=CHECK,LEAST
// RUN: nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-pack-bytes))" | FileCheck %s --check-prefix=NONE
// RUN: not nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-pack-bytes{pack-bits=100}))" 2>&1 | FileCheck %s --check-prefix=ERROR

// NONE-NOT: call_intrinsic
// ERROR: expects pack-bits of 0, 128, 256 or 512, found 100

// Two panels of unsigned bytes. NaN passes the bound; the conversion makes the least integer of it, which becomes 0.
// CHECK-LABEL: @two
// CHECK-SAME: %[[X:.*]]: vector<16xf32>, %[[Y:.*]]: vector<16xf32>, %[[C:.*]]: memref<64xi8>, %[[I:.*]]: index
// WIDE: %[[ABOVE:.*]] = arith.cmpf olt, %[[HIGH:.*]], %[[X]]
// WIDE: %[[BOUNDED:.*]] = arith.select %[[ABOVE]], %[[HIGH]], %[[X]]
// WIDE: %[[FIRST:.*]] = llvm.call_intrinsic "llvm.x86.avx512.mask.cvtps2dq.512"(%[[BOUNDED]],
// WIDE: %[[SECOND:.*]] = llvm.call_intrinsic "llvm.x86.avx512.mask.cvtps2dq.512"
// WIDE: llvm.call_intrinsic "llvm.x86.avx512.packssdw.512"(%[[FIRST]], %[[SECOND]])
// WIDE: %[[BYTES:.*]] = llvm.call_intrinsic "llvm.x86.avx512.packuswb.512"
// WIDE: %[[WORDS:.*]] = vector.bitcast %[[BYTES]] : vector<64xi8> to vector<16xi32>
// WIDE: vector.shuffle %[[WORDS]], %[[WORDS]] [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15]
// WIDE: %[[STORED:.*]] = vector.extract_strided_slice {{.*}} {offsets = [0], sizes = [32]
// WIDE: vector.store %[[STORED]], %[[C]][%[[I]]] : memref<64xi8>, vector<32xi8>
// HALF-COUNT-4: "llvm.x86.avx.cvt.ps2dq.256"
// HALF: "llvm.x86.avx2.packssdw"
// HALF: "llvm.x86.avx2.packssdw"
// HALF: "llvm.x86.avx2.packuswb"
// HALF: vector.shuffle {{.*}} [0, 4, 1, 5, 2, 6, 3, 7]
// HALF: vector.store {{.*}}, %[[C]][%[[I]]] : memref<64xi8>, vector<32xi8>
// LEAST-COUNT-4: "llvm.x86.sse2.cvtps2dq"
// LEAST: "llvm.x86.sse2.packssdw.128"
// LEAST: "llvm.x86.sse2.packssdw.128"
// LEAST: "llvm.x86.sse2.packuswb.128"
// LEAST-NOT: vector.shuffle
// LEAST: vector.store {{.*}}, %[[C]][%[[I]]] : memref<64xi8>, vector<16xi8>
// LEAST: vector.store {{.*}} : memref<64xi8>, vector<16xi8>
// CHECK-NOT: vector.store
func.func @two(%x: vector<16xf32>, %y: vector<16xf32>, %c: memref<64xi8>, %i: index) {
  %low = arith.constant dense<0.0> : vector<16xf32>
  %high = arith.constant dense<255.0> : vector<16xf32>
  %c16 = arith.constant 16 : index
  %0 = arith.cmpf ogt, %x, %low : vector<16xf32>
  %1 = arith.select %0, %x, %low : vector<16xi1>, vector<16xf32>
  %2 = arith.cmpf olt, %1, %high : vector<16xf32>
  %3 = arith.select %2, %1, %high : vector<16xi1>, vector<16xf32>
  %4 = math.roundeven %3 : vector<16xf32>
  %5 = arith.fptosi %4 : vector<16xf32> to vector<16xi32>
  %6 = arith.trunci %5 : vector<16xi32> to vector<16xi8>
  vector.store %6, %c[%i] : memref<64xi8>, vector<16xi8>
  %7 = arith.cmpf ogt, %y, %low : vector<16xf32>
  %8 = arith.select %7, %y, %low : vector<16xi1>, vector<16xf32>
  %9 = arith.cmpf olt, %8, %high : vector<16xf32>
  %10 = arith.select %9, %8, %high : vector<16xi1>, vector<16xf32>
  %11 = math.roundeven %10 : vector<16xf32>
  %12 = arith.fptosi %11 : vector<16xf32> to vector<16xi32>
  %13 = arith.trunci %12 : vector<16xi32> to vector<16xi8>
  %14 = arith.addi %i, %c16 : index
  vector.store %13, %c[%14] : memref<64xi8>, vector<16xi8>
  return
}

// Signed bytes with a zero point, which is added with saturation as well; of the second panel 5 bytes.
// CHECK-LABEL: @tail
// WIDE: %[[PAIR:.*]] = llvm.call_intrinsic "llvm.x86.avx512.packssdw.512"
// WIDE: llvm.intr.sadd.sat(%[[PAIR]], %{{.*}}) : (vector<32xi16>, vector<32xi16>) -> vector<32xi16>
// WIDE: "llvm.x86.avx512.packsswb.512"
// WIDE: vector.maskedstore %{{.*}}[%{{.*}}], %{{.*}}, %{{.*}} : memref<64xi8>, vector<32xi1>, vector<32xi8>
// HALF: "llvm.x86.avx2.packsswb"
// HALF: vector.store {{.*}} : memref<64xi8>, vector<16xi8>
// HALF: "llvm.x86.avx2.packsswb"
// HALF: vector.maskedstore {{.*}} : memref<64xi8>, vector<16xi1>, vector<16xi8>
// LEAST: "llvm.x86.sse2.packsswb.128"
func.func @tail(%x: vector<16xf32>, %y: vector<16xf32>, %c: memref<64xi8>) {
  %low = arith.constant dense<-125.0> : vector<16xf32>
  %high = arith.constant dense<130.0> : vector<16xf32>
  %zero = arith.constant dense<-3> : vector<16xi32>
  %mask = arith.constant dense<[true, true, true, true, true, false, false, false, false, false, false, false, false, false, false, false]> : vector<16xi1>
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %0 = arith.cmpf ogt, %x, %low : vector<16xf32>
  %1 = arith.select %0, %x, %low : vector<16xi1>, vector<16xf32>
  %2 = arith.cmpf olt, %1, %high : vector<16xf32>
  %3 = arith.select %2, %1, %high : vector<16xi1>, vector<16xf32>
  %4 = math.roundeven %3 : vector<16xf32>
  %5 = arith.fptosi %4 : vector<16xf32> to vector<16xi32>
  %6 = arith.addi %5, %zero : vector<16xi32>
  %7 = arith.trunci %6 : vector<16xi32> to vector<16xi8>
  vector.store %7, %c[%c0] : memref<64xi8>, vector<16xi8>
  %8 = arith.cmpf ogt, %y, %low : vector<16xf32>
  %9 = arith.select %8, %y, %low : vector<16xi1>, vector<16xf32>
  %10 = arith.cmpf olt, %9, %high : vector<16xf32>
  %11 = arith.select %10, %9, %high : vector<16xi1>, vector<16xf32>
  %12 = math.roundeven %11 : vector<16xf32>
  %13 = arith.fptosi %12 : vector<16xf32> to vector<16xi32>
  %14 = arith.addi %13, %zero : vector<16xi32>
  %15 = arith.trunci %14 : vector<16xi32> to vector<16xi8>
  vector.maskedstore %c[%c16], %mask, %15 : memref<64xi8>, vector<16xi1>, vector<16xi8>
  return
}

// A load between the stores may read what the first one has written.
// CHECK-LABEL: @apart
// WIDE-NOT: pack
// WIDE-COUNT-2: vector.store {{.*}} vector<16xi8>
// HALF-COUNT-2: vector.store {{.*}} vector<16xi8>
func.func @apart(%x: vector<16xf32>, %c: memref<64xi8>) -> i8 {
  %low = arith.constant dense<0.0> : vector<16xf32>
  %high = arith.constant dense<255.0> : vector<16xf32>
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %0 = arith.cmpf ogt, %x, %low : vector<16xf32>
  %1 = arith.select %0, %x, %low : vector<16xi1>, vector<16xf32>
  %2 = arith.cmpf olt, %1, %high : vector<16xf32>
  %3 = arith.select %2, %1, %high : vector<16xi1>, vector<16xf32>
  %4 = math.roundeven %3 : vector<16xf32>
  %5 = arith.fptosi %4 : vector<16xf32> to vector<16xi32>
  %6 = arith.trunci %5 : vector<16xi32> to vector<16xi8>
  vector.store %6, %c[%c0] : memref<64xi8>, vector<16xi8>
  %7 = memref.load %c[%c0] : memref<64xi8>
  vector.store %6, %c[%c16] : memref<64xi8>, vector<16xi8>
  return %7 : i8
}

// Two rows of one panel each: one register, of which each has a part.
// CHECK-LABEL: @rows
// WIDE: "llvm.x86.avx512.packuswb.512"
// WIDE: %[[LOW:.*]] = vector.extract_strided_slice %[[BOTH:.*]] {offsets = [0], sizes = [16]
// WIDE: vector.store %[[LOW]], %{{.*}}[%c0]
// WIDE: %[[HIGH:.*]] = vector.extract_strided_slice %[[BOTH]] {offsets = [16], sizes = [16]
// WIDE: vector.store %[[HIGH]], %{{.*}}[%c40]
// HALF-COUNT-2: "llvm.x86.avx2.packuswb"
// LEAST-COUNT-2: "llvm.x86.sse2.packuswb.128"
func.func @rows(%x: vector<16xf32>, %y: vector<16xf32>, %c: memref<64xi8>) {
  %low = arith.constant dense<0.0> : vector<16xf32>
  %high = arith.constant dense<255.0> : vector<16xf32>
  %c0 = arith.constant 0 : index
  %c40 = arith.constant 40 : index
  %0 = arith.cmpf ogt, %x, %low : vector<16xf32>
  %1 = arith.select %0, %x, %low : vector<16xi1>, vector<16xf32>
  %2 = arith.cmpf olt, %1, %high : vector<16xf32>
  %3 = arith.select %2, %1, %high : vector<16xi1>, vector<16xf32>
  %4 = math.roundeven %3 : vector<16xf32>
  %5 = arith.fptosi %4 : vector<16xf32> to vector<16xi32>
  %6 = arith.trunci %5 : vector<16xi32> to vector<16xi8>
  vector.store %6, %c[%c0] : memref<64xi8>, vector<16xi8>
  %7 = arith.cmpf ogt, %y, %low : vector<16xf32>
  %8 = arith.select %7, %y, %low : vector<16xi1>, vector<16xf32>
  %9 = arith.cmpf olt, %8, %high : vector<16xf32>
  %10 = arith.select %9, %8, %high : vector<16xi1>, vector<16xf32>
  %11 = math.roundeven %10 : vector<16xf32>
  %12 = arith.fptosi %11 : vector<16xf32> to vector<16xi32>
  %13 = arith.trunci %12 : vector<16xi32> to vector<16xi8>
  vector.store %13, %c[%c40] : memref<64xi8>, vector<16xi8>
  return
}

// A zero point that 16 bits do not hold.
// CHECK-LABEL: @far
// CHECK-NOT: call_intrinsic
func.func @far(%x: vector<16xf32>, %c: memref<64xi8>) {
  %low = arith.constant dense<-40000.0> : vector<16xf32>
  %high = arith.constant dense<-39745.0> : vector<16xf32>
  %zero = arith.constant dense<40000> : vector<16xi32>
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %0 = arith.cmpf ogt, %x, %low : vector<16xf32>
  %1 = arith.select %0, %x, %low : vector<16xi1>, vector<16xf32>
  %2 = arith.cmpf olt, %1, %high : vector<16xf32>
  %3 = arith.select %2, %1, %high : vector<16xi1>, vector<16xf32>
  %4 = math.roundeven %3 : vector<16xf32>
  %5 = arith.fptosi %4 : vector<16xf32> to vector<16xi32>
  %6 = arith.addi %5, %zero : vector<16xi32>
  %7 = arith.trunci %6 : vector<16xi32> to vector<16xi8>
  vector.store %7, %c[%c0] : memref<64xi8>, vector<16xi8>
  vector.store %7, %c[%c16] : memref<64xi8>, vector<16xi8>
  return
}

// Bounds of no byte: saturation would not do them.
// CHECK-LABEL: @other
// CHECK-NOT: call_intrinsic
func.func @other(%x: vector<16xf32>, %c: memref<64xi8>) {
  %low = arith.constant dense<0.0> : vector<16xf32>
  %high = arith.constant dense<15.0> : vector<16xf32>
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %0 = arith.cmpf ogt, %x, %low : vector<16xf32>
  %1 = arith.select %0, %x, %low : vector<16xi1>, vector<16xf32>
  %2 = arith.cmpf olt, %1, %high : vector<16xf32>
  %3 = arith.select %2, %1, %high : vector<16xi1>, vector<16xf32>
  %4 = math.roundeven %3 : vector<16xf32>
  %5 = arith.fptosi %4 : vector<16xf32> to vector<16xi32>
  %6 = arith.trunci %5 : vector<16xi32> to vector<16xi8>
  vector.store %6, %c[%c0] : memref<64xi8>, vector<16xi8>
  vector.store %6, %c[%c16] : memref<64xi8>, vector<16xi8>
  return
}
