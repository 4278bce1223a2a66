// RUN: mad-opt %s --mad-match-lut-products --mad-to-linalg --mad-pack-codes --split-input-file | FileCheck %s

// Only products read it: codes and scales are stored in panels of 64 columns.
// CHECK-LABEL: func.func @packed
// CHECK-SAME: tensor<2x5x64xi8>
// CHECK-SAME: tensor<2x1x64xf32>
// CHECK-SAME: axes = array<i64: 1, 1>
// CHECK-SAME: panels = array<i64: 64, 64>
// CHECK: lut.product_into {{.*}} : (tensor<4x10xf32>, tensor<2x5x64xi8>, tensor<2x1x64xf32>, tensor<4x96xf32>)
mad.weight_source @codes from "computed" : "codes" : tensor<5x96xui8>
mad.weight_source @scales from "computed" : "scales" : tensor<1x96xf32>
func.func @packed(%x: tensor<4x10xf32> {mad.name = "x"}) -> (tensor<4x96xf32> {mad.name = "y"}) attributes {mad.entry} {
  %c = mad.weight @codes : tensor<5x96xui8>
  %s = mad.weight @scales : tensor<1x96xf32>
  %0 = lut.product %x, %c, %s as <int, bits = 4> : (tensor<4x10xf32>, tensor<5x96xui8>, tensor<1x96xf32>) -> tensor<4x96xf32>
  return %0 : tensor<4x96xf32>
}

// -----

// The scales are read by something else: all parts stay.
// CHECK-LABEL: func.func @shared
// CHECK-NOT: panels
// CHECK: lut.product_into {{.*}} : (tensor<4x10xf32>, tensor<5x96xi8>, tensor<1x96xf32>, tensor<4x96xf32>)
mad.weight_source @codes from "computed" : "codes" : tensor<5x96xui8>
mad.weight_source @scales from "computed" : "scales" : tensor<1x96xf32>
func.func @shared(%x: tensor<4x10xf32> {mad.name = "x"}) -> (tensor<4x96xf32> {mad.name = "y"}, tensor<1x96xf32> {mad.name = "z"}) attributes {mad.entry} {
  %c = mad.weight @codes : tensor<5x96xui8>
  %s = mad.weight @scales : tensor<1x96xf32>
  %0 = lut.product %x, %c, %s as <int, bits = 4> : (tensor<4x10xf32>, tensor<5x96xui8>, tensor<1x96xf32>) -> tensor<4x96xf32>
  %1 = mad.add %s, %s : (tensor<1x96xf32>, tensor<1x96xf32>) -> tensor<1x96xf32>
  return %0, %1 : tensor<4x96xf32>, tensor<1x96xf32>
}

// -----

// Tables of columns lie in panels beside codes that something else reads.
// CHECK-LABEL: func.func @beside
// CHECK-SAME: panels = array<i64: 0, 64>
// CHECK: lut.product_into {{.*}} : (tensor<4x16xf32>, tensor<10x96xi8>, tensor<2x32x64xf32>, tensor<4x96xf32>)
mad.weight_source @codes from "computed" : "codes" : tensor<10x96xui8>
mad.weight_source @tables from "computed" : "tables" : tensor<32x96xf32>
func.func @beside(%x: tensor<4x16xf32> {mad.name = "x"}) -> (tensor<4x96xf32> {mad.name = "y"}, tensor<10x96xui8> {mad.name = "z"}) attributes {mad.entry} {
  %c = mad.weight @codes : tensor<10x96xui8>
  %t = mad.weight @tables : tensor<32x96xf32>
  %0 = lut.product %x, %c, %t as <codebook, bits = 5, group = row> : (tensor<4x16xf32>, tensor<10x96xui8>, tensor<32x96xf32>) -> tensor<4x96xf32>
  %1 = mad.add %c, %c : (tensor<10x96xui8>, tensor<10x96xui8>) -> tensor<10x96xui8>
  return %0, %1 : tensor<4x96xf32>, tensor<10x96xui8>
}

// -----

// Exact products and those of activations of 8 bits read one order.
// CHECK-LABEL: func.func @both
// CHECK-SAME: tensor<2x5x64xi8>
// CHECK-SAME: panels = array<i64: 64, 64>
// CHECK-DAG: lut.product_into {{.*}}tensor<2x5x64xi8>
// CHECK-DAG: lut.gemm_into {{.*}}tensor<2x5x64xi8>
mad.weight_source @codes from "computed" : "codes" : tensor<5x96xui8>
mad.weight_source @scales from "computed" : "scales" : tensor<1x96xf32>
func.func @both(%x: tensor<4x10xf32> {mad.name = "x"}, %q: tensor<4x10xi8> {mad.name = "q"}, %r: tensor<4xf32> {mad.name = "r"}) -> (tensor<4x96xf32> {mad.name = "y"}, tensor<4x96xf32> {mad.name = "z"}) attributes {mad.entry} {
  %c = mad.weight @codes : tensor<5x96xui8>
  %s = mad.weight @scales : tensor<1x96xf32>
  %0 = lut.product %x, %c, %s as <int, bits = 4> : (tensor<4x10xf32>, tensor<5x96xui8>, tensor<1x96xf32>) -> tensor<4x96xf32>
  %1 = lut.gemm %q, %r, %c, %s as <int, bits = 4> : (tensor<4x10xi8>, tensor<4xf32>, tensor<5x96xui8>, tensor<1x96xf32>) -> tensor<4x96xf32>
  return %0, %1 : tensor<4x96xf32>, tensor<4x96xf32>
}

// -----

// Layers lie in panels, each in its own.
// CHECK-LABEL: func.func @layers
// CHECK-SAME: tensor<3x2x5x64xi8>
// CHECK-SAME: tensor<3x2x1x64xf32>
// CHECK-SAME: axes = array<i64: 2, 2>
// CHECK-SAME: panels = array<i64: 64, 64>
// CHECK: tensor.extract_slice {{.*}}[1, 0, 0, 0] [1, 2, 5, 64] [1, 1, 1, 1] : tensor<3x2x5x64xi8> to tensor<2x5x64xi8>
// CHECK: lut.product_into {{.*}} : (tensor<4x10xf32>, tensor<2x5x64xi8>, tensor<2x1x64xf32>, tensor<4x96xf32>)
#one = affine_map<(d0, d1) -> (1, d0, d1)>
mad.weight_source @codes from "computed" : "codes" : tensor<3x5x96xui8>
mad.weight_source @scales from "computed" : "scales" : tensor<3x1x96xf32>
func.func @layers(%x: tensor<4x10xf32> {mad.name = "x"}) -> (tensor<4x96xf32> {mad.name = "y"}) attributes {mad.entry} {
  %c = mad.weight @codes : tensor<3x5x96xui8>
  %s = mad.weight @scales : tensor<3x1x96xf32>
  %c1 = mad.view %c by #one inside : (tensor<3x5x96xui8>) -> tensor<5x96xui8>
  %s1 = mad.view %s by #one inside : (tensor<3x1x96xf32>) -> tensor<1x96xf32>
  %0 = lut.product %x, %c1, %s1 as <int, bits = 4> : (tensor<4x10xf32>, tensor<5x96xui8>, tensor<1x96xf32>) -> tensor<4x96xf32>
  return %0 : tensor<4x96xf32>
}

// -----

// Two of three layers are no layer.
// CHECK-LABEL: func.func @some
// CHECK-SAME: tensor<3x5x96xi8>
// CHECK-NOT: panels
#first = affine_map<(d0, d1) -> (0, d0, d1)>
#two = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
mad.weight_source @codes from "computed" : "codes" : tensor<3x5x96xui8>
mad.weight_source @scales from "computed" : "scales" : tensor<3x1x96xf32>
func.func @some(%x: tensor<4x10xf32> {mad.name = "x"}) -> (tensor<4x96xf32> {mad.name = "y"}, tensor<2x5x96xui8> {mad.name = "z"}) attributes {mad.entry} {
  %c = mad.weight @codes : tensor<3x5x96xui8>
  %s = mad.weight @scales : tensor<3x1x96xf32>
  %c1 = mad.view %c by #first inside : (tensor<3x5x96xui8>) -> tensor<5x96xui8>
  %s1 = mad.view %s by #first inside : (tensor<3x1x96xf32>) -> tensor<1x96xf32>
  %z = mad.view %c by #two inside : (tensor<3x5x96xui8>) -> tensor<2x5x96xui8>
  %0 = lut.product %x, %c1, %s1 as <int, bits = 4> : (tensor<4x10xf32>, tensor<5x96xui8>, tensor<1x96xf32>) -> tensor<4x96xf32>
  return %0, %z : tensor<4x96xf32>, tensor<2x5x96xui8>
}

// -----

// Codes that nothing but products of activations of 8 bits read are woven: four rows of bytes side by side. Groups are whole blocks of them.
// CHECK-LABEL: func.func @woven
// CHECK-SAME: tensor<2x4x256xi8>
// CHECK-SAME: tensor<2x2x64xf32>
// CHECK-SAME: panels = array<i64: 64, 64>
// CHECK-SAME: weaves = array<i64: 2, 0>
// CHECK: lut.gemm_into {{.*}}tensor<2x4x256xi8>, tensor<2x2x64xf32>
mad.weight_source @codes from "computed" : "codes" : tensor<16x96xui8>
mad.weight_source @scales from "computed" : "scales" : tensor<2x96xf32>
func.func @woven(%q: tensor<4x64xi8> {mad.name = "q"}, %r: tensor<4xf32> {mad.name = "r"}) -> (tensor<4x96xf32> {mad.name = "z"}) attributes {mad.entry} {
  %c = mad.weight @codes : tensor<16x96xui8>
  %s = mad.weight @scales : tensor<2x96xf32>
  %1 = lut.gemm %q, %r, %c, %s as <int, bits = 2, group = 32> : (tensor<4x64xi8>, tensor<4xf32>, tensor<16x96xui8>, tensor<2x96xf32>) -> tensor<4x96xf32>
  return %1 : tensor<4x96xf32>
}

// -----

// Of one bit codes are looked up row by row, codes of 3 bits are of two fields.
// CHECK-LABEL: func.func @rows
// CHECK-SAME: tensor<2x8x64xi8>
// CHECK-SAME: tensor<2x24x64xi8>
// CHECK-SAME: weaves = array<i64: 0, 0, 0, 0>
mad.weight_source @one from "computed" : "codes" : tensor<8x96xui8>
mad.weight_source @scale from "computed" : "scales" : tensor<1x96xf32>
mad.weight_source @three from "computed" : "codes" : tensor<24x96xui8>
mad.weight_source @scales from "computed" : "scales" : tensor<1x96xf32>
func.func @rows(%q: tensor<4x64xi8> {mad.name = "q"}, %r: tensor<4xf32> {mad.name = "r"}) -> (tensor<4x96xf32> {mad.name = "y"}, tensor<4x96xf32> {mad.name = "z"}) attributes {mad.entry} {
  %c = mad.weight @one : tensor<8x96xui8>
  %s = mad.weight @scale : tensor<1x96xf32>
  %c3 = mad.weight @three : tensor<24x96xui8>
  %s3 = mad.weight @scales : tensor<1x96xf32>
  %0 = lut.gemm %q, %r, %c, %s as <int, bits = 1> : (tensor<4x64xi8>, tensor<4xf32>, tensor<8x96xui8>, tensor<1x96xf32>) -> tensor<4x96xf32>
  %1 = lut.gemm %q, %r, %c3, %s3 as <int, bits = 3> : (tensor<4x64xi8>, tensor<4xf32>, tensor<24x96xui8>, tensor<1x96xf32>) -> tensor<4x96xf32>
  return %0, %1 : tensor<4x96xf32>, tensor<4x96xf32>
}
