//===- Frames.h - What is current while an object lives ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_FRONTEND_CHECK_FRAMES_H
#define MAD_FRONTEND_CHECK_FRAMES_H

#include "frontend/Check/Checker.h"

namespace mad::elab {

class Checker::Enter {
public:
  Enter(Checker &c, Frame &frame) : c(c), saved(c.frame), precision(c.b.precision) {
    c.frame = &frame;
    c.b.precision = frame.precision;
  }
  ~Enter() {
    c.frame = saved;
    c.b.precision = precision;
  }

private:
  Checker &c;
  Frame *saved;
  hir::Precision precision;
};

class Checker::Inner {
public:
  explicit Inner(Checker &c) : c(c) {
    scope.outer = c.frame->scope;
    c.frame->scope = &scope;
  }
  ~Inner() { c.frame->scope = scope.outer; }
  Scope scope;

private:
  Checker &c;
};

class Checker::Into {
public:
  Into(Checker &c, std::vector<hir::Node *> &nodes) : c(c), saved(c.b.block) { c.b.block = &nodes; }
  ~Into() { c.b.block = saved; }

private:
  Checker &c;
  std::vector<hir::Node *> *saved;
};

} // namespace mad::elab

#endif // MAD_FRONTEND_CHECK_FRAMES_H
