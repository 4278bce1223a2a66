// RUN: mad-opt %s --mad-precompute-tables | FileCheck %s

// Products of the same rows have one value, whatever their columns and, of more than one bit, formats. Of one bit they are tables: of
// known rows for so many, 8 * 192 bytes each, else enough for 8 rows and for all.
// CHECK-LABEL: @shared
// CHECK: %[[T:.*]], %[[S:.*]] = lut.precompute %arg0 for <int, bits = 1, group = 32> : (tensor<?x64xi8, {{.*}}>) -> (tensor<?xi8, #mad.dims<"128 * T + 7168">>, tensor<?xi32, #mad.dims<"2 * T">>)
// CHECK: lut.gemm %arg0, %arg1, %{{.*}}, %{{.*}} as <int, bits = 1, group = 32> kernel of %[[T]], %[[S]] :
// CHECK: %[[B:.*]], %[[U:.*]] = lut.precompute %arg0 for <int, bits = 8, group = 32> : {{.*}} -> (tensor<?xi8, #mad.dims<"128 * T">>, tensor<?xi32, #mad.dims<"2 * T">>)
// CHECK: lut.gemm {{.*}} as <int, bits = 2, group = 32> kernel of %[[B]], %[[U]] :
// CHECK: lut.gemm {{.*}} as <int, bits = 4, group = 32> kernel of %[[B]], %[[U]] :
// CHECK: lut.gemm {{.*}} as <int, bits = 1, group = 32> kernel of %[[T]], %[[S]] :
func.func @shared(%q: tensor<?x64xi8, #mad.dims<"T", "">>, %s: tensor<?xf32, #mad.dims<"T">>, %c: tensor<8x3xui8>, %d: tensor<16x3xui8>, %e: tensor<32x3xui8>, %f: tensor<8x5xui8>, %t: tensor<2x3xf32>, %u: tensor<2x5xf32>) -> (tensor<?x3xf32, #mad.dims<"T", "">>, tensor<?x3xf32, #mad.dims<"T", "">>, tensor<?x3xf32, #mad.dims<"T", "">>, tensor<?x5xf32, #mad.dims<"T", "">>) {
  %0 = lut.gemm %q, %s, %c, %t as <int, bits = 1, group = 32> kernel : (tensor<?x64xi8, #mad.dims<"T", "">>, tensor<?xf32, #mad.dims<"T">>, tensor<8x3xui8>, tensor<2x3xf32>) -> tensor<?x3xf32, #mad.dims<"T", "">>
  %1 = lut.gemm %q, %s, %d, %t as <int, bits = 2, group = 32> kernel : (tensor<?x64xi8, #mad.dims<"T", "">>, tensor<?xf32, #mad.dims<"T">>, tensor<16x3xui8>, tensor<2x3xf32>) -> tensor<?x3xf32, #mad.dims<"T", "">>
  %2 = lut.gemm %q, %s, %e, %t as <int, bits = 4, group = 32> kernel : (tensor<?x64xi8, #mad.dims<"T", "">>, tensor<?xf32, #mad.dims<"T">>, tensor<32x3xui8>, tensor<2x3xf32>) -> tensor<?x3xf32, #mad.dims<"T", "">>
  %3 = lut.gemm %q, %s, %f, %u as <int, bits = 1, group = 32> kernel : (tensor<?x64xi8, #mad.dims<"T", "">>, tensor<?xf32, #mad.dims<"T">>, tensor<8x5xui8>, tensor<2x5xf32>) -> tensor<?x5xf32, #mad.dims<"T", "">>
  return %0, %1, %2, %3 : tensor<?x3xf32, #mad.dims<"T", "">>, tensor<?x3xf32, #mad.dims<"T", "">>, tensor<?x3xf32, #mad.dims<"T", "">>, tensor<?x5xf32, #mad.dims<"T", "">>
}

// Groups of another length and what no kernel reads have none in common with it; of 9 rows there are no tables.
// CHECK-LABEL: @apart
// CHECK: lut.precompute %arg0 for <int, bits = 1, group = 32> : (tensor<9x64xi8>) -> (tensor<1152xi8>, tensor<18xi32>)
// CHECK: lut.precompute %arg0 for <int, bits = 1> : (tensor<9x64xi8>) -> (tensor<1152xi8>, tensor<9xi32>)
// CHECK-NOT: lut.precompute
// CHECK: lut.gemm {{.*}} as <int, bits = 4> :
func.func @apart(%q: tensor<9x64xi8>, %s: tensor<9xf32>, %c: tensor<8x3xui8>, %e: tensor<32x3xui8>, %t: tensor<2x3xf32>, %u: tensor<1x3xf32>) -> (tensor<9x3xf32>, tensor<9x3xf32>, tensor<9x3xf32>) {
  %0 = lut.gemm %q, %s, %c, %t as <int, bits = 1, group = 32> kernel : (tensor<9x64xi8>, tensor<9xf32>, tensor<8x3xui8>, tensor<2x3xf32>) -> tensor<9x3xf32>
  %1 = lut.gemm %q, %s, %c, %u as <int, bits = 1, group = 64> kernel : (tensor<9x64xi8>, tensor<9xf32>, tensor<8x3xui8>, tensor<1x3xf32>) -> tensor<9x3xf32>
  %2 = lut.gemm %q, %s, %e, %u as <int, bits = 4> : (tensor<9x64xi8>, tensor<9xf32>, tensor<32x3xui8>, tensor<1x3xf32>) -> tensor<9x3xf32>
  return %0, %1, %2 : tensor<9x3xf32>, tensor<9x3xf32>, tensor<9x3xf32>
}

// In front of a loop that changes nothing of the rows.
// CHECK-LABEL: @loop
// CHECK: lut.precompute %arg0 for <int, bits = 1> : (tensor<64xi8>) -> (tensor<1024xi8>, tensor<1xi32>)
// CHECK: mad.scan
// CHECK: lut.gemm {{.*}} kernel of
func.func @loop(%q: tensor<64xi8>, %s: tensor<f32>, %c: tensor<8x3xui8>, %t: tensor<1x3xf32>) -> tensor<4x3xf32> {
  %0 = mad.scan "0" to "4" : () -> tensor<4x3xf32> {
  ^bb0(%i: tensor<i64>):
    %1 = lut.gemm %q, %s, %c, %t as <int, bits = 1> kernel : (tensor<64xi8>, tensor<f32>, tensor<8x3xui8>, tensor<1x3xf32>) -> tensor<3xf32>
    mad.yield %1 : tensor<3xf32>
  }
  return %0 : tensor<4x3xf32>
}
