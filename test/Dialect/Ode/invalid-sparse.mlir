// RUN: mad-opt %s -split-input-file -verify-diagnostics

func.func @f(%values: tensor<3xf64>, %d: tensor<f64>) -> tensor<i64> {
  // expected-error @+1 {{has an order of 2 rows, but 2 starts, expected one more}}
  %lu, %bad = ode.sparse_factor %values diagonal %d scale %d starts [0, 3] columns [0, 1, 0] order [1, 0]
    : (tensor<3xf64>, tensor<f64>, tensor<f64>) -> (tensor<4xf64>, tensor<i64>)
  return %bad : tensor<i64>
}

// -----

func.func @f(%values: tensor<3xf64>, %d: tensor<f64>) -> tensor<i64> {
  // expected-error @+1 {{the starts of rows go from 0 to the number of entries, 3}}
  %lu, %bad = ode.sparse_factor %values diagonal %d scale %d starts [0, 2, 2] columns [0, 1, 0] order [1, 0]
    : (tensor<3xf64>, tensor<f64>, tensor<f64>) -> (tensor<4xf64>, tensor<i64>)
  return %bad : tensor<i64>
}

// -----

func.func @f(%values: tensor<3xf64>, %d: tensor<f64>) -> tensor<i64> {
  // expected-error @+1 {{the starts of rows descend at row 1}}
  %lu, %bad = ode.sparse_factor %values diagonal %d scale %d starts [0, 4, 2, 3] columns [0, 1, 0] order [1, 0, 2]
    : (tensor<3xf64>, tensor<f64>, tensor<f64>) -> (tensor<4xf64>, tensor<i64>)
  return %bad : tensor<i64>
}

// -----

func.func @f(%values: tensor<3xf64>, %d: tensor<f64>) -> tensor<i64> {
  // expected-error @+1 {{the columns of row 0 do not ascend from 0 to 1}}
  %lu, %bad = ode.sparse_factor %values diagonal %d scale %d starts [0, 2, 3] columns [1, 0, 0] order [1, 0]
    : (tensor<3xf64>, tensor<f64>, tensor<f64>) -> (tensor<4xf64>, tensor<i64>)
  return %bad : tensor<i64>
}

// -----

func.func @f(%values: tensor<3xf64>, %d: tensor<f64>) -> tensor<i64> {
  // expected-error @+1 {{the columns of row 1 do not ascend from 0 to 1}}
  %lu, %bad = ode.sparse_factor %values diagonal %d scale %d starts [0, 2, 3] columns [0, 1, 2] order [1, 0]
    : (tensor<3xf64>, tensor<f64>, tensor<f64>) -> (tensor<4xf64>, tensor<i64>)
  return %bad : tensor<i64>
}

// -----

func.func @f(%values: tensor<3xf64>, %d: tensor<f64>) -> tensor<i64> {
  // expected-error @+1 {{the order does not have each of 2 rows once}}
  %lu, %bad = ode.sparse_factor %values diagonal %d scale %d starts [0, 2, 3] columns [0, 1, 0] order [1, 1]
    : (tensor<3xf64>, tensor<f64>, tensor<f64>) -> (tensor<4xf64>, tensor<i64>)
  return %bad : tensor<i64>
}

// -----

func.func @f(%values: tensor<4xf64>, %d: tensor<f64>) -> tensor<i64> {
  // expected-error @+1 {{has 4 values for a pattern of 3 entries}}
  %lu, %bad = ode.sparse_factor %values diagonal %d scale %d starts [0, 2, 3] columns [0, 1, 0] order [1, 0]
    : (tensor<4xf64>, tensor<f64>, tensor<f64>) -> (tensor<4xf64>, tensor<i64>)
  return %bad : tensor<i64>
}

// -----

func.func @f(%lu: tensor<4xf64>, %rhs: tensor<3xf64>) -> tensor<3xf64> {
  // expected-error @+1 {{a vector has 3 elements, the matrix 2 rows}}
  %x = ode.sparse_solve %lu rhs %rhs starts [0, 2, 3] columns [0, 1, 0] order [1, 0] : (tensor<4xf64>, tensor<3xf64>) -> tensor<3xf64>
  return %x : tensor<3xf64>
}

// -----

func.func @f(%lu: tensor<4xf32>, %rhs: tensor<2xf64>) -> tensor<2xf64> {
  // expected-error @+1 {{has elements of 'f32' and 'f64'}}
  %x = ode.sparse_solve %lu rhs %rhs starts [0, 2, 3] columns [0, 1, 0] order [1, 0] : (tensor<4xf32>, tensor<2xf64>) -> tensor<2xf64>
  return %x : tensor<2xf64>
}
