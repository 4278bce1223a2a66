//===- CompilationGiven.cpp - A file that takes the place of all others ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Who names a file wants it to be used. Where no weight of the program is read from a file
// that is an error. A file may hold more than the program reads, as files of whole models
// do; what that is, which may be a wrong name, is a warning.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "frontend/Diag/Codes.h"
#include "passes/Driver/CompilationImpl.h"
#include "runtime/io/Files.h"
#include "runtime/io/TensorFile.h"

namespace mad {

/// Adds the names of the tensors of a weight in its file: one, or one for each layer.
static void addEntries(const hir::Weight &weight, std::set<std::string> &names) {
  for (int64_t i = 0; i < std::max<int64_t>(weight.layers, 1); ++i) {
    std::string name = weight.entry;
    for (size_t at = 0; weight.layers >= 0 && (at = name.find("{i}", at)) != std::string::npos;)
      name.replace(at, 3, std::to_string(i));
    names.insert(name);
  }
}

/// `` `a`, `b` and 3 more ``.
static std::string listed(const std::vector<std::string> &names) {
  constexpr size_t most = 3;
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), most); ++i)
    text += (i ? ", " : "") + io::ticked(names[i]);
  return text +
         (names.size() > most ? " and " + std::to_string(names.size() - most) + " more" : "");
}

const std::vector<std::string> &Compilation::warnings() const { return impl->warnings; }

bool Compilation::checkGiven(const std::string &file) {
  impl->warnings.clear();
  std::set<std::string> names;
  const std::vector<hir::Weight> &weights = program().weights;
  for (const hir::Weight &weight : weights)
    if (!weight.value)
      addEntries(weight, names);
  if (weights.empty())
    return impl->fail("error: " + io::ticked(file) +
                      " replaces no weight: the program has none; leave the file out");
  if (names.empty()) {
    impl->diagnostics
        .error(code::E0501, weights.front().span,
               io::ticked(file) + " replaces no weight: all weights of the program are expressions")
        .help = "a weight that a file replaces says where it is read from, `from \"FILE\" : "
                "\"NAME\"`; else leave the file out";
    return false;
  }
  std::vector<io::Entry> entries;
  std::string error;
  if (!io::list(file, entries, error)) {
    auto sources = module().getOps<WeightSourceOp>();
    // Told with the place of the first weight that is wanted, if there is one.
    return llvm::any_of(sources, [](WeightSourceOp op) { return !op->hasAttr("computed"); }) ||
           impl->fail("error: " + error);
  }
  std::vector<std::string> unused;
  for (const io::Entry &entry : entries)
    if (!names.count(entry.name) && !(entries.size() == 1 && names.count("")))
      unused.push_back(entry.name);
  if (!unused.empty())
    impl->warnings.push_back("warning: " + io::ticked(file) + " holds " + listed(unused) +
                             ", which no weight of the program is read from");
  return true;
}

} // namespace mad
