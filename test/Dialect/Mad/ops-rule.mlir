// mad.rule and mad.sides, to text and back.
//
// RUN: mad-opt %s | mad-opt | FileCheck %s

// CHECK-LABEL: mad.rule @double permits ["reassoc", "nsz"] of "number" both where []
// CHECK:         mad.sides(%{{.*}}) and(%{{.*}}) : tensor<f32> and tensor<f32>
mad.rule @double permits ["reassoc", "nsz"] of "number" both where [] {
^bb0(%x: tensor<f32>, %y: tensor<f32>):
  %0 = mad.add %x, %y : (tensor<f32>, tensor<f32>) -> tensor<f32>
  %1 = mad.add %y, %x : (tensor<f32>, tensor<f32>) -> tensor<f32>
  mad.sides(%0) and (%1) : tensor<f32> and tensor<f32>
}

// CHECK-LABEL: mad.rule @conditions permits [] of "float" where [{argument = 0 : i64, is = "constant"}, {argument = 0 : i64, is = "gt", value = 0.000000e+00 : f64}] attributes {checks = [#mad.check<"S", ge, "2", "why", "where">], packs = ["S"]}
mad.rule @conditions permits [] of "float" where [{argument = 0, is = "constant"}, {argument = 0, is = "gt", value = 0.0}] attributes {checks = [#mad.check<"S", ge, "2", "why", "where">], packs = ["S"]} {
^bb0(%x: tensor<?xf32, #mad.dims<"S">>):
  %0 = mad.sqrt %x : (tensor<?xf32, #mad.dims<"S">>) -> tensor<?xf32, #mad.dims<"S">>
  %1 = mad.neg %x : (tensor<?xf32, #mad.dims<"S">>) -> tensor<?xf32, #mad.dims<"S">>
  mad.sides(%0, %1) and (%1, %0) : tensor<?xf32, #mad.dims<"S">>, tensor<?xf32, #mad.dims<"S">> and tensor<?xf32, #mad.dims<"S">>, tensor<?xf32, #mad.dims<"S">>
}
