//===- CalibrateCommand.cpp - mad calibrate -------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For each weight, the activations of all contractions with it: rows of channels,
// which are the dimensions that are summed over.
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Threads.h"
#include "dialects/Mad/IR/RefTensor.h"
#include "passes/Driver/Contractions.h"
#include "tools/mad/Calls.h"
#include "tools/mad/Common.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>
#include <map>

namespace mad::tool {

namespace {

/// Statistics of the rows that one weight, or one layer of it, is contracted with, in f64.
struct Channels {
  int64_t count = 0; ///< of rows
  std::vector<double> sum, absmax;
  std::vector<double> gram; ///< only its upper half is set

  /// Adds all rows of `x`, whose dimensions `channels` make one row.
  bool add(llvm::ArrayRef<int64_t> shape, const double *x, const std::vector<size_t> &channels,
           bool wantsGram, std::string &error);
};

/// Of one weight.
struct Measured {
  std::map<std::optional<int64_t>, Channels> layers; ///< one without a number: of all of it
  int64_t leading = 0;                               ///< how many layers there are
  std::string axes;                                  ///< where in the weight the channels lie

  bool add(const ExposedContraction &c, llvm::ArrayRef<int64_t> shape, const double *x,
           bool wantsGram, std::string &error);
};

} // namespace

static constexpr int64_t maxGram = 16384;

/// Adds the upper half of X^T X. Each element is a sum in the order of the rows.
static void addProducts(const double *x, int64_t rows, int64_t width, double *gram) {
  constexpr int64_t tile = 32;
  lut::inThreads((width + tile - 1) / tile, [&](int64_t number) {
    for (int64_t first = 0; first < rows; first += 8)
      for (int64_t i = number * tile; i < std::min(width, (number + 1) * tile); ++i)
        for (int64_t row = first; row < std::min(rows, first + 8); ++row) {
          double factor = x[row * width + i];
          for (int64_t j = i; j < width; ++j)
            gram[i * width + j] += factor * x[row * width + j];
        }
  });
}

bool Channels::add(llvm::ArrayRef<int64_t> shape, const double *x,
                   const std::vector<size_t> &channels, bool wantsGram, std::string &error) {
  int64_t width = 1, elements = 1;
  for (size_t d : channels)
    width *= shape[d];
  for (int64_t extent : shape)
    elements *= extent;
  if (wantsGram && width > maxGram) {
    error = "its " + std::to_string(width) + " channels are too many for `--gram`";
    return false;
  }
  sum.resize(width);
  absmax.resize(width);
  int64_t rows = width ? elements / width : 0;
  // The position of each element as row and channel.
  std::vector<double> matrix(size_t(rows * width));
  for (int64_t i = 0; i < elements; ++i) {
    int64_t rest = i, row = 0, channel = 0, rowStep = 1, channelStep = 1;
    for (size_t d = shape.size(); d-- > 0; rest /= shape[d]) {
      bool summed = llvm::is_contained(channels, d);
      int64_t &step = summed ? channelStep : rowStep;
      (summed ? channel : row) += rest % shape[d] * step;
      step *= shape[d];
    }
    matrix[size_t(row * width + channel)] = x[i];
  }
  count += rows;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t k = 0; k < width; ++k) {
      double v = matrix[size_t(row * width + k)];
      sum[k] += v;
      // NaN stays.
      if (std::isnan(v) || std::fabs(v) > absmax[k])
        absmax[k] = std::fabs(v);
    }
  if (!wantsGram)
    return true;
  gram.resize(size_t(width * width));
  addProducts(matrix.data(), rows, width, gram.data());
  return true;
}

bool Measured::add(const ExposedContraction &c, llvm::ArrayRef<int64_t> shape, const double *x,
                   bool wantsGram, std::string &error) {
  std::string where = c.place + ": `" + c.weight + "` cannot be calibrated: ";
  if (!layers.empty() && layers.begin()->first.has_value() != c.layer.has_value()) {
    error = where + "one layer of it is contracted in one place and all of it in another";
    return false;
  }
  int64_t width = 1;
  for (size_t d : c.channels)
    width *= shape[d];
  if (!layers.empty() && int64_t(layers.begin()->second.sum.size()) != width) {
    error = where + "it is contracted over " + std::to_string(layers.begin()->second.sum.size()) +
            " channels in one place and " + std::to_string(width) + " in another";
    return false;
  }
  if (!layers.empty() && axes != c.axes) {
    error = where + "its channels are another dimension, or another part of one, elsewhere";
    return false;
  }
  leading = c.layers;
  axes = c.axes;
  if (layers[c.layer].add(shape, x, c.channels, wantsGram, error))
    return true;
  error = where + error;
  return false;
}

static io::NamedTensor floats(const std::string &name, const std::vector<double> &values,
                              std::vector<int64_t> shape) {
  auto tensor = io::Tensor::make(io::DType::F32, std::move(shape));
  for (size_t i = 0; tensor && i < values.size(); ++i)
    tensor->as<float>()[i] = float(values[i]);
  return {name, tensor ? std::move(*tensor) : io::Tensor()};
}

/// Layers that are contracted nowhere have a count of 0, and zeros.
static void describe(const std::string &name, Measured &measured, bool gram,
                     std::vector<io::NamedTensor> &file) {
  bool layered = measured.layers.begin()->first.has_value();
  int64_t layers = layered ? measured.leading : 1;
  int64_t width = int64_t(measured.layers.begin()->second.sum.size());
  std::vector<int64_t> lead;
  if (layered)
    lead = {layers};
  auto count = io::Tensor::make(io::DType::I64, lead);
  std::vector<double> mean(size_t(layers * width)), absmax(mean.size()), products;
  products.resize(gram ? size_t(layers * width * width) : 0);
  for (auto &[layer, c] : measured.layers) {
    int64_t at = layer.value_or(0);
    if (count)
      count->as<int64_t>()[at] = c.count;
    for (int64_t k = 0; k < width; ++k)
      mean[size_t(at * width + k)] = c.count ? c.sum[k] / double(c.count) : 0;
    llvm::copy(c.absmax, absmax.begin() + at * width);
    llvm::copy(c.gram, products.begin() + at * width * width);
    for (int64_t i = 0; gram && i < width; ++i)
      for (int64_t j = 0; j < i; ++j)
        products[size_t((at * width + i) * width + j)] = c.gram[size_t(j * width + i)];
  }
  std::vector<int64_t> channels = lead, square = lead;
  channels.push_back(width);
  square.insert(square.end(), 2, width);
  file.push_back({name + ".count", count ? std::move(*count) : io::Tensor()});
  file.push_back(floats(name + ".mean", mean, channels));
  file.push_back(floats(name + ".absmax", absmax, channels));
  if (gram)
    file.push_back(floats(name + ".gram", products, square));
}

using AllMeasured = std::map<std::string, Measured>;

/// Runs the entry once; the activations are its last outputs.
static int measureExposed(const Arguments &arguments, Compilation &compilation,
                          const std::string &entry, const std::vector<io::Tensor> &inputs,
                          const std::vector<ExposedContraction> &contractions,
                          AllMeasured &weights) {
  std::string error;
  int exit = Good;
  auto executable = makeExecutable(calibrateCommand(), arguments, compilation, exit);
  if (!executable)
    return exit;
  std::vector<io::Tensor> outputs;
  if (!executable->call(entry, inputs, outputs, error))
    return fail(error);
  size_t first = outputs.size() - contractions.size();
  for (size_t i = 0; i < contractions.size(); ++i) {
    const io::Tensor &x = outputs[first + i];
    auto wide = x.convert(io::DType::F64);
    if (!wide)
      return fail("there is no memory for the activations");
    if (!weights[contractions[i].weight].add(contractions[i], x.shape, wide->as<double>(),
                                             arguments.has("--gram"), error))
      return fail(error);
  }
  return Good;
}

/// Loops and branches are watched from outside, by the interpreter.
static int measureNested(const Arguments &arguments, Compilation &compilation,
                         const std::string &entry, const std::vector<io::Tensor> &inputs,
                         AllMeasured &weights) {
  std::string error;
  int exit = Good;
  if (arguments.get("--target", "jit") != "jit" &&
      !makeExecutable(calibrateCommand(), arguments, compilation, exit))
    return exit;
  auto see = [&](const ExposedContraction &c, const RefTensor &x) {
    std::vector<double> wide(x.integers.begin(), x.integers.end());
    return weights[c.weight].add(c, x.shape, x.isFloat() ? x.floats.data() : wide.data(),
                                 arguments.has("--gram"), error);
  };
  bool good = contractionsByReference(compilation, entry, inputs,
                                      arguments.get("--target") == "ref64", see, error);
  return good ? Good : fail(error);
}

static bool readCall(const Arguments &arguments, const Compilation &compilation,
                     std::vector<io::Tensor> &inputs, std::string &error) {
  Dims dims;
  std::vector<Signature> signatures = compilation.signatures();
  const Signature *signature = findEntry(signatures, arguments.words[1], error);
  std::vector<std::string> words(arguments.words.begin() + 2, arguments.words.end());
  return signature && readDims(arguments, dims, error) &&
         readInputs(*signature, words, dims, inputs, error);
}

static int run(const Arguments &arguments) {
  if (arguments.words.size() < 2 || !arguments.has("-o"))
    return usage(calibrateCommand(), "expected a file, an exported function and `-o FILE`");
  std::string error;
  if (!canSave(arguments.get("-o"), error))
    return fail(error);
  const std::string &entry = arguments.words[1];
  Compilation compilation;
  compilation.useRewriting(false); // what is measured is the program as it was written
  compilation.useCalibration(false);
  std::vector<ExposedContraction> contractions;
  bool nested = false;
  if (!compilation.load(arguments.words[0]))
    return report(compilation);
  if (!findEntry(compilation.signatures(), entry, error))
    return fail(error);
  if (!compilation.keep({entry}) || !compilation.exposeContractions(entry, contractions, nested) ||
      !loadWeights(arguments, compilation))
    return report(compilation);
  if (contractions.empty())
    return fail("`" + entry + "` contracts nothing with a weight");
  std::vector<io::Tensor> inputs;
  if (!readCall(arguments, compilation, inputs, error))
    return fail(error);
  AllMeasured weights;
  int exit = nested ? measureNested(arguments, compilation, entry, inputs, weights)
                    : measureExposed(arguments, compilation, entry, inputs, contractions, weights);
  if (exit)
    return exit;
  std::vector<io::NamedTensor> file;
  for (auto &[name, measured] : weights)
    describe(name, measured, arguments.has("--gram"), file);
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
