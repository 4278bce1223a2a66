// RUN: mad-opt %s --split-input-file --verify-diagnostics

func.func @bits_of_floats(%x: tensor<4xf32>) {
  // expected-error@+1 {{operand #0 must be ranked tensor of 8-bit signless integer or 8-bit unsigned integer or 32-bit signless integer or 64-bit signless integer values, but got 'tensor<4xf32>'}}
  %0 = mad.bit_and %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @mixed(%x: tensor<4xi32>, %y: tensor<4xi64>) {
  // expected-error@+1 {{requires the same element type for all operands and results}}
  %0 = mad.shift_left %x, %y : (tensor<4xi32>, tensor<4xi64>) -> tensor<4xi32>
  return
}

// -----

func.func @predicate(%x: tensor<4xf32>) {
  // expected-error@+1 {{result #0 must be ranked tensor of 1-bit signless integer values, but got 'tensor<4xf32>'}}
  %0 = mad.isnan %x : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @shapes(%x: tensor<4xf32>, %y: tensor<3xf32>) {
  // expected-error@+1 {{'mad.fma' op}}
  %0 = mad.fma %x, %y, %x : (tensor<4xf32>, tensor<3xf32>, tensor<4xf32>) -> tensor<4xf32>
  return
}
