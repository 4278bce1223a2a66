//===- Fiber.cpp - Stacks that take turns --------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// On x86-64 a switch saves the six registers that a callee must keep, on the stack:
// some 200 times faster than swapcontext, which asks the kernel for the signal mask.
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/Fiber.h"
#include <cstring>
#include <sys/mman.h>

using namespace mad::simt;

#ifdef MAD_SIMT_UCONTEXT

// makecontext passes ints only: a pointer goes in two halves.
static void start(unsigned entryLow, unsigned entryHigh, unsigned argumentLow,
                  unsigned argumentHigh) {
  auto join = [](unsigned low, unsigned high) { return uintptr_t(uint64_t(high) << 32 | low); };
  reinterpret_cast<void (*)(void *)>(join(entryLow, entryHigh))(
      reinterpret_cast<void *>(join(argumentLow, argumentHigh)));
}

void Fiber::prepare(uint8_t *stack, size_t bytes, void (*entry)(void *), void *argument) {
  getcontext(&context);
  context.uc_stack.ss_sp = stack;
  context.uc_stack.ss_size = bytes;
  context.uc_link = nullptr;
  uint64_t e = reinterpret_cast<uintptr_t>(entry), a = reinterpret_cast<uintptr_t>(argument);
  makecontext(&context, reinterpret_cast<void (*)()>(start), 4, unsigned(e), unsigned(e >> 32),
              unsigned(a), unsigned(a >> 32));
}

void Fiber::swap(Fiber &from, Fiber &to) { swapcontext(&from.context, &to.context); }

#else

extern "C" void mad_simt_swap(void **save, void *to);
extern "C" void mad_simt_begin();
// What a new fiber returns into: its function in %r12, the argument in %r13.
asm(R"(
  .text
  .hidden mad_simt_swap
  .globl mad_simt_swap
  .type mad_simt_swap, @function
mad_simt_swap:
  push %rbp
  push %rbx
  push %r12
  push %r13
  push %r14
  push %r15
  mov %rsp, (%rdi)
  mov %rsi, %rsp
  pop %r15
  pop %r14
  pop %r13
  pop %r12
  pop %rbx
  pop %rbp
  ret
  .size mad_simt_swap, . - mad_simt_swap
  .hidden mad_simt_begin
  .globl mad_simt_begin
  .type mad_simt_begin, @function
mad_simt_begin:
  mov %r13, %rdi
  call *%r12
  ud2
  .size mad_simt_begin, . - mad_simt_begin
)");

void Fiber::prepare(uint8_t *stack, size_t bytes, void (*entry)(void *), void *argument) {
  // A call pushes a return address onto an aligned stack: here is none to push.
  auto **top =
      reinterpret_cast<void **>(reinterpret_cast<uintptr_t>(stack + bytes) & ~uintptr_t(15));
  void **at = top - 9;
  memset(at, 0, 9 * sizeof(void *));
  at[2] = argument; // %r13; then %r12, as `swap` pops them
  at[3] = reinterpret_cast<void *>(entry);
  at[6] = reinterpret_cast<void *>(mad_simt_begin);
  stackPointer = at;
}

void Fiber::swap(Fiber &from, Fiber &to) { mad_simt_swap(&from.stackPointer, to.stackPointer); }

#endif

namespace {
constexpr size_t page = 4096;
/// A page more than is used, so that tops can lie at different offsets in a page:
/// else the hot ends of all stacks would share a few cache sets.
constexpr size_t stride = page + Stacks::bytes + page;
} // namespace

Stacks::~Stacks() {
  if (memory)
    munmap(memory, size);
}

bool Stacks::allocate(unsigned count) {
  size = stride * count;
  void *made = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (made == MAP_FAILED)
    return false;
  memory = static_cast<uint8_t *>(made);
  for (unsigned i = 0; i < count; ++i)
    if (mprotect(memory + stride * i, page, PROT_NONE) != 0)
      return false;
  return true;
}

uint8_t *Stacks::bottom(unsigned number) const {
  return memory + stride * number + page + number * 448 % page;
}

bool Stacks::holds(unsigned number, const void *at, size_t bytes) const {
  auto *p = static_cast<const uint8_t *>(at);
  const uint8_t *low = memory + stride * number + page, *high = memory + stride * (number + 1);
  return p >= low && p < high && bytes <= size_t(high - p);
}
