// What the verifiers of the ops on data reject, one fault a section.
//
// RUN: mad-opt %s --split-input-file --verify-diagnostics

func.func @element(%x: tensor<4xf32>, %i: tensor<3xi64>, %u: tensor<3xi32>) {
  // expected-error @+1 {{update has elements of type 'i32', the base of 'f32'}}
  %0 = mad.scatter add %x[%i] = %u : (tensor<4xf32>, tensor<3xi64>, tensor<3xi32>) -> tensor<4xf32>
  return
}

// -----

func.func @shape(%x: tensor<4xf32>, %i: tensor<3xi64>, %u: tensor<3xf32>) {
  // expected-error @+1 {{base has shape [4], the result [5]}}
  %0 = mad.scatter add %x[%i] = %u : (tensor<4xf32>, tensor<3xi64>, tensor<3xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @bools(%x: tensor<4xi1>, %i: tensor<3xi64>, %u: tensor<3xi1>) {
  // expected-error @+1 {{max takes numbers, but the base has elements of type i1}}
  %0 = mad.scatter max %x[%i] = %u : (tensor<4xi1>, tensor<3xi64>, tensor<3xi1>) -> tensor<4xi1>
  return
}

// -----

func.func @count(%x: tensor<4x2xf32>, %i: tensor<3xi64>, %u: tensor<3xf32>) {
  // expected-error @+1 {{needs one index tensor a dimension of the base, which has 2, but has 1}}
  %0 = mad.scatter add %x[%i] = %u : (tensor<4x2xf32>, tensor<3xi64>, tensor<3xf32>) -> tensor<4x2xf32>
  return
}

// -----

func.func @index(%x: tensor<4xf32>, %i: tensor<2xi64>, %u: tensor<3xf32>) {
  // expected-error @+1 {{index 0 has shape [2], the updates [3]}}
  %0 = mad.scatter add %x[%i] = %u : (tensor<4xf32>, tensor<2xi64>, tensor<3xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @axis(%x: tensor<4xf32>) {
  // expected-error @+1 {{axis 1 is not a dimension of the source, which has 1}}
  %0:2 = mad.sort %x along 1 : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xi64>)
  return
}

// -----

func.func @more(%x: tensor<4xf32>) {
  // expected-error @+1 {{gives 5 elements along the axis, but the source has 4}}
  %0:2 = mad.sort %x along 0 : (tensor<4xf32>) -> (tensor<5xf32>, tensor<5xi64>)
  return
}

// -----

func.func @across(%x: tensor<4x2xf32>) {
  // expected-error @+1 {{source has 2 along dimension 1, the values 3}}
  %0:2 = mad.sort %x along 0 : (tensor<4x2xf32>) -> (tensor<4x3xf32>, tensor<4x3xi64>)
  return
}

// -----

func.func @ranks(%x: tensor<4x2xf32>) {
  // expected-error @+1 {{source has 2 dimensions, the values 1}}
  %0:2 = mad.sort %x along 0 : (tensor<4x2xf32>) -> (tensor<4xf32>, tensor<4xi64>)
  return
}

// -----

func.func @positions(%x: tensor<4xf32>) {
  // expected-error @+1 {{positions has shape [3], the values [4]}}
  %0:2 = mad.sort %x along 0 : (tensor<4xf32>) -> (tensor<4xf32>, tensor<3xi64>)
  return
}

// -----

func.func @kind(%x: tensor<4xf32>) {
  // expected-error @+1 {{cumulates sum, prod, max or min, not argmax}}
  %0 = mad.cumulate argmax %x along 0 : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @key(%k: tensor<3xi32>, %c: tensor<4xi32>) {
  // expected-error @+1 {{the key must be a vector of 2 i32, but has type 'tensor<3xi32>'}}
  %0 = mad.philox %k at %c : (tensor<3xi32>, tensor<4xi32>) -> tensor<9xi32>
  return
}

// -----

func.func @counter(%k: tensor<2xi32>, %c: tensor<4xi64>) {
  // expected-error @+1 {{the counter must be a vector of 4 i32, but has type 'tensor<4xi64>'}}
  %0 = mad.philox %k at %c : (tensor<2xi32>, tensor<4xi64>) -> tensor<9xi32>
  return
}

// -----

func.func @words(%k: tensor<2xi32>, %c: tensor<4xi32>) {
  // expected-error @+1 {{the result must be a vector of i32, but has type 'tensor<3x3xi32>'}}
  %0 = mad.philox %k at %c : (tensor<2xi32>, tensor<4xi32>) -> tensor<3x3xi32>
  return
}
