// RUN: mad-opt %s --mad-rewrite --mad-drop-rules | FileCheck %s

// CHECK-NOT: mad.rule
mad.rule @rsq permits ["afn"] of "float" where [] {
^bb0(%x: tensor<f32>):
  %one = mad.constant dense<1.0> : tensor<f32>
  %r = mad.sqrt %x : (tensor<f32>) -> tensor<f32>
  %l = mad.div %one, %r : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %n = mad.rsqrt %x : (tensor<f32>) -> tensor<f32>
  mad.sides (%l) and (%n) : tensor<f32> and tensor<f32>
}
mad.rule @factor permits ["reassoc"] of "number" both where [] {
^bb0(%a: tensor<f32>, %b: tensor<f32>, %c: tensor<f32>):
  %0 = mad.mul %a, %b : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %1 = mad.mul %a, %c : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %l = mad.add %0, %1 : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %2 = mad.add %b, %c : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %r = mad.mul %a, %2 : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides (%l) and (%r) : tensor<f32> and tensor<f32>
}
mad.rule @zero permits ["nsz"] of "float" where [] {
^bb0(%x: tensor<f32>):
  %zero = mad.constant dense<0.0> : tensor<f32>
  %l = mad.add %x, %zero : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides (%l) and (%x) : tensor<f32> and tensor<f32>
}
mad.rule @root permits ["nnan"] of "float" where [{argument = 0 : i64, is = "ge", value = 0.0}] {
^bb0(%x: tensor<f32>):
  %0 = mad.mul %x, %x : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %l = mad.sqrt %0 : (tensor<f32>) -> tensor<f32>
  mad.sides (%l) and (%x) : tensor<f32> and tensor<f32>
}

mad.rule @minus_zero permits [] of "float" where [] {
^bb0(%x: tensor<f32>):
  %zero = mad.constant dense<-0.0> : tensor<f32>
  %l = mad.add %x, %zero : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides (%l) and (%x) : tensor<f32> and tensor<f32>
}

// A rule without shapes stands for all of them.
// CHECK-LABEL: func.func @shapes
// CHECK: %[[R:.*]] = mad.rsqrt %{{.*}} : (tensor<?x3xf64
// CHECK: return %[[R]]
func.func @shapes(%x: tensor<?x3xf64, #mad.dims<"B", "">>) -> tensor<?x3xf64, #mad.dims<"B", "">> attributes {mad.dims = ["B"]} {
  %1 = mad.constant dense<1.0> : tensor<f64>
  %one = mad.view %1 by affine_map<(d0, d1) -> ()> inside : (tensor<f64>) -> tensor<?x3xf64, #mad.dims<"B", "">>
  %r = mad.sqrt %x : (tensor<?x3xf64, #mad.dims<"B", "">>) -> tensor<?x3xf64, #mad.dims<"B", "">>
  %l = mad.div %one, %r : (tensor<?x3xf64, #mad.dims<"B", "">>, tensor<?x3xf64, #mad.dims<"B", "">>) -> tensor<?x3xf64, #mad.dims<"B", "">>
  return %l : tensor<?x3xf64, #mad.dims<"B", "">>
}

// Functions within a few ulp may be others by default, sums not; by "strict" nothing may.
// CHECK-LABEL: func.func @default
// CHECK: mad.rsqrt
// CHECK: mad.mul
// CHECK: mad.mul
// CHECK: mad.add
// CHECK-LABEL: func.func @strict
// CHECK: mad.sqrt
// CHECK: mad.div
// CHECK-LABEL: func.func @fast
// CHECK: %[[S:.*]] = mad.add %arg1, %arg2 {mad.fp = "fast"}
// CHECK: mad.mul %{{.*}} {mad.fp = "fast"}
// CHECK-NEXT: return
func.func @default(%x: tensor<9xf32>, %y: tensor<9xf32>, %z: tensor<9xf32>) -> tensor<9xf32> {
  %one = mad.constant dense<1.0> : tensor<9xf32>
  %r = mad.sqrt %x : (tensor<9xf32>) -> tensor<9xf32>
  %l = mad.div %one, %r : (tensor<9xf32>, tensor<9xf32>) -> tensor<9xf32>
  %0 = mad.mul %l, %y : (tensor<9xf32>, tensor<9xf32>) -> tensor<9xf32>
  %1 = mad.mul %l, %z : (tensor<9xf32>, tensor<9xf32>) -> tensor<9xf32>
  %2 = mad.add %0, %1 : (tensor<9xf32>, tensor<9xf32>) -> tensor<9xf32>
  return %2 : tensor<9xf32>
}
func.func @strict(%x: tensor<9xf32>) -> tensor<9xf32> {
  %one = mad.constant dense<1.0> : tensor<9xf32>
  %r = mad.sqrt %x {mad.fp = "strict"} : (tensor<9xf32>) -> tensor<9xf32>
  %l = mad.div %one, %r {mad.fp = "strict"} : (tensor<9xf32>, tensor<9xf32>) -> tensor<9xf32>
  return %l : tensor<9xf32>
}
func.func @fast(%x: tensor<9xf32>, %y: tensor<9xf32>, %z: tensor<9xf32>) -> tensor<9xf32> {
  %0 = mad.mul %x, %y {mad.fp = "fast"} : (tensor<9xf32>, tensor<9xf32>) -> tensor<9xf32>
  %1 = mad.mul %x, %z {mad.fp = "fast"} : (tensor<9xf32>, tensor<9xf32>) -> tensor<9xf32>
  %2 = mad.add %0, %1 {mad.fp = "fast"} : (tensor<9xf32>, tensor<9xf32>) -> tensor<9xf32>
  return %2 : tensor<9xf32>
}

// Integers wrap, so the laws of rings hold; those of floats alone are not for them.
// CHECK-LABEL: func.func @integers
// CHECK: mad.add %arg1, %arg2 : (tensor<9xi32>
// CHECK: mad.mul
// CHECK-NEXT: return
func.func @integers(%x: tensor<9xi32>, %y: tensor<9xi32>, %z: tensor<9xi32>) -> tensor<9xi32> {
  %0 = mad.mul %x, %y : (tensor<9xi32>, tensor<9xi32>) -> tensor<9xi32>
  %1 = mad.mul %z, %x : (tensor<9xi32>, tensor<9xi32>) -> tensor<9xi32>
  %2 = mad.add %0, %1 : (tensor<9xi32>, tensor<9xi32>) -> tensor<9xi32>
  return %2 : tensor<9xi32>
}

// What may lose a sign of zero is `exp(x)`; what may not is still the sum. Both are results of
// one function, and x + 0 is no way to write x.
// CHECK-LABEL: func.func @mixed
// CHECK: %[[X:.*]] = mad.exp %arg0
// CHECK: %[[S:.*]] = mad.add %[[X]], %{{.*}} {mad.fp = "strict"}
// CHECK: return %[[X]], %[[S]]
func.func @mixed(%x: tensor<9xf32>) -> (tensor<9xf32>, tensor<9xf32>) {
  %zero = mad.constant dense<0.0> : tensor<9xf32>
  %e = mad.exp %x {mad.fp = "strict"} : (tensor<9xf32>) -> tensor<9xf32>
  %0 = mad.add %e, %zero {mad.fp = "fast"} : (tensor<9xf32>, tensor<9xf32>) -> tensor<9xf32>
  %1 = mad.add %e, %zero {mad.fp = "strict"} : (tensor<9xf32>, tensor<9xf32>) -> tensor<9xf32>
  return %0, %1 : tensor<9xf32>, tensor<9xf32>
}

// The condition holds of what is known to be at least 0.
// CHECK-LABEL: func.func @condition
// CHECK: %[[E:.*]] = mad.exp %arg0
// CHECK-NOT: mad.sqrt
// CHECK: %[[S:.*]] = mad.mul %arg0, %arg0
// CHECK: %[[R:.*]] = mad.sqrt %[[S]]
// CHECK: return %[[E]], %[[R]]
func.func @condition(%x: tensor<9xf32>) -> (tensor<9xf32>, tensor<9xf32>) {
  %e = mad.exp %x {mad.fp = "fast"} : (tensor<9xf32>) -> tensor<9xf32>
  %0 = mad.mul %e, %e {mad.fp = "fast"} : (tensor<9xf32>, tensor<9xf32>) -> tensor<9xf32>
  %1 = mad.sqrt %0 {mad.fp = "fast"} : (tensor<9xf32>) -> tensor<9xf32>
  %2 = mad.mul %x, %x {mad.fp = "fast"} : (tensor<9xf32>, tensor<9xf32>) -> tensor<9xf32>
  %3 = mad.sqrt %2 {mad.fp = "fast"} : (tensor<9xf32>) -> tensor<9xf32>
  return %1, %3 : tensor<9xf32>, tensor<9xf32>
}

// What is computed of numbers alone is a number.
// CHECK-LABEL: func.func @numbers
// CHECK: mad.constant dense<5.000000e+00> : tensor<f32>
// CHECK-NOT: mad.mul
// CHECK: mad.add %arg0,
// CHECK-NEXT: return
func.func @numbers(%x: tensor<?xf32, #mad.dims<"B">>) -> tensor<?xf32, #mad.dims<"B">> attributes {mad.dims = ["B"]} {
  %2 = mad.constant dense<2.0> : tensor<f32>
  %3 = mad.constant dense<2.5> : tensor<f32>
  %two = mad.view %2 by affine_map<(d0) -> ()> inside : (tensor<f32>) -> tensor<?xf32, #mad.dims<"B">>
  %half = mad.view %3 by affine_map<(d0) -> ()> inside : (tensor<f32>) -> tensor<?xf32, #mad.dims<"B">>
  %0 = mad.mul %two, %half {mad.fp = "strict"} : (tensor<?xf32, #mad.dims<"B">>, tensor<?xf32, #mad.dims<"B">>) -> tensor<?xf32, #mad.dims<"B">>
  %1 = mad.add %x, %0 {mad.fp = "strict"} : (tensor<?xf32, #mad.dims<"B">>, tensor<?xf32, #mad.dims<"B">>) -> tensor<?xf32, #mad.dims<"B">>
  return %1 : tensor<?xf32, #mad.dims<"B">>
}

// x + 0 is not x for x = -0; x - 0 is.
// CHECK-LABEL: func.func @signs
// CHECK: %[[S:.*]] = mad.add %arg0, %{{.*}} {mad.fp = "strict"}
// CHECK: return %[[S]], %arg0
func.func @signs(%x: tensor<9xf32>) -> (tensor<9xf32>, tensor<9xf32>) {
  %zero = mad.constant dense<0.0> : tensor<9xf32>
  %minus = mad.constant dense<-0.0> : tensor<9xf32>
  %0 = mad.add %x, %zero {mad.fp = "strict"} : (tensor<9xf32>, tensor<9xf32>) -> tensor<9xf32>
  %1 = mad.add %x, %minus {mad.fp = "strict"} : (tensor<9xf32>, tensor<9xf32>) -> tensor<9xf32>
  return %0, %1 : tensor<9xf32>, tensor<9xf32>
}

// A pretended rule: what it says of the sum is nothing that holds for the root.
mad.rule @pretended permits [] of "float" where [] {
^bb0(%x: tensor<f32>):
  %zero = mad.constant dense<0.0> : tensor<f32>
  %0 = mad.sqrt %x : (tensor<f32>) -> tensor<f32>
  %l = mad.add %0, %zero : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %r = mad.neg %x : (tensor<f32>) -> tensor<f32>
  mad.sides (%l) and (%r) : tensor<f32> and tensor<f32>
}

// Who may lose the sign of a zero may take the root for the sum. Who needs the root may not take the sum, nor
// what is equal to it.
// CHECK-LABEL: func.func @one_way
// CHECK: %[[S:.*]] = mad.sqrt
// CHECK: return %[[S]], %[[S]]
func.func @one_way(%x: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
  %zero = mad.constant dense<0.0> : tensor<f32>
  %0 = mad.sqrt %x {mad.fp = "strict"} : (tensor<f32>) -> tensor<f32>
  %1 = mad.add %0, %zero {mad.fp = "fast"} : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %0, %1 : tensor<f32>, tensor<f32>
}
