; out = the transposed of in, 8x8 of 16 bits: read by columns, written by rows.
target triple = "nvptx64-nvidia-cuda"

@from = internal addrspace(3) global [64 x i16] undef, align 16
@to = internal addrspace(3) global [64 x i16] undef, align 16

declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare void @llvm.nvvm.bar.warp.sync(i32)
declare i32 @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x1.trans.b16.p3(ptr addrspace(3))
declare void @llvm.nvvm.stmatrix.sync.aligned.m8n8.x1.b16.p3(ptr addrspace(3), i32)

define ptx_kernel void @transpose(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %lane = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %p = getelementptr i32, ptr addrspace(1) %in, i32 %lane
  %x = load i32, ptr addrspace(1) %p, align 4
  %put = getelementptr i32, ptr addrspace(3) @from, i32 %lane
  store i32 %x, ptr addrspace(3) %put, align 4
  call void @llvm.nvvm.bar.warp.sync(i32 -1)
  %in8 = and i32 %lane, 7
  %row = mul i32 %in8, 8
  %a = getelementptr i16, ptr addrspace(3) @from, i32 %row
  %b = getelementptr i16, ptr addrspace(3) @to, i32 %row
  %m = call i32 @llvm.nvvm.ldmatrix.sync.aligned.m8n8.x1.trans.b16.p3(ptr addrspace(3) %a)
  call void @llvm.nvvm.stmatrix.sync.aligned.m8n8.x1.b16.p3(ptr addrspace(3) %b, i32 %m)
  call void @llvm.nvvm.bar.warp.sync(i32 -1)
  %get = getelementptr i32, ptr addrspace(3) @to, i32 %lane
  %y = load i32, ptr addrspace(3) %get, align 4
  %q = getelementptr i32, ptr addrspace(1) %out, i32 %lane
  store i32 %y, ptr addrspace(1) %q, align 4
  ret void
}
