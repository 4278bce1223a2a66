// Folders and canonical forms, each with a case that must stay as it is.
//
// RUN: mad-opt %s --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @constants
func.func @constants() -> (tensor<2xf32>, tensor<2xi32>, tensor<3xi1>, tensor<2xi64>, tensor<1000000xf32>) {
  %a = mad.constant dense<[1.0, 16777216.0]> : tensor<2xf32>
  %one = mad.constant dense<1.0> : tensor<2xf32>
  // Rounded to f32: 16777217 is not one.
  // CHECK-DAG: mad.constant dense<[2.000000e+00, 0x4B800000]> : tensor<2xf32>
  %0 = mad.add %a, %one : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %i = mad.constant dense<[2147483647, -7]> : tensor<2xi32>
  %two = mad.constant dense<2> : tensor<2xi32>
  // CHECK-DAG: mad.constant dense<[-2, -14]> : tensor<2xi32>
  %1 = mad.mul %i, %two : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  %x = mad.constant dense<[1.0, 0x7FC00000, 3.0]> : tensor<3xf32>
  // CHECK-DAG: mad.constant dense<[true, false, true]> : tensor<3xi1>
  %2 = mad.compare eq %x, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xi1>
  %f = mad.constant dense<[-1.5, 1.0e30]> : tensor<2xf32>
  // CHECK-DAG: mad.constant dense<[-1, 9223372036854775807]> : tensor<2xi64>
  %3 = mad.cast %f : (tensor<2xf32>) -> tensor<2xi64>
  // One number for all elements folds in any size.
  // CHECK-DAG: mad.constant dense<2.000000e+00> : tensor<1000000xf32>
  %large = mad.constant dense<4.0> : tensor<1000000xf32>
  %4 = mad.sqrt %large : (tensor<1000000xf32>) -> tensor<1000000xf32>
  // CHECK-NOT: mad.{{(add|mul|compare|cast|sqrt)}}
  return %0, %1, %2, %3, %4 : tensor<2xf32>, tensor<2xi32>, tensor<3xi1>, tensor<2xi64>, tensor<1000000xf32>
}

// -----

// CHECK-LABEL: func.func @constants_of_named_types
func.func @constants_of_named_types() -> tensor<2xf32, #mad.dims<"Two">> {
  // CHECK: mad.constant dense<[2.000000e+00, 4.000000e+00]> : tensor<2xf32, #mad.dims<"Two">>
  %a = mad.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %0 = mad.add %a, %a : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32, #mad.dims<"Two">>
  return %0 : tensor<2xf32, #mad.dims<"Two">>
}

// -----

// CHECK-LABEL: func.func @exact_identities
// CHECK-SAME: %[[X:.*]]: tensor<2xf32>, %[[I:.*]]: tensor<2xi64>
// CHECK-NEXT: %[[ZERO:.*]] = mad.constant dense<0> : tensor<2xi64>
// CHECK-NEXT: return %[[X]], %[[X]], %[[X]], %[[X]], %[[X]], %[[X]], %[[I]], %[[I]], %[[I]], %[[I]], %[[ZERO]] :
func.func @exact_identities(%x: tensor<2xf32>, %i: tensor<2xi64>)
    -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>,
        tensor<2xi64>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) {
  %zero = mad.constant dense<0.0> : tensor<2xf32>
  %minus = mad.constant dense<-0.0> : tensor<2xf32>
  %one = mad.constant dense<1.0> : tensor<2xf32>
  %i0 = mad.constant dense<0> : tensor<2xi64>
  %i1 = mad.constant dense<1> : tensor<2xi64>
  %0 = mad.add %x, %minus : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %1 = mad.sub %x, %zero : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %2 = mad.mul %one, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %3 = mad.div %x, %one : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %4 = mad.pow %x, %one : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %5 = mad.max %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %6 = mad.add %i0, %i : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  %7 = mad.sub %i, %i0 : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  %8 = mad.div %i, %i1 : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  %9 = mad.min %i, %i : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  %10 = mad.mul %i, %i0 : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>
}

// -----

// These look like identities, but change -0, NaN or infinity.
// CHECK-LABEL: func.func @not_identities
func.func @not_identities(%x: tensor<2xf32>)
    -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xi1>) {
  %zero = mad.constant dense<0.0> : tensor<2xf32>
  %minus = mad.constant dense<-0.0> : tensor<2xf32>
  // CHECK: mad.add
  %0 = mad.add %x, %zero : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  // CHECK: mad.sub
  %1 = mad.sub %x, %minus : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  // CHECK: mad.mul
  %2 = mad.mul %x, %zero : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  // CHECK: mad.sub
  %3 = mad.sub %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  // CHECK: mad.compare
  %4 = mad.compare eq %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>
  return %0, %1, %2, %3, %4 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xi1>
}

// -----

!n = tensor<?xf32, #mad.dims<"N">>

// A number that is broadcast to a dynamic shape is seen through the view.
// CHECK-LABEL: func.func @broadcast_numbers
// CHECK-SAME: %[[X:.*]]: tensor<?xf32, #mad.dims<"N">>, %[[Y:.*]]: tensor<?xf32, #mad.dims<"N">>
// CHECK-NEXT: %[[S:.*]] = mad.mul %[[Y]], %[[Y]]
// CHECK-NEXT: return %[[X]], %[[S]] :
func.func @broadcast_numbers(%x: !n, %y: !n) -> (!n, !n) {
  %c1 = mad.constant dense<1.0> : tensor<f32>
  %c2 = mad.constant dense<2.0> : tensor<f32>
  %one = mad.view %c1 by affine_map<(d0) -> ()> inside : (tensor<f32>) -> !n
  %two = mad.view %c2 by affine_map<(d0) -> ()> inside : (tensor<f32>) -> !n
  %0 = mad.mul %x, %one : (!n, !n) -> !n
  %1 = mad.pow %y, %two : (!n, !n) -> !n
  return %0, %1 : !n, !n
}

// -----

// CHECK-LABEL: func.func @pow
func.func @pow(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %zero = mad.constant dense<0.0> : tensor<2xf32>
  %three = mad.constant dense<3.0> : tensor<2xf32>
  // CHECK-DAG: %[[ONE:.*]] = mad.constant dense<1.0
  // CHECK-DAG: %[[THREE:.*]] = mad.constant dense<3.0
  // CHECK: %[[CUBE:.*]] = mad.pow %{{.*}}, %[[THREE]]
  // CHECK: return %[[ONE]], %[[CUBE]]
  %0 = mad.pow %x, %zero : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %1 = mad.pow %x, %three : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %0, %1 : tensor<2xf32>, tensor<2xf32>
}

// -----

// CHECK-LABEL: func.func @twice
// CHECK-SAME: %[[X:.*]]: tensor<2xf32>, %[[B:.*]]: tensor<2xi1>
func.func @twice(%x: tensor<2xf32>, %b: tensor<2xi1>)
    -> (tensor<2xf32>, tensor<2xi1>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %0 = mad.neg %x : (tensor<2xf32>) -> tensor<2xf32>
  %1 = mad.neg %0 : (tensor<2xf32>) -> tensor<2xf32>
  %2 = mad.not %b : (tensor<2xi1>) -> tensor<2xi1>
  %3 = mad.not %2 : (tensor<2xi1>) -> tensor<2xi1>
  // CHECK: %[[ABS:.*]] = mad.abs %[[X]]
  %4 = mad.abs %0 : (tensor<2xf32>) -> tensor<2xf32>
  %5 = mad.abs %4 : (tensor<2xf32>) -> tensor<2xf32>
  // CHECK: %[[FLOOR:.*]] = mad.floor %[[X]]
  %6 = mad.floor %x : (tensor<2xf32>) -> tensor<2xf32>
  %7 = mad.floor %6 : (tensor<2xf32>) -> tensor<2xf32>
  // CHECK: %[[EXP:.*]] = mad.exp %[[X]]
  // CHECK: %[[EXP2:.*]] = mad.exp %[[EXP]]
  %8 = mad.exp %x : (tensor<2xf32>) -> tensor<2xf32>
  %9 = mad.exp %8 : (tensor<2xf32>) -> tensor<2xf32>
  // CHECK: return %[[X]], %[[B]], %[[ABS]], %[[FLOOR]], %[[EXP2]]
  return %1, %3, %5, %7, %9 : tensor<2xf32>, tensor<2xi1>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}

// -----

// CHECK-LABEL: func.func @logic
// CHECK-SAME: %[[B:.*]]: tensor<2xi1>, %[[C:.*]]: tensor<2xi1>
func.func @logic(%b: tensor<2xi1>, %c: tensor<2xi1>)
    -> (tensor<2xi1>, tensor<2xi1>, tensor<2xi1>, tensor<2xi1>, tensor<2xi1>, tensor<2xi1>) {
  // CHECK-DAG: %[[TRUE:.*]] = mad.constant dense<true>
  // CHECK-DAG: %[[FALSE:.*]] = mad.constant dense<false>
  %true = mad.constant dense<true> : tensor<2xi1>
  %false = mad.constant dense<false> : tensor<2xi1>
  %0 = mad.and %b, %true : (tensor<2xi1>, tensor<2xi1>) -> tensor<2xi1>
  %1 = mad.and %b, %false : (tensor<2xi1>, tensor<2xi1>) -> tensor<2xi1>
  %2 = mad.or %b, %true : (tensor<2xi1>, tensor<2xi1>) -> tensor<2xi1>
  %3 = mad.or %b, %false : (tensor<2xi1>, tensor<2xi1>) -> tensor<2xi1>
  %4 = mad.and %b, %b : (tensor<2xi1>, tensor<2xi1>) -> tensor<2xi1>
  // CHECK: %[[OR:.*]] = mad.or %[[B]], %[[C]]
  %5 = mad.or %b, %c : (tensor<2xi1>, tensor<2xi1>) -> tensor<2xi1>
  // CHECK: return %[[B]], %[[FALSE]], %[[TRUE]], %[[B]], %[[B]], %[[OR]]
  return %0, %1, %2, %3, %4, %5 : tensor<2xi1>, tensor<2xi1>, tensor<2xi1>, tensor<2xi1>, tensor<2xi1>, tensor<2xi1>
}

// -----

// CHECK-LABEL: func.func @select
// CHECK-SAME: %[[C:.*]]: tensor<2xi1>, %[[X:.*]]: tensor<2xf32>, %[[Y:.*]]: tensor<2xf32>
func.func @select(%c: tensor<2xi1>, %x: tensor<2xf32>, %y: tensor<2xf32>)
    -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %true = mad.constant dense<true> : tensor<2xi1>
  %false = mad.constant dense<false> : tensor<2xi1>
  %0 = mad.select %true, %x, %y : (tensor<2xi1>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %1 = mad.select %false, %x, %y : (tensor<2xi1>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %2 = mad.select %c, %y, %y : (tensor<2xi1>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  // CHECK: %[[S:.*]] = mad.select %[[C]], %[[X]], %[[Y]]
  %3 = mad.select %c, %x, %y : (tensor<2xi1>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  // CHECK: return %[[X]], %[[Y]], %[[Y]], %[[S]]
  return %0, %1, %2, %3 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}

// -----

// CHECK-LABEL: func.func @casts
// CHECK-SAME: %[[I:.*]]: tensor<2xi32>, %[[L:.*]]: tensor<2xi64>
func.func @casts(%i: tensor<2xi32>, %l: tensor<2xi64>)
    -> (tensor<2xi32>, tensor<2xi32>, tensor<2xf32>, tensor<2xi64>) {
  %0 = mad.cast %i : (tensor<2xi32>) -> tensor<2xi32>
  %1 = mad.cast %i : (tensor<2xi32>) -> tensor<2xi64>
  %2 = mad.cast %1 : (tensor<2xi64>) -> tensor<2xi32>
  // CHECK: %[[F:.*]] = mad.cast %[[I]] : (tensor<2xi32>) -> tensor<2xf32>
  %3 = mad.cast %1 : (tensor<2xi64>) -> tensor<2xf32>
  // f64 does not hold every i64.
  // CHECK: %[[D:.*]] = mad.cast %[[L]] : (tensor<2xi64>) -> tensor<2xf64>
  // CHECK: %[[B:.*]] = mad.cast %[[D]] : (tensor<2xf64>) -> tensor<2xi64>
  %4 = mad.cast %l : (tensor<2xi64>) -> tensor<2xf64>
  %5 = mad.cast %4 : (tensor<2xf64>) -> tensor<2xi64>
  // CHECK: return %[[I]], %[[I]], %[[F]], %[[B]]
  return %0, %2, %3, %5 : tensor<2xi32>, tensor<2xi32>, tensor<2xf32>, tensor<2xi64>
}

// -----

!named = tensor<2xf32, #mad.dims<"Two">>

// A cast that renames a dimension stays only where a type must match.
// CHECK-LABEL: func.func @renames
// CHECK-SAME: %[[X:.*]]: tensor<2xf32>
func.func @renames(%x: tensor<2xf32>) -> (!named, !named) {
  // CHECK: %[[C:.*]] = mad.cast %[[X]]
  %0 = mad.cast %x : (tensor<2xf32>) -> !named
  // CHECK: %[[N:.*]] = mad.neg %[[X]] : (tensor<2xf32>) -> tensor<2xf32, #mad.dims<"Two">>
  %1 = mad.neg %0 : (!named) -> !named
  // CHECK: return %[[C]], %[[N]]
  return %0, %1 : !named, !named
}

// -----

// CHECK-LABEL: func.func @dims
func.func @dims(%x: tensor<?xf32, #mad.dims<"N">>) -> (tensor<i64>, tensor<i64>) {
  // CHECK-DAG: %[[C:.*]] = mad.constant dense<7> : tensor<i64>
  // CHECK-DAG: %[[D:.*]] = mad.dim "N + 1" : tensor<i64>
  %0 = mad.dim "2 * 3 + 1" : tensor<i64>
  %1 = mad.dim "N + 1" : tensor<i64>
  // CHECK: return %[[C]], %[[D]]
  return %0, %1 : tensor<i64>, tensor<i64>
}

// -----

// CHECK-DAG: #[[$BOTH:.*]] = affine_map<(d0) -> (d0 + 3, 1)>
// CHECK-DAG: #[[$SCALARS:.*]] = affine_map<(d0)[s0, s1] -> (s0, d0 + s1)>
// CHECK-DAG: #[[$TRANSPOSED:.*]] = affine_map<(d0, d1) -> (d1 - 1, d0)>
// CHECK-DAG: #[[$SHIFT:.*]] = affine_map<(d0) -> (d0 + 1)>
// CHECK-DAG: #[[$BACK:.*]] = affine_map<(d0) -> (d0 - 1)>

// CHECK-LABEL: func.func @identity_views
// CHECK-SAME: %[[X:.*]]: tensor<2x3xf32>
// CHECK-NEXT: return %[[X]], %[[X]]
func.func @identity_views(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>) {
  %0 = mad.view %x by affine_map<(d0, d1) -> (d0, d1)> inside : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = mad.view %x by affine_map<(d0, d1) -> (d1, d0)> inside : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %2 = mad.view %1 by affine_map<(d0, d1) -> (d1, d0)> inside : (tensor<3x2xf32>) -> tensor<2x3xf32>
  return %0, %2 : tensor<2x3xf32>, tensor<2x3xf32>
}

// A check is of all that the inner view reads.
// CHECK-LABEL: func.func @part_of_checked_view
// CHECK: %[[PART:.*]] = mad.view %{{.*}} checked
// CHECK: mad.view %[[PART]] by #{{.*}} inside
func.func @part_of_checked_view(%x: tensor<9xf32>, %s: tensor<i64>) -> tensor<2xf32> {
  %0 = mad.view %x[%s] by affine_map<(d0)[s0] -> (s0 + d0)> checked : (tensor<9xf32>, tensor<i64>) -> tensor<4xf32>
  %1 = mad.view %0 by affine_map<(d0) -> (d0 + 1)> inside : (tensor<4xf32>) -> tensor<2xf32>
  return %1 : tensor<2xf32>
}

// CHECK-LABEL: func.func @views_of_views
func.func @views_of_views(%x: tensor<9x3xf32>, %s: tensor<i64>, %t: tensor<i64>)
    -> (tensor<4xf32>, tensor<2xf32>, tensor<3x9xf32>) {
  // CHECK: mad.view %{{.*}} by #[[$BOTH]] inside : (tensor<9x3xf32>) -> tensor<4xf32>
  %0 = mad.view %x by affine_map<(d0) -> (d0 + 1, 1)> inside : (tensor<9x3xf32>) -> tensor<8xf32>
  %1 = mad.view %0 by affine_map<(d0) -> (d0 + 2)> inside : (tensor<8xf32>) -> tensor<4xf32>
  // The boundary of the inner view holds for the whole.
  // CHECK: mad.view %{{.*}}[%{{.*}}, %{{.*}}] by #[[$SCALARS]] clamp
  %2 = mad.view %x[%s] by affine_map<(d0)[s0] -> (s0, d0)> clamp : (tensor<9x3xf32>, tensor<i64>) -> tensor<3xf32>
  %3 = mad.view %2[%t] by affine_map<(d0)[s0] -> (d0 + s0)> inside : (tensor<3xf32>, tensor<i64>) -> tensor<2xf32>
  // The boundary of the outer view holds for a source that is only transposed.
  // CHECK: mad.view %{{.*}} by #[[$TRANSPOSED]] zero : (tensor<9x3xf32>) -> tensor<3x9xf32>
  %4 = mad.view %x by affine_map<(d0, d1) -> (d1, d0)> inside : (tensor<9x3xf32>) -> tensor<3x9xf32>
  %5 = mad.view %4 by affine_map<(d0, d1) -> (d0, d1 - 1)> zero : (tensor<3x9xf32>) -> tensor<3x9xf32>
  return %1, %3, %5 : tensor<4xf32>, tensor<2xf32>, tensor<3x9xf32>
}

// What is outside of the inner view may be inside of its source.
// CHECK-LABEL: func.func @views_that_stay
func.func @views_that_stay(%x: tensor<9xf32>) -> tensor<9xf32> {
  // CHECK: %[[V:.*]] = mad.view %{{.*}} by #[[$SHIFT]] inside
  // CHECK: mad.view %[[V]] by #[[$BACK]] zero
  %0 = mad.view %x by affine_map<(d0) -> (d0 + 1)> inside : (tensor<9xf32>) -> tensor<8xf32>
  %1 = mad.view %0 by affine_map<(d0) -> (d0 - 1)> zero : (tensor<8xf32>) -> tensor<9xf32>
  return %1 : tensor<9xf32>
}

// -----

!n = tensor<?xf32, #mad.dims<"N">>
!n1 = tensor<?xf32, #mad.dims<"N + 1">>

// CHECK-LABEL: func.func @views_that_are_inside
func.func @views_that_are_inside(%x: !n, %y: !n1, %m: tensor<?xf32, #mad.dims<"M">>) -> (!n, !n1, !n) {
  // CHECK: mad.view %{{.*}} inside : (tensor<?xf32, #mad.dims<"N + 1">>)
  %0 = mad.view %y by affine_map<(d0) -> (d0 + 1)> checked : (!n1) -> !n
  // CHECK: mad.view %{{.*}} zero : (tensor<?xf32, #mad.dims<"N">>)
  %1 = mad.view %x by affine_map<(d0) -> (d0)> zero : (!n) -> !n1
  // CHECK: mad.view %{{.*}} checked : (tensor<?xf32, #mad.dims<"M">>)
  %2 = mad.view %m by affine_map<(d0) -> (d0)> checked : (tensor<?xf32, #mad.dims<"M">>) -> !n
  return %0, %1, %2 : !n, !n1, !n
}

// -----

// CHECK-LABEL: func.func @movement_of_constants
func.func @movement_of_constants()
    -> (tensor<100x100xf32>, tensor<3x2xi64>, tensor<4xi64>, tensor<2xi64>, tensor<2x3xi64>, tensor<1x3xi64>) {
  // CHECK-DAG: %[[A:.*]] = mad.constant dense<2.500000e+00> : tensor<100x100xf32>
  // CHECK-DAG: %[[B:.*]] = mad.constant dense<{{\[\[}}1, 4], [2, 5], [3, 6]]> : tensor<3x2xi64>
  // CHECK-DAG: %[[C:.*]] = mad.constant dense<[0, 1, 2, 3]> : tensor<4xi64>
  // CHECK-DAG: %[[D:.*]] = mad.constant dense<[6, 15]> : tensor<2xi64>
  // CHECK-DAG: %[[E:.*]] = mad.constant dense<{{\[\[}}1, 2, 3], [4, 5, 6]]> : tensor<2x3xi64>
  // CHECK-DAG: %[[F:.*]] = mad.constant dense<{{\[\[}}4, 5, 6]]> : tensor<1x3xi64>
  // CHECK: return %[[A]], %[[B]], %[[C]], %[[D]], %[[E]], %[[F]]
  %c = mad.constant dense<2.5> : tensor<f32>
  %m = mad.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi64>
  %flat = mad.constant dense<[1, 2, 3, 4, 5, 6]> : tensor<6xi64>
  %one = mad.constant dense<1> : tensor<1x3xi64>
  %columns = mad.constant dense<[[0, 1, 2]]> : tensor<1x3xi64>
  %0 = mad.view %c by affine_map<(d0, d1) -> ()> inside : (tensor<f32>) -> tensor<100x100xf32>
  %1 = mad.view %m by affine_map<(d0, d1) -> (d1, d0)> inside : (tensor<2x3xi64>) -> tensor<3x2xi64>
  %2 = mad.view %m by affine_map<(d0) -> (0, d0 - 1)> zero : (tensor<2x3xi64>) -> tensor<4xi64>
  %3 = mad.reduce sum %m over [1] : (tensor<2x3xi64>) -> tensor<2xi64>
  %4 = mad.reshape %flat : (tensor<6xi64>) -> tensor<2x3xi64>
  %5 = mad.gather %m[%one, %columns] : (tensor<2x3xi64>, tensor<1x3xi64>, tensor<1x3xi64>) -> tensor<1x3xi64>
  return %0, %1, %2, %3, %4, %5 : tensor<100x100xf32>, tensor<3x2xi64>, tensor<4xi64>, tensor<2xi64>, tensor<2x3xi64>, tensor<1x3xi64>
}

// -----

// A failure must happen at the call, not when compiling.
// CHECK-LABEL: func.func @constants_that_fail
func.func @constants_that_fail() -> (tensor<i64>, tensor<4xi64>) {
  %m = mad.constant dense<[1, 2, 3]> : tensor<3xi64>
  %i = mad.constant dense<3> : tensor<i64>
  // CHECK: mad.gather
  %0 = mad.gather %m[%i] : (tensor<3xi64>, tensor<i64>) -> tensor<i64>
  // CHECK: mad.view %{{.*}} checked
  %1 = mad.view %m by affine_map<(d0) -> (d0)> checked : (tensor<3xi64>) -> tensor<4xi64>
  return %0, %1 : tensor<i64>, tensor<4xi64>
}

// -----

// CHECK-LABEL: func.func @broadcast_tables
func.func @broadcast_tables() -> tensor<100x3xi64> {
  // CHECK: mad.view %{{.*}} : (tensor<3xi64>) -> tensor<100x3xi64>
  %c = mad.constant dense<[1, 2, 3]> : tensor<3xi64>
  %0 = mad.view %c by affine_map<(d0, d1) -> (d1)> inside : (tensor<3xi64>) -> tensor<100x3xi64>
  return %0 : tensor<100x3xi64>
}

// -----

// CHECK-LABEL: func.func @large_constants
func.func @large_constants() -> tensor<5000xi64> {
  // CHECK: mad.iota
  // CHECK: mad.concat
  %c = mad.constant dense<1> : tensor<2500xi64>
  %i = mad.iota 0 : tensor<2500xi64>
  %0 = mad.concat 0 of %c, %i : (tensor<2500xi64>, tensor<2500xi64>) -> tensor<5000xi64>
  return %0 : tensor<5000xi64>
}

// -----

// CHECK-LABEL: func.func @reshapes
// CHECK-SAME: %[[X:.*]]: tensor<2x6xf32>
func.func @reshapes(%x: tensor<2x6xf32>) -> (tensor<3x4xf32>, tensor<2x6xf32>) {
  // CHECK: %[[R:.*]] = mad.reshape %[[X]] : (tensor<2x6xf32>) -> tensor<3x4xf32>
  %0 = mad.reshape %x : (tensor<2x6xf32>) -> tensor<12xf32>
  %1 = mad.reshape %0 : (tensor<12xf32>) -> tensor<3x4xf32>
  %2 = mad.reshape %1 : (tensor<3x4xf32>) -> tensor<2x6xf32>
  // CHECK: return %[[R]], %[[X]]
  return %1, %2 : tensor<3x4xf32>, tensor<2x6xf32>
}

// -----

// CHECK-LABEL: func.func @concat_and_reduce
// CHECK-SAME: %[[X:.*]]: tensor<2xf32>
func.func @concat_and_reduce(%x: tensor<2xf32>)
    -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<4xf32>, tensor<2xi64>) {
  // CHECK: %[[I:.*]] = mad.constant dense<0> : tensor<2xi64>
  %0 = mad.concat 0 of %x : (tensor<2xf32>) -> tensor<2xf32>
  %1 = mad.reduce max %x over [] : (tensor<2xf32>) -> tensor<2xf32>
  // The sum of -0 is 0.
  // CHECK: %[[S:.*]] = mad.reduce sum
  %2 = mad.reduce sum %x over [] : (tensor<2xf32>) -> tensor<2xf32>
  // CHECK: %[[C:.*]] = mad.concat 0 of %[[X]], %[[X]]
  %3 = mad.concat 0 of %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  %i = mad.constant dense<[[1.0], [2.0]]> : tensor<2x1xf32>
  %4 = mad.reduce argmax %i over [1] : (tensor<2x1xf32>) -> tensor<2xi64>
  // CHECK: return %[[X]], %[[X]], %[[S]], %[[C]], %[[I]]
  return %0, %1, %2, %3, %4 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<4xf32>, tensor<2xi64>
}

// -----

// CHECK-LABEL: func.func @known_condition
// CHECK-SAME: %[[C:.*]]: tensor<i1>, %[[X:.*]]: tensor<2xf32>
func.func @known_condition(%c: tensor<i1>, %x: tensor<2xf32>)
    -> (tensor<2xf32>, tensor<2xf32, #mad.dims<"Two">>, tensor<2xf32>) {
  %true = mad.constant dense<true> : tensor<i1>
  %false = mad.constant dense<false> : tensor<i1>
  // CHECK: %[[N:.*]] = mad.neg %[[X]]
  %0 = mad.if %true : tensor<i1> -> tensor<2xf32> {
    %n = mad.neg %x : (tensor<2xf32>) -> tensor<2xf32>
    mad.yield %n : tensor<2xf32>
  } else {
    mad.yield %x : tensor<2xf32>
  }
  // CHECK: %[[CAST:.*]] = mad.cast %[[X]] : (tensor<2xf32>) -> tensor<2xf32, #mad.dims<"Two">>
  %1 = mad.if %false : tensor<i1> -> tensor<2xf32, #mad.dims<"Two">> {
    %n = mad.neg %x : (tensor<2xf32>) -> tensor<2xf32>
    mad.yield %n : tensor<2xf32>
  } else {
    mad.yield %x : tensor<2xf32>
  }
  // CHECK: %[[IF:.*]] = mad.if %[[C]]
  %2 = mad.if %c : tensor<i1> -> tensor<2xf32> {
    %n = mad.neg %x : (tensor<2xf32>) -> tensor<2xf32>
    mad.yield %n : tensor<2xf32>
  } else {
    mad.yield %x : tensor<2xf32>
  }
  // CHECK: return %[[N]], %[[CAST]], %[[IF]]
  return %0, %1, %2 : tensor<2xf32>, tensor<2xf32, #mad.dims<"Two">>, tensor<2xf32>
}

// -----

// CHECK-LABEL: func.func @scans
// CHECK-SAME: %[[X:.*]]: tensor<2xf32>
func.func @scans(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  // CHECK-NOT: "4" to "4"
  %0 = mad.scan "4" to "4" carry %x : (tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%i: tensor<i64>, %a: tensor<2xf32>):
    %n = mad.neg %a : (tensor<2xf32>) -> tensor<2xf32>
    mad.yield %n : tensor<2xf32>
  }
  // CHECK: %[[S:.*]] = mad.scan "0" to "N"
  %1 = mad.scan "0" to "N" carry %x : (tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%i: tensor<i64>, %a: tensor<2xf32>):
    %n = mad.neg %a : (tensor<2xf32>) -> tensor<2xf32>
    mad.yield %n : tensor<2xf32>
  }
  // CHECK: return %[[X]], %[[S]]
  return %0, %1 : tensor<2xf32>, tensor<2xf32>
}

// Wherever it is read, a number that is everywhere the same is that number; but not where zeros are outside.
// CHECK-LABEL: @view_of_one_number
// CHECK: %[[WIDE:.*]] = mad.view %{{.*}} by #{{.*}} inside : (tensor<f64>) -> tensor<?xf64, #mad.dims<"N + 1">>
// CHECK-NEXT: mad.view %{{.*}} by #{{.*}} inside : (tensor<f64>) -> tensor<?xf64, #mad.dims<"N">>
// CHECK-NEXT: mad.view %[[WIDE]][%{{.*}}] by #{{.*}} zero
func.func @view_of_one_number(%x: tensor<f64>, %s: tensor<i64>, %n: tensor<?xf32, #mad.dims<"N">>) -> (tensor<?xf64, #mad.dims<"N">>, tensor<?xf64, #mad.dims<"N">>) attributes {mad.dims = ["N"]} {
  %0 = mad.view %x by affine_map<(d0) -> ()> inside : (tensor<f64>) -> tensor<?xf64, #mad.dims<"N + 1">>
  %1 = mad.view %0[%s] by affine_map<(d0)[s0] -> (d0 + s0)> clamp : (tensor<?xf64, #mad.dims<"N + 1">>, tensor<i64>) -> tensor<?xf64, #mad.dims<"N">>
  %2 = mad.view %0[%s] by affine_map<(d0)[s0] -> (d0 + s0)> zero : (tensor<?xf64, #mad.dims<"N + 1">>, tensor<i64>) -> tensor<?xf64, #mad.dims<"N">>
  return %1, %2 : tensor<?xf64, #mad.dims<"N">>, tensor<?xf64, #mad.dims<"N">>
}
