// A register that holds nothing is refused by each pass that divides by its size.
// RUN: not %nncc-opt %s --pass-pipeline="builtin.module(nncc-cpu-apply-tuning{register-bytes=0})" 2>&1 | FileCheck %s
// RUN: not %nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-winograd{register-bytes=0}))" 2>&1 | FileCheck %s
// RUN: not %nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-contract{register-bytes=0}))" 2>&1 | FileCheck %s
// RUN: not %nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-attention{register-bytes=0}))" 2>&1 | FileCheck %s
// RUN: not %nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-recurrence{register-bytes=0}))" 2>&1 | FileCheck %s
// RUN: not %nncc-opt %s --pass-pipeline="builtin.module(nncc-cpu-fuse-bands{register-bytes=0})" 2>&1 | FileCheck %s
// RUN: not %nncc-opt %s --pass-pipeline="builtin.module(func.func(nncc-cpu-plan-contract{registers=0}))" 2>&1 | FileCheck %s --check-prefix=REGISTERS
// CHECK: error: expects register-bytes from 4 on, found 0
// REGISTERS: error: expects registers from 1 on, found 0
module {}
