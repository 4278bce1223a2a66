// RUN: mad-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{a code has 1 to 8 bits, found 9}}
func.func private @f() attributes {a = #lut.format<int, bits = 9>}

// -----

// expected-error @+1 {{the bits of a code are missing: `bits = 4`}}
func.func private @f() attributes {a = #lut.format<int, group = 4>}

// -----

// expected-error @+1 {{`float` is no format: expected `int`, `ternary`, `dictionary`, `codebook` or `gguf`}}
func.func private @f() attributes {a = #lut.format<float>}

// -----

// expected-error @+1 {{has no argument `zero`: there are `packing`, `group`, `scale` and `along`}}
func.func private @f() attributes {a = #lut.format<ternary, zero = affine>}

// -----

// expected-error @+1 {{`scale` is `f32` or `f16`, found `f64`}}
func.func private @f() attributes {a = #lut.format<int, bits = 4, scale = f64>}

// -----

// expected-error @+1 {{a group has at least one element, found 0}}
func.func private @f() attributes {a = #lut.format<int, bits = 4, group = 0>}

// -----

// expected-error @+1 {{integers have one scale a group or a row}}
func.func private @f() attributes {a = #lut.format<int, bits = 4, group = tensor>}

// -----

// expected-error @+1 {{a table belongs to a tensor or to a row}}
func.func private @f() attributes {a = #lut.format<codebook, bits = 4, group = 7>}

// -----

func.func @f(%w: tensor<10x3xf32>) {
  // expected-error @+1 {{a group of 12 is longer than the 10 elements along the contracted dimension}}
  %0:2 = lut.encode %w as <int, bits = 4, group = 12> : (tensor<10x3xf32>) -> (tensor<5x3xui8>, tensor<1x3xf32>)
  return
}

// -----

func.func @f(%w: tensor<10xf32>) {
  // expected-error @+1 {{a format is for matrices [K, M], with dimensions before them or not; found 1 dimension}}
  %0:2 = lut.encode %w as <int, bits = 4> : (tensor<10xf32>) -> (tensor<5xui8>, tensor<1xf32>)
  return
}

// -----

func.func @f(%w: tensor<?x3xf32, #mad.dims<"N", "">>) {
  // expected-error @+1 {{needs a tensor of static shape}}
  %0:2 = lut.encode %w as <int, bits = 4> : (tensor<?x3xf32, #mad.dims<"N", "">>) -> (tensor<5x3xui8>, tensor<1x3xf32>)
  return
}

// -----

func.func @f(%c: tensor<5x3xui8>, %s: tensor<1x3xf32>) {
  // expected-error @+1 {{has 'tensor<1x3xf32>' as its scales, expected 'tensor<1x3xf16>'}}
  %0 = lut.dequant %c, %s as <int, bits = 4, scale = f16> : (tensor<5x3xui8>, tensor<1x3xf32>) -> tensor<10x3xf32>
  return
}

// -----

func.func @f(%c: tensor<5x3xui8>) {
  // expected-error @+1 {{has 1 parts, but lut.int(bits = 4) has 2}}
  %0 = lut.dequant %c as <int, bits = 4> : (tensor<5x3xui8>) -> tensor<10x3xf32>
  return
}

// -----

func.func @f(%x: tensor<4x9xf32>, %c: tensor<5x3xui8>, %s: tensor<1x4xf32>) {
  // expected-error @+1 {{has 'tensor<1x4xf32>' as its scales, expected 'tensor<1x3xf32>'}}
  %0 = lut.product %x, %c, %s as <int, bits = 4> : (tensor<4x9xf32>, tensor<5x3xui8>, tensor<1x4xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @f(%x: tensor<4x9xf32>, %c: tensor<5x3xui8>, %s: tensor<1x3xf32>) {
  // expected-error @+1 {{makes rows of 3 elements from rows of 9, found 'tensor<4x9xf32>' and 'tensor<5x3xf32>'}}
  %0 = lut.product %x, %c, %s as <int, bits = 4> : (tensor<4x9xf32>, tensor<5x3xui8>, tensor<1x3xf32>) -> tensor<5x3xf32>
  return
}

// -----

func.func @f(%x: memref<4x9xf32>, %c: memref<5x3xi8>, %s: memref<1x3xf32>, %y: memref<4x4xf32>) {
  // expected-error @+1 {{has 'memref<5x3xi8>' as its codes of 5 x 4 elements}}
  lut.product_into %x, %c, %s to %y as <int, bits = 4> : (memref<4x9xf32>, memref<5x3xi8>, memref<1x3xf32>, memref<4x4xf32>) -> ()
  return
}

// -----

func.func @f(%x: memref<4x9xf32>, %c: memref<5x3xi8>, %s: memref<1x3xf32>, %y: tensor<4x3xf32>) {
  // expected-error @+1 {{has tensors and memory as its operands}}
  lut.product_into %x, %c, %s to %y as <int, bits = 4> : (memref<4x9xf32>, memref<5x3xi8>, memref<1x3xf32>, tensor<4x3xf32>) -> ()
  return
}

// -----

func.func @f(%x: tensor<f32>) {
  // expected-error @+1 {{is of rows, found 'tensor<f32>'}}
  %q, %s = lut.quantize_act %x : (tensor<f32>) -> (tensor<i8>, tensor<f32>)
  return
}

// -----

func.func @f(%x: tensor<4x10xf32>) {
  // expected-error @+1 {{has a code for each element and a scale for each row of 'tensor<4x10xf32>', found 'tensor<4x10xi8>' and 'tensor<10xf32>'}}
  %q, %s = lut.quantize_act %x : (tensor<4x10xf32>) -> (tensor<4x10xi8>, tensor<10xf32>)
  return
}

// -----

func.func @f(%q: tensor<4x9xi8>, %s: tensor<4xf32>) {
  // expected-error @+1 {{has a code for each element and a scale for each row of 'tensor<4x10xf32>', found 'tensor<4x9xi8>' and 'tensor<4xf32>'}}
  %x = lut.dequant_act %q, %s : (tensor<4x9xi8>, tensor<4xf32>) -> tensor<4x10xf32>
  return
}

// -----

func.func @f(%q: tensor<4x10xi8>, %s: tensor<4xf32>, %c: tensor<5x3xui8>, %t: tensor<16x1xf32>) {
  // expected-error @+1 {{needs a format of integers, found lut.codebook(bits = 4)}}
  %0 = lut.gemm %q, %s, %c, %t as <codebook, bits = 4> : (tensor<4x10xi8>, tensor<4xf32>, tensor<5x3xui8>, tensor<16x1xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @f(%q: tensor<4x10xi8>, %s: tensor<4xf32>, %c: tensor<5x3xui8>, %t: tensor<1x3xf32>) {
  // expected-error @+1 {{has a row of results for each row, found 'tensor<4x10xi8>' and 'tensor<5x3xf32>'}}
  %0 = lut.gemm %q, %s, %c, %t as <int, bits = 4> : (tensor<4x10xi8>, tensor<4xf32>, tensor<5x3xui8>, tensor<1x3xf32>) -> tensor<5x3xf32>
  return
}

// -----

func.func @f(%q: tensor<4x10xi8>, %s: tensor<4xf32>, %c: tensor<5x4xui8>, %t: tensor<1x4xf32>) {
  // expected-error @+1 {{has 'tensor<5x4xui8>' as its codes, expected 'tensor<5x3xui8>'}}
  %0 = lut.gemm %q, %s, %c, %t as <int, bits = 4> : (tensor<4x10xi8>, tensor<4xf32>, tensor<5x4xui8>, tensor<1x4xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @f(%q: tensor<10xi8>, %s: tensor<f32>, %c: tensor<2x5x3xui8>, %t: tensor<2x1x3xf32>) {
  // expected-error @+1 {{has parts of 1 dimensions of matrices, but rows 'tensor<10xi8>'}}
  %0 = lut.gemm %q, %s, %c, %t as <int, bits = 4> : (tensor<10xi8>, tensor<f32>, tensor<2x5x3xui8>, tensor<2x1x3xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @f(%q: memref<4x10xi8>, %s: memref<4xf32>, %c: memref<5x3xi8>, %t: memref<1x3xf32>, %y: memref<4x3xi32>) {
  // expected-error @+1 {{makes rows of f32 from codes of i8 and scales of f32, found 'memref<4x10xi8>', 'memref<4xf32>' and 'memref<4x3xi32>'}}
  lut.gemm_into %q, %s, %c, %t to %y as <int, bits = 4> : (memref<4x10xi8>, memref<4xf32>, memref<5x3xi8>, memref<1x3xf32>, memref<4x3xi32>) -> ()
  return
}

// -----

func.func @f(%q: tensor<4x64xi8>) {
  // expected-error @+1 {{needs a format of integers, found lut.codebook(bits = 4)}}
  %a, %b = lut.precompute %q for <codebook, bits = 4> : (tensor<4x64xi8>) -> (tensor<512xi8>, tensor<4xi32>)
  return
}

// -----

func.func @f(%q: tensor<4x64xi8>) {
  // expected-error @+1 {{is for lut.int(bits = 8), which stands for lut.int(bits = 4)}}
  %a, %b = lut.precompute %q for <int, bits = 4> : (tensor<4x64xi8>) -> (tensor<512xi8>, tensor<4xi32>)
  return
}

// -----

func.func @f(%q: tensor<4x64xi8>) {
  // expected-error @+1 {{needs 4096 bytes and 4 sums for 'tensor<4x64xi8>', found 'tensor<4095xi8>' and 'tensor<4xi32>'}}
  %a, %b = lut.precompute %q for <int, bits = 1> : (tensor<4x64xi8>) -> (tensor<4095xi8>, tensor<4xi32>)
  return
}

// -----

func.func @f(%q: tensor<4x64xi8>) {
  // expected-error @+1 {{has bytes and sums of i32, each in one dimension, found 'tensor<4x1024xi8>' and 'tensor<4xi32>'}}
  %a, %b = lut.precompute %q for <int, bits = 1> : (tensor<4x64xi8>) -> (tensor<4x1024xi8>, tensor<4xi32>)
  return
}

// -----

func.func @f(%q: tensor<4x64xi8>, %s: tensor<4xf32>, %c: tensor<8x3xui8>, %t: tensor<1x3xf32>, %a: tensor<4096xi8>, %b: tensor<4xi32>) {
  // expected-error @+1 {{has precomputed rows, but no kernel that reads them}}
  %0 = lut.gemm %q, %s, %c, %t as <int, bits = 1> of %a, %b : (tensor<4x64xi8>, tensor<4xf32>, tensor<8x3xui8>, tensor<1x3xf32>, tensor<4096xi8>, tensor<4xi32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @f(%q: tensor<4x64xi8>, %s: tensor<4xf32>, %c: tensor<8x3xui8>, %t: tensor<1x3xf32>, %a: tensor<4096xi8>) {
  // expected-error @+1 {{reads both results of a `lut.precompute`, or none}}
  %0 = lut.gemm %q, %s, %c, %t as <int, bits = 1> kernel of %a : (tensor<4x64xi8>, tensor<4xf32>, tensor<8x3xui8>, tensor<1x3xf32>, tensor<4096xi8>) -> tensor<4x3xf32>
  return
}

// -----

func.func @f(%q: memref<4x64xi8>, %a: tensor<4096xi8>, %b: memref<4xi32>) {
  // expected-error @+1 {{has tensors and memory as its operands}}
  lut.precompute_into %q to %a, %b for <int, bits = 1> : (memref<4x64xi8>, tensor<4096xi8>, memref<4xi32>) -> ()
  return
}

// -----

func.func @f(%w: tensor<2x10x3xf32>, %h: tensor<10x10xf32>) {
  // expected-error @+1 {{has X^T X of 'tensor<10x10xf32>' for a weight of 'tensor<2x10x3xf32>'}}
  %0 = lut.gptq %w, %h as <int, bits = 3> : (tensor<2x10x3xf32>, tensor<10x10xf32>) -> tensor<2x10x3xf32>
  return
}

// -----

func.func @f(%w: tensor<10x3xf32>, %h: tensor<10x10xf32>) {
  // expected-error @+1 {{rounds to integers with scales}}
  %0 = lut.gptq %w, %h as <ternary> : (tensor<10x3xf32>, tensor<10x10xf32>) -> tensor<10x3xf32>
  return
}

// -----

func.func @f(%w: tensor<10x3xf32>, %h: tensor<10x10xf32>) {
  // expected-error @+1 {{rounds a tensor of static shape to one of the same type, found 'tensor<10x3xf32>' and 'tensor<10x4xf32>'}}
  %0 = lut.gptq %w, %h as <int, bits = 4> : (tensor<10x3xf32>, tensor<10x10xf32>) -> tensor<10x4xf32>
  return
}

// -----

func.func @f(%c: tensor<5x3xui8>, %s: tensor<1x3xf32>) {
  // expected-error @+1 {{is of matrices [K, M]: `along = last` is for `lut.encode` alone}}
  %0 = lut.dequant %c, %s as <int, bits = 4, along = last> : (tensor<5x3xui8>, tensor<1x3xf32>) -> tensor<3x10xf32>
  return
}

// -----

func.func @f(%v: tensor<10x3xf32>, %h: tensor<10x10xf32>) {
  // expected-error @+1 {{has X^T X of 'tensor<10x10xf32>' for a weight of 'tensor<10x3xf32>'}}
  %0 = lut.gptq %v, %h as <int, bits = 3, along = last> : (tensor<10x3xf32>, tensor<10x10xf32>) -> tensor<10x3xf32>
  return
}

// -----

// expected-error @+1 {{has no argument `packing`: there are `group`, `scale` and `along`}}
func.func private @f() attributes {a = #lut.format<dictionary, packing = bits>}

// -----

func.func @f(%c: tensor<12x2xui8>, %s: tensor<1x1xf32>, %b: tensor<4x4xui8>, %d: tensor<65536x8xui8>, %t: tensor<65536x4xui8>) {
  // expected-error @+1 {{has 'tensor<12x2xui8>' as its codes, expected 'tensor<11x2xui8>'}}
  %0 = lut.dequant %c, %s, %b, %d, %t as <dictionary, words = 11> : (tensor<12x2xui8>, tensor<1x1xf32>, tensor<4x4xui8>, tensor<65536x8xui8>, tensor<65536x4xui8>) -> tensor<10x3xf32>
  return
}

// -----

func.func @f(%c: tensor<12x2xui8>, %b: tensor<4x4xui8>, %d: tensor<65536x8xui8>) {
  // expected-error @+1 {{makes bytes of four of 12 codes, found 'tensor<4x3xui8>'}}
  %0 = lut.expand %c, %b, %d of 12 : (tensor<12x2xui8>, tensor<4x4xui8>, tensor<65536x8xui8>) -> tensor<4x3xui8>
  return
}

// -----

func.func @f(%c: tensor<12x2xui8>, %b: tensor<4x4xui8>, %d: tensor<65536x8xui8>) {
  // expected-error @+1 {{has starts 'tensor<4x4xui8>' for 2 columns}}
  %0 = lut.expand %c, %b, %d of 12 : (tensor<12x2xui8>, tensor<4x4xui8>, tensor<65536x8xui8>) -> tensor<3x2xui8>
  return
}

// -----

func.func @f(%c: tensor<2x12x2xui8>, %b: tensor<4x4xui8>, %d: tensor<65536x8xui8>) {
  // expected-error @+1 {{has words 'tensor<2x12x2xui8>' for codes 'tensor<3x3xui8>'}}
  %0 = lut.expand %c, %b, %d of 12 : (tensor<2x12x2xui8>, tensor<4x4xui8>, tensor<65536x8xui8>) -> tensor<3x3xui8>
  return
}

// -----

func.func @f(%c: tensor<12x2xui8>, %b: tensor<4x4xui8>, %d: tensor<99x8xui8>) {
  // expected-error @+1 {{has 65536 entries of 8 bytes, found 'tensor<99x8xui8>'}}
  %0 = lut.expand %c, %b, %d of 12 : (tensor<12x2xui8>, tensor<4x4xui8>, tensor<99x8xui8>) -> tensor<3x3xui8>
  return
}

// -----

func.func @f(%c: memref<12x2xi8>, %b: memref<4x4xi8>, %d: tensor<65536x8xi8>, %y: memref<3x3xi8>) {
  // expected-error @+1 {{has tensors and memory as its operands}}
  lut.expand_into %c, %b, %d to %y of 12 : (memref<12x2xi8>, memref<4x4xi8>, tensor<65536x8xi8>, memref<3x3xi8>) -> ()
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{has 65536 entries of 8 bytes, or of 4, found 'tensor<9x8xui8>'}}
  %0 = lut.dictionary : tensor<9x8xui8>
  return
}
