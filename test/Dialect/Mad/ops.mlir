// Every op and attribute is read back as it was printed, in the short form and
// in the generic one.
//
// RUN: mad-opt %s | mad-opt | FileCheck %s
// RUN: mad-opt %s --mlir-print-op-generic | mad-opt | FileCheck %s

!f = tensor<?x64xf32, #mad.dims<"Batch", "Pixels">>
!i = tensor<4xi64>
!b = tensor<4xi1>

// CHECK-DAG: #[[$MAP0:.+]] = affine_map<(d0, d1) -> (d1, d0)>
// CHECK-DAG: #[[$MAP1:.+]] = affine_map<(d0)[s0, s1] -> (d0 + s0, s1 * 2 - 1)>
// CHECK-DAG: #[[$MAP2:.+]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG: #[[$MAP3:.+]] = affine_map<(d0, d1, d2) -> (d2, d1)>

// CHECK: mad.weight_source @fc1 from "digits.safetensors" : "fc1.weight" transposed : tensor<64x128xf32>
mad.weight_source @fc1 from "digits.safetensors" : "fc1.weight" transposed : tensor<64x128xf32>
// CHECK: mad.weight_source @b1 from "digits.safetensors" : "fc1.bias" : tensor<128xf32>
mad.weight_source @b1 from "digits.safetensors" : "fc1.bias" : tensor<128xf32>

// CHECK-LABEL: func.func @entry(
// CHECK-SAME: %{{.*}}: tensor<?x64xf32, #mad.dims<"Batch", "Pixels">> {mad.name = "x"}
// CHECK-SAME: -> (tensor<?x64xf32, #mad.dims<"Batch", "Pixels">> {mad.name = "y"})
// CHECK-SAME: mad.checks = [#mad.check<"2 * K", eq, "Batch", "rows", "a.mad:1:2">
// CHECK-SAME: #mad.check<"Batch", ge, "K", "more", "a.mad:1:3">]
// CHECK-SAME: mad.dims = ["Batch", "K"]
// CHECK-SAME: mad.doc = "text"
// CHECK-SAME: mad.entry
func.func @entry(%x: !f {mad.name = "x"}, %k: tensor<?xi32, #mad.dims<"K">>) -> (!f {mad.name = "y"})
    attributes {mad.entry, mad.dims = ["Batch", "K"], mad.doc = "text",
                mad.checks = [#mad.check<"2 * K", eq, "Batch", "rows", "a.mad:1:2">,
                              #mad.check<"Batch", ge, "K", "more", "a.mad:1:3">]} {
  return %x : !f
}

// CHECK-LABEL: func.func @test
// CHECK-SAME: mad.asserts = ["holds"]
// CHECK-SAME: mad.test = "a title"
func.func @test() -> tensor<i1> attributes {mad.test = "a title", mad.asserts = ["holds"]} {
  %0 = mad.constant dense<true> : tensor<i1>
  return %0 : tensor<i1>
}

// CHECK-LABEL: func.func @sources
func.func @sources() {
  // CHECK: mad.constant dense<1.000000e+00> : tensor<2x3xf32>
  %0 = mad.constant dense<1.0> : tensor<2x3xf32>
  // CHECK: mad.constant dense<[1, 2]> : tensor<2xi64, #mad.dims<"Two">>
  %1 = mad.constant dense<[1, 2]> : tensor<2xi64, #mad.dims<"Two">>
  // CHECK: mad.weight @fc1 : tensor<64x128xf32, #mad.dims<"Pixels", "Hidden">>
  %2 = mad.weight @fc1 : tensor<64x128xf32, #mad.dims<"Pixels", "Hidden">>
  // CHECK: mad.dim "H - 2" : tensor<i64>
  %3 = mad.dim "H - 2" : tensor<i64>
  // CHECK: mad.iota 1 : tensor<2x?xi64, #mad.dims<"", "H - 2">>
  %4 = mad.iota 1 : tensor<2x?xi64, #mad.dims<"", "H - 2">>
  return
}

// CHECK-LABEL: func.func @movement
func.func @movement(%x: !f, %s: tensor<i64>, %i: !i, %m: tensor<4x3xf32>) {
  // CHECK: mad.view %{{.*}} by #[[$MAP0]] inside : (tensor<?x64xf32, #mad.dims<"Batch", "Pixels">>) -> tensor<64x?xf32, #mad.dims<"Pixels", "Batch">>
  %0 = mad.view %x by affine_map<(d0, d1) -> (d1, d0)> inside : (!f) -> tensor<64x?xf32, #mad.dims<"Pixels", "Batch">>
  // CHECK: mad.view %{{.*}}[%{{.*}}, %{{.*}}] by #[[$MAP1]] checked : (tensor<4x3xf32>, tensor<i64>, tensor<i64>) -> tensor<2xf32>
  %1 = mad.view %m[%s, %s] by affine_map<(d0)[s0, s1] -> (d0 + s0, s1 * 2 - 1)> checked : (tensor<4x3xf32>, tensor<i64>, tensor<i64>) -> tensor<2xf32>
  // CHECK: mad.view %{{.*}} zero
  %2 = mad.view %m by affine_map<(d0) -> (d0 - 1, 0)> zero : (tensor<4x3xf32>) -> tensor<6xf32>
  // CHECK: mad.view %{{.*}} periodic
  %3 = mad.view %m by affine_map<(d0) -> (-d0, 0)> periodic : (tensor<4x3xf32>) -> tensor<6xf32>
  // CHECK: mad.view %{{.*}} clamp
  %4 = mad.view %m by affine_map<(d0) -> (d0 * 2, d0)> clamp : (tensor<4x3xf32>) -> tensor<6xf32>
  // CHECK: mad.gather %{{.*}}[%{{.*}}, %{{.*}}] : (tensor<4x3xf32>, tensor<4xi64>, tensor<4xi64>) -> tensor<4xf32>
  %5 = mad.gather %m[%i, %i] : (tensor<4x3xf32>, !i, !i) -> tensor<4xf32>
  // CHECK: mad.reshape %{{.*}} : (tensor<4x3xf32>) -> tensor<2x6xf32>
  %6 = mad.reshape %m : (tensor<4x3xf32>) -> tensor<2x6xf32>
  // CHECK: mad.concat 1 of %{{.*}}, %{{.*}} : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x6xf32>
  %7 = mad.concat 1 of %m, %m : (tensor<4x3xf32>, tensor<4x3xf32>) -> tensor<4x6xf32>
  return
}

// CHECK-LABEL: func.func @unary
func.func @unary(%x: tensor<4xf32>, %i: !i, %b: !b) {
  // CHECK: mad.neg %{{.*}} : (tensor<4xi64>) -> tensor<4xi64>
  %0 = mad.neg %i : (!i) -> !i
  // CHECK: mad.abs
  %1 = mad.abs %x : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: mad.sign
  %2 = mad.sign %x : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: mad.not %{{.*}} : (tensor<4xi1>) -> tensor<4xi1>
  %3 = mad.not %b : (!b) -> !b
  // CHECK: mad.exp
  %4 = mad.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: mad.expm1
  %5 = mad.expm1 %x : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: mad.log
  %6 = mad.log %x : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: mad.log1p
  %7 = mad.log1p %x : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: mad.sqrt
  %8 = mad.sqrt %x : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: mad.rsqrt
  %9 = mad.rsqrt %x : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: mad.sin
  %10 = mad.sin %x : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: mad.cos
  %11 = mad.cos %x : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: mad.tan
  %12 = mad.tan %x : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: mad.tanh
  %13 = mad.tanh %x : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: mad.erf
  %14 = mad.erf %x : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: mad.floor
  %15 = mad.floor %x : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: mad.ceil
  %16 = mad.ceil %x : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK: mad.round
  %17 = mad.round %x : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// CHECK-LABEL: func.func @binary
func.func @binary(%x: !f, %i: !i, %b: !b) {
  // CHECK: mad.add %{{.*}}, %{{.*}} : (tensor<?x64xf32, #mad.dims<"Batch", "Pixels">>, tensor<?x64xf32, #mad.dims<"Batch", "Pixels">>) -> tensor<?x64xf32, #mad.dims<"Batch", "">>
  %0 = mad.add %x, %x : (!f, !f) -> tensor<?x64xf32, #mad.dims<"Batch", "">>
  // CHECK: mad.sub
  %1 = mad.sub %i, %i : (!i, !i) -> !i
  // CHECK: mad.mul
  %2 = mad.mul %i, %i : (!i, !i) -> !i
  // CHECK: mad.div
  %3 = mad.div %i, %i : (!i, !i) -> !i
  // CHECK: mad.rem
  %4 = mad.rem %i, %i : (!i, !i) -> !i
  // CHECK: mad.pow
  %5 = mad.pow %i, %i : (!i, !i) -> !i
  // CHECK: mad.min
  %6 = mad.min %i, %i : (!i, !i) -> !i
  // CHECK: mad.max
  %7 = mad.max %i, %i : (!i, !i) -> !i
  // CHECK: mad.and
  %8 = mad.and %b, %b : (!b, !b) -> !b
  // CHECK: mad.or
  %9 = mad.or %b, %b : (!b, !b) -> !b
  // CHECK: mad.compare lt %{{.*}}, %{{.*}} : (tensor<4xi64>, tensor<4xi64>) -> tensor<4xi1>
  %10 = mad.compare lt %i, %i : (!i, !i) -> !b
  // CHECK: mad.compare ne
  %11 = mad.compare ne %b, %b : (!b, !b) -> !b
  // CHECK: mad.select %{{.*}}, %{{.*}}, %{{.*}} : (tensor<4xi1>, tensor<4xi64>, tensor<4xi64>) -> tensor<4xi64>
  %12 = mad.select %b, %i, %i : (!b, !i, !i) -> !i
  // CHECK: mad.cast %{{.*}} : (tensor<4xi64>) -> tensor<4xf32>
  %13 = mad.cast %i : (!i) -> tensor<4xf32>
  return
}

// CHECK-LABEL: func.func @reductions
func.func @reductions(%x: tensor<4x3xf32>, %y: tensor<3x?xf32, #mad.dims<"", "N">>, %b: !b) {
  // CHECK: mad.reduce sum %{{.*}} over [1] : (tensor<4x3xf32>) -> tensor<4xf32>
  %0 = mad.reduce sum %x over [1] : (tensor<4x3xf32>) -> tensor<4xf32>
  // CHECK: mad.reduce prod %{{.*}} over [0, 1] : (tensor<4x3xf32>) -> tensor<f32>
  %1 = mad.reduce prod %x over [0, 1] : (tensor<4x3xf32>) -> tensor<f32>
  // CHECK: mad.reduce max %{{.*}} over [0]
  %2 = mad.reduce max %x over [0] : (tensor<4x3xf32>) -> tensor<3xf32>
  // CHECK: mad.reduce min %{{.*}} over []
  %3 = mad.reduce min %x over [] : (tensor<4x3xf32>) -> tensor<4x3xf32>
  // CHECK: mad.reduce argmax %{{.*}} over [0] : (tensor<4x3xf32>) -> tensor<3xi64>
  %4 = mad.reduce argmax %x over [0] : (tensor<4x3xf32>) -> tensor<3xi64>
  // CHECK: mad.reduce all
  %5 = mad.reduce all %b over [0] : (!b) -> tensor<i1>
  // CHECK: mad.reduce any
  %6 = mad.reduce any %b over [0] : (!b) -> tensor<i1>
  // CHECK: mad.contract %{{.*}} by #[[$MAP2]], %{{.*}} by #[[$MAP3]] : (tensor<4x3xf32>, tensor<3x?xf32, #mad.dims<"", "N">>) -> tensor<4x?xf32, #mad.dims<"", "N">>
  %7 = mad.contract %x by affine_map<(d0, d1, d2) -> (d0, d2)>, %y by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<4x3xf32>, tensor<3x?xf32, #mad.dims<"", "N">>) -> tensor<4x?xf32, #mad.dims<"", "N">>
  return
}

// CHECK-LABEL: func.func @control
func.func @control(%c: tensor<i1>, %x: tensor<4xf32>, %y: tensor<f32>) {
  // CHECK: mad.if %{{.*}} : tensor<i1> -> tensor<4xf32>, tensor<f32> {
  // CHECK: mad.yield %{{.*}}, %{{.*}} : tensor<4xf32>, tensor<f32>
  // CHECK: } else {
  %0:2 = mad.if %c : tensor<i1> -> tensor<4xf32>, tensor<f32> {
    mad.yield %x, %y : tensor<4xf32>, tensor<f32>
  } else {
    mad.yield %x, %y : tensor<4xf32>, tensor<f32>
  }
  // CHECK: mad.if %{{.*}} : tensor<i1> {
  // CHECK-NEXT: } else {
  mad.if %c : tensor<i1> {
  } else {
  }
  // CHECK: mad.scan "0" to "N + 1" carry %{{.*}}, %{{.*}} : (tensor<4xf32>, tensor<f32>) -> (tensor<4xf32>, tensor<f32>) {
  // CHECK: ^bb0(%{{.*}}: tensor<i64>, %{{.*}}: tensor<4xf32>, %{{.*}}: tensor<f32>):
  %1:2 = mad.scan "0" to "N + 1" carry %x, %y : (tensor<4xf32>, tensor<f32>) -> (tensor<4xf32>, tensor<f32>) {
  ^bb0(%i: tensor<i64>, %a: tensor<4xf32>, %b: tensor<f32>):
    mad.yield %a, %b : tensor<4xf32>, tensor<f32>
  }
  // CHECK: mad.scan "0" to "4" : () -> () {
  mad.scan "0" to "4" : () -> () {
  ^bb0(%i: tensor<i64>):
  }
  return
}

// CHECK-LABEL: func.func @update
func.func @update(%x: tensor<4x3xf32>, %i: tensor<i64>, %v: tensor<f32>, %w: tensor<2x3xf32>) {
  // CHECK: mad.update %{{.*}}[%{{.*}}] by #{{[a-z0-9]+}} checked with %{{.*}} : (tensor<4x3xf32>, tensor<f32>, tensor<i64>) -> tensor<4x3xf32>
  %0 = mad.update %x[%i] by affine_map<()[s0] -> (s0, 1)> checked with %v : (tensor<4x3xf32>, tensor<f32>, tensor<i64>) -> tensor<4x3xf32>
  // CHECK: mad.update %{{.*}} by #{{[a-z0-9]+}} inside with %{{.*}} : (tensor<4x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  %1 = mad.update %x by affine_map<(d0, d1) -> (2 * d0 + 1, d1)> inside with %w : (tensor<4x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  return
}

// CHECK-LABEL: func.func @iterate
func.func @iterate(%x: tensor<4xf32>, %c: tensor<i1>) {
  // CHECK: mad.iterate max "N + 1" carry %{{.*}} : (tensor<4xf32>) -> (tensor<4xf32>, tensor<i64>) while {
  // CHECK: ^bb0(%{{.*}}: tensor<i64>, %{{.*}}: tensor<4xf32>):
  // CHECK: } do {
  %0:2 = mad.iterate max "N + 1" carry %x : (tensor<4xf32>) -> (tensor<4xf32>, tensor<i64>) while {
  ^bb0(%i: tensor<i64>, %a: tensor<4xf32>):
    mad.yield %c : tensor<i1>
  } do {
  ^bb0(%i: tensor<i64>, %a: tensor<4xf32>):
    mad.yield %a : tensor<4xf32>
  }
  return
}

// CHECK-LABEL: func.func @collect
func.func @collect(%x: tensor<4xf32>, %y: tensor<f32>) {
  // CHECK: mad.scan "1" to "N" carry %{{.*}} : (tensor<f32>) -> (tensor<f32>, tensor<?x4xf32, #mad.dims<"N - 1", "">>)
  %0:2 = mad.scan "1" to "N" carry %y : (tensor<f32>) -> (tensor<f32>, tensor<?x4xf32, #mad.dims<"N - 1", "">>) {
  ^bb0(%i: tensor<i64>, %a: tensor<f32>):
    mad.yield %a, %x : tensor<f32>, tensor<4xf32>
  }
  return
}
