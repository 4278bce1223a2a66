// Ops on memrefs that upstream cannot lower, and those that it can.
//
// RUN: mad-opt %s --mad-legalize-memrefs | FileCheck %s

// CHECK-DAG: #[[$IDENTITY:.+]] = affine_map<(d0, d1) -> (d0, d1)>

// CHECK-LABEL: func.func @strided_copy
// CHECK-SAME: %[[FROM:.*]]: memref<4x3xf32, strided<[8, 1]>>, %[[TO:.*]]: memref<4x3xf32>
// CHECK-NOT: memref.copy
// CHECK: linalg.generic {indexing_maps = [#[[$IDENTITY]], #[[$IDENTITY]]], iterator_types = ["parallel", "parallel"]}
// CHECK-SAME: ins(%[[FROM]] : memref<4x3xf32, strided<[8, 1]>>) outs(%[[TO]] : memref<4x3xf32>)
// CHECK-NEXT: ^bb0(%[[IN:.*]]: f32, %{{.*}}: f32):
// CHECK-NEXT: linalg.yield %[[IN]] : f32
// CHECK-NOT: memref.copy
// CHECK: return
func.func @strided_copy(%from: memref<4x3xf32, strided<[8, 1]>>, %to: memref<4x3xf32>) {
  memref.copy %from, %to : memref<4x3xf32, strided<[8, 1]>> to memref<4x3xf32>
  return
}

// The layout of the target counts as well.
// CHECK-LABEL: func.func @copy_to_part
// CHECK-SAME: %[[FROM:.*]]: memref<?x3xf32>, %[[TO:.*]]: memref<?x3xf32, strided<[8, 1], offset: ?>>
// CHECK: linalg.generic
// CHECK-SAME: ins(%[[FROM]] : {{.*}}) outs(%[[TO]] :
// CHECK-NOT: memref.copy
func.func @copy_to_part(%from: memref<?x3xf32>, %to: memref<?x3xf32, strided<[8, 1], offset: ?>>) {
  memref.copy %from, %to : memref<?x3xf32> to memref<?x3xf32, strided<[8, 1], offset: ?>>
  return
}

// Contiguous memory is moved at once.
// CHECK-LABEL: func.func @contiguous_copy
// CHECK-SAME: %[[FROM:.*]]: memref<?x3xf32>, %[[TO:.*]]: memref<?x3xf32>
// CHECK-NEXT: memref.copy %[[FROM]], %[[TO]]
// CHECK-NEXT: return
func.func @contiguous_copy(%from: memref<?x3xf32>, %to: memref<?x3xf32>) {
  memref.copy %from, %to : memref<?x3xf32> to memref<?x3xf32>
  return
}

// CHECK-LABEL: func.func @expand_in_unknown_sizes
// CHECK-SAME: %[[X:.*]]: memref<?xf32>, %[[N:.*]]: index, %[[M:.*]]: index
// CHECK-NOT: memref.expand_shape
// CHECK: %[[C4:.*]] = arith.constant 4 : index
// CHECK: %[[ROW:.*]] = arith.muli %[[C4]], %[[M]] : index
// CHECK: %[[CAST:.*]] = memref.reinterpret_cast %[[X]] to offset: [0], sizes: [%[[N]], %[[M]], 4], strides: [%[[ROW]], 4, 1] : memref<?xf32> to memref<?x?x4xf32>
// CHECK: return %[[CAST]]
func.func @expand_in_unknown_sizes(%x: memref<?xf32>, %n: index, %m: index) -> memref<?x?x4xf32> {
  %0 = memref.expand_shape %x [[0, 1, 2]] output_shape [%n, %m, 4] : memref<?xf32> into memref<?x?x4xf32>
  return %0 : memref<?x?x4xf32>
}

// One unknown size a group is what upstream takes.
// CHECK-LABEL: func.func @expand_in_one_unknown_size
// CHECK-SAME: %[[X:.*]]: memref<?x?xf32>, %[[N:.*]]: index, %[[M:.*]]: index
// CHECK-NEXT: %[[Y:.*]] = memref.expand_shape %[[X]] {{\[\[}}0, 1], [2, 3]] output_shape [%[[N]], 4, 2, %[[M]]]
// CHECK-NEXT: return %[[Y]]
func.func @expand_in_one_unknown_size(%x: memref<?x?xf32>, %n: index, %m: index) -> memref<?x4x2x?xf32> {
  %0 = memref.expand_shape %x [[0, 1], [2, 3]] output_shape [%n, 4, 2, %m] : memref<?x?xf32> into memref<?x4x2x?xf32>
  return %0 : memref<?x4x2x?xf32>
}
