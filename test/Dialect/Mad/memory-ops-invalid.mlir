// What the verifiers of the ops on memory reject, one fault a section.
//
// RUN: mad-opt %s --split-input-file --verify-diagnostics

func.func @gaps(%x: memref<4xf32, strided<[2]>>, %y: memref<4xf32>) {
  // expected-error @+1 {{takes memory without gaps, found 'memref<4xf32, strided<[2]>>'}}
  mad.cumulate_memory sum %x along 0 to %y : memref<4xf32, strided<[2]>>, memref<4xf32>
  return
}

// -----

func.func @other(%x: memref<4xf32>, %y: memref<5xf32>) {
  // expected-error @+1 {{makes 'memref<4xf32>' of 'memref<4xf32>', found 'memref<5xf32>'}}
  mad.cumulate_memory sum %x along 0 to %y : memref<4xf32>, memref<5xf32>
  return
}

// -----

func.func @axis(%x: memref<4xf32>, %y: memref<4xf32>) {
  // expected-error @+1 {{has no dimension 1 in 'memref<4xf32>'}}
  mad.cumulate_memory sum %x along 1 to %y : memref<4xf32>, memref<4xf32>
  return
}

// -----

func.func @scalar(%x: memref<f32>, %y: memref<f32>) {
  // expected-error @+1 {{needs a dimension to sort along}}
  mad.sort_memory %x to values %y : memref<f32> : memref<f32>
  return
}

// -----

func.func @nothing(%x: memref<4xf32>) {
  // expected-error @+1 {{has no result}}
  mad.sort_memory %x to : memref<4xf32>
  return
}

// -----

func.func @lines(%x: memref<3x4xf32>, %y: memref<2x4xf32>) {
  // expected-error @+1 {{makes lines of 'f32' of 'memref<3x4xf32>', found 'memref<2x4xf32>'}}
  mad.sort_memory %x to values %y : memref<2x4xf32> : memref<3x4xf32>
  return
}

// -----

func.func @places(%x: memref<4xf32>, %y: memref<4xi32>) {
  // expected-error @+1 {{makes lines of 'i64' of 'memref<4xf32>', found 'memref<4xi32>'}}
  mad.sort_memory %x to positions %y : memref<4xi32> : memref<4xf32>
  return
}

// -----

func.func @wide(%x: memref<4xf32>, %p: memref<4xi64>, %y: memref<9xf32>) {
  // expected-error @+1 {{takes places of 'i32', found 'memref<4xi64>'}}
  mad.scatter_memory add %x at %p to %y : memref<4xf32>, memref<4xi64>, memref<9xf32>
  return
}

// -----

func.func @few(%x: memref<4x5xf32>, %p: memref<3xi32>, %y: memref<9x5xf32>) {
  // expected-error @+1 {{takes a place for each row of 'memref<4x5xf32>', found 'memref<3xi32>'}}
  mad.scatter_memory set %x at %p to %y : memref<4x5xf32>, memref<3xi32>, memref<9x5xf32>
  return
}

// -----

func.func @narrow(%x: memref<4x5xf32>, %p: memref<4xi32>, %y: memref<9x6xf32>) {
  // expected-error @+1 {{updates rows of 'memref<4x5xf32>', found 'memref<9x6xf32>'}}
  mad.scatter_memory set %x at %p to %y : memref<4x5xf32>, memref<4xi32>, memref<9x6xf32>
  return
}

// -----

func.func @whole(%x: memref<4x5xf32>, %p: memref<4xi32>, %y: memref<5xf32>) {
  // expected-error @+1 {{updates rows of 'memref<4x5xf32>', found 'memref<5xf32>'}}
  mad.scatter_memory set %x at %p to %y : memref<4x5xf32>, memref<4xi32>, memref<5xf32>
  return
}
