//===- VectorizeLoopsTest.cpp - Vector loops against scalar loops -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each op is compiled twice, by the pass and by convert-linalg-to-loops, and run on
// sizes around those of the vectors and tiles.
//
//===----------------------------------------------------------------------===//
#include "test/unit/Transforms/Harness.h"
#include <array>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <random>

using namespace mad::test;

namespace {

using Shape = std::vector<int64_t>;

/// An op on up to four f32 arrays, the last of them in and out.
struct Case {
  const char *name;
  std::string ir; ///< of the function
  std::function<std::vector<Shape>(int64_t, int64_t, int64_t)> shapes;
  double tolerance = 0; ///< relative to the largest element; 0: the same bits
};

std::string type(int rank) {
  std::string result = "memref<";
  for (int i = 0; i < rank; ++i)
    result += "?x";
  return result + "f32>";
}

/// One generic. `maps`: results of the map of each array, the output last.
std::string generic(const std::string &name, const std::string &dims,
                    const std::vector<std::string> &maps, const std::string &kinds,
                    const std::string &body) {
  std::string parameters, ins, inTypes, indexing, arguments, iterators;
  std::string outType;
  for (size_t i = 0; i < maps.size(); ++i) {
    int rank = maps[i].empty() ? 0 : 1 + std::count(maps[i].begin(), maps[i].end(), ',');
    std::string comma = i ? ", " : "", v = "%m" + std::to_string(i);
    parameters += comma + v + ": " + type(rank);
    indexing += comma + "affine_map<(" + dims + ") -> (" + maps[i] + ")>";
    if (i + 1 == maps.size()) {
      outType = v + " : " + type(rank);
      arguments += comma + "%o: f32";
      continue;
    }
    ins += comma + v;
    inTypes += comma + type(rank);
    arguments += comma + std::string("%") + char('a' + i) + ": f32";
  }
  for (char kind : kinds)
    iterators += std::string(iterators.empty() ? "" : ", ") +
                 (kind == 'p' ? "\"parallel\"" : "\"reduction\"");
  return "func.func @" + name + "(" + parameters + ") {\n" +
         "%zero = arith.constant 0.0 : f32\n%c0 = arith.constant 0 : index\n"
         "%c1 = arith.constant 1 : index\n" +
         "linalg.generic {indexing_maps = [" + indexing + "], iterator_types = [" + iterators +
         "]}" + (ins.empty() ? "" : " ins(" + ins + " : " + inTypes + ")") + " outs(" + outType +
         ") {\n^bb0(" + arguments + "):\n" + body + "}\nreturn\n}\n";
}

const char *const multiplyAdd = R"(
  %p = arith.mulf %a, %b fastmath<reassoc, contract> : f32
  %r = arith.addf %o, %p fastmath<reassoc, contract> : f32
  linalg.yield %r : f32
)";

/// A read of %m0 at (i + dy, j + dx) with a rule for what lies outside.
std::string neighbour(const std::string &rule, int number, int dy, int dx) {
  std::string n = std::to_string(number), result, inside;
  for (int k = 0; k < 2; ++k) {
    std::string s = n + "_" + std::to_string(k), dim = std::to_string(k);
    result += "%d" + s + " = memref.dim %m0, %c" + dim + " : memref<?x?xf32>\n%i" + s +
              " = linalg.index " + dim + " : index\n%c" + s + " = arith.constant " +
              std::to_string(k == 0 ? dy : dx) + " : index\n%p" + s + " = arith.addi %i" + s +
              ", %c" + s + " : index\n";
    if (rule == "periodic") {
      result += "%r" + s + " = arith.remsi %p" + s + ", %d" + s + " : index\n%u" + s +
                " = arith.addi %r" + s + ", %d" + s + " : index\n%n" + s + " = arith.cmpi slt, %r" +
                s + ", %c0 : index\n%q" + s + " = arith.select %n" + s + ", %u" + s + ", %r" + s +
                " : index\n";
      continue;
    }
    result += "%f" + s + " = arith.cmpi ult, %p" + s + ", %d" + s + " : index\n%e" + s +
              " = arith.subi %d" + s + ", %c1 : index\n%l" + s + " = arith.maxsi %p" + s +
              ", %c0 : index\n%q" + s + " = arith.minsi %l" + s + ", %e" + s + " : index\n";
  }
  result += "%v" + n + " = memref.load %m0[%q" + n + "_0, %q" + n + "_1] : memref<?x?xf32>\n";
  if (rule == "zero")
    result += "%g" + n + " = arith.andi %f" + n + "_0, %f" + n + "_1 : i1\n%w" + n +
              " = arith.select %g" + n + ", %v" + n + ", %zero : f32\n";
  return result;
}

std::string stencil(const std::string &rule) {
  std::string v = rule == "zero" ? "%w" : "%v";
  return neighbour(rule, 0, 0, 1) + neighbour(rule, 1, 0, -2) + neighbour(rule, 2, 1, 0) +
         "%s = arith.addf " + v + "0, " + v + "1 : f32\n%t = arith.addf %s, " + v +
         "2 : f32\n%x = arith.addf %t, %a : f32\nlinalg.yield %x : f32\n";
}

std::vector<Case> cases() {
  auto square = [](int64_t n, int64_t m, int64_t) { return std::vector<Shape>{{n, m}, {n, m}}; };
  std::string sum = "%r = arith.addf %o, %a fastmath<reassoc> : f32\nlinalg.yield %r : f32\n";
  std::string max = "%r = arith.maximumf %o, %a : f32\nlinalg.yield %r : f32\n";
  std::vector<Case> result{
      {"chain",
       generic("chain", "i, j", {"i, j", "i, j", "i, j"}, "pp",
               "%p = arith.mulf %a, %b fastmath<contract> : f32\n"
               "%r = arith.subf %p, %o fastmath<contract> : f32\nlinalg.yield %r : f32\n"),
       [](int64_t n, int64_t m, int64_t) { return std::vector<Shape>{{n, m}, {n, m}, {n, m}}; }},
      {"bias",
       generic("bias", "i, j", {"i, j", "j", "i", "i, j"}, "pp",
               "%s = arith.addf %a, %b : f32\n%r = arith.divf %s, %c : f32\n"
               "linalg.yield %r : f32\n"),
       [](int64_t n, int64_t m, int64_t) { return std::vector<Shape>{{n, m}, {m}, {n}, {n, m}}; }},
      {"gelu",
       generic("gelu", "i, j", {"i, j", "i, j"}, "pp",
               "%r = math.tanh %a : f32\nlinalg.yield %r : f32\n"),
       square},
      {"transposed",
       generic("transposed", "i, j", {"j, i", "i, j", "i, j"}, "pp",
               "%r = arith.subf %a, %b : f32\nlinalg.yield %r : f32\n"),
       [](int64_t n, int64_t m, int64_t) { return std::vector<Shape>{{m, n}, {n, m}, {n, m}}; }},
      {"diagonal", generic("diagonal", "i", {"i, i", "i"}, "p", "linalg.yield %a : f32\n"),
       [](int64_t n, int64_t, int64_t) { return std::vector<Shape>{{n, n}, {n}}; }},
      {"reversed",
       generic("reversed", "i, j", {"i, j"}, "pp",
               "%i = linalg.index 0 : index\n%j = linalg.index 1 : index\n"
               "%x = arith.subi %i, %j : index\n%y = arith.index_cast %x : index to i32\n"
               "%r = arith.sitofp %y : i32 to f32\nlinalg.yield %r : f32\n"),
       [](int64_t n, int64_t m, int64_t) { return std::vector<Shape>{{n, m}}; }},
      {"product", generic("product", "t, m, k", {"t, k", "k, m", "t, m"}, "ppr", multiplyAdd),
       [](int64_t n, int64_t m, int64_t k) { return std::vector<Shape>{{n, k}, {k, m}, {n, m}}; },
       1e-5},
      {"productT", generic("productT", "t, m, k", {"t, k", "m, k", "t, m"}, "ppr", multiplyAdd),
       [](int64_t n, int64_t m, int64_t k) { return std::vector<Shape>{{n, k}, {m, k}, {n, m}}; },
       1e-5},
      {"intoTransposed",
       generic("intoTransposed", "m, t, k", {"t, k", "k, m", "m, t"}, "ppr", multiplyAdd),
       [](int64_t n, int64_t m, int64_t k) { return std::vector<Shape>{{n, k}, {k, m}, {m, n}}; },
       1e-5},
      {"convolution",
       generic("convolution", "c, y, x, i, v, u", {"i, y + v, x + u", "c, i, v, u", "c, y, x"},
               "ppprrr", multiplyAdd),
       [](int64_t n, int64_t m, int64_t k) {
         int64_t h = n % 7 + 1, c = k % 9 + 1;
         return std::vector<Shape>{{3, h + 1, m + 2}, {c, 3, 2, 3}, {c, h, m}};
       },
       1e-5},
      {"pool",
       generic("pool", "y, x, v, u", {"2 * y + v, 2 * x + u", "v, u", "y, x"}, "pprr",
               "%s = arith.addf %a, %b : f32\n%r = arith.maximumf %o, %s : f32\n"
               "linalg.yield %r : f32\n"),
       [](int64_t n, int64_t m, int64_t) {
         int64_t h = n % 7 + 1;
         return std::vector<Shape>{{2 * h, 2 * m}, {2, 2}, {h, m}};
       }},
      {"rowSum", generic("rowSum", "i, j", {"i, j", "i"}, "pr", sum),
       [](int64_t n, int64_t m, int64_t) { return std::vector<Shape>{{n, m}, {n}}; }, 1e-5},
      {"columnSum", generic("columnSum", "i, j", {"i, j", "j"}, "rp", sum),
       [](int64_t n, int64_t m, int64_t) { return std::vector<Shape>{{n, m}, {m}}; }},
      {"total", generic("total", "i, j", {"i, j", ""}, "rr", sum),
       [](int64_t n, int64_t m, int64_t) { return std::vector<Shape>{{n, m}, {}}; }, 1e-5},
      {"strictSum",
       generic("strictSum", "i", {"i", ""}, "r",
               "%r = arith.addf %o, %a : f32\nlinalg.yield %r : f32\n"),
       [](int64_t n, int64_t, int64_t) { return std::vector<Shape>{{n}, {}}; }},
      {"rowMax", generic("rowMax", "i, j", {"i, j", "i"}, "pr", max),
       [](int64_t n, int64_t m, int64_t) { return std::vector<Shape>{{n, m}, {n}}; }},
      {"logSum",
       generic("logSum", "i, j", {"i, j", "i", "i"}, "pr",
               "%s = arith.subf %a, %b : f32\n%e = math.exp %s : f32\n"
               "%r = arith.addf %o, %e fastmath<reassoc, contract> : f32\n"
               "linalg.yield %r : f32\n"),
       [](int64_t n, int64_t m, int64_t) { return std::vector<Shape>{{n, m}, {n}, {n}}; }, 1e-5},
  };
  for (const char *rule : {"zero", "clamp", "periodic"})
    result.push_back({rule, generic(rule, "i, j", {"i, j", "i, j"}, "pp", stencil(rule)), square});
  return result;
}

class VectorizeLoops : public testing::TestWithParam<int> {
protected:
  std::mt19937 random{1};

  Array<float> filled(const Shape &shape) {
    Array<float> result(shape);
    std::uniform_real_distribution<float> uniform(-1, 1);
    for (float &x : result.data)
      x = uniform(random);
    return result;
  }

  std::string pass() const {
    return "mad-vectorize-loops{level=" + std::to_string(GetParam()) + "}";
  }
};

void call(Code &code, const char *name, std::vector<Array<float>> &a) {
  if (a.size() == 1)
    code.call(name, a[0]);
  else if (a.size() == 2)
    code.call(name, a[0], a[1]);
  else if (a.size() == 3)
    code.call(name, a[0], a[1], a[2]);
  else
    code.call(name, a[0], a[1], a[2], a[3]);
}

TEST_P(VectorizeLoops, ComputesWhatScalarLoopsDo) {
  std::string ir;
  std::vector<Case> all = cases();
  for (const Case &c : all)
    ir += c.ir;
  auto vectors = Code::compile(ir, pass(), GetParam()), scalars = Code::compile(ir, "", GetParam());
  ASSERT_TRUE(vectors && scalars);
  const int64_t sizes[][3] = {{1, 1, 1},   {2, 3, 5},    {5, 8, 9},    {7, 17, 16},
                              {12, 33, 4}, {13, 64, 31}, {49, 47, 64}, {100, 19, 300},
                              {3, 130, 8}, {1, 200, 40}, {0, 5, 3},    {4, 0, 2}};
  for (const Case &c : all)
    for (auto [n, m, k] : sizes) {
      std::vector<Array<float>> x;
      for (const Shape &shape : c.shapes(n, m, k))
        x.push_back(filled(shape));
      auto y = x;
      call(*vectors, c.name, x);
      call(*scalars, c.name, y);
      double scale = 0, distance = 0;
      for (size_t i = 0; i < y.back().data.size(); ++i) {
        scale = std::max<double>(scale, std::fabs(y.back().data[i]));
        double d = std::fabs(x.back().data[i] - y.back().data[i]);
        distance = d <= distance ? distance : d;
      }
      EXPECT_LE(distance, c.tolerance * scale) << c.name << " " << n << " " << m << " " << k;
    }
}

/// Threads split an op by its rows; what a row gives must not depend on that.
TEST_P(VectorizeLoops, GivesEachRowTheSameBitsAlone) {
  std::string ir =
      generic("product", "t, m, k", {"t, k", "k, m", "t, m"}, "ppr", multiplyAdd) +
      generic("productT", "t, m, k", {"t, k", "m, k", "t, m"}, "ppr", multiplyAdd) +
      generic("chain", "i, j, k", {"i, k", "j, k", "i, j, k"}, "ppp",
              "%p = arith.mulf %a, %b fastmath<contract> : f32\n"
              "%r = arith.addf %p, %o fastmath<contract> : f32\nlinalg.yield %r : f32\n");
  auto code = Code::compile(ir, pass(), GetParam());
  ASSERT_TRUE(code);
  for (const char *name : {"product", "productT", "chain"})
    for (auto [n, m, k] : {std::array<int64_t, 3>{49, 45, 300},
                           {100, 130, 9},
                           {5, 21, 64},
                           {137, 45, 2100},
                           {3, 45, 2100}}) {
      bool transposed = name == std::string("productT"), chain = name == std::string("chain");
      if (chain && k > 1000)
        continue;
      Array<float> x = filled({n, k}), w = filled(transposed || chain ? Shape{m, k} : Shape{k, m});
      Array<float> y = filled(chain ? Shape{n, m, k} : Shape{n, m}), all = y;
      code->call(name, x, w, all);
      int64_t size = all.data.size() / n;
      for (int64_t row = 0; row < n; ++row) {
        Array<float> one({1, k}), result(chain ? Shape{1, m, k} : Shape{1, m});
        std::copy_n(x.data.begin() + row * k, k, one.data.begin());
        std::copy_n(y.data.begin() + row * size, size, result.data.begin());
        code->call(name, one, w, result);
        EXPECT_TRUE(
            std::equal(result.data.begin(), result.data.end(), all.data.begin() + row * size))
            << name << " " << n << " " << m << " " << k << " row " << row;
      }
    }
}

TEST_P(VectorizeLoops, KeepsNanOfMaximum) {
  std::string ir = generic("rowMax", "i, j", {"i, j", "i"}, "pr",
                           "%r = arith.maximumf %o, %a : f32\nlinalg.yield %r : f32\n");
  auto code = Code::compile(ir, pass(), GetParam());
  ASSERT_TRUE(code);
  for (int64_t n : {1, 7, 8, 40, 77})
    for (int64_t at : {int64_t(0), n / 2, n - 1}) {
      Array<float> x({2, n}, -3.0f), y({2}, -INFINITY);
      x.data[at] = NAN;
      code->call("rowMax", x, y);
      EXPECT_TRUE(std::isnan(y.data[0])) << n << " " << at;
      EXPECT_EQ(y.data[1], -3.0f) << n << " " << at;
    }
}

TEST_P(VectorizeLoops, MixesElementTypes) {
  std::string ir = R"(
    func.func @mixed(%x: memref<?xi8>, %y: memref<?xf32>, %z: memref<?xf64>) {
      linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>,
                                       affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
          ins(%x, %y : memref<?xi8>, memref<?xf32>) outs(%z : memref<?xf64>) {
      ^bb0(%a: i8, %b: f32, %o: f64):
        %c = arith.sitofp %a : i8 to f64
        %d = arith.extf %b : f32 to f64
        %r = arith.mulf %c, %d : f64
        linalg.yield %r : f64
      }
      return
    })";
  auto code = Code::compile(ir, pass(), GetParam());
  ASSERT_TRUE(code);
  Array<int8_t> x({37});
  Array<float> y({37});
  Array<double> z({37});
  for (int i = 0; i < 37; ++i) {
    x.data[i] = static_cast<int8_t>(7 * i - 100);
    y.data[i] = 0.1f * i;
  }
  code->call("mixed", x, y, z);
  for (int i = 0; i < 37; ++i)
    EXPECT_EQ(z.data[i], double(x.data[i]) * double(y.data[i])) << i;
}

TEST_P(VectorizeLoops, FindsTheFirstOfTheLargest) {
  std::string ir = R"(
    func.func @argmax(%x: memref<?x?xf32>, %best: memref<?xf32>, %at: memref<?xi64>) {
      linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>,
                                       affine_map<(i, j) -> (j)>],
                      iterator_types = ["reduction", "parallel"]}
          ins(%x : memref<?x?xf32>) outs(%best, %at : memref<?xf32>, memref<?xi64>) {
      ^bb0(%a: f32, %o: f32, %p: i64):
        %i = linalg.index 0 : index
        %n = arith.index_cast %i : index to i64
        %c = arith.cmpf ogt, %a, %o : f32
        %r = arith.select %c, %a, %o : f32
        %s = arith.select %c, %n, %p : i64
        linalg.yield %r, %s : f32, i64
      }
      return
    })";
  auto code = Code::compile(ir, pass(), GetParam());
  ASSERT_TRUE(code);
  Array<float> x({50, 21}), best({21}, -INFINITY);
  Array<int64_t> at({21}, -1);
  for (int64_t i = 0; i < 50; ++i)
    for (int64_t j = 0; j < 21; ++j)
      x.data[i * 21 + j] = static_cast<float>((i * 7 + j) % 23);
  code->call("argmax", x, best, at);
  for (int64_t j = 0; j < 21; ++j) {
    int64_t first = 0;
    while ((first * 7 + j) % 23 != 22)
      ++first;
    EXPECT_EQ(at.data[j], first) << j;
    EXPECT_EQ(best.data[j], 22.0f) << j;
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, VectorizeLoops, testing::ValuesIn(levels()));

} // namespace
