//===- Fiber.h - Stacks that take turns ----------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_SIMT_FIBER_H
#define MAD_RUNTIME_SIMT_FIBER_H

#include <cstddef>
#include <cstdint>

#if !defined(__x86_64__) && !defined(MAD_SIMT_UCONTEXT)
#define MAD_SIMT_UCONTEXT
#endif
#ifdef MAD_SIMT_UCONTEXT
#include <ucontext.h>
#endif

namespace mad::simt {

/// Where one flow of control stands.
class Fiber {
public:
  /// Will call `entry(argument)`, which must never return, on a stack.
  void prepare(uint8_t *stack, size_t bytes, void (*entry)(void *), void *argument);
  /// Leaves `from`, goes on in `to`. Returns when somebody switches back.
  static void swap(Fiber &from, Fiber &to);

private:
#ifdef MAD_SIMT_UCONTEXT
  ucontext_t context;
#else
  void *stackPointer = nullptr; ///< callee-saved registers lie there
#endif
};

/// Memory for a number of stacks, each with a guard page below it.
class Stacks {
public:
  Stacks() = default;
  Stacks(const Stacks &) = delete;
  Stacks &operator=(const Stacks &) = delete;
  ~Stacks();

  /// Of this size each, guard and colour left out. Code that was compiled without optimisation
  /// keeps its values there; what is not touched takes no memory.
  static constexpr size_t bytes = 256 << 10;
  /// False when there is no memory.
  bool allocate(unsigned count);
  uint8_t *bottom(unsigned number) const;
  bool holds(unsigned number, const void *at, size_t size) const;

private:
  uint8_t *memory = nullptr;
  size_t size = 0;
};

} // namespace mad::simt

#endif // MAD_RUNTIME_SIMT_FIBER_H
