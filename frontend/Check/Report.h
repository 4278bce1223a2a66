//===- Report.h - Errors of the elaborator -------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_CHECK_REPORT_H
#define MAD_FRONTEND_CHECK_REPORT_H

#include "frontend/Diag/Diag.h"

namespace mad::elab {

class Checker;

/// An error that is being written. The end of its life reports it, with the
/// calls that lead to the place.
class Report {
public:
  Report(Checker &checker, uint16_t code, Span span, std::string text);
  ~Report();
  Report(const Report &) = delete;
  Report &operator=(const Report &) = delete;
  Report &label(Span span);
  Report &note(std::string text, Span span);
  Report &help(std::string text);

private:
  void leaveLibrary();
  bool excused() const;

  Checker &checker;
  Diagnostic d;
};

} // namespace mad::elab

#endif // MAD_FRONTEND_CHECK_REPORT_H
