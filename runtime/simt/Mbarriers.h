//===- Mbarriers.h - Barriers in shared memory ------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_SIMT_MBARRIERS_H
#define MAD_RUNTIME_SIMT_MBARRIERS_H

#include "runtime/simt/Block.h"

namespace mad::simt {

/// The one at an address; gives the block up when there is none.
Mbarrier &mbarrierAt(Block &b, Thread &t, const void *at, const char *place,
                     uint32_t *where = nullptr);

} // namespace mad::simt

#endif // MAD_RUNTIME_SIMT_MBARRIERS_H
