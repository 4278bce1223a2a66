// Sorting and cumulating for many threads.
// RUN: mad-opt %s --mad-to-linalg=device --canonicalize | FileCheck %s

// Kernels sort lines that they can count. Behind that a round of merging is one op on all elements: each
// finds by halves where it comes from. Two buffers take turns.
// CHECK-LABEL: func.func @sort(
// CHECK: %[[V:.*]] = memref.alloc(%{{.*}}) : memref<?xf32>
// CHECK: %[[X:.*]] = bufferization.to_buffer %{{.*}} read_only : tensor<?xf32> to memref<?xf32>
// CHECK: %[[FITS:.*]] = arith.cmpi slt, %{{.*}}, %c1073741825 : index
// CHECK: scf.if %[[FITS]] {
// CHECK: mad.sort_memory %[[X]] to values %[[V]] : memref<?xf32> whole : memref<?xf32>
// CHECK: } else {
// CHECK: %[[ROUNDS:.*]]:2 = scf.while
// CHECK: scf.for %{{.*}} to %[[ROUNDS]]#0 {{.*}} iter_args(%[[FROM:.*]] = %{{.*}}, %[[TO:.*]] = %{{.*}}, %[[WIDTH:.*]] = %{{.*}})
// CHECK-NEXT: linalg.generic {{.*}}iterator_types = ["parallel"]} outs(%[[TO]] : memref<?xf32>)
// CHECK: scf.while
// CHECK: memref.load %[[FROM]]
// CHECK: arith.cmpf ult
// CHECK: linalg.yield
// CHECK: %[[TWICE:.*]] = arith.muli %[[WIDTH]], %{{.*}}
// CHECK-NEXT: scf.yield %[[TO]], %[[FROM]], %[[TWICE]]
func.func @sort(%x: tensor<?xf32, #mad.dims<"N">>) -> tensor<?xf32, #mad.dims<"N">> attributes {mad.dims = ["N"], mad.entry} {
  %v, %p = mad.sort %x along 0 : (tensor<?xf32, #mad.dims<"N">>) -> (tensor<?xf32, #mad.dims<"N">>, tensor<?xi64, #mad.dims<"N">>)
  return %v : tensor<?xf32, #mad.dims<"N">>
}

// What lies along another dimension is turned, and the result turned back.
// CHECK-LABEL: func.func @across(
// CHECK: %[[V:.*]] = memref.alloc() : memref<3x2xi32>
// CHECK: %[[T:.*]] = linalg.generic {{.*}} ins(%{{.*}} : tensor<5x3xi32>) outs(%{{.*}} : tensor<3x5xi32>)
// CHECK: %[[X:.*]] = bufferization.to_buffer %[[T]] read_only
// CHECK: mad.sort_memory %[[X]] to values %[[V]] : memref<3x2xi32> descending : memref<3x5xi32>
// CHECK: %[[R:.*]] = bufferization.to_tensor %[[V]]
// CHECK: linalg.generic {{.*}} ins(%[[R]] : tensor<3x2xi32>) outs(%{{.*}} : tensor<2x3xi32>)
func.func @across(%x: tensor<5x3xi32>) -> tensor<2x3xi32> attributes {mad.dims = [], mad.entry} {
  %v, %p = mad.sort %x along 0 descending : (tensor<5x3xi32>) -> (tensor<2x3xi32>, tensor<2x3xi64>)
  return %v : tensor<2x3xi32>
}

// Strict sums of floats have an order: lines, each a loop.
// CHECK-LABEL: func.func @strict(
// CHECK: scf.parallel (%[[LINE:.*]]) =
// CHECK-NEXT: scf.for
// CHECK: memref.load %[[M:.*]][%[[LINE]],
// CHECK: arith.addf %{{.*}}, %{{.*}} : f32
// CHECK-NEXT: memref.store %{{.*}}, %[[M]][%[[LINE]],
func.func @strict(%x: tensor<?x8xf32, #mad.dims<"N", "">>) -> tensor<?x8xf32, #mad.dims<"N", "">> attributes {mad.dims = ["N"], mad.entry} {
  %y = mad.cumulate sum %x along 1 {mad.fp = "strict"} : (tensor<?x8xf32, #mad.dims<"N", "">>) -> tensor<?x8xf32, #mad.dims<"N", "">>
  return %y : tensor<?x8xf32, #mad.dims<"N", "">>
}

// All others are left to kernels.
// CHECK-LABEL: func.func @cumulated(
// CHECK-NOT: scf.parallel
// CHECK: mad.cumulate_memory sum %{{.*}} along 0 to %{{.*}} : memref<?xf32>, memref<?xf32>
// CHECK: mad.cumulate_memory max %{{.*}} along 0 to %{{.*}} unsigned : memref<?xi8>, memref<?xi8>
func.func @cumulated(%x: tensor<?xf32, #mad.dims<"N">>, %n: tensor<?xui8, #mad.dims<"N">>) -> (tensor<?xf32, #mad.dims<"N">>, tensor<?xui8, #mad.dims<"N">>) attributes {mad.dims = ["N"], mad.entry} {
  %y = mad.cumulate sum %x along 0 : (tensor<?xf32, #mad.dims<"N">>) -> tensor<?xf32, #mad.dims<"N">>
  %m = mad.cumulate max %n along 0 : (tensor<?xui8, #mad.dims<"N">>) -> tensor<?xui8, #mad.dims<"N">>
  return %y, %m : tensor<?xf32, #mad.dims<"N">>, tensor<?xui8, #mad.dims<"N">>
}

// The place of the largest is a maximum of numbers of 64 bits: the element above, in the order of numbers
// without a sign, and what is left behind the place below. So its order is free.
// CHECK-LABEL: func.func @place(
// CHECK: linalg.fill ins(%{{.*}} : i64)
// CHECK: %[[KEYS:.*]] = linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]} ins(%{{.*}} : tensor<?x300xf32>)
// CHECK: arith.cmpf uno
// CHECK: arith.bitcast
// CHECK: arith.maxui
// CHECK-NEXT: linalg.yield
// CHECK: linalg.generic {{.*}} ins(%[[KEYS]]
func.func @place(%x: tensor<?x300xf32, #mad.dims<"N", "">>) -> tensor<?xi64, #mad.dims<"N">> attributes {mad.dims = ["N"], mad.entry} {
  %y = mad.reduce argmax %x over [1] : (tensor<?x300xf32, #mad.dims<"N", "">>) -> tensor<?xi64, #mad.dims<"N">>
  return %y : tensor<?xi64, #mad.dims<"N">>
}

// Updates are rows where all positions but the last one say the same along it, which counts; the kernel gets the
// number of a row for each of theirs.
// CHECK-LABEL: func.func @rows(
// CHECK: %[[M:.*]] = memref.alloc(%{{.*}}) : memref<?x5xf32>
// CHECK: %[[ROWS:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<?xi32>)
// CHECK: %[[P:.*]] = bufferization.to_buffer %[[ROWS]] read_only
// CHECK: scf.if
// CHECK-NEXT: mad.scatter_memory add %{{.*}} at %[[P]] to %[[M]] : memref<?x5xf32>, memref<?xi32>, memref<?x5xf32>
// CHECK-NEXT: } else {
// CHECK-NEXT: scf.for
func.func @rows(%x: tensor<?x5xf32, #mad.dims<"R", "">>, %i: tensor<?xi64, #mad.dims<"N">>, %u: tensor<?x5xf32, #mad.dims<"N", "">>) -> tensor<?x5xf32, #mad.dims<"R", "">> attributes {mad.dims = ["R", "N"], mad.entry} {
  %rows = mad.view %i by affine_map<(d0, d1) -> (d0)> inside : (tensor<?xi64, #mad.dims<"N">>) -> tensor<?x5xi64, #mad.dims<"N", "">>
  %columns = mad.iota 1 : tensor<?x5xi64, #mad.dims<"N", "">>
  %y = mad.scatter add %x[%rows, %columns] = %u : (tensor<?x5xf32, #mad.dims<"R", "">>, tensor<?x5xi64, #mad.dims<"N", "">>, tensor<?x5xi64, #mad.dims<"N", "">>, tensor<?x5xf32, #mad.dims<"N", "">>) -> tensor<?x5xf32, #mad.dims<"R", "">>
  return %y : tensor<?x5xf32, #mad.dims<"R", "">>
}

// Columns of a row that are more than kernels count.
// CHECK-LABEL: func.func @wide(
// CHECK-NOT: mad.scatter_memory
// CHECK: scf.for
// CHECK-NOT: mad.scatter_memory
// CHECK: return
func.func @wide(%x: tensor<?x1073741825xf16, #mad.dims<"R", "">>, %i: tensor<?xi64, #mad.dims<"N">>, %u: tensor<?x1073741825xf16, #mad.dims<"N", "">>) -> tensor<?x1073741825xf16, #mad.dims<"R", "">> attributes {mad.dims = ["R", "N"], mad.entry} {
  %rows = mad.view %i by affine_map<(d0, d1) -> (d0)> inside : (tensor<?xi64, #mad.dims<"N">>) -> tensor<?x1073741825xi64, #mad.dims<"N", "">>
  %columns = mad.iota 1 : tensor<?x1073741825xi64, #mad.dims<"N", "">>
  %y = mad.scatter add %x[%rows, %columns] = %u : (tensor<?x1073741825xf16, #mad.dims<"R", "">>, tensor<?x1073741825xi64, #mad.dims<"N", "">>, tensor<?x1073741825xi64, #mad.dims<"N", "">>, tensor<?x1073741825xf16, #mad.dims<"N", "">>) -> tensor<?x1073741825xf16, #mad.dims<"R", "">>
  return %y : tensor<?x1073741825xf16, #mad.dims<"R", "">>
}

// Bufferization would look through all slices before each one: many parts are written to memory.
// CHECK-LABEL: func.func @long(
// CHECK: %[[M:.*]] = memref.alloc() : memref<165xf32>
// CHECK-NOT: tensor.insert_slice
// CHECK: bufferization.materialize_in_destination
// CHECK: %[[LAST:.*]] = memref.subview %[[M]][160] [5] [1]
// CHECK-NEXT: bufferization.materialize_in_destination %{{.*}} in restrict writable %[[LAST]]
// CHECK: bufferization.to_tensor %[[M]] restrict
func.func @long(%x: tensor<5xf32>) -> tensor<165xf32> attributes {mad.dims = [], mad.entry} {
  %y = mad.concat 0 of %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x, %x : (tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>, tensor<5xf32>) -> tensor<165xf32>
  return %y : tensor<165xf32>
}
