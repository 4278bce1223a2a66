//===- saturate.cpp - Times equality saturation on cases of text ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// usage: saturate FILE [REPEATS]
//
// Lines of the file: `term TEXT`, `rule NAME | LEFT | RIGHT`, `iterations N`. Each run begins with
// an empty graph; a line of JSON has medians and what the graph became.
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Runner.h"
#include "passes/EGraph/Sexpr.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace mad::egraph;

namespace {

struct Case {
  std::vector<StringRef> terms;
  std::vector<std::array<StringRef, 3>> rules;
  Limits limits;
};

Error readCase(StringRef text, Case &read) {
  read.limits.iterations = 1000000;
  read.limits.nodes = size_t(1) << 31;
  read.limits.seconds = 600;
  read.limits.bytes = size_t(16) << 30;
  read.limits.matches = ~size_t(0);
  SmallVector<StringRef> lines;
  text.split(lines, '\n', -1, false);
  for (StringRef line : lines) {
    auto [kind, rest] = line.split(' ');
    if (kind == "term") {
      read.terms.push_back(rest);
    } else if (kind == "iterations" && !rest.getAsInteger(10, read.limits.iterations)) {
    } else if (kind == "rule") {
      SmallVector<StringRef, 3> parts;
      rest.split(parts, " | ");
      if (parts.size() != 3)
        return createStringError("`" + line + "` is not `rule NAME | LEFT | RIGHT`");
      read.rules.push_back({parts[0], parts[1], parts[2]});
    } else {
      return createStringError("`" + line + "` is no line of a case");
    }
  }
  return Error::success();
}

Expected<Report> runOnce(const Case &given, uint64_t &adds) {
  Language language;
  EGraph graph(language);
  std::vector<Rule> rules;
  for (auto [name, left, right] : given.rules) {
    Expected<Rule> rule = parseRule(language, name, left, right);
    if (!rule)
      return rule.takeError();
    rules.push_back(std::move(*rule));
  }
  for (StringRef text : given.terms)
    if (Expected<Id> id = parseTerm(graph, text); !id)
      return id.takeError();
  graph.rebuild();
  Report report = Runner(graph, rules, given.limits).run();
  adds = graph.numAdds();
  return report;
}

} // namespace

int main(int argc, char **argv) {
  unsigned repeats = 5;
  if (argc < 2 || argc > 3 || (argc == 3 && StringRef(argv[2]).getAsInteger(10, repeats))) {
    errs() << "usage: saturate FILE [REPEATS]\n";
    return 2;
  }
  auto file = MemoryBuffer::getFile(argv[1]);
  if (!file) {
    errs() << "saturate: cannot read `" << argv[1] << "`: " << file.getError().message() << "\n";
    return 1;
  }
  Case given;
  if (Error error = readCase((*file)->getBuffer(), given)) {
    errs() << "saturate: " << toString(std::move(error)) << "\n";
    return 1;
  }
  std::vector<Report> reports;
  uint64_t adds = 0;
  for (unsigned i = 0; i < std::max(1u, repeats); ++i) {
    Expected<Report> report = runOnce(given, adds);
    if (!report) {
      errs() << "saturate: " << toString(report.takeError()) << "\n";
      return 1;
    }
    reports.push_back(std::move(*report));
  }
  llvm::sort(reports, [](const Report &a, const Report &b) { return a.seconds < b.seconds; });
  const Report &r = reports[reports.size() / 2];
  double search = 0, apply = 0;
  for (const RuleReport &rule : r.rules)
    search += rule.searchSeconds, apply += rule.applySeconds;
  outs() << "{\"stop\": \"" << name(r.stop) << "\", \"iterations\": " << r.iterations
         << ", \"nodes\": " << r.nodes << ", \"classes\": " << r.classes
         << ", \"bytes\": " << r.bytes << ", \"adds\": " << adds << ", \"visits\": " << r.visits
         << format(", \"seconds\": %.6f, \"search\": %.6f, \"apply\": %.6f, \"rebuild\": %.6f}\n",
                   r.seconds, search, apply, r.rebuildSeconds);
  return 0;
}
