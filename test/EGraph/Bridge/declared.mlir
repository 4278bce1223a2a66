// What a rule declares of sizes and elements is kept.
//
// RUN: mad-opt %s --mad-rewrite --mad-drop-rules | FileCheck %s

// This one holds for few sizes, and is used where these are known.
mad.rule @sizes permits [] of "float" where [] attributes {checks = [#mad.check<"N", ge, "100", "why", "where">]} {
^bb0(%x: tensor<?xf32, #mad.dims<"N">>):
  %l = mad.cosh %x : (tensor<?xf32, #mad.dims<"N">>) -> tensor<?xf32, #mad.dims<"N">>
  %r = mad.neg %x : (tensor<?xf32, #mad.dims<"N">>) -> tensor<?xf32, #mad.dims<"N">>
  mad.sides(%l) and (%r) : tensor<?xf32, #mad.dims<"N">> and tensor<?xf32, #mad.dims<"N">>
}

// For f32 alone.
mad.rule @left permits [] of "exact" where [] {
^bb0(%x: tensor<?x?xf32, #mad.dims<"M", "K">>, %w: tensor<?x?xf32, #mad.dims<"K", "N">>):
  %e = mad.exp %x : (tensor<?x?xf32, #mad.dims<"M", "K">>) -> tensor<?x?xf32, #mad.dims<"M", "K">>
  %l = mad.contract %e by affine_map<(d0, d1, d2) -> (d0, d2)>, %w by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<?x?xf32, #mad.dims<"M", "K">>, tensor<?x?xf32, #mad.dims<"K", "N">>) -> tensor<?x?xf32, #mad.dims<"M", "N">>
  %r = mad.contract %x by affine_map<(d0, d1, d2) -> (d0, d2)>, %w by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<?x?xf32, #mad.dims<"M", "K">>, tensor<?x?xf32, #mad.dims<"K", "N">>) -> tensor<?x?xf32, #mad.dims<"M", "N">>
  mad.sides(%l) and (%r) : tensor<?x?xf32, #mad.dims<"M", "N">> and tensor<?x?xf32, #mad.dims<"M", "N">>
}

// CHECK-LABEL: func.func @few
// CHECK: mad.cosh
func.func @few(%x: tensor<3xf32>) -> tensor<3xf32> {
  %0 = mad.cosh %x : (tensor<3xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// CHECK-LABEL: func.func @many
// CHECK: mad.neg
func.func @many(%x: tensor<100xf32>) -> tensor<100xf32> {
  %0 = mad.cosh %x : (tensor<100xf32>) -> tensor<100xf32>
  return %0 : tensor<100xf32>
}

// CHECK-LABEL: func.func @unknown
// CHECK: mad.cosh
func.func @unknown(%x: tensor<?xf32, #mad.dims<"N">>) -> tensor<?xf32, #mad.dims<"N">> attributes {mad.dims = ["N"]} {
  %0 = mad.cosh %x : (tensor<?xf32, #mad.dims<"N">>) -> tensor<?xf32, #mad.dims<"N">>
  return %0 : tensor<?xf32, #mad.dims<"N">>
}

// CHECK-LABEL: func.func @provable
// CHECK: mad.neg
func.func @provable(%x: tensor<?xf32, #mad.dims<"N + 100">>) -> tensor<?xf32, #mad.dims<"N + 100">> attributes {mad.dims = ["N"]} {
  %0 = mad.cosh %x : (tensor<?xf32, #mad.dims<"N + 100">>) -> tensor<?xf32, #mad.dims<"N + 100">>
  return %0 : tensor<?xf32, #mad.dims<"N + 100">>
}

// CHECK-LABEL: func.func @narrow
// CHECK-NOT: mad.exp
// CHECK: return
func.func @narrow(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>) -> tensor<2x4xf32> {
  %0 = mad.exp %x : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = mad.contract %0 by affine_map<(d0, d1, d2) -> (d0, d2)>, %w by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// CHECK-LABEL: func.func @wide
// CHECK: mad.exp
func.func @wide(%x: tensor<2x3xf64>, %w: tensor<3x4xf64>) -> tensor<2x4xf64> {
  %0 = mad.exp %x : (tensor<2x3xf64>) -> tensor<2x3xf64>
  %1 = mad.contract %0 by affine_map<(d0, d1, d2) -> (d0, d2)>, %w by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<2x3xf64>, tensor<3x4xf64>) -> tensor<2x4xf64>
  return %1 : tensor<2x4xf64>
}

mad.rule @order permits [] of "float" both where [] {
^bb0(%a: tensor<?x?xf32, #mad.dims<"M", "K">>, %b: tensor<?x?xf32, #mad.dims<"K", "N">>, %c: tensor<?x?xf32, #mad.dims<"N", "P">>):
  %0 = mad.contract %a by affine_map<(d0, d1, d2) -> (d0, d2)>, %b by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<?x?xf32, #mad.dims<"M", "K">>, tensor<?x?xf32, #mad.dims<"K", "N">>) -> tensor<?x?xf32, #mad.dims<"M", "N">>
  %l = mad.contract %0 by affine_map<(d0, d1, d2) -> (d0, d2)>, %c by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<?x?xf32, #mad.dims<"M", "N">>, tensor<?x?xf32, #mad.dims<"N", "P">>) -> tensor<?x?xf32, #mad.dims<"M", "P">>
  %1 = mad.contract %b by affine_map<(d0, d1, d2) -> (d0, d2)>, %c by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<?x?xf32, #mad.dims<"K", "N">>, tensor<?x?xf32, #mad.dims<"N", "P">>) -> tensor<?x?xf32, #mad.dims<"K", "P">>
  %r = mad.contract %a by affine_map<(d0, d1, d2) -> (d0, d2)>, %1 by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<?x?xf32, #mad.dims<"M", "K">>, tensor<?x?xf32, #mad.dims<"K", "P">>) -> tensor<?x?xf32, #mad.dims<"M", "P">>
  mad.sides(%l) and (%r) : tensor<?x?xf32, #mad.dims<"M", "P">> and tensor<?x?xf32, #mad.dims<"M", "P">>
}

// A sum over 4 equal numbers is no sum over one.
// CHECK-LABEL: func.func @ones
// CHECK: mad.constant dense<4.000000e+00>
// CHECK: return
func.func @ones() -> tensor<1x3xf32> {
  %one = mad.constant dense<1.0> : tensor<f32>
  %a = mad.view %one by affine_map<(d0, d1) -> ()> inside : (tensor<f32>) -> tensor<1x4xf32>
  %b = mad.view %one by affine_map<(d0, d1) -> ()> inside : (tensor<f32>) -> tensor<4x1xf32>
  %c = mad.view %one by affine_map<(d0, d1) -> ()> inside : (tensor<f32>) -> tensor<1x3xf32>
  %0 = mad.contract %a by affine_map<(d0, d1, d2) -> (d0, d2)>, %b by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<1x4xf32>, tensor<4x1xf32>) -> tensor<1x1xf32>
  %1 = mad.contract %0 by affine_map<(d0, d1, d2) -> (d0, d2)>, %c by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<1x1xf32>, tensor<1x3xf32>) -> tensor<1x3xf32>
  return %1 : tensor<1x3xf32>
}
