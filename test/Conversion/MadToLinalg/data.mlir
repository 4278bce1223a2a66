// Ops on data become loops on memory of their own.
//
// RUN: mad-opt %s --mad-to-linalg --canonicalize --cse | FileCheck %s

!n = tensor<?xf32, #mad.dims<"N">>
!in = tensor<?xi64, #mad.dims<"N">>

// Positions that only count or repeat are not in memory.
// CHECK-LABEL: func.func @scatter(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4x2xf32>, %[[I:[^:]*]]: tensor<3xi64>, %[[U:[^:]*]]: tensor<3x2xf32>)
// CHECK: cf.assert
// CHECK-NOT: cf.assert
// CHECK: %[[M:.*]] = memref.alloc() : memref<4x2xf32>
// CHECK: bufferization.materialize_in_destination %[[X]] in restrict writable %[[M]]
// CHECK: scf.for %[[R:.*]] = %{{.*}} to %{{.*}} step
// CHECK: scf.for %[[C:.*]] = %{{.*}} to %{{.*}} step
// CHECK: %[[W:.*]] = tensor.extract %[[I]][%[[R]]]
// CHECK: %[[P:.*]] = arith.index_cast %[[W]] : i64 to index
// CHECK: %[[NEW:.*]] = tensor.extract %[[U]][%[[R]], %[[C]]]
// CHECK: %[[OLD:.*]] = memref.load %[[M]][%[[P]], %[[C]]]
// CHECK: %[[SUM:.*]] = arith.addf %[[OLD]], %[[NEW]] : f32
// CHECK: memref.store %[[SUM]], %[[M]][%[[P]], %[[C]]]
// CHECK: bufferization.to_tensor %[[M]] restrict
func.func @scatter(%x: tensor<4x2xf32>, %i: tensor<3xi64>, %u: tensor<3x2xf32>) -> tensor<4x2xf32> attributes {mad.entry} {
  %r = mad.view %i by affine_map<(d0, d1) -> (d0)> inside : (tensor<3xi64>) -> tensor<3x2xi64>
  %c = mad.iota 1 : tensor<3x2xi64>
  %0 = mad.scatter add %x[%r, %c] = %u : (tensor<4x2xf32>, tensor<3x2xi64>, tensor<3x2xi64>, tensor<3x2xf32>) -> tensor<4x2xf32>
  return %0 : tensor<4x2xf32>
}

// Few wanted elements: a list, one pass. The values that nobody reads have no memory.
// CHECK-LABEL: func.func @few(
// CHECK-COUNT-3: memref.alloc() : memref<3x
// CHECK-NOT: memref.alloc
// CHECK: scf.for %{{.*}} iter_args
// CHECK: arith.cmpf ugt
// CHECK: arith.cmpf ord
// CHECK: scf.while
// CHECK: return
func.func @few(%x: !n) -> tensor<3xi64> attributes {mad.entry, mad.dims = ["N"]} {
  %0:2 = mad.sort %x along 0 descending : (!n) -> (tensor<3xf32>, tensor<3xi64>)
  return %0#1 : tensor<3xi64>
}

// All of them: blocks of 16, then two buffers that change places. No positions.
// CHECK-LABEL: func.func @all(
// CHECK-SAME: %[[N:[^:]*]]: index
// CHECK-DAG: %[[C16:.*]] = arith.constant 16 : index
// CHECK-COUNT-3: memref.alloc(%[[N]]) : memref<?xf32>
// CHECK-NOT: memref.alloc
// CHECK: scf.for %{{.*}} = %{{.*}} to %[[N]] step %[[C16]]
// CHECK: scf.for %{{.*}} iter_args(%[[A:.*]] = %{{.*}}, %[[B:.*]] = %{{.*}}, %{{.*}} = %[[C16]])
// CHECK: memref.load %[[A]]
// CHECK: memref.store %{{.*}}, %[[B]]
// CHECK: scf.yield %[[B]], %[[A]], %{{.*}} : memref<?xf32>, memref<?xf32>, index
func.func @all(%x: !n) -> !n attributes {mad.entry, mad.dims = ["N"]} {
  %0:2 = mad.sort %x along 0 : (!n) -> (!n, !in)
  return %0#0 : !n
}

// The sum stays in a register along the last dimension; else rows follow each other.
// CHECK-LABEL: func.func @cumulate(
// CHECK: scf.for
// CHECK: scf.for %{{.*}} iter_args(%[[S:.*]] = %{{.*}}) -> (f32)
// CHECK: arith.mulf %[[S]], %{{.*}} : f32
// CHECK: scf.for
// CHECK: scf.for
// CHECK: arith.maximumf
func.func @cumulate(%x: tensor<4x5xf32>) -> (tensor<4x5xf32>, tensor<4x5xf32>) attributes {mad.entry} {
  %0 = mad.cumulate prod %x along 1 : (tensor<4x5xf32>) -> tensor<4x5xf32>
  %1 = mad.cumulate max %x along 0 : (tensor<4x5xf32>) -> tensor<4x5xf32>
  return %0, %1 : tensor<4x5xf32>, tensor<4x5xf32>
}

// Eight blocks at a time, then one.
// CHECK-LABEL: func.func @philox(
// CHECK: scf.for
// CHECK: arith.mului_extended %{{.*}} : vector<8xi32>
// CHECK: vector.interleave %{{.*}} : vector<16xi32> -> vector<32xi32>
// CHECK: vector.store %{{.*}} : memref<70xi32>, vector<32xi32>
// CHECK: scf.for
// CHECK: arith.mului_extended %{{.*}} : i32
// CHECK: memref.store
func.func @philox(%k: tensor<2xi32>, %c: tensor<4xi32>) -> tensor<70xi32> attributes {mad.entry} {
  %0 = mad.philox %k at %c : (tensor<2xi32>, tensor<4xi32>) -> tensor<70xi32>
  return %0 : tensor<70xi32>
}
