// Which elementwise ops write over an operand, and which need a place of their own.
//
// RUN: mad-opt %s --mad-reuse-operands | FileCheck %s

#id = affine_map<(d0) -> (d0)>
#rows = affine_map<(d0, d1) -> (d0)>
#both = affine_map<(d0, d1) -> (d0, d1)>
#turned = affine_map<(d0, d1) -> (d1, d0)>

// The bias and activation behind a sum work in its memory.
// CHECK-LABEL: func.func @epilogue
// CHECK-SAME: %[[X:.*]]: tensor<4x8xf32>, %[[BIAS:.*]]: tensor<4xf32>
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}} ins(%[[X]] : tensor<4x8xf32>)
// CHECK: %[[Y:.*]] = linalg.generic {{.*}} ins(%[[BIAS]] : tensor<4xf32>) outs(%[[SUM]] : tensor<4xf32>)
// CHECK-NEXT: ^bb0(%[[B:.*]]: f32, %[[S:.*]]: f32):
// CHECK-NEXT: %[[R:.*]] = arith.addf %[[S]], %[[B]] : f32
// CHECK-NEXT: linalg.yield %[[R]]
// CHECK: return %[[Y]]
func.func @epilogue(%x: tensor<4x8xf32>, %bias: tensor<4xf32>) -> tensor<4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %sum = linalg.generic {indexing_maps = [#both, #rows], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<4x8xf32>) outs(%f : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  %o = tensor.empty() : tensor<4xf32>
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]} ins(%sum, %bias : tensor<4xf32>, tensor<4xf32>) outs(%o : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// The memory of an argument is the caller's.
// CHECK-LABEL: func.func @argument
// CHECK-SAME: %[[X:.*]]: tensor<4xf32>
// CHECK: %[[E:.*]] = tensor.empty()
// CHECK: linalg.generic {{.*}} ins(%[[X]] : tensor<4xf32>) outs(%[[E]] : tensor<4xf32>)
func.func @argument(%x: tensor<4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.negf %a : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// Something reads the value later; its last reader may write over it.
// CHECK-LABEL: func.func @read_later
// CHECK: %[[E:.*]] = tensor.empty()
// CHECK: %[[V:.*]] = linalg.fill
// CHECK: %[[N:.*]] = linalg.generic {{.*}} ins(%[[V]] : tensor<4xf32>) outs(%[[E]] : tensor<4xf32>)
// CHECK: %[[A:.*]] = linalg.generic {{.*}} outs(%[[V]] : tensor<4xf32>)
// CHECK: return %[[N]], %[[A]]
func.func @read_later(%x: f32) -> (tensor<4xf32>, tensor<4xf32>) {
  %e = tensor.empty() : tensor<4xf32>
  %e1 = tensor.empty() : tensor<4xf32>
  %v = linalg.fill ins(%x : f32) outs(%e1 : tensor<4xf32>) -> tensor<4xf32>
  %n = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%v : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.negf %a : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  %m = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%v : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = math.absf %a : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  return %n, %m : tensor<4xf32>, tensor<4xf32>
}

// Elements would be overwritten before they are read.
// CHECK-LABEL: func.func @other_positions
// CHECK: %[[E:.*]] = tensor.empty()
// CHECK: %[[V:.*]] = linalg.fill
// CHECK: linalg.generic {{.*}} ins(%[[V]] : tensor<4x4xf32>) outs(%[[E]] : tensor<4x4xf32>)
func.func @other_positions(%x: f32) -> tensor<4x4xf32> {
  %e = tensor.empty() : tensor<4x4xf32>
  %e1 = tensor.empty() : tensor<4x4xf32>
  %v = linalg.fill ins(%x : f32) outs(%e1 : tensor<4x4xf32>) -> tensor<4x4xf32>
  %y = linalg.generic {indexing_maps = [#turned, #both], iterator_types = ["parallel", "parallel"]} ins(%v : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) {
  ^bb0(%a: f32, %b: f32):
    linalg.yield %a : f32
  } -> tensor<4x4xf32>
  return %y : tensor<4x4xf32>
}

// CHECK-LABEL: func.func @other_type
// CHECK: %[[E:.*]] = tensor.empty() : tensor<4xf64>
// CHECK: %[[V:.*]] = linalg.fill
// CHECK: linalg.generic {{.*}} ins(%[[V]] : tensor<4xf32>) outs(%[[E]] : tensor<4xf64>)
func.func @other_type(%x: f32) -> tensor<4xf64> {
  %e = tensor.empty() : tensor<4xf64>
  %e1 = tensor.empty() : tensor<4xf32>
  %v = linalg.fill ins(%x : f32) outs(%e1 : tensor<4xf32>) -> tensor<4xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%v : tensor<4xf32>) outs(%e : tensor<4xf64>) {
  ^bb0(%a: f32, %b: f64):
    %w = arith.extf %a : f32 to f64
    linalg.yield %w : f64
  } -> tensor<4xf64>
  return %y : tensor<4xf64>
}

// A long chain of updates goes on in a copy.
// CHECK-LABEL: func.func @updates
// CHECK-COUNT-16: tensor.insert %
// CHECK-NEXT: %[[COPY:.*]] = bufferization.alloc_tensor() copy(%{{.*}}) : tensor<4xf32>
// CHECK-NEXT: %[[LAST:.*]] = tensor.insert %{{.*}} into %[[COPY]]
// CHECK-NEXT: %[[END:.*]] = tensor.insert %{{.*}} into %[[LAST]]
// CHECK-NEXT: return %[[END]]
func.func @updates(%x: tensor<4xf32>, %v: f32) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %1 = tensor.insert %v into %x[%c0] : tensor<4xf32>
  %2 = tensor.insert %v into %1[%c0] : tensor<4xf32>
  %3 = tensor.insert %v into %2[%c0] : tensor<4xf32>
  %4 = tensor.insert %v into %3[%c0] : tensor<4xf32>
  %5 = tensor.insert %v into %4[%c0] : tensor<4xf32>
  %6 = tensor.insert %v into %5[%c0] : tensor<4xf32>
  %7 = tensor.insert %v into %6[%c0] : tensor<4xf32>
  %8 = tensor.insert %v into %7[%c0] : tensor<4xf32>
  %9 = tensor.insert %v into %8[%c0] : tensor<4xf32>
  %10 = tensor.insert %v into %9[%c0] : tensor<4xf32>
  %11 = tensor.insert %v into %10[%c0] : tensor<4xf32>
  %12 = tensor.insert %v into %11[%c0] : tensor<4xf32>
  %13 = tensor.insert %v into %12[%c0] : tensor<4xf32>
  %14 = tensor.insert %v into %13[%c0] : tensor<4xf32>
  %15 = tensor.insert %v into %14[%c0] : tensor<4xf32>
  %16 = tensor.insert %v into %15[%c0] : tensor<4xf32>
  %17 = tensor.insert %v into %16[%c0] : tensor<4xf32>
  %18 = tensor.insert %v into %17[%c0] : tensor<4xf32>
  return %18 : tensor<4xf32>
}
