; Kernels with one mistake each, which test_emulator.py expects to be reported. All take (in, out).
target triple = "nvptx64-nvidia-cuda"

@tile = internal addrspace(3) global [256 x i32] undef, align 16
@flags = internal addrspace(3) global [256 x i32] undef, align 16
@dynamic = external addrspace(3) global [0 x i8], align 16

declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
declare void @llvm.nvvm.bar.warp.sync(i32)
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
declare i32 @llvm.nvvm.shfl.sync.bfly.i32(i32, i32, i32, i32)
declare void @llvm.nvvm.cp.async.ca.shared.global.4(ptr addrspace(3), ptr addrspace(1))
declare void @llvm.nvvm.cp.async.commit.group()
declare void @llvm.nvvm.cp.async.wait.group(i32)
declare void @llvm.trap()

define ptx_kernel void @all_write(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  store i32 %tid, ptr addrspace(3) @tile, align 4
  ret void
}

; neighbours of a warp swap without bar.warp.sync
define ptx_kernel void @no_warp_sync(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %mine = getelementptr i32, ptr addrspace(3) @tile, i32 %tid
  store i32 %tid, ptr addrspace(3) %mine, align 4
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %other = xor i32 %tid, 1
  %theirs = getelementptr i32, ptr addrspace(3) @tile, i32 %other
  %x = load i32, ptr addrspace(3) %theirs, align 4
  store i32 %x, ptr addrspace(3) %mine, align 4
  ret void
}

; neighbours of a warp swap, and wait for each other in a shuffle, which orders no memory
define ptx_kernel void @shuffle_between(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %mine = getelementptr i32, ptr addrspace(3) @tile, i32 %tid
  store i32 %tid, ptr addrspace(3) %mine, align 4
  %ignored = call i32 @llvm.nvvm.shfl.sync.bfly.i32(i32 -1, i32 %tid, i32 1, i32 31)
  %other = xor i32 %tid, 1
  %theirs = getelementptr i32, ptr addrspace(3) @tile, i32 %other
  %x = load i32, ptr addrspace(3) %theirs, align 4
  %q = getelementptr i32, ptr addrspace(1) %out, i32 %tid
  store i32 %x, ptr addrspace(1) %q, align 4
  ret void
}

; only warps are in order, and they read each other's words
define ptx_kernel void @warp_sync_only(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %mine = getelementptr i32, ptr addrspace(3) @tile, i32 %tid
  store i32 %tid, ptr addrspace(3) %mine, align 4
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  store i32 %tid, ptr addrspace(3) %mine, align 4
  call void @llvm.nvvm.bar.warp.sync(i32 -1)
  %other = xor i32 %tid, 32
  %theirs = getelementptr i32, ptr addrspace(3) @tile, i32 %other
  %x = load i32, ptr addrspace(3) %theirs, align 4
  ret void
}

; all warps read a word, then one thread writes it
define ptx_kernel void @write_after_read(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %mine = getelementptr i32, ptr addrspace(3) @tile, i32 %tid
  store i32 %tid, ptr addrspace(3) %mine, align 4
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %x = load i32, ptr addrspace(3) @tile, align 4
  call void @llvm.nvvm.bar.warp.sync(i32 -1)
  %last = icmp eq i32 %tid, 255
  br i1 %last, label %write, label %exit
write:
  store i32 %x, ptr addrspace(3) @tile, align 4
  br label %exit
exit:
  ret void
}

define ptx_kernel void @uninitialized(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %mine = getelementptr i32, ptr addrspace(3) @tile, i32 %tid
  %x = load i32, ptr addrspace(3) %mine, align 4
  %q = getelementptr i32, ptr addrspace(1) %out, i32 %tid
  store i32 %x, ptr addrspace(1) %q, align 4
  ret void
}

define ptx_kernel void @blocks_write(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %q = getelementptr i32, ptr addrspace(1) %out, i32 %tid
  store i32 %tid, ptr addrspace(1) %q, align 4
  ret void
}

; block b writes out[b], which block b - 1 reads
define ptx_kernel void @block_reads_block(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %block = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %next = add i32 %block, 1
  %p = getelementptr i32, ptr addrspace(1) %out, i32 %next
  %x = load i32, ptr addrspace(1) %p, align 4
  %q = getelementptr i32, ptr addrspace(1) %out, i32 %block
  store i32 %x, ptr addrspace(1) %q, align 4
  ret void
}

define ptx_kernel void @threads_write(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %pair = lshr i32 %tid, 1
  %q = getelementptr i32, ptr addrspace(1) %out, i32 %pair
  store i32 %tid, ptr addrspace(1) %q, align 4
  ret void
}

; in has 256 words
define ptx_kernel void @beyond_global(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %next = add i32 %tid, 1
  %p = getelementptr i32, ptr addrspace(1) %in, i32 %next
  %x = load i32, ptr addrspace(1) %p, align 4
  %q = getelementptr i32, ptr addrspace(1) %out, i32 %tid
  store i32 %x, ptr addrspace(1) %q, align 4
  ret void
}

define ptx_kernel void @half_beyond(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %p = getelementptr i32, ptr addrspace(1) %in, i32 254
  %x = load <4 x i32>, ptr addrspace(1) %p, align 8
  store <4 x i32> %x, ptr addrspace(1) %out, align 16
  ret void
}

define ptx_kernel void @read_all(ptr %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %p = getelementptr i32, ptr %in, i32 %tid
  %x = load i32, ptr %p, align 4
  %q = getelementptr i32, ptr addrspace(1) %out, i32 %tid
  store i32 %x, ptr addrspace(1) %q, align 4
  ret void
}

define ptx_kernel void @misaligned(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %p = getelementptr i32, ptr addrspace(1) %in, i32 1
  %x = load <4 x i32>, ptr addrspace(1) %p, align 16
  store <4 x i32> %x, ptr addrspace(1) %out, align 16
  ret void
}

; the variable behind has room for it
define ptx_kernel void @beyond_shared(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %next = add i32 %tid, 1
  %p = getelementptr i32, ptr addrspace(3) @tile, i32 %next
  store i32 %tid, ptr addrspace(3) %p, align 4
  %q = getelementptr i32, ptr addrspace(3) @flags, i32 %tid
  store i32 %tid, ptr addrspace(3) %q, align 4
  ret void
}

define ptx_kernel void @beyond_dynamic(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %p = getelementptr i32, ptr addrspace(3) @dynamic, i32 %tid
  store i32 %tid, ptr addrspace(3) %p, align 4
  ret void
}

define ptx_kernel void @exited(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %few = icmp ult i32 %tid, 16
  br i1 %few, label %exit, label %wait
wait:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  br label %exit
exit:
  ret void
}

define ptx_kernel void @two_barriers(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %few = icmp ult i32 %tid, 16
  br i1 %few, label %some, label %others
some:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  ret void
others:
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  ret void
}

define ptx_kernel void @shuffle_exited(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %few = icmp ult i32 %tid, 16
  br i1 %few, label %exit, label %shuffle
shuffle:
  %x = call i32 @llvm.nvvm.shfl.sync.bfly.i32(i32 -1, i32 %tid, i32 1, i32 31)
  %q = getelementptr i32, ptr addrspace(1) %out, i32 %tid
  store i32 %x, ptr addrspace(1) %q, align 4
  br label %exit
exit:
  ret void
}

define ptx_kernel void @in_flight(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %p = getelementptr i32, ptr addrspace(1) %in, i32 %tid
  %mine = getelementptr i32, ptr addrspace(3) @tile, i32 %tid
  call void @llvm.nvvm.cp.async.ca.shared.global.4(ptr addrspace(3) %mine, ptr addrspace(1) %p)
  call void @llvm.nvvm.cp.async.commit.group()
  call void @llvm.nvvm.cp.async.wait.group(i32 1)
  %x = load i32, ptr addrspace(3) %mine, align 4
  %q = getelementptr i32, ptr addrspace(1) %out, i32 %tid
  store i32 %x, ptr addrspace(1) %q, align 4
  ret void
}

define ptx_kernel void @gives_up(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  call void @llvm.trap()
  unreachable
}
