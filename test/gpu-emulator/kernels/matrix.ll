; One warp: d = a * b + c for the product of matrices that test_emulator.py puts in the place of
; words between signs of percent. Rows of a (16) and columns of b (8) have 32 bytes each.
target triple = "nvptx64-nvidia-cuda"

@a = internal addrspace(3) global [32 x <4 x i32>] undef, align 16
@b = internal addrspace(3) global [16 x <4 x i32>] undef, align 16

declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare void @llvm.nvvm.bar.warp.sync(i32)
declare {i32, i32, i32, i32} @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16.p3(ptr addrspace(3))
declare {i32, i32} @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x2.b16.p3(ptr addrspace(3))
declare {%c%, %c%, %c%, %c%} @llvm.nvvm.mma.%mma%(%ab%, %ab%, %ab%, %ab%, %ab%, %ab%, %c%, %c%, %c%, %c%)

define ptx_kernel void @multiply(ptr addrspace(1) %pa, ptr addrspace(1) %pb, ptr addrspace(1) %pd) {
entry:
  %lane = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %half = and i32 %lane, 15
  %ga = getelementptr <4 x i32>, ptr addrspace(1) %pa, i32 %lane
  %gb = getelementptr <4 x i32>, ptr addrspace(1) %pb, i32 %half
  %va = load <4 x i32>, ptr addrspace(1) %ga, align 16
  %vb = load <4 x i32>, ptr addrspace(1) %gb, align 16
  %sa = getelementptr <4 x i32>, ptr addrspace(3) @a, i32 %lane
  store <4 x i32> %va, ptr addrspace(3) %sa, align 16
  %lower = icmp ult i32 %lane, 16
  br i1 %lower, label %store, label %load
store:
  %sb = getelementptr <4 x i32>, ptr addrspace(3) @b, i32 %half
  store <4 x i32> %vb, ptr addrspace(3) %sb, align 16
  br label %load
load:
  call void @llvm.nvvm.bar.warp.sync(i32 -1)
  ; lane / 8 is the matrix: upper or lower rows by its first bit, columns by its second
  %matrix = lshr i32 %lane, 3
  %in = and i32 %lane, 7
  %below = and i32 %matrix, 1
  %right = lshr i32 %matrix, 1
  %below8 = mul i32 %below, 8
  %row = add i32 %below8, %in
  %row2 = mul i32 %row, 2
  %chunk = add i32 %row2, %right
  %la = getelementptr <4 x i32>, ptr addrspace(3) @a, i32 %chunk
  %a = call {i32, i32, i32, i32} @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16.p3(ptr addrspace(3) %la)
  %in2 = mul i32 %in, 2
  %chunkb = add i32 %in2, %below
  %lb = getelementptr <4 x i32>, ptr addrspace(3) @b, i32 %chunkb
  %b = call {i32, i32} @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x2.b16.p3(ptr addrspace(3) %lb)
  %wa0 = extractvalue {i32, i32, i32, i32} %a, 0
  %wa1 = extractvalue {i32, i32, i32, i32} %a, 1
  %wa2 = extractvalue {i32, i32, i32, i32} %a, 2
  %wa3 = extractvalue {i32, i32, i32, i32} %a, 3
  %wb0 = extractvalue {i32, i32} %b, 0
  %wb1 = extractvalue {i32, i32} %b, 1
  %a0 = bitcast i32 %wa0 to %ab%
  %a1 = bitcast i32 %wa1 to %ab%
  %a2 = bitcast i32 %wa2 to %ab%
  %a3 = bitcast i32 %wa3 to %ab%
  %b0 = bitcast i32 %wb0 to %ab%
  %b1 = bitcast i32 %wb1 to %ab%
  ; c and d: two neighbours of row lane / 4, and those eight rows below
  %group = lshr i32 %lane, 2
  %member = and i32 %lane, 3
  %row8 = mul i32 %group, 8
  %member2 = mul i32 %member, 2
  %first = add i32 %row8, %member2
  %d0 = getelementptr %c%, ptr addrspace(1) %pd, i32 %first
  %d1 = getelementptr %c%, ptr addrspace(1) %d0, i32 1
  %d2 = getelementptr %c%, ptr addrspace(1) %d0, i32 64
  %d3 = getelementptr %c%, ptr addrspace(1) %d0, i32 65
  %c0 = load %c%, ptr addrspace(1) %d0, align 4
  %c1 = load %c%, ptr addrspace(1) %d1, align 4
  %c2 = load %c%, ptr addrspace(1) %d2, align 4
  %c3 = load %c%, ptr addrspace(1) %d3, align 4
  %d = call {%c%, %c%, %c%, %c%} @llvm.nvvm.mma.%mma%(%ab% %a0, %ab% %a1, %ab% %a2, %ab% %a3, %ab% %b0, %ab% %b1, %c% %c0, %c% %c1, %c% %c2, %c% %c3)
  %r0 = extractvalue {%c%, %c%, %c%, %c%} %d, 0
  %r1 = extractvalue {%c%, %c%, %c%, %c%} %d, 1
  %r2 = extractvalue {%c%, %c%, %c%, %c%} %d, 2
  %r3 = extractvalue {%c%, %c%, %c%, %c%} %d, 3
  store %c% %r0, ptr addrspace(1) %d0, align 4
  store %c% %r1, ptr addrspace(1) %d1, align 4
  store %c% %r2, ptr addrspace(1) %d2, align 4
  store %c% %r3, ptr addrspace(1) %d3, align 4
  ret void
}
