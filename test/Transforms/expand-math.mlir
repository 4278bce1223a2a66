// Math functions as arithmetic, instructions or calls of libm, at two levels.
//
// RUN: mad-opt %s --mad-expand-math | FileCheck %s --check-prefixes=CHECK,FUSED
// RUN: mad-opt %s --mad-expand-math=level=0 | FileCheck %s --check-prefixes=CHECK,SPLIT

// What is called is declared once, as a function that only computes.
// CHECK-DAG: func.func private @exp(f64) -> f64 attributes {llvm.readnone}
// CHECK-DAG: func.func private @powf(f32, f32) -> f32 attributes {llvm.readnone}
// CHECK-DAG: func.func private @pow(f64, f64) -> f64 attributes {llvm.readnone}
// CHECK-DAG: func.func private @sinf(f32) -> f32 attributes {llvm.readnone}

// exp(x) = 2^n p(r), r = x - n ln 2 in two steps, and infinity where that is too large.
// CHECK-LABEL: func.func @exp_of_scalar(
// CHECK-SAME: %[[X:[^:]*]]: f32
// CHECK-NOT: math.exp
// CHECK-NOT: call
// FUSED: math.fma %{{.*}}, %{{.*}}, %{{.*}} : f32
// SPLIT-NOT: math.fma
// CHECK: arith.shli %{{.*}} : i32
// CHECK: %[[ABOVE:.*]] = arith.cmpf ugt, %[[X]], %{{.*}} : f32
// CHECK: %[[BEYOND:.*]] = arith.addf %[[X]], %{{.*}} : f32
// CHECK: %[[Y:.*]] = arith.select %[[ABOVE]], %[[BEYOND]], %{{.*}} : f32
// CHECK-NEXT: return %[[Y]]
func.func @exp_of_scalar(%x: f32) -> f32 {
  %0 = math.exp %x : f32
  return %0 : f32
}

// The same steps, on all lanes at once.
// CHECK-LABEL: func.func @exp_of_vector(
// CHECK-SAME: %[[X:[^:]*]]: vector<8xf32>
// CHECK-NOT: math.exp
// CHECK-NOT: vector.extract
// FUSED: math.fma %{{.*}}, %{{.*}}, %{{.*}} : vector<8xf32>
// SPLIT-NOT: math.fma
// CHECK: arith.shli %{{.*}} : vector<8xi32>
// CHECK: %[[ABOVE:.*]] = arith.cmpf ugt, %[[X]], %{{.*}} : vector<8xf32>
// CHECK: %[[BEYOND:.*]] = arith.addf %[[X]], %{{.*}} : vector<8xf32>
// CHECK: %[[Y:.*]] = arith.select %[[ABOVE]], %[[BEYOND]], %{{.*}} : vector<8xi1>, vector<8xf32>
// CHECK-NEXT: return %[[Y]]
func.func @exp_of_vector(%x: vector<8xf32>) -> vector<8xf32> {
  %0 = math.exp %x : vector<8xf32>
  return %0 : vector<8xf32>
}

// CHECK-LABEL: func.func @expanded(
// CHECK-NOT: call
// CHECK-NOT: math.{{(exp2|expm1|log|log1p|erf)}}
// CHECK: return
func.func @expanded(%x: f32) -> (f32, f32, f32, f32, f32) {
  %0 = math.exp2 %x : f32
  %1 = math.expm1 %x : f32
  %2 = math.log %x : f32
  %3 = math.log1p %x : f32
  %4 = math.erf %x : f32
  return %0, %1, %2, %3, %4 : f32, f32, f32, f32, f32
}

// Only where some |x| is large libm is asked, for those lanes.
// CHECK-LABEL: func.func @sin(
// CHECK-SAME: %[[X:[^:]*]]: vector<2xf32>
// CHECK: %[[ABS:.*]] = math.absf %[[X]]
// CHECK: %[[LARGE:.*]] = arith.cmpf ogt, %[[ABS]], %{{.*}} : vector<2xf32>
// CHECK-NEXT: %[[SOME:.*]] = vector.reduction <or>, %[[LARGE]] : vector<2xi1> into i1
// CHECK-NEXT: %[[Y:.*]] = scf.if %[[SOME]] -> (vector<2xf32>) {
// CHECK: %[[X0:.*]] = vector.extract %[[X]][0]
// CHECK: %[[Y0:.*]] = func.call @sinf(%[[X0]])
// CHECK: %[[X1:.*]] = vector.extract %[[X]][1]
// CHECK: %[[Y1:.*]] = func.call @sinf(%[[X1]])
// CHECK: %[[EXACT:.*]] = vector.from_elements %[[Y0]], %[[Y1]] : vector<2xf32>
// CHECK: %[[BEST:.*]] = arith.select %[[LARGE]], %[[EXACT]], %[[SHORT:.*]] :
// CHECK: scf.yield %[[BEST]]
// CHECK: } else {
// CHECK-NEXT: scf.yield %[[SHORT]]
// CHECK: return %[[Y]]
func.func @sin(%x: vector<2xf32>) -> vector<2xf32> {
  %0 = math.sin %x : vector<2xf32>
  return %0 : vector<2xf32>
}

// f64 has no expansions.
// CHECK-LABEL: func.func @double(
// CHECK-SAME: %[[X:[^:]*]]: f64, %[[V:[^:]*]]: vector<2xf64>
// CHECK: %[[Y:.*]] = call @exp(%[[X]]) : (f64) -> f64
// CHECK: %[[V0:.*]] = vector.extract %[[V]][0]
// CHECK: %[[Y0:.*]] = call @exp(%[[V0]])
// CHECK: %[[V1:.*]] = vector.extract %[[V]][1]
// CHECK: %[[Y1:.*]] = call @exp(%[[V1]])
// CHECK: %[[W:.*]] = vector.from_elements %[[Y0]], %[[Y1]] : vector<2xf64>
// CHECK: return %[[Y]], %[[W]]
func.func @double(%x: f64, %v: vector<2xf64>) -> (f64, vector<2xf64>) {
  %0 = math.exp %x : f64
  %1 = math.exp %v : vector<2xf64>
  return %0, %1 : f64, vector<2xf64>
}

// CHECK-LABEL: func.func @power(
// CHECK-SAME: %[[X:[^:]*]]: f32, %[[Y:[^:]*]]: f32, %[[U:[^:]*]]: f64, %[[V:[^:]*]]: f64
// CHECK: call @powf(%[[X]], %[[Y]])
// CHECK: call @pow(%[[U]], %[[V]])
func.func @power(%x: f32, %y: f32, %u: f64, %v: f64) -> (f32, f64) {
  %0 = math.powf %x, %y : f32
  %1 = math.powf %u, %v : f64
  return %0, %1 : f32, f64
}

// CHECK-LABEL: func.func @pow_by_constants(
// CHECK-SAME: %[[X:[^:]*]]: f32
// CHECK-NOT: call
// CHECK: %[[SQUARE:.*]] = arith.mulf %[[X]], %[[X]] : f32
// CHECK: %[[SQUARE1:.*]] = arith.mulf %[[X]], %[[X]] : f32
// CHECK: %[[CUBE:.*]] = arith.mulf %[[SQUARE1]], %[[X]] : f32
// CHECK: %[[ONE:.*]] = arith.constant 1.000000e+00 : f32
// CHECK: %[[INVERSE:.*]] = arith.divf %[[ONE]], %[[X]] : f32
// CHECK: %[[SQRT:.*]] = math.sqrt
// CHECK: %[[ROOT:.*]] = arith.select %{{.*}}, %{{.*}}, %[[SQRT]] : f32
// CHECK: return %[[SQUARE]], %[[CUBE]], %[[INVERSE]], %[[ROOT]]
func.func @pow_by_constants(%x: f32) -> (f32, f32, f32, f32) {
  %two = arith.constant 2.0 : f32
  %three = arith.constant 3.0 : f32
  %minus = arith.constant -1.0 : f32
  %half = arith.constant 0.5 : f32
  %0 = math.powf %x, %two : f32
  %1 = math.powf %x, %three : f32
  %2 = math.powf %x, %minus : f32
  %3 = math.powf %x, %half : f32
  return %0, %1, %2, %3 : f32, f32, f32, f32
}

// CHECK-LABEL: func.func @rsqrt(
// CHECK-SAME: %[[X:[^:]*]]: f64
// CHECK: %[[ROOT:.*]] = math.sqrt %[[X]] : f64
// CHECK: %[[ONE:.*]] = arith.constant 1.000000e+00 : f64
// CHECK: %[[Y:.*]] = arith.divf %[[ONE]], %[[ROOT]] : f64
// CHECK: return %[[Y]]
func.func @rsqrt(%x: f64) -> f64 {
  %0 = math.rsqrt %x : f64
  return %0 : f64
}

// Instructions stay.
// CHECK-LABEL: func.func @instructions(
// CHECK-SAME: %[[X:[^:]*]]: f32, %[[V:[^:]*]]: vector<4xf64>
// CHECK-NEXT: math.sqrt %[[X]] : f32
// CHECK-NEXT: math.floor %[[X]] : f32
// CHECK-NEXT: math.ceil %[[X]] : f32
// CHECK-NEXT: math.roundeven %[[X]] : f32
// CHECK-NEXT: math.absf %[[V]] : vector<4xf64>
// CHECK-NEXT: math.sqrt %[[V]] : vector<4xf64>
// CHECK-NEXT: return
func.func @instructions(%x: f32, %v: vector<4xf64>) -> (f32, f32, f32, f32, vector<4xf64>, vector<4xf64>) {
  %0 = math.sqrt %x : f32
  %1 = math.floor %x : f32
  %2 = math.ceil %x : f32
  %3 = math.roundeven %x : f32
  %4 = math.absf %v : vector<4xf64>
  %5 = math.sqrt %v : vector<4xf64>
  return %0, %1, %2, %3, %4, %5 : f32, f32, f32, f32, vector<4xf64>, vector<4xf64>
}

// A function of the program is no function of libm, whatever its name.
// CHECK-LABEL: func.func @tan(
// CHECK-SAME: %[[X:[^:]*]]: f64
// CHECK-NEXT: math.tan %[[X]] : f64
func.func @tan(%x: f64) -> f64 {
  %0 = math.tan %x : f64
  return %0 : f64
}
