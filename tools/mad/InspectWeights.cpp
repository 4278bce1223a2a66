//===- InspectWeights.cpp - The file of weights of a library ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The runtime reads the table, with all its checks. What is not needed for calls, such as
// the format that a weight is a part of, is in the notes.
//
//===----------------------------------------------------------------------===//
#include "tools/mad/InspectWeights.h"
#include "runtime/artifact.h"
#include "runtime/core/weights.h"
#include "tools/mad/Common.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include <fstream>

namespace mad::tool {

bool isWeightsFile(const std::string &path) {
  if (llvm::StringRef(path).ends_with(".weights"))
    return true;
  uint64_t magic = 0;
  std::ifstream stream(path, std::ios::binary);
  return stream.read(reinterpret_cast<char *>(&magic), sizeof magic) && magic == MAD_WEIGHTS_MAGIC;
}

namespace {
/// A file that is open, and its table.
struct WeightsFile {
  mad_file file = {};
  mad_stored_list list = {};
  mad_error error = {};

  ~WeightsFile() {
    mad_stored_free(&list);
    if (isOpen)
      mad_file_close(&file);
  }
  bool read(const char *path) {
    isOpen = mad_file_open(path, &file, &error) == MAD_OK;
    if (!isOpen)
      return false;
    uint64_t magic = 0;
    if (file.bytes >= sizeof magic && mad_file_read(&file, &magic, sizeof magic, 0) != MAD_OK)
      return false;
    if (magic == MAD_WEIGHTS_MAGIC)
      return mad_weights_read(&file, &list) == MAD_OK;
    snprintf(error.message, sizeof error.message,
             "`%s` is no file of weights: it does not start like a .weights file", path);
    return false;
  }
  const mad_weights_header &header() const {
    return *static_cast<const mad_weights_header *>(list.head);
  }

private:
  bool isOpen = false;
};

/// A weight of the program: one tensor, or the parts of a format.
struct Group {
  std::vector<const mad_stored *> tensors;
  llvm::json::Object part; ///< empty: it has no format
  uint64_t bytes = 0;
};
} // namespace

static llvm::json::Object noteOf(const mad_stored &stored) {
  if (!stored.note || !*stored.note)
    return {};
  // A note that cannot be read is none: the table stands without it.
  auto note = llvm::json::parse(stored.note);
  if (!note) {
    llvm::consumeError(note.takeError());
    return {};
  }
  llvm::json::Object *object = note->getAsObject();
  return object ? std::move(*object) : llvm::json::Object();
}

static std::string typeText(llvm::StringRef dtype, const llvm::json::Array &extents) {
  std::string text = dtype.str();
  for (size_t i = 0; i < extents.size(); ++i)
    text += (i ? ", " : "[") + std::to_string(extents[i].getAsInteger().value_or(0));
  return text + (extents.empty() ? "" : "]");
}

/// `, in panels of 64 of dimension 1, woven`; empty for rows as they are.
static std::string orderText(const mad_stored &stored) {
  if (!stored.panels)
    return "";
  int64_t width = stored.shape[stored.rank - 1] / (stored.weave ? 4 : 1);
  return ", in panels of " + std::to_string(width) + " of dimension " +
         std::to_string(stored.panels - 1) + (stored.weave ? ", woven" : "");
}

static std::string lineOf(const mad_stored &stored) {
  llvm::json::Object note = noteOf(stored);
  llvm::json::Array extents(llvm::ArrayRef<int64_t>(stored.shape, stored.rank));
  if (const llvm::json::Array *shape = note.getArray("shape"))
    extents = *shape;
  const bool isPart = note.getObject("part");
  return std::string(stored.name) + ": " + typeText(mad_dtype_name(stored.dtype), extents) +
         (!isPart && note.getBoolean("computed").value_or(false) ? ", computed" : "") +
         orderText(stored) + ", " + std::to_string(stored.bytes) + " bytes";
}

/// `w: f32[256, 64] as lut.int(bits = 4), 2176 bytes, 4.25 bits an element`.
static std::string lineOf(llvm::StringRef name, const Group &group) {
  std::string text = name.str() + ": ";
  double elements = 1;
  const llvm::json::Array *shape = group.part.getArray("shape");
  if (shape) {
    text += typeText(group.part.getString("dtype").value_or("?"), *shape) + " ";
    for (const llvm::json::Value &extent : *shape)
      elements *= double(extent.getAsInteger().value_or(0));
  }
  text += "as " + group.part.getString("format").value_or("?").str() + ", " +
          std::to_string(group.bytes) + " bytes";
  if (shape && elements > 0)
    text += llvm::formatv(", {0:f2} bits an element", double(group.bytes) * 8 / elements).str();
  return text;
}

int inspectWeights(const Arguments &arguments) {
  const std::string &path = arguments.words[0];
  if (arguments.has("--as-mad"))
    return fail(
        "`" + path +
        "` is the file of weights of a library; `--as-mad` is for files that programs read");
  WeightsFile weights;
  if (!weights.read(path.c_str()))
    return fail(weights.error.message);
  llvm::MapVector<llvm::StringRef, Group> groups;
  for (size_t i = 0; i < weights.list.count; ++i) {
    const mad_stored &stored = weights.list.tensors[i];
    llvm::json::Object note = noteOf(stored);
    llvm::json::Object *part = note.getObject("part");
    llvm::StringRef name = stored.name;
    Group &group = groups[part ? name.rsplit('.').first : name];
    group.tensors.push_back(&stored);
    group.bytes += stored.bytes;
    if (part)
      group.part = std::move(*part);
  }
  print(oneLine("written by " + std::string(weights.header().compiler) + ": " +
                std::to_string(groups.size()) + " weights, " + std::to_string(weights.file.bytes) +
                " bytes") +
        "\n");
  for (const auto &[name, group] : groups) {
    if (!group.part.empty())
      print(oneLine(lineOf(name, group)) + "\n");
    for (const mad_stored *stored : group.tensors)
      print((group.part.empty() ? "" : "  ") + oneLine(lineOf(*stored)) + "\n");
  }
  return Good;
}

} // namespace mad::tool
