// Results of entries are written where the caller says.
//
// RUN: mad-opt %s --mad-bind-destinations | FileCheck %s

#id = affine_map<(d0) -> (d0)>

// CHECK-LABEL: func.func @entry(
// CHECK-SAME: %[[N:[^:]*]]: index {mad.name = "N"}, %[[STATUS:[^:]*]]: memref<13xi64>,
// CHECK-SAME: %[[X:[^:]*]]: memref<?xf32> {mad.name = "x"}, %[[OUT:[^:]*]]: memref<?xf32> {mad.name = "y"})
// CHECK-SAME: attributes {entry =
// CHECK-NEXT: %[[T:.*]] = bufferization.to_tensor %[[X]] restrict : memref<?xf32> to tensor<?xf32>
// CHECK: %[[Y:.*]] = linalg.generic {{.*}} ins(%[[T]] : tensor<?xf32>)
// CHECK: bufferization.materialize_in_destination %[[Y]] in restrict writable %[[OUT]]
// CHECK-NEXT: return{{$}}
func.func @entry(%n: index {mad.name = "N"}, %status: memref<13xi64>, %x: tensor<?xf32> {mad.name = "x"}) -> (tensor<?xf32> {mad.name = "y"})
    attributes {entry = {dims = ["N"]}} {
  %e = tensor.empty(%n) : tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.negf %a : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// CHECK-LABEL: func.func @scalar_result(
// CHECK-SAME: %[[V:[^:]*]]: f32, %[[OUT:[^:]*]]: memref<f32>)
// CHECK: memref.store %[[V]], %[[OUT]][] : memref<f32>
// CHECK-NOT: materialize_in_destination
// CHECK: return{{$}}
func.func @scalar_result(%v: f32) -> tensor<f32> attributes {entry = {}} {
  %0 = tensor.from_elements %v : tensor<f32>
  return %0 : tensor<f32>
}

// Each branch writes its result itself; what nothing reads is dropped.
// CHECK-LABEL: func.func @branches(
// CHECK-SAME: %[[C:[^:]*]]: i1, %[[X:[^:]*]]: memref<4xf32>, %[[Y:[^:]*]]: memref<4xf32>, %[[OUT:[^:]*]]: memref<4xf32>)
// CHECK-DAG: %[[T:.*]] = bufferization.to_tensor %[[X]] restrict
// CHECK-DAG: %[[U:.*]] = bufferization.to_tensor %[[Y]] restrict
// CHECK: scf.if %[[C]] {
// CHECK-NEXT: bufferization.materialize_in_destination %[[T]] in restrict writable %[[OUT]]
// CHECK-NEXT: } else {
// CHECK-NEXT: bufferization.materialize_in_destination %[[U]] in restrict writable %[[OUT]]
// CHECK-NEXT: }
// CHECK-NEXT: return{{$}}
func.func @branches(%c: i1, %x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> attributes {entry = {}} {
  %0 = scf.if %c -> (tensor<4xf32>) {
    scf.yield %x : tensor<4xf32>
  } else {
    scf.yield %y : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// An input can be a result, twice.
// CHECK-LABEL: func.func @same_result_twice(
// CHECK-SAME: %[[X:[^:]*]]: memref<4xf32>, %[[A:[^:]*]]: memref<4xf32>, %[[B:[^:]*]]: memref<4xf32>)
// CHECK: %[[T:.*]] = bufferization.to_tensor %[[X]] restrict
// CHECK: bufferization.materialize_in_destination %[[T]] in restrict writable %[[A]]
// CHECK: bufferization.materialize_in_destination %[[T]] in restrict writable %[[B]]
func.func @same_result_twice(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) attributes {entry = {}} {
  return %x, %x : tensor<4xf32>, tensor<4xf32>
}

// An empty tensor is one place: two ops that write need two.
// CHECK-LABEL: func.func @places(
// CHECK: %[[E:.*]] = tensor.empty() : tensor<4xf32>
// CHECK: %[[F:.*]] = tensor.empty() : tensor<4xf32>
// CHECK-DAG: linalg.fill {{.*}} outs(%[[E]] :
// CHECK-DAG: linalg.fill {{.*}} outs(%[[F]] :
func.func @places(%v: f32, %w: f32) -> (tensor<4xf32>, tensor<4xf32>) attributes {entry = {}} {
  %e = tensor.empty() : tensor<4xf32>
  %0 = linalg.fill ins(%v : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %1 = linalg.fill ins(%w : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// What a branch takes from outside is copied: made in the memory of the result, it would be written over where
// another branch reads it.
// CHECK-LABEL: func.func @from_outside(
// CHECK-SAME: %[[OUT:[^:]*]]: memref<4xf32>)
// CHECK: %[[P:.*]] = linalg.fill
// CHECK: scf.if
// CHECK: %[[Q:.*]] = linalg.fill
// CHECK-NEXT: bufferization.materialize_in_destination %[[Q]] in restrict writable %[[OUT]]
// CHECK-NEXT: } else {
// CHECK-NEXT: %[[M:.*]] = bufferization.to_buffer %[[P]] read_only
// CHECK-NEXT: memref.copy %[[M]], %[[OUT]]
func.func @from_outside(%v: f32, %w: f32, %c: i1) -> tensor<4xf32> attributes {entry = {}} {
  %e = tensor.empty() : tensor<4xf32>
  %p = linalg.fill ins(%v : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %r = scf.if %c -> tensor<4xf32> {
    %q = linalg.fill ins(%w : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
    scf.yield %q : tensor<4xf32>
  } else {
    scf.yield %p : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}

// What is reshaped last is made in the caller's memory, by the shape it had before.
// CHECK-LABEL: func.func @reshaped(
// CHECK-SAME: %[[X:[^:]*]]: memref<?x2x3xf32>, %[[OUT:[^:]*]]: memref<?x6xf32>)
// CHECK: %[[Y:.*]] = linalg.generic
// CHECK: %[[SIZE:.*]] = tensor.dim %[[Y]]
// CHECK-NEXT: %[[PLACE:.*]] = memref.expand_shape %[[OUT]] {{\[}}[0], [1, 2]] output_shape [%[[SIZE]], 2, 3] : memref<?x6xf32> into memref<?x2x3xf32>
// CHECK-NEXT: bufferization.materialize_in_destination %[[Y]] in restrict writable %[[PLACE]]
// CHECK-NEXT: return{{$}}
#id3 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
func.func @reshaped(%x: tensor<?x2x3xf32>) -> tensor<?x6xf32> attributes {entry = {}} {
  %zero = arith.constant 0 : index
  %n = tensor.dim %x, %zero : tensor<?x2x3xf32>
  %e = tensor.empty(%n) : tensor<?x2x3xf32>
  %y = linalg.generic {indexing_maps = [#id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]} ins(%x : tensor<?x2x3xf32>) outs(%e : tensor<?x2x3xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.negf %a : f32
    linalg.yield %s : f32
  } -> tensor<?x2x3xf32>
  %r = tensor.collapse_shape %y [[0], [1, 2]] : tensor<?x2x3xf32> into tensor<?x6xf32>
  return %r : tensor<?x6xf32>
}

// CHECK-LABEL: func.func @with_one_more(
// CHECK-SAME: %[[V:[^:]*]]: f32, %[[OUT:[^:]*]]: memref<4x1xf32>)
// CHECK: %[[Y:.*]] = linalg.fill
// CHECK: %[[PLACE:.*]] = memref.collapse_shape %[[OUT]] {{\[}}[0, 1]] : memref<4x1xf32> into memref<4xf32>
// CHECK-NEXT: bufferization.materialize_in_destination %[[Y]] in restrict writable %[[PLACE]]
func.func @with_one_more(%v: f32) -> tensor<4x1xf32> attributes {entry = {}} {
  %e = tensor.empty() : tensor<4xf32>
  %0 = linalg.fill ins(%v : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %1 = tensor.expand_shape %0 [[0, 1]] output_shape [4, 1] : tensor<4xf32> into tensor<4x1xf32>
  return %1 : tensor<4x1xf32>
}

// A result that shares memory with the new value of a state, which is read behind it, is a copy.
// CHECK-LABEL: func.func @state(
// CHECK-SAME: %[[P:[^:]*]]: memref<4xf32>, %[[OUT:[^:]*]]: memref<4xf32>)
// CHECK: %[[V:.*]] = linalg.generic
// CHECK: %[[W:.*]] = tensor.insert %{{.*}} into %[[V]]
// CHECK-NEXT: %[[COPY:.*]] = bufferization.alloc_tensor() copy(%[[W]])
// CHECK-NEXT: bufferization.materialize_in_destination %[[COPY]] in restrict writable %[[OUT]]
func.func @state(%p: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
    attributes {entry = {states = [-1, 0]}} {
  %zero = arith.constant 0 : index
  %nine = arith.constant 9.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  %v = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%p : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  %w = tensor.insert %nine into %v[%zero] : tensor<4xf32>
  return %w, %v : tensor<4xf32>, tensor<4xf32>
}

// CHECK-LABEL: func.func @no_entry(
// CHECK-SAME: %[[X:[^:]*]]: tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT: return %[[X]] : tensor<4xf32>
func.func @no_entry(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
