//===- Executable.cpp - Compiled models --------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/Executable.h"
#include "passes/Driver/SimtDevice.h"
#include "runtime/jit/Jit.h"
#include "llvm/Support/JSON.h"

namespace mad {

io::DType ioType(mad_dtype dtype) {
  switch (dtype) {
  case MAD_F32:
    return io::DType::F32;
  case MAD_F64:
    return io::DType::F64;
  case MAD_I32:
    return io::DType::I32;
  case MAD_I64:
    return io::DType::I64;
  case MAD_F16:
    return io::DType::F16;
  case MAD_BF16:
    return io::DType::BF16;
  case MAD_I8:
    return io::DType::I8;
  case MAD_U8:
    return io::DType::U8;
  case MAD_BOOL:
    break;
  }
  return io::DType::Bool;
}

namespace {

/// Anything behind the C interface.
class CompiledExecutable : public Executable {
public:
  ~CompiledExecutable() override {
    mad_context_destroy(context);
    mad_module_destroy(module);
  }
  const std::vector<Signature> &signatures() const override { return all; }
  bool setThreads(int32_t threads, std::string &error) override {
    if (mad_context_set_threads(context, threads) == MAD_OK)
      return true;
    error = mad_context_message(context);
    return false;
  }
  std::string untested() const override {
    return simt && simt->ranForNewChip()
               ? "a chip 8.0 runs other kernels here: `--target=simt:80` tests these"
               : "";
  }
  bool call(const std::string &entry, const std::vector<io::Tensor> &inputs,
            std::vector<io::Tensor> &outputs, std::string &error) override;

  std::unique_ptr<Jit> jit; ///< owns the code, when it is in memory
  std::unique_ptr<SimtDevice> simt;
  mad_module *module = nullptr;
  mad_context *context = nullptr;
  std::vector<Signature> all;
};

mad_tensor borrow(const io::Tensor &tensor, mad_dtype dtype) {
  return {tensor.data.get(), tensor.shape.data(), int32_t(tensor.shape.size()), dtype};
}

bool CompiledExecutable::call(const std::string &entry, const std::vector<io::Tensor> &inputs,
                              std::vector<io::Tensor> &outputs, std::string &error) {
  int32_t number = mad_module_find(module, entry.c_str());
  const mad_entry_info *info = mad_module_entry(module, number);
  if (!info) {
    error = "the artifact has no entry `" + entry + "`";
    return false;
  }
  if (inputs.size() != size_t(info->num_inputs)) {
    error = "`" + entry + "` takes " + std::to_string(info->num_inputs) + " inputs, not " +
            std::to_string(inputs.size());
    return false;
  }
  std::vector<mad_tensor> in, out;
  for (size_t i = 0; i < inputs.size(); ++i)
    in.push_back(borrow(inputs[i], info->inputs[i].dtype));
  size_t ranks = 0;
  for (int32_t i = 0; i < info->num_outputs; ++i)
    ranks += info->outputs[i].rank;
  std::vector<int64_t> extents(ranks + 1);
  auto failed = [&](mad_status status) {
    if (status == MAD_OK)
      return false;
    error = mad_context_message(context);
    return true;
  };
  if (failed(mad_entry_shapes(context, number, in.data(), in.size(), extents.data())))
    return false;
  outputs.clear();
  size_t at = 0;
  for (int32_t i = 0; i < info->num_outputs; ++i) {
    std::vector<int64_t> shape(extents.begin() + at, extents.begin() + at + info->outputs[i].rank);
    at += shape.size();
    auto made = io::Tensor::make(ioType(info->outputs[i].dtype), shape);
    if (!made) {
      error = "no memory for the result `" + std::string(info->outputs[i].name) + "`";
      return false;
    }
    outputs.push_back(std::move(*made));
  }
  for (int32_t i = 0; i < info->num_outputs; ++i) {
    out.push_back(borrow(outputs[i], info->outputs[i].dtype));
    // The caller's tensor stays as it is: a copy is the state.
    if (int32_t state = info->outputs[i].state; state > 0) {
      if (outputs[i].bytes > 0)
        memcpy(outputs[i].data.get(), inputs[state - 1].data.get(), outputs[i].bytes);
      in[state - 1].data = out.back().data;
    }
  }
  return !failed(mad_entry_call(context, number, in.data(), in.size(), out.data(), out.size()));
}

/// A `dims` or `sizes` list of the manifest: texts that DimExpr reads.
SignatureValue readValue(const llvm::json::Object &object) {
  SignatureValue value;
  value.name = object.getString("name").value_or("").str();
  llvm::StringRef dtype = object.getString("dtype").value_or("");
  for (int d = MAD_F32; d <= MAD_U8; ++d)
    if (dtype == mad_dtype_name(mad_dtype(d)))
      value.dtype = mad_dtype(d);
  const llvm::json::Array *dims = object.getArray("dims"), *sizes = object.getArray("sizes");
  for (size_t i = 0; dims && sizes && i < dims->size() && i < sizes->size(); ++i) {
    std::string label = (*dims)[i].getAsString().value_or("").str();
    int64_t size = (*sizes)[i].getAsInteger().value_or(-1);
    value.labels.push_back(label);
    value.sizes.push_back(size >= 0 ? DimExpr(size) : DimExpr::parse(label).value_or(DimExpr()));
  }
  return value;
}

bool readSignatures(const char *manifest, std::vector<Signature> &all) {
  auto parsed = llvm::json::parse(manifest);
  if (!parsed) {
    llvm::consumeError(parsed.takeError());
    return false;
  }
  const llvm::json::Object *root = parsed->getAsObject();
  const llvm::json::Array *entries = root ? root->getArray("entries") : nullptr;
  if (!entries)
    return false;
  for (const llvm::json::Value &e : *entries) {
    const llvm::json::Object *entry = e.getAsObject();
    if (!entry)
      return false;
    Signature s;
    s.name = entry->getString("name").value_or("").str();
    s.doc = entry->getString("doc").value_or("").str();
    auto each = [&](llvm::StringRef key, auto add) {
      if (const llvm::json::Array *list = entry->getArray(key))
        for (const llvm::json::Value &v : *list)
          add(v);
    };
    each("dims", [&](auto &v) { s.dims.push_back(v.getAsString().value_or("").str()); });
    each("inputs", [&](auto &v) {
      if (auto *o = v.getAsObject())
        s.inputs.push_back(readValue(*o));
    });
    each("outputs", [&](auto &v) {
      if (auto *o = v.getAsObject())
        s.outputs.push_back(readValue(*o));
    });
    all.push_back(std::move(s));
  }
  return true;
}

} // namespace

std::unique_ptr<Executable> makeJitExecutable(Compilation &compilation) {
  auto result = std::make_unique<CompiledExecutable>();
  result->all = compilation.signatures();
  result->jit = compilation.jit("model");
  if (!result->jit)
    return nullptr;
  mad_error error;
  if (mad_module_create(result->jit->artifact(), &result->module, &error) != MAD_OK ||
      mad_context_create(result->module, &result->context, &error) != MAD_OK)
    return nullptr;
  return result;
}

std::unique_ptr<Executable> makeSimtExecutable(Compilation &compilation, uint64_t seed,
                                               int32_t chip) {
  auto result = std::make_unique<CompiledExecutable>();
  result->all = compilation.signatures();
  result->jit = compilation.simt("model");
  result->simt = SimtDevice::create(seed, chip);
  if (!result->jit || !result->simt)
    return nullptr;
  mad_error error;
  if (mad_module_create(result->jit->artifact(), &result->module, &error) != MAD_OK ||
      mad_context_create(result->module, &result->context, &error) != MAD_OK ||
      mad_context_set_device(result->context, result->simt->device()) != MAD_OK)
    return nullptr;
  return result;
}

std::unique_ptr<Executable> makeCudaExecutable(Compilation &compilation, const std::string &device,
                                               std::string &error) {
  auto result = std::make_unique<CompiledExecutable>();
  result->all = compilation.signatures();
  result->jit = compilation.cuda("model");
  if (!result->jit)
    return nullptr;
  mad_error e;
  const mad_context_options options = {sizeof options, device.c_str(), nullptr, nullptr};
  if (mad_module_create(result->jit->artifact(), &result->module, &e) != MAD_OK ||
      mad_context_create_with(result->module, &options, &result->context, &e) != MAD_OK) {
    error = e.message;
    return nullptr;
  }
  return result;
}

std::unique_ptr<Executable> loadExecutable(const std::string &path, std::string &error,
                                           const std::string &weights, const std::string &device) {
  auto result = std::make_unique<CompiledExecutable>();
  mad_error e;
  const mad_load_options options = {sizeof options, weights.empty() ? nullptr : weights.c_str(),
                                    MAD_VERIFY_CODE};
  const mad_context_options where = {sizeof where, device.empty() ? nullptr : device.c_str(),
                                     nullptr, nullptr};
  if (mad_module_load_with(path.c_str(), &options, &result->module, &e) != MAD_OK ||
      mad_context_create_with(result->module, &where, &result->context, &e) != MAD_OK) {
    error = e.message;
    return nullptr;
  }
  if (!readSignatures(mad_module_manifest(result->module), result->all)) {
    error = "`" + path + "`: the manifest cannot be read";
    return nullptr;
  }
  return result;
}

} // namespace mad
