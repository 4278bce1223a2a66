//===- ExplainCommand.cpp - mad explain -----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Diag/Codes.h"
#include "tools/mad/Common.h"
#include "tools/mad/ErrorPages.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

namespace mad::tool {

static std::string index() {
  std::string text;
  llvm::raw_string_ostream os(text);
  for (unsigned code = 0; code < 10000; ++code)
    if (std::string_view title = code::title(uint16_t(code)); !title.empty())
      os << llvm::format("E%04u  ", code) << llvm::StringRef(title) << "\n";
  return text;
}

static int run(const Arguments &arguments) {
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
          "[CODE]",
          "tells what an error such as E0203 means; alone, lists all codes",
          {},
          run};
}

} // namespace mad::tool
