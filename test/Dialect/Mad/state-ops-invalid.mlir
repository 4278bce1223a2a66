// What the verifiers of `mad.update`, `mad.iterate` and collecting scans reject.
//
// RUN: mad-opt %s --split-input-file --verify-diagnostics

func.func @update(%x: tensor<4xf32>, %v: tensor<2xi32>) {
  // expected-error @+1 {{value has elements of type 'i32', the result of 'f32'}}
  %0 = mad.update %x by affine_map<(d0) -> (d0)> inside with %v : (tensor<4xf32>, tensor<2xi32>) -> tensor<4xf32>
  return
}

// -----

func.func @update(%x: tensor<4xf32>, %v: tensor<2xf32>) {
  // expected-error @+1 {{destination has shape [4], the result [5]}}
  %0 = mad.update %x by affine_map<(d0) -> (d0)> inside with %v : (tensor<4xf32>, tensor<2xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @update(%x: tensor<4xf32>, %v: tensor<2xf32>) {
  // expected-error @+1 {{map takes 2 dimensions, but the value has 1}}
  %0 = mad.update %x by affine_map<(d0, d1) -> (d0)> inside with %v : (tensor<4xf32>, tensor<2xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @update(%x: tensor<4xf32>, %v: tensor<2xf32>, %i: tensor<i64>) {
  // expected-error @+1 {{map takes 0 symbols, but there are 1 scalars}}
  %0 = mad.update %x[%i] by affine_map<(d0) -> (d0)> inside with %v : (tensor<4xf32>, tensor<2xf32>, tensor<i64>) -> tensor<4xf32>
  return
}

// -----

func.func @update(%x: tensor<4xf32>, %v: tensor<2xf32>) {
  // expected-error @+1 {{map gives 2 coordinates, but the destination has 1 dimensions}}
  %0 = mad.update %x by affine_map<(d0) -> (d0, 0)> inside with %v : (tensor<4xf32>, tensor<2xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @update(%x: tensor<4xf32>, %v: tensor<2xf32>) {
  // expected-error @+1 {{coordinate 0 of the map must be a sum of dimensions and scalars times constants}}
  %0 = mad.update %x by affine_map<(d0) -> (d0 floordiv 2)> inside with %v : (tensor<4xf32>, tensor<2xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @update(%x: tensor<4xf32>, %v: tensor<2xf32>) {
  // expected-error @+1 {{boundary must be `inside` or `checked`, but is `zero`}}
  %0 = mad.update %x by affine_map<(d0) -> (d0)> zero with %v : (tensor<4xf32>, tensor<2xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @update(%x: tensor<4xf32>, %v: tensor<2xf32>) {
  // expected-error @+1 {{dimension d0 of the map must stand in one coordinate, times a constant of at least 1}}
  %0 = mad.update %x by affine_map<(d0) -> (3 - d0)> inside with %v : (tensor<4xf32>, tensor<2xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @update(%x: tensor<4x4xf32>, %v: tensor<4xf32>) {
  // expected-error @+1 {{dimension d0 of the map must stand in one coordinate, times a constant of at least 1}}
  %0 = mad.update %x by affine_map<(d0) -> (d0, d0)> inside with %v : (tensor<4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @update(%x: tensor<9xf32>, %v: tensor<2x2xf32>) {
  // expected-error @+1 {{coordinate 0 of the map depends on two dimensions}}
  %0 = mad.update %x by affine_map<(d0, d1) -> (2 * d0 + d1)> inside with %v : (tensor<9xf32>, tensor<2x2xf32>) -> tensor<9xf32>
  return
}

// -----

func.func @update(%x: tensor<4x4xf32>, %v: tensor<4x4xf32>) {
  // expected-error @+1 {{dimensions of the map must stand in ascending order}}
  %0 = mad.update %x by affine_map<(d0, d1) -> (d1, d0)> inside with %v : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @iterate(%x: tensor<f32>) {
  // expected-error @+1 {{cannot read the limit "N +" as a dimension}}
  %0:2 = mad.iterate max "N +" carry %x : (tensor<f32>) -> (tensor<f32>, tensor<i64>) while {
  ^bb0(%i: tensor<i64>, %a: tensor<f32>):
    %c = mad.compare lt %a, %a : (tensor<f32>, tensor<f32>) -> tensor<i1>
    mad.yield %c : tensor<i1>
  } do {
  ^bb0(%i: tensor<i64>, %a: tensor<f32>):
    mad.yield %a : tensor<f32>
  }
  return
}

// -----

func.func @iterate(%x: tensor<f32>) {
  // expected-error @+1 {{value 0 of the condition has type 'tensor<f32>', expected 'tensor<i1>'}}
  %0:2 = mad.iterate max "4" carry %x : (tensor<f32>) -> (tensor<f32>, tensor<i64>) while {
  ^bb0(%i: tensor<i64>, %a: tensor<f32>):
    mad.yield %a : tensor<f32>
  } do {
  ^bb0(%i: tensor<i64>, %a: tensor<f32>):
    mad.yield %a : tensor<f32>
  }
  return
}

// -----

func.func @iterate(%x: tensor<f32>, %c: tensor<i1>) {
  // expected-error @+1 {{the op: found 1 values, expected 2}}
  %0 = mad.iterate max "4" carry %x : (tensor<f32>) -> (tensor<f32>) while {
  ^bb0(%i: tensor<i64>, %a: tensor<f32>):
    mad.yield %c : tensor<i1>
  } do {
  ^bb0(%i: tensor<i64>, %a: tensor<f32>):
    mad.yield %a : tensor<f32>
  }
  return
}

// -----

func.func @collect(%x: tensor<f32>) {
  // expected-error @+1 {{has 1 results and yields 2 values, expected at least the 1 carried ones in both}}
  %0 = mad.scan "0" to "4" carry %x : (tensor<f32>) -> (tensor<f32>) {
  ^bb0(%i: tensor<i64>, %a: tensor<f32>):
    mad.yield %a, %a : tensor<f32>, tensor<f32>
  }
  return
}

// -----

func.func @collect(%x: tensor<f32>) {
  // expected-error @+1 {{result 1 has type 'tensor<3xf32>', but collects 'tensor<f32>' in 4 steps}}
  %0:2 = mad.scan "0" to "4" carry %x : (tensor<f32>) -> (tensor<f32>, tensor<3xf32>) {
  ^bb0(%i: tensor<i64>, %a: tensor<f32>):
    mad.yield %a, %a : tensor<f32>, tensor<f32>
  }
  return
}
