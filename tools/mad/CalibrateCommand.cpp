//===- CalibrateCommand.cpp - mad calibrate -------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For each weight, the activations of all contractions with it: rows of channels,
// which are the dimensions that are summed over.
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/Exposed.h"
#include "tools/mad/Calls.h"
#include "tools/mad/Common.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>
#include <map>

namespace mad::tool {

namespace {

/// Statistics of the rows that one weight is contracted with, in f64.
struct Channels {
  int64_t count = 0; ///< of rows
  std::vector<double> sum, absmax, gram;

  /// Adds all rows of `x`, whose dimensions `channels` make one row.
  bool add(const io::Tensor &x, const std::vector<size_t> &channels, bool wantsGram,
           std::string &error);
};

} // namespace

static constexpr int64_t maxGram = 16384;

bool Channels::add(const io::Tensor &x, const std::vector<size_t> &channels, bool wantsGram,
                   std::string &error) {
  auto wide = x.convert(io::DType::F64);
  int64_t width = 1;
  for (size_t d : channels)
    width *= x.shape[d];
  if (!sum.empty() && int64_t(sum.size()) != width) {
    error = "it is contracted over " + std::to_string(sum.size()) + " channels in one place and " +
            std::to_string(width) + " in another";
    return false;
  }
  if (!wide || (wantsGram && width > maxGram)) {
    error = wide ? "its " + std::to_string(width) + " channels are too many for `--gram`"
                 : "there is no memory for its activations";
    return false;
  }
  sum.resize(width);
  absmax.resize(width);
  int64_t rows = width ? x.elements() / width : 0;
  // The position of each element as row and channel.
  std::vector<double> matrix(size_t(rows * width));
  for (int64_t i = 0, n = x.elements(); i < n; ++i) {
    int64_t rest = i, row = 0, channel = 0, rowStep = 1, channelStep = 1;
    for (size_t d = x.shape.size(); d-- > 0; rest /= x.shape[d]) {
      bool summed = llvm::is_contained(channels, d);
      int64_t &step = summed ? channelStep : rowStep;
      (summed ? channel : row) += rest % x.shape[d] * step;
      step *= x.shape[d];
    }
    matrix[size_t(row * width + channel)] = wide->as<double>()[i];
  }
  count += rows;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t k = 0; k < width; ++k) {
      double v = matrix[size_t(row * width + k)];
      sum[k] += v;
      absmax[k] = std::max(absmax[k], std::fabs(v));
    }
  if (!wantsGram)
    return true;
  gram.resize(size_t(width * width));
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t i = 0; i < width; ++i)
      for (int64_t j = 0; j < width; ++j)
        gram[size_t(i * width + j)] +=
            matrix[size_t(row * width + i)] * matrix[size_t(row * width + j)];
  return true;
}

static io::NamedTensor floats(const std::string &name, const std::vector<double> &values,
                              std::vector<int64_t> shape) {
  auto tensor = io::Tensor::make(io::DType::F32, std::move(shape));
  for (size_t i = 0; tensor && i < values.size(); ++i)
    tensor->as<float>()[i] = float(values[i]);
  return {name, tensor ? std::move(*tensor) : io::Tensor()};
}

static void describe(const std::string &name, Channels &c, bool gram,
                     std::vector<io::NamedTensor> &file) {
  auto count = io::Tensor::make(io::DType::I64, {});
  if (count)
    *count->as<int64_t>() = c.count;
  file.push_back({name + ".count", count ? std::move(*count) : io::Tensor()});
  int64_t width = int64_t(c.sum.size());
  for (double &s : c.sum)
    s = c.count ? s / double(c.count) : 0;
  file.push_back(floats(name + ".mean", c.sum, {width}));
  file.push_back(floats(name + ".absmax", c.absmax, {width}));
  if (gram)
    file.push_back(floats(name + ".gram", c.gram, {width, width}));
}

/// Runs the entry once; the activations are its last outputs.
static int measure(const Arguments &arguments, Compilation &compilation, const std::string &entry,
                   std::vector<io::Tensor> &outputs) {
  std::string error;
  int exit = Good;
  auto executable = makeExecutable(calibrateCommand(), arguments, compilation, exit);
  if (!executable)
    return exit;
  Dims dims;
  const Signature *signature = findEntry(executable->signatures(), entry, error);
  std::vector<std::string> words(arguments.words.begin() + 2, arguments.words.end());
  std::vector<io::Tensor> inputs;
  if (!signature || !readDims(arguments, dims, error) ||
      !readInputs(*signature, words, dims, inputs, error) ||
      !executable->call(entry, inputs, outputs, error))
    return fail(error);
  return Good;
}

static int run(const Arguments &arguments) {
  if (arguments.words.size() < 2 || !arguments.has("-o"))
    return usage(calibrateCommand(), "expected a file, an exported function and `-o FILE`");
  const std::string &entry = arguments.words[1];
  Compilation compilation;
  std::vector<ExposedContraction> contractions;
  std::string error;
  if (!compilation.load(arguments.words[0]))
    return report(compilation);
  if (!findEntry(compilation.signatures(), entry, error))
    return fail(error);
  if (!compilation.keep({entry}) || !compilation.exposeContractions(entry, contractions) ||
      !loadWeights(arguments, compilation))
    return report(compilation);
  if (contractions.empty())
    return fail("`" + entry + "` contracts nothing with a weight, outside of loops and branches");
  std::vector<io::Tensor> outputs;
  if (int exit = measure(arguments, compilation, entry, outputs))
    return exit;
  bool gram = arguments.has("--gram");
  std::map<std::string, Channels> weights;
  size_t first = outputs.size() - contractions.size();
  for (size_t i = 0; i < contractions.size(); ++i) {
    const ExposedContraction &c = contractions[i];
    if (!weights[c.weight].add(outputs[first + i], c.channels, gram, error))
      return fail(c.place + ": `" + c.weight + "` cannot be calibrated: " + error);
  }
  std::vector<io::NamedTensor> file;
  for (auto &[name, channels] : weights)
    describe(name, channels, gram, file);
  for (const io::NamedTensor &tensor : file)
    if (!tensor.tensor.data && tensor.tensor.bytes)
      return fail("there is no memory for the result");
  return save(arguments.get("-o"), file, error) ? Good : fail(error);
}

Command calibrateCommand() {
  return {"calibrate",
          "FILE.mad ENTRY name=VALUE ... -o FILE.npz",
          "runs an exported function and records what its weights are contracted with, for\n"
          "  functions of weights",
          {{"-o", "FILE", "where the statistics go: .npz or .safetensors"},
           {"--gram", "", "also the sums of products of channels, X^T X"},
           {"--target", "jit|ref|ref64", "what runs the function, as for `mad run`"},
           {"--dim", "NAME=SIZE", "size of a dimension, for zero and random"},
           {"--weights", "FILE", "reads all weights from this file"}},
          run};
}

} // namespace mad::tool
