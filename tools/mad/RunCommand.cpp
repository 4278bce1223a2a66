//===- RunCommand.cpp - mad run ----------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Pipelines/Timeline.h"
#include "tools/mad/Common.h"
#include "tools/mad/Values.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"

namespace mad::tool {

static const Signature *findEntry(const std::vector<Signature> &all, const std::string &name,
                                  std::string &error) {
  std::string names;
  for (const Signature &s : all) {
    if (s.name == name)
      return &s;
    if (s.title.empty())
      names += (names.empty() ? "`" : ", `") + s.name + "`";
  }
  error = "there is no exported function `" + name + "`; " +
          (names.empty() ? "the file exports none" : "there are " + names);
  return nullptr;
}

static bool readDims(const Arguments &arguments, Dims &dims, std::string &error) {
  for (const std::string &text : arguments.all("--dim")) {
    auto [name, number] = llvm::StringRef(text).split('=');
    long long value = 0;
    if (name.empty() || !parseInteger(number.str(), value) || value < 0) {
      error = "`--dim` takes NAME=SIZE, as in `--dim Batch=4`, not `" + text + "`";
      return false;
    }
    dims[name.str()] = value;
  }
  return true;
}

static bool save(const std::string &path, const std::vector<io::NamedTensor> &results,
                 std::string &error) {
  llvm::StringRef name = path;
  if (name.ends_with(".npz"))
    return io::writeNpz(path, results, error);
  if (name.ends_with(".safetensors"))
    return io::writeSafetensors(path, results, error);
  if (!name.ends_with(".npy"))
    error = "`" + path + "` should end in .npy, .npz or .safetensors";
  else if (results.size() != 1)
    error = "there are " + std::to_string(results.size()) + " results: write them to a .npz file";
  else
    return io::writeNpy(path, results[0].tensor, error);
  return false;
}

/// Compares each result with the tensor of its name in the file.
static bool compare(const Arguments &arguments, const std::vector<io::NamedTensor> &results,
                    std::string &error) {
  std::string path = arguments.get("--expect");
  double rtol = 1e-5, atol = 1e-6;
  if ((arguments.has("--rtol") && !parseNumber(arguments.get("--rtol"), rtol)) ||
      (arguments.has("--atol") && !parseNumber(arguments.get("--atol"), atol))) {
    error = "`--rtol` and `--atol` take a number";
    return false;
  }
  for (const io::NamedTensor &result : results) {
    io::Tensor expected;
    bool single = llvm::StringRef(path).ends_with(".npy");
    if (!io::read(path, single ? "" : result.name, expected, error))
      return false;
    if (auto text = difference(result.tensor, expected, rtol, atol)) {
      error = "`" + result.name + "` is not as in `" + path + "`: " + *text;
      return false;
    }
  }
  return true;
}

static int finish(const Arguments &arguments, const Signature &signature,
                  std::vector<io::Tensor> outputs) {
  std::vector<io::NamedTensor> results;
  for (size_t i = 0; i < outputs.size(); ++i)
    results.push_back({signature.outputs[i].name, std::move(outputs[i])});
  std::string error;
  // What `--print` asked for is shown, not saved or compared.
  for (size_t i = 0, printed = arguments.all("--print").size(); i < printed; ++i) {
    print(format(results.back().name, results.back().tensor) + "\n");
    results.pop_back();
  }
  if (arguments.has("-o")) {
    if (!save(arguments.get("-o"), results, error))
      return fail(error);
  } else if (!arguments.has("--expect")) {
    for (const io::NamedTensor &r : results)
      print(format(r.name, r.tensor) + "\n");
  }
  if (arguments.has("--expect")) {
    if (!compare(arguments, results, error))
      return fail(error);
    print("as expected\n");
  }
  return Good;
}

static bool setThreads(const Arguments &arguments, Executable &executable, std::string &error) {
  long long threads = 0;
  std::string text = arguments.get("--threads", "0");
  if (parseInteger(text, threads) && threads >= 0 && threads <= INT32_MAX)
    return executable.setThreads(int32_t(threads), error);
  error = "`--threads` takes a number, not `" + text + "`";
  return false;
}

/// `timeline`, if not null, learns how long the call took.
static int callEntry(const Arguments &arguments, Executable &executable, Timeline *timeline) {
  std::string error;
  Dims dims;
  const Signature *signature = findEntry(executable.signatures(), arguments.words[1], error);
  if (!signature || !readDims(arguments, dims, error) || !setThreads(arguments, executable, error))
    return fail(error);
  std::vector<std::string> words(arguments.words.begin() + 2, arguments.words.end());
  std::vector<io::Tensor> inputs, outputs;
  if (!readInputs(*signature, words, dims, inputs, error))
    return fail(error);
  double begin = timeline ? timeline->now() : 0;
  bool good = executable.call(signature->name, inputs, outputs, error);
  if (timeline)
    timeline->add("call", "call", begin);
  if (!good)
    return fail(error);
  return finish(arguments, *signature, std::move(outputs));
}

static int runArtifact(const Arguments &arguments) {
  for (const char *flag :
       {"--print", "--target", "--trace", "--dump-dir", "--time", "--time-passes"})
    if (arguments.has(flag))
      return fail(std::string("`") + flag + "` needs the .mad file, not an artifact");
  std::string error;
  auto executable = loadExecutable(arguments.words[0], error, arguments.get("--weights"));
  return executable ? callEntry(arguments, *executable, nullptr) : fail(error);
}

static int run(const Arguments &arguments) {
  if (arguments.words.size() < 2)
    return usage(runCommand(), "expected a file and the name of an exported function");
  if (llvm::StringRef(arguments.words[0]).ends_with(".so"))
    return runArtifact(arguments);
  const std::string &entry = arguments.words[1];
  Compilation compilation;
  if (!startRecords(arguments, compilation) || !compilation.load(arguments.words[0]))
    return report(compilation);
  std::string error;
  if (!findEntry(compilation.signatures(), entry, error))
    return fail(error);
  if (!compilation.keep({entry}))
    return report(compilation);
  std::vector<std::string> shown = arguments.all("--print");
  for (auto it = shown.rbegin(); it != shown.rend(); ++it)
    if (!compilation.exposeValue(entry, *it))
      return report(compilation);
  if (!compilation.loadWeights(arguments.get("--weights")))
    return report(compilation);
  int exit = Good;
  auto executable = makeExecutable(runCommand(), arguments, compilation, exit);
  if (!executable)
    return exit;
  exit = callEntry(arguments, *executable, &compilation.timeline());
  return finishRecords(arguments, compilation, exit);
}

Command runCommand() {
  Command command = {
      "run",
      "FILE.mad|libX.so ENTRY name=VALUE ...",
      "calls an exported function. VALUE: a .npy or .mtx file, a tensor of a\n"
      "  .npz, .safetensors or .gguf file (x.npz:name), numbers (2.5, [[1, 2], [3, 4]]),\n"
      "  zero, random:SEED",
      {{"--target", "jit|ref|ref64",
        "machine code (default), or the reference interpreter in\n"
        "                          declared types or in f64"},
       {"--dim", "NAME=SIZE", "size of a dimension, for zero and random"},
       {"-o", "FILE", "writes the result to .npy, several to .npz or .safetensors"},
       {"--expect", "FILE", "compares the results with those of a file"},
       {"--rtol", "R", "allowed relative difference, default 1e-5"},
       {"--atol", "A", "allowed absolute difference, default 1e-6"},
       {"--print", "NAME", "also shows the value that `let NAME` binds"},
       {"--weights", "FILE", "reads all weights from this file"},
       {"--threads", "N", "how many threads the call may use (default: one for each CPU)"}},
      run};
  llvm::append_range(command.flags, recordFlags());
  return command;
}

} // namespace mad::tool
