/*===- Model.h - An artifact written by hand ------------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#ifndef MAD_TEST_UNIT_RUNTIME_MODEL_H
#define MAD_TEST_UNIT_RUNTIME_MODEL_H

#include "runtime/artifact.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Entries:
 *   0 `scale[N](x: f32[N, 2], k: f64) -> (y: f32[N, 2], sum: f64)`
 *     y = x * k * w[0], sum of y; needs 16 * N bytes of scratch memory, and a
 *     whole address space of it where N is 1000. N must be at least 1 (check 1),
 *     not 13 (check 2, at the run), and not 14 (answers with check 99).
 *   1 `none() -> (flag: bool)`: true.
 *   2 `square[N](x: f32[N]) -> (x: f32[N])`: x * x * 1e-38, in pieces, on the executor.
 *   3 `add[N](state s: f32[N], x: f32[N]) -> state s`: s + x. */
mad_artifact test_artifact(void);
mad_entry test_entry(int number);

#ifdef __cplusplus
}
#endif
#endif /* MAD_TEST_UNIT_RUNTIME_MODEL_H */
