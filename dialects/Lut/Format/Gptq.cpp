//===- Gptq.cpp - Rounding that knows what a weight is multiplied with ----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All in f64, in one order whatever the number of threads, so that every target and machine gets
// the same numbers.
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Gptq.h"
#include "dialects/Lut/Format/Grid.h"
#include "dialects/Lut/Format/Threads.h"

#include <numeric>
#include <optional>

namespace mad::lut {

namespace {

/// A square matrix in rows.
struct Square {
  explicit Square(int64_t size) : size(size), values(size_t(size * size)) {}
  double *row(int64_t i) { return values.data() + i * size; }
  const double *row(int64_t i) const { return values.data() + i * size; }
  int64_t size;
  std::vector<double> values;
};

/// Rows that are factored together.
constexpr int64_t factorBlock = 64;
/// Rows of the weight whose errors reach the rows behind them together, as in the paper.
constexpr int64_t rowBlock = 128;
/// Columns do not depend on each other: so many at a time stay in the cache.
constexpr int64_t columnTile = 64;
/// Ranges that a search tries: 31/32 of the range, 30/32 and so on.
constexpr int searchSteps = 22;

} // namespace

/// In four sums, so that a machine can take them together.
static double dot(const double *a, const double *b, int64_t count) {
  double sums[4] = {};
  int64_t i = 0;
  for (; i + 4 <= count; i += 4)
    for (int64_t j = 0; j < 4; ++j)
      sums[j] += a[i + j] * b[i + j];
  for (; i < count; ++i)
    sums[0] += a[i] * b[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

static void subtract(double *y, double factor, const double *x, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    y[i] -= factor * x[i];
}

/// H = R R^T with R upper triangular, in place: Cholesky's algorithm from the last row on. False
/// where H is not positive definite.
static bool factor(Square &h) {
  int64_t size = h.size;
  std::vector<double> panel;
  for (int64_t end = size; end > 0;) {
    int64_t begin = std::max<int64_t>(0, end - factorBlock), width = end - begin;
    for (int64_t j = end - 1; j >= begin; --j) {
      double *own = h.row(j);
      double rest = own[j] - dot(own + j + 1, own + j + 1, end - j - 1);
      if (!(rest > 0))
        return false;
      own[j] = std::sqrt(rest);
      for (int64_t i = 0; i < j; ++i) {
        double *row = h.row(i);
        row[j] = (row[j] - dot(row + j + 1, own + j + 1, end - j - 1)) / own[j];
      }
    }
    panel.resize(size_t(begin * width));
    for (int64_t i = 0; i < begin; ++i)
      std::copy_n(h.row(i) + begin, width, panel.data() + i * width);
    for (int64_t i = 0; i < begin; ++i)
      for (int64_t j = i; j < begin; ++j)
        h.row(i)[j] -= dot(panel.data() + i * width, panel.data() + j * width, width);
    end = begin;
  }
  return true;
}

/// The inverse of an upper triangular matrix, in blocks of rows from the last one on.
static Square inverse(const Square &r) {
  int64_t size = r.size;
  Square u(size);
  constexpr int64_t tile = 256;
  for (int64_t end = size; end > 0;) {
    int64_t begin = std::max<int64_t>(0, end - factorBlock);
    for (int64_t from = end; from < size; from += tile) {
      int64_t to = std::min(size, from + tile);
      for (int64_t k = end; k < to; ++k) {
        int64_t first = std::max(k, from);
        for (int64_t i = begin; i < end; ++i)
          subtract(u.row(i) + first, r.row(i)[k], u.row(k) + first, to - first);
      }
    }
    for (int64_t i = end - 1; i >= begin; --i) {
      double *row = u.row(i);
      row[i] = 1;
      for (int64_t k = i + 1; k < end; ++k)
        subtract(row + k, r.row(i)[k], u.row(k) + k, size - k);
      for (int64_t j = i; j < size; ++j)
        row[j] /= r.row(i)[i];
    }
    end = begin;
  }
  return u;
}

namespace {

/// One matrix [K, M].
class Rounding {
public:
  Rounding(const Format &format, const GptqOptions &options, const float *w, const float *gram,
           int64_t k, int64_t m, float *rounded)
      : format(format), options(options), w(w), gram(gram), k(k), m(m), rounded(rounded), order(k),
        dead(k) {}

  std::string run();

private:
  std::string prepare();
  void columns(int64_t from, int64_t to);
  int64_t blockEnd(int64_t begin) const;
  Range rangeOf(const std::vector<double> &values, int64_t group, int64_t column,
                int64_t width) const;
  Grid gridOf(const std::vector<double> &values, int64_t group, int64_t column,
              int64_t width) const;

  const Format &format;
  const GptqOptions &options;
  const float *w, *gram;
  int64_t k, m;
  float *rounded;
  std::vector<int64_t> order; ///< the row of the weight that comes as number i
  std::vector<bool> dead;
  std::optional<Square> u; ///< H^-1 = U^T U
};

/// What is wrong with X^T X, else its factor.
std::string Rounding::prepare() {
  double sum = 0;
  int64_t living = 0;
  for (int64_t i = 0; i < k; ++i) {
    for (int64_t j = 0; j < k; ++j)
      if (!std::isfinite(gram[i * k + j]))
        return "element [" + std::to_string(i) + ", " + std::to_string(j) + "] of X^T X is " +
               (std::isnan(gram[i * k + j]) ? "NaN" : "infinite");
    double energy = gram[i * k + i];
    if (energy < 0)
      return "element [" + std::to_string(i) + ", " + std::to_string(i) +
             "] of X^T X is negative: it is no sum of squares";
    dead[i] = energy == 0;
    sum += energy;
    living += !dead[i];
  }
  if (k > 0 && living == 0)
    return "X^T X is zero: nothing was measured";
  std::iota(order.begin(), order.end(), 0);
  if (options.order)
    std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      float left = gram[a * k + a], right = gram[b * k + b];
      return left != right ? left > right : a < b;
    });
  double damp = living ? options.damp * (sum / double(living)) : 0;
  Square h(k);
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < k; ++j) {
      int64_t a = order[i], b = order[j];
      // Measured in f32, both halves may differ in the last bit.
      double both = 0.5 * (double(gram[a * k + b]) + double(gram[b * k + a]));
      h.row(i)[j] = dead[a] || dead[b] ? (i == j ? 1.0 : 0.0) : both + (i == j ? damp : 0.0);
    }
  if (!factor(h))
    return "X^T X is singular, or no such product: measure with more rows, or add more to its "
           "diagonal, `damp = 0.1`";
  u.emplace(inverse(h));
  return "";
}

/// A group that begins inside of a block ends there, too: its scale is known when the errors of all
/// rows before have reached all of it.
int64_t Rounding::blockEnd(int64_t begin) const {
  int64_t end = std::min(k, begin + rowBlock);
  if (options.order || format.group <= 0 || end == k)
    return end;
  int64_t last = (end - 1) / format.group * format.group;
  return last > begin && last + format.group > end ? last : end;
}

Range Rounding::rangeOf(const std::vector<double> &values, int64_t group, int64_t column,
                        int64_t width) const {
  Range range;
  int64_t length = format.groupLength(k);
  for (int64_t i = group * length; i < std::min(k, (group + 1) * length); ++i)
    range.add(float(values[i * width + column]));
  return range;
}

/// The grid of a group: of its range, or of the part of it that is worth most. What a row counts is
/// how large its activations are.
Grid Rounding::gridOf(const std::vector<double> &values, int64_t group, int64_t column,
                      int64_t width) const {
  int64_t first = group * format.groupLength(k);
  int64_t end = std::min(k, first + format.groupLength(k));
  Range range = rangeOf(values, group, column, width);
  Grid best = roundingGrid(format, range, end - first);
  if (!options.search || best.signs)
    return best;
  auto errorOf = [&](const Grid &grid) {
    double sum = 0;
    for (int64_t i = first; i < end; ++i) {
      double value = values[i * width + column];
      double far = value - double(grid.value(grid.code(float(value))));
      sum += double(gram[i * k + i]) * far * far;
    }
    return sum;
  };
  double least = errorOf(best);
  for (int step = 1; step <= searchSteps && least > 0; ++step) {
    float part = 1 - float(step) / 32;
    Range inner = range;
    inner.low *= part, inner.high *= part, inner.largest *= part;
    Grid grid = roundingGrid(format, inner, end - first);
    if (double error = errorOf(grid); grid.scale > 0 && error < least)
      least = error, best = grid;
  }
  return best;
}

void Rounding::columns(int64_t from, int64_t to) {
  int64_t width = to - from, length = format.groupLength(k);
  std::vector<double> rest(k * width), errors(rowBlock * width);
  for (int64_t i = 0; i < k; ++i)
    for (int64_t j = 0; j < width; ++j)
      rest[i * width + j] = dead[order[i]] ? 0.0 : double(w[order[i] * m + from + j]);
  std::vector<Grid> grids(format.groups(k) * width);
  auto setGrids = [&](int64_t group, const std::vector<double> &values) {
    for (int64_t j = 0; j < width; ++j)
      grids[group * width + j] = gridOf(values, group, j, width);
  };
  if (options.order) {
    std::vector<double> natural(k * width);
    for (int64_t i = 0; i < k; ++i)
      std::copy_n(rest.data() + i * width, width, natural.data() + order[i] * width);
    for (int64_t group = 0; group < format.groups(k); ++group)
      setGrids(group, natural);
  }
  for (int64_t begin = 0; begin < k;) {
    int64_t end = blockEnd(begin);
    for (int64_t i = begin; i < end; ++i) {
      int64_t row = order[i], group = row / length;
      if (!options.order && row % length == 0)
        setGrids(group, rest);
      double *own = rest.data() + i * width, *error = errors.data() + (i - begin) * width;
      for (int64_t j = 0; j < width; ++j) {
        const Grid &grid = grids[group * width + j];
        float value = grid.value(grid.code(float(own[j])));
        rounded[row * m + from + j] = value;
        error[j] = (own[j] - double(value)) / u->row(i)[i];
      }
      for (int64_t next = i + 1; next < end; ++next)
        subtract(rest.data() + next * width, u->row(i)[next], error, width);
    }
    for (int64_t next = end; next < k; ++next)
      for (int64_t i = begin; i < end; ++i)
        subtract(rest.data() + next * width, u->row(i)[next], errors.data() + (i - begin) * width,
                 width);
    begin = end;
  }
}

std::string Rounding::run() {
  if (std::string wrong = prepare(); !wrong.empty())
    return wrong;
  for (int64_t from = 0; from < m; from += columnTile)
    columns(from, std::min(m, from + columnTile));
  return "";
}

} // namespace

/// Matrices [rows, columns], each transposed.
static void turn(const float *from, int64_t count, int64_t rows, int64_t columns, float *to) {
  for (int64_t i = 0; i < count; ++i, from += rows * columns, to += rows * columns)
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c)
        to[c * rows + r] = from[r * columns + c];
}

bool gptq(const Format &format, const GptqOptions &options, const float *values,
          const std::vector<int64_t> &shape, const float *gram, float *rounded,
          std::string &error) {
  size_t rank = shape.size();
  int64_t k = shape[rank - 2], m = shape[rank - 1], count = 1;
  for (size_t i = 0; i + 2 < rank; ++i)
    count *= shape[i];
  if (format.last) {
    // [M, K]: the same of the transposed matrices.
    std::vector<float> turned(count * k * m), made(count * k * m);
    std::vector<int64_t> other(shape);
    std::swap(other[rank - 2], other[rank - 1]);
    turn(values, count, k, m, turned.data());
    bool good = gptq(format.turned(), options, turned.data(), other, gram, made.data(), error);
    turn(made.data(), count, m, k, rounded);
    return good;
  }
  for (int64_t i = 0; i < count * k * m; ++i)
    if (!std::isfinite(values[i])) {
      error = "element " + std::to_string(i) + " is no finite number";
      return false;
    }
  std::vector<std::string> wrong(count);
  inThreads(count, [&](int64_t i) {
    wrong[i] =
        Rounding(format, options, values + i * k * m, gram + i * k * k, k, m, rounded + i * k * m)
            .run();
  });
  for (int64_t i = 0; i < count; ++i)
    if (!wrong[i].empty()) {
      error = (count > 1 ? "matrix " + std::to_string(i) + ": " : "") + wrong[i];
      return false;
    }
  return true;
}

} // namespace mad::lut
