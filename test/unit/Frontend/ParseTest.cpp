//===- ParseTest.cpp - Trees of correct programs ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "test/unit/Frontend/Support.h"
#include <gtest/gtest.h>

using namespace mad;
using namespace mad::test;

TEST(Precedence, LoosestToTightest) {
  EXPECT_EQ(body("a or b and c"), "(or a (and b c))");
  EXPECT_EQ(body("a and b or c"), "(or (and a b) c)");
  EXPECT_EQ(body("a and b == c"), "(and a (== b c))");
  EXPECT_EQ(body("not a == b and c"), "(and (not (== a b)) c)");
  EXPECT_EQ(body("a < b + c"), "(< a (+ b c))");
  EXPECT_EQ(body("a - b * c"), "(- a (* b c))");
  EXPECT_EQ(body("a * b @ c"), "(* a (@ b c))");
  EXPECT_EQ(body("-a @ b"), "(@ (- a) b)");
  EXPECT_EQ(body("-a ^ b"), "(- (^ a b))");
  EXPECT_EQ(body("a ^ -b ^ c"), "(^ a (- (^ b c)))");
  EXPECT_EQ(body("-a.b"), "(- (.b a))");
  EXPECT_EQ(body("-a[0]"), "(- (index a 0))");
  EXPECT_EQ(body("not -a"), "(not (- a))");
  EXPECT_EQ(body("a == not b"), "(== a (not b))");
}

TEST(Precedence, Associativity) {
  EXPECT_EQ(body("a - b + c"), "(+ (- a b) c)");
  EXPECT_EQ(body("a / b * c % d"), "(% (* (/ a b) c) d)");
  EXPECT_EQ(body("a @ b @ c"), "(@ (@ a b) c)");
  EXPECT_EQ(body("a ^ b ^ c"), "(^ a (^ b c))");
  EXPECT_EQ(body("a or b or c"), "(or (or a b) c)");
  EXPECT_EQ(body("(a ^ b) ^ (c - d)"), "(^ (^ a b) (- c d))");
  EXPECT_EQ(body("(a < b) == c"), "(== (< a b) c)");
}

TEST(Expressions, PostfixAndCalls) {
  EXPECT_EQ(body("f()"), "(call f)");
  EXPECT_EQ(body("nn.relu(x, axis = K,)"), "(call (.relu nn) x (axis= K))");
  EXPECT_EQ(body("t.0.1"), "(.1 (.0 t))");
  EXPECT_EQ(body("f(x)(y)[0].z"), "(.z (index (call (call f x) y) 0))");
  EXPECT_EQ(body("x[i+1, :, 1..n, ..3, 2.., 0..n by 2, .. by 3, .., -1]"),
            "(index x (+ i 1) : (.. 1 n _) (.. _ 3 _) (.. 2 _ _) (.. 0 n 2) (.. _ _ 3) "
            "(.. _ _ _) (- 1))");
}

TEST(Expressions, TuplesAndArrays) {
  EXPECT_EQ(body("(a)"), "a");
  EXPECT_EQ(body("(a, b)"), "(tuple a b)");
  EXPECT_EQ(body("(a, b,)"), "(tuple a b)");
  EXPECT_EQ(body("(a,)"), "(tuple a)");
  EXPECT_EQ(body("[a, b + 1]"), "(array a (+ b 1))");
  EXPECT_EQ(body("[]"), "array");
  EXPECT_EQ(body("[[1, 2], [3, 4],]"), "(array (array 1 2) (array 3 4))");
}

TEST(Expressions, ReductionsIfAndScan) {
  EXPECT_EQ(body("sum[k](a[i, k] * 2) + c"), "(+ (sum (over (k _ _)) (* (index a i k) 2)) c)");
  EXPECT_EQ(body("max[i in 0..3, j](x[i])"), "(max (over (i 0 3) (j _ _)) (index x i))");
  EXPECT_EQ(body("max(a, b)"), "(call max a b)");
  EXPECT_EQ(body("f(all = [a])"), "(call f (all= (array a)))");
  EXPECT_EQ(body("1 + if a { b } else { c } * 2"), "(+ 1 (* (if a (block b) (block c)) 2))");
  EXPECT_EQ(body("if a { b } else if c { d }\nelse { e }"),
            "(if a (block b) (else-if c (block d)) (block e))");
  EXPECT_EQ(body("scan u = u0 over i in 0..n + 1 { let v = u\n v }"),
            "(scan u u0 (over (i 0 (+ n 1))) (block (let v _ u) v))");
  EXPECT_EQ(body("scan (a, (b, c)) = t over i in 0..3 { t }"),
            "(scan (pattern a (pattern b c)) t (over (i 0 3)) (block t))");
}

TEST(Expressions, WithIsTheLoosest) {
  EXPECT_EQ(body("a or b with boundary = zero"), "(with (or a b) (boundary= zero))");
  EXPECT_EQ(body("a\n  with boundary = zero, fill = 1 + 2"),
            "(with a (boundary= zero) (fill= (+ 1 2)))");
  EXPECT_EQ(body("f((a with b = c), d)"), "(call f (with a (b= c)) d)");
  EXPECT_EQ(body("sum[i](a with b = c)"), "(sum (over (i _ _)) (with a (b= c)))");
  EXPECT_EQ(body("let y[i] = u[i-1] with boundary = periodic"),
            "(let y (over (i _ _)) _ (with (index u (- i 1)) (boundary= periodic))); _");
}

TEST(Statements, LetAssertAndResult) {
  EXPECT_EQ(body(""), "_");
  EXPECT_EQ(body("let a = 1"), "(let a _ 1); _");
  EXPECT_EQ(body("let a: f32[3] = 1\na"), "(let a (f32 3) 1); a");
  EXPECT_EQ(body("let (a, (b, c)) = t; let (d) = a"),
            "(let (pattern a (pattern b c)) _ t); (let d _ a); _");
  EXPECT_EQ(body("let y[i, j in 0..H,]: f32 = 1"), "(let y (over (i _ _) (j 0 H)) f32 1); _");
  EXPECT_EQ(body("let y[i in 1.., j in ..n] = 1"), "(let y (over (i 1 _) (j _ n)) _ 1); _");
  EXPECT_EQ(body("assert a < b, \"m\"\nassert c"), "(assert (< a b) 'm'); (assert c _); _");
  EXPECT_EQ(body("let a = 1; a;"), "(let a _ 1); a");
}

TEST(Items, Tree) {
  Parsed parsed("use std.nn\n"
                "use a.b . c (x, y,)\n"
                "dim A = 64, B = A * 2\n"
                "const pi: f64 = 3.14\n"
                "const file = \"x\\n\"\n"
                "weight w: f32[A] from \"f\" : \"e\" transposed\n"
                "weight v: f32[A] from file\n"
                "test \"title\" { assert true }\n");
  EXPECT_EQ(parsed.errors(), "");
  EXPECT_EQ(parsed.tree(),
            "Use std.nn\n"
            "Use a.b.c\n  Name x\n  Name y\n"
            "Dim A\n  Number 64\n"
            "Dim B\n  Binary *\n    Name A\n    Number 2\n"
            "Const pi\n  TensorType f64\n  Number 3.14\n"
            "Const file\n  -\n  String \"x\\n\"\n"
            "Weight w transposed\n  TensorType f32\n    Name A\n"
            "  String \"f\"\n  String \"e\"\n  -\n"
            "Weight v\n  TensorType f32\n    Name A\n  Name file\n  -\n  -\n"
            "Test \"title\"\n  Block\n    Assert\n      Bool true\n      -\n    -\n  -\n");
}

TEST(Items, Functions) {
  Parsed parsed("/// One.\n/// Two.\n"
                "export fn f[B..., K, T: type](x: T[B..., K], a: axis, n: const i64 = 1,\n"
                "    y: f32 = 2.0) -> (T[B...], i64)\n"
                "  where K == 3, K >= 1\n"
                "{ x }\n"
                "fn g() { 1 }\n");
  EXPECT_EQ(parsed.errors(), "");
  EXPECT_EQ(parsed.tree(),
            "Fn f exported doc=\"/// One.\\n/// Two.\"\n"
            "  Generics\n    Generic B pack\n    Generic K\n    Generic T type\n"
            "  Params\n"
            "    Param x\n      TensorType T\n        Pack B\n        Name K\n      -\n"
            "    Param a axis\n      -\n      -\n"
            "    Param n constant\n      TensorType i64\n      Number 1\n"
            "    Param y\n      TensorType f32\n      Number 2.0\n"
            "  TupleType\n    TensorType T\n      Pack B\n    TensorType i64\n"
            "  Block\n    Name x\n"
            "  Tuple\n"
            "    Binary ==\n      Name K\n      Number 3\n"
            "    Binary >=\n      Name K\n      Number 1\n"
            "  -\n"
            "Fn g\n  Generics\n  Params\n  -\n  Block\n    Number 1\n  -\n  -\n");
}

TEST(Items, DocComments) {
  Parsed parsed(
      "/// lost\n\n/// kept\r\n\ndim A = 1, B = 2 /// behind\n"
      "//// a rule\n/// of g\n// in between\nfn g() {\n  /// inside\n  1\n}\ndim C = 3\n");
  EXPECT_EQ(parsed.errors(), "");
  const ast::Nodes &items = parsed.file->items;
  ASSERT_EQ(items.size(), 4u);
  EXPECT_EQ(items[0]->doc, "/// kept");
  EXPECT_EQ(items[1]->doc, "/// kept");
  EXPECT_EQ(items[2]->doc, "/// of g");
  EXPECT_EQ(items[3]->doc, "");
}

/// Every span lies in the one above it, and the texts of names in the source.
static void checkSpans(const Parsed &parsed, const ast::Node *node) {
  std::string_view text = parsed.sources.text(node->span);
  EXPECT_GT(text.size(), 0u) << int(node->kind);
  EXPECT_GE(node->nameSpan.begin, node->span.begin);
  EXPECT_LE(node->nameSpan.end, node->span.end);
  if (node->kind != ast::Kind::String && node->kind != ast::Kind::Test &&
      node->kind != ast::Kind::Use && !node->text.empty())
    EXPECT_EQ(parsed.sources.text(node->nameSpan), node->text);
  uint32_t depth = 0;
  for (const ast::Node *kid : node->kids) {
    if (!kid)
      continue;
    EXPECT_GE(kid->span.begin, node->span.begin);
    EXPECT_LE(kid->span.end, node->span.end);
    bool chain = node->kind == ast::Kind::Binary && kid == node->kids[0] && kid->kind == node->kind;
    depth = std::max<uint32_t>(depth, kid->depth - chain);
    checkSpans(parsed, kid);
  }
  EXPECT_EQ(node->depth, depth + 1);
}

TEST(Items, SpansAndTexts) {
  Parsed parsed("use std.nn (relu)\ndim A = 1, B = 2\nweight w: f32[A, B] from \"f\" : \"e\"\n"
                "export fn f[N](x: f32[N], k: const i64 = 2) -> (f32, i64) where N >= 2 {\n"
                "  let y[i in 0..N] = sum[j](-x[i, 1..2 by 3, :]) with boundary = zero\n"
                "  let (a, b) = scan (u, v) = (x, y) over t in 0..k { (v, u.0) }\n"
                "  if a < 1 and true { [a] } else { f(x, axis = A) }\n}\n"
                "test \"t\" { assert not f(1) ^ 2 == 3, \"m\" }\n");
  ASSERT_EQ(parsed.errors(), "");
  for (const ast::Node *item : parsed.file->items)
    checkSpans(parsed, item);
  const ast::Node *fn = parsed.file->items[4];
  EXPECT_EQ(parsed.sources.text(fn->span).substr(0, 11), "export fn f");
  EXPECT_EQ(parsed.sources.text(fn->kids[3]->kids[0]->kids[2]->nameSpan), "with");
  EXPECT_EQ(parsed.sources.text(parsed.file->items[1]->span), "A = 1");
  EXPECT_EQ(parsed.sources.text(parsed.file->items[2]->span), "B = 2");
}

TEST(Items, TextsWithoutItems) {
  for (const char *text : {"", "\n", "\n\n// c\n", "\xEF\xBB\xBF", ";", "\r\n"}) {
    Parsed parsed(text);
    EXPECT_EQ(parsed.errors(), "");
    EXPECT_EQ(parsed.tree(), "");
  }
}
