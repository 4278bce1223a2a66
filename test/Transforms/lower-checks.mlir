// A check that fails ends its function; what follows runs only if it holds.
//
// RUN: mad-opt %s -pass-pipeline='builtin.module(func.func(mad-lower-checks),gpu.module(gpu.func(mad-lower-checks)))' | FileCheck %s

// CHECK-LABEL: func.func @check
// CHECK-SAME: %[[GOOD:[^:]*]]: i1, %[[OUT:[^:]*]]: memref<i64>
// CHECK-NOT: cf.assert
// CHECK: cf.cond_br %[[GOOD]], ^[[NEXT:.*]], ^[[END:.*]]
// CHECK-NEXT: ^[[NEXT]]:
// CHECK: memref.store %{{.*}}, %[[OUT]][]
// CHECK-NEXT: return
// CHECK-NEXT: ^[[END]]:
// CHECK-NEXT: return
// CHECK-NEXT: }
func.func @check(%good: i1, %out: memref<i64>) {
  cf.assert %good, "index out of range"
  %c1 = arith.constant 1 : i64
  memref.store %c1, %out[] : memref<i64>
  return
}

// All checks share one end. What comes before a check has happened when it fails.
// CHECK-LABEL: func.func @two_checks
// CHECK-SAME: %[[A:[^:]*]]: i1, %[[B:[^:]*]]: i1, %[[OUT:[^:]*]]: memref<i64>
// CHECK: cf.cond_br %[[A]], ^[[FIRST:.*]], ^[[END:.*]]
// CHECK-NEXT: ^[[FIRST]]:
// CHECK: memref.store %{{.*}}, %[[OUT]][]
// CHECK-NEXT: cf.cond_br %[[B]], ^[[SECOND:.*]], ^[[END]]
// CHECK-NEXT: ^[[SECOND]]:
// CHECK-NEXT: return
// CHECK-NEXT: ^[[END]]:
// CHECK-NEXT: return
// CHECK-NEXT: }
func.func @two_checks(%a: i1, %b: i1, %out: memref<i64>) {
  cf.assert %a, "first"
  %c1 = arith.constant 1 : i64
  memref.store %c1, %out[] : memref<i64>
  cf.assert %b, "second"
  return
}

// A loop is left, too.
// CHECK-LABEL: func.func @check_in_loop
// CHECK-SAME: %[[N:[^:]*]]: index, %[[GOOD:[^:]*]]: memref<?xi1>
// CHECK: ^[[HEAD:.*]](%[[I:.*]]: index):
// CHECK: cf.cond_br %{{.*}}, ^[[BODY:.*]], ^[[DONE:.*]]
// CHECK: ^[[BODY]]:
// CHECK: %[[HOLDS:.*]] = memref.load %[[GOOD]][%[[I]]]
// CHECK: cf.cond_br %[[HOLDS]], ^[[STEP:.*]], ^[[END:.*]]
// CHECK-NEXT: ^[[STEP]]:
// CHECK: cf.br ^[[HEAD]](
// CHECK: ^[[DONE]]:
// CHECK-NEXT: return
// CHECK-NEXT: ^[[END]]:
// CHECK-NEXT: return
// CHECK-NEXT: }
func.func @check_in_loop(%n: index, %good: memref<?xi1>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  cf.br ^head(%c0 : index)
^head(%i: index):
  %more = arith.cmpi slt, %i, %n : index
  cf.cond_br %more, ^body, ^done
^body:
  %holds = memref.load %good[%i] : memref<?xi1>
  cf.assert %holds, "in a loop"
  %next = arith.addi %i, %c1 : index
  cf.br ^head(%next : index)
^done:
  return
}

// No second end without a check.
// CHECK-LABEL: func.func @no_check
// CHECK-SAME: %[[X:[^:]*]]: i1
// CHECK-NEXT: return %[[X]] : i1
// CHECK-NEXT: }
func.func @no_check(%x: i1) -> i1 {
  return %x : i1
}

// Kernels, too.
// CHECK-LABEL: gpu.func @kernel(
// CHECK: cf.cond_br %{{.*}}, ^[[GO:.*]], ^[[STOP:.*]]
// CHECK-NEXT: ^[[GO]]:
// CHECK: memref.store
// CHECK-NEXT: gpu.return
// CHECK-NEXT: ^[[STOP]]:
// CHECK-NEXT: gpu.return
gpu.module @kernels {
  gpu.func @kernel(%good: i1, %out: memref<i64>) kernel {
    cf.assert %good, "index out of range"
    %c1 = arith.constant 1 : i64
    memref.store %c1, %out[] : memref<i64>
    gpu.return
  }
}
