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

// RefElement and mad_dtype list the types in one order.
io::DType ioType(RefElement element) { return mad::ioType(static_cast<mad_dtype>(element)); }

template <typename From, typename To> void copy(const From *from, std::vector<To> &to) {
  for (size_t i = 0; i < to.size(); ++i)
    to[i] = To(from[i]);
}

/// By way of f64 or i64, which hold all numbers of the type. False without memory.
bool toReference(const io::Tensor &from, mad_dtype dtype, RefTensor &tensor) {
  tensor = RefTensor::zeros(static_cast<RefElement>(dtype), from.shape);
  auto wide = from.convert(tensor.isFloat() ? io::DType::F64 : io::DType::I64);
  if (!wide)
    return false;
  if (tensor.isFloat())
    copy(wide->as<double>(), tensor.floats);
  else
    copy(wide->as<int64_t>(), tensor.integers);
  return true;
}

/// What the runtime says of compiled code.
bool fitsExtents(const std::string &entry, const std::string &name, const io::Tensor &input,
                 std::string &error) {
  for (auto [dim, extent] : llvm::enumerate(input.shape))
    if (extent > MAD_MAX_EXTENT) {
      error = "input `" + name + "` of `" + entry + "` has extent " + std::to_string(extent) +
              " in dimension " + std::to_string(dim) + ", expected at most " +
              std::to_string(MAD_MAX_EXTENT);
      return false;
    }
  return true;
}

class ReferenceExecutable : public Executable {
public:
  ReferenceExecutable(Compilation &compilation, bool f64, RefOpObserver observe)
      : compilation(compilation), f64(f64), observe(std::move(observe)),
        all(compilation.signatures()) {
    for (const WeightBytes &w : compilation.weights()) {
      io::Tensor bytes{mad::ioType(w.dtype), w.shape, std::const_pointer_cast<void>(w.data),
                       w.bytes};
      memory &= toReference(bytes, w.dtype, weights[w.name]);
    }
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
    if (!memory) {
      error = "no memory for the weights";
      return false;
    }
    RefContext context;
    context.f64 = f64;
    for (auto &[name, tensor] : weights)
      context.weights[name] = &tensor;
    std::vector<RefTensor> in, out;
    for (size_t i = 0; i < inputs.size(); ++i)
      if (!fitsExtents(entry, signature->inputs[i].name, inputs[i], error))
        return false;
    for (size_t i = 0; i < inputs.size(); ++i)
      if (!toReference(inputs[i], signature->inputs[i].dtype, in.emplace_back())) {
        error = "no memory for the input `" + signature->inputs[i].name + "`";
        return false;
      }
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
    io::DType wide = tensor.isFloat() ? io::DType::F64 : io::DType::I64;
    auto made = io::Tensor::make(wide, {tensor.shape.begin(), tensor.shape.end()});
    if (made && tensor.isFloat())
      std::copy(tensor.floats.begin(), tensor.floats.end(), made->as<double>());
    else if (made)
      std::copy(tensor.integers.begin(), tensor.integers.end(), made->as<int64_t>());
    if (made && !(f64 && tensor.isFloat()))
      made = made->convert(ioType(tensor.element));
    if (!made) {
      error = "no memory for a result";
      return false;
    }
    outputs.push_back(std::move(*made));
    return true;
  }

  Compilation &compilation;
  bool f64;
  bool memory = true; ///< was there for the weights
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
