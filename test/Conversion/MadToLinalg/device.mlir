// Sorting and cumulating for many threads.
// RUN: mad-opt %s --mad-to-linalg=device --canonicalize | FileCheck %s

// A round of merging is one op on all elements: each finds by halves where it comes from. Two
// buffers take turns.
// CHECK-LABEL: func.func @sort(
// CHECK: %[[A:.*]] = memref.alloc(%{{.*}}) : memref<?xf32>
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

// Sums of floats have an order: lines, each a loop.
// CHECK-LABEL: func.func @sums(
// CHECK: scf.parallel (%[[LINE:.*]]) =
// CHECK-NEXT: scf.for
// CHECK: memref.load %[[M:.*]][%[[LINE]],
// CHECK: arith.addf %{{.*}}, %{{.*}} : f32
// CHECK-NEXT: memref.store %{{.*}}, %[[M]][%[[LINE]],
func.func @sums(%x: tensor<?x8xf32, #mad.dims<"N", "">>) -> tensor<?x8xf32, #mad.dims<"N", "">> attributes {mad.dims = ["N"], mad.entry} {
  %y = mad.cumulate sum %x along 1 : (tensor<?x8xf32, #mad.dims<"N", "">>) -> tensor<?x8xf32, #mad.dims<"N", "">>
  return %y : tensor<?x8xf32, #mad.dims<"N", "">>
}

// The largest has none: rounds of which each takes up eight times as many elements.
// CHECK-LABEL: func.func @largest(
// CHECK-NOT: scf.parallel
// CHECK: scf.while
// CHECK: linalg.generic
// CHECK-COUNT-7: arith.maximumf
// CHECK: linalg.yield
func.func @largest(%x: tensor<?xf32, #mad.dims<"N">>) -> tensor<?xf32, #mad.dims<"N">> attributes {mad.dims = ["N"], mad.entry} {
  %y = mad.cumulate max %x along 0 : (tensor<?xf32, #mad.dims<"N">>) -> tensor<?xf32, #mad.dims<"N">>
  return %y : tensor<?xf32, #mad.dims<"N">>
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
