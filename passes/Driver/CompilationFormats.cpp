//===- CompilationFormats.cpp - What formats make of weights --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Dictionary.h"
#include "frontend/Diag/Codes.h"
#include "frontend/Emit/Emit.h"
#include "passes/Driver/CompilationImpl.h"
#include "passes/Driver/EncodedWeights.h"
#include "runtime/io/Files.h"
#include "runtime/io/TensorFile.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

namespace mad {

/// The name of a tensor of the weight in its file; of a group the first layer.
static std::string entryOf(const hir::Weight &weight) {
  std::string name = weight.entry;
  for (size_t at = 0; weight.layers >= 0 && (at = name.find("{i}", at)) != std::string::npos;)
    name.replace(at, 3, "0");
  return name;
}

void Compilation::useCalibration(bool wanted) { impl->wantsCalibration = wanted; }

bool Compilation::Impl::findFileFormats() {
  for (hir::Weight &weight : program->weights) {
    if (!wantsCalibration && weight.gptq) {
      weight.gptq.reset();
      weight.format.reset();
    }
    if (!weight.format || weight.format->family != lut::Family::Gguf)
      continue;
    std::string path = weightPath(weight, sources), error, name = entryOf(weight);
    std::vector<io::Entry> entries;
    if (!io::list(path, entries, error)) {
      diagnostics.error(code::E0501, weight.span, error);
      continue;
    }
    auto entry = llvm::find_if(entries, [&](const io::Entry &e) { return e.name == name; });
    if (entry == entries.end()) {
      diagnostics.error(code::E0501, weight.span,
                        io::ticked(path) + " has no entry " + io::ticked(name));
      continue;
    }
    weight.format = lut::Format::ofGguf(entry->storage);
    if (!weight.format)
      diagnostics
          .error(code::E0503, weight.span,
                 "`" + weight.name + "` cannot be stored as `lut.gguf`: " + io::ticked(path) +
                     " holds " + io::ticked(name) + " as " +
                     (entry->storage.empty() ? io::name(entry->dtype) : entry->storage) +
                     ", and Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K to Q6_K, TQ1_0 and TQ2_0 are kept "
                     "as they are")
          .help = "without `as lut.gguf` it is read as f32";
  }
  return !diagnostics.hasErrors();
}

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
  if (llvm::any_of(all, [](const StoredWeight &stored) { return stored.format.dictionary; }))
    os << "and once the dictionary: " << (8 + 4) * lut::Dictionary::size << " bytes\n";
  if (all.size() > 1)
    os << "together: " << bytes << " bytes, "
       << llvm::format("%.4g", elements ? 8 * double(bytes) / double(elements) : 0.0)
       << " bits an element\n";
  return true;
}

} // namespace mad
