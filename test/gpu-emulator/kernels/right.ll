; What must not be reported. All kernels take (in, out) of at least 256 words.
target triple = "nvptx64-nvidia-cuda"

@tile = internal addrspace(3) global [256 x i32] undef, align 16
@bytes = internal addrspace(3) global [256 x i8] undef, align 16
@dynamic = external addrspace(3) global [0 x i8], align 16
@table = internal addrspace(1) constant [4 x i32] [i32 1, i32 2, i32 3, i32 4]

declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
declare void @llvm.nvvm.bar.warp.sync(i32)
declare void @llvm.nvvm.barrier0()
declare void @llvm.nvvm.barrier.cta.sync.aligned.count(i32, i32)
declare void @llvm.nvvm.barrier.cta.arrive.aligned.count(i32, i32)
declare i32 @llvm.nvvm.barrier.cta.red.popc.aligned.all(i32, i1)
declare i32 @llvm.nvvm.vote.ballot.sync(i32, i1)
declare i32 @llvm.nvvm.redux.sync.add(i32, i32)
declare i32 @llvm.nvvm.idp4a.s.u(i32, i32, i32)
declare i32 @llvm.nvvm.shfl.sync.down.i32(i32, i32, i32, i32)
declare {i32, i1} @llvm.nvvm.shfl.sync.up.i32p(i32, i32, i32, i32)
declare i32 @llvm.nvvm.shfl.sync.idx.i32(i32, i32, i32, i32)
declare i32 @llvm.nvvm.match.any.sync.i32(i32, i32)
declare float @llvm.nvvm.ex2.approx.f32(float)
declare float @llvm.nvvm.rcp.approx.ftz.f(float)
declare float @llvm.fma.f32(float, float, float)

; neighbours of a warp swap by shared memory
define ptx_kernel void @exchange(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %mine = getelementptr i32, ptr addrspace(3) @tile, i32 %tid
  store i32 %tid, ptr addrspace(3) %mine, align 4
  call void @llvm.nvvm.bar.warp.sync(i32 -1)
  %other = xor i32 %tid, 1
  %theirs = getelementptr i32, ptr addrspace(3) @tile, i32 %other
  %x = load i32, ptr addrspace(3) %theirs, align 4
  %q = getelementptr i32, ptr addrspace(1) %out, i32 %tid
  store i32 %x, ptr addrspace(1) %q, align 4
  ret void
}

; threads write bytes beside each other, and read words of four
define ptx_kernel void @bytes_beside(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %byte = trunc i32 %tid to i8
  %mine = getelementptr i8, ptr addrspace(3) @bytes, i32 %tid
  store i8 %byte, ptr addrspace(3) %mine, align 1
  call void @llvm.nvvm.barrier0()
  %word = and i32 %tid, 252
  %place = getelementptr i8, ptr addrspace(3) @bytes, i32 %word
  %x = load i32, ptr addrspace(3) %place, align 4
  %q = getelementptr i32, ptr addrspace(1) %out, i32 %tid
  store i32 %x, ptr addrspace(1) %q, align 4
  ret void
}

; warps 0 and 1 hand over to warps 2 and 3 by a barrier of their own
define ptx_kernel void @handover(ptr addrspace(1) %in, ptr addrspace(1) %out) {
entry:
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %gives = icmp ult i32 %tid, 64
  br i1 %gives, label %give, label %take
give:
  %mine = getelementptr i32, ptr addrspace(3) @tile, i32 %tid
  store i32 %tid, ptr addrspace(3) %mine, align 4
  call void @llvm.nvvm.barrier.cta.arrive.aligned.count(i32 1, i32 128)
  ret void
take:
  call void @llvm.nvvm.barrier.cta.sync.aligned.count(i32 1, i32 128)
  %other = sub i32 127, %tid
  %theirs = getelementptr i32, ptr addrspace(3) @tile, i32 %other
  %x = load i32, ptr addrspace(3) %theirs, align 4
  %index = sub i32 %tid, 64
  %q = getelementptr i32, ptr addrspace(1) %out, i32 %index
  store i32 %x, ptr addrspace(1) %q, align 4
  ret void
}

; all blocks add to one word
define ptx_kernel void @count(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %old = atomicrmw add ptr addrspace(1) %out, i32 1 syncscope("device") monotonic, align 4
  ret void
}

; dynamic shared memory by generic pointers, and an array of the thread's own
define ptx_kernel void @generic(ptr %in, ptr %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %own = alloca [4 x i32], align 4, addrspace(5)
  %cast = addrspacecast ptr addrspace(5) %own to ptr
  %slot = and i32 %tid, 3
  %cell = getelementptr i32, ptr %cast, i32 %slot
  %entry = getelementptr [4 x i32], ptr addrspace(1) @table, i32 0, i32 %slot
  %constant = load i32, ptr addrspace(1) %entry, align 4
  store i32 %constant, ptr %cell, align 4
  %base = addrspacecast ptr addrspace(3) @dynamic to ptr
  %mine = getelementptr i32, ptr %base, i32 %tid
  %p = getelementptr i32, ptr %in, i32 %tid
  %x = load i32, ptr %p, align 4
  store i32 %x, ptr %mine, align 4
  call void @llvm.nvvm.barrier0()
  %other = xor i32 %tid, 255
  %theirs = getelementptr i32, ptr %base, i32 %other
  %y = load i32, ptr %theirs, align 4
  %z = load i32, ptr %cell, align 4
  %sum = add i32 %y, %z
  %q = getelementptr i32, ptr %out, i32 %tid
  store i32 %sum, ptr %q, align 4
  ret void
}

; out[i] of one warp, with votes and the like: 8 words for each lane
define ptx_kernel void @warp(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %p = getelementptr i32, ptr addrspace(1) %in, i32 %tid
  %x = load i32, ptr addrspace(1) %p, align 4
  %odd = trunc i32 %x to i1
  %ballot = call i32 @llvm.nvvm.vote.ballot.sync(i32 -1, i1 %odd)
  %sum = call i32 @llvm.nvvm.redux.sync.add(i32 %x, i32 -1)
  %down = call i32 @llvm.nvvm.shfl.sync.down.i32(i32 -1, i32 %x, i32 3, i32 31)
  %up = call {i32, i1} @llvm.nvvm.shfl.sync.up.i32p(i32 -1, i32 %x, i32 5, i32 0)
  %value = extractvalue {i32, i1} %up, 0
  %inside = extractvalue {i32, i1} %up, 1
  %inside32 = zext i1 %inside to i32
  %first = call i32 @llvm.nvvm.shfl.sync.idx.i32(i32 -1, i32 %x, i32 0, i32 6175) ; of each 8 lanes
  %low = and i32 %x, 3
  %same = call i32 @llvm.nvvm.match.any.sync.i32(i32 -1, i32 %low)
  %odds = call i32 @llvm.nvvm.barrier.cta.red.popc.aligned.all(i32 0, i1 %odd)
  %index = mul i32 %tid, 8
  %q = getelementptr i32, ptr addrspace(1) %out, i32 %index
  store i32 %ballot, ptr addrspace(1) %q, align 4
  %q1 = getelementptr i32, ptr addrspace(1) %q, i32 1
  store i32 %sum, ptr addrspace(1) %q1, align 4
  %q2 = getelementptr i32, ptr addrspace(1) %q, i32 2
  store i32 %down, ptr addrspace(1) %q2, align 4
  %q3 = getelementptr i32, ptr addrspace(1) %q, i32 3
  store i32 %value, ptr addrspace(1) %q3, align 4
  %q4 = getelementptr i32, ptr addrspace(1) %q, i32 4
  store i32 %inside32, ptr addrspace(1) %q4, align 4
  %q5 = getelementptr i32, ptr addrspace(1) %q, i32 5
  store i32 %first, ptr addrspace(1) %q5, align 4
  %q6 = getelementptr i32, ptr addrspace(1) %q, i32 6
  store i32 %same, ptr addrspace(1) %q6, align 4
  %q7 = getelementptr i32, ptr addrspace(1) %q, i32 7
  store i32 %odds, ptr addrspace(1) %q7, align 4
  ret void
}

define ptx_kernel void @dot(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %p = getelementptr i32, ptr addrspace(1) %in, i32 %tid
  %a = load i32, ptr addrspace(1) %p, align 4
  %b = xor i32 %a, -1
  %x = call i32 @llvm.nvvm.idp4a.s.u(i32 %a, i32 %b, i32 7)
  %q = getelementptr i32, ptr addrspace(1) %out, i32 %tid
  store i32 %x, ptr addrspace(1) %q, align 4
  ret void
}

; out = 2^in / (in * in + 1)
define ptx_kernel void @math(ptr addrspace(1) %in, ptr addrspace(1) %out) {
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %p = getelementptr float, ptr addrspace(1) %in, i32 %tid
  %x = load float, ptr addrspace(1) %p, align 4
  %e = call float @llvm.nvvm.ex2.approx.f32(float %x)
  %d = call float @llvm.fma.f32(float %x, float %x, float 1.0)
  %r = call float @llvm.nvvm.rcp.approx.ftz.f(float %d)
  %y = fmul float %e, %r
  %q = getelementptr float, ptr addrspace(1) %out, i32 %tid
  store float %y, ptr addrspace(1) %q, align 4
  ret void
}
