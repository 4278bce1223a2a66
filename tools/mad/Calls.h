//===- Calls.h - What commands that call an entry share -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TOOLS_MAD_CALLS_H
#define MAD_TOOLS_MAD_CALLS_H

#include "tools/mad/Options.h"
#include "tools/mad/Values.h"

namespace mad::tool {

/// Null, with a text, when there is no such exported function.
const Signature *findEntry(const std::vector<Signature> &all, const std::string &name,
                           std::string &error);
/// The sizes of all `--dim`.
bool readDims(const Arguments &arguments, Dims &dims, std::string &error);
/// Writes tensors to a file of the kind that its name says.
bool canSave(const std::string &path, std::string &error);
bool save(const std::string &path, const std::vector<io::NamedTensor> &results, std::string &error);

/// `--repeat`: each call is made so many times, and all results must be the same bits. Null: what
/// is wrong with the flag.
std::unique_ptr<Executable> repeated(const Arguments &arguments,
                                     std::unique_ptr<Executable> executable, std::string &error);

} // namespace mad::tool

#endif // MAD_TOOLS_MAD_CALLS_H
