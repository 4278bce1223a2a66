/*===- errors.h - Every failure of the runtime, by name -------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Each writes its message, where there is room for one, and returns its status.
 *
 *===------------------------------------------------------------------------===*/
#ifndef MAD_RUNTIME_CORE_ERRORS_H
#define MAD_RUNTIME_CORE_ERRORS_H

#include "runtime/artifact.h"

struct mad_stored;

/* Arguments of calls. */
mad_status mad_error_null(mad_error *error, const char *what);
mad_status mad_error_no_entry(mad_error *error, int32_t number, int32_t count);
mad_status mad_error_count(mad_error *error, const mad_entry *entry, const char *kind,
                           int32_t count, int32_t expected);

/* A tensor of a call: `kind` is "input" or "output". */
typedef struct mad_operand {
  const mad_entry *entry;
  const char *kind;
  const mad_value_info *info;
} mad_operand;
mad_status mad_error_rank(mad_error *error, const mad_operand *at, int32_t rank);
mad_status mad_error_dtype(mad_error *error, const mad_operand *at, mad_dtype dtype);
mad_status mad_error_no_shape(mad_error *error, const mad_operand *at);
mad_status mad_error_too_long(mad_error *error, const mad_operand *at, int32_t dim, int64_t extent);
mad_status mad_error_negative(mad_error *error, const mad_operand *at, int32_t dim, int64_t extent);
mad_status mad_error_too_large(mad_error *error, const mad_operand *at);
mad_status mad_error_no_data(mad_error *error, const mad_operand *at);
mad_status mad_error_misaligned(mad_error *error, const mad_operand *at);
mad_status mad_error_extent(mad_error *error, const mad_operand *at, int32_t dim, int64_t extent,
                            int64_t expected);
mad_status mad_error_overlap(mad_error *error, const mad_operand *at, const mad_operand *other);
mad_status mad_error_state(mad_error *error, const mad_operand *at, const char *input);
mad_status mad_error_no_result(mad_error *error, const mad_operand *at, uint64_t bytes);
mad_status mad_error_threads(mad_error *error, int32_t threads, int32_t most);

/* Failures inside a call. `info`: the value found and the one expected. */
mad_status mad_error_check(mad_error *error, const mad_check *check, const int64_t *info);
mad_status mad_error_bad_code(mad_error *error, const mad_entry *entry, int32_t code);
mad_status mad_error_bad_arena(mad_error *error, const mad_entry *entry, int64_t bytes);
mad_status mad_error_arena(mad_error *error, const mad_entry *entry, int64_t bytes, size_t held);
mad_status mad_error_memory(mad_error *error, const char *what, size_t bytes);
mad_status mad_error_no_device(mad_error *error);
mad_status mad_error_has_device(mad_error *error);
mad_status mad_error_device(mad_error *error, mad_status status, const char *what,
                            const char *reason);

/* Choosing where to compute. */
mad_status mad_error_device_name(mad_error *error, const char *text, int ofEnvironment);
mad_status mad_error_no_cpu_code(mad_error *error, const char *name);
mad_status mad_error_no_cuda_code(mad_error *error, const char *name);
mad_status mad_error_gpu_number(mad_error *error, int32_t number, int32_t count);
mad_status mad_error_chip(mad_error *error, const char *kernel, int32_t chip, int32_t least);

/* Artifacts in memory. */
mad_status mad_error_magic(mad_error *error);
mad_status mad_error_abi(mad_error *error, uint32_t abi, const char *compiler);
mad_status mad_error_struct_size(mad_error *error, uint32_t size, size_t expected);
mad_status mad_error_inconsistent(mad_error *error, const char *what);
/* `lacking`: features that the CPU does not have. */
mad_status mad_error_level(mad_error *error, const char *name, int32_t level, int32_t cpu,
                           uint64_t lacking);
mad_status mad_error_options_size(mad_error *error, size_t size, size_t expected);
mad_status mad_error_verify(mad_error *error, int verify);

/* Artifacts in files. */
mad_status mad_error_open(mad_error *error, const char *path, int code);
mad_status mad_error_read(mad_error *error, const char *path, int code);
mad_status mad_error_not_regular(mad_error *error, const char *path);
mad_status mad_error_short(mad_error *error, const char *path, uint64_t bytes);
mad_status mad_error_not_elf(mad_error *error, const char *path);
mad_status mad_error_wrong_elf(mad_error *error, const char *path, const char *what);
mad_status mad_error_cut(mad_error *error, const char *path, const char *what, uint64_t end,
                         uint64_t bytes);
mad_status mad_error_foreign(mad_error *error, const char *path);
mad_status mad_error_header_size(mad_error *error, const char *path, uint64_t size);
mad_status mad_error_file_abi(mad_error *error, const char *path, const mad_file_header *header);
mad_status mad_error_file_format(mad_error *error, const char *path, const mad_file_header *header);
mad_status mad_error_target(mad_error *error, const char *path, const char *target);
mad_status mad_error_file_level(mad_error *error, const char *path, int32_t level, int32_t cpu,
                                uint64_t lacking);
mad_status mad_error_map(mad_error *error, const char *path, int code);
mad_status mad_error_file_size(mad_error *error, const char *path, uint64_t bytes,
                               uint64_t expected);
mad_status mad_error_checksum(mad_error *error, const char *path, uint64_t found,
                              uint64_t expected);
mad_status mad_error_load(mad_error *error, const char *path, const char *reason);
mad_status mad_error_replaced(mad_error *error, const char *path);
mad_status mad_error_no_symbol(mad_error *error, const char *path);

/* Files of weights. */
mad_status mad_error_side_file(mad_error *error, const char *path, const char *name, int code);
mad_status mad_error_not_weights(mad_error *error, const char *path);
mad_status mad_error_weights_version(mad_error *error, const char *path,
                                     const mad_weights_header *header);
mad_status mad_error_weights_damaged(mad_error *error, const char *path, const char *what);
/* `foreign`: the name in the source was looked for, too. */
mad_status mad_error_no_weight(mad_error *error, const char *path, const mad_weight *weight,
                               int foreign);
/* A file for a module without weights. */
mad_status mad_error_replaces_none(mad_error *error, const char *path, const char *name);
/* Words of a dictionary that are none (runtime/core/words.h). */
typedef struct mad_words_fault {
  const char *path, *name;
  int length; /* bytes of the name */
  int64_t matrix, column, from, to, words, elements, rows;
} mad_words_fault;
mad_status mad_error_dictionary(mad_error *error, const char *path, const char *name);
mad_status mad_error_words_range(mad_error *error, const mad_words_fault *fault);
mad_status mad_error_words_length(mad_error *error, const mad_words_fault *fault);
mad_status mad_error_zero_point(mad_error *error, const char *path, const mad_weight *weight,
                                int zero);
/* `transposed`: the file is to hold it the other way round. */
mad_status mad_error_weight_type(mad_error *error, const char *path, const mad_weight *weight,
                                 const struct mad_stored *found, int transposed);
mad_status mad_error_other_weights(mad_error *error, const char *path, const mad_weight *weight);
mad_status mad_error_weight_checksum(mad_error *error, const char *path, const mad_weight *weight,
                                     uint64_t found, uint64_t expected);

#endif /* MAD_RUNTIME_CORE_ERRORS_H */
