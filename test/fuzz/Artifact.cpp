//===- Artifact.cpp - The loaders of libraries and weights on any bytes ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The first byte says what the rest is: the bytes of a library, which are verified but
// of course not run, or a file of weights. Checksums are made to fit, or no change
// would get further than them.
//
//===----------------------------------------------------------------------===//
extern "C" {
#include "runtime/core/weights.h"
}
#include "test/fuzz/Memory.h"
#include <cstdlib>
#include <cstring>
#include <string>

extern "C" {
/// As in runtime/core/core.h, which is no C++.
typedef struct mad_file_facts {
  mad_file_header header;
  uint64_t header_address;
} mad_file_facts;
mad_status mad_file_verify(const char *path, mad_file_facts *facts, mad_error *error);
}

namespace {

void check(mad_status status, const mad_error &error) {
  // A failure has a text, a success has none.
  if ((status == MAD_OK) != (error.message[0] == 0))
    abort();
}

uint64_t sum(const std::string &bytes, size_t from, size_t to) {
  mad_checksum state;
  mad_checksum_start(&state);
  mad_checksum_add(&state, bytes.data() + from, to - from);
  return mad_checksum_value(&state);
}

void fitLibrary(std::string &bytes) {
  const uint64_t magic = MAD_ARTIFACT_MAGIC;
  const size_t at = bytes.find(reinterpret_cast<const char *>(&magic), 0, sizeof magic);
  mad_file_header header;
  if (at == std::string::npos || bytes.size() - at < sizeof header)
    return;
  memcpy(&header, &bytes[at], sizeof header);
  const uint64_t first = header.weights_offset, size = header.weights_bytes;
  if (first > bytes.size() || size > bytes.size() - first)
    return;
  header.checksum = 0;
  memcpy(&bytes[at], &header, sizeof header);
  mad_checksum state;
  mad_checksum_start(&state);
  mad_checksum_add(&state, bytes.data(), first);
  mad_checksum_add(&state, bytes.data() + first + size, bytes.size() - first - size);
  header.checksum = mad_checksum_value(&state);
  memcpy(&bytes[at], &header, sizeof header);
}

void fitWeights(std::string &bytes) {
  mad_weights_header header;
  if (bytes.size() < sizeof header)
    return;
  memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != MAD_WEIGHTS_MAGIC || header.head_bytes > bytes.size())
    return;
  header.checksum = 0;
  memcpy(bytes.data(), &header, sizeof header);
  header.checksum = sum(bytes, 0, header.head_bytes);
  memcpy(bytes.data(), &header, sizeof header);
}

void loadLibrary(std::string bytes, bool fit) {
  if (fit)
    fitLibrary(bytes);
  mad_file_facts facts;
  mad_error error = {};
  check(mad_file_verify(memoryFile(bytes.data(), bytes.size()), &facts, &error), error);
}

void loadWeights(std::string bytes, bool fit, bool all) {
  if (fit)
    fitWeights(bytes);
  const int64_t two[] = {2, 3}, four[] = {4};
  const mad_weight weights[] = {
      {"a", nullptr, MAD_F32, 2, two, 0, 2, 1, 0, 0, 1, 0, nullptr, 32, 0},
      {"b", "s.b", MAD_F32, 2, two, 1, 0, 0, 0, 0, 0, 0, nullptr, 24, 0},
      {"c", "s.c", MAD_BOOL, 1, four, 0, 0, 0, 0, 0, 0, 0, nullptr, 4, 0}};
  mad_artifact artifact = {};
  artifact.name = "fuzz";
  artifact.num_weights = 3;
  artifact.weights = weights;
  const mad_load_options options = {sizeof options, memoryFile(bytes.data(), bytes.size()),
                                    all ? MAD_VERIFY_ALL : MAD_VERIFY_CODE};
  const void *data[3] = {};
  mad_weight_memory memory;
  mad_error error = {};
  const mad_status status = mad_weights_find(&artifact, &options, data, &memory, &error);
  check(status, error);
  // Every byte is there.
  volatile unsigned char all_of_them = 0;
  for (int i = 0; status == MAD_OK && i < 3; ++i)
    for (uint64_t k = 0; k < weights[i].bytes; ++k)
      all_of_them = all_of_them ^ static_cast<const unsigned char *>(data[i])[k];
  mad_weights_release(&memory);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return -1;
  std::string bytes(reinterpret_cast<const char *>(data) + 1, size - 1);
  const bool fit = data[0] & 2, all = data[0] & 4;
  if (data[0] & 1)
    loadLibrary(std::move(bytes), fit);
  else
    loadWeights(std::move(bytes), fit, all);
  return 0;
}
