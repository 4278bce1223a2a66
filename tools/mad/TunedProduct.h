//===- TunedProduct.h - Measures a product of matrices ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TOOLS_MAD_TUNEDPRODUCT_H
#define MAD_TOOLS_MAD_TUNEDPRODUCT_H

#include "passes/Kernels/TileTable.h"
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace mad::tool {

/// GFLOP/s of each size.
struct Rates {
  std::vector<double> each;
  double mean() const; ///< geometric
};

/// What multipliers give, measured with a loop over registers.
class PeakRate {
public:
  explicit PeakRate(int level);
  double of(unsigned bits) const { return bits == 64 ? f64 : f32; }

private:
  double f32, f64;
};

/// The sizes that are measured, for people.
std::string productNames(bool quick);

/// A product of matrices in memory, compiled with some parameters.
class TunedProduct {
public:
  static std::unique_ptr<TunedProduct> make(const kernels::TileTable &table, unsigned bits,
                                            bool quick, std::string &error);
  virtual ~TunedProduct() = default;
  virtual size_t sizes() const = 0;
  /// Seconds of the processor for one product, several of them in a row.
  virtual double seconds(size_t size) = 0;
  virtual double operations(size_t size) const = 0;
};

/// Both in turns; medians.
std::pair<Rates, Rates> measureInTurns(TunedProduct &x, TunedProduct &y);

} // namespace mad::tool

#endif // MAD_TOOLS_MAD_TUNEDPRODUCT_H
