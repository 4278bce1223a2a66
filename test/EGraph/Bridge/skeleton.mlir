// RUN: mad-opt %s --mad-rewrite --mad-drop-rules | FileCheck %s

mad.rule @less permits ["nnan"] of "float" where [] {
^bb0(%x: tensor<f32>):
  %zero = mad.constant dense<0.0> : tensor<f32>
  %l = mad.sub %x, %x : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides (%l) and (%zero) : tensor<f32> and tensor<f32>
}
mad.rule @twice permits [] of "float" where [] {
^bb0(%x: tensor<f32>):
  %two = mad.constant dense<2.0> : tensor<f32>
  %l = mad.mul %x, %two : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %r = mad.add %x, %x : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides (%l) and (%r) : tensor<f32> and tensor<f32>
}

// Both arms become the same number, each where it is: neither takes the other's.
// CHECK-LABEL: func.func @arms
// CHECK: mad.if
// CHECK: %[[Z:.*]] = mad.constant dense<0.000000e+00>
// CHECK: else
// CHECK: %[[O:.*]] = mad.constant dense<0.000000e+00>
// CHECK: mad.yield %[[O]]
func.func @arms(%c: tensor<i1>, %x: tensor<f32>) -> tensor<f32> {
  %r = mad.if %c : tensor<i1> -> tensor<f32> {
    %e = mad.exp %x {mad.fp = "fast"} : (tensor<f32>) -> tensor<f32>
    %0 = mad.sub %e, %e {mad.fp = "fast"} : (tensor<f32>, tensor<f32>) -> tensor<f32>
    mad.yield %0 : tensor<f32>
  } else {
    %zero = mad.constant dense<0.0> : tensor<f32>
    mad.yield %zero : tensor<f32>
  }
  return %r : tensor<f32>
}

// What may fail stays in its order, and is done though nothing needs it.
// CHECK-LABEL: func.func @effects
// CHECK: mad.gather %arg0[%arg1]
// CHECK: %[[G:.*]] = mad.gather %arg0[%arg2]
// CHECK-NOT: mad.sub
// CHECK: return
func.func @effects(%x: tensor<5xf32>, %i: tensor<3xi64>, %j: tensor<3xi64>) -> (tensor<3xf32>, tensor<3xf32>) {
  %0 = mad.gather %x[%i] : (tensor<5xf32>, tensor<3xi64>) -> tensor<3xf32>
  %1 = mad.sub %0, %0 {mad.fp = "fast"} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %2 = mad.gather %x[%j] : (tensor<5xf32>, tensor<3xi64>) -> tensor<3xf32>
  return %1, %2 : tensor<3xf32>, tensor<3xf32>
}

// What a region uses from around it is needed, too.
// CHECK-LABEL: func.func @around
// CHECK: %[[Z:.*]] = mad.constant dense<0.000000e+00>
// CHECK: mad.scan
// CHECK: mad.add %{{.*}}, %{{.*}} : (tensor<f32>
func.func @around(%x: tensor<f32>) -> tensor<f32> {
  %0 = mad.exp %x {mad.fp = "fast"} : (tensor<f32>) -> tensor<f32>
  %1 = mad.sub %0, %0 {mad.fp = "fast"} : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %r = mad.scan "0" to "4" carry %x : (tensor<f32>) -> tensor<f32> {
  ^bb0(%i: tensor<i64>, %s: tensor<f32>):
    %n = mad.add %s, %1 : (tensor<f32>, tensor<f32>) -> tensor<f32>
    mad.yield %n : tensor<f32>
  }
  return %r : tensor<f32>
}

// Of two programs that cost the same the one that was written stays.
// CHECK-LABEL: func.func @same
// CHECK: mad.mul
func.func @same(%x: tensor<7xf32>) -> tensor<7xf32> {
  %two = mad.constant dense<2.0> : tensor<7xf32>
  %0 = mad.mul %x, %two : (tensor<7xf32>, tensor<7xf32>) -> tensor<7xf32>
  return %0 : tensor<7xf32>
}
