// Calls are inlined everywhere, inside of regions too. Equal ops are merged,
// ones that nothing reads vanish, but what may fail stays in its region.
//
// RUN: mad-opt %s --inline --cse --symbol-dce | FileCheck %s

// CHECK-NOT: @twice
func.func private @twice(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = mad.add %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// CHECK-NOT: @choose
func.func private @choose(%c: tensor<i1>, %x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = mad.if %c : tensor<i1> -> tensor<2xf32> {
    %1 = func.call @twice(%x) : (tensor<2xf32>) -> tensor<2xf32>
    mad.yield %1 : tensor<2xf32>
  } else {
    mad.yield %x : tensor<2xf32>
  }
  return %0 : tensor<2xf32>
}

// CHECK-LABEL: func.func @main
// CHECK-NOT: call
// CHECK: %[[SCAN:.*]] = mad.scan
// CHECK: ^bb0(%{{.*}}: tensor<i64>, %[[A:.*]]: tensor<2xf32>):
// CHECK: %[[IF:.*]] = mad.if
// CHECK: %[[ADD:.*]] = mad.add %[[A]], %[[A]]
// CHECK: mad.yield %[[ADD]]
// CHECK: mad.yield %[[IF]]
// CHECK: %[[TWICE:.*]] = mad.add %[[SCAN]], %[[SCAN]]
// CHECK-NOT: mad.add
// CHECK-NOT: mad.gather
// CHECK: return %[[TWICE]], %[[TWICE]]
func.func @main(%c: tensor<i1>, %x: tensor<2xf32>, %i: tensor<i64>) -> (tensor<2xf32>, tensor<2xf32>) attributes {mad.entry} {
  %0 = mad.scan "0" to "3" carry %x : (tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%j: tensor<i64>, %a: tensor<2xf32>):
    %3 = func.call @choose(%c, %a) : (tensor<i1>, tensor<2xf32>) -> tensor<2xf32>
    mad.yield %3 : tensor<2xf32>
  }
  %1 = call @twice(%0) : (tensor<2xf32>) -> tensor<2xf32>
  %2 = call @twice(%0) : (tensor<2xf32>) -> tensor<2xf32>
  %unused = mad.gather %x[%i] : (tensor<2xf32>, tensor<i64>) -> tensor<f32>
  return %1, %2 : tensor<2xf32>, tensor<2xf32>
}

// An op keeps its precision where it is inlined; it is not merged with one of another.
// CHECK-NOT: @exact
func.func private @exact(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = mad.exp %x {mad.fp = "strict"} : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// CHECK-LABEL: func.func @precisions
// CHECK: %[[FAST:.*]] = mad.exp %{{.*}} {mad.fp = "fast"}
// CHECK: %[[STRICT:.*]] = mad.exp %{{.*}} {mad.fp = "strict"}
// CHECK: return %[[FAST]], %[[STRICT]], %[[STRICT]]
func.func @precisions(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %0 = mad.exp %x {mad.fp = "fast"} : (tensor<2xf32>) -> tensor<2xf32>
  %1 = call @exact(%x) : (tensor<2xf32>) -> tensor<2xf32>
  %2 = call @exact(%x) : (tensor<2xf32>) -> tensor<2xf32>
  return %0, %1, %2 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}
