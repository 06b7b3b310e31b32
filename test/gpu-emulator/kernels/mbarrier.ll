; The first warp copies 32 words to shared memory and arrives at an object when they have landed; the
; second one waits for its first phase and reads them, mirrored.
target triple = "nvptx64-nvidia-cuda"

@tile = internal addrspace(3) global [32 x i32] undef, align 16
@ready = internal addrspace(3) global i64 undef, align 8

declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
declare void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3), i32)
declare void @llvm.nvvm.cp.async.mbarrier.arrive.noinc.shared(ptr addrspace(3))
declare i1 @llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta(ptr addrspace(3), i32)
declare void @llvm.nvvm.cp.async.ca.shared.global.4(ptr addrspace(3), ptr addrspace(1))

define ptx_kernel void @hand_over(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %first = icmp eq i32 %tid, 0
  br i1 %first, label %init, label %initialized
init:
  call void @llvm.nvvm.mbarrier.init.shared(ptr addrspace(3) @ready, i32 32)
  br label %initialized
initialized:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %gives = icmp ult i32 %tid, 32
  br i1 %gives, label %give, label %take
give:
  %from = getelementptr i32, ptr addrspace(1) %in, i32 %tid
  %to = getelementptr i32, ptr addrspace(3) @tile, i32 %tid
  call void @llvm.nvvm.cp.async.ca.shared.global.4(ptr addrspace(3) %to, ptr addrspace(1) %from)
  call void @llvm.nvvm.cp.async.mbarrier.arrive.noinc.shared(ptr addrspace(3) @ready)
  ret void
take:
  %done = call i1 @llvm.nvvm.mbarrier.try.wait.parity.scope.cta.space.cta(ptr addrspace(3) @ready, i32 0)
  br i1 %done, label %read, label %take
read:
  %other = sub i32 63, %tid
  %place = getelementptr i32, ptr addrspace(3) @tile, i32 %other
  %x = load i32, ptr addrspace(3) %place, align 4
  %index = sub i32 %tid, 32
  %q = getelementptr i32, ptr addrspace(1) %out, i32 %index
  store i32 %x, ptr addrspace(1) %q, align 4
  ret void
}
