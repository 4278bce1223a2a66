// Ops on data are read back as they were printed.
//
// RUN: mad-opt %s | mad-opt | FileCheck %s
// RUN: mad-opt %s --mlir-print-op-generic | mad-opt | FileCheck %s

!n = tensor<?xf32, #mad.dims<"N">>

// CHECK-LABEL: func.func @scatter
func.func @scatter(%x: tensor<4x5xf32>, %i: tensor<3xi64>, %u: tensor<3xf32>, %y: tensor<f32>) {
  // CHECK: mad.scatter add %{{.*}}[%{{.*}}, %{{.*}}] = %{{.*}} : (tensor<4x5xf32>, tensor<3xi64>, tensor<3xi64>, tensor<3xf32>) -> tensor<4x5xf32>
  %0 = mad.scatter add %x[%i, %i] = %u : (tensor<4x5xf32>, tensor<3xi64>, tensor<3xi64>, tensor<3xf32>) -> tensor<4x5xf32>
  // CHECK: mad.scatter set %{{.*}}[] = %{{.*}} : (tensor<f32>, tensor<3xf32>) -> tensor<f32>
  %1 = mad.scatter set %y[] = %u : (tensor<f32>, tensor<3xf32>) -> tensor<f32>
  // CHECK: mad.scatter max
  %2 = mad.scatter max %y[] = %u : (tensor<f32>, tensor<3xf32>) -> tensor<f32>
  // CHECK: mad.scatter min
  %3 = mad.scatter min %y[] = %u : (tensor<f32>, tensor<3xf32>) -> tensor<f32>
  return
}

// CHECK-LABEL: func.func @sort
func.func @sort(%x: !n, %y: tensor<4x5xi32>) {
  // CHECK: mad.sort %{{.*}} along 0 : (tensor<?xf32, #mad.dims<"N">>) -> (tensor<?xf32, #mad.dims<"N">>, tensor<?xi64, #mad.dims<"N">>)
  %0:2 = mad.sort %x along 0 : (!n) -> (!n, tensor<?xi64, #mad.dims<"N">>)
  // CHECK: mad.sort %{{.*}} along 1 descending : (tensor<4x5xi32>) -> (tensor<4x2xi32>, tensor<4x2xi64>)
  %1:2 = mad.sort %y along 1 descending : (tensor<4x5xi32>) -> (tensor<4x2xi32>, tensor<4x2xi64>)
  return
}

// CHECK-LABEL: func.func @cumulate
func.func @cumulate(%x: !n, %y: tensor<4x5xi32>) {
  // CHECK: mad.cumulate sum %{{.*}} along 0 : (tensor<?xf32, #mad.dims<"N">>) -> tensor<?xf32, #mad.dims<"N">>
  %0 = mad.cumulate sum %x along 0 : (!n) -> !n
  // CHECK: mad.cumulate max %{{.*}} along 1 : (tensor<4x5xi32>) -> tensor<4x5xi32>
  %1 = mad.cumulate max %y along 1 : (tensor<4x5xi32>) -> tensor<4x5xi32>
  return
}

// CHECK-LABEL: func.func @philox
func.func @philox(%k: tensor<2xi32>, %c: tensor<4xi32>) {
  // CHECK: mad.philox %{{.*}} at %{{.*}} : (tensor<2xi32>, tensor<4xi32>) -> tensor<9xi32>
  %0 = mad.philox %k at %c : (tensor<2xi32>, tensor<4xi32>) -> tensor<9xi32>
  return
}
