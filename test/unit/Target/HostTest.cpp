//===- HostTest.cpp - A program in C that is linked with a model --------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Models.h"
#include "llvm/Support/Program.h"
#include <gtest/gtest.h>

using namespace mad;
using namespace mad::test;

/// Runs a program; what it printed, then its exit code where that is not 0.
static std::string output(const std::vector<std::string> &words) {
  std::vector<llvm::StringRef> arguments(words.begin(), words.end());
  std::string log = folder() + "/output", reason;
  write(log, ""); // redirection does not empty it
  std::optional<llvm::StringRef> redirects[] = {llvm::StringRef(""), llvm::StringRef(log),
                                                llvm::StringRef(log)};
  int code = llvm::sys::ExecuteAndWait(words[0], arguments, std::nullopt, redirects, 0, 0, &reason);
  return read(log) + reason + (code ? "exit code " + std::to_string(code) : "");
}

static const char source[] = R"c(
#include "host.h"
#include <stdio.h>
int main(int argc, char **argv) {
  mad_error error;
  mad_module *module = NULL;
  mad_context *context = NULL;
  const float x[2] = {1, 2}, k[4] = {10, 0, 0, 0};
  float y[2];
  if ((argc > 1 ? mad_module_load(argv[1], &module, &error)
                : mad_module_create(&host_artifact, &module, &error)) != MAD_OK ||
      mad_context_create(module, &context, &error) != MAD_OK) {
    puts(error.message);
    return 1;
  }
  if (host_f(context, 2, x, k, y) == MAD_OK)
    printf("%g %g\n", (double)y[0], (double)y[1]);
  mad_context_destroy(context);
  mad_module_destroy(module);
  return 0;
}
)c";

/// `extra`: how the program is linked.
static void expectRuns(const std::vector<std::string> &extra) {
  auto library = buildAffine("host", {0}, {2});
  ASSERT_TRUE(bool(library)) << llvm::toString(library.takeError());
  write(folder() + "/host.h", header({"host", {0}}, affineEntries()));
  write(folder() + "/host.c", source);
  std::string program = folder() + "/host";
  std::vector<std::string> words = {MAD_CC,
                                    "-std=c11",
                                    "-Wall",
                                    "-Werror",
                                    "-I" MAD_SOURCE "/runtime",
                                    folder() + "/host.c",
                                    *library,
                                    MAD_RUNTIME,
                                    "-ldl",
                                    "-Wl,-rpath," + folder(),
                                    "-o",
                                    program};
  words.insert(words.end() - 2, extra.begin(), extra.end());
  ASSERT_EQ(output(words), "");
  EXPECT_EQ(output({program}), "12 14\n");
  EXPECT_EQ(output({program, *library}), "12 14\n");
}

TEST(Host, LinkedWithTheModel) { expectRuns({}); }
// The artifact is then copied into the program by the loader.
TEST(Host, LinkedAtAFixedAddress) { expectRuns({"-fno-pie", "-no-pie"}); }
