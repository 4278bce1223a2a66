//===- LimitsTest.cpp - Hostile and huge texts ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Parse/Driver.h"
#include "test/unit/Frontend/Support.h"
#include <gtest/gtest.h>
#include <random>

using namespace mad;
using namespace mad::test;

static std::string repeat(const std::string &text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i)
    out += text;
  return out;
}

static uint32_t deepest(const Parsed &parsed) {
  uint32_t depth = 0;
  for (const ast::Node &node : parsed.file->nodes)
    depth = std::max<uint32_t>(depth, node.depth);
  return depth;
}

/// The one error of a function with this body, without its place.
static std::string onlyError(const std::string &text) {
  Parsed parsed("fn f() {" + text + "}\n");
  EXPECT_LE(deepest(parsed), ast::maxDepth);
  if (parsed.diagnostics.all().size() != 1)
    return parsed.errors().substr(0, 2000);
  return parsed.diagnostics.all()[0].text;
}

static const char *tooDeep = "nested too deeply: at most 252 levels are allowed";

TEST(Limits, OneMessageForWhatIsTooDeep) {
  const size_t many = 100'000;
  EXPECT_EQ(onlyError(repeat("(", many) + "1" + repeat(")", many)),
            "nested too deeply: brackets may nest 256 deep");
  EXPECT_EQ(onlyError(repeat("(", many)), "nested too deeply: brackets may nest 256 deep");
  EXPECT_EQ(onlyError(repeat("f(", many)), "nested too deeply: brackets may nest 256 deep");
  EXPECT_EQ(onlyError(repeat("f([(", many)), "nested too deeply: brackets may nest 256 deep");
  EXPECT_EQ(onlyError(repeat("-", many) + "1"), tooDeep);
  EXPECT_EQ(onlyError(repeat("not ", many) + "a"), tooDeep);
  EXPECT_EQ(onlyError("a" + repeat("^a", many)), tooDeep);
  EXPECT_EQ(onlyError("a" + repeat(".a", many)), tooDeep);
  EXPECT_EQ(onlyError("a" + repeat("()", many)), tooDeep);
  EXPECT_EQ(onlyError(repeat("if ", many)), tooDeep);
  EXPECT_EQ(onlyError(repeat("scan a = ", many)), tooDeep);
}

TEST(Limits, DepthThatIsAllowed) {
  EXPECT_EQ(body(repeat("(", 200) + "1" + repeat(")", 200)), "1");
  Parsed parsed("fn f(x: f32[1" + repeat(" + f(1", 120) + repeat(")", 120) + "]) { 1 }");
  EXPECT_EQ(parsed.errors(), "");
  EXPECT_EQ(deepest(parsed), 245u);
}

TEST(Limits, ChainsAreOneLevel) {
  const size_t many = 100'000;
  for (const char *more :
       {" + 1", " - a * b", " @ a", " or a < b", " and not a", " == 1 + 1 / 2 % a"}) {
    Parsed parsed("fn f() { 1" + repeat(more, std::string(more).find("==") == 1 ? 1 : many) + " }");
    EXPECT_EQ(parsed.errors(), "") << more;
    EXPECT_LE(deepest(parsed), 8u) << more;
  }
  for (const std::string &text :
       {repeat("if a {b} else ", many) + "{c}", "a" + repeat(" with [0] = b", many)}) {
    Parsed parsed("fn f() { " + text + " }");
    EXPECT_EQ(parsed.errors(), "");
    EXPECT_LE(deepest(parsed), 8u);
  }
  EXPECT_EQ(onlyError(repeat("if a {b} else { ", 140) + "c" + repeat("}", 140)), tooDeep);
  // What a chain holds still counts.
  EXPECT_EQ(onlyError(repeat("f(1 + ", 140) + "1" + repeat(")", 140)), tooDeep);
  EXPECT_EQ(onlyError("1" + repeat(" + 1", many) + " + " + repeat("-", many) + "1"), tooDeep);
}

TEST(Limits, TheRestIsReadAfterWhatIsTooDeep) {
  Parsed parsed("fn f() {\n  let a = " + repeat("(", 300) + "1" + repeat(")", 300) +
                "\n  let b = 1 1\n}\nfn g() { 1" + repeat("^1", 300) + " }\nfn h() { 2 }\n");
  EXPECT_EQ(parsed.summary(), "E0111 2:266, E0120 3:13");
  ASSERT_EQ(parsed.file->items.size(), 3u);
  EXPECT_EQ(shortForm(parsed.file->items[2]->kids[3]), "(block 2)");
  EXPECT_EQ(shortForm(parsed.file->items[0]->kids[3]), "(block (let a _ error) (let b _ error) _)");
}

/// Parses with other limits than those of `parse`.
static std::string limited(const std::string &text, syntax::Limits limits) {
  Sources sources;
  ast::File file;
  file.source = sources.add("t.mad", text);
  Diagnostics diagnostics;
  syntax::Driver(sources[0], file, diagnostics, limits).parse();
  EXPECT_LE(file.nodes.size(), limits.nodes + 100);
  return render(sources, diagnostics);
}

TEST(Limits, BytesAndNodes) {
  syntax::Limits limits;
  EXPECT_EQ(limits.bytes, size_t(64) << 20);
  EXPECT_EQ(limits.nodes, 10'000'000u);
  limits.bytes = 9;
  EXPECT_EQ(limited("dim A = 1", limits), "");
  EXPECT_EQ(limited("dim AB = 1", limits),
            "error[E0103]: the text has 10 bytes, at most 9 are allowed\n"
            "  --> t.mad:1:1\n    1 | dim AB = 1\n      | ^\n");
  limits = {};
  limits.nodes = 3;
  EXPECT_EQ(limited("dim A = 1 + 2, B = 3 $\n$", limits).substr(0, 71),
            "error[E0112]: the text is too long: at most 3 names, numbers, operators");
}

TEST(Limits, TextsFullOfFaults) {
  for (const char *piece :
       {"$", ")", "]", "}", "\"\n", "1.\n", "let\n", "(\n", "{\nfn\n", "[}", "-[("}) {
    Parsed parsed(repeat(piece, 100'000));
    EXPECT_TRUE(parsed.diagnostics.hasErrors()) << piece;
    EXPECT_LE(deepest(parsed), ast::maxDepth);
  }
}

TEST(Limits, BytesThatAreNoText) {
  EXPECT_EQ(Parsed(std::string("fn f() {\n  \0 }", 14)).errors(),
            "error[E0102]: the text holds a NUL byte, it is not a program\n"
            "  --> t.mad:2:3\n    2 |   \xEF\xBF\xBD }\n      |   ^\n");
  EXPECT_EQ(Parsed("dim \xC3\x28 = 1").errors(),
            "error[E0101]: the byte 0xC3 is not UTF-8, the encoding of programs\n"
            "  --> t.mad:1:5\n    1 | dim \xEF\xBF\xBD( = 1\n      |     ^\n");
}

static const char *goodProgram = R"(/// Classifies digits.
use std.nn (relu, softmax)
dim Pixels = 64, Hidden = Pixels * 2
const file: str = "digits\n.safetensors"
weight fc1: f32[Pixels, Hidden] from file : "fc1.weight" transposed
export fn classify[B..., T: type](x: T[B..., Pixels], a: axis, n: const i64 = 1) -> (f32[B...], i64)
  where Pixels == 64, Hidden >= 1
{
  let h = nn.relu(x @ fc1 + b1)   // a comment
  let y[i, j in 0..Hidden]: f32 = sum[k](h[i-1, k] * h[k, j]) with boundary = periodic
  let (u, (v, w)) = scan (s, t) = (h, y) over i in 0..100 { let q = s ^ -2; (q, t.0.1) }
  assert u < 1.5e-3 and not v == w, "message"
  if all[i](u[i] > 0) { (u, 1) } else if v { (v, 2) }
  else { (x[1..n, :, ..3 by 2, -1], [1, 2, 3].size) }
}
test "title" { assert close(classify(ones([3, Pixels])).0, 1.0, atol = 1e-6) }
)";

/// Nothing but termination, spans inside the text and a shallow tree is promised.
static void survives(const std::string &text) {
  Parsed parsed(text);
  ASSERT_LE(deepest(parsed), ast::maxDepth);
  for (const Diagnostic &error : parsed.diagnostics.all()) {
    ASSERT_LE(error.span.begin, text.size());
    ASSERT_LE(error.span.end, text.size());
    ASSERT_FALSE(error.text.empty());
  }
  for (const ast::Node *item : parsed.file->items)
    if (item->kind == ast::Kind::Fn) {
      ASSERT_EQ(item->kids.size(), 6u);
      ASSERT_TRUE(item->kids[0] && item->kids[1] && item->kids[3]);
    }
  (void)parsed.errors();
  (void)parsed.tree();
}

TEST(Mutations, TheProgramIsGood) { EXPECT_EQ(Parsed(goodProgram).errors(), ""); }

TEST(Mutations, BytesAreChanged) {
  std::mt19937 random(1);
  for (int round = 0; round < 600; ++round) {
    std::string text = goodProgram;
    for (int change = random() % 4; change >= 0; --change) {
      static const char some[] = "()[]{},:;.=+-*/^@\"\n aif0$\x00\xC3";
      char byte = some[random() % (sizeof some - 1)];
      size_t where = random() % text.size();
      switch (random() % 3) {
      case 0:
        text[where] = byte;
        break;
      case 1:
        text.insert(where, 1, byte);
        break;
      case 2:
        text.erase(where, 1 + random() % 8);
        break;
      }
    }
    survives(text);
  }
}

TEST(Mutations, PiecesAreMoved) {
  std::mt19937 random(2);
  std::string good = goodProgram;
  for (int round = 0; round < 300; ++round) {
    std::string text;
    while (text.size() < good.size())
      text += good.substr(random() % good.size(), 1 + random() % 40);
    survives(text);
  }
}

TEST(Mutations, TheTextEndsAnywhere) {
  std::string good = goodProgram;
  for (size_t size = 0; size <= good.size(); ++size)
    survives(good.substr(0, size));
}

TEST(Mutations, RandomBytes) {
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    std::string text;
    for (int i = 0; i < 2000; ++i)
      text += char(1 + random() % 127);
    survives(text);
  }
}
