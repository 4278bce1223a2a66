/*===- panels.c - Matrices in panels of columns ----------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/core/panels.h"
#include <string.h>

static int64_t count(const mad_panels *m) {
  return m->columns / m->panel + (m->columns % m->panel != 0);
}

mad_panels mad_panels_of(const int64_t *shape, int32_t rank, int32_t axis, int64_t panel,
                         int64_t weave, size_t size, int *transposed) {
  mad_panels matrix = {1, shape[axis], panel, weave, size};
  *transposed = axis + 1 < rank;
  if (!*transposed)
    matrix.rows = shape[rank - 2];
  for (int32_t i = axis + 1; i < rank; ++i)
    matrix.rows *= shape[i];
  return matrix;
}

uint64_t mad_panels_bytes(const mad_panels *m) {
  uint64_t bytes = m->size;
  const int64_t extents[] = {count(m), m->rows, m->panel};
  for (int i = 0; i < 3; ++i)
    if (extents[i] < 0 || __builtin_mul_overflow(bytes, (uint64_t)extents[i], &bytes))
      return UINT64_MAX;
  return bytes;
}

/* Where the row is in a woven panel, and the column of a panel in a row. */
static int64_t wovenRow(const mad_panels *m, int64_t k) {
  const int64_t inBlock = k % (4 * m->weave), row = inBlock % m->weave;
  return (k - inBlock + 4 * row) * 64 + inBlock / m->weave;
}
static int64_t wovenColumn(int64_t c) { return c % 16 / 4 * 64 + c / 16 * 16 + c % 4 * 4; }

/* Bytes of the matrix to their places in woven panels, or `back`. */
static void weave(const mad_panels *m, char *packed, char *plain, int transposed, int back) {
  const int64_t down = transposed ? 1 : m->columns, across = transposed ? m->rows : 1;
  for (int64_t p = 0; p < count(m); ++p) {
    const int64_t first = p * m->panel, left = m->columns - first;
    const int64_t used = left < m->panel ? left : m->panel;
    for (int64_t k = 0; k < m->rows; ++k) {
      char *to = packed + p * m->rows * m->panel + wovenRow(m, k);
      char *from = plain + k * down + first * across;
      for (int64_t c = 0; c < used; ++c) {
        if (back)
          from[c * across] = to[wovenColumn(c)];
        else
          to[wovenColumn(c)] = from[c * across];
      }
      if (!back)
        for (int64_t c = used; c < m->panel; ++c)
          to[wovenColumn(c)] = 0;
    }
  }
}

void mad_panels_pack(const mad_panels *m, char *to, const char *from, int transposed) {
  if (m->weave) {
    weave(m, to, (char *)(uintptr_t)from, transposed, 0);
    return;
  }
  const size_t size = m->size, width = (size_t)m->panel * size;
  for (int64_t p = 0; p < count(m); ++p) {
    const int64_t first = p * m->panel, left = m->columns - first;
    const size_t used = (size_t)(left < m->panel ? left : m->panel);
    for (int64_t k = 0; k < m->rows; ++k) {
      char *row = to + (size_t)(p * m->rows + k) * width;
      if (!transposed)
        memcpy(row, from + (size_t)(k * m->columns + first) * size, used * size);
      else
        for (size_t c = 0; c < used; ++c)
          memcpy(row + c * size,
                 from + ((size_t)(first + (int64_t)c) * (size_t)m->rows + (size_t)k) * size, size);
      memset(row + used * size, 0, width - used * size);
    }
  }
}

void mad_panels_unpack(const mad_panels *m, char *to, const char *from, int transposed) {
  if (m->weave) {
    weave(m, (char *)(uintptr_t)from, to, transposed, 1);
    return;
  }
  const size_t size = m->size, width = (size_t)m->panel * size;
  for (int64_t p = 0; p < count(m); ++p) {
    const int64_t first = p * m->panel, left = m->columns - first;
    const size_t used = (size_t)(left < m->panel ? left : m->panel);
    for (int64_t k = 0; k < m->rows; ++k) {
      const char *row = from + (size_t)(p * m->rows + k) * width;
      if (!transposed)
        memcpy(to + (size_t)(k * m->columns + first) * size, row, used * size);
      else
        for (size_t c = 0; c < used; ++c)
          memcpy(to + ((size_t)(first + (int64_t)c) * (size_t)m->rows + (size_t)k) * size,
                 row + c * size, size);
    }
  }
}
