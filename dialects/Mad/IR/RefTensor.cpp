//===- RefTensor.cpp - Tensors and state of the reference evaluation --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/RefTensor.h"
#include "dialects/Mad/IR/DimExpr.h"
#include "dialects/Mad/IR/MadOpHelpers.h"
#include "dialects/Mad/IR/NarrowFloats.h"
#include "mlir/IR/Location.h"
#include "mlir/IR/Operation.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace mad;

//===----------------------------------------------------------------------===//
// Element types
//===----------------------------------------------------------------------===//

const char *mad::elementName(RefElement element) {
  switch (element) {
  case RefElement::F32:
    return "f32";
  case RefElement::F64:
    return "f64";
  case RefElement::I32:
    return "i32";
  case RefElement::I64:
    return "i64";
  case RefElement::Bool:
    return "bool";
  case RefElement::F16:
    return "f16";
  case RefElement::BF16:
    return "bf16";
  case RefElement::I8:
    return "i8";
  case RefElement::U8:
    return "u8";
  }
  return "?";
}

bool mad::isFloatElement(RefElement element) {
  return element == RefElement::F32 || element == RefElement::F64 || element == RefElement::F16 ||
         element == RefElement::BF16;
}

double mad::rounded(RefElement element, double value) {
  switch (element) {
  case RefElement::F32:
    return static_cast<float>(value);
  case RefElement::F16:
    return roundToF16(value);
  case RefElement::BF16:
    return roundToBF16(value);
  default:
    return value;
  }
}

std::pair<int64_t, int64_t> mad::integerRange(RefElement element) {
  switch (element) {
  case RefElement::I8:
    return {INT8_MIN, INT8_MAX};
  case RefElement::U8:
    return {0, UINT8_MAX};
  case RefElement::I32:
    return {INT32_MIN, INT32_MAX};
  case RefElement::Bool:
    return {0, 1};
  default:
    return {INT64_MIN, INT64_MAX};
  }
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

RefTensor RefTensor::zeros(RefElement element, ArrayRef<int64_t> shape) {
  RefTensor tensor;
  tensor.element = element;
  tensor.shape.assign(shape.begin(), shape.end());
  if (tensor.isFloat())
    tensor.floats.assign(tensor.elements(), 0);
  else
    tensor.integers.assign(tensor.elements(), 0);
  return tensor;
}

int64_t RefTensor::elements() const {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

RefScalar RefTensor::get(int64_t position) const {
  RefScalar value;
  if (isFloat())
    value.f = floats[position];
  else
    value.i = integers[position];
  return value;
}

void RefTensor::set(int64_t position, RefScalar value) {
  if (isFloat())
    floats[position] = value.f;
  else
    integers[position] = value.i;
}

double mad::refMaximum(double a, double b) {
  if (std::isnan(a) || std::isnan(b))
    return std::numeric_limits<double>::quiet_NaN();
  return a == b ? (std::signbit(a) ? b : a) : std::max(a, b);
}

void RefContext::finish(RefTensor &tensor) const {
  switch (tensor.element) {
  case RefElement::F32:
  case RefElement::F16:
  case RefElement::BF16:
    if (!f64)
      for (double &value : tensor.floats)
        value = rounded(tensor.element, value);
    return;
  case RefElement::I8:
    for (int64_t &value : tensor.integers)
      value = static_cast<int8_t>(value);
    return;
  case RefElement::U8:
    for (int64_t &value : tensor.integers)
      value = static_cast<uint8_t>(value);
    return;
  case RefElement::I32:
    for (int64_t &value : tensor.integers)
      value = static_cast<int32_t>(value);
    return;
  case RefElement::Bool:
    for (int64_t &value : tensor.integers)
      value = value != 0;
    return;
  case RefElement::F64:
  case RefElement::I64:
    return;
  }
}

std::optional<int64_t> RefContext::dim(StringRef expression) {
  std::optional<DimExpr> parsed = DimExpr::parse(expression);
  if (!parsed) {
    message = "cannot read `" + expression.str() + "` as a dimension";
    return std::nullopt;
  }
  std::string unknown;
  std::optional<int64_t> value =
      parsed->evaluate([&](const std::string &name) -> std::optional<int64_t> {
        auto found = dims.find(name);
        if (found != dims.end())
          return found->second;
        unknown = name;
        return std::nullopt;
      });
  if (value)
    return value;
  message = unknown.empty() ? "dimension `" + expression.str() + "` overflows or divides by zero"
                            : "dimension parameter `" + unknown + "` has no value";
  return std::nullopt;
}

/// The first place of a source file in a location; of inlined code the callee's side, or that of
/// the innermost caller outside of the standard library.
static std::string firstPlace(Location location, bool outside) {
  if (auto range = dyn_cast<FileLineColRange>(location)) {
    StringRef file = range.getFilename().getValue();
    return outside && file.starts_with("<std")
               ? ""
               : (file + ":" + Twine(range.getStartLine()) + ":" + Twine(range.getStartColumn()))
                     .str();
  }
  if (auto name = dyn_cast<NameLoc>(location))
    return firstPlace(name.getChildLoc(), outside);
  if (auto call = dyn_cast<CallSiteLoc>(location)) {
    std::string text = firstPlace(call.getCallee(), outside);
    return text.empty() ? firstPlace(call.getCaller(), outside) : text;
  }
  if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      if (std::string text = firstPlace(part, outside); !text.empty())
        return text;
  return "";
}

std::string mad::placeText(Location location) {
  std::string place = firstPlace(location, false);
  if (!StringRef(place).starts_with("<std"))
    return place;
  std::string caller = firstPlace(location, true);
  return caller.empty() ? place : caller + ": in " + place;
}

LogicalResult RefContext::fail(Operation *op, std::string text) {
  std::string place = placeText(op->getLoc());
  message = place.empty() ? std::move(text) : place + ": " + text;
  return failure();
}
