//===- Cache.cpp - Results of earlier compilations ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One file an entry, named after the digest of all that the result depends on: the
// name is right whatever happens to the files that went into it, because their
// contents went in and not their names or times. Only the compiler is known by the
// identity of its file, with the time of its last change, which no program can set.
//
// An entry is written beside its place and renamed, so that processes see none or
// all of it, and two that make the same one write the same. Each carries a digest
// of its bytes; damage means that it is made again.
//
//===----------------------------------------------------------------------===//
#include "passes/Driver/Cache.h"
#include "passes/Target/Codegen.h"
#include "runtime/io/TensorFile.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"
#include "llvm/Support/xxhash.h"
#include <algorithm>
#include <array>
#include <cstdlib>
#include <dlfcn.h>
#include <sys/stat.h>
#include <utime.h>
#include <vector>

using namespace llvm;

namespace mad {

/// Begins every entry; the digest of what follows comes next.
static constexpr StringLiteral magic = "mad cache 1\n";
static constexpr size_t digestBytes = 32;
/// Files that others have in this folder are not ours.
static constexpr StringLiteral suffix = ".madcache";

static std::string digest(StringRef bytes) {
  SHA256 hash;
  hash.update(bytes);
  std::array<uint8_t, digestBytes> made = hash.final();
  return std::string(made.begin(), made.end());
}

/// The identity of the file that holds a function.
static std::string identity(const void *function) {
  Dl_info info;
  struct stat s;
  if (!dladdr(function, &info) || stat(info.dli_fname, &s) != 0)
    return "unknown";
  std::string text;
  for (long long part :
       {(long long)s.st_dev, (long long)s.st_ino, (long long)s.st_size, (long long)s.st_mtim.tv_sec,
        (long long)s.st_mtim.tv_nsec, (long long)s.st_ctim.tv_sec, (long long)s.st_ctim.tv_nsec})
    text += std::to_string(part) + ".";
  return text;
}

CacheKey::CacheKey(StringRef kind) : CacheKey(kind, compilerVersion()) {}

CacheKey::CacheKey(StringRef kind, StringRef version) {
  add(kind).add(version);
  add(identity(reinterpret_cast<const void *>(&compilerVersion)));
  // LLVM is a library of its own, MLIR too, but they come in one package.
  add(identity(
      reinterpret_cast<const void *>(static_cast<uint64_t (*)(ArrayRef<uint8_t>)>(&xxh3_64bits))));
}

CacheKey &CacheKey::add(StringRef text) {
  // With its length, so that no two lists of parts are one text.
  parts += std::to_string(text.size()) + ":" + text.str();
  return *this;
}

CacheKey &CacheKey::add(int64_t number) { return add(std::to_string(number)); }

CacheKey &CacheKey::addBytes(const void *bytes, uint64_t count) {
  XXH128_hash_t hash = xxh3_128bits({static_cast<const uint8_t *>(bytes), size_t(count)});
  return add(utohexstr(hash.high64) + "." + utohexstr(hash.low64) + "." + std::to_string(count));
}

std::string CacheKey::name() const { return toHex(digest(parts), /*LowerCase=*/true); }

std::string Cache::defaultFolder() {
  auto variable = [](const char *name) -> std::string {
    const char *value = std::getenv(name);
    return value ? value : "";
  };
  if (std::string set = variable("MAD_CACHE"); !set.empty())
    return set == "off" ? "" : set;
  if (std::string base = variable("XDG_CACHE_HOME"); !base.empty())
    return base + "/mad";
  std::string home = variable("HOME");
  return home.empty() ? "" : home + "/.cache/mad";
}

std::string Cache::pathOf(const CacheKey &key) const {
  return folder + "/" + key.name() + suffix.str();
}

std::optional<std::string> Cache::get(const CacheKey &key) const {
  std::string path = pathOf(key), text, error;
  if (!sys::fs::exists(path) || !io::readFile(path, text, size_t(limit), error))
    return std::nullopt;
  StringRef rest = text;
  bool good = rest.consume_front(magic) && rest.size() >= digestBytes &&
              digest(rest.drop_front(digestBytes)) == rest.take_front(digestBytes);
  if (!good) {
    sys::fs::remove(path);
    return std::nullopt;
  }
  // The time of the last use, for eviction; a folder that cannot be written has none.
  utime(path.c_str(), nullptr);
  return rest.drop_front(digestBytes).str();
}

void Cache::put(const CacheKey &key, StringRef bytes) const {
  // With the rights that the umask leaves.
  if (bytes.size() > limit / 2 || sys::fs::create_directories(folder, true, sys::fs::all_all))
    return;
  std::string text = magic.str() + digest(bytes) + bytes.str(), error;
  if (io::writeFile(pathOf(key), text.data(), text.size(), error))
    evict();
}

namespace {
struct Entry {
  std::string path;
  uint64_t bytes;
  sys::TimePoint<> used;
};
} // namespace

static std::vector<Entry> entries(const std::string &folder) {
  std::vector<Entry> all;
  std::error_code code;
  for (sys::fs::directory_iterator it(folder, code), end; it != end && !code; it.increment(code)) {
    auto status = it->status();
    if (StringRef(it->path()).ends_with(suffix) && status)
      all.push_back({it->path(), status->getSize(), status->getLastModificationTime()});
  }
  return all;
}

void Cache::evict() const {
  std::vector<Entry> all = entries(folder);
  uint64_t bytes = 0;
  for (const Entry &entry : all)
    bytes += entry.bytes;
  if (bytes <= limit)
    return;
  std::sort(all.begin(), all.end(), [](const Entry &a, const Entry &b) { return a.used < b.used; });
  // Some room, so that the next one need not do it again.
  for (const Entry &entry : all) {
    if (bytes <= limit - limit / 5)
      return;
    if (!sys::fs::remove(entry.path))
      bytes -= entry.bytes;
  }
}

Cache::Stats Cache::stats() const {
  Stats stats;
  for (const Entry &entry : entries(folder)) {
    ++stats.entries;
    stats.bytes += entry.bytes;
  }
  return stats;
}

bool Cache::clear(std::string &error) const {
  for (const Entry &entry : entries(folder))
    if (auto code = sys::fs::remove(entry.path)) {
      error = "`" + entry.path + "` cannot be removed: " + code.message();
      return false;
    }
  return true;
}

} // namespace mad
