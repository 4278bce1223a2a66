// RUN: mad-opt --mad-split-functions="max-loops=2 max-ops=8" %s | FileCheck %s

// Code without loops is cut where little goes from one part to the next.
// CHECK-LABEL: func.func @chain(
// CHECK:         call @part
// CHECK:         call @part
// CHECK:         return
func.func @chain(%c0: f64) -> f64 {
  %c1 = math.sqrt %c0 : f64
  %c2 = math.sqrt %c1 : f64
  %c3 = math.sqrt %c2 : f64
  %c4 = math.sqrt %c3 : f64
  %c5 = math.sqrt %c4 : f64
  %c6 = math.sqrt %c5 : f64
  %c7 = math.sqrt %c6 : f64
  %c8 = math.sqrt %c7 : f64
  %c9 = math.sqrt %c8 : f64
  %c10 = math.sqrt %c9 : f64
  %c11 = math.sqrt %c10 : f64
  %c12 = math.sqrt %c11 : f64
  %c13 = math.sqrt %c12 : f64
  %c14 = math.sqrt %c13 : f64
  %c15 = math.sqrt %c14 : f64
  %c16 = math.sqrt %c15 : f64
  %c17 = math.sqrt %c16 : f64
  %c18 = math.sqrt %c17 : f64
  %c19 = math.sqrt %c18 : f64
  %c20 = math.sqrt %c19 : f64
  %c21 = math.sqrt %c20 : f64
  %c22 = math.sqrt %c21 : f64
  %c23 = math.sqrt %c22 : f64
  %c24 = math.sqrt %c23 : f64
  return %c24 : f64
}

// All that is computed is used at the end.
// CHECK-LABEL: func.func @wide(
// CHECK-NOT:     call
// CHECK:         return
func.func @wide(%x: f64) -> f64 {
  %w0 = math.sqrt %x : f64
  %w1 = math.sqrt %x : f64
  %w2 = math.sqrt %w1 : f64
  %w3 = math.sqrt %x : f64
  %w4 = math.sqrt %w3 : f64
  %w5 = math.sqrt %x : f64
  %w6 = math.sqrt %w5 : f64
  %w7 = math.sqrt %x : f64
  %w8 = math.sqrt %w7 : f64
  %w9 = math.sqrt %x : f64
  %w10 = math.sqrt %w9 : f64
  %w11 = math.sqrt %x : f64
  %w12 = math.sqrt %w11 : f64
  %w13 = math.sqrt %x : f64
  %w14 = math.sqrt %w13 : f64
  %w15 = math.sqrt %x : f64
  %s0 = arith.addf %w0, %w1 : f64
  %s1 = arith.addf %s0, %w2 : f64
  %s2 = arith.addf %s1, %w3 : f64
  %s3 = arith.addf %s2, %w4 : f64
  %s4 = arith.addf %s3, %w5 : f64
  %s5 = arith.addf %s4, %w6 : f64
  %s6 = arith.addf %s5, %w7 : f64
  %s7 = arith.addf %s6, %w8 : f64
  %s8 = arith.addf %s7, %w9 : f64
  %s9 = arith.addf %s8, %w10 : f64
  %s10 = arith.addf %s9, %w11 : f64
  %s11 = arith.addf %s10, %w12 : f64
  %s12 = arith.addf %s11, %w13 : f64
  %s13 = arith.addf %s12, %w14 : f64
  %s14 = arith.addf %s13, %w15 : f64
  return %s14 : f64
}
