// RUN: mad-opt %s --pass-pipeline='builtin.module(func.func(mad-vectorize-lanes{level=4 registers=1},canonicalize,cse))' | FileCheck %s

// A loop runs while any lane is in it; lanes that have left keep what they have.
// CHECK-LABEL: func.func @halve(
// CHECK-SAME: %[[X:.*]]: memref<?xf64>, %[[N:.*]]: memref<?xi64>, %[[B:.*]]: index)
// CHECK: scf.parallel
// CHECK: scf.for
// CHECK: vector.step : vector<8xindex>
// CHECK: %[[START:.*]] = vector.gather %[[X]]
// CHECK: %[[LOOP:.*]]:3 = scf.while (%[[V:.*]] = %[[START]], %[[K:.*]] = %{{.*}}, %[[IN:.*]] = %{{.*}})
// CHECK: %[[MORE:.*]] = arith.cmpf ogt, %[[V]]
// CHECK: %[[ACTIVE:.*]] = arith.andi %[[IN]], %[[MORE]]
// CHECK: %[[ANY:.*]] = vector.reduction <or>, %[[ACTIVE]]
// CHECK: scf.condition(%[[ANY]])
// CHECK: do
// CHECK: %[[HALF:.*]] = arith.mulf
// CHECK: arith.select %{{.*}}, %[[HALF]]
// CHECK: scf.yield
// CHECK: vector.scatter %[[X]]
// CHECK: vector.scatter %[[N]]
func.func @halve(%x: memref<?xf64>, %n: memref<?xi64>, %b: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %unit = arith.constant 1.0 : f64
  %half = arith.constant 0.5 : f64
  scf.for %i = %c0 to %b step %c1 {
    %start = memref.load %x[%i] : memref<?xf64>
    %r:2 = scf.while (%v = %start, %k = %zero) : (f64, i64) -> (f64, i64) {
      %more = arith.cmpf ogt, %v, %unit : f64
      scf.condition(%more) %v, %k : f64, i64
    } do {
    ^bb0(%v: f64, %k: i64):
      %h = arith.mulf %v, %half : f64
      %k1 = arith.addi %k, %one : i64
      scf.yield %h, %k1 : f64, i64
    }
    memref.store %r#0, %x[%i] : memref<?xf64>
    memref.store %r#1, %n[%i] : memref<?xi64>
  } {ode.lanes}
  return
}

// A branch that takes long, or reads, is entered where a lane takes it; a short one is computed by all.
// CHECK-LABEL: func.func @branch(
// CHECK: vector.gather {{.*}} vector<8xf64>
// CHECK: %[[LESS:.*]] = arith.cmpf olt
// CHECK: vector.reduction <or>, %[[LESS]]
// CHECK: scf.if
// CHECK: vector.gather %{{.*}}[%{{.*}}] [%{{.*}}], %[[LESS]]
// CHECK: else
// CHECK: arith.negf
// CHECK-NOT: scf.if
// CHECK: arith.select
// CHECK: vector.scatter
func.func @branch(%x: memref<?x2xf64>, %b: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f64
  scf.for %i = %c0 to %b step %c1 {
    %v = memref.load %x[%i, %c0] : memref<?x2xf64>
    %less = arith.cmpf olt, %v, %zero : f64
    %w = scf.if %less -> f64 {
      %other = memref.load %x[%i, %c1] : memref<?x2xf64>
      scf.yield %other : f64
    } else {
      scf.yield %v : f64
    }
    %more = arith.cmpf ogt, %w, %zero : f64
    %y = scf.if %more -> f64 {
      %n = arith.negf %w : f64
      scf.yield %n : f64
    } else {
      scf.yield %w : f64
    }
    memref.store %y, %x[%i, %c0] : memref<?x2xf64>
  } {ode.lanes}
  return
}

// What has no form on vectors goes one by one.
// CHECK-LABEL: func.func @buffers(
// CHECK-NOT: vector.
// CHECK: scf.for
// CHECK-NEXT: memref.alloc
func.func @buffers(%x: memref<?xf64>, %b: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %b step %c1 {
    %own = memref.alloc() : memref<1xf64>
    %v = memref.load %x[%i] : memref<?xf64>
    memref.store %v, %own[%c0] : memref<1xf64>
    %w = memref.load %own[%c0] : memref<1xf64>
    %y = arith.addf %w, %w : f64
    memref.store %y, %x[%i] : memref<?xf64>
  } {ode.lanes}
  return
}
