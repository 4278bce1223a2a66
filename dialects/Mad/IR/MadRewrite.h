//===- MadRewrite.h - Names and costs of the ops for rewriting --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADREWRITE_H
#define MAD_DIALECTS_MAD_IR_MADREWRITE_H

namespace mad {
class MadDialect;
/// Gives the dialect its `RewriteInterface`.
void addRewriteInterface(MadDialect &dialect);
} // namespace mad

#endif // MAD_DIALECTS_MAD_IR_MADREWRITE_H
