// RUN: mad-opt %s -split-input-file -verify-diagnostics

func.func @f(%x: tensor<2xf64>, %a: tensor<f64>, %grid: tensor<5xf64>) -> tensor<f64> {
  // expected-error @+1 {{there is no method `rk5`}}
  %r:6 = ode.solve "rk5" of "f" ["u"](%x) from %a to %a rtol %a atol %a
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    ode.yield %y : tensor<2xf64>
  }
  return %r#1 : tensor<f64>
}

// -----

func.func @f(%x: tensor<2xf64>, %a: tensor<f64>, %grid: tensor<5xf64>) -> tensor<f64> {
  // expected-error @+1 {{`rk4` has no estimate of its error: it needs `step` or `steps`}}
  %r:6 = ode.solve "rk4" of "f" ["u"](%x) from %a to %a rtol %a atol %a
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    ode.yield %y : tensor<2xf64>
  }
  return %r#1 : tensor<f64>
}

// -----

func.func @f(%x: tensor<2xf64>, %a: tensor<f64>, %grid: tensor<5xf64>) -> tensor<f64> {
  // expected-error @+1 {{`trbdf2` chooses its steps: it has no `step` and no `steps`}}
  %r:6 = ode.solve "trbdf2" of "f" ["u"](%x) from %a to %a steps "3"
    : (tensor<2xf64>, tensor<f64>, tensor<f64>) -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    ode.yield %y : tensor<2xf64>
  }
  return %r#1 : tensor<f64>
}

// -----

func.func @f(%x: tensor<2xf64>, %a: tensor<f64>, %grid: tensor<5xf64>) -> tensor<f64> {
  // expected-error @+1 {{has `rtol` and `atol`, or else a step or a number of steps}}
  %r:6 = ode.solve "tsit5" of "f" ["u"](%x) from %a to %a rtol %a step %a
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    ode.yield %y : tensor<2xf64>
  }
  return %r#1 : tensor<f64>
}

// -----

func.func @f(%x: tensor<2xf64>, %a: tensor<f64>, %grid: tensor<5xf64>) -> tensor<f64> {
  // expected-error @+1 {{has both a step and a number of steps}}
  %r:6 = ode.solve "tsit5" of "f" ["u"](%x) from %a to %a step %a steps "3"
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    ode.yield %y : tensor<2xf64>
  }
  return %r#1 : tensor<f64>
}

// -----

func.func @f(%x: tensor<2xf64>, %a: tensor<f64>, %grid: tensor<5xf64>) -> tensor<f64> {
  // expected-error @+1 {{controller must be `pi`, `i` or `pid`, but is `h211`}}
  %r:6 = ode.solve "tsit5" of "f" ["u"](%x) from %a to %a rtol %a atol %a {controller = "h211"}
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    ode.yield %y : tensor<2xf64>
  }
  return %r#1 : tensor<f64>
}

// -----

func.func @f(%x: tensor<2xf64>, %a: tensor<f64>, %grid: tensor<5xf64>) -> tensor<f64> {
  // expected-error @+1 {{allows no steps}}
  %r:6 = ode.solve "tsit5" of "f" ["u"](%x) from %a to %a rtol %a atol %a {maxSteps = 0 : i64}
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    ode.yield %y : tensor<2xf64>
  }
  return %r#1 : tensor<f64>
}

// -----

func.func @f(%x: tensor<2xf64>, %a: tensor<f64>, %grid: tensor<5xf64>) -> tensor<f64> {
  // expected-error @+1 {{has 1 states, but 2 names}}
  %r:6 = ode.solve "tsit5" of "f" ["u", "v"](%x) from %a to %a rtol %a atol %a
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    ode.yield %y : tensor<2xf64>
  }
  return %r#1 : tensor<f64>
}

// -----

func.func @f(%x: tensor<2xf64>, %a: tensor<f64>, %grid: tensor<5xf64>) -> tensor<f64> {
  // expected-error @+1 {{result of shape [3] for a state of shape [2]}}
  %r:6 = ode.solve "tsit5" of "f" ["u"](%x) from %a to %a rtol %a atol %a
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<3xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    ode.yield %y : tensor<2xf64>
  }
  return %r#1 : tensor<f64>
}

// -----

func.func @f(%x: tensor<2xf64>, %a: tensor<f64>, %grid: tensor<5xf64>) -> tensor<f64> {
  // expected-error @+1 {{result of shape [2] for a state of shape [2], which is saved at [5] times}}
  %r:6 = ode.solve "tsit5" of "f" ["u"](%x) from %a to %a rtol %a atol %a save %grid
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<5xf64>) -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    ode.yield %y : tensor<2xf64>
  }
  return %r#1 : tensor<f64>
}

// -----

func.func @f(%x: tensor<2xf64>, %a: tensor<f64>, %grid: tensor<5xf64>) -> tensor<f64> {
  // expected-error @+1 {{the body takes 1 values, expected 2}}
  %r:6 = ode.solve "tsit5" of "f" ["u"](%x) from %a to %a rtol %a atol %a
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%y: tensor<2xf64>):
    ode.yield %y : tensor<2xf64>
  }
  return %r#1 : tensor<f64>
}

// -----

func.func @f(%x: tensor<2xf64>, %a: tensor<f64>, %grid: tensor<5xf64>) -> tensor<f64> {
  // expected-error @+1 {{the time of the body must be a scalar of f32 or f64}}
  %r:6 = ode.solve "tsit5" of "f" ["u"](%x) from %a to %a rtol %a atol %a
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<i32>, %y: tensor<2xf64>):
    ode.yield %y : tensor<2xf64>
  }
  return %r#1 : tensor<f64>
}

// -----

func.func @f(%x: tensor<2xf64>, %a: tensor<f64>, %grid: tensor<5xf64>) -> tensor<f64> {
  // expected-error @+1 {{the arguments of the body}}
  %r:6 = ode.solve "tsit5" of "f" ["u"](%x) from %a to %a rtol %a atol %a
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<3xf64>):
    ode.yield %y : tensor<3xf64>
  }
  return %r#1 : tensor<f64>
}

// -----

func.func @f(%x: tensor<2xf64>, %a: tensor<f64>, %grid: tensor<5xf64>) -> tensor<f64> {
  // expected-error @+1 {{the body}}
  %r:6 = ode.solve "tsit5" of "f" ["u"](%x) from %a to %a rtol %a atol %a
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    ode.yield %t : tensor<f64>
  }
  return %r#1 : tensor<f64>
}

// -----

func.func @f(%x: tensor<3x2xf64>, %y: tensor<2xf64>, %a: tensor<f64>, %b: tensor<4xf64>) {
  // expected-error @+1 {{a time of shape [4] in an ensemble of shape [3]}}
  %r:6 = ode.solve "tsit5" of "f" ["u"](%x) from %a to %b rtol %a atol %a
    : (tensor<3x2xf64>, tensor<f64>, tensor<4xf64>, tensor<f64>, tensor<f64>) -> (tensor<3x2xf64>, tensor<3xf64>, tensor<3xi32>, tensor<3xi64>, tensor<3xi64>, tensor<3xi64>) {
  ^bb0(%t: tensor<f64>, %z: tensor<2xf64>):
    ode.yield %z : tensor<2xf64>
  }
  return
}

// -----

func.func @f(%x: tensor<3x2xf64>, %y: tensor<2xf64>, %a: tensor<f64>, %b: tensor<4xf64>) {
  // expected-error @+1 {{nothing differs between the systems of the ensemble}}
  %r:6 = ode.solve "tsit5" of "f" ["u"](%y) from %a to %a rtol %a atol %a
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<3x2xf64>, tensor<3xf64>, tensor<3xi32>, tensor<3xi64>, tensor<3xi64>, tensor<3xi64>) {
  ^bb0(%t: tensor<f64>, %z: tensor<2xf64>):
    ode.yield %z : tensor<2xf64>
  }
  return
}

// -----

func.func @f(%x: tensor<3x2xf64>, %y: tensor<2xf64>, %a: tensor<f64>, %b: tensor<4xf64>) {
  // expected-error @+1 {{a result of shape [4] in an ensemble of shape [3]}}
  %r:6 = ode.solve "tsit5" of "f" ["u"](%x) from %a to %a rtol %a atol %a
    : (tensor<3x2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<3x2xf64>, tensor<3xf64>, tensor<4xi32>, tensor<3xi64>, tensor<3xi64>, tensor<3xi64>) {
  ^bb0(%t: tensor<f64>, %z: tensor<2xf64>):
    ode.yield %z : tensor<2xf64>
  }
  return
}

// -----

func.func @f(%x: tensor<3x2xf64>, %y: tensor<2xf64>, %a: tensor<f64>, %b: tensor<4xf64>) {
  // expected-error @+1 {{result of shape [2] for a state of shape [2]}}
  %r:6 = ode.solve "tsit5" of "f" ["u"](%x) from %a to %a rtol %a atol %a
    : (tensor<3x2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<2xf64>, tensor<3xf64>, tensor<3xi32>, tensor<3xi64>, tensor<3xi64>, tensor<3xi64>) {
  ^bb0(%t: tensor<f64>, %z: tensor<2xf64>):
    ode.yield %z : tensor<2xf64>
  }
  return
}

// -----

func.func @steps(%x: tensor<2xf64>, %a: tensor<f64>) {
  // expected-error @+1 {{the times of steps must be 4 numbers of f64, their number one of i64}}
  %r:8 = ode.solve "rk4" of "decay" ["u"](%x) from %a to %a step %a {saveSteps = "4"}
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>)
      -> (tensor<4x2xf64>, tensor<5xf64>, tensor<i64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    ode.yield %y : tensor<2xf64>
  }
  return
}

// -----

func.func @f(%x: tensor<3xf64>, %a: tensor<f64>) {
  // expected-error @+1 {{the times of events must be 4 numbers of f64, their numbers of i64, and their count one}}
  %r:9 = ode.solve "tsit5" of "f" ["u"](%x) from %a to %a rtol %a atol %a
    {events = ["e"], eventDirections = array<i64: 0>, eventStops = array<i1: false>, eventResets = array<i1: false>, maxEvents = "4"}
    : (tensor<3xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<3xf64>, tensor<4xf64>, tensor<3x4xi64>, tensor<3xi64>, tensor<3xf64>, tensor<3xi32>, tensor<3xi64>, tensor<3xi64>, tensor<3xi64>) {
  ^bb0(%t: tensor<f64>, %z: tensor<f64>):
    ode.yield %z : tensor<f64>
  } and {
  ^bb0(%t: tensor<f64>, %z: tensor<f64>):
    ode.yield %z : tensor<f64>
  }, {
  ^bb0(%t: tensor<f64>, %z: tensor<f64>):
    ode.yield
  }
  return
}

// -----

func.func @positions(%x: tensor<2xf64>, %a: tensor<f64>) {
  // expected-error @+1 {{says of each state whether it is a position where its method is symplectic}}
  %r:7 = ode.solve "verlet" of "spring" ["q", "v"](%x, %x) from %a to %a step %a {positions = array<i1: true>}
    : (tensor<2xf64>, tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>)
      -> (tensor<2xf64>, tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %q: tensor<2xf64>, %v: tensor<2xf64>):
    ode.yield %v, %q : tensor<2xf64>, tensor<2xf64>
  }
  return
}

// -----

func.func @noise(%x: tensor<2xf64>, %a: tensor<f64>) {
  // expected-error @+1 {{has a key of 2 words, says of each state whether it has noise}}
  %r:6 = ode.solve "euler_maruyama" of "walk" ["u"](%x) from %a to %a step %a {noisy = array<i1: true>}
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>)
      -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %q: tensor<2xf64>):
    ode.yield %q, %q : tensor<2xf64>, tensor<2xf64>
  }
  return
}

// -----

func.func @amplitudes(%x: tensor<2xf64>, %a: tensor<f64>, %k: tensor<2xi32>) {
  // expected-error @+1 {{the body}}
  %r:6 = ode.solve "euler_maruyama" of "walk" ["u"](%x) from %a to %a step %a key %k {noisy = array<i1: true>}
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<2xi32>)
      -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %q: tensor<2xf64>):
    ode.yield %q : tensor<2xf64>
  }
  return
}

// -----

func.func @lanes(%a: tensor<f64>) -> tensor<f64> {
  // expected-error @+1 {{takes lane 2 of 2}}
  %p = ode.shuffle %a of [0, 2] : tensor<f64>
  return %p : tensor<f64>
}

// -----

func.func @tolerances(%x: tensor<2xf64>, %v: tensor<3xf64>, %a: tensor<f64>, %k: tensor<4xf64>) {
  // expected-error @+1 {{a tolerance of shape [4] for states of 5 elements}}
  %r:7 = ode.solve "tsit5" of "f" ["x", "v"](%x, %v) from %a to %a rtol %a atol %k
    : (tensor<2xf64>, tensor<3xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<4xf64>)
      -> (tensor<2xf64>, tensor<3xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>, %z: tensor<3xf64>):
    ode.yield %y, %z : tensor<2xf64>, tensor<3xf64>
  }
  return
}

// -----

func.func @tolerances_of_systems(%x: tensor<3x2xf64>, %a: tensor<f64>, %k: tensor<4x2xf64>) {
  // expected-error @+1 {{a tolerance of shape [4, 2] for states of 2 elements}}
  %r:6 = ode.solve "tsit5" of "f" ["x"](%x) from %a to %a rtol %a atol %k
    : (tensor<3x2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<4x2xf64>)
      -> (tensor<3x2xf64>, tensor<3xf64>, tensor<3xi32>, tensor<3xi64>, tensor<3xi64>, tensor<3xi64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    ode.yield %y : tensor<2xf64>
  }
  return
}

// -----

func.func @lane(%a: tensor<f64>) -> tensor<f64> {
  // expected-error @+1 {{has 1 lanes, expected at least 2}}
  %p = ode.pack %a : tensor<f64>
  return %p : tensor<f64>
}

// -----

func.func @work(%x: tensor<2xf64>, %a: tensor<f64>) {
  // expected-error @+1 {{counts of work must be numbers of i64, one for each system}}
  %r:9 = ode.solve "bdf" of "f" ["u"](%x) from %a to %a rtol %a atol %a {controller = "i", countsWork}
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>)
      -> (tensor<2xf64>, tensor<i64>, tensor<i64>, tensor<i32>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    ode.yield %y : tensor<2xf64>
  }
  return
}

// -----

func.func @processes(%x: tensor<2xf64>, %a: tensor<f64>, %k: tensor<2xi32>, %g: tensor<2x3xf64>, %h: tensor<2x4xf64>) {
  // expected-error @+1 {{noise of 3 and of 4 common processes}}
  %r:7 = ode.solve "euler_maruyama" of "walk" ["u", "v"](%x, %x) from %a to %a step %a key %k with %g, %h {noisy = array<i1: true, true>}
    : (tensor<2xf64>, tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<2xi32>, tensor<2x3xf64>, tensor<2x4xf64>)
      -> (tensor<2xf64>, tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>, %z: tensor<2xf64>, %p: tensor<2x3xf64>, %q: tensor<2x4xf64>):
    ode.yield %y, %z, %p, %q : tensor<2xf64>, tensor<2xf64>, tensor<2x3xf64>, tensor<2x4xf64>
  }
  return
}
