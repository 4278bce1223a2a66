//===- TestCommand.cpp - mad test --------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/Executable.h"
#include "tools/mad/Calls.h"
#include "tools/mad/Common.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace mad::tool {

/// One test; prints its line. True when all assertions hold.
static bool runTest(Executable &executable, const Signature &test) {
  std::vector<io::Tensor> outputs;
  std::string error;
  bool good = executable.call(test.name, {}, outputs, error);
  std::string text;
  if (!good)
    text = "  " + error + "\n";
  for (size_t i = 0; i < outputs.size() && i < test.asserts.size(); ++i)
    if (!*outputs[i].as<uint8_t>()) {
      good = false;
      text += "  " + test.asserts[i] + "\n";
    }
  print((good ? "ok      " : "FAILED  ") + test.title + "\n" + text);
  return good;
}

/// The rules of the file; counts them.
static void runRules(Compilation &compilation, const std::string &filter, size_t &passed,
                     size_t &failed) {
  for (const auto &[name, fault] : compilation.testRules(filter)) {
    print((fault.empty() ? "ok      rule " : "FAILED  rule ") + name + "\n" +
          (fault.empty() ? "" : "  " + fault + "\n"));
    ++(fault.empty() ? passed : failed);
  }
}

static int run(const Arguments &arguments) {
  if (arguments.words.size() != 1)
    return usage(testCommand(), "expected one file");
  Compilation compilation;
  if (!startRecords(arguments, compilation) || !compilation.load(arguments.words[0]))
    return report(compilation);
  std::set<std::string> chosen;
  std::string filter = arguments.get("--filter");
  for (const Signature &s : compilation.signatures())
    if (!s.title.empty() && s.title.find(filter) != std::string::npos)
      chosen.insert(s.name);
  size_t passed = 0, failed = 0;
  runRules(compilation, filter, passed, failed);
  auto finish = [&] {
    print(std::to_string(passed) + " passed, " + std::to_string(failed) + " failed\n");
    return finishRecords(arguments, compilation, failed ? UserError : Good);
  };
  if (chosen.empty() && passed + failed > 0)
    return finish();
  if (chosen.empty())
    return fail(filter.empty() ? "`" + arguments.words[0] + "` has no test"
                               : "no test has `" + filter + "` in its title");
  if (!compilation.keep(chosen) || !loadWeights(arguments, compilation))
    return report(compilation);
  int exit = Good;
  auto executable = makeExecutable(testCommand(), arguments, compilation, exit);
  if (!executable)
    return exit;
  std::string error;
  executable = repeated(arguments, std::move(executable), error);
  if (!executable)
    return fail(error);
  for (const Signature &s : compilation.signatures())
    ++(runTest(*executable, s) ? passed : failed);
  noteUntested(*executable);
  return finish();
}

Command testCommand() {
  Command command = {"test",
                     "FILE.mad",
                     "runs the test blocks of a model, and tries its rewrite rules",
                     {{"--target", "jit|ref|ref64|simt|cuda", "what runs them, as for `mad run`"},
                      {"--seed", "NUMBER", "order of the emulated threads"},
                      {"--repeat", "N", "runs each N times; all results must be the same bits"},
                      {"--filter", "TEXT", "only tests with this text in their title"},
                      {"--weights", "FILE", "reads all weights from this file"}},
                     run};
  llvm::append_range(command.flags, recordFlags());
  return command;
}

} // namespace mad::tool
