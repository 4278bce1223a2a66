//===- Programs.h - Programs in text and their tangents ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TEST_UNIT_DERIVATIVES_PROGRAMS_H
#define MAD_TEST_UNIT_DERIVATIVES_PROGRAMS_H

#include "dialects/Mad/IR/MadOps.h"
#include "dialects/Mad/Reference/Interpreter.h"
#include "dialects/Ode/IR/OdeOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>
#include <random>

namespace mad::test {

using Tensors = std::vector<RefTensor>;

inline RefTensor doubles(mlir::ArrayRef<int64_t> shape, std::vector<double> values) {
  RefTensor tensor = RefTensor::zeros(RefElement::F64, shape);
  tensor.floats = std::move(values);
  return tensor;
}

inline RefTensor longs(mlir::ArrayRef<int64_t> shape, std::vector<int64_t> values) {
  RefTensor tensor = RefTensor::zeros(RefElement::I64, shape);
  tensor.integers = std::move(values);
  return tensor;
}

class Programs : public testing::Test {
protected:
  Programs() : context(mlir::MLIRContext::Threading::DISABLED), numbers(7) {
    context.loadDialect<MadDialect, ode::OdeDialect, mlir::func::FuncDialect>();
  }

  mlir::OwningOpRef<mlir::ModuleOp> parse(const std::string &text) {
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module) << text;
    return module;
  }

  Tensors run(mlir::ModuleOp module, const std::string &name, const Tensors &inputs) {
    RefContext reference;
    Tensors results;
    EXPECT_TRUE(succeeded(interpret(module, name, inputs, results, reference)))
        << reference.message;
    return results;
  }

  RefTensor uniform(mlir::ArrayRef<int64_t> shape, double low = -1, double high = 1) {
    RefTensor tensor = RefTensor::zeros(RefElement::F64, shape);
    std::uniform_real_distribution<double> number(low, high);
    for (double &value : tensor.floats)
      value = number(numbers);
    return tensor;
  }

  mlir::MLIRContext context;
  std::mt19937 numbers;
};

} // namespace mad::test

#endif // MAD_TEST_UNIT_DERIVATIVES_PROGRAMS_H
