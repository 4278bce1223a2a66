// Element types that there are not, or that an op does not take.
//
// RUN: mad-opt %s --split-input-file --verify-diagnostics

func.func @wide(%x: tensor<4xui32>) {
  // expected-error@+1 {{operand #0 must be ranked tensor of 16-bit float or bfloat16 type or 32-bit float or 64-bit float or 8-bit signless integer or 8-bit unsigned integer or 32-bit signless integer or 64-bit signless integer values, but got 'tensor<4xui32>'}}
  %0 = mad.neg %x : (tensor<4xui32>) -> tensor<4xui32>
  return
}

// -----

func.func @integers(%x: tensor<4xi8>) {
  // expected-error@+1 {{operand #0 must be ranked tensor of 16-bit float or bfloat16 type or 32-bit float or 64-bit float values, but got 'tensor<4xi8>'}}
  %0 = mad.exp %x : (tensor<4xi8>) -> tensor<4xi8>
  return
}

// -----

func.func @mixed(%x: tensor<4xf16>, %y: tensor<4xbf16>) {
  // expected-error@+1 {{requires the same element type for all operands and results}}
  %0 = mad.add %x, %y : (tensor<4xf16>, tensor<4xbf16>) -> tensor<4xf16>
  return
}

// -----

func.func @signs(%x: tensor<4xi8>, %y: tensor<4xui8>) {
  // expected-error@+1 {{requires the same element type for all operands and results}}
  %0 = mad.min %x, %y : (tensor<4xi8>, tensor<4xui8>) -> tensor<4xi8>
  return
}
