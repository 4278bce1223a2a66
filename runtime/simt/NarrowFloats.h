//===- NarrowFloats.h - Conversions to f16 and bf16 -------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// As the GPU does them: to nearest even, rounded once.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_RUNTIME_SIMT_NARROWFLOATS_H
#define MAD_RUNTIME_SIMT_NARROWFLOATS_H

__bf16 mad_simt_bf16_of_f32(float x);
__bf16 mad_simt_bf16_of_f64(double x);
_Float16 mad_simt_f16_of_f64(double x);

#endif // MAD_RUNTIME_SIMT_NARROWFLOATS_H
