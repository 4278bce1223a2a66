// Element types of fewer bits: `ui8` has no sign, `i8` has one.
//
// RUN: mad-opt %s | mad-opt | FileCheck %s
// RUN: mad-opt %s --mlir-print-op-generic | mad-opt | FileCheck %s

// CHECK-LABEL: func.func @constants
func.func @constants() {
  // CHECK: mad.constant dense<1.500000e+00> : tensor<2xf16>
  %0 = mad.constant dense<1.5> : tensor<2xf16>
  // CHECK: mad.constant dense<-2.000000e+00> : tensor<bf16>
  %1 = mad.constant dense<-2.0> : tensor<bf16>
  // CHECK: mad.constant dense<[-128, 127]> : tensor<2xi8>
  %2 = mad.constant dense<[-128, 127]> : tensor<2xi8>
  // CHECK: mad.constant dense<[0, 255]> : tensor<2xui8>
  %3 = mad.constant dense<[0, 255]> : tensor<2xui8>
  return
}

// CHECK-LABEL: func.func @ops
func.func @ops(%h: tensor<4x4xf16>, %b: tensor<4xbf16>, %i: tensor<4xi8>, %u: tensor<4xui8>) {
  // CHECK: mad.exp %{{.*}} : (tensor<4xbf16>) -> tensor<4xbf16>
  %0 = mad.exp %b : (tensor<4xbf16>) -> tensor<4xbf16>
  // CHECK: mad.div %{{.*}}, %{{.*}} : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  %1 = mad.div %u, %u : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  // CHECK: mad.compare lt %{{.*}}, %{{.*}} : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi1>
  %2 = mad.compare lt %i, %i : (tensor<4xi8>, tensor<4xi8>) -> tensor<4xi1>
  // CHECK: mad.cast %{{.*}} : (tensor<4xi8>) -> tensor<4xui8>
  %3 = mad.cast %i : (tensor<4xi8>) -> tensor<4xui8>
  // CHECK: mad.reduce max %{{.*}} over [0] : (tensor<4xui8>) -> tensor<ui8>
  %4 = mad.reduce max %u over [0] : (tensor<4xui8>) -> tensor<ui8>
  // CHECK: mad.contract {{.*}} : (tensor<4x4xf16>, tensor<4x4xf16>) -> tensor<4x4xf16>
  %5 = mad.contract %h by affine_map<(d0, d1, d2) -> (d0, d2)>, %h by affine_map<(d0, d1, d2) -> (d2, d1)> : (tensor<4x4xf16>, tensor<4x4xf16>) -> tensor<4x4xf16>
  return
}
