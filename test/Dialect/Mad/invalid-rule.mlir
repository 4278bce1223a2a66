// What the verifier of mad.rule rejects.
//
// RUN: mad-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{knows no permission "fast"}}
mad.rule @r permits ["fast"] of "float" where [] {
^bb0(%x: tensor<f32>, %y: tensor<f32>):
  %0 = mad.add %x, %y : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides(%0) and (%0) : tensor<f32> and tensor<f32>
}

// -----

// expected-error @+1 {{is of float, number or exact, found real}}
mad.rule @r permits [] of "real" where [] {
^bb0(%x: tensor<f32>, %y: tensor<f32>):
  %0 = mad.add %x, %y : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides(%0) and (%0) : tensor<f32> and tensor<f32>
}

// -----

// expected-error @+1 {{has a pack that is no name: "2 * S"}}
mad.rule @r permits [] of "float" where [] attributes {packs = ["2 * S"]} {
^bb0(%x: tensor<f32>, %y: tensor<f32>):
  %0 = mad.add %x, %y : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides(%0) and (%0) : tensor<f32> and tensor<f32>
}

// -----

// expected-error @+1 {{has a check that is no #mad.check: "N"}}
mad.rule @r permits [] of "float" where [] attributes {checks = ["N"]} {
^bb0(%x: tensor<f32>, %y: tensor<f32>):
  %0 = mad.add %x, %y : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides(%0) and (%0) : tensor<f32> and tensor<f32>
}

// -----

// expected-error @+1 {{has a condition without `argument` or `is`}}
mad.rule @r permits [] of "float" where [{argument = 0}] {
^bb0(%x: tensor<f32>, %y: tensor<f32>):
  %0 = mad.add %x, %y : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides(%0) and (%0) : tensor<f32> and tensor<f32>
}

// -----

// expected-error @+1 {{has no variable 2}}
mad.rule @r permits [] of "float" where [{argument = 2, is = "finite"}] {
^bb0(%x: tensor<f32>, %y: tensor<f32>):
  %0 = mad.add %x, %y : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides(%0) and (%0) : tensor<f32> and tensor<f32>
}

// -----

// expected-error @+1 {{knows no condition "odd"}}
mad.rule @r permits [] of "float" where [{argument = 0, is = "odd"}] {
^bb0(%x: tensor<f32>, %y: tensor<f32>):
  %0 = mad.add %x, %y : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides(%0) and (%0) : tensor<f32> and tensor<f32>
}

// -----

// expected-error @+1 {{compares with no `value`}}
mad.rule @r permits [] of "float" where [{argument = 0, is = "lt"}] {
^bb0(%x: tensor<f32>, %y: tensor<f32>):
  %0 = mad.add %x, %y : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides(%0) and (%0) : tensor<f32> and tensor<f32>
}

// -----

// expected-error @+1 {{ends in mad.sides}}
mad.rule @r permits [] of "float" where [] {
^bb0(%x: tensor<f32>):
  llvm.unreachable
}

// -----

// expected-error @+1 {{looks for nothing}}
mad.rule @r permits [] of "float" where [] {
^bb0(%x: tensor<f32>):
  "mad.sides"() : () -> ()
}

// -----

// expected-error @+1 {{has sides of 'tensor<f32>' and 'tensor<i1>'}}
mad.rule @r permits [] of "float" where [] {
^bb0(%x: tensor<f32>):
  %0 = mad.isnan %x : (tensor<f32>) -> tensor<i1>
  mad.sides(%x) and (%0) : tensor<f32> and tensor<i1>
}

// -----

// expected-error @+1 {{needs variable 1, which is not on the left}}
mad.rule @r permits [] of "float" where [] {
^bb0(%x: tensor<f32>, %y: tensor<f32>):
  %0 = mad.add %x, %y : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %1 = mad.neg %x : (tensor<f32>) -> tensor<f32>
  mad.sides(%1) and (%0) : tensor<f32> and tensor<f32>
}

// -----

// expected-error @+1 {{needs variable 1, which is not on the right}}
mad.rule @r permits [] of "float" both where [] {
^bb0(%x: tensor<f32>, %y: tensor<f32>):
  %0 = mad.add %x, %y : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %1 = mad.neg %x : (tensor<f32>) -> tensor<f32>
  mad.sides(%0) and (%1) : tensor<f32> and tensor<f32>
}
