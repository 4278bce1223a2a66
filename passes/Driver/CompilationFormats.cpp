//===- CompilationFormats.cpp - What formats make of weights --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/CompilationImpl.h"
#include "passes/Driver/EncodedWeights.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

namespace mad {

static int64_t elementsOf(const StoredWeight &stored) {
  int64_t count = 1;
  for (int64_t size : stored.shape)
    count *= size;
  return count;
}

static void tell(const StoredWeight &stored, llvm::raw_ostream &os) {
  os << "`" << stored.name << "` [";
  llvm::interleaveComma(stored.shape, os);
  os << "] as " << stored.format.str() << ": " << stored.bytes << " bytes, "
     << llvm::format("%.4g", stored.format.bitsPerWeight(stored.shape)) << " bits an element; ";
  if (stored.error.largest == 0)
    os << "exact\n";
  else
    os << llvm::format("off by at most %.3g, rms %.3g, SQNR %.1f dB\n", stored.error.largest,
                       stored.error.rms, stored.error.sqnr);
}

bool Compilation::explainFormats(const std::string &file, std::string &text) {
  std::vector<StoredWeight> all;
  impl->stored = &all;
  bool good = loadWeights(file);
  impl->stored = nullptr;
  if (!good)
    return false;
  llvm::raw_string_ostream os(text);
  uint64_t bytes = 0, elements = 0;
  for (const StoredWeight &stored : all) {
    tell(stored, os);
    bytes += stored.bytes;
    elements += uint64_t(elementsOf(stored));
  }
  if (all.size() > 1)
    os << "together: " << bytes << " bytes, "
       << llvm::format("%.4g", elements ? 8 * double(bytes) / double(elements) : 0.0)
       << " bits an element\n";
  return true;
}

} // namespace mad
