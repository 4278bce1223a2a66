// RUN: mad-opt %s --mad-expand-strict-maxima | FileCheck %s

// Equal numbers differ in the sign of a zero at most: the larger one has it where both have.
// CHECK-LABEL: func @larger(
// CHECK-SAME: %[[X:.*]]: f64, %[[Y:.*]]: f64)
// CHECK-DAG: %[[BX:.*]] = arith.bitcast %[[X]] : f64 to i64
// CHECK-DAG: %[[BY:.*]] = arith.bitcast %[[Y]] : f64 to i64
// CHECK: %[[BITS:.*]] = arith.andi %[[BX]], %[[BY]] : i64
// CHECK: %[[ZERO:.*]] = arith.bitcast %[[BITS]] : i64 to f64
// CHECK: %[[EQUAL:.*]] = arith.cmpf oeq, %[[X]], %[[Y]] : f64
// CHECK: %[[ISX:.*]] = arith.cmpf ugt, %[[X]], %[[Y]] : f64
// CHECK: %[[NAN:.*]] = arith.cmpf uno, %[[Y]], %[[Y]] : f64
// CHECK: %[[SOME:.*]] = arith.select %[[ISX]], %[[X]], %[[Y]] : f64
// CHECK: %[[EITHER:.*]] = arith.select %[[NAN]], %[[Y]], %[[SOME]] : f64
// CHECK: arith.select %[[EQUAL]], %[[ZERO]], %[[EITHER]] : f64
func.func @larger(%x: f64, %y: f64) -> f64 {
  %r = arith.maximumf %x, %y : f64
  return %r : f64
}

// CHECK-LABEL: func @lesser(
// CHECK: arith.bitcast {{.*}} : vector<8xf32> to vector<8xi32>
// CHECK: arith.ori {{.*}} : vector<8xi32>
// CHECK: arith.cmpf ult, {{.*}} : vector<8xf32>
// CHECK-NOT: minimumf
func.func @lesser(%x: vector<8xf32>, %y: vector<8xf32>) -> vector<8xf32> {
  %r = arith.minimumf %x, %y : vector<8xf32>
  return %r : vector<8xf32>
}

// Other code has either zero.
// CHECK-LABEL: func @other(
// CHECK: arith.maximumf {{.*}} fastmath<contract> : f64
func.func @other(%x: f64, %y: f64) -> f64 {
  %r = arith.maximumf %x, %y fastmath<contract> : f64
  return %r : f64
}
