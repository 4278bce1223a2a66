//===- Numerics.cpp - Where numbers stop being finite ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/Numerics.h"
#include "dialects/Mad/IR/MadOps.h"
#include "dialects/Mad/IR/RefTensor.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Transforms/Places.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <map>

using namespace mlir;

namespace mad {

namespace {

/// What the elements of a tensor are like.
struct Survey {
  double low = INFINITY, high = -INFINITY; ///< of those that are no NaN
  int64_t first = -1, count = 0, nans = 0; ///< first: that is not finite
  double found = 0;
  std::vector<int64_t> shape;

  void add(int64_t at, double value) {
    if (!std::isfinite(value)) {
      if (first < 0) {
        first = at;
        found = value;
      }
      ++count;
    }
    nans += std::isnan(value);
    low = value < low ? value : low;
    high = value > high ? value : high;
  }
};

Survey survey(const std::vector<int64_t> &shape, const std::vector<double> &values) {
  Survey made;
  made.shape = shape;
  for (size_t i = 0; i < values.size(); ++i)
    made.add(int64_t(i), values[i]);
  return made;
}

/// Nothing for what holds no floats, or when there is no memory.
std::optional<Survey> survey(const io::Tensor &tensor) {
  using D = io::DType;
  if (!llvm::is_contained({D::F32, D::F64, D::F16, D::BF16}, tensor.dtype))
    return std::nullopt;
  auto wide = tensor.convert(D::F64);
  if (!wide)
    return std::nullopt;
  Survey made;
  made.shape = tensor.shape;
  for (int64_t i = 0, n = wide->elements(); i < n; ++i)
    made.add(i, wide->as<double>()[i]);
  return made;
}

std::string rangeText(const std::string &name, double low, double high, int64_t nans) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << (name.empty() ? std::string("an operand") : "`" + name + "`") << ": ";
  if (low > high)
    os << (nans ? "NaN alone" : "no elements");
  else
    os << llvm::format("from %.9g to %.9g", low, high);
  if (nans && low <= high)
    os << ", " << nans << " NaN";
  return text;
}

NumericFault faultOf(std::string value, std::string place, const Survey &s) {
  NumericFault fault;
  fault.value = std::move(value);
  fault.place = std::move(place);
  fault.found = std::isnan(s.found) ? "NaN" : s.found > 0 ? "inf" : "-inf";
  fault.count = s.count;
  fault.index.resize(s.shape.size());
  int64_t at = s.first;
  for (size_t i = s.shape.size(); i-- > 0; at /= s.shape[i])
    fault.index[i] = at % s.shape[i];
  return fault;
}

std::string valueText(const std::string &let, const std::string &op) {
  return let.empty() ? "the result of `" + op + "`" : "`" + let + "`, a result of `" + op + "`,";
}

} // namespace

static std::optional<Survey> surveyWeight(const Compilation &compilation, const std::string &name) {
  for (const WeightBytes &w : compilation.weights())
    if (w.name == name) {
      io::Tensor tensor;
      tensor.dtype = ioType(w.dtype);
      tensor.shape = w.shape;
      tensor.data = std::const_pointer_cast<void>(w.data);
      tensor.bytes = w.bytes;
      return survey(tensor);
    }
  return std::nullopt;
}

/// The fault of an input or a weight, which no operation of the program made.
static std::optional<NumericFault> givenFault(const Compilation &compilation,
                                              const Signature &signature,
                                              const std::vector<io::Tensor> &inputs) {
  for (size_t i = 0; i < inputs.size(); ++i)
    if (auto s = survey(inputs[i]); s && s->count)
      return faultOf("the input `" + signature.inputs[i].name + "`", "", *s);
  for (const WeightBytes &w : compilation.weights())
    if (auto s = surveyWeight(compilation, w.name); s && s->count)
      return faultOf("the weight `" + w.name + "`", "", *s);
  return std::nullopt;
}

std::optional<NumericFault> findFault(const Compilation &compilation, const Signature &signature,
                                      const std::vector<io::Tensor> &inputs,
                                      const std::vector<io::Tensor> &outputs,
                                      const std::vector<ExposedOp> &ops) {
  if (auto fault = givenFault(compilation, signature, inputs))
    return fault;
  size_t base = outputs.size() - ops.size();
  for (size_t i = 0; i < ops.size(); ++i) {
    auto s = survey(outputs[base + i]);
    if (!s || !s->count)
      continue;
    const ExposedOp &op = ops[i];
    NumericFault fault = faultOf(valueText(op.name, op.op), op.place, *s);
    fault.holdsOps = op.holdsOps;
    for (const ExposedOperand &operand : op.operands) {
      std::optional<Survey> range;
      if (operand.kind == ExposedOperand::Input)
        range = survey(inputs[operand.number]);
      else if (operand.kind == ExposedOperand::Weight)
        range = surveyWeight(compilation, operand.name);
      else if (operand.kind == ExposedOperand::Result)
        range = survey(outputs[base + operand.number]);
      if (range)
        fault.operands.push_back(rangeText(operand.name, range->low, range->high, range->nans));
      else if (operand.kind == ExposedOperand::Constant)
        fault.operands.push_back(rangeText("a constant", operand.low, operand.high, 0));
    }
    return fault;
  }
  return std::nullopt;
}

bool findFaultByReference(Compilation &compilation, const Signature &signature,
                          const std::vector<io::Tensor> &inputs, bool f64,
                          std::optional<NumericFault> &fault, std::string &error) {
  fault = givenFault(compilation, signature, inputs);
  if (fault)
    return true;
  std::string file;
  if (auto f = compilation.module().lookupSymbol<func::FuncOp>(signature.name))
    file = fileOf(f.getLoc());
  std::map<Operation *, uint64_t> runs;
  auto observe = [&](Operation *op, llvm::ArrayRef<const RefTensor *> operands,
                     llvm::ArrayRef<const RefTensor *> results) {
    ++runs[op];
    if (movesOnly(op))
      return true;
    for (const RefTensor *result : results) {
      if (!result->isFloat())
        continue;
      Survey s = survey({result->shape.begin(), result->shape.end()}, result->floats);
      if (!s.count)
        continue;
      fault = faultOf(valueText(valueName(op->getLoc()).str(), op->getName().stripDialect().str()),
                      placeIn(op->getLoc(), file), s);
      fault->run = runs[op];
      for (auto [value, operand] : llvm::zip(op->getOperands(), operands))
        if (operand->isFloat()) {
          Survey o = survey({}, operand->floats);
          fault->operands.push_back(rangeText(valueName(value), o.low, o.high, o.nans));
        }
      return false;
    }
    return true;
  };
  auto executable = makeReferenceExecutable(compilation, f64, observe);
  std::vector<io::Tensor> outputs;
  return executable->call(signature.name, inputs, outputs, error) || fault;
}

std::string text(const NumericFault &fault) {
  std::string text = fault.value + " holds " + fault.found;
  if (!fault.index.empty()) {
    text += " at [";
    for (size_t i = 0; i < fault.index.size(); ++i)
      text += (i ? ", " : "") + std::to_string(fault.index[i]);
    text += "]";
  }
  if (fault.count > 1)
    text += ", the first of " + std::to_string(fault.count) + " such elements";
  if (fault.run > 1)
    text += ", when it runs for the " + std::to_string(fault.run) + ". time";
  if (!fault.place.empty())
    text += "\n  --> " + fault.place;
  for (const std::string &operand : fault.operands)
    text += "\nnote: " + operand;
  return text;
}

} // namespace mad
