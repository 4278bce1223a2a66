// RUN: mad-opt %s --pass-pipeline='builtin.module(func.func(mad-expand-solves))' --verify-diagnostics --split-input-file
// RUN: mad-opt %s --pass-pipeline='builtin.module(func.func(mad-expand-solves{scalars=0}))' --verify-diagnostics --split-input-file

func.func @coarse(%x: tensor<2x4xf32>, %a: tensor<f64>) -> tensor<2x4xf32> {
  %r:6 = ode.solve "rodas4" of "f" ["u"](%x) from %a to %a rtol %a atol %a
    : (tensor<2x4xf32>, tensor<f64>, tensor<f64>, tensor<f64>, tensor<f64>) -> (tensor<2x4xf32>, tensor<f64>, tensor<i32>, tensor<i64>, tensor<i64>, tensor<i64>) {
  ^bb0(%t: tensor<f64>, %y: tensor<2x4xf32>):
    // expected-error @+1 {{`lut.quantize_act` has no derivative}}
    %0, %1 = lut.quantize_act %y : (tensor<2x4xf32>) -> (tensor<2x4xi8>, tensor<2xf32>)
    %2 = lut.dequant_act %0, %1 : (tensor<2x4xi8>, tensor<2xf32>) -> tensor<2x4xf32>
    ode.yield %2 : tensor<2x4xf32>
  }
  return %r#0 : tensor<2x4xf32>
}
