//===- Sources.cpp - Source text and positions ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Diag/Lines.h"
#include <algorithm>
#include <cstring>
#include <deque>

using namespace mad;

namespace {
struct Entry {
  Source source;
  // Both made once, so that reading needs no lock.
  std::vector<uint32_t> lines; ///< where each line begins
  std::vector<uint32_t> inner; ///< bytes inside code points, before each block of `blockSize` bytes
};

/// So that a place far on a line is found as fast as any.
constexpr uint32_t blockSize = 256;

std::vector<uint32_t> lineStarts(const std::string &text) {
  std::vector<uint32_t> starts = {0};
  // Positions have 32 bits; the parser refuses such a text, nobody points into it.
  if (text.size() >= UINT32_MAX)
    return starts;
  const char *begin = text.data(), *end = begin + text.size();
  for (const char *p = begin; p < end;) {
    p = static_cast<const char *>(std::memchr(p, '\n', end - p));
    if (!p)
      break;
    starts.push_back(uint32_t(++p - begin));
  }
  return starts;
}

std::vector<uint32_t> innerBytes(const std::string &text) {
  std::vector<uint32_t> counts;
  if (text.size() >= UINT32_MAX)
    return counts;
  uint32_t count = 0;
  for (uint32_t i = 0; i < text.size(); ++i) {
    if (i % blockSize == 0)
      counts.push_back(count);
    count += diag::continues(text[i]);
  }
  return counts;
}

/// Code points that begin before `offset`.
uint32_t pointsBefore(const Entry &entry, uint32_t offset) {
  uint32_t block = offset / blockSize;
  if (block >= entry.inner.size()) // the end of a text of whole blocks, or of none
    block = entry.inner.empty() ? 0 : uint32_t(entry.inner.size()) - 1;
  uint32_t points = block * blockSize - (entry.inner.empty() ? 0 : entry.inner[block]);
  for (uint32_t i = block * blockSize; i < offset; ++i)
    points += !diag::continues(entry.source.text[i]);
  return points;
}
} // namespace

struct Sources::Impl {
  std::deque<Entry> entries;
};

Sources::Sources() : impl(new Impl) {}
Sources::~Sources() { delete impl; }

uint32_t Sources::add(std::string path, std::string text) {
  std::vector<uint32_t> starts = lineStarts(text);
  std::vector<uint32_t> inner = innerBytes(text);
  impl->entries.push_back(
      {{std::move(path), std::move(text)}, std::move(starts), std::move(inner)});
  return uint32_t(impl->entries.size() - 1);
}

const Source &Sources::operator[](uint32_t file) const { return impl->entries[file].source; }

size_t Sources::size() const { return impl->entries.size(); }

LineColumn Sources::position(Span span) const {
  if (span.file >= size())
    return {};
  const Entry &entry = impl->entries[span.file];
  uint32_t offset = uint32_t(std::min<size_t>(span.begin, entry.source.text.size()));
  auto next = std::upper_bound(entry.lines.begin(), entry.lines.end(), offset);
  uint32_t column = pointsBefore(entry, offset) - pointsBefore(entry, *(next - 1)) + 1;
  return {uint32_t(next - entry.lines.begin()), column};
}

std::string Sources::place(Span span) const {
  if (span.file >= size())
    return "<no file>";
  LineColumn at = position(span);
  return impl->entries[span.file].source.path + ":" + std::to_string(at.line) + ":" +
         std::to_string(at.column);
}

std::string_view Sources::text(Span span) const {
  if (span.file >= size())
    return {};
  std::string_view all = impl->entries[span.file].source.text;
  size_t begin = std::min<size_t>(span.begin, all.size());
  size_t end = std::clamp<size_t>(span.end, begin, all.size());
  return all.substr(begin, end - begin);
}
