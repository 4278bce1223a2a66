//===- ReferenceExecutable.cpp - Models run by the interpreter ---------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/RefTensor.h"
#include "dialects/Mad/Reference/Interpreter.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Driver/Executable.h"

namespace mad {

namespace {

RefElement refElement(mad_dtype dtype) {
  switch (dtype) {
  case MAD_F32:
    return RefElement::F32;
  case MAD_F64:
    return RefElement::F64;
  case MAD_I32:
    return RefElement::I32;
  case MAD_I64:
    return RefElement::I64;
  case MAD_BOOL:
    break;
  }
  return RefElement::Bool;
}

template <typename From, typename To> void copy(const void *from, std::vector<To> &to) {
  const From *source = static_cast<const From *>(from);
  for (size_t i = 0; i < to.size(); ++i)
    to[i] = To(source[i]);
}
template <typename From, typename To> void copyOut(const std::vector<From> &from, void *to) {
  To *target = static_cast<To *>(to);
  for (size_t i = 0; i < from.size(); ++i)
    target[i] = To(from[i]);
}

RefTensor toReference(mad_dtype dtype, llvm::ArrayRef<int64_t> shape, const void *data) {
  RefTensor tensor = RefTensor::zeros(refElement(dtype), shape);
  switch (dtype) {
  case MAD_F32:
    copy<float>(data, tensor.floats);
    break;
  case MAD_F64:
    copy<double>(data, tensor.floats);
    break;
  case MAD_I32:
    copy<int32_t>(data, tensor.integers);
    break;
  case MAD_I64:
    copy<int64_t>(data, tensor.integers);
    break;
  case MAD_BOOL:
    copy<uint8_t>(data, tensor.integers);
    break;
  }
  return tensor;
}

class ReferenceExecutable : public Executable {
public:
  ReferenceExecutable(Compilation &compilation, bool f64, RefOpObserver observe)
      : compilation(compilation), f64(f64), observe(std::move(observe)),
        all(compilation.signatures()) {
    for (const WeightBytes &w : compilation.weights())
      weights[w.name] = toReference(w.dtype, w.shape, w.data.get());
  }
  const std::vector<Signature> &signatures() const override { return all; }

  bool call(const std::string &entry, const std::vector<io::Tensor> &inputs,
            std::vector<io::Tensor> &outputs, std::string &error) override {
    const Signature *signature = nullptr;
    for (const Signature &s : all)
      if (s.name == entry)
        signature = &s;
    if (!signature || inputs.size() != signature->inputs.size()) {
      error = "no entry `" + entry + "` with " + std::to_string(inputs.size()) + " inputs";
      return false;
    }
    RefContext context;
    context.f64 = f64;
    for (auto &[name, tensor] : weights)
      context.weights[name] = &tensor;
    std::vector<RefTensor> in, out;
    for (size_t i = 0; i < inputs.size(); ++i)
      in.push_back(toReference(signature->inputs[i].dtype, inputs[i].shape, inputs[i].data.get()));
    if (failed(interpret(compilation.module(), entry, std::move(in), out, context, {}, observe))) {
      error = context.message;
      return false;
    }
    outputs.clear();
    for (const RefTensor &tensor : out)
      if (!take(tensor, outputs, error))
        return false;
    return true;
  }

private:
  /// Floats come back in f64 when everything was computed in f64.
  bool take(const RefTensor &tensor, std::vector<io::Tensor> &outputs, std::string &error) {
    static constexpr io::DType types[] = {io::DType::F32, io::DType::F64, io::DType::I32,
                                          io::DType::I64, io::DType::Bool};
    io::DType type = types[size_t(tensor.element)];
    if (f64 && tensor.isFloat())
      type = io::DType::F64;
    auto made = io::Tensor::make(type, {tensor.shape.begin(), tensor.shape.end()});
    if (!made) {
      error = "no memory for a result";
      return false;
    }
    void *data = made->data.get();
    switch (type) {
    case io::DType::F32:
      copyOut<double, float>(tensor.floats, data);
      break;
    case io::DType::F64:
      copyOut<double, double>(tensor.floats, data);
      break;
    case io::DType::I32:
      copyOut<int64_t, int32_t>(tensor.integers, data);
      break;
    case io::DType::I64:
      copyOut<int64_t, int64_t>(tensor.integers, data);
      break;
    default:
      copyOut<int64_t, uint8_t>(tensor.integers, data);
      break;
    }
    outputs.push_back(std::move(*made));
    return true;
  }

  Compilation &compilation;
  bool f64;
  RefOpObserver observe;
  std::vector<Signature> all;
  std::map<std::string, RefTensor> weights;
};

} // namespace

std::unique_ptr<Executable> makeReferenceExecutable(Compilation &compilation, bool f64,
                                                    RefOpObserver observe) {
  return std::make_unique<ReferenceExecutable>(compilation, f64, std::move(observe));
}

} // namespace mad
