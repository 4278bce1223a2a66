// Rules look like programs after folding; what folders know already is no rule.
//
// RUN: mad-opt %s --mad-settle-rules | FileCheck %s

// Equal ops are one.
// CHECK-LABEL: mad.rule @merged
// CHECK:         %[[E:.*]] = mad.exp
// CHECK-NOT:     mad.exp
// CHECK:         %[[A:.*]] = mad.add %[[E]], %[[E]]
// CHECK:         %[[N:.*]] = mad.neg %[[E]]
// CHECK:         mad.sides(%[[A]]) and(%[[N]])
mad.rule @merged permits [] of "float" where [] {
^bb0(%x: tensor<f32>):
  %0 = mad.exp %x : (tensor<f32>) -> tensor<f32>
  %1 = mad.exp %x : (tensor<f32>) -> tensor<f32>
  %2 = mad.add %0, %1 : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %3 = mad.neg %1 : (tensor<f32>) -> tensor<f32>
  mad.sides(%2) and (%3) : tensor<f32> and tensor<f32>
}

// Commuting operands are no difference to programs.
// CHECK-NOT: mad.rule @commuted
mad.rule @commuted permits [] of "float" both where [] {
^bb0(%x: tensor<f32>, %y: tensor<f32>):
  %0 = mad.add %x, %y : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %1 = mad.add %y, %x : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides(%0) and (%1) : tensor<f32> and tensor<f32>
}

// Nothing to do.
// CHECK-LABEL: mad.rule @kept
// CHECK-SAME:    both
// CHECK:         mad.sides(%{{.*}}) and(%{{.*}})
mad.rule @kept permits [] of "float" both where [] {
^bb0(%x: tensor<f32>, %y: tensor<f32>):
  %0 = mad.sub %x, %y : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %1 = mad.neg %y : (tensor<f32>) -> tensor<f32>
  %2 = mad.add %x, %1 : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides(%0) and (%2) : tensor<f32> and tensor<f32>
}

// `x * 1` is folded, so `x` alone is left to look for.
// CHECK-NOT: mad.rule @folded
mad.rule @folded permits [] of "float" where [] {
^bb0(%x: tensor<f32>):
  %c = mad.constant dense<1.0> : tensor<f32>
  %0 = mad.mul %x, %c : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides(%0) and (%x) : tensor<f32> and tensor<f32>
}

// The side that is left is the one to look for.
// CHECK-LABEL: mad.rule @turned
// CHECK-SAME:    of "float" where
// CHECK:         %[[N:.*]] = mad.add
// CHECK:         mad.sides(%[[N]]) and(%arg0)
mad.rule @turned permits ["nsz"] of "float" both where [] {
^bb0(%x: tensor<f32>):
  %c = mad.constant dense<1.0> : tensor<f32>
  %z = mad.constant dense<0.0> : tensor<f32>
  %0 = mad.mul %x, %c : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %1 = mad.add %x, %z : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides(%0) and (%1) : tensor<f32> and tensor<f32>
}
