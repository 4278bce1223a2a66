//===- HeaderTest.cpp - The C header of an artifact ---------------------===//
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

/// Compiles `source` beside mad.h and the header X.h; what the compiler says.
static std::string compile(const std::string &header, const std::string &source, bool cxx) {
  std::string in = folder() + (cxx ? "/use.cpp" : "/use.c"), log = folder() + "/log";
  write(folder() + "/X.h", header);
  write(in, source);
  std::string compiler = cxx ? MAD_CXX : MAD_CC;
  std::vector<std::string> words = {compiler,
                                    cxx ? "-std=c++11" : "-std=c99",
                                    "-Wall",
                                    "-Wextra",
                                    "-Werror",
                                    "-pedantic",
                                    "-Wcast-qual",
                                    "-fsyntax-only",
                                    "-I" MAD_SOURCE "/runtime",
                                    "-I" + folder(),
                                    in};
  std::vector<llvm::StringRef> arguments(words.begin(), words.end());
  write(log, ""); // redirection does not empty it
  std::optional<llvm::StringRef> redirects[] = {llvm::StringRef(""), llvm::StringRef(log),
                                                llvm::StringRef(log)};
  int code = llvm::sys::ExecuteAndWait(compiler, arguments, std::nullopt, redirects);
  return code == 0 ? "" : "code " + std::to_string(code) + "\n" + read(log);
}

static void expectCompiles(const std::string &header, const std::string &body) {
  std::string source = "#include \"X.h\"\n" + body;
  EXPECT_EQ(compile(header, source, false), "") << header;
  EXPECT_EQ(compile(header, source, true), "") << header;
}

TEST(Header, TypedFunction) {
  std::string text = header({"affine", {0}}, affineEntries());
  EXPECT_NE(text.find("extern const struct mad_artifact affine_artifact;"), std::string::npos);
  EXPECT_NE(text.find(" * Scales and shifts."), std::string::npos);
  EXPECT_NE(text.find("affine_f(\n    mad_context *context,\n    int64_t N,\n    const float *x,\n"
                      "    const float *k,\n    float *result)"),
            std::string::npos)
      << text;
  expectCompiles(text, "mad_status g(mad_context *c, const float *x, const float *k, float *y);\n"
                       "mad_status g(mad_context *c, const float *x, const float *k, float *y) {\n"
                       "  return affine_f(c, affine_f_result_size(3), x, k, y);\n}\n");
}

TEST(Header, NamesThatCDoesNotTake) {
  EntryDescription entry;
  entry.name = "int";
  entry.doc = "A comment */ that ends /* early.\n\nAnd a second part.";
  entry.dims = {"class", "N", "context"};
  entry.inputs = {{"N", MAD_F32, {"N", "class"}, {-1, -1}},
                  {"for", MAD_BOOL, {}, {}},
                  {"mad_tensor", MAD_I64, {"context"}, {-1}},
                  {"context", MAD_I32, {"3"}, {3}},
                  {"linux", MAD_F64, {}, {}}};
  entry.outputs = {{"shape0_", MAD_BOOL, {"N"}, {-1}}, {"inputs_", MAD_F64, {}, {}}};
  EntryDescription artifact;
  artifact.name = "artifact";
  artifact.outputs = {{"result", MAD_F32, {"2"}, {2}}};
  std::string text = header({"x", {0}}, {entry, artifact});
  expectCompiles(text, "");
  EXPECT_NE(text.find("uint8_t for_"), std::string::npos) << text;
  EXPECT_NE(text.find("x_artifact_(mad_context *context, float *result)"), std::string::npos)
      << text;
}

TEST(Header, SizesAreExpressionsOfTheDimensions) {
  EntryDescription entry;
  entry.name = "conv";
  entry.dims = {"B", "H", "W", "S", "Unused"};
  entry.inputs = {{"x", MAD_F32, {"B", "H", "W", "64"}, {-1, -1, -1, 64}},
                  {"s", MAD_I32, {"S"}, {-1}}};
  entry.outputs = {{"y", MAD_F32, {"B", "H - 2", "(W - 1) / S + 1"}, {-1, -1, -1}},
                   {"n", MAD_I64, {}, {}}};
  std::string text = header({"m", {0}}, {entry});
  EXPECT_EQ(text.find("Unused"), std::string::npos);
  expectCompiles(text, "int64_t g(void);\n"
                       "int64_t g(void) { return m_conv_y_size(2, 5, 7, 2); }\n");
  EXPECT_NE(text.find("return B * (H - 2) * (mad_floor_div(W - 1, S) + 1);"), std::string::npos)
      << text;
}

TEST(Header, TwoModelsInOneProgram) {
  EntryDescription entry;
  entry.name = "half";
  entry.dims = {"N"};
  entry.inputs = {{"x", MAD_F32, {"N"}, {-1}}};
  entry.outputs = {{"y", MAD_F32, {"N / 2"}, {-1}}};
  std::string two = header({"a", {0}}, {entry}) + header({"b", {0}}, {entry});
  expectCompiles(two, "");
}
