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

/// The one at an offset of a block's memory; gives the block up when there is none.
Mbarrier &mbarrierIn(Block &b, Thread &t, uint32_t offset, const char *place);
/// The one at an address of the thread's own block.
Mbarrier &mbarrierAt(Block &b, Thread &t, const void *at, const char *place,
                     uint32_t *where = nullptr);

} // namespace mad::simt

#endif // MAD_RUNTIME_SIMT_MBARRIERS_H
