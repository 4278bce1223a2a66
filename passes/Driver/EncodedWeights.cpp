//===- EncodedWeights.cpp - Weights that are parts of a format ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/EncodedWeights.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/Driver/Executable.h"
#include <cstring>

using namespace mlir;

namespace mad {

std::optional<EncodedPart> encodedPart(ModuleOp module, WeightSourceOp source) {
  auto symbol = source->getAttrOfType<FlatSymbolRefAttr>("computed");
  auto function = symbol ? module.lookupSymbol<func::FuncOp>(symbol.getAttr()) : func::FuncOp();
  if (!function || !function.getBody().hasOneBlock())
    return std::nullopt;
  auto result = cast<func::ReturnOp>(function.front().getTerminator());
  if (result.getNumOperands() != 1)
    return std::nullopt;
  auto encode = result.getOperand(0).getDefiningOp<lut::EncodeOp>();
  auto values = encode ? encode.getSource().getDefiningOp<WeightOp>() : WeightOp();
  if (!values)
    return std::nullopt;
  unsigned number = cast<OpResult>(result.getOperand(0)).getResultNumber();
  return EncodedPart{encode, values.getSource().str(), number};
}

static io::Tensor tensorOf(const WeightBytes &weight) {
  io::Tensor tensor;
  tensor.dtype = ioType(weight.dtype);
  tensor.shape = weight.shape;
  tensor.data = std::const_pointer_cast<void>(weight.data);
  tensor.bytes = weight.bytes;
  return tensor;
}

/// Elements in f32; empty, with the reason, where that loses digits that must stay.
static std::optional<io::Tensor> inF32(const WeightBytes &weight, bool exact, std::string &error) {
  auto narrow = tensorOf(weight).convert(io::DType::F32);
  if (!narrow) {
    error = "there is no memory for it";
    return std::nullopt;
  }
  if (!exact || weight.dtype != MAD_F64)
    return narrow;
  const double *wide = static_cast<const double *>(weight.data.get());
  for (int64_t i = 0; i < narrow->elements(); ++i)
    if (double(narrow->as<float>()[i]) != wide[i]) {
      error = "element " + std::to_string(i) + " is no number of f32";
      return std::nullopt;
    }
  return narrow;
}

bool WeightEncoder::encode(EncodedPart part, const WeightBytes &values, WeightBytes &into,
                           std::string &error) {
  std::vector<lut::Bytes> &parts = encoded[values.name];
  if (parts.empty()) {
    bool exact = part.encode.getExact();
    auto elements = inF32(values, exact, error);
    if (!elements ||
        !lut::encode(part.encode.getFormat().getValue(), elements->as<float>(), values.shape,
                     exact ? lut::Mode::Exact : lut::Mode::Round, parts, error))
      return false;
  }
  const lut::Bytes &bytes = parts[part.number];
  if (bytes.size() != into.bytes) {
    error = "a part has another size than its type";
    return false;
  }
  memcpy(const_cast<void *>(into.data.get()), bytes.data(), bytes.size());
  return true;
}

static const WeightBytes *find(const std::vector<WeightBytes> &weights, StringRef name) {
  auto at = llvm::find_if(weights, [&](const WeightBytes &w) { return w.name == name; });
  return at == weights.end() ? nullptr : &*at;
}

std::vector<StoredWeight> storedWeights(ModuleOp module, const std::vector<WeightBytes> &weights) {
  std::vector<StoredWeight> all;
  std::map<std::string, std::vector<const void *>> parts; // in their order
  for (auto source : module.getOps<WeightSourceOp>()) {
    auto part = encodedPart(module, source);
    const WeightBytes *bytes = part ? find(weights, source.getSymName()) : nullptr;
    const WeightBytes *values = bytes ? find(weights, part->values) : nullptr;
    if (!values)
      continue;
    if (part->number == 0)
      all.push_back({part->values, part->encode.getFormat().getValue(), values->shape, 0, {}});
    all.back().bytes += bytes->bytes;
    parts[part->values].push_back(bytes->data.get());
  }
  for (StoredWeight &stored : all) {
    auto exact = tensorOf(*find(weights, stored.name)).convert(io::DType::F32);
    if (!exact || parts[stored.name].size() != stored.format.parts(stored.shape).size())
      continue;
    std::vector<float> values(exact->elements());
    lut::decode(stored.format, parts[stored.name], stored.shape, values.data());
    stored.error = lut::errorOf(exact->as<float>(), values.data(), exact->elements());
  }
  return all;
}

} // namespace mad
