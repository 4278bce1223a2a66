//===- TensorFile.cpp - Tensors in files ------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds out what a file is and hands it to its reader; puts the name of the file
// in front of every failure.
//
//===----------------------------------------------------------------------===//
#include "runtime/io/TensorFile.h"

#include "runtime/io/Gguf.h"
#include "runtime/io/MatrixMarket.h"
#include "runtime/io/Npy.h"
#include "runtime/io/Safetensors.h"
#include "runtime/io/Zip.h"
#include <algorithm>
#include <cstring>
#include <new>
#include <numeric>
#include <strings.h>

using namespace mad::io;

namespace {

enum class FileKind : uint8_t { Npy, Npz, Safetensors, Gguf, MatrixMarket };

/// Runs `function`, which may set a text and return false, and completes the
/// text. Memory that is short ends here too.
template <typename Function>
bool guarded(const std::string &path, std::string &error, Function function) {
  std::string text;
  try {
    if (function(text))
      return true;
  } catch (const std::bad_alloc &) {
    text = "does not fit into memory";
  }
  error = ticked(path) + " " + text;
  return false;
}

bool findKind(const Input &input, FileKind &kind, std::string &text) {
  constexpr std::string_view banner = "%%MatrixMarket";
  char start[banner.size()] = {};
  uint64_t count = std::min<uint64_t>(input.size(), sizeof start);
  if (!input.read(0, start, count, text))
    return false;
  if (count >= 6 && memcmp(start, "\x93NUMPY", 6) == 0) {
    kind = FileKind::Npy;
  } else if (memcmp(start, "PK\3\4", 4) == 0 || memcmp(start, "PK\5\6", 4) == 0 ||
             memcmp(start, "PK\6\6", 4) == 0) {
    // The second and third are empty archives.
    kind = FileKind::Npz;
  } else if (memcmp(start, "GGUF", 4) == 0) {
    kind = FileKind::Gguf;
  } else if (strncasecmp(start, banner.data(), banner.size()) == 0) {
    kind = FileKind::MatrixMarket;
  } else if (start[8] == '{') {
    kind = FileKind::Safetensors;
  } else if (memcmp(start, "MADWGHT1", 8) == 0) {
    text = "is the file of weights of a library, in the order that its code reads; a program reads "
           "the files that it was built from";
    return false;
  } else {
    text =
        "is not a tensor file: it starts with " +
        (count ? ticked({start, static_cast<size_t>(std::min<uint64_t>(count, 9))}) : "nothing") +
        "; expected `\\x93NUMPY` (.npy), `PK` (.npz), `GGUF` (.gguf), `%%MatrixMarket` "
        "(.mtx), or a length of 8 bytes and `{` (.safetensors)";
    return false;
  }
  return true;
}

std::string memberTensor(const std::string &member) {
  return member.ends_with(".npy") ? member.substr(0, member.size() - 4) : std::string();
}

/// Smallest number of letters to change, insert or drop.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t(0));
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      size_t change = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

std::string join(const std::vector<std::string> &names, size_t limit) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), limit); ++i)
    text += (i ? ", " : "") + ticked(names[i]);
  if (names.size() > limit)
    text += " and " + std::to_string(names.size() - limit) + " more";
  return text;
}

/// The names that are most like `wanted`.
std::vector<std::string> nearest(const std::string &wanted, const std::vector<std::string> &names) {
  // A message is not worth more work than this.
  constexpr size_t maxNames = 10'000, maxLength = 200, maxAnswers = 3;
  std::vector<std::pair<size_t, std::string>> ranked;
  if (wanted.size() > maxLength)
    return {};
  for (size_t i = 0; i < std::min(names.size(), maxNames); ++i) {
    const std::string &name = names[i];
    if (name.empty() || name.size() > maxLength)
      continue;
    bool contained =
        name.find(wanted) != std::string::npos || wanted.find(name) != std::string::npos;
    size_t score = contained ? 1 : distance(wanted, name);
    if (score <= std::max<size_t>(2, wanted.size() / 3))
      ranked.emplace_back(score, name);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> answer;
  for (size_t i = 0; i < std::min(ranked.size(), maxAnswers); ++i)
    answer.push_back(ranked[i].second);
  return answer;
}

/// Finds `name` among `names`; an empty one means the only one.
bool choose(const std::vector<std::string> &names, const std::string &name, size_t &index,
            std::string &text) {
  auto found = std::find(names.begin(), names.end(), name);
  index = static_cast<size_t>(found - names.begin());
  if (found != names.end())
    return true;
  if (name.empty() && names.size() == 1) {
    index = 0;
    return true;
  }
  if (names.empty()) {
    text = "holds no tensor";
  } else if (name.empty()) {
    text = "holds " + std::to_string(names.size()) + " tensors (" + join(names, 5) +
           "); name one of them";
  } else {
    text = "has no tensor " + ticked(name);
    std::vector<std::string> close = nearest(name, names);
    text += close.empty() ? "; it holds " + join(names, 5) : "; did you mean " + join(close, 3);
  }
  return false;
}

bool listNpz(const Input &input, std::vector<Entry> &entries, std::string &text) {
  std::vector<ZipMember> members;
  if (!readZip(input, members, text))
    return false;
  for (const ZipMember &member : members) {
    Entry entry;
    entry.name = memberTensor(member.name);
    if (entry.name.empty())
      continue;
    auto stream = openMember(input, member);
    NpyStatus status = readNpy(*stream, member.unpacked, entry, nullptr, text);
    if (status == NpyStatus::Bad) {
      text = "has a bad member " + ticked(member.name) + ": it " + text;
      return false;
    }
    if (status == NpyStatus::Ok)
      entries.push_back(std::move(entry));
  }
  return true;
}

bool readNpz(const Input &input, const std::string &name, Tensor &tensor, std::string &text) {
  std::vector<ZipMember> members;
  if (!readZip(input, members, text))
    return false;
  std::vector<std::string> names;
  std::vector<size_t> numbers;
  for (size_t i = 0; i < members.size(); ++i) {
    std::string tensorName = memberTensor(members[i].name);
    if (tensorName.empty())
      continue;
    names.push_back(std::move(tensorName));
    numbers.push_back(i);
  }
  size_t index = 0;
  if (!choose(names, name, index, text))
    return false;
  const ZipMember &member = members[numbers[index]];
  Entry entry;
  auto stream = openMember(input, member);
  if (readNpy(*stream, member.unpacked, entry, &tensor, text) == NpyStatus::Ok)
    return true;
  text = "has a bad member " + ticked(member.name) + ": it " + text;
  return false;
}

bool readFromSafetensors(const Input &input, const std::string &name, Tensor &tensor,
                         std::string &text) {
  std::vector<SafetensorsEntry> entries;
  if (!readSafetensors(input, entries, text))
    return false;
  std::vector<std::string> names;
  for (const SafetensorsEntry &entry : entries)
    names.push_back(entry.name);
  size_t index = 0;
  if (!choose(names, name, index, text))
    return false;
  const SafetensorsEntry &entry = entries[index];
  if (!entry.dtype) {
    text = "has the tensor " + ticked(entry.name) + " in type `" + entry.type +
           "`, which cannot be read; convert it to f32";
    return false;
  }
  std::optional<Tensor> made = Tensor::make(*entry.dtype, entry.shape);
  if (!made) {
    text = "has the tensor " + ticked(entry.name) +
           ", which does not fit into memory: " + std::to_string(entry.end - entry.begin) +
           " bytes";
    return false;
  }
  tensor = std::move(*made);
  if (!input.read(entry.begin, tensor.data.get(), tensor.bytes, text))
    return false;
  if (tensor.dtype == DType::Bool)
    std::for_each_n(tensor.as<uint8_t>(), tensor.bytes, [](uint8_t &byte) { byte = byte != 0; });
  return true;
}

bool readFromGguf(const Input &input, const std::string &name, Tensor &tensor, std::string &text) {
  Gguf file;
  if (!readGguf(input, file, text))
    return false;
  std::vector<std::string> names;
  for (const GgufTensor &entry : file.tensors)
    names.push_back(entry.name);
  size_t index = 0;
  return choose(names, name, index, text) &&
         readGgufTensor(input, file.tensors[index], tensor, text);
}

bool listGguf(const Input &input, std::vector<Entry> &entries, std::string &text) {
  Gguf file;
  if (!readGguf(input, file, text))
    return false;
  for (GgufTensor &entry : file.tensors) {
    const GgufType &type = *entry.type;
    entries.push_back(
        {std::move(entry.name), type.dtype, std::move(entry.shape), type.decode ? type.name : ""});
  }
  return true;
}

bool unique(const std::vector<NamedTensor> &tensors, std::string &text) {
  std::vector<std::string> names;
  for (const NamedTensor &named : tensors)
    names.push_back(named.name);
  std::sort(names.begin(), names.end());
  auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end())
    return true;
  text = "cannot hold two tensors with the name " + ticked(*twice);
  return false;
}

} // namespace

bool mad::io::list(const std::string &path, std::vector<Entry> &entries, std::string &error) {
  entries.clear();
  return guarded(path, error, [&](std::string &text) {
    Input input;
    FileKind kind;
    if (!input.open(path, text) || !findKind(input, kind, text))
      return false;
    if (kind == FileKind::Npz)
      return listNpz(input, entries, text);
    if (kind == FileKind::Npy) {
      RangeStream stream(input, 0, input.size());
      entries.emplace_back();
      return readNpy(stream, input.size(), entries.back(), nullptr, text) == NpyStatus::Ok;
    }
    if (kind == FileKind::Gguf)
      return listGguf(input, entries, text);
    if (kind == FileKind::MatrixMarket) {
      entries.emplace_back();
      return matrixMarketEntry(input, {}, entries.back(), text);
    }
    std::vector<SafetensorsEntry> all;
    if (!readSafetensors(input, all, text))
      return false;
    for (SafetensorsEntry &entry : all)
      entries.push_back({std::move(entry.name), entry.dtype.value_or(DType::F32),
                         std::move(entry.shape), entry.dtype ? "" : entry.type,
                         entry.dtype.has_value()});
    return true;
  });
}

bool mad::io::read(const std::string &path, const std::string &name, Tensor &tensor,
                   std::string &error, std::optional<DType> wanted) {
  return guarded(path, error, [&](std::string &text) {
    Input input;
    FileKind kind;
    if (!input.open(path, text) || !findKind(input, kind, text))
      return false;
    if (kind == FileKind::Npz)
      return readNpz(input, name, tensor, text);
    if (kind == FileKind::Safetensors)
      return readFromSafetensors(input, name, tensor, text);
    if (kind == FileKind::Gguf)
      return readFromGguf(input, name, tensor, text);
    if (!name.empty()) {
      text = "has no tensor " + ticked(name) + ": it is a " +
             (kind == FileKind::Npy ? ".npy" : ".mtx") +
             " file, which holds one tensor without a name; leave the name out";
      return false;
    }
    if (kind == FileKind::MatrixMarket)
      return readMatrixMarket(input, wanted, tensor, text);
    RangeStream stream(input, 0, input.size());
    Entry entry;
    return readNpy(stream, input.size(), entry, &tensor, text) == NpyStatus::Ok;
  });
}

bool mad::io::readMetadata(const std::string &path, std::vector<Metadata> &metadata,
                           std::string &error) {
  metadata.clear();
  return guarded(path, error, [&](std::string &text) {
    Input input;
    FileKind kind;
    if (!input.open(path, text) || !findKind(input, kind, text))
      return false;
    Gguf file;
    if (kind == FileKind::Gguf && !readGguf(input, file, text))
      return false;
    metadata = std::move(file.metadata);
    return true;
  });
}

bool mad::io::readCoordinates(const std::string &path, Coordinates &matrix, std::string &error,
                              std::optional<DType> wanted) {
  return guarded(path, error, [&](std::string &text) {
    Input input;
    FileKind kind;
    if (!input.open(path, text) || !findKind(input, kind, text))
      return false;
    if (kind == FileKind::MatrixMarket)
      return readMatrixMarket(input, wanted, matrix, text);
    text = "is not a Matrix Market file; expected `%%MatrixMarket` at its start";
    return false;
  });
}

bool mad::io::writeNpy(const std::string &path, const Tensor &tensor, std::string &error) {
  return guarded(path, error, [&](std::string &text) {
    std::string header;
    AtomicFile file;
    return npyHeader(tensor, header, text) && file.open(path, text) && file.write(header, text) &&
           file.write(tensor.data.get(), tensor.bytes, text) && file.commit(text);
  });
}

bool mad::io::writeNpz(const std::string &path, const std::vector<NamedTensor> &tensors,
                       std::string &error) {
  return guarded(path, error, [&](std::string &text) {
    AtomicFile file;
    ZipWriter zip(file);
    if (!unique(tensors, text) || !file.open(path, text))
      return false;
    for (const NamedTensor &named : tensors) {
      std::string header;
      if (named.name.empty() || named.name.size() > 1000) {
        text = "cannot hold the tensor " + ticked(named.name) + ": a name has from 1 to 1000 bytes";
        return false;
      }
      if (!npyHeader(named.tensor, header, text) ||
          !zip.add(named.name + ".npy", header, named.tensor.data.get(), named.tensor.bytes, text))
        return false;
    }
    return zip.finish(text) && file.commit(text);
  });
}

bool mad::io::writeSafetensors(const std::string &path, const std::vector<NamedTensor> &tensors,
                               std::string &error) {
  return guarded(path, error, [&](std::string &text) {
    std::string header;
    std::vector<const Tensor *> order;
    AtomicFile file;
    if (!unique(tensors, text) || !safetensorsHeader(tensors, header, order, text) ||
        !file.open(path, text) || !file.write(header, text))
      return false;
    for (const Tensor *tensor : order)
      if (!file.write(tensor->data.get(), tensor->bytes, text))
        return false;
    return file.commit(text);
  });
}

bool mad::io::writeFile(const std::string &path, const void *bytes, size_t size,
                        std::string &error) {
  return guarded(path, error, [&](std::string &text) {
    AtomicFile file;
    return file.open(path, text) && file.write(bytes, size, text) && file.commit(text);
  });
}

bool mad::io::readFile(const std::string &path, std::string &result, size_t limit,
                       std::string &error) {
  return guarded(path, error, [&](std::string &text) {
    Input input;
    if (!input.open(path, text))
      return false;
    if (input.size() > limit) {
      text = "has " + std::to_string(input.size()) + " bytes; at most " + std::to_string(limit) +
             " are accepted";
      return false;
    }
    result.resize(input.size());
    return input.read(0, result.data(), input.size(), text);
  });
}
