//===- Compiler.cpp - The C interface of the compiler -------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/mad_compiler.h"

#include "passes/Driver/Compilation.h"
#include "passes/Target/InternalFailure.h"
#include "runtime/io/TensorFile.h"
#include "runtime/jit/Jit.h"
#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <set>

struct mad_compilation {
  std::unique_ptr<mad::Jit> jit;
  std::string messages;
};

namespace {

constexpr size_t maxSourceBytes = size_t(64) << 20;

/// `digits` of `models/digits.mad`.
std::string stem(const std::string &path) {
  std::string name = path.substr(path.rfind('/') + 1);
  return name.substr(0, name.rfind('.'));
}

/// Tests are not for hosts.
bool loadEntries(mad::Compilation &compilation, const std::string &path) {
  if (!compilation.load(path))
    return false;
  std::set<std::string> exported;
  for (const mad::Signature &signature : compilation.signatures())
    if (signature.title.empty())
      exported.insert(signature.name);
  return compilation.keep(exported);
}

mad_status run(const std::string &path, const mad_compile_options &options,
               mad_compilation &result) {
  std::string text;
  if (options.source) {
    text = options.source;
  } else if (std::string error; !mad::io::readFile(path, text, maxSourceBytes, error)) {
    result.messages = "error: " + error + "\n";
    return MAD_FILE_ERROR;
  }
  mad::Compilation compilation;
  compilation.provide(path, std::move(text));
  if (loadEntries(compilation, path) &&
      compilation.loadWeights(options.weights ? options.weights : ""))
    result.jit = compilation.jit(options.name ? options.name : stem(path));
  result.messages = compilation.messages();
  for (const std::string &warning : compilation.warnings())
    result.messages += warning + "\n";
  if (result.jit)
    return MAD_OK;
  return compilation.internalError() ? MAD_INTERNAL : MAD_COMPILE_ERROR;
}

} // namespace

mad_status mad_compile(const char *path, const mad_compile_options *options,
                       mad_compilation **compilation) {
  if (!compilation)
    return MAD_INVALID_ARGUMENT;
  *compilation = nullptr;
  // A caller that was built with an older header has fewer fields, never none.
  mad_compile_options all = {};
  if (!path || (options && options->struct_size < sizeof options->struct_size))
    return MAD_INVALID_ARGUMENT;
  if (options)
    memcpy(&all, options, std::min(options->struct_size, sizeof all));
  std::unique_ptr<mad_compilation> made(new (std::nothrow) mad_compilation);
  if (!made)
    return MAD_OUT_OF_MEMORY;
  mad_status status = MAD_INTERNAL;
  try {
    status = run(path, all, *made);
  } catch (const std::bad_alloc &) {
    return MAD_OUT_OF_MEMORY;
  } catch (const std::exception &exception) {
    made->messages = std::string("internal error: ") + exception.what() + "\n" + mad::howToReport();
  }
  *compilation = made.release();
  return status;
}

const char *mad_compilation_messages(const mad_compilation *compilation) {
  return compilation ? compilation->messages.c_str() : "";
}

const mad_artifact *mad_compilation_artifact(const mad_compilation *compilation) {
  return compilation && compilation->jit ? compilation->jit->artifact() : nullptr;
}

void mad_compilation_destroy(mad_compilation *compilation) { delete compilation; }
