//===- Support.cpp - Programs in text, run by the reference interpreter -----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "test/unit/Dialect/Support.h"
#include "dialects/Mad/IR/MadOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include <cmath>

namespace mad::test {

static RefTensor floating(RefElement element, Shape shape, std::vector<double> values) {
  RefTensor tensor = RefTensor::zeros(element, shape);
  EXPECT_EQ(tensor.floats.size(), values.size());
  tensor.floats = std::move(values);
  return tensor;
}

static RefTensor integral(RefElement element, Shape shape, std::vector<int64_t> values) {
  RefTensor tensor = RefTensor::zeros(element, shape);
  EXPECT_EQ(tensor.integers.size(), values.size());
  tensor.integers = std::move(values);
  return tensor;
}

RefTensor f32(Shape shape, std::vector<double> values) {
  return floating(RefElement::F32, shape, std::move(values));
}
RefTensor f64(Shape shape, std::vector<double> values) {
  return floating(RefElement::F64, shape, std::move(values));
}
RefTensor i32(Shape shape, std::vector<int64_t> values) {
  return integral(RefElement::I32, shape, std::move(values));
}
RefTensor i64(Shape shape, std::vector<int64_t> values) {
  return integral(RefElement::I64, shape, std::move(values));
}
RefTensor f16(Shape shape, std::vector<double> values) {
  return floating(RefElement::F16, shape, std::move(values));
}
RefTensor bf16(Shape shape, std::vector<double> values) {
  return floating(RefElement::BF16, shape, std::move(values));
}
RefTensor i8(Shape shape, std::vector<int64_t> values) {
  return integral(RefElement::I8, shape, std::move(values));
}
RefTensor u8(Shape shape, std::vector<int64_t> values) {
  return integral(RefElement::U8, shape, std::move(values));
}
RefTensor boolean(Shape shape, std::vector<int64_t> values) {
  return integral(RefElement::Bool, shape, std::move(values));
}

std::vector<double> Outcome::floats(Shape shape, size_t result) const {
  EXPECT_EQ(message, "");
  if (result >= results.size())
    return {};
  EXPECT_TRUE(results[result].isFloat());
  EXPECT_EQ(results[result].shape, shape);
  return results[result].floats;
}

std::vector<int64_t> Outcome::integers(Shape shape, size_t result) const {
  EXPECT_EQ(message, "");
  if (result >= results.size())
    return {};
  EXPECT_FALSE(results[result].isFloat());
  EXPECT_EQ(results[result].shape, shape);
  return results[result].integers;
}

Outcome run(llvm::StringRef source, std::vector<RefTensor> inputs, Mode mode,
            const std::map<std::string, const RefTensor *> &weights) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<MadDialect, mlir::func::FuncDialect>();
  Outcome outcome;
  auto module = mlir::parseSourceString<mlir::ModuleOp>(source, &context);
  if (!module) {
    ADD_FAILURE() << "cannot parse\n" << source.str();
    outcome.message = "cannot parse";
    return outcome;
  }
  RefContext reference;
  reference.f64 = mode == Mode::F64;
  reference.weights = weights;
  auto observe = [&](llvm::StringRef name, const RefTensor &) {
    outcome.seen.push_back(name.str());
  };
  bool ok =
      succeeded(interpret(*module, "main", std::move(inputs), outcome.results, reference, observe));
  EXPECT_EQ(ok, reference.message.empty()) << reference.message;
  outcome.message = ok ? "" : reference.message;
  return outcome;
}

static std::string typeText(const RefTensor &tensor) {
  static const char *const names[] = {"f32", "f64", "i32", "i64", "i1", "f16", "bf16", "i8", "ui8"};
  std::string text = "tensor<";
  for (int64_t extent : tensor.shape)
    text += std::to_string(extent) + "x";
  return text + names[static_cast<int>(tensor.element)] + ">";
}

Outcome op(const std::string &name, std::vector<RefTensor> inputs, const std::string &type,
           const std::string &before, const std::string &after, Mode mode) {
  std::string arguments, operands, types;
  for (auto [i, input] : llvm::enumerate(inputs)) {
    std::string comma = i ? ", " : "", value = "%x" + std::to_string(i);
    arguments += comma + value + ": " + typeText(input);
    operands += comma + value;
    types += comma + typeText(input);
  }
  std::string text = "func.func @main(" + arguments + ") -> " + type + " {\n  %r = " + name + " " +
                     before + " " + operands + " " + after + " : (" + types + ") -> " + type +
                     "\n  return %r : " + type + "\n}\n";
  return run(text, std::move(inputs), mode);
}

void expectSame(const std::vector<double> &found, const std::vector<double> &expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    if (std::isnan(expected[i])) {
      EXPECT_TRUE(std::isnan(found[i])) << "element " << i << " is " << found[i];
      continue;
    }
    EXPECT_EQ(found[i], expected[i]) << "element " << i;
    EXPECT_EQ(std::signbit(found[i]), std::signbit(expected[i])) << "element " << i;
  }
}

} // namespace mad::test
