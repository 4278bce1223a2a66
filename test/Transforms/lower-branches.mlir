// RUN: mad-opt %s --mad-lower-branches | FileCheck %s

// Two branches after each other, the first with one inside: all are lowered.
//
// CHECK-LABEL: func.func @branches
// CHECK-SAME: %[[A:[^:]*]]: i1, %[[B:[^:]*]]: i1, %[[X:[^:]*]]: f64
// CHECK: cf.cond_br %[[A]], ^[[YES:.*]], ^[[NO:.*]]
// CHECK-NEXT: ^[[YES]]:
// CHECK: cf.cond_br %[[B]], ^[[IN:.*]], ^[[OUT:.*]]
// CHECK: ^[[IN]]:
// CHECK: %[[SIN:.*]] = math.sin %[[X]]
// CHECK: cf.br ^[[BOTH:.*]](%[[SIN]] : f64)
// CHECK: ^[[OUT]]:
// CHECK: cf.br ^[[BOTH]](%[[X]] : f64)
// CHECK: ^[[BOTH]](%[[INNER:.*]]: f64):
// CHECK: cf.br ^[[NEXT:.*]](%[[INNER]] : f64)
// CHECK: ^[[NO]]:
// CHECK: %[[COS:.*]] = math.cos %[[X]]
// CHECK: cf.br ^[[NEXT]](%[[COS]] : f64)
// CHECK: ^[[NEXT]](%[[FIRST:.*]]: f64):
// CHECK: %[[SUM:.*]] = arith.addf %[[FIRST]], %[[X]]
// CHECK: cf.cond_br %[[B]], ^[[STORE:.*]], ^[[END:.*]]
// CHECK: ^[[STORE]]:
// CHECK: memref.store %[[SUM]]
// CHECK: cf.br ^[[END]]
// CHECK: ^[[END]]:
// CHECK-NEXT: return %[[SUM]]
func.func @branches(%a: i1, %b: i1, %x: f64, %out: memref<f64>) -> f64 {
  %first = scf.if %a -> f64 {
    %inner = scf.if %b -> f64 {
      %sin = math.sin %x : f64
      scf.yield %sin : f64
    } else {
      scf.yield %x : f64
    }
    scf.yield %inner : f64
  } else {
    %cos = math.cos %x : f64
    scf.yield %cos : f64
  }
  %sum = arith.addf %first, %x : f64
  scf.if %b {
    memref.store %sum, %out[] : memref<f64>
  }
  return %sum : f64
}

// What is in a loop stays for convert-scf-to-cf.
//
// CHECK-LABEL: func.func @loop
// CHECK: scf.for
// CHECK: scf.if
// CHECK-NOT: cf.cond_br
func.func @loop(%a: i1, %n: index, %x: f64, %out: memref<?xf64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    scf.if %a {
      memref.store %x, %out[%i] : memref<?xf64>
    }
  }
  return
}
