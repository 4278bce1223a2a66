//===- RunCommand.cpp - mad run ----------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/Numerics.h"
#include "passes/Pipelines/Timeline.h"
#include "tools/mad/Calls.h"
#include "tools/mad/Common.h"
#include "tools/mad/Values.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

namespace mad::tool {

/// `--rtol`, `--atol`: what is no number of at least 0 would compare nothing.
static bool readTolerance(const Arguments &arguments, const char *flag, double &value) {
  return !arguments.has(flag) ||
         (parseNumber(arguments.get(flag), value) && std::isfinite(value) && value >= 0);
}

/// Empty when the values of flags are possible.
static std::string wrongFlag(const Arguments &arguments) {
  double tolerance = 0;
  for (const char *flag : {"--rtol", "--atol"})
    if (!readTolerance(arguments, flag, tolerance))
      return "`" + std::string(flag) + "` takes a number of at least 0, not `" +
             arguments.get(flag) + "`";
  long long threads = 0;
  std::string text = arguments.get("--threads", "0");
  if (!parseInteger(text, threads) || threads < 0 || threads > INT32_MAX)
    return "`--threads` takes a number, not `" + text + "`";
  Dims dims;
  std::string error;
  readDims(arguments, dims, error);
  return error;
}

/// Compares each result with the tensor of its name in the file.
static bool compare(const Arguments &arguments, const std::vector<io::NamedTensor> &results,
                    std::string &error) {
  std::string path = arguments.get("--expect");
  double rtol = 1e-5, atol = 1e-6;
  readTolerance(arguments, "--rtol", rtol);
  readTolerance(arguments, "--atol", atol);
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

namespace {
/// What is shown of the inside of an entry: results behind its own.
struct Inside {
  Compilation *compilation = nullptr; ///< null for an artifact
  std::vector<std::string> named;     ///< for `--save-intermediates`
  std::vector<ExposedOp> computed;    ///< for `--check-numerics` on the JIT
};
} // namespace

static bool saveNamed(const std::string &path, const Inside &inside,
                      std::vector<io::Tensor> &outputs, std::string &error) {
  std::vector<io::NamedTensor> tensors;
  size_t first = outputs.size() - inside.named.size();
  for (size_t i = 0; i < inside.named.size(); ++i)
    tensors.push_back({inside.named[i], std::move(outputs[first + i])});
  outputs.resize(first);
  return save(path, tensors, error);
}

/// With `--check-numerics`: the text of what is wrong, empty when nothing is.
static std::string checkNumerics(const Arguments &arguments, const Signature &signature,
                                 const Inside &inside, const std::vector<io::Tensor> &inputs,
                                 std::vector<io::Tensor> &outputs) {
  std::string error;
  std::optional<NumericFault> fault, inner;
  auto byReference = [&](bool f64, std::optional<NumericFault> &found) {
    return findFaultByReference(*inside.compilation, signature, inputs, f64, found, error);
  };
  std::string target = arguments.get("--target", "jit");
  if (target != "jit") {
    if (!byReference(target == "ref64", fault))
      return error;
    return fault ? text(*fault) : "";
  }
  fault = findFault(*inside.compilation, signature, inputs, outputs, inside.computed);
  outputs.resize(outputs.size() - inside.computed.size());
  if (!fault)
    return "";
  // Which operation of the loop it is, the compiled code does not tell.
  if (fault->holdsOps && byReference(false, inner) && inner)
    return text(*fault) + "\nnote: inside, as the reference interpreter finds, " + text(*inner);
  return text(*fault);
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
  parseInteger(arguments.get("--threads", "0"), threads);
  return executable.setThreads(int32_t(threads), error);
}

/// The tensors that the words of the command line became.
static bool saveInputs(const Arguments &arguments, const Signature &signature,
                       const std::vector<io::Tensor> &inputs, std::string &error) {
  std::vector<io::NamedTensor> tensors;
  for (size_t i = 0; i < inputs.size(); ++i)
    tensors.push_back({signature.inputs[i].name, inputs[i]});
  return save(arguments.get("--save-inputs"), tensors, error);
}

static int callEntry(const Arguments &arguments, Executable &executable, const Inside &inside) {
  std::string error;
  Dims dims;
  const Signature *signature = findEntry(executable.signatures(), arguments.words[1], error);
  if (!signature || !readDims(arguments, dims, error) || !setThreads(arguments, executable, error))
    return fail(error);
  std::vector<std::string> words(arguments.words.begin() + 2, arguments.words.end());
  std::vector<io::Tensor> inputs, outputs;
  if (!readInputs(*signature, words, dims, inputs, error))
    return fail(error);
  if (arguments.has("--save-inputs") && !saveInputs(arguments, *signature, inputs, error))
    return fail(error);
  Timeline *timeline = inside.compilation ? &inside.compilation->timeline() : nullptr;
  double begin = timeline ? timeline->now() : 0;
  bool good = executable.call(signature->name, inputs, outputs, error);
  if (timeline)
    timeline->add("call", "call", begin);
  if (!good)
    return fail(error);
  if (arguments.has("--check-numerics"))
    if (error = checkNumerics(arguments, *signature, inside, inputs, outputs); !error.empty())
      return fail(error);
  if (arguments.has("--save-intermediates") &&
      !saveNamed(arguments.get("--save-intermediates"), inside, outputs, error))
    return fail(error);
  return finish(arguments, *signature, std::move(outputs));
}

static int runArtifact(const Arguments &arguments) {
  for (const char *flag :
       {"--print", "--target", "--trace", "--dump-dir", "--time", "--time-passes", "--remarks",
        "--check-numerics", "--save-intermediates", "--seed"})
    if (arguments.has(flag))
      return fail(std::string("`") + flag + "` needs the .mad file, not an artifact");
  std::string error;
  auto executable = loadExecutable(arguments.words[0], error, arguments.get("--weights"),
                                   arguments.get("--device"));
  if (executable)
    executable = repeated(arguments, std::move(executable), error);
  return executable ? callEntry(arguments, *executable, {}) : fail(error);
}

static int run(const Arguments &arguments) {
  if (arguments.words.size() < 2)
    return usage(runCommand(), "expected a file and the name of an exported function");
  if (std::string wrong = wrongFlag(arguments); !wrong.empty())
    return usage(runCommand(), wrong);
  // What cannot be written is told before the work.
  std::string error;
  for (const char *flag : {"-o", "--save-inputs", "--save-intermediates"})
    if (arguments.has(flag) && !canSave(arguments.get(flag), error))
      return fail(error);
  if (llvm::StringRef(arguments.words[0]).ends_with(".so"))
    return runArtifact(arguments);
  if (arguments.has("--device"))
    return usage(runCommand(), "`--device` is for a library; of a .mad file `--target=cuda` is it");
  const std::string &entry = arguments.words[1];
  Compilation compilation;
  if (!startRecords(arguments, compilation) || !compilation.load(arguments.words[0]))
    return report(compilation);
  if (!findEntry(compilation.signatures(), entry, error))
    return fail(error);
  if (!compilation.keep({entry}))
    return report(compilation);
  std::vector<std::string> shown = arguments.all("--print");
  for (auto it = shown.rbegin(); it != shown.rend(); ++it)
    if (!compilation.exposeValue(entry, *it))
      return report(compilation);
  Inside inside{&compilation, {}, {}};
  if (arguments.has("--save-intermediates") && !compilation.exposeNamed(entry, inside.named))
    return report(compilation);
  if (arguments.has("--check-numerics") && arguments.get("--target", "jit") == "jit" &&
      !compilation.exposeComputed(entry, inside.computed))
    return report(compilation);
  if (!loadWeights(arguments, compilation))
    return report(compilation);
  int exit = Good;
  auto executable = makeExecutable(runCommand(), arguments, compilation, exit);
  if (!executable)
    return exit;
  executable = repeated(arguments, std::move(executable), error);
  if (!executable)
    return fail(error);
  exit = callEntry(arguments, *executable, inside);
  noteUntested(*executable);
  return finishRecords(arguments, compilation, exit);
}

Command runCommand() {
  Command command = {
      "run",
      "FILE.mad|libX.so ENTRY name=VALUE ...",
      "calls an exported function. VALUE: a .npy or .mtx file, a tensor of a\n"
      "  .npz, .safetensors or .gguf file (x.npz:name), numbers (2.5, [[1, 2], [3, 4]]),\n"
      "  zero, random:SEED",
      {{"--target", "jit|ref|ref64|simt|cuda",
        "machine code (default), the reference interpreter in declared\n"
        "                          types or in f64, GPU kernels in an emulator, or on a GPU\n"
        "                          (`cuda:1`: the second one)"},
       {"--device", "cpu|cuda|cuda:N|auto",
        "what runs a library; auto (default) is a GPU where there is\n"
        "                          one, and code for it; MAD_DEVICE says the same"},
       {"--seed", "NUMBER", "order of the emulated threads"},
       {"--repeat", "N", "calls N times; all results must be the same bits"},
       {"--dim", "NAME=SIZE", "size of a dimension, for zero and random"},
       {"-o", "FILE", "writes the result to .npy, several to .npz or .safetensors"},
       {"--expect", "FILE", "compares the results with those of a file"},
       {"--rtol", "R", "allowed relative difference, default 1e-5"},
       {"--atol", "A", "allowed absolute difference, default 1e-6"},
       {"--print", "NAME", "also shows the value that `let NAME` binds"},
       {"--save-inputs", "FILE.npz", "also writes the inputs, as they were read or drawn"},
       {"--save-intermediates", "FILE.npz", "also writes all values that `let` binds"},
       {"--check-numerics", "", "fails at the first operation whose result is not finite"},
       {"--weights", "FILE", "reads all weights from this file"},
       {"--threads", "N", "how many threads the call may use (default: one for each CPU)"}},
      run};
  llvm::append_range(command.flags, recordFlags());
  return command;
}

} // namespace mad::tool
