//===- Values.h - Tensors on the command line --------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TOOLS_MAD_VALUES_H
#define MAD_TOOLS_MAD_VALUES_H

#include "passes/Driver/Executable.h"
#include <map>
#include <optional>

namespace mad::tool {

using Dims = std::map<std::string, int64_t>;

/// Makes the inputs of an entry from `name=VALUE` words. VALUE is a file
/// (`x.npy`, `x.npz`, `x.npz:name`, `x.safetensors:name`), numbers (`2.5`,
/// `[[1, 2], [3, 4]]`), `zero`, or `random:SEED`. The last two take sizes from
/// `dims` and from the inputs that are given as files or numbers.
bool readInputs(const Signature &signature, const std::vector<std::string> &words, Dims dims,
                std::vector<io::Tensor> &inputs, std::string &error);

/// `p: f32[2, 3]` and the elements, shortened beyond 1000.
std::string format(const std::string &name, const io::Tensor &tensor);

/// How far `actual` is from `expected`; a text when some element fails
/// |a - e| <= atol + rtol |e| (equal NaNs and infinities pass).
std::optional<std::string> difference(const io::Tensor &actual, const io::Tensor &expected,
                                      double rtol, double atol);

} // namespace mad::tool

#endif // MAD_TOOLS_MAD_VALUES_H
