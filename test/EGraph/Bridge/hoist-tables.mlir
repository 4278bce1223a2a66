// RUN: mad-opt %s --mad-hoist-weights --canonicalize | FileCheck %s
// RUN: mad-opt %s --mad-hoist-weights=orders=false --canonicalize | FileCheck %s --check-prefix=ONE

// Tables of columns that something else reads: products have tables of their own, the same in all functions.
// CHECK: mad.weight_source @[[$OWN:folded[.0-9a-f]+]] {{.*}} : tensor<32x64xf32>
// CHECK-NOT: mad.weight_source @folded
// ONE-NOT: folded
mad.weight_source @c from "" : "" : tensor<10x64xui8>
mad.weight_source @t from "" : "" : tensor<32x64xf32>
mad.weight_source @c2 from "" : "" : tensor<4x64xui8>
mad.weight_source @t2 from "" : "" : tensor<4x64xf32>
mad.weight_source @c6 from "" : "" : tensor<12x64xui8>
mad.weight_source @t6 from "" : "" : tensor<64x64xf32>

// CHECK-LABEL: func.func @both
// CHECK-DAG: %[[C:.*]] = mad.weight @c
// CHECK-DAG: %[[T:.*]] = mad.weight @t
// CHECK-DAG: %[[PANELS:.*]] = mad.weight @[[$OWN]]
// CHECK-DAG: %[[FACTOR:.*]] = lut.dequant %[[C]], %[[PANELS]]
// CHECK-DAG: %[[WHOLE:.*]] = lut.dequant %[[C]], %[[T]]
// CHECK: mad.contract %arg0 {{.*}}, %[[FACTOR]]
// CHECK: return %{{.*}}, %[[WHOLE]]
func.func @both(%x: tensor<2x16xf32> {mad.name = "x"}) -> (tensor<2x64xf32> {mad.name = "a"}, tensor<16x64xf32> {mad.name = "b"}) attributes {mad.entry, mad.dims = []} {
  %c = mad.weight @c : tensor<10x64xui8>
  %t = mad.weight @t : tensor<32x64xf32>
  %0 = lut.dequant %c, %t as <codebook, bits = 5, group = row> : (tensor<10x64xui8>, tensor<32x64xf32>) -> tensor<16x64xf32>
  %1 = mad.contract %x by affine_map<(d0, d1, d2) -> (d0, d2)>, %0 by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<2x16xf32>, tensor<16x64xf32>) -> tensor<2x64xf32>
  return %1, %0 : tensor<2x64xf32>, tensor<16x64xf32>
}

// CHECK-LABEL: func.func @product
// CHECK: mad.weight @[[$OWN]]
// CHECK: return
func.func @product(%x: tensor<2x16xf32> {mad.name = "x"}) -> (tensor<2x64xf32> {mad.name = "a"}) attributes {mad.entry, mad.dims = []} {
  %c = mad.weight @c : tensor<10x64xui8>
  %t = mad.weight @t : tensor<32x64xf32>
  %0 = lut.dequant %c, %t as <codebook, bits = 5, group = row> : (tensor<10x64xui8>, tensor<32x64xf32>) -> tensor<16x64xf32>
  %1 = mad.contract %x by affine_map<(d0, d1, d2) -> (d0, d2)>, %0 by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<2x16xf32>, tensor<16x64xf32>) -> tensor<2x64xf32>
  return %1 : tensor<2x64xf32>
}

// Small tables, and those that products alone read, are as they were.
// CHECK-LABEL: func.func @few
// CHECK-NOT: mad.weight @folded
// CHECK: return
func.func @few(%x: tensor<2x16xf32> {mad.name = "x"}) -> (tensor<2x64xf32> {mad.name = "a"}, tensor<16x64xf32> {mad.name = "b"}, tensor<2x64xf32> {mad.name = "c"}) attributes {mad.entry, mad.dims = []} {
  %c = mad.weight @c2 : tensor<4x64xui8>
  %t = mad.weight @t2 : tensor<4x64xf32>
  %0 = lut.dequant %c, %t as <codebook, bits = 2, group = row> : (tensor<4x64xui8>, tensor<4x64xf32>) -> tensor<16x64xf32>
  %1 = mad.contract %x by affine_map<(d0, d1, d2) -> (d0, d2)>, %0 by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<2x16xf32>, tensor<16x64xf32>) -> tensor<2x64xf32>
  %c6 = mad.weight @c6 : tensor<12x64xui8>
  %t6 = mad.weight @t6 : tensor<64x64xf32>
  %2 = lut.dequant %c6, %t6 as <codebook, bits = 6, group = row> : (tensor<12x64xui8>, tensor<64x64xf32>) -> tensor<16x64xf32>
  %3 = mad.contract %x by affine_map<(d0, d1, d2) -> (d0, d2)>, %2 by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<2x16xf32>, tensor<16x64xf32>) -> tensor<2x64xf32>
  return %1, %0, %3 : tensor<2x64xf32>, tensor<16x64xf32>, tensor<2x64xf32>
}
