//===- SyntaxErrorTest.cpp - Exact texts of syntax errors, and recovery -----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "test/unit/Frontend/Support.h"
#include <gtest/gtest.h>

using namespace mad;
using namespace mad::test;

static std::string errors(const std::string &text) { return Parsed(text).errors(); }

TEST(SyntaxErrors, Items) {
  EXPECT_EQ(errors("use\n"), "error[E0120]: found the end of the line, expected a name\n"
                             "  --> t.mad:1:4\n"
                             "    1 | use\n"
                             "      |    ^\n");
  EXPECT_EQ(errors("dim A = , B = 3\n"
                   "dim C = 3\n"),
            "error[E0121]: found `,`, expected an expression\n"
            "  --> t.mad:1:9\n"
            "    1 | dim A = , B = 3\n"
            "      |         ^\n");
  EXPECT_EQ(errors("const weight = 3\n"),
            "error[E0122]: `weight` is a word of the language, it cannot be a name\n"
            "  --> t.mad:1:7\n"
            "    1 | const weight = 3\n"
            "      |       ^~~~~~\n");
  EXPECT_EQ(errors("let z = 3\n"),
            "error[E0129]: found `let`, expected `use`, `dim`, `const`, "
            "`weight`, `record`, `fn`, `export fn`, `rule`, `ode`, `reactions` or `test`\n"
            "  --> t.mad:1:1\n"
            "    1 | let z = 3\n"
            "      | ^~~\n"
            "help: outside functions a value is declared with `const`\n");
  EXPECT_EQ(errors("export dim A = 3\n"), "error[E0120]: found `dim`, expected `fn`\n"
                                          "  --> t.mad:1:8\n"
                                          "    1 | export dim A = 3\n"
                                          "      |        ^~~\n");
  EXPECT_EQ(errors("weight w 3\n"), "error[E0120]: found `3`, expected `=` or `:`\n"
                                    "  --> t.mad:1:10\n"
                                    "    1 | weight w 3\n"
                                    "      |          ^\n");
  EXPECT_EQ(errors("const x: = 3\n"), "error[E0120]: found `=`, expected a type\n"
                                      "  --> t.mad:1:10\n"
                                      "    1 | const x: = 3\n"
                                      "      |          ^\n");
  EXPECT_EQ(errors("fm g(x: f32[K]) {\n"
                   "  let a = 1\n"
                   "  a\n"
                   "}\n"),
            "error[E0129]: found `fm`, expected `use`, `dim`, `const`, `weight`, `record`, `fn`, "
            "`export fn`, `rule`, `ode`, `reactions` or `test`\n"
            "  --> t.mad:1:1\n"
            "    1 | fm g(x: f32[K]) {\n"
            "      | ^~\n");
}

TEST(SyntaxErrors, Functions) {
  EXPECT_EQ(errors("fn f(x f32[N]) -> f32[N] {\n"
                   "  x\n"
                   "}\n"),
            "error[E0120]: found `f32`, expected `:`\n"
            "  --> t.mad:1:8\n"
            "    1 | fn f(x f32[N]) -> f32[N] {\n"
            "      |        ^~~\n"
            "help: write `x: f32`\n");
  EXPECT_EQ(errors("fn (x: f32) { x }\n"), "error[E0120]: found `(`, expected a name\n"
                                           "  --> t.mad:1:4\n"
                                           "    1 | fn (x: f32) { x }\n"
                                           "      |    ^\n");
  EXPECT_EQ(errors("fn f[A: number](x: A) { x }\n"),
            "error[E0127]: `number` is no kind of parameter in brackets\n"
            "  --> t.mad:1:9\n"
            "    1 | fn f[A: number](x: A) { x }\n"
            "      |         ^~~~~~\n"
            "help: write `A` for a dimension, `A...` for several and `A: type` (`float`, "
            "`integer`) for an "
            "element type\n");
  EXPECT_EQ(errors("fn f(x: f32[N,,]) { x }\n"),
            "error[E0121]: found `,`, expected an expression or `]`\n"
            "  --> t.mad:1:15\n"
            "    1 | fn f(x: f32[N,,]) { x }\n"
            "      |               ^\n");
  EXPECT_EQ(errors("fn f(x: f32) => f32 { x }\n"),
            "error[E0120]: found `=>`, expected `->`, `{`, `with` or `where`\n"
            "  --> t.mad:1:14\n"
            "    1 | fn f(x: f32) => f32 { x }\n"
            "      |              ^~\n");
  EXPECT_EQ(errors("fn f x { 1 }\n"), "error[E0120]: found `x`, expected `(` or `[`\n"
                                      "  --> t.mad:1:6\n"
                                      "    1 | fn f x { 1 }\n"
                                      "      |      ^\n");
  EXPECT_EQ(errors("test name { 1 }\n"), "error[E0120]: found `name`, expected a string\n"
                                         "  --> t.mad:1:6\n"
                                         "    1 | test name { 1 }\n"
                                         "      |      ^~~~\n");
}

TEST(SyntaxErrors, Statements) {
  EXPECT_EQ(errors("fn f() {\n"
                   "  let a =\n"
                   "  let b = a c\n"
                   "  a = b\n"
                   "  b\n"
                   "}\n"),
            "error[E0121]: found the end of the line, expected an expression\n"
            "  --> t.mad:2:10\n"
            "    2 |   let a =\n"
            "      |          ^\n"
            "\n"
            "error[E0120]: found `c`, expected an operator or the end of the line\n"
            "  --> t.mad:3:13\n"
            "    3 |   let b = a c\n"
            "      |             ^\n"
            "\n"
            "error[E0126]: found `=` in an expression\n"
            "  --> t.mad:4:5\n"
            "    4 |   a = b\n"
            "      |     ^\n"
            "help: to compare write `==`, to name a value write `let`\n");
  EXPECT_EQ(errors("fn f() {\n"
                   "  a + 1\n"
                   "  a + 2\n"
                   "}\n"),
            "error[E0123]: this value is not used: only the last line of a block is its result\n"
            "  --> t.mad:2:3\n"
            "    2 |   a + 1\n"
            "      |   ^~~~~\n"
            "help: name the value with `let`, or remove it\n");
  EXPECT_EQ(errors("fn f() {\n"
                   "  let (a, 1) = b\n"
                   "  let y[i, 2] = x\n"
                   "  let y[i in 3] = x\n"
                   "  assert\n"
                   "  a\n"
                   "}\n"),
            "error[E0120]: found `1`, expected a name, `(` or `)`\n"
            "  --> t.mad:2:11\n"
            "    2 |   let (a, 1) = b\n"
            "      |           ^\n"
            "\n"
            "error[E0120]: found `2`, expected a name or `]`\n"
            "  --> t.mad:3:12\n"
            "    3 |   let y[i, 2] = x\n"
            "      |            ^\n"
            "\n"
            "error[E0120]: found `]`, expected `..` or an operator\n"
            "  --> t.mad:4:15\n"
            "    4 |   let y[i in 3] = x\n"
            "      |               ^\n"
            "\n"
            "error[E0121]: found the end of the line, expected an expression\n"
            "  --> t.mad:5:9\n"
            "    5 |   assert\n"
            "      |         ^\n");
}

TEST(SyntaxErrors, Expressions) {
  EXPECT_EQ(errors("fn f() { a < b < c }\n"), "error[E0125]: comparisons do not chain\n"
                                              "  --> t.mad:1:16\n"
                                              "    1 | fn f() { a < b < c }\n"
                                              "      |                ^\n"
                                              "help: write `a < b and b < c`\n");
  EXPECT_EQ(errors("fn f() { if a { 1 } }\n"),
            "error[E0124]: this `if` has no `else`: it is an expression and needs both values\n"
            "  --> t.mad:1:10\n"
            "    1 | fn f() { if a { 1 } }\n"
            "      |          ^~\n");
  EXPECT_EQ(errors("fn f() { sum[k] a }\n"),
            "error[E0128]: found `a`, expected `(`: the body of a reduction stands in parentheses\n"
            "  --> t.mad:1:17\n"
            "    1 | fn f() { sum[k] a }\n"
            "      |                 ^\n");
  EXPECT_EQ(errors("fn f() { g(1, , 2) }\n"),
            "error[E0121]: found `,`, expected an expression or `)`\n"
            "  --> t.mad:1:15\n"
            "    1 | fn f() { g(1, , 2) }\n"
            "      |               ^\n");
  EXPECT_EQ(errors("fn f() { g[a with b = c] }\n"),
            "error[E0130]: `with` cannot stand inside an expression\n"
            "  --> t.mad:1:14\n"
            "    1 | fn f() { g[a with b = c] }\n"
            "      |              ^~~~\n"
            "help: put parentheses around the expression and its `with`\n");
  EXPECT_EQ(errors("fn f() { a + weight }\n"),
            "error[E0122]: `weight` is a word of the language, it cannot be a name\n"
            "  --> t.mad:1:14\n"
            "    1 | fn f() { a + weight }\n"
            "      |              ^~~~~~\n");
  EXPECT_EQ(errors("fn f() { x[1, 2 3] }\n"),
            "error[E0120]: found `3`, expected `]`, `,` or an operator\n"
            "  --> t.mad:1:17\n"
            "    1 | fn f() { x[1, 2 3] }\n"
            "      |                 ^\n");
  EXPECT_EQ(errors("fn f() { a + }\n"), "error[E0121]: found `}`, expected an expression\n"
                                        "  --> t.mad:1:14\n"
                                        "    1 | fn f() { a + }\n"
                                        "      |              ^\n");
  EXPECT_EQ(errors("fn f() { scan u = 0 over i { u } }\n"),
            "error[E0120]: found `{`, expected `in`\n"
            "  --> t.mad:1:28\n"
            "    1 | fn f() { scan u = 0 over i { u } }\n"
            "      |                            ^\n");
  EXPECT_EQ(errors("fn f() {\n"
                   "  g(a,\n"
                   "    b c)\n"
                   "}\n"),
            "error[E0120]: found `c`, expected `)`, `,` or an operator\n"
            "  --> t.mad:3:7\n"
            "    3 |     b c)\n"
            "      |       ^\n"
            "note: the bracket opened here is still open\n"
            "  --> t.mad:2:4\n");
}

TEST(SyntaxErrors, Brackets) {
  EXPECT_EQ(errors("fn f() {\n"
                   "  let a = (1 + 2\n"
                   "  let b = 3\n"
                   "  b\n"
                   "}\n"),
            "error[E0108]: this `(` is never closed\n"
            "  --> t.mad:2:11\n"
            "    2 |   let a = (1 + 2\n"
            "      |           ^\n");
  EXPECT_EQ(errors("fn f() {\n"
                   "  x[1, 2) + 3\n"
                   "}\n"),
            "error[E0110]: found `)`, but `]` closes what is open here\n"
            "  --> t.mad:2:9\n"
            "    2 |   x[1, 2) + 3\n"
            "      |         ^\n"
            "note: this `[` is open\n"
            "  --> t.mad:2:4\n");
  EXPECT_EQ(errors("fn f() {\n"
                   "  1\n"
                   "\n"
                   "fn g() { 2 }\n"),
            "error[E0108]: this `{` is never closed\n"
            "  --> t.mad:1:8\n"
            "    1 | fn f() {\n"
            "      |        ^\n");
  EXPECT_EQ(errors("fn f() { 1 }\n"
                   "}\n"),
            "error[E0109]: this `}` closes nothing: no `{` is open here\n"
            "  --> t.mad:2:1\n"
            "    2 | }\n"
            "      | ^\n");
}

TEST(SyntaxErrors, Texts) {
  EXPECT_EQ(errors("dim A = 1.\n"),
            "error[E0107]: the number `1.` ends in a point, a digit must follow\n"
            "  --> t.mad:1:9\n"
            "    1 | dim A = 1.\n"
            "      |         ^~\n"
            "help: write `1.0`\n");
  EXPECT_EQ(errors("dim A = 0x10\n"), "error[E0107]: `0x10` is no number\n"
                                      "  --> t.mad:1:9\n"
                                      "    1 | dim A = 0x10\n"
                                      "      |         ^~~~\n"
                                      "help: numbers are decimal: write `16`\n");
  EXPECT_EQ(errors("const a = \"b\\q\"\n"),
            "error[E0106]: `\\q` is no escape of a string\n"
            "  --> t.mad:1:13\n"
            "    1 | const a = \"b\\q\"\n"
            "      |             ^~\n"
            "help: the escapes are `\\n`, `\\r`, `\\t`, `\\\\`, `\\\"` and `\\u{1F600}`\n");
  EXPECT_EQ(errors("const a = \"b\n"
                   "const c = 1\n"),
            "error[E0105]: this string has no end on its line\n"
            "  --> t.mad:1:11\n"
            "    1 | const a = \"b\n"
            "      |           ^~\n"
            "help: write `\"` at its end, and `\\\"` for a quote inside it\n");
  EXPECT_EQ(errors("dim A = $ + é\n"),
            "error[E0104]: the character `$` has no meaning here\n"
            "  --> t.mad:1:9\n"
            "    1 | dim A = $ + é\n"
            "      |         ^\n"
            "\n"
            "error[E0104]: `é` stands outside strings and comments, where only ASCII is allowed\n"
            "  --> t.mad:1:13\n"
            "    1 | dim A = $ + é\n"
            "      |             ^\n");
}

// What a broken text still gives, and that one fault is one message.

TEST(Recovery, ManyErrorsInOneRun) {
  Parsed parsed("use\n"
                "dim A = , B = 3\n"
                "const weight = 3\n"
                "fn f(x f32[N]) -> f32[N] {\n"
                "  let a = (1 + 2\n"
                "  let b = a c\n"
                "  let c = f(1, , 2) + g(3, *)\n"
                "  let d = if c > { 1 } else { 2 }\n"
                "  let e = if c { let z = * 1; z } else { $ }\n"
                "  sum[k] a\n"
                "}\n"
                "fm g(x: f32[K]) {\n  let a = ,\n}\n"
                "test { let q = }\n");
  EXPECT_EQ(parsed.summary(),
            "E0120 1:4, E0121 2:9, E0122 3:7, E0120 4:8, E0108 5:11, E0120 6:13, E0121 7:16, "
            "E0121 7:28, E0121 8:18, E0121 9:26, E0104 9:42, E0128 10:10, E0129 12:1, "
            "E0120 15:6, E0121 15:16");
}

TEST(Recovery, BrokenItemsKeepTheirNames) {
  Parsed parsed("dim A = 1, B = $, C = 2\n"
                "dim D\n"
                "const c: f32 4\n"
                "weight w: f32[3] 2\n"
                "use m (a b)\n");
  EXPECT_EQ(parsed.summary(), "E0104 1:16, E0120 2:6, E0120 3:14, E0120 4:18, E0120 5:10");
  EXPECT_EQ(parsed.tree(), "Dim A\n  Number 1\nDim B\n  Error\n"
                           "Dim D\n  Error\n"
                           "Const c\n  -\n  Error\n"
                           "Weight w\n  Error\n  Error\n  -\n  -\n"
                           "Use m\n  Error\n");
}

TEST(Recovery, FunctionsWithABrokenHeadAreKept) {
  Parsed parsed("export fn a(x f32) -> f32 { let b = 1 1; 2 }\n"
                "/// Doc.\nfn b[N,,](x: f32[N]) { x }\n"
                "fn c(x: f32[N) { x }\n"
                "fn d => f32 {\n  3\n}\n"
                "fn e(x: f32)\n"
                "fn f() { 4 }\n");
  EXPECT_EQ(parsed.summary(), "E0120 1:15, E0120 1:39, E0120 3:8, E0108 4:12, "
                              "E0120 5:6, E0120 8:13");
  ASSERT_EQ(parsed.file->items.size(), 6u);
  auto form = [&](size_t i) {
    std::string out = std::string(parsed.file->items[i]->text);
    for (const ast::Node *kid : parsed.file->items[i]->kids)
      out += " " + (kid && kid->kind == ast::Kind::Params
                        ? "(" + std::to_string(kid->kids.size()) + ")"
                        : shortForm(kid));
    return out;
  };
  EXPECT_EQ(form(0), "a  error f32 (block (let b _ error) 2) _ _");
  EXPECT_EQ(parsed.file->items[0]->flags, ast::Exported);
  EXPECT_EQ(form(1), "b error (1) _ (block x) _ _");
  EXPECT_EQ(parsed.file->items[1]->doc, "/// Doc.");
  EXPECT_EQ(form(3), "d error error _ (block 3) _ _");
  EXPECT_EQ(form(4), "e error error _ error _ _");
  EXPECT_EQ(form(5), "f  (0) _ (block 4) _ _");
}

TEST(Recovery, StatementsKeepTheirNames) {
  Parsed parsed("fn f() {\n"
                "  let a = 1 1\n"
                "  let (b, c): f32[ = 3\n"
                "  let y[i] = $\n"
                "  let z[3] = x\n"
                "  let = 3\n"
                "  (a $)\n"
                "}\n");
  EXPECT_EQ(parsed.summary(),
            "E0120 2:13, E0121 3:20, E0104 4:14, E0120 5:9, E0120 6:7, E0104 7:6");
  EXPECT_EQ(shortForm(parsed.file->items[0]->kids[3]),
            "(block (let a _ error) (let (pattern b c) _ error) (let y (over (i _ _)) _ error) "
            "(let z _ error) error error)");
}

TEST(Recovery, BracketsInsideWhatIsSkipped) {
  // After the fault come brackets with commas, ends of lines and closers inside.
  EXPECT_EQ(
      Parsed("fn f() {\n  let a = g(1 1, (2, [3]), if b { c\n d } else { e })\n  a\n}\n").summary(),
      "E0120 2:15");
  EXPECT_EQ(Parsed("fn f() {\n  let a = b c { let d = 1\n e } + (g\n h)\n  a\n}\n").summary(),
            "E0120 2:13");
  EXPECT_EQ(Parsed("$ { fn f() { a }\n b }\ndim A = 1 1\n").summary(), "E0104 1:1, E0120 3:11");
}

TEST(Recovery, WhatIsLeftOpenEndsAtTheNextItem) {
  Parsed parsed("fn f() {\n  let a = g(1,\n\nfn h() { 2 }\n"
                "fn i() {\n  x[1, 2\n}\n"
                "fn j() {\n  if a {\n    1\n  } else {\n    2\n}\n"
                "dim A = (1 + 2\nconst c = 3\n");
  EXPECT_EQ(parsed.summary(), "E0108 2:12, E0108 1:8, E0108 6:4, E0108 8:8, E0108 14:9");
  std::string names;
  for (const ast::Node *item : parsed.file->items)
    names += std::string(item->text) + " ";
  EXPECT_EQ(names, "f h i j A c ");
}

TEST(Recovery, TwentyErrorsAndNoMore) {
  std::string text;
  for (int i = 0; i < 30; ++i)
    text += "dim A =\n";
  Parsed parsed(text);
  EXPECT_EQ(parsed.diagnostics.all().size(), Diagnostics::maxErrors);
  EXPECT_TRUE(parsed.diagnostics.truncated());
}
