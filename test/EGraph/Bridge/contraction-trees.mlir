// RUN: mad-opt %s --mad-rewrite --mad-drop-rules --canonicalize | FileCheck %s

// Products of several tensors, in the cheapest order. No rule says anything of them.
mad.rule @other permits [] of "float" where [] {
^bb0(%a: tensor<f32>):
  %0 = mad.neg %a : (tensor<f32>) -> tensor<f32>
  %1 = mad.abs %0 : (tensor<f32>) -> tensor<f32>
  %2 = mad.abs %a : (tensor<f32>) -> tensor<f32>
  mad.sides (%1) and (%2) : tensor<f32> and tensor<f32>
}

#l = affine_map<(d0, d1, d2) -> (d0, d2)>
#r = affine_map<(d0, d1, d2) -> (d2, d1)>

// abc, cd, de -> abe, from the left: 30 * 40 * 200 * 50 products more than needed.
// CHECK-LABEL: func.func @chain
// CHECK: %[[CD:.*]] = mad.contract %arg1 by #{{.*}}, %arg2 by #{{.*}} -> tensor<200x4xf32>
// CHECK-NEXT: %[[R:.*]] = mad.contract %arg0 by #{{.*}}, %[[CD]] by #{{.*}} -> tensor<30x40x4xf32>
// CHECK-NEXT: return %[[R]]
func.func @chain(%a: tensor<30x40x200xf32>, %b: tensor<200x50xf32>, %c: tensor<50x4xf32>) -> tensor<30x40x4xf32> {
  %0 = mad.contract %a by affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>, %b by affine_map<(d0, d1, d2, d3) -> (d3, d2)> : (tensor<30x40x200xf32>, tensor<200x50xf32>) -> tensor<30x40x50xf32>
  %1 = mad.contract %0 by affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>, %c by affine_map<(d0, d1, d2, d3) -> (d3, d2)> : (tensor<30x40x50xf32>, tensor<50x4xf32>) -> tensor<30x40x4xf32>
  return %1 : tensor<30x40x4xf32>
}

// tjk, jr, kr -> tr: the index r stays until the last of the two that have it.
// CHECK-LABEL: func.func @hyper
// CHECK-DAG: %[[B:.*]] = mad.view %arg1 by
// CHECK-DAG: %[[C:.*]] = mad.view %arg2 by
// CHECK: %[[BC:.*]] = mad.mul %[[B]], %[[C]] :
// CHECK: mad.contract %arg0 by #{{.*}}, %[[BC]] by #{{.*}} -> tensor<100x16xf32>
func.func @hyper(%t: tensor<100x110x120xf32>, %b: tensor<110x16xf32>, %c: tensor<120x16xf32>) -> tensor<100x16xf32> {
  %0 = mad.contract %t by affine_map<(d0, d1, d2, d3) -> (d0, d3, d1)>, %b by affine_map<(d0, d1, d2, d3) -> (d3, d2)> : (tensor<100x110x120xf32>, tensor<110x16xf32>) -> tensor<100x120x16xf32>
  %1 = mad.contract %0 by affine_map<(d0, d1, d2) -> (d0, d2, d1)>, %c by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<100x120x16xf32>, tensor<120x16xf32>) -> tensor<100x16xf32>
  return %1 : tensor<100x16xf32>
}

// (q k^T) v for each of a batch: q (k^T v). What turns k is looked through.
// CHECK-LABEL: func.func @batch
// CHECK: %[[KV:.*]] = mad.contract %arg1 by #{{.*}}, %arg2 by #{{.*}} -> tensor<8x32x32xf32>
// CHECK-NEXT: mad.contract %arg0 by #{{.*}}, %[[KV]] by #{{.*}} -> tensor<8x300x32xf32>
// CHECK-NEXT: return
#bl = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
#br = affine_map<(d0, d1, d2, d3) -> (d0, d3, d2)>
func.func @batch(%q: tensor<8x300x32xf32>, %k: tensor<8x300x32xf32>, %v: tensor<8x300x32xf32>) -> tensor<8x300x32xf32> {
  %t = mad.view %k by affine_map<(d0, d1, d2) -> (d0, d2, d1)> inside : (tensor<8x300x32xf32>) -> tensor<8x32x300xf32>
  %0 = mad.contract %q by #bl, %t by #br : (tensor<8x300x32xf32>, tensor<8x32x300xf32>) -> tensor<8x300x300xf32>
  %1 = mad.contract %0 by #bl, %v by #br : (tensor<8x300x300xf32>, tensor<8x300x32xf32>) -> tensor<8x300x32xf32>
  return %1 : tensor<8x300x32xf32>
}

// An index of one factor alone is summed there: ij, kj -> k.
// CHECK-LABEL: func.func @alone
// CHECK: %[[S:.*]] = mad.reduce sum %arg0 over [0]
// CHECK-NEXT: mad.contract %{{.*}} by #{{.*}}, %{{.*}} by #{{.*}} -> tensor<300xf32>
func.func @alone(%a: tensor<500x400xf32>, %b: tensor<300x400xf32>) -> tensor<300xf32> {
  %0 = mad.contract %a by affine_map<(d0, d1, d2) -> (d1, d2)>, %b by affine_map<(d0, d1, d2) -> (d0, d2)> : (tensor<500x400xf32>, tensor<300x400xf32>) -> tensor<300xf32>
  return %0 : tensor<300xf32>
}

// Others need a @ b, too: it stays.
// CHECK-LABEL: func.func @shared
// CHECK: %[[AB:.*]] = mad.contract %arg0 by
// CHECK: mad.contract %[[AB]] by
// CHECK-NEXT: return
func.func @shared(%a: tensor<200x200xf32>, %b: tensor<200x200xf32>, %c: tensor<200x10xf32>) -> (tensor<200x200xf32>, tensor<200x10xf32>) {
  %0 = mad.contract %a by #l, %b by #r : (tensor<200x200xf32>, tensor<200x200xf32>) -> tensor<200x200xf32>
  %1 = mad.contract %0 by #l, %c by #r : (tensor<200x200xf32>, tensor<200x10xf32>) -> tensor<200x10xf32>
  return %0, %1 : tensor<200x200xf32>, tensor<200x10xf32>
}
// Only two products with few columns do: it goes.
// CHECK-LABEL: func.func @shared_inside
// CHECK: mad.contract %arg1 by #{{.*}}, %arg{{.}} by #{{.*}} -> tensor<200x
// CHECK-NOT: tensor<200x200xf32>, tensor<200x200xf32>
// CHECK: return
func.func @shared_inside(%a: tensor<200x200xf32>, %b: tensor<200x200xf32>, %c: tensor<200x10xf32>, %d: tensor<200x9xf32>) -> (tensor<200x9xf32>, tensor<200x10xf32>) {
  %0 = mad.contract %a by #l, %b by #r : (tensor<200x200xf32>, tensor<200x200xf32>) -> tensor<200x200xf32>
  %1 = mad.contract %0 by #l, %c by #r : (tensor<200x200xf32>, tensor<200x10xf32>) -> tensor<200x10xf32>
  %2 = mad.contract %0 by #l, %d by #r : (tensor<200x200xf32>, tensor<200x9xf32>) -> tensor<200x9xf32>
  return %2, %1 : tensor<200x9xf32>, tensor<200x10xf32>
}

// A product of elements in between has no order but the one that is written, unless it permits that.
// CHECK-LABEL: func.func @elements
// CHECK: mad.mul
// CHECK: mad.contract
func.func @elements(%a: tensor<200x300xf32>, %s: tensor<200xf32>, %b: tensor<300x2xf32>) -> tensor<200x2xf32> {
  %0 = mad.view %s by affine_map<(d0, d1) -> (d0)> inside : (tensor<200xf32>) -> tensor<200x300xf32>
  %1 = mad.mul %a, %0 : (tensor<200x300xf32>, tensor<200x300xf32>) -> tensor<200x300xf32>
  %2 = mad.contract %1 by #l, %b by #r : (tensor<200x300xf32>, tensor<300x2xf32>) -> tensor<200x2xf32>
  return %2 : tensor<200x2xf32>
}
// CHECK-LABEL: func.func @fast_elements
// CHECK: mad.contract %arg0 by
// CHECK: mad.mul
// CHECK-NEXT: return
func.func @fast_elements(%a: tensor<200x300xf32>, %s: tensor<200xf32>, %b: tensor<300x2xf32>) -> tensor<200x2xf32> {
  %0 = mad.view %s by affine_map<(d0, d1) -> (d0)> inside : (tensor<200xf32>) -> tensor<200x300xf32>
  %1 = mad.mul %a, %0 {mad.fp="fast"} : (tensor<200x300xf32>, tensor<200x300xf32>) -> tensor<200x300xf32>
  %2 = mad.contract %1 by #l, %b by #r {mad.fp="fast"} : (tensor<200x300xf32>, tensor<300x2xf32>) -> tensor<200x2xf32>
  return %2 : tensor<200x2xf32>
}

// Of a diagonal, and of sizes that only the call knows.
// CHECK-LABEL: func.func @diagonal
// CHECK: %[[D:.*]] = mad.view %arg1 by
// CHECK: %[[V:.*]] = mad.mul %[[D]], %arg2
// CHECK: mad.contract %arg0 by #{{.*}}, %[[V]] by
!n = tensor<?xf32, #mad.dims<"N">>
!nn = tensor<?x?xf32, #mad.dims<"N", "N">>
!mn = tensor<?x?xf32, #mad.dims<"M", "N">>
!m = tensor<?xf32, #mad.dims<"M">>
func.func @diagonal(%a: !mn, %b: !nn, %c: !n) -> !m {
  %0 = mad.view %b by affine_map<(d0) -> (d0, d0)> inside : (!nn) -> !n
  %1 = mad.contract %a by affine_map<(d0, d1) -> (d0, d1)>, %0 by affine_map<(d0, d1) -> (d1)> : (!mn, !n) -> !mn
  %2 = mad.contract %1 by affine_map<(d0, d1) -> (d0, d1)>, %c by affine_map<(d0, d1) -> (d1)> : (!mn, !n) -> !m
  return %2 : !m
}

// CHECK-LABEL: func.func @strict
// CHECK: mad.contract %arg0 by #{{.*}}, %arg1 by
func.func @strict(%a: tensor<200x200xf32>, %b: tensor<200x200xf32>, %c: tensor<200x10xf32>) -> tensor<200x10xf32> {
  %0 = mad.contract %a by #l, %b by #r {mad.fp="strict"} : (tensor<200x200xf32>, tensor<200x200xf32>) -> tensor<200x200xf32>
  %1 = mad.contract %0 by #l, %c by #r {mad.fp="strict"} : (tensor<200x200xf32>, tensor<200x10xf32>) -> tensor<200x10xf32>
  return %1 : tensor<200x10xf32>
}
