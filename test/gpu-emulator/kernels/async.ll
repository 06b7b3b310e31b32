; out[i] = the sum over all tiles of in[tile][255 - i]: tiles of 256 words are copied to shared memory
; in two buffers, the next one while the last one is read by other threads than those that copied it.
target triple = "nvptx64-nvidia-cuda"

@tiles = internal addrspace(3) global [2 x [256 x i32]] undef, align 16

declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare void @llvm.nvvm.cp.async.ca.shared.global.4(ptr addrspace(3), ptr addrspace(1))
declare void @llvm.nvvm.cp.async.commit.group()
declare void @llvm.nvvm.cp.async.wait.group(i32)
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)

define ptx_kernel void @buffered(ptr addrspace(1) %in, ptr addrspace(1) %out, i64 %tiles64) {
entry:
  %tiles = trunc i64 %tiles64 to i32
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %mirror = sub i32 255, %tid
  %to0 = getelementptr i32, ptr addrspace(3) @tiles, i32 %tid
  %from0 = getelementptr i32, ptr addrspace(1) %in, i32 %tid
  call void @llvm.nvvm.cp.async.ca.shared.global.4(ptr addrspace(3) %to0, ptr addrspace(1) %from0)
  call void @llvm.nvvm.cp.async.commit.group()
  br label %head
head:
  %tile = phi i32 [ 0, %entry ], [ %next, %copied ]
  %sum = phi i32 [ 0, %entry ], [ %more, %copied ]
  %next = add i32 %tile, 1
  %last = icmp eq i32 %next, %tiles
  br i1 %last, label %copied, label %copy
copy:
  %odd = and i32 %next, 1
  %to = getelementptr [256 x i32], ptr addrspace(3) @tiles, i32 %odd, i32 %tid
  %from = getelementptr [256 x i32], ptr addrspace(1) %in, i32 %next, i32 %tid
  call void @llvm.nvvm.cp.async.ca.shared.global.4(ptr addrspace(3) %to, ptr addrspace(1) %from)
  br label %copied
copied:
  call void @llvm.nvvm.cp.async.commit.group()
  call void @llvm.nvvm.cp.async.wait.group(i32 1)
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %even = and i32 %tile, 1
  %place = getelementptr [256 x i32], ptr addrspace(3) @tiles, i32 %even, i32 %mirror
  %value = load i32, ptr addrspace(3) %place, align 4
  %more = add i32 %sum, %value
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br i1 %last, label %exit, label %head
exit:
  %result = getelementptr i32, ptr addrspace(1) %out, i32 %tid
  store i32 %more, ptr addrspace(1) %result, align 4
  ret void
}
