//===- TuneCommand.cpp - mad tune ------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles a product with candidates of the tile parameters and keeps what is faster
// than the best so far, one parameter after the other. Candidates and the best run in
// turns, and times are of the processor: other programs disturb both alike.
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/HostTiles.h"
#include "passes/Target/Object.h"
#include "runtime/io/TensorFile.h"
#include "tools/mad/Common.h"
#include "tools/mad/TunedProduct.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"
#include "llvm/TargetParser/Host.h"
#include <cmath>

namespace mad::tool {
namespace {

using kernels::TileSizes;
using kernels::TileTable;

/// A candidate must be faster by so much; less is noise.
constexpr double leastGain = 1.01;

/// One change of parameters: names and values, for the table and for the user.
struct Change {
  std::string text;
  std::function<void(TileSizes &)> apply;
};

/// Changes of one kind, of which the best is kept before the next kind is tried.
using Round = std::vector<Change>;

Change shape(int64_t MR, int64_t panels) {
  return {llvm::formatv("MR={0} panels={1}", MR, panels), [=](TileSizes &s) {
            s.MR = MR, s.panels = panels;
            s.MC = std::max(MR, s.MC / MR * MR);
          }};
}

Change passes(int64_t KC, int64_t NC) {
  return {llvm::formatv("KC={0} NC={1}", KC, NC), [=](TileSizes &s) { s.KC = KC, s.NC = NC; }};
}

Change one(llvm::StringRef name, int64_t TileSizes::*member, int64_t value) {
  return {llvm::formatv("{0}={1}", name, value), [=](TileSizes &s) { s.*member = value; }};
}

/// What is tried, most important first. `unit`: steps in 4096 bytes.
std::vector<Round> allRounds(int level, unsigned bits, bool quick) {
  const int64_t unit = 4096 / (bits / 8);
  Round shapes{shape(6, 1), shape(4, 1)}, sizes, plain, rows, rest;
  if (level >= 4)
    shapes = {shape(6, 4), shape(8, 3), shape(12, 2), shape(6, 2)};
  for (auto [steps, columns] : {std::pair(unit, 64),
                                {unit, 128},
                                {unit / 2, 128},
                                {unit / 2, 256},
                                {unit / 4, 256},
                                {unit / 4, 512}})
    sizes.push_back(passes(steps, columns));
  if (level >= 3)
    for (int64_t elements : {0, 8192, 32768, 131072, 262144, 524288})
      plain.push_back(one("plainColumns", &TileSizes::plainColumns, elements));
  if (level >= 3)
    for (int64_t few : {0, 16, 64, 192, 384, 768})
      rows.push_back(one("plainRows", &TileSizes::plainRows, few));
  for (int64_t unroll : {1, 2, 4})
    rest.push_back(one("unroll", &TileSizes::unroll, unroll));
  if (quick)
    return {shapes, plain};
  return {shapes, sizes, plain, rows, rest};
}

class Tuner {
public:
  Tuner(int level, bool quick, int64_t rounds, TileTable table)
      : level(level), quick(quick), rounds(rounds), table(std::move(table)), limit(level) {}

  /// Improves the parameters of one type of floats; false with an error.
  bool tune(unsigned bits, std::string &error);
  const TileTable &best() const { return table; }

private:
  TileSizes &sizes(TileTable &of, unsigned bits) { return bits == 64 ? of.f64 : of.f32; }
  bool compare(unsigned bits, const Change &change, std::unique_ptr<TunedProduct> &champion,
               std::string &error);
  void row(const std::string &what, unsigned bits, const Rates &rates, const char *mark);

  int level;
  bool quick;
  int64_t rounds; ///< that are tried
  TileTable table;
  PeakRate limit;
};

void Tuner::row(const std::string &what, unsigned bits, const Rates &rates, const char *mark) {
  const double rate = rates.mean();
  std::string text = llvm::formatv("  f{0} {1,-24} {2,7:f1} GFLOP/s {3,3:f0}%", bits, what, rate,
                                   100 * rate / limit.of(bits));
  for (double each : rates.each)
    text += llvm::formatv(" {0,6:f1}", each);
  print(text + "  " + mark + "\n");
}

bool Tuner::compare(unsigned bits, const Change &change, std::unique_ptr<TunedProduct> &champion,
                    std::string &error) {
  TileTable candidate = table;
  change.apply(sizes(candidate, bits));
  if (kernels::text(candidate) == kernels::text(table) ||
      !kernels::faultOf(candidate.of(bits), bits, level).empty())
    return true;
  auto product = TunedProduct::make(candidate, bits, quick, error);
  if (!product)
    return false;
  auto [before, after] = measureInTurns(*champion, *product);
  bool wins = after.mean() > leastGain * before.mean();
  row(change.text, bits, after, wins ? "better" : "");
  if (wins) {
    table = candidate;
    champion = std::move(product);
  }
  return true;
}

bool Tuner::tune(unsigned bits, std::string &error) {
  auto champion = TunedProduct::make(table, bits, quick, error);
  if (!champion)
    return false;
  row("as it was", bits, measureInTurns(*champion, *champion).first, "");
  const std::vector<Round> all = allRounds(level, bits, quick);
  for (const Round &round : llvm::ArrayRef(all).take_front(std::min<size_t>(rounds, all.size())))
    for (const Change &change : round)
      if (!compare(bits, change, champion, error))
        return false;
  row("chosen", bits, measureInTurns(*champion, *champion).first, "");
  return true;
}

bool write(const std::string &path, const TileTable &table, std::string &error) {
  llvm::StringRef folder = llvm::sys::path::parent_path(path);
  if (auto code = llvm::sys::fs::create_directories(folder.empty() ? "." : folder)) {
    error = "cannot create the folder `" + folder.str() + "`: " + code.message();
    return false;
  }
  std::string text = kernels::writeJson(table);
  return io::writeFile(path, text.data(), text.size(), error);
}

int run(const Arguments &arguments) {
  if (!arguments.words.empty())
    return usage(tuneCommand(), "it takes no words");
  std::string error, path = arguments.get("-o", hostTilesFile());
  if (arguments.has("--print")) {
    auto table = hostTiles(error);
    if (!table)
      return fail(error);
    print(kernels::writeJson(*table));
    return Good;
  }
  long long rounds = 0;
  std::string wanted = arguments.get("--rounds", "100");
  if (!parseInteger(wanted, rounds) || rounds < 0)
    return usage(tuneCommand(), "`--rounds` takes a number, not `" + wanted + "`");
  const std::string cpu = llvm::sys::getHostCPUName().str();
  if (path.empty() && !arguments.has("--dry-run"))
    return fail("no folder is known to write to; name a file with `-o`");
  // What was written before may be broken: begin anew.
  TileTable start = kernels::builtinTiles(hostLevel(), cpu);
  start.cpu = cpu;
  Tuner tuner(hostLevel(), arguments.has("--quick"), rounds, start);
  print("products on a " + cpu + ", code of " + variant(hostLevel()).name + "; GFLOP/s of " +
        productNames(arguments.has("--quick")) + "\n");
  for (unsigned bits : {32u, 64u})
    if (!tuner.tune(bits, error))
      return fail(error);
  if (arguments.has("--dry-run")) {
    print(kernels::writeJson(tuner.best()));
    return Good;
  }
  if (!write(path, tuner.best(), error))
    return fail(error);
  print("wrote " + path + "\n");
  return Good;
}

} // namespace

Command tuneCommand() {
  return {
      "tune",
      "",
      "measures how products are cut best on this machine, for `mad run`, `mad test` and\n"
      "  `mad build --tiles=host`",
      {{"--quick", "", "measures less: some 20 seconds instead of 2 minutes"},
       {"--rounds", "N", "tries only the first N kinds of parameters; 0: measures what is there"},
       {"--dry-run", "", "shows the table instead of writing it"},
       {"--print", "", "shows the table that is in use, without measuring"},
       {"-o", "FILE",
        "where to write (default: $MAD_TUNE, or mad/tune/<cpu>.json in\n"
        "                          $XDG_CONFIG_HOME or ~/.config)"}},
      run};
}

} // namespace mad::tool
