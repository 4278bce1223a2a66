/*===- words.h - Words and zero points in a file that a host named -------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#ifndef MAD_RUNTIME_CORE_WORDS_H
#define MAD_RUNTIME_CORE_WORDS_H

#include "runtime/artifact.h"

/* Checks weights that have a `mad_weight.bound`. Of those `as lut.dictionary` the dictionary is the
 * one that there is, columns are runs of words one behind the other, and the words of each have as
 * many elements as the column. Zero points are at most the largest one that sums are exact with.
 * Code reads nothing outside of weights that are wrong; it computes something else. */
mad_status mad_words_check(const mad_artifact *artifact, const void *const *data, const char *path,
                           mad_error *error);

#endif /* MAD_RUNTIME_CORE_WORDS_H */
