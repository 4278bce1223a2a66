//===- DiagTest.cpp - Positions and rendered diagnostics --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Diag/Diag.h"
#include "frontend/Diag/Codes.h"
#include <gtest/gtest.h>

using namespace mad;

static Diagnostic at(uint32_t begin, uint32_t end) {
  Diagnostic diagnostic;
  diagnostic.code = 203;
  diagnostic.text = "text";
  diagnostic.span = {begin, end, 0};
  return diagnostic;
}

/// What stands below `error[...]: text`.
static std::string excerpt(const std::string &source, uint32_t begin, uint32_t end,
                           std::vector<Span> labels = {}) {
  Sources sources;
  sources.add("t.mad", source);
  Diagnostic diagnostic = at(begin, end);
  diagnostic.labels = std::move(labels);
  std::string text = render(sources, diagnostic);
  return text.substr(text.find('\n') + 1);
}

TEST(Sources, PositionsCountCodePoints) {
  Sources sources;
  sources.add("a.mad", "x\ny\xC3\xA9z\n");
  auto place = [&](uint32_t offset) { return sources.place({offset, offset, 0}); };
  EXPECT_EQ(place(0), "a.mad:1:1");
  EXPECT_EQ(place(1), "a.mad:1:2");
  EXPECT_EQ(place(2), "a.mad:2:1");
  EXPECT_EQ(place(5), "a.mad:2:3");
  EXPECT_EQ(place(7), "a.mad:3:1");
  EXPECT_EQ(place(99), "a.mad:3:1") << "behind the end is the end";
  EXPECT_EQ(sources.text({2, 5, 0}), "y\xC3\xA9");
  EXPECT_EQ(sources.text({5, 99, 0}), "z\n");
  EXPECT_EQ(sources.text({0, 1, 7}), "") << "no such file";
}

TEST(Render, CaretLabelsNotesAndHelp) {
  Sources sources;
  sources.add("digits.mad", "weight fc2: f32[Hidden, Classes]\n  let h = x @ fc2\n");
  Diagnostic diagnostic = at(45, 46);
  diagnostic.text = "cannot multiply";
  diagnostic.labels = {{43, 44, 0}, {47, 50, 0}};
  diagnostic.notes.push_back({"`fc2` is declared here", {7, 10, 0}, true});
  diagnostic.notes.push_back({"`Hidden` is 128", {}, false});
  diagnostic.help = "transpose `fc2`";
  EXPECT_EQ(render(sources, diagnostic), "error[E0203]: cannot multiply\n"
                                         "  --> digits.mad:2:13\n"
                                         "    2 |   let h = x @ fc2\n"
                                         "      |           ~ ^ ~~~\n"
                                         "note: `fc2` is declared here\n"
                                         "  --> digits.mad:1:8\n"
                                         "note: `Hidden` is 128\n"
                                         "help: transpose `fc2`\n");
}

TEST(Render, SpansAreMarked) {
  EXPECT_EQ(excerpt("a bcd e", 2, 5), "  --> t.mad:1:3\n    1 | a bcd e\n      |   ^~~\n");
  EXPECT_EQ(excerpt("ab\ncd", 1, 5), "  --> t.mad:1:2\n    1 | ab\n      |  ^\n")
      << "cut at the end of its line";
  EXPECT_EQ(excerpt("ab", 1, 1), "  --> t.mad:1:2\n    1 | ab\n      |  ^\n") << "empty";
  EXPECT_EQ(excerpt("ab", 2, 2), "  --> t.mad:1:3\n    1 | ab\n      |   ^\n") << "at the end";
  EXPECT_EQ(excerpt("ab\n", 3, 3), "  --> t.mad:2:1\n    2 |\n      | ^\n") << "an empty last line";
  EXPECT_EQ(excerpt("", 0, 0), "  --> t.mad:1:1\n    1 |\n      | ^\n");
  EXPECT_EQ(excerpt("a b\nc d", 0, 1, {{2, 3, 0}, {4, 5, 0}}),
            "  --> t.mad:1:1\n    1 | a b\n      | ^ ~\n")
      << "labels of other lines are left out";
  EXPECT_EQ(excerpt("abcd", 1, 2, {{0, 4, 0}}), "  --> t.mad:1:2\n    1 | abcd\n      | ~^~~\n")
      << "the caret is above a label";
}

TEST(Render, ColumnsAreThoseOfTheTerminal) {
  EXPECT_EQ(excerpt("\tx = 1", 1, 2), "  --> t.mad:1:2\n    1 |     x = 1\n      |     ^\n");
  EXPECT_EQ(excerpt("ab\tx", 3, 4), "  --> t.mad:1:4\n    1 | ab  x\n      |     ^\n");
  EXPECT_EQ(excerpt("\xC3\xA9 x", 3, 4), "  --> t.mad:1:3\n    1 | \xC3\xA9 x\n      |   ^\n");
  EXPECT_EQ(excerpt("\xE4\xBD\xA0 x", 4, 5),
            "  --> t.mad:1:3\n    1 | \xE4\xBD\xA0 x\n      |    ^\n")
      << "a wide one takes two";
  EXPECT_EQ(excerpt("x\r\ny", 0, 1), "  --> t.mad:1:1\n    1 | x\n      | ^\n");
}

TEST(Render, NothingSteersTheTerminal) {
  EXPECT_EQ(excerpt("\x1B[2J x", 5, 6),
            "  --> t.mad:1:6\n    1 | \xEF\xBF\xBD[2J x\n      |      ^\n");
  EXPECT_EQ(excerpt("\xFF x", 2, 3), "  --> t.mad:1:3\n    1 | \xEF\xBF\xBD x\n      |   ^\n");
  Sources sources;
  sources.add("t.mad", "x");
  Diagnostic diagnostic = at(0, 1);
  diagnostic.text = "found `\x1B[2J`";
  EXPECT_EQ(render(sources, diagnostic).find('\x1B'), std::string::npos);
}

TEST(Render, LongLinesAreCut) {
  std::string text = excerpt(std::string(10000, 'a') + "b" + std::string(10000, 'c'), 10000, 10001);
  size_t line = text.find(" | ... "), marks = text.rfind("| ");
  ASSERT_NE(line, std::string::npos);
  EXPECT_LT(text.size(), 300u);
  EXPECT_NE(text.find("c ...\n"), std::string::npos);
  size_t b = text.find('b', line) - text.find('|', line);
  EXPECT_EQ(text.find('^', marks) - marks, b) << "the caret is under the `b`";
}

TEST(Render, Color) {
  Sources sources;
  sources.add("t.mad", "x");
  EXPECT_EQ(render(sources, at(0, 1), true), "\033[1;31merror[E0203]\033[0m\033[1m: text\033[0m\n"
                                             "  \033[34m-->\033[0m t.mad:1:1\n"
                                             "\033[34m    1 |\033[0m x\n"
                                             "\033[34m      |\033[0m \033[1;32m^\033[0m\n");
}

TEST(Diagnostics, DropsDoublesAndSortsByPlace) {
  Sources sources;
  sources.add("t.mad", "x y");
  Diagnostics list;
  EXPECT_FALSE(list.hasErrors());
  list.error(203, {2, 3, 0}, "second").help = "help";
  list.error(203, {0, 1, 0}, "first");
  list.error(203, {2, 3, 0}, "again").help = "not kept";
  list.error(204, {2, 3, 0}, "third");
  ASSERT_EQ(list.all().size(), 3u);
  EXPECT_FALSE(list.truncated());
  EXPECT_EQ(render(sources, list), "error[E0203]: first\n"
                                   "  --> t.mad:1:1\n    1 | x y\n      | ^\n\n"
                                   "error[E0203]: second\n"
                                   "  --> t.mad:1:3\n    1 | x y\n      |   ^\nhelp: help\n\n"
                                   "error[E0204]: third\n"
                                   "  --> t.mad:1:3\n    1 | x y\n      |   ^\n");
}

TEST(Diagnostics, StopsAtTwenty) {
  Sources sources;
  sources.add("t.mad", std::string(100, 'x'));
  Diagnostics list;
  for (uint32_t i = 0; i < 20; ++i)
    list.error(203, {i, i + 1, 0}, "text");
  EXPECT_FALSE(list.truncated());
  list.error(203, {50, 51, 0}, "text").notes.push_back({"lost", {}, false});
  EXPECT_TRUE(list.truncated());
  EXPECT_EQ(list.all().size(), 20u);
  std::string text = render(sources, list);
  std::string last = "\nmore errors are not shown: 20 at most in one run\n";
  EXPECT_EQ(text.substr(text.size() - last.size()), last);
}

TEST(Codes, AreNumbersWithTitles) {
  EXPECT_EQ(code::E0108, 108);
  EXPECT_EQ(code::title(code::E0108), "a bracket that is never closed");
  EXPECT_EQ(code::title(9999), "");
}
