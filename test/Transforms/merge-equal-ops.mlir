// One of the ops that compute the same is kept, also where bodies use values from outside.
//
// RUN: mad-opt %s --mad-merge-equal-ops | FileCheck %s

#id = affine_map<(d0) -> (d0)>

// CHECK-LABEL: func.func @equal
// CHECK: %[[C:.*]] = arith.constant 1
// CHECK: %[[S:.*]] = arith.addf
// CHECK-NOT: arith.addf
// CHECK: return %[[S]], %[[S]]
func.func @equal(%x: f32) -> (f32, f32) {
  %c = arith.constant 1.0 : f32
  %d = arith.constant 1.0 : f32
  %unused = arith.mulf %x, %d : f32
  %s = arith.addf %x, %c : f32
  %t = arith.addf %x, %d : f32
  return %s, %t : f32, f32
}

// Operands of ops that take them in either order may be turned.
// CHECK-LABEL: func.func @turned
// CHECK: arith.addf
// CHECK-NOT: arith.addf
// CHECK: arith.subf
// CHECK: arith.subf
func.func @turned(%x: f32, %y: f32) -> (f32, f32, f32, f32) {
  %s = arith.addf %x, %y : f32
  %t = arith.addf %y, %x : f32
  %u = arith.subf %x, %y : f32
  %v = arith.subf %y, %x : f32
  return %s, %t, %u, %v : f32, f32, f32, f32
}

// Two bodies use one value from outside, the third another one.
// CHECK-LABEL: func.func @bodies
// CHECK: %[[A:.*]] = linalg.generic
// CHECK: %[[B:.*]] = linalg.generic
// CHECK-NOT: linalg.generic
// CHECK: return %[[A]], %[[A]], %[[B]]
func.func @bodies(%x: tensor<4xf32>, %p: f32, %q: f32) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %e = tensor.empty() : tensor<4xf32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%i: f32, %o: f32):
    %r = arith.mulf %i, %p : f32
    linalg.yield %r : f32
  } -> tensor<4xf32>
  %b = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%i: f32, %o: f32):
    %r = arith.mulf %i, %p : f32
    linalg.yield %r : f32
  } -> tensor<4xf32>
  %c = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%i: f32, %o: f32):
    %r = arith.mulf %i, %q : f32
    linalg.yield %r : f32
  } -> tensor<4xf32>
  return %a, %b, %c : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// What a block knows holds in the regions of its ops, not in those beside them.
// CHECK-LABEL: func.func @branches
// CHECK: %[[S:.*]] = arith.addf
// CHECK: scf.if
// CHECK-NEXT: %[[M:.*]] = arith.mulf %[[S]], %[[S]]
// CHECK-NEXT: scf.yield %[[M]]
// CHECK: else
// CHECK-NEXT: %[[N:.*]] = arith.mulf %[[S]], %[[S]]
// CHECK-NEXT: %[[D:.*]] = arith.divf %[[N]]
func.func @branches(%x: f32, %y: f32, %c: i1) -> f32 {
  %s = arith.addf %x, %y : f32
  %r = scf.if %c -> f32 {
    %t = arith.addf %x, %y : f32
    %m = arith.mulf %s, %t : f32
    scf.yield %m : f32
  } else {
    %m = arith.mulf %s, %s : f32
    %d = arith.divf %m, %x : f32
    scf.yield %d : f32
  }
  return %r : f32
}

// Reads and writes stay.
// CHECK-LABEL: func.func @effects
// CHECK: memref.load
// CHECK: memref.store
// CHECK: memref.load
func.func @effects(%m: memref<f32>) -> (f32, f32) {
  %a = memref.load %m[] : memref<f32>
  %b = arith.addf %a, %a : f32
  memref.store %b, %m[] : memref<f32>
  %c = memref.load %m[] : memref<f32>
  return %a, %c : f32, f32
}
