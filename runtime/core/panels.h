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
 * [ceil(columns / panel), rows, panel]; places behind the last column hold zeros.
 *
 * With `weave`, of bytes in panels of 64 columns, the packed form is [panels, rows / 4, 256]: of a
 * block of 4 * weave rows the rows n, n + weave, n + 2 weave and n + 3 weave are row n, the four
 * bytes of a column side by side. So code that multiplies four bytes of a column at once reads
 * them. Its registers, up to 64 bytes, have four columns of each 16: first come columns 0 to 3, 16
 * to 19, 32 to 35 and 48 to 51, then 4 to 7 and so on. */
typedef struct mad_panels {
  int64_t rows, columns, panel, weave;
  size_t size;
} mad_panels;

/* The matrix of one layer of a weight of this shape (`mad_weight`): what is before `axis`, or
 * before the last two dimensions, counts layers. `*transposed`: its row-major elements are
 * the matrix column by column. */
mad_panels mad_panels_of(const int64_t *shape, int32_t rank, int32_t axis, int64_t panel,
                         int64_t weave, size_t size, int *transposed);

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
