// RUN: mad-opt %s --mad-fold-tables --canonicalize | FileCheck %s

// Positions, scaled: a table of cosines, in another type.
// CHECK-LABEL: func.func @table
// CHECK-NEXT: %[[T:.*]] = mad.constant dense<[1.000000e+00, 0.540302277, -0.416146845]>
// CHECK-NEXT: return %[[T]]
func.func @table() -> tensor<3xf32> {
  %0 = mad.iota 0 : tensor<3xi64>
  %1 = mad.cast %0 : (tensor<3xi64>) -> tensor<3xf64>
  %2 = mad.cos %1 : (tensor<3xf64>) -> tensor<3xf64>
  %3 = mad.cast %2 : (tensor<3xf64>) -> tensor<3xf32>
  return %3 : tensor<3xf32>
}

// What is cheap stays.
// CHECK-LABEL: func.func @cheap
// CHECK: mad.iota
// CHECK: mad.cast
func.func @cheap() -> tensor<3xf64> {
  %0 = mad.iota 0 : tensor<3xi64>
  %1 = mad.cast %0 : (tensor<3xi64>) -> tensor<3xf64>
  return %1 : tensor<3xf64>
}

// So does what depends on an input, is large, or has a size of the call.
// CHECK-LABEL: func.func @depends
// CHECK: mad.cos
func.func @depends(%x: tensor<3xf64>) -> tensor<3xf64> {
  %0 = mad.iota 0 : tensor<3xi64>
  %1 = mad.cast %0 : (tensor<3xi64>) -> tensor<3xf64>
  %2 = mad.mul %x, %1 : (tensor<3xf64>, tensor<3xf64>) -> tensor<3xf64>
  %3 = mad.cos %2 : (tensor<3xf64>) -> tensor<3xf64>
  return %3 : tensor<3xf64>
}

// CHECK-LABEL: func.func @large
// CHECK: mad.sin
func.func @large() -> tensor<20000xf64> {
  %0 = mad.iota 0 : tensor<20000xi64>
  %1 = mad.cast %0 : (tensor<20000xi64>) -> tensor<20000xf64>
  %2 = mad.sin %1 : (tensor<20000xf64>) -> tensor<20000xf64>
  return %2 : tensor<20000xf64>
}

// CHECK-LABEL: func.func @dynamic
// CHECK: mad.exp
func.func @dynamic() -> tensor<?xf64, #mad.dims<"N">> attributes {mad.dims = ["N"]} {
  %0 = mad.iota 0 : tensor<?xi64, #mad.dims<"N">>
  %1 = mad.cast %0 : (tensor<?xi64, #mad.dims<"N">>) -> tensor<?xf64, #mad.dims<"N">>
  %2 = mad.exp %1 : (tensor<?xf64, #mad.dims<"N">>) -> tensor<?xf64, #mad.dims<"N">>
  return %2 : tensor<?xf64, #mad.dims<"N">>
}
