; out[block] = the sum of the block's 256 values of in: the warps by shuffles, then their sums by
; shared memory and barriers. `tree` does it by shared memory alone.
target triple = "nvptx64-nvidia-cuda"

@partial = internal addrspace(3) global [8 x float] undef, align 16
@tile = internal addrspace(3) global [256 x float] undef, align 16

declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
declare float @llvm.nvvm.shfl.sync.bfly.f32(i32, float, i32, i32)
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
declare float @llvm.vector.reduce.fadd.v4f32(float, <4 x float>)

define internal float @warp_sum(float %value) {
  %s16 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %value, i32 16, i32 31)
  %v16 = fadd float %value, %s16
  %s8 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %v16, i32 8, i32 31)
  %v8 = fadd float %v16, %s8
  %s4 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %v8, i32 4, i32 31)
  %v4 = fadd float %v8, %s4
  %s2 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %v4, i32 2, i32 31)
  %v2 = fadd float %v4, %s2
  %s1 = call float @llvm.nvvm.shfl.sync.bfly.f32(i32 -1, float %v2, i32 1, i32 31)
  %v1 = fadd float %v2, %s1
  ret float %v1
}

define ptx_kernel void @reduce(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %block = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %base = mul i32 %block, 256
  %index = add i32 %base, %tid
  %p = getelementptr float, ptr addrspace(1) %in, i32 %index
  %x = load float, ptr addrspace(1) %p, align 4
  %sum = call float @warp_sum(float %x)
  %lane = and i32 %tid, 31
  %warp = lshr i32 %tid, 5
  %leads = icmp eq i32 %lane, 0
  br i1 %leads, label %leader, label %wait
leader:
  %place = getelementptr float, ptr addrspace(3) @partial, i32 %warp
  store float %sum, ptr addrspace(3) %place, align 4
  br label %wait
wait:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %first = icmp eq i32 %tid, 0
  br i1 %first, label %total, label %exit
total:
  %a = load <4 x float>, ptr addrspace(3) @partial, align 16
  %second = getelementptr <4 x float>, ptr addrspace(3) @partial, i32 1
  %b = load <4 x float>, ptr addrspace(3) %second, align 16
  %ab = fadd <4 x float> %a, %b
  %all = call float @llvm.vector.reduce.fadd.v4f32(float 0.0, <4 x float> %ab)
  %q = getelementptr float, ptr addrspace(1) %out, i32 %block
  store float %all, ptr addrspace(1) %q, align 4
  br label %exit
exit:
  ret void
}

define ptx_kernel void @tree(ptr addrspace(1) %in, ptr addrspace(1) %out) {
entry:
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %block = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %base = mul i32 %block, 256
  %index = add i32 %base, %tid
  %p = getelementptr float, ptr addrspace(1) %in, i32 %index
  %x = load float, ptr addrspace(1) %p, align 4
  %mine = getelementptr float, ptr addrspace(3) @tile, i32 %tid
  store float %x, ptr addrspace(3) %mine, align 4
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br label %head
head:
  %half = phi i32 [ 128, %entry ], [ %next, %joined ]
  %adds = icmp ult i32 %tid, %half
  br i1 %adds, label %add, label %joined
add:
  %other = add i32 %tid, %half
  %theirs = getelementptr float, ptr addrspace(3) @tile, i32 %other
  %u = load float, ptr addrspace(3) %mine, align 4
  %v = load float, ptr addrspace(3) %theirs, align 4
  %w = fadd float %u, %v
  store float %w, ptr addrspace(3) %mine, align 4
  br label %joined
joined:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %next = lshr i32 %half, 1
  %more = icmp ne i32 %next, 0
  br i1 %more, label %head, label %last
last:
  %first = icmp eq i32 %tid, 0
  br i1 %first, label %write, label %exit
write:
  %total = load float, ptr addrspace(3) @tile, align 4
  %q = getelementptr float, ptr addrspace(1) %out, i32 %block
  store float %total, ptr addrspace(1) %q, align 4
  br label %exit
exit:
  ret void
}
