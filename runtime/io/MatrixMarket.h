//===- MatrixMarket.h - The Matrix Market format -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_IO_MATRIXMARKET_H
#define MAD_RUNTIME_IO_MATRIXMARKET_H

#include "runtime/io/Files.h"
#include "runtime/io/TensorFile.h"

namespace mad::io {

/// The type that the numbers of a file are read in: real ones as `wanted` when
/// that is f32 or f64, integers and patterns also when it is i32 or i64;
/// otherwise f64, and i64 for integers.
bool matrixMarketEntry(const Input &input, std::optional<DType> wanted, Entry &entry,
                       std::string &text);
/// As a dense matrix of at most 1 GiB. Entries that are there twice are summed.
bool readMatrixMarket(const Input &input, std::optional<DType> wanted, Tensor &tensor,
                      std::string &text);
/// As coordinates in the order of the file, counted from 0, with symmetric
/// entries written out. The entries of a dense file are all there.
bool readMatrixMarket(const Input &input, std::optional<DType> wanted, Coordinates &matrix,
                      std::string &text);

} // namespace mad::io

#endif // MAD_RUNTIME_IO_MATRIXMARKET_H
