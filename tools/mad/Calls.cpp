//===- Calls.cpp - What commands that call an entry share -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "tools/mad/Calls.h"
#include "llvm/ADT/StringRef.h"
#include <cstring>

namespace mad::tool {

const Signature *findEntry(const std::vector<Signature> &all, const std::string &name,
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

bool readDims(const Arguments &arguments, Dims &dims, std::string &error) {
  for (const std::string &text : arguments.all("--dim")) {
    auto [name, number] = llvm::StringRef(text).split('=');
    long long value = 0;
    if (name.empty() || !parseInteger(number.str(), value) || value < 0) {
      error = "`--dim` takes NAME=SIZE, as in `--dim Batch=4`, not `" + text + "`";
      return false;
    }
    if (!dims.insert({name.str(), value}).second) {
      error = "`--dim` gives `" + name.str() + "` twice";
      return false;
    }
  }
  return true;
}

namespace {
/// Where the order of threads is drawn (the emulator) or open (threads of a CPU), each call has
/// another.
class Repeated : public Executable {
public:
  Repeated(std::unique_ptr<Executable> one, long long times) : one(std::move(one)), times(times) {}
  const std::vector<Signature> &signatures() const override { return one->signatures(); }
  bool setThreads(int32_t threads, std::string &error) override {
    return one->setThreads(threads, error);
  }
  std::string untested() const override { return one->untested(); }
  bool call(const std::string &entry, const std::vector<io::Tensor> &inputs,
            std::vector<io::Tensor> &outputs, std::string &error) override {
    if (!one->call(entry, inputs, outputs, error))
      return false;
    for (long long i = 2; i <= times; ++i) {
      std::vector<io::Tensor> again;
      if (!one->call(entry, inputs, again, error)) {
        error = "call " + std::to_string(i) + " of `" + entry + "`: " + error;
        return false;
      }
      for (size_t j = 0; j < outputs.size(); ++j)
        if (outputs[j].bytes &&
            memcmp(outputs[j].data.get(), again[j].data.get(), outputs[j].bytes) != 0) {
          error = "call " + std::to_string(i) + " of `" + entry + "` gives another result " +
                  std::to_string(j + 1) + " than the first, expected the same bits";
          return false;
        }
    }
    return true;
  }

private:
  std::unique_ptr<Executable> one;
  long long times;
};
} // namespace

std::unique_ptr<Executable> repeated(const Arguments &arguments,
                                     std::unique_ptr<Executable> executable, std::string &error) {
  long long times = 1;
  std::string text = arguments.get("--repeat", "1");
  if (!parseInteger(text, times) || times < 1) {
    error = "`--repeat` takes a number of calls, at least 1, not `" + text + "`";
    return nullptr;
  }
  return times == 1 ? std::move(executable)
                    : std::make_unique<Repeated>(std::move(executable), times);
}

bool canSave(const std::string &path, std::string &error) {
  for (const char *ending : {".npy", ".npz", ".safetensors"})
    if (llvm::StringRef(path).ends_with(ending))
      return true;
  error = "`" + path + "` should end in .npy, .npz or .safetensors";
  return false;
}

bool save(const std::string &path, const std::vector<io::NamedTensor> &results,
          std::string &error) {
  llvm::StringRef name = path;
  if (name.ends_with(".npz"))
    return io::writeNpz(path, results, error);
  if (name.ends_with(".safetensors"))
    return io::writeSafetensors(path, results, error);
  if (!canSave(path, error))
    return false;
  if (results.size() == 1)
    return io::writeNpy(path, results[0].tensor, error);
  error = "there are " + std::to_string(results.size()) + " results: write them to a .npz file";
  return false;
}

} // namespace mad::tool
