//===- DenseCorner.cpp - The full part of sparse factors --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Blocks of pivots, as Golub and Van Loan, "Matrix Computations", 3.2.10: the rows of a block
// first, then the multiples of them in all rows below, then what they change in the rest, in tiles
// that stay in registers for the whole block.
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/MadToLinalg/DenseCorner.h"

using namespace mlir;

namespace mad {

/// Rows `from` to `to` of U, and their pivots.
Value DenseCorner::upperRows(Value from, Value to, Value bad,
                             llvm::function_ref<Value(Value, Value, Value)> worse) {
  return folded(from, to, bad, [&](Value i, Value before) {
    Value own = line(i);
    loop(from, i, [&](Value k) {
      Value other = line(k);
      Value multiple = product(load(factors, plus(own, k)), load(factors, plus(other, k)));
      store(multiple, factors, plus(own, k));
      // Columns up to the next multiple of a vector, from the end.
      Value rest = arith::RemSIOp::create(b, loc, minus(size(), next(k)), index(lanes));
      Value middle = plus(next(k), rest);
      auto at = [&](Value row, Value j) { return plus(row, j); };
      loop(next(k), middle, [&](Value j) {
        store(less(load(factors, at(own, j)), multiple, load(factors, at(other, j))), factors,
              at(own, j));
      });
      Value all = spread(multiple);
      loop(
          middle, size(),
          [&](Value j) {
            storeVector(
                less(loadVector(factors, at(own, j)), all, loadVector(factors, at(other, j))),
                factors, at(own, j));
          },
          lanes);
    });
    Value place = plus(own, i), pivot = load(factors, place);
    store(inverse(pivot), factors, place);
    return worse(before, pivot, i);
  });
}

/// The multiples of eight rows of U, from number `columns` on, in a row below.
void DenseCorner::multiplesOfEight(Value columns, Value own) {
  Values x;
  for (int64_t k = 0; k < lanes; ++k)
    x.push_back(load(factors, plus(own, next(columns, k))));
  for (int64_t k = 0; k < lanes; ++k) {
    Value other = plus(line(next(columns, k)), columns);
    x[k] = product(x[k], load(factors, next(other, k)));
    store(x[k], factors, plus(own, next(columns, k)));
    for (int64_t j = k + 1; j < lanes; ++j)
      x[j] = less(x[j], x[k], load(factors, next(other, j)));
  }
}

/// The multiples of the rows of U from number `from` on, a block, in the row below at `own`.
void DenseCorner::multiples(Value from, Value own) {
  Value to = next(from, block);
  loop(
      from, to,
      [&](Value columns) {
        multiplesOfEight(columns, own);
        loop(
            next(columns, lanes), to,
            [&](Value j) {
              Value x = loadVector(factors, plus(own, j));
              for (int64_t k = 0; k < lanes; ++k) {
                Value row = next(columns, k);
                x = less(x, spread(load(factors, plus(own, row))),
                         loadVector(factors, plus(line(row), j)));
              }
              storeVector(x, factors, plus(own, j));
            },
            lanes);
      },
      lanes);
}

/// What the rows `from` to `to` of U change right of and below them.
void DenseCorner::rest(Value from, Value to) {
  auto tile = [&](Value j, Value i) {
    Values lines, numbers;
    for (int64_t r = 0; r < tileRows; ++r)
      lines.push_back(line(next(i, r)));
    for (Value own : lines)
      numbers.push_back(loadVector(factors, plus(own, j)));
    numbers = carried(from, to, 1, numbers, [&](Value k, ValueRange before) {
      Value upper = loadVector(factors, plus(line(k), j));
      Values after;
      for (auto [own, x] : llvm::zip_equal(lines, before))
        after.push_back(less(x, spread(load(factors, plus(own, k))), upper));
      return after;
    });
    for (auto [own, x] : llvm::zip_equal(lines, numbers))
      storeVector(x, factors, plus(own, j));
  };
  static_assert(block % tileRows == 0 && block % lanes == 0);
  loop(
      to, size(), [&](Value j) { loop(to, size(), [&](Value i) { tile(j, i); }, tileRows); },
      lanes);
}

Value DenseCorner::factor(Value bad, llvm::function_ref<Value(Value, Value, Value)> worse) {
  return carried(index(lu.dense), size(), block, bad, [&](Value from, ValueRange before) {
    Value to = next(from, block);
    Value found = upperRows(from, to, before[0], worse);
    loop(to, size(), [&](Value i) { multiples(from, line(i)); });
    rest(from, to);
    return Values{found};
  })[0];
}

void DenseCorner::solveLower(Value y) {
  Value begin = index(lu.dense);
  loop(
      begin, size(),
      [&](Value i) {
        Values lines, numbers;
        for (int64_t r = 0; r < lanes; ++r) {
          lines.push_back(line(next(i, r)));
          numbers.push_back(load(y, next(i, r)));
        }
        numbers = carried(begin, i, 1, numbers, [&](Value k, ValueRange before) {
          Value known = load(y, k);
          Values after;
          for (auto [own, x] : llvm::zip_equal(lines, before))
            after.push_back(less(x, load(factors, plus(own, k)), known));
          return after;
        });
        for (int64_t r = 0; r < lanes; ++r) {
          for (int64_t k = 0; k < r; ++k)
            numbers[r] = less(numbers[r], load(factors, plus(lines[r], next(i, k))), numbers[k]);
          store(numbers[r], y, next(i, r));
        }
      },
      lanes);
}

void DenseCorner::solveUpper(Value y) {
  loop(
      index(0), index(lu.size() - lu.dense),
      [&](Value step) {
        Value i = minus(index(lu.size() - lanes), step), behind = next(i, lanes);
        Values lines, numbers;
        for (int64_t r = 0; r < lanes; ++r) {
          lines.push_back(line(next(i, r)));
          numbers.push_back(load(y, next(i, r)));
        }
        numbers = carried(behind, size(), 1, numbers, [&](Value j, ValueRange before) {
          Value k = minus(index(lu.size() - 1), minus(j, behind));
          Value known = load(y, k);
          Values after;
          for (auto [own, x] : llvm::zip_equal(lines, before))
            after.push_back(less(x, load(factors, plus(own, k)), known));
          return after;
        });
        for (int64_t r = lanes - 1; r >= 0; --r) {
          for (int64_t k = lanes - 1; k > r; --k)
            numbers[r] = less(numbers[r], load(factors, plus(lines[r], next(i, k))), numbers[k]);
          numbers[r] = product(numbers[r], load(factors, plus(lines[r], next(i, r))));
          store(numbers[r], y, next(i, r));
        }
      },
      lanes);
}

} // namespace mad
