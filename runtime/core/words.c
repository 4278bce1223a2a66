/*===- words.c - Words and zero points in a file that a host named -------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Names are those that the compiler gives parts: `w.codes` and `w.starts` of a weight `w`, and
 * `lut.dictionary` and `lut.terms` of all (dialects/Lut/README.md, "Words"). Names have any length.
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/core/words.h"
#include "runtime/core/checksum.h"
#include "runtime/core/errors.h"
#include <string.h>

/* The low byte comes first. */
static uint32_t numberAt(const unsigned char *bytes, int64_t i) {
  const unsigned char *at = bytes + 4 * i;
  return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* The weight whose name is the first `length` bytes of `name` and `suffix` behind them. */
static int find(const mad_artifact *artifact, const char *name, size_t length, const char *suffix) {
  for (int32_t i = 0; i < artifact->num_weights; ++i)
    if (strncmp(artifact->weights[i].name, name, length) == 0 &&
        strcmp(artifact->weights[i].name + length, suffix) == 0)
      return i;
  return -1;
}

/* Of a name that ends with `suffix` how long it is without; 0 if it does not. */
static size_t before(const char *name, const char *suffix) {
  const size_t length = strlen(name), behind = strlen(suffix);
  return length > behind && strcmp(name + length - behind, suffix) == 0 ? length - behind : 0;
}

/* How many elements a word has, by an entry of the dictionary, or by its terms. */
typedef struct lengths {
  const unsigned char *entries;
  int64_t bytes; /* of an entry; 0: not known */
} lengths;

static uint32_t lengthOf(const lengths *table, uint32_t word) {
  const unsigned char *entry = table->entries + table->bytes * word;
  return table->bytes == 8 ? entry[7] : numberAt(entry, 0) >> 27;
}

/* Finds the table, which is the same in all models. */
static mad_status findLengths(const mad_artifact *artifact, const void *const *data,
                              const char *path, lengths *table, mad_error *error) {
  static const char *const names[] = {"lut.dictionary", "lut.terms"};
  table->bytes = 0;
  for (int n = 0; n < 2; ++n) {
    const int i = find(artifact, "", 0, names[n]);
    if (i < 0)
      continue;
    const mad_weight *weight = &artifact->weights[i];
    mad_checksum sum;
    mad_checksum_start(&sum);
    mad_checksum_add(&sum, data[i], weight->bytes);
    if (weight->checksum && mad_checksum_value(&sum) != weight->checksum)
      return mad_error_dictionary(error, path, weight->name);
    table->entries = data[i];
    table->bytes = weight->shape[1];
  }
  return MAD_OK;
}

/* One matrix. `starts` are those of its columns, and of what would be behind the last one. */
static mad_status checkMatrix(const mad_words_fault *place, const unsigned char *words,
                              int64_t count, const unsigned char *starts, int64_t columns,
                              const lengths *table, mad_error *error) {
  mad_words_fault fault = *place;
  for (fault.column = 0; fault.column < columns; ++fault.column) {
    fault.from = numberAt(starts, fault.column);
    fault.to = numberAt(starts, fault.column + 1);
    fault.words = count;
    if (fault.to < fault.from || fault.to > count)
      return mad_error_words_range(error, &fault);
    int64_t elements = 0;
    for (int64_t i = fault.from; table->bytes && i < fault.to; ++i)
      elements += lengthOf(table, words[2 * i] | (uint32_t)words[2 * i + 1] << 8);
    fault.elements = elements;
    if (table->bytes && elements != fault.rows + fault.rows % 2)
      return mad_error_words_length(error, &fault);
  }
  return MAD_OK;
}

/* The words of a weight whose name has `length` bytes, `codes` and `starts`. */
static mad_status checkWords(const mad_artifact *artifact, const void *const *data,
                             const char *path, int32_t codes, int32_t starts, size_t length,
                             const lengths *table, mad_error *error) {
  const mad_weight *words = &artifact->weights[codes], *columns = &artifact->weights[starts];
  const int64_t count = words->shape[words->rank - 2];
  const int64_t behind = columns->shape[columns->rank - 2];
  const int64_t matrices = (int64_t)(columns->bytes / 4) / behind;
  for (int64_t m = 0; m < matrices; ++m) {
    const mad_words_fault place = {.path = path,
                                   .name = words->name,
                                   .length = (int)length,
                                   .matrix = m,
                                   .rows = words->bound};
    const mad_status status =
        checkMatrix(&place, (const unsigned char *)data[codes] + 2 * count * m, count,
                    (const unsigned char *)data[starts] + 4 * behind * m, behind - 1, table, error);
    if (status != MAD_OK)
      return status;
  }
  return MAD_OK;
}

/* In any order: panels are filled up with 0. */
static mad_status checkZeros(const mad_weight *zeros, const unsigned char *data, const char *path,
                             mad_error *error) {
  for (uint64_t i = 0; i < zeros->bytes; ++i)
    if (data[i] > zeros->bound)
      return mad_error_zero_point(error, path, zeros, data[i]);
  return MAD_OK;
}

mad_status mad_words_check(const mad_artifact *artifact, const void *const *data, const char *path,
                           mad_error *error) {
  lengths table = {NULL, -1};
  for (int32_t i = 0; i < artifact->num_weights; ++i) {
    const mad_weight *weight = &artifact->weights[i];
    if (!weight->bound)
      continue;
    mad_status status = MAD_OK;
    if (before(weight->name, ".zeros"))
      status = checkZeros(weight, data[i], path, error);
    const size_t length = before(weight->name, ".codes");
    const int starts = length ? find(artifact, weight->name, length, ".starts") : -1;
    if (starts >= 0 && table.bytes < 0)
      status = findLengths(artifact, data, path, &table, error);
    if (status == MAD_OK && starts >= 0)
      status = checkWords(artifact, data, path, i, starts, length, &table, error);
    if (status != MAD_OK)
      return status;
  }
  return MAD_OK;
}
