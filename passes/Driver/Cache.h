//===- Cache.h - Results of earlier compilations --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_DRIVER_CACHE_H
#define MAD_PASSES_DRIVER_CACHE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <string>

namespace mad {

/// The name of a result: all that it depends on, one after the other.
class CacheKey {
public:
  /// `kind` says what the result is; what the compiler is goes in by itself.
  explicit CacheKey(llvm::StringRef kind);
  /// The key that a compiler of another version makes.
  CacheKey(llvm::StringRef kind, llvm::StringRef version);
  CacheKey &add(llvm::StringRef text);
  CacheKey &add(int64_t number);
  /// Elements of a weight: their digest goes in.
  CacheKey &addBytes(const void *bytes, uint64_t count);
  /// 64 hexadecimal digits.
  std::string name() const;

private:
  std::string parts;
};

class Cache {
public:
  static constexpr uint64_t defaultLimit = uint64_t(1) << 30;
  /// `$MAD_CACHE`, else `mad` in `$XDG_CACHE_HOME` or `~/.cache`; empty for `off`,
  /// and when there is no home.
  static std::string defaultFolder();

  /// Nothing is created before something is put.
  explicit Cache(std::string folder, uint64_t limit = defaultLimit)
      : folder(std::move(folder)), limit(limit) {}

  /// A result that was put, whole and unchanged. One that is damaged is removed.
  std::optional<std::string> get(const CacheKey &key) const;
  /// Keeps a result. What cannot be written is not kept; that is no error. Removes
  /// those that were used least recently when all together exceed the limit.
  void put(const CacheKey &key, llvm::StringRef bytes) const;

  struct Stats {
    uint64_t entries = 0, bytes = 0;
  };
  Stats stats() const;
  /// Removes all results; false and a text when some stay.
  bool clear(std::string &error) const;

private:
  std::string pathOf(const CacheKey &key) const;
  void evict() const;

  std::string folder;
  uint64_t limit;
};

} // namespace mad

#endif // MAD_PASSES_DRIVER_CACHE_H
