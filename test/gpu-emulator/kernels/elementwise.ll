; c[i] = a[i] + b[i], in a loop over the grid
target triple = "nvptx64-nvidia-cuda"

declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.nctaid.x()

define ptx_kernel void @add(ptr %a, ptr addrspace(1) %b, ptr addrspace(1) %c, i64 %n) {
entry:
  %tid = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %ntid = call i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
  %ctaid = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %nctaid = call i32 @llvm.nvvm.read.ptx.sreg.nctaid.x()
  %base = mul i32 %ctaid, %ntid
  %first = add i32 %base, %tid
  %first64 = zext i32 %first to i64
  %step = mul i32 %nctaid, %ntid
  %step64 = zext i32 %step to i64
  br label %head
head:
  %i = phi i64 [ %first64, %entry ], [ %next, %body ]
  %more = icmp slt i64 %i, %n
  br i1 %more, label %body, label %exit
body:
  %pa = getelementptr float, ptr %a, i64 %i
  %pb = getelementptr float, ptr addrspace(1) %b, i64 %i
  %pc = getelementptr float, ptr addrspace(1) %c, i64 %i
  %x = load float, ptr %pa, align 4
  %y = load float, ptr addrspace(1) %pb, align 4
  %sum = fadd float %x, %y
  store float %sum, ptr addrspace(1) %pc, align 4
  %next = add i64 %i, %step64
  br label %head
exit:
  ret void
}
