/*===- panels.h - Matrices in panels of columns ----------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#ifndef MAD_RUNTIME_CORE_PANELS_H
#define MAD_RUNTIME_CORE_PANELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A matrix of `rows` x `columns` elements of `size` bytes. Its packed form is
 * [ceil(columns / panel), rows, panel]; places behind the last column hold zeros. */
typedef struct mad_panels {
  int64_t rows, columns, panel;
  size_t size;
} mad_panels;

/* The matrix of one layer of a weight of this shape (`mad_weight`): what is before `axis`, or
 * before the last two dimensions, counts layers. `*transposed`: its row-major elements are
 * the matrix column by column. */
mad_panels mad_panels_of(const int64_t *shape, int32_t rank, int32_t axis, int64_t panel,
                         size_t size, int *transposed);

/* Bytes of the packed form; UINT64_MAX where they do not fit. */
uint64_t mad_panels_bytes(const mad_panels *matrix);

/* Packs `from`, which holds the matrix row by row or, if `transposed`, column by column. */
void mad_panels_pack(const mad_panels *matrix, char *to, const char *from, int transposed);

/* The other way round. */
void mad_panels_unpack(const mad_panels *matrix, char *to, const char *from, int transposed);

#ifdef __cplusplus
}
#endif

#endif /* MAD_RUNTIME_CORE_PANELS_H */
