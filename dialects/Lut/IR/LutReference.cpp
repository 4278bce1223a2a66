//===- LutReference.cpp - What the ops compute ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The codec works on f32, also where the interpreter runs in f64: codes are integers, and which
// ones does not depend on how a program is run.
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Activations.h"
#include "dialects/Lut/Format/Codec.h"
#include "dialects/Lut/Format/Gptq.h"
#include "dialects/Lut/IR/LutOps.h"
#include <cstring>

using namespace mlir;
using namespace mad;
using namespace mad::lut;

static std::vector<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape().vec();
}

static void fromBytes(const Part &part, const Bytes &bytes, RefTensor &tensor) {
  for (int64_t i = 0; i < part.elements(); ++i) {
    float value;
    uint16_t half;
    switch (part.element) {
    case PartElement::U8:
      tensor.integers[i] = uint8_t(bytes[i]);
      break;
    case PartElement::F16:
      memcpy(&half, bytes.data() + 2 * i, 2);
      tensor.floats[i] = floatOf(half);
      break;
    case PartElement::F32:
      memcpy(&value, bytes.data() + 4 * i, 4);
      tensor.floats[i] = value;
      break;
    }
  }
}

static Bytes toBytes(const Part &part, const RefTensor &tensor) {
  Bytes bytes(part.bytes());
  for (int64_t i = 0; i < part.elements(); ++i) {
    if (part.element == PartElement::U8) {
      bytes[i] = char(tensor.integers[i]);
      continue;
    }
    float value = float(tensor.floats[i]);
    uint16_t half = halfOf(value);
    if (part.element == PartElement::F16)
      memcpy(bytes.data() + 2 * i, &half, 2);
    else
      memcpy(bytes.data() + 4 * i, &value, 4);
  }
  return bytes;
}

LogicalResult EncodeOp::evaluate(ArrayRef<const RefTensor *> operands,
                                 MutableArrayRef<RefTensor> results, RefContext &context) {
  const std::vector<double> &source = operands[0]->floats;
  std::vector<float> values(source.begin(), source.end());
  std::vector<int64_t> shape = shapeOf(getSource());
  std::vector<Bytes> parts;
  std::string error;
  Format format = getFormat().getValue();
  if (!encode(format, values.data(), shape, getExact() ? Mode::Exact : Mode::Round, parts, error))
    return context.fail(*this, error);
  for (auto [i, part] : llvm::enumerate(format.ownParts(shape)))
    fromBytes(part, parts[i], results[i]);
  return success();
}

LogicalResult GptqOp::evaluate(ArrayRef<const RefTensor *> operands,
                               MutableArrayRef<RefTensor> results, RefContext &context) {
  std::vector<float> values(operands[0]->floats.begin(), operands[0]->floats.end()),
      gram(operands[1]->floats.begin(), operands[1]->floats.end()), rounded(values.size());
  std::string error;
  GptqOptions options{getDamp().convertToDouble(), getOrdered()};
  if (!gptq(getFormat().getValue(), options, values.data(), shapeOf(getSource()), gram.data(),
            rounded.data(), error))
    return context.fail(*this, error);
  llvm::copy(rounded, results[0].floats.begin());
  return success();
}

/// The matrix that parts stand for.
static std::vector<float> decoded(Format format, ArrayRef<const RefTensor *> operands,
                                  const std::vector<int64_t> &shape) {
  std::vector<Bytes> parts;
  std::vector<const void *> pointers;
  int64_t elements = 1;
  for (int64_t size : shape)
    elements *= size;
  for (auto [operand, part] : llvm::zip_equal(operands, format.parts(shape)))
    parts.push_back(toBytes(part, *operand));
  for (const Bytes &bytes : parts)
    pointers.push_back(bytes.data());
  std::vector<float> values(elements);
  decode(format, pointers, shape, values.data());
  return values;
}

LogicalResult DequantOp::evaluate(ArrayRef<const RefTensor *> operands,
                                  MutableArrayRef<RefTensor> results, RefContext &) {
  std::vector<float> values = decoded(getFormat().getValue(), operands, shapeOf(getResult()));
  llvm::copy(values, results[0].floats.begin());
  return success();
}

LogicalResult ProductOp::evaluate(ArrayRef<const RefTensor *> operands,
                                  MutableArrayRef<RefTensor> results, RefContext &) {
  int64_t K = shapeOf(getSource()).back(), M = shapeOf(getResult()).back();
  std::vector<float> w = decoded(getFormat().getValue(), operands.drop_front(), {K, M});
  const std::vector<double> &x = operands[0]->floats;
  std::vector<double> &y = results[0].floats;
  for (size_t i = 0; i < y.size(); ++i)
    for (int64_t k = 0; k < K; ++k)
      y[i] += x[i / M * K + k] * w[k * M + i % M];
  return success();
}

//===----------------------------------------------------------------------===//
// Quantised activations
//===----------------------------------------------------------------------===//

LogicalResult QuantizeActOp::evaluate(ArrayRef<const RefTensor *> operands,
                                      MutableArrayRef<RefTensor> results, RefContext &) {
  std::vector<float> x(operands[0]->floats.begin(), operands[0]->floats.end());
  int64_t K = operands[0]->shape.back();
  std::vector<int8_t> codes(K);
  for (size_t row = 0; row < results[1].floats.size(); ++row) {
    results[1].floats[row] = quantizeRow(x.data() + row * K, K, codes.data());
    llvm::copy(codes, results[0].integers.begin() + row * K);
  }
  return success();
}

LogicalResult DequantActOp::evaluate(ArrayRef<const RefTensor *> operands,
                                     MutableArrayRef<RefTensor> results, RefContext &) {
  std::vector<double> &x = results[0].floats;
  size_t K = results[0].shape.back();
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = float(operands[0]->integers[i]) * float(operands[1]->floats[i / K]);
  return success();
}

LogicalResult GemmOp::evaluate(ArrayRef<const RefTensor *> operands,
                               MutableArrayRef<RefTensor> results, RefContext &) {
  Format format = getFormat().getValue();
  int64_t batch = cast<RankedTensorType>(getParts().front().getType()).getRank() - 2;
  int64_t K = operands[0]->shape.back(), M = results[0].shape.back(), matrices = 1, T = 1;
  for (auto [d, size] : llvm::enumerate(ArrayRef(results[0].shape).drop_back()))
    (int64_t(d) < batch ? matrices : T) *= size;
  std::vector<Bytes> parts;
  for (auto [operand, part] :
       llvm::zip_equal(operands.slice(2, getParts().size()), format.parts({K, M}))) {
    if (!part.shared)
      part.shape.insert(part.shape.begin(), matrices);
    parts.push_back(toBytes(part, *operand));
  }
  std::vector<int8_t> q(operands[0]->integers.begin(), operands[0]->integers.end());
  std::vector<float> s(operands[1]->floats.begin(), operands[1]->floats.end()), y(T * M);
  for (int64_t i = 0; i < matrices; ++i) {
    std::vector<const void *> at;
    for (const Bytes &bytes : parts)
      at.push_back(bytes.data() + bytes.size() / matrices * i);
    integerProduct(format, at, q.data() + i * T * K, s.data() + i * T, T, K, M, y.data());
    llvm::copy(y, results[0].floats.begin() + i * T * M);
  }
  return success();
}
