// RUN: mad-opt %s | mad-opt | FileCheck %s

// CHECK-LABEL: @adaptive
// CHECK: ode.solve "tsit5" of "spring" ["x", "v"](%{{.*}}, %{{.*}}) from %{{.*}} to %{{.*}} rtol %{{.*}} atol %{{.*}} first %{{.*}} min %{{.*}} max %{{.*}} save %{{.*}} with %{{.*}} {controller = "i", fails, maxSteps = 10 : i64}
// CHECK: ^bb0(%{{.*}}: tensor<f32>, %{{.*}}: tensor<2xf64>, %{{.*}}: tensor<2xf64>, %{{.*}}: tensor<2xf64>):
// CHECK: ode.yield %{{.*}}, %{{.*}} : tensor<2xf64>, tensor<2xf64>
func.func @adaptive(%x: tensor<2xf64>, %a: tensor<f64>, %b: tensor<f64>, %grid: tensor<5xf64>) -> tensor<5x2xf64> {
  %r:7 = ode.solve "tsit5" of "spring" ["x", "v"](%x, %x) from %a to %b rtol %a atol %a first %a min %a max %b save %grid
    with %x {controller = "i", fails, maxSteps = 10 : i64}
    : (tensor<2xf64>, tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<5xf64>, tensor<2xf64>)
      -> (tensor<5x2xf64>, tensor<5x2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f32>, %y: tensor<2xf64>, %v: tensor<2xf64>, %k: tensor<2xf64>):
    %f = mad.mul %k, %y : (tensor<2xf64>, tensor<2xf64>) -> tensor<2xf64>
    ode.yield %v, %f : tensor<2xf64>, tensor<2xf64>
  }
  return %r#0 : tensor<5x2xf64>
}

// CHECK-LABEL: @fixed
// CHECK: ode.solve "rk4" of "decay" ["u"](%{{.*}}) from %{{.*}} to %{{.*}} steps "N + 1" :
func.func @fixed(%x: tensor<?xf32, #mad.dims<"N">>, %a: tensor<f64>) -> tensor<?xf32, #mad.dims<"N">> attributes {mad.dims = ["N"]} {
  %r:6 = ode.solve "rk4" of "decay" ["u"](%x) from %a to %a steps "N + 1"
    : (tensor<?xf32, #mad.dims<"N">>, tensor<f64>, tensor<f64>)
      -> (tensor<?xf32, #mad.dims<"N">>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<?xf32, #mad.dims<"N">>):
    ode.yield %y : tensor<?xf32, #mad.dims<"N">>
  }
  return %r#0 : tensor<?xf32, #mad.dims<"N">>
}

// CHECK-LABEL: @check
// CHECK: ode.check %{{.*}} at %{{.*}} step %{{.*}} component %{{.*}} error %{{.*}} of "lorenz" ["u", "v"] [tensor<3xf64>, tensor<f64>] : tensor<i64>, tensor<f64>, tensor<i64>, tensor<i64>, tensor<f64>
func.func @check(%s: tensor<i64>, %t: tensor<f64>) {
  ode.check %s at %t step %s component %s error %t of "lorenz" ["u", "v"] [tensor<3xf64>, tensor<f64>] : tensor<i64>, tensor<f64>, tensor<i64>, tensor<i64>, tensor<f64>
  // CHECK: ode.log2 %{{.*}} : (tensor<f64>) -> tensor<f64>
  // CHECK: ode.exp2 %{{.*}} : (tensor<f64>) -> tensor<f64>
  // CHECK: ode.reciprocal %{{.*}} : (tensor<f64>) -> tensor<f64>
  %l = ode.log2 %t : (tensor<f64>) -> tensor<f64>
  %e = ode.exp2 %l : (tensor<f64>) -> tensor<f64>
  %r = ode.reciprocal %e : (tensor<f64>) -> tensor<f64>
  return
}

// An ensemble: the body is that of one system, times are shared or not.
// CHECK-LABEL: @lanes
// CHECK: ode.solve "tsit5" of "decay" ["u"](%{{.*}}) from %{{.*}} to %{{.*}} rtol %{{.*}} atol %{{.*}} save %{{.*}} with %{{.*}} :
// CHECK: ^bb0(%{{.*}}: tensor<f64>, %{{.*}}: tensor<2xf64>, %{{.*}}: tensor<f64>):
// CHECK: ode.check %{{.*}} at %{{.*}} trajectory step %{{.*}} component %{{.*}} error %{{.*}} of "decay"
func.func @lanes(%x: tensor<?x2xf64, #mad.dims<"B", "2">>, %k: tensor<?xf64, #mad.dims<"B">>, %a: tensor<f64>, %grid: tensor<5xf64>, %s: tensor<i64>) -> tensor<?x5x2xf64, #mad.dims<"B", "5", "2">> attributes {mad.dims = ["B"]} {
  %r:6 = ode.solve "tsit5" of "decay" ["u"](%x) from %a to %k rtol %a atol %x save %grid with %k
    : (tensor<?x2xf64, #mad.dims<"B", "2">>, tensor<f64>, tensor<?xf64, #mad.dims<"B">>, tensor<f64>, tensor<?x2xf64, #mad.dims<"B", "2">>, tensor<5xf64>, tensor<?xf64, #mad.dims<"B">>)
      -> (tensor<?x5x2xf64, #mad.dims<"B", "5", "2">>, tensor<?xf64, #mad.dims<"B">>, tensor<?xi32, #mad.dims<"B">>, tensor<?xi64, #mad.dims<"B">>, tensor<?xi64, #mad.dims<"B">>, tensor<?xi64, #mad.dims<"B">>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>, %rate: tensor<f64>):
    ode.yield %y : tensor<2xf64>
  }
  ode.check %s at %a trajectory step %s component %s error %a of "decay" ["u"] [tensor<2xf64>] : tensor<i64>, tensor<f64>, tensor<i64>, tensor<i64>, tensor<f64>
  return %r#0 : tensor<?x5x2xf64, #mad.dims<"B", "5", "2">>
}

// Events of an ensemble that saves its steps: a region of guards, one of new states; one stops.
// CHECK-LABEL: @events
// CHECK: ode.solve "tsit5" of "ball" ["x", "v"](%{{.*}}, %{{.*}}) from %{{.*}} to %{{.*}} rtol %{{.*}} atol %{{.*}} {eventDirections = array<i64: -1, 0>, eventResets = array<i1: true, false>, eventStops = array<i1: false, true>, events = ["bounce", "end"], maxEvents = "M", saveSteps = "9"} :
// CHECK: ode.yield %{{.*}}, %{{.*}} : tensor<f64>, tensor<f64>
// CHECK: } and {
// CHECK: ode.yield %{{.*}}, %{{.*}} : tensor<f64>, tensor<f64>
// CHECK: }, {
// CHECK: ode.yield %{{.*}}, %{{.*}} : tensor<f64>, tensor<f64>
func.func @events(%x: tensor<3xf64>, %v: tensor<f64>, %a: tensor<f64>) -> tensor<3x?xf64, #mad.dims<"3", "M">> attributes {mad.dims = ["M"]} {
  %r:12 = ode.solve "tsit5" of "ball" ["x", "v"](%x, %v) from %a to %a rtol %a atol %a
    {events = ["bounce", "end"], eventDirections = array<i64: -1, 0>, eventStops = array<i1: false, true>, eventResets = array<i1: true, false>, maxEvents = "M", saveSteps = "9"}
    : (tensor<3xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>)
      -> (tensor<3x9xf64>, tensor<3x9xf64>, tensor<3x9xf64>, tensor<3xi64>, tensor<3x?xf64, #mad.dims<"3", "M">>, tensor<3x?xi64, #mad.dims<"3", "M">>, tensor<3xi64>, tensor<3xf64>, tensor<3xi32>, tensor<3xi64>, tensor<3xi64>, tensor<3xi64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<f64>, %w: tensor<f64>):
    ode.yield %w, %y : tensor<f64>, tensor<f64>
  } and {
  ^bb0(%t: tensor<f64>, %y: tensor<f64>, %w: tensor<f64>):
    ode.yield %y, %t : tensor<f64>, tensor<f64>
  }, {
  ^bb0(%t: tensor<f64>, %y: tensor<f64>, %w: tensor<f64>):
    ode.yield %y, %y : tensor<f64>, tensor<f64>
  }
  return %r#4 : tensor<3x?xf64, #mad.dims<"3", "M">>
}

// CHECK-LABEL: @solve
// CHECK: ode.sparse_factor %{{.*}} diagonal %{{.*}} scale %{{.*}} starts [0, 2, 3] columns [0, 1, 0] order [1, 0] : (tensor<3xf64>, tensor<f64>, tensor<f64>) -> (tensor<4xf64>, tensor<i64>)
// CHECK: ode.sparse_solve %{{.*}} rhs %{{.*}} starts [0, 2, 3] columns [0, 1, 0] order [1, 0] : (tensor<4xf64>, tensor<2xf64>) -> tensor<2xf64>
func.func @solve(%values: tensor<3xf64>, %d: tensor<f64>, %rhs: tensor<2xf64>) -> (tensor<2xf64>, tensor<i64>) {
  %lu, %bad = ode.sparse_factor %values diagonal %d scale %d starts [0, 2, 3] columns [0, 1, 0] order [1, 0]
    : (tensor<3xf64>, tensor<f64>, tensor<f64>) -> (tensor<4xf64>, tensor<i64>)
  %x = ode.sparse_solve %lu rhs %rhs starts [0, 2, 3] columns [0, 1, 0] order [1, 0] : (tensor<4xf64>, tensor<2xf64>) -> tensor<2xf64>
  return %x, %bad : tensor<2xf64>, tensor<i64>
}

// CHECK-LABEL: @linear
// CHECK: ode.solve "etd1" of "f" ["u", "v"]({{.*}}) from %{{.*}} to %{{.*}} step %{{.*}} with %{{.*}} {linear = array<i64: 1>}
// CHECK: and {
// CHECK: ode.yield %{{.*}} : tensor<2x2xf64>
func.func @linear(%x: tensor<2xf64>, %l: tensor<2x2xf64>, %a: tensor<f64>) -> tensor<2xf64> {
  %r:7 = ode.solve "etd1" of "f" ["u", "v"](%x, %x) from %a to %a step %a with %l {linear = array<i64: 1>}
    : (tensor<2xf64>, tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<2x2xf64>)
      -> (tensor<2xf64>, tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>, %z: tensor<2xf64>, %p: tensor<2x2xf64>):
    ode.yield %z, %y : tensor<2xf64>, tensor<2xf64>
  } and {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>, %z: tensor<2xf64>, %p: tensor<2x2xf64>):
    ode.yield %p : tensor<2x2xf64>
  }
  return %r#1 : tensor<2xf64>
}

// CHECK-LABEL: @packs
// CHECK: %[[P:.*]] = ode.pack %{{.*}}, %{{.*}} : tensor<f64>
// CHECK: ode.shuffle %[[P]] of [1, 0] : tensor<f64>
func.func @packs(%a: tensor<f64>, %b: tensor<f64>) -> tensor<f64> {
  %p = ode.pack %a, %b : tensor<f64>
  %q = ode.shuffle %p of [1, 0] : tensor<f64>
  return %q : tensor<f64>
}

// Parameters of bodies may be of any type.
// CHECK-LABEL: @packs_of_numbers
// CHECK: ode.pack %{{.*}}, %{{.*}} : tensor<i32>
// CHECK: ode.pack %{{.*}}, %{{.*}} : tensor<ui8>
// CHECK: ode.pack %{{.*}}, %{{.*}} : bf16
func.func @packs_of_numbers(%a: tensor<i32>, %b: tensor<ui8>, %c: bf16) -> (tensor<i32>, tensor<ui8>, bf16) {
  %p = ode.pack %a, %a : tensor<i32>
  %q = ode.pack %b, %b : tensor<ui8>
  %r = ode.pack %c, %c : bf16
  return %p, %q, %r : tensor<i32>, tensor<ui8>, bf16
}
