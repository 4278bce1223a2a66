// RUN: mad-opt %s --split-input-file --verify-diagnostics

func.func @none(%x: tensor<2xf64>, %a: tensor<f64>) -> tensor<f64> {
  // expected-error @+1 {{`etd1` needs a linear part}}
  %r:6 = ode.solve "etd1" of "f" ["u"](%x) from %a to %a step %a
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    ode.yield %y : tensor<2xf64>
  }
  return %r#1 : tensor<f64>
}

// -----

func.func @useless(%x: tensor<2xf64>, %a: tensor<f64>) -> tensor<f64> {
  // expected-error @+1 {{`rk4` has no use for a linear part}}
  %r:6 = ode.solve "rk4" of "f" ["u"](%x) from %a to %a step %a {linear = array<i64: 0>}
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    ode.yield %y : tensor<2xf64>
  } and {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    ode.yield %y : tensor<2xf64>
  }
  return %r#1 : tensor<f64>
}

// -----

func.func @shape(%x: tensor<2xf64>, %l: tensor<3xf64>, %a: tensor<f64>) -> tensor<f64> {
  // expected-error @+1 {{a linear part of shape [3] for a state of shape [2]}}
  %r:6 = ode.solve "etd1" of "f" ["u"](%x) from %a to %a step %a with %l {linear = array<i64: 0>}
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<3xf64>) -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>, %p: tensor<3xf64>):
    ode.yield %y : tensor<2xf64>
  } and {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>, %p: tensor<3xf64>):
    ode.yield %p : tensor<3xf64>
  }
  return %r#1 : tensor<f64>
}

// -----

func.func @state(%x: tensor<2xf64>, %a: tensor<f64>) -> tensor<f64> {
  // expected-error @+1 {{the states with a linear part are given by ascending numbers}}
  %r:6 = ode.solve "etd1" of "f" ["u"](%x) from %a to %a step %a {linear = array<i64: 1>}
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    ode.yield %y : tensor<2xf64>
  } and {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    ode.yield %y : tensor<2xf64>
  }
  return %r#1 : tensor<f64>
}

// -----

func.func @count(%x: tensor<2xf64>, %a: tensor<f64>) -> tensor<f64> {
  // expected-error @+1 {{has 0 regions more, expected 1: the guards and new states of events, the linear part}}
  %r:6 = ode.solve "etd1" of "f" ["u"](%x) from %a to %a step %a {linear = array<i64: 0>}
    : (tensor<2xf64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<2xf64>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2xf64>):
    ode.yield %y : tensor<2xf64>
  }
  return %r#1 : tensor<f64>
}
