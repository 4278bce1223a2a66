/*===- orders.h - In which order a file has a weight ----------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Products on one processor read panels that are wider than those of another, or rows as they are.
 * So a file that was written for one model has weights in another order than the next one needs.
 *
 *===------------------------------------------------------------------------===*/
#ifndef MAD_RUNTIME_CORE_ORDERS_H
#define MAD_RUNTIME_CORE_ORDERS_H

#include "runtime/core/weights.h"

/* Whether the tensor is the weight in some panels: those that it says it lies in or, where it says
 * nothing, those of the weight. */
int mad_order_known(const mad_weight *weight, const mad_stored *stored);

/* Whether these panels, which are known, are those of the weight. */
int mad_order_same(const mad_weight *weight, const mad_stored *stored);

/* Row by row to the order of the weight. `transposed`: `from` holds it with its two dimensions
 * swapped. */
void mad_order_pack(const mad_weight *weight, char *to, const char *from, int transposed);

/* Bytes of the weight row by row. */
uint64_t mad_order_plain_bytes(const mad_weight *weight);

/* From panels that are known and others to row by row. */
void mad_order_unpack(const mad_weight *weight, const mad_stored *stored, char *to,
                      const char *from);

/* What is wrong with the panels that a tensor says it lies in; null: nothing. */
const char *mad_order_fault(const mad_stored *stored);

#endif /* MAD_RUNTIME_CORE_ORDERS_H */
