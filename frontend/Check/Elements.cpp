//===- Elements.cpp - Element types -----------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/NarrowFloats.h"
#include "frontend/Check/Program.h"

namespace mad::hir {

const char *name(Element element) {
  switch (element) {
  case Element::F32:
    return "f32";
  case Element::F64:
    return "f64";
  case Element::I32:
    return "i32";
  case Element::I64:
    return "i64";
  case Element::Bool:
    return "bool";
  case Element::F16:
    return "f16";
  case Element::BF16:
    return "bf16";
  case Element::I8:
    return "i8";
  case Element::U8:
    return "u8";
  }
  return "?";
}

const char *name(Precision precision) {
  return precision == Precision::Strict ? "strict"
         : precision == Precision::Fast ? "fast"
                                        : "default";
}

bool rounds(const Node &node) {
  switch (node.op) {
  case Op::Elementwise:
  case Op::Reduce:
  case Op::Contract:
  case Op::Scatter:
  case Op::Cumulate: {
    Element element = node.types[0].element;
    bool isFloat = element == Element::F32 || element == Element::F64 || element == Element::F16 ||
                   element == Element::BF16;
    return isFloat && node.mnemonic != "select";
  }
  default:
    return false;
  }
}

double rounded(Element element, double value) {
  switch (element) {
  case Element::F32:
    return static_cast<float>(value);
  case Element::F16:
    return roundToF16(value);
  case Element::BF16:
    return roundToBF16(value);
  default:
    return value;
  }
}

double rounded(Element element, int64_t value) {
  if (element == Element::F32)
    return static_cast<float>(value);
  if (element == Element::F64)
    return static_cast<double>(value);
  return rounded(element, sticky(value));
}

std::pair<int64_t, int64_t> range(Element element) {
  switch (element) {
  case Element::I8:
    return {INT8_MIN, INT8_MAX};
  case Element::U8:
    return {0, UINT8_MAX};
  case Element::I32:
    return {INT32_MIN, INT32_MAX};
  case Element::Bool:
    return {0, 1};
  default:
    return {INT64_MIN, INT64_MAX};
  }
}

int64_t wrapped(Element element, int64_t value) {
  switch (element) {
  case Element::I8:
    return static_cast<int8_t>(value);
  case Element::U8:
    return static_cast<uint8_t>(value);
  case Element::I32:
    return static_cast<int32_t>(value);
  default:
    return value;
  }
}

} // namespace mad::hir
