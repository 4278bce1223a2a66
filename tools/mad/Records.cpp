//===- Records.cpp - Times, dumps and traces of a command -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Diag/Lines.h"
#include "passes/Driver/Cache.h"
#include "passes/Pipelines/Timeline.h"
#include "tools/mad/Common.h"
#include "tools/mad/TraceFile.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <algorithm>

namespace mad::tool {

std::vector<Flag> recordFlags() {
  return {
      {"--time", "", "shows how long each step and stage took"},
      {"--time-passes", "", "also shows how long each pass took, all its runs together"},
      {"--remarks", "", "tells which code each part of the program got, and why"},
      {"--dump-dir", "FOLDER", "writes the program after each stage, one file each"},
      {"--cache", "FOLDER|off", "where code is kept for the next time; see `mad cache`"},
      {"--trace", "FILE.json", "writes when each step, pass and kernel ran, for chrome://tracing"},
      {"--no-rewrite", "", "compiles expressions as they are written, without rules"},
      {"-O0", "", "the same"}};
}

std::string cacheFolder(const Arguments &arguments) {
  std::string folder = arguments.get("--cache", Cache::defaultFolder());
  return folder == "off" ? "" : folder;
}

bool startRecords(const Arguments &arguments, Compilation &compilation) {
  compilation.useCache(cacheFolder(arguments));
  compilation.useRewriting(!arguments.has("--no-rewrite") && !arguments.has("-O0"));
  compilation.timeline().passes = arguments.has("--time-passes") || arguments.has("--trace");
  if (arguments.has("--trace"))
    compilation.traceKernels();
  if (arguments.has("--remarks"))
    compilation.collectRemarks();
  return !arguments.has("--dump-dir") || compilation.dumpTo(arguments.get("--dump-dir"));
}

namespace {
struct Row {
  std::string name, category;
  double begin, length;
  int runs;
};
} // namespace

/// One row for each name, in the order of begins.
static std::vector<Row> rows(const Timeline &timeline) {
  std::vector<Row> all;
  for (const Timeline::Event &e : timeline.events()) {
    auto same = [&](const Row &row) { return row.name == e.name && row.category == e.category; };
    auto row = llvm::find_if(all, same);
    if (row == all.end()) {
      all.push_back({e.name, e.category, e.begin, e.length, 1});
      continue;
    }
    row->begin = std::min(row->begin, e.begin);
    row->length += e.length;
    ++row->runs;
  }
  llvm::stable_sort(all, [](const Row &a, const Row &b) { return a.begin < b.begin; });
  return all;
}

/// Steps, with the stages of a step and the passes of a stage below them.
static void printTable(const Arguments &arguments, const Timeline &timeline) {
  double total = 0;
  std::vector<Row> all = rows(timeline);
  for (const Row &row : all)
    total += row.category == "step" || row.category == "call" ? row.length : 0;
  llvm::raw_ostream &os = llvm::errs();
  os << llvm::left_justify("step", 36) << llvm::right_justify("ms", 10)
     << llvm::right_justify("share", 8) << llvm::right_justify("runs", 6) << "\n";
  auto line = [&](llvm::StringRef name, double us, int runs) {
    os << llvm::left_justify(name, 36) << llvm::format("%10.2f", us / 1000)
       << llvm::format("%7.1f%%", total > 0 ? 100 * us / total : 0) << llvm::format("%6d", runs)
       << "\n";
  };
  for (const Row &row : all) {
    int indent = row.category == "stage" ? 2 : row.category == "pass" ? 4 : 0;
    if (indent < 4 || arguments.has("--time-passes"))
      line(std::string(indent, ' ') + row.name, row.length, row.runs);
  }
  line("all", total, 1);
}

int finishRecords(const Arguments &arguments, const Compilation &compilation, int exit) {
  if (arguments.has("--remarks"))
    llvm::errs() << diag::printable(compilation.remarks());
  if (arguments.has("--time") || arguments.has("--time-passes"))
    printTable(arguments, compilation.timeline());
  std::string error;
  if (arguments.has("--trace") && !writeTrace(arguments.get("--trace"), compilation, error))
    return fail(error);
  return exit;
}

} // namespace mad::tool
