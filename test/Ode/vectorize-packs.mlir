// RUN: mad-opt %s --pass-pipeline='builtin.module(func.func(mad-vectorize-packs{level=4},canonicalize,cse))' --split-input-file --verify-diagnostics | FileCheck %s
// RUN: mad-opt %s --pass-pipeline='builtin.module(func.func(mad-vectorize-packs,canonicalize,cse))' --split-input-file --verify-diagnostics | FileCheck %s --check-prefix=LEVEL3

// What is computed with a pack is a vector, through loops and branches; what is the same in all lanes stays a scalar.
// CHECK-LABEL: func.func @loop(
// CHECK-SAME: %[[A:.*]]: f64, %[[B:.*]]: f64, %[[N:.*]]: i64)
// CHECK-DAG: %[[TWO:.*]] = arith.constant dense<2.000000e+00> : vector<2xf64>
// CHECK-DAG: %[[ONES:.*]] = arith.constant dense<[1.000000e+00, 3.000000e+00]> : vector<2xf64>
// CHECK: %[[START:.*]] = vector.from_elements %[[A]], %[[B]] : vector<2xf64>
// CHECK: scf.while (%[[V:.*]] = %[[START]], %[[K:.*]] = %[[N]]) : (vector<2xf64>, i64) -> (vector<2xf64>, i64)
// CHECK: %[[D:.*]] = arith.mulf %{{.*}}, %[[TWO]] : vector<2xf64>
// CHECK: %[[SWAPPED:.*]] = vector.shuffle %[[D]], %[[D]] [1, 0] : vector<2xf64>, vector<2xf64>
// CHECK: scf.if %{{.*}} -> (vector<2xf64>)
// CHECK: arith.addf %[[SWAPPED]], %[[ONES]]
// CHECK: %[[SPREAD:.*]] = vector.broadcast %[[A]] : f64 to vector<2xf64>
// CHECK: scf.yield %[[SPREAD]] : vector<2xf64>
// CHECK: %[[FIRST:.*]] = vector.extract %{{.*}}[0] : f64 from vector<2xf64>
// CHECK: return %[[FIRST]]
func.func @loop(%a: f64, %b: f64, %n: i64) -> f64 {
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %two = arith.constant 2.0 : f64
  %1 = arith.constant 1.0 : f64
  %3 = arith.constant 3.0 : f64
  %ones = ode.pack %1, %3 : f64
  %start = ode.pack %a, %b : f64
  %r:2 = scf.while (%v = %start, %k = %n) : (f64, i64) -> (f64, i64) {
    %more = arith.cmpi sgt, %k, %zero : i64
    scf.condition(%more) %v, %k : f64, i64
  } do {
  ^bb0(%v: f64, %k: i64):
    %d = arith.mulf %v, %two : f64
    %s = ode.shuffle %d of [1, 0] : f64
    %k1 = arith.subi %k, %one : i64
    %odd = arith.cmpi eq, %k1, %one : i64
    %w = scf.if %odd -> f64 {
      %x = arith.addf %s, %ones : f64
      scf.yield %x : f64
    } else {
      scf.yield %a : f64
    }
    scf.yield %w, %k1 : f64, i64
  }
  %first = ode.shuffle %r#0 of [0, 0] : f64
  return %first : f64
}

// -----

func.func @branch(%a: f64, %b: f64) -> f64 {
  %v = ode.pack %a, %b : f64
  %c = arith.cmpf ogt, %v, %a : f64
  // expected-error @+1 {{uses a value that differs between lanes}}
  %r = scf.if %c -> f64 {
    scf.yield %a : f64
  } else {
    scf.yield %b : f64
  }
  return %r : f64
}

// -----

// Division by a root, in code that may round otherwise: an instruction and a series. Strict code, also that of the product alone, and less than a register, divide.
// CHECK-LABEL: func.func @root
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.rsqrt14.pd.512"
// CHECK-NOT: arith.divf
// CHECK: arith.divf %{{.*}}, %{{.*}} : vector<8xf64>
// CHECK: arith.divf %{{.*}}, %{{.*}} fastmath<contract> : vector<8xf64>
// CHECK: arith.divf %{{.*}}, %{{.*}} fastmath<contract> : vector<4xf64>
// CHECK-NOT: arith.divf
// LEVEL3-LABEL: func.func @root
// LEVEL3-NOT: llvm.call_intrinsic
func.func @root(%a: f64, %b: f64) -> (f64, f64, f64, f64) {
  %x = ode.pack %a, %b, %b, %b, %b, %b, %b, %b : f64
  %root = math.sqrt %x : f64
  %product = arith.mulf %root, %x fastmath<contract> : f64
  %q = arith.divf %a, %product fastmath<contract> : f64
  %strict = arith.divf %a, %root : f64
  %exact = arith.mulf %root, %x : f64
  %kept = arith.divf %a, %exact fastmath<contract> : f64
  %y = ode.pack %a, %b, %b, %b : f64
  %other = math.sqrt %y : f64
  %few = arith.divf %a, %other fastmath<contract> : f64
  %0 = ode.shuffle %q of [1, 1, 1, 1, 1, 1, 1, 1] : f64
  %1 = ode.shuffle %strict of [1, 1, 1, 1, 1, 1, 1, 1] : f64
  %2 = ode.shuffle %few of [1, 1, 1, 1] : f64
  %3 = ode.shuffle %kept of [1, 1, 1, 1, 1, 1, 1, 1] : f64
  return %0, %1, %2, %3 : f64, f64, f64, f64
}
