//===- TunedProduct.cpp - Measures a product of matrices ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/mad/TunedProduct.h"
#include "passes/Driver/Compilation.h"
#include "runtime/io/TensorFile.h"
#include "runtime/jit/Jit.h"
#include "runtime/mad.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>

namespace mad::tool {
namespace {

/// Rows, steps, columns: small ones, such as layers have, and large.
struct Shape {
  int64_t m, k, n;
};
constexpr Shape all[] = {{64, 64, 64}, {128, 384, 1536}, {256, 256, 256}, {512, 768, 1000}};
constexpr size_t fewShapes = 3;

/// Runs of each in turn, and seconds of one run.
constexpr int turns = 5;
constexpr double runTime = 5e-3;

double now() {
  timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

class Product final : public TunedProduct {
public:
  ~Product() override {
    mad_context_destroy(context);
    mad_module_destroy(module);
  }
  bool compile(const kernels::TileTable &table, unsigned bits, std::string &error);
  bool allocate(unsigned bits, bool quick, std::string &error);
  size_t sizes() const override { return problems.size(); }
  double seconds(size_t size) override;
  double operations(size_t size) const override {
    const Shape &s = all[size];
    return 2.0 * double(s.m) * double(s.k) * double(s.n);
  }

private:
  struct Problem {
    std::array<io::Tensor, 3> tensors; ///< both factors, and the product
    int64_t count = 1;                 ///< calls of one run
  };
  void call(Problem &problem);

  std::unique_ptr<Jit> jit;
  mad_module *module = nullptr;
  mad_context *context = nullptr;
  mad_dtype dtype = MAD_F32;
  std::vector<Problem> problems;
};

bool Product::compile(const kernels::TileTable &table, unsigned bits, std::string &error) {
  dtype = bits == 64 ? MAD_F64 : MAD_F32;
  const std::string type = "f" + std::to_string(bits), path = "product.mad";
  Compilation compilation;
  compilation.provide(path, "export fn product[M, K, N](x: " + type + "[M, K], w: " + type +
                                "[K, N]) -> " + type + "[M, N] { x @ w }\n");
  compilation.useTiles(table.level, kernels::text(table));
  if (compilation.load(path))
    jit = compilation.jit("product");
  if (!jit) {
    error = "the product cannot be compiled:\n" + compilation.messages();
    return false;
  }
  mad_error e;
  if (mad_module_create(jit->artifact(), &module, &e) == MAD_OK &&
      mad_context_create(module, &context, &e) == MAD_OK &&
      mad_context_set_threads(context, 1) == MAD_OK)
    return true;
  error = context ? mad_context_message(context) : e.message;
  return false;
}

bool Product::allocate(unsigned bits, bool quick, std::string &error) {
  io::DType type = bits == 64 ? io::DType::F64 : io::DType::F32;
  for (const Shape &s : llvm::ArrayRef(all).take_front(quick ? fewShapes : std::size(all))) {
    Problem problem;
    const int64_t shapes[3][2] = {{s.m, s.k}, {s.k, s.n}, {s.m, s.n}};
    for (auto [tensor, shape] : llvm::zip(problem.tensors, shapes)) {
      auto made = io::Tensor::make(type, {shape[0], shape[1]});
      if (!made) {
        error = "no memory for a matrix of " + std::to_string(shape[0]) + " x " +
                std::to_string(shape[1]);
        return false;
      }
      // Small numbers: the speed of products does not depend on them.
      for (int64_t i = 0; i < shape[0] * shape[1]; ++i)
        if (bits == 64)
          static_cast<double *>(made->data.get())[i] = double(i % 7) - 3;
        else
          static_cast<float *>(made->data.get())[i] = float(i % 7) - 3;
      tensor = std::move(*made);
    }
    problems.push_back(std::move(problem));
  }
  for (Problem &problem : problems) {
    call(problem);
    const double begin = now();
    call(problem);
    problem.count = std::max<int64_t>(1, int64_t(runTime / std::max(now() - begin, 1e-7)));
  }
  return true;
}

void Product::call(Problem &problem) {
  std::array<mad_tensor, 3> t;
  for (auto [made, tensor] : llvm::zip(t, problem.tensors))
    made = {tensor.data.get(), tensor.shape.data(), 2, dtype};
  mad_entry_call(context, 0, t.data(), 2, &t[2], 1);
}

double Product::seconds(size_t size) {
  Problem &problem = problems[size];
  const double begin = now();
  for (int64_t i = 0; i < problem.count; ++i)
    call(problem);
  return (now() - begin) / double(problem.count);
}

/// Twelve sums that do not wait for each other, of `width` bytes. Each is a variable, so that
/// it is in a register however the tool is compiled.
#define MAD_ALL(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)
#define MAD_START(i) Vector s##i = x;
#define MAD_STEP(i) s##i = s##i * x + y;
#define MAD_END(i) out[0] += s##i[0];
#define MAD_PEAK(name, T, width, features)                                                         \
  __attribute__((noinline, target(features))) double name(int64_t rounds, T *out) {                \
    typedef T Vector __attribute__((vector_size(width)));                                          \
    Vector x = {}, y = {};                                                                         \
    for (size_t i = 0; i < (width) / sizeof(T); ++i)                                               \
      x[i] = out[0], y[i] = out[1];                                                                \
    MAD_ALL(MAD_START)                                                                             \
    for (int64_t i = 0; i < rounds; ++i) {                                                         \
      MAD_ALL(MAD_STEP)                                                                            \
    }                                                                                              \
    MAD_ALL(MAD_END)                                                                               \
    return 2.0 * 12 * double(rounds) * ((width) / sizeof(T));                                      \
  }
// At file scope, which is the only place for it.
#pragma clang fp contract(fast)
MAD_PEAK(peakF32, float, 16, "sse2")
MAD_PEAK(peakF64, double, 16, "sse2")
MAD_PEAK(peakF32v3, float, 32, "avx2,fma")
MAD_PEAK(peakF64v3, double, 32, "avx2,fma")
MAD_PEAK(peakF32v4, float, 64, "avx512f")
MAD_PEAK(peakF64v4, double, 64, "avx512f")
#undef MAD_PEAK
#undef MAD_END
#undef MAD_STEP
#undef MAD_START
#undef MAD_ALL

template <typename T> double rateOf(double (*loop)(int64_t, T *)) {
  double best = 0;
  for (int i = 0; i < 7; ++i) {
    T out[2] = {T(1), T(0)};
    const double begin = now(), done = loop(1000000, out);
    best = std::max(best, done / std::max(now() - begin, 1e-9));
  }
  return 1e-9 * best;
}

} // namespace

PeakRate::PeakRate(int level)
    : f32(rateOf<float>(level >= 4   ? peakF32v4
                        : level >= 3 ? peakF32v3
                                     : peakF32)),
      f64(rateOf<double>(level >= 4   ? peakF64v4
                         : level >= 3 ? peakF64v3
                                      : peakF64)) {}

double Rates::mean() const {
  double sum = 0;
  for (double rate : each)
    sum += std::log(rate);
  return each.empty() ? 0 : std::exp(sum / double(each.size()));
}

std::string productNames(bool quick) {
  std::string text;
  for (const Shape &s : llvm::ArrayRef(all).take_front(quick ? fewShapes : std::size(all)))
    text += (text.empty() ? "" : ", ") + std::to_string(s.m) + "x" + std::to_string(s.k) + "x" +
            std::to_string(s.n);
  return text;
}

std::unique_ptr<TunedProduct> TunedProduct::make(const kernels::TileTable &table, unsigned bits,
                                                 bool quick, std::string &error) {
  auto product = std::make_unique<Product>();
  if (!product->compile(table, bits, error) || !product->allocate(bits, quick, error))
    return nullptr;
  return product;
}

std::pair<Rates, Rates> measureInTurns(TunedProduct &x, TunedProduct &y) {
  std::pair<Rates, Rates> rates;
  for (size_t size = 0; size < x.sizes(); ++size) {
    std::vector<double> ofX, ofY;
    for (int turn = 0; turn < turns; ++turn) {
      ofX.push_back(x.seconds(size));
      ofY.push_back(y.seconds(size));
    }
    rates.first.each.push_back(1e-9 * x.operations(size) / median(ofX));
    rates.second.each.push_back(1e-9 * y.operations(size) / median(ofY));
  }
  return rates;
}

} // namespace mad::tool
