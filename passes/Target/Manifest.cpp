//===- Manifest.cpp - The manifest of an artifact -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// JSON, one object:
//   name       of the artifact
//   compiler   version text
//   abi        binary interface, MAD_ABI_VERSION
//   target     triple
//   variants   [{name, level, tiles}], ascending
//              tiles: parameters of products, as `mad tune` chooses them
//              for GPUs {name: "cuda", kernels, images, functions, without}
//              kernels: [{name, place, early: "always" | "few blocks" | "never",
//                         chips: {sm_80: {registers, shared, spills, stack}}}]
//              images: [{kind: "ptx" or "cubin", chip, bytes}]
//              functions: "libdevice" or "built-in"; without: why there is no machine code
//   entries    [{name, doc, dims: [name], inputs, outputs, weights: [name]}]
//              inputs and outputs: [{name, dtype, dims: [text], sizes: [number or null], state}]
//              state: only of one tensor that the call updates; 1 + the number of the
//              output (the input) that it is
//              device_weights: those of code for GPUs, where they are others
//              fp: "strict" or "fast", where the entry or its file says so
//   weights    [{name, dtype, shape, bytes, checksum, offset, panel, axis, weave, computed, part}]
//              panel, axis, weave: where the bytes are packed (mad_weight)
//              checksum: 16 hexadecimal digits, runtime/core/checksum.h
//              computed: true where the compiler made it of other weights; part: {format, dtype,
//              shape} of the weight that it is a part of
//              offset: in the section .mad.weights or the file; neither in memory
//   weights_file  name of the file of weights, where there is one
//
//===----------------------------------------------------------------------===//
#include "passes/Target/Codegen.h"
#include "passes/Target/Object.h"
#include "runtime/artifact.h"
#include "runtime/core/checksum.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace llvm;
using namespace mad;

static json::Value text(StringRef text) { return json::fixUTF8(text); }

static json::Array texts(const std::vector<std::string> &strings) {
  json::Array made;
  for (const std::string &string : strings)
    made.push_back(text(string));
  return made;
}

static json::Array values(const std::vector<ValueDescription> &values) {
  json::Array made;
  for (const ValueDescription &value : values) {
    json::Array sizes;
    for (int64_t size : value.sizes)
      sizes.push_back(size < 0 ? json::Value(nullptr) : json::Value(size));
    made.push_back(json::Object{{"name", text(value.name)},
                                {"dtype", mad_dtype_name(value.dtype)},
                                {"dims", texts(value.dims)},
                                {"sizes", std::move(sizes)}});
    if (value.state > 0)
      made.back().getAsObject()->try_emplace("state", value.state);
  }
  return made;
}

/// Which launches begin before the kernel in front has ended.
static StringRef launchedEarly(const KernelDescription &kernel) {
  return kernel.early == MAD_KERNEL_EARLY          ? "always"
         : kernel.early == MAD_KERNEL_EARLY_IF_FEW ? "few blocks"
                                                   : "never";
}

/// What ptxas says of a kernel, chip by chip.
static json::Object resources(const CudaCode &code, const std::string &kernel) {
  json::Object made;
  for (const ImageDescription &image : code.images) {
    auto found = image.report.kernels.find(kernel);
    if (found == image.report.kernels.end())
      continue;
    const PtxasKernel &k = found->second;
    made[image.chip->name] = json::Object{{"registers", k.registers},
                                          {"shared", k.sharedBytes},
                                          {"spills", k.spillStoreBytes + k.spillLoadBytes},
                                          {"stack", k.stackBytes}};
  }
  return made;
}

static json::Object cudaVariant(const CudaCode &code) {
  json::Array kernels, images;
  for (const KernelDescription &kernel : code.kernels)
    kernels.push_back(json::Object{{"name", text(kernel.name)},
                                   {"place", text(kernel.place)},
                                   {"early", launchedEarly(kernel)},
                                   {"chips", resources(code, kernel.name)}});
  for (const ImageDescription &image : code.images)
    images.push_back(json::Object{{"kind", image.ptx ? "ptx" : "cubin"},
                                  {"chip", image.chip->name},
                                  {"bytes", int64_t(image.bytes.size())}});
  json::Object made{{"name", "cuda"},
                    {"kernels", std::move(kernels)},
                    {"images", std::move(images)},
                    {"functions", code.libdevice.empty() ? "built-in" : "libdevice"}};
  if (!code.withoutPtxas.empty())
    made["without"] = text(code.withoutPtxas);
  return made;
}

static json::Object entry(const EntryDescription &entry) {
  json::Object made{{"name", text(entry.name)},         {"doc", text(entry.doc)},
                    {"dims", texts(entry.dims)},        {"inputs", values(entry.inputs)},
                    {"outputs", values(entry.outputs)}, {"weights", texts(entry.weights)}};
  if (entry.deviceWeights && *entry.deviceWeights != entry.weights)
    made["device_weights"] = texts(*entry.deviceWeights);
  if (!entry.precision.empty())
    made["fp"] = entry.precision;
  return made;
}

uint64_t mad::checksum(const WeightBytes &weight) {
  mad_checksum sum;
  mad_checksum_start(&sum);
  mad_checksum_add(&sum, weight.data.get(), weight.bytes);
  return mad_checksum_value(&sum);
}

static void addNote(const WeightBytes &weight, json::Object &to) {
  if (weight.computed)
    to["computed"] = true;
  if (!weight.part)
    return;
  json::Object part{{"format", text(weight.part->format)},
                    {"dtype", mad_dtype_name(weight.part->dtype)}};
  if (!weight.part->shape.empty())
    part["shape"] = json::Array(weight.part->shape);
  to["part"] = std::move(part);
}

std::string mad::noteOf(const WeightBytes &weight) {
  json::Object note;
  addNote(weight, note);
  if (weight.panel)
    note["shape"] = json::Array(weight.shape);
  return note.empty() ? "" : formatv("{0}", json::Value(std::move(note))).str();
}

static json::Object weight(const WeightBytes &weight) {
  json::Object made{{"name", text(weight.name)},
                    {"dtype", mad_dtype_name(weight.dtype)},
                    {"shape", json::Array(weight.shape)},
                    {"bytes", weight.bytes}};
  addNote(weight, made);
  return made;
}

std::string mad::manifest(const ArtifactOptions &options,
                          const std::vector<EntryDescription> &entries,
                          const std::vector<WeightBytes> &weights,
                          const std::vector<uint64_t> &offsets) {
  json::Array variants, entryList, weightList;
  for (auto [i, level] : enumerate(options.levels)) {
    variants.push_back(json::Object{{"name", variant(level).name}, {"level", level}});
    if (i < options.tiles.size())
      variants.back().getAsObject()->try_emplace("tiles", options.tiles[i]);
  }
  if (options.cuda)
    variants.push_back(cudaVariant(*options.cuda));
  for (const EntryDescription &one : entries)
    entryList.push_back(entry(one));
  for (size_t i = 0; i < weights.size(); ++i) {
    weightList.push_back(weight(weights[i]));
    if (i >= offsets.size())
      continue;
    json::Object &made = *weightList.back().getAsObject();
    made["offset"] = offsets[i];
    if (weights[i].panel) {
      made["panel"] = weights[i].panel;
      made["axis"] = weights[i].axis;
      if (weights[i].weave)
        made["weave"] = weights[i].weave;
    }
    made["checksum"] = utohexstr(checksum(weights[i]), /*LowerCase=*/true, /*Width=*/16);
  }
  json::Object all{{"name", text(options.name)},      {"compiler", compilerVersion()},
                   {"abi", MAD_ABI_VERSION},          {"target", targetTriple()},
                   {"variants", std::move(variants)}, {"entries", std::move(entryList)},
                   {"weights", std::move(weightList)}};
  if (!options.weightsFile.empty())
    all["weights_file"] = options.weightsFile;
  return formatv("{0:2}\n", json::Value(std::move(all))).str();
}
