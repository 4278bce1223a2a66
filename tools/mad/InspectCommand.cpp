//===- InspectCommand.cpp - mad inspect --------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Driver/Executable.h"
#include "tools/mad/Common.h"
#include "tools/mad/InspectAsMad.h"
#include "tools/mad/InspectWeights.h"
#include "llvm/ADT/StringRef.h"
#include <filesystem>

namespace mad::tool {

static std::string typeText(const SignatureValue &v) {
  std::string text = mad_dtype_name(v.dtype);
  for (size_t i = 0; i < v.labels.size(); ++i) {
    auto size = v.sizes[i].constant();
    std::string label = v.labels[i];
    if (size && label != std::to_string(*size))
      label += "=" + std::to_string(*size);
    text += (i ? ", " : "[") + label;
  }
  return text + (v.labels.empty() ? "" : "]");
}

static void printSignature(const Signature &s) {
  std::string text = s.name;
  for (size_t i = 0; i < s.dims.size(); ++i)
    text += (i ? ", " : "[") + s.dims[i];
  text += s.dims.empty() ? "(" : "](";
  for (size_t i = 0; i < s.inputs.size(); ++i)
    text += (i ? ", " : "") + s.inputs[i].name + ": " + typeText(s.inputs[i]);
  text += ") -> ";
  for (size_t i = 0; i < s.outputs.size(); ++i)
    text += (i ? ", " : "") + s.outputs[i].name + ": " + typeText(s.outputs[i]);
  print(oneLine(text) + "\n");
}

/// From the folder of the model; a module writes it from its own.
static std::string fileOf(const hir::Weight &weight, Compilation &compilation,
                          const std::string &model) {
  namespace fs = std::filesystem;
  auto source = compilation.module().lookupSymbol<WeightSourceOp>(weight.name);
  if (!source || fs::path(weight.path).is_absolute())
    return weight.path;
  fs::path folder = fs::path(model).parent_path();
  fs::path file = fs::path(source.getPath().str()).lexically_normal();
  return file.lexically_proximate(folder.lexically_normal()).string();
}

static int inspectModel(const std::string &path) {
  Compilation compilation;
  if (!compilation.load(path))
    return report(compilation);
  for (const Signature &s : compilation.signatures())
    if (s.title.empty())
      printSignature(s);
    else
      print(oneLine("test \"" + s.title + "\"") + "\n");
  for (const hir::Weight &w : compilation.program().weights) {
    const std::string stored = w.format ? " as " + w.format->str() : "";
    if (w.value)
      print("weight " + w.name + ": " + str(w.type) + " computed" + stored + "\n");
    else
      print(oneLine("weight " + w.name + ": " + str(w.type) + " from " +
                    fileOf(w, compilation, path) + (w.entry.empty() ? "" : " : " + w.entry) +
                    (w.transposed ? " transposed" : "") + stored) +
            "\n");
  }
  return Good;
}

static int inspectArtifact(const Arguments &arguments) {
  std::string error;
  const std::string &path = arguments.words[0];
  if (arguments.has("--json")) {
    mad_module *module = nullptr;
    mad_error e;
    if (mad_module_load(path.c_str(), &module, &e) != MAD_OK)
      return fail(e.message);
    print(std::string(mad_module_manifest(module)) + "\n");
    mad_module_destroy(module);
    return Good;
  }
  auto executable = loadExecutable(path, error);
  if (!executable)
    return fail(error);
  for (const Signature &s : executable->signatures())
    printSignature(s);
  return Good;
}

static int inspectTensors(const Arguments &arguments) {
  const std::string &path = arguments.words[0];
  std::vector<io::Entry> entries;
  std::vector<io::Metadata> metadata;
  std::string error;
  if (!io::list(path, entries, error) || !io::readMetadata(path, metadata, error))
    return fail(error);
  if (arguments.has("--as-mad")) {
    print(declarations(path, entries));
    return Good;
  }
  for (const io::Metadata &data : metadata)
    print(oneLine(data.key + " = " + data.text) + "\n");
  for (const io::Entry &e : entries) {
    std::string text =
        (e.name.empty() ? "" : e.name + ": ") + (e.readable ? io::name(e.dtype) : e.storage) + "[";
    for (size_t i = 0; i < e.shape.size(); ++i)
      text += (i ? ", " : "") + std::to_string(e.shape[i]);
    text += "]";
    if (!e.readable)
      text += ", which cannot be read";
    else if (!e.storage.empty())
      text += " as " + e.storage;
    print(oneLine(text) + "\n");
  }
  return Good;
}

static int run(const Arguments &arguments) {
  if (arguments.words.size() != 1)
    return usage(inspectCommand(), "expected one file");
  llvm::StringRef path = arguments.words[0];
  const bool isModel = path.ends_with(".mad"), isLibrary = path.ends_with(".so");
  if (arguments.has("--json") && !isLibrary)
    return fail("`--json` shows the manifest of a library; `" + path.str() + "` is none");
  if (arguments.has("--as-mad") && (isModel || isLibrary))
    return fail("`--as-mad` is for files of tensors; `" + path.str() + "` is none");
  if (isModel)
    return inspectModel(path.str());
  if (isLibrary)
    return inspectArtifact(arguments);
  return isWeightsFile(path.str()) ? inspectWeights(arguments) : inspectTensors(arguments);
}

Command inspectCommand() {
  return {"inspect",
          "FILE",
          "shows what is in a model, an artifact (.so), its file of weights or a file of tensors",
          {{"--json", "", "the manifest of an artifact as it is"},
           {"--as-mad", "", "a file of tensors as `weight` declarations"}},
          run};
}

} // namespace mad::tool
