//===- ExplainCommand.cpp - mad explain -----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Ast/Ast.h"
#include "frontend/Diag/Codes.h"
#include "tools/mad/Calls.h"
#include "tools/mad/Common.h"
#include "tools/mad/ErrorPages.h"
#include "tools/mad/Networks.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>

namespace mad::tool {

static std::string index() {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (unsigned code = 0; code < 10000; ++code)
    if (std::string_view title = code::title(uint16_t(code)); !title.empty())
      os << llvm::format("E%04u  ", code) << llvm::StringRef(title) << "\n";
  return text;
}

/// Calls of an entry with random numbers: the least time of several, in seconds. Empty: its inputs
/// are of a kind that cannot be drawn.
static std::optional<double> timeOf(Executable &executable, const Signature &signature,
                                    const Dims &dims, std::string &error) {
  std::vector<std::string> words;
  for (const SignatureValue &input : signature.inputs)
    words.push_back(input.name + "=random:1");
  std::vector<io::Tensor> inputs, outputs;
  if (!readInputs(signature, words, dims, inputs, error))
    return std::nullopt;
  double best = std::numeric_limits<double>::infinity();
  using Clock = std::chrono::steady_clock;
  for (Clock::time_point start = Clock::now();
       Clock::now() - start < std::chrono::milliseconds(200);) {
    Clock::time_point begin = Clock::now();
    if (!executable.call(signature.name, inputs, outputs, error))
      return std::nullopt;
    best = std::min(best, std::chrono::duration<double>(Clock::now() - begin).count());
  }
  return best;
}

/// One of both ways to compile a model, and its code.
struct Way {
  Compilation compilation;
  std::unique_ptr<Executable> executable;
};

static bool load(Way &way, const Arguments &arguments, bool rewrites) {
  way.compilation.useCache(cacheFolder(arguments));
  way.compilation.useRewriting(rewrites);
  std::set<std::string> entries;
  if (!way.compilation.load(arguments.words[0]))
    return false;
  for (const Signature &s : way.compilation.signatures())
    if (s.title.empty())
      entries.insert(s.name);
  return way.compilation.keep(entries);
}

/// Tells what each function takes with rules and without.
static int measure(const Arguments &arguments, Way &with, Way &without) {
  Dims dims;
  std::string error;
  if (!readDims(arguments, dims, error))
    return fail(error);
  for (Way *way : {&with, &without}) {
    if (!way->compilation.loadWeights(arguments.get("--weights")))
      return report(way->compilation);
    if (way == &with)
      printWarnings(way->compilation);
    way->executable = makeJitExecutable(way->compilation);
    if (!way->executable)
      return report(way->compilation);
  }
  for (const Signature &signature : with.executable->signatures()) {
    Dims sizes;
    for (const std::string &dim : signature.dims)
      sizes[dim] = dims.count(dim) ? dims.at(dim) : 64;
    std::optional<double> now = timeOf(*with.executable, signature, sizes, error);
    std::optional<double> before =
        now ? timeOf(*without.executable, signature, sizes, error) : std::nullopt;
    std::string text;
    llvm::raw_string_ostream os(text);
    os << "`" << signature.name << "`: ";
    if (before)
      os << llvm::format("%.4g us, without rules %.4g us (%.2fx)", 1e6 * *now, 1e6 * *before,
                         *before / *now);
    else
      os << "not measured: " << error;
    print(text + "\n");
  }
  return Good;
}

static int explainRewrites(const Arguments &arguments) {
  if (arguments.words.size() != 1)
    return usage(explainCommand(), "`--rewrites` expects one model");
  Way with, without;
  std::string text;
  if (!load(with, arguments, true) || !with.compilation.explainRewrites(text))
    return report(with.compilation);
  if (text.empty()) {
    print("no rule makes `" + arguments.words[0] + "` cheaper\n");
    return Good;
  }
  print(text);
  if (!load(without, arguments, false))
    return report(without.compilation);
  return measure(arguments, with, without);
}

static int explainFormats(const Arguments &arguments) {
  if (arguments.words.size() != 1)
    return usage(explainCommand(), "`--formats` expects one model");
  Way way;
  std::string text;
  if (!load(way, arguments, true))
    return report(way.compilation);
  // Functions that `use` brings are no entries: what they need is told where one calls them.
  auto isEntry = [](const Signature &s) { return s.title.empty(); };
  if (llvm::none_of(way.compilation.signatures(), isEntry))
    return fail("`" + arguments.words[0] + "` exports no function; write `export fn`");
  const bool good = way.compilation.explainFormats(arguments.get("--weights"), text);
  printWarnings(way.compilation);
  if (!good)
    return report(way.compilation);
  print(text.empty() ? "no weight that `" + arguments.words[0] + "` uses has a format\n" : text);
  return Good;
}

/// Tells what the networks of reactions of a model are made of and what they keep.
static int explainReactions(const Arguments &arguments) {
  if (arguments.words.size() != 1)
    return usage(explainCommand(), "`--reactions` expects one model");
  Compilation compilation;
  if (!compilation.check(arguments.words[0]))
    return report(compilation);
  std::string text;
  for (const ast::Network &network : compilation.tree().networks)
    text += describe(network);
  print(text.empty() ? "`" + arguments.words[0] + "` has no `reactions`\n" : text);
  return Good;
}

static int run(const Arguments &arguments) {
  if (arguments.has("--reactions"))
    return explainReactions(arguments);
  if (arguments.has("--rewrites"))
    return explainRewrites(arguments);
  if (arguments.has("--formats"))
    return explainFormats(arguments);
  if (arguments.words.empty()) {
    print(index());
    return Good;
  }
  if (arguments.words.size() > 1)
    return usage(explainCommand(), "expected one code");
  llvm::StringRef digits = arguments.words[0];
  if (!digits.consume_front("E"))
    digits.consume_front("e");
  unsigned code = 0;
  if (digits.getAsInteger(10, code) || code > 9999)
    return usage(explainCommand(), "`" + arguments.words[0] + "` is no code such as E0203");
  const char *page = errorPage(uint16_t(code));
  if (!page)
    return fail("there is no error `" + arguments.words[0] + "`; `mad explain` lists them");
  print(page);
  return Good;
}

Command explainCommand() {
  return {"explain",
          "[CODE] | --rewrites FILE.mad | --formats FILE.mad | --reactions FILE.mad",
          "tells what an error such as E0203 means; alone, lists all codes",
          {{"--rewrites", "",
            "tells which expressions of a model become which others by which\n"
            "                          rules, and how much quicker its functions are for it"},
           {"--formats", "",
            "tells how small weights with formats are, and how far they are from\n"
            "                          what they were read or computed as"},
           {"--reactions", "",
            "tells how large networks of reactions are, and which sums of amounts\n"
            "                          they keep"},
           {"--dim", "NAME=SIZE", "size of a dimension of the calls that are measured (64)"},
           {"--weights", "FILE", "reads all weights from this file"},
           {"--cache", "FOLDER|off", "where code is kept for the next time"}},
          run};
}

} // namespace mad::tool
