//===- LutDecodePanels.cpp - Weights of few bits as panels of f32 -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For products with many rows: a block of the weight is decoded once for all of them, into
// a cache, and multiplied as any other matrix.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Kernels/LutCodes.h"

using namespace mlir;

namespace mad::kernels {
namespace {

class Decoder {
public:
  Decoder(ImplicitLocOpBuilder &b, const LutKernel &kernel, ValueRange a, TileSizes sizes)
      : b(b), i(b), kernel(kernel), sizes(sizes), parts(a.drop_back(7)), packed(a.end()[-7]),
        K(a.end()[-6]), group(a.end()[-5]), firstPanel(a.end()[-4]), lastPanel(a.end()[-3]),
        from(a.end()[-2]), to(a.end()[-1]), codes(b, kernel, parts, K, sizes.lanes) {
    if (!kernel.packed)
      M = memref::DimOp::create(b, parts[0], 1);
  }

  void emit() {
    forRange(b, firstPanel, lastPanel, 1, [&](Value panel) {
      if (kernel.packed)
        return steps(panel, false);
      Value whole = i.lessOrEqual(i.mul(i.add(panel, 1), sizes.NR), M);
      when(b, whole, [&] { steps(panel, false); }, [&] { steps(panel, true); });
    });
  }

private:
  void steps(Value panel, bool masked) {
    Value step = i.constant(kernel.step()), length = i.sub(to, from);
    Value whole = i.sub(to, b.createOrFold<arith::RemUIOp>(length, step));
    Value start = i.mul(i.mul(i.sub(panel, firstPanel), length), sizes.NR);
    auto at = [&](Value k) { return i.add(start, i.mul(i.sub(k, from), sizes.NR)); };
    forRange(b, from, whole, step, [&](Value k) { decode(k, at(k), panel, masked, false); });
    if (kernel.ragged)
      forRange(b, whole, to, step, [&](Value k) { decode(k, at(k), panel, masked, true); });
  }

  /// The codes of a step in all columns of a panel.
  void decode(Value k, Value at, Value panel, bool masked, bool last) {
    Value step = b.createOrFold<arith::DivUIOp>(k, i.constant(kernel.step()));
    for (int64_t v = 0; v < sizes.NR; v += sizes.lanes) {
      LutCodes::Columns columns = codes.columns(i.mul(panel, sizes.NR), v);
      if (masked)
        columns.mask = vector::CreateMaskOp::create(
            b, VectorType::get({sizes.lanes}, b.getI1Type()), i.sub(M, columns.first));
      SmallVector<Value> all = codes.codes(step, columns);
      Value scale, zero;
      for (auto [n, code] : llvm::enumerate(all)) {
        if (kernel.format.family != lut::Family::Codebook && (n == 0 || kernel.cutSteps)) {
          // What lies behind K has the last group.
          Value place = last ? i.min(i.add(k, n), i.sub(K, i.constant(1))) : i.add(k, n);
          Value row = b.createOrFold<arith::DivUIOp>(place, group);
          scale = codes.scale(row, columns);
          if (kernel.format.affine)
            zero = codes.zero(row, columns);
        }
        Value value = codes.value(code, zero, columns);
        if (scale)
          value = arith::MulFOp::create(b, scale, value);
        Value place = i.add(at, n * sizes.NR + v);
        auto put = [&, value = value] {
          vector::StoreOp::create(b, value, packed, ValueRange{place});
        };
        if (last)
          when(b, i.less(i.add(k, n), to), put);
        else
          put();
      }
    }
  }

  ImplicitLocOpBuilder &b;
  Index i;
  const LutKernel &kernel;
  TileSizes sizes;
  ValueRange parts;
  Value packed, K, group, firstPanel, lastPanel, from, to, M;
  LutCodes codes;
};

} // namespace

LutKernel LutKernel::of(const lut::Format &format, int64_t K, int64_t M, bool fma) {
  LutKernel kernel{format};
  kernel.oneColumn = format.group == lut::Format::wholeTensor && M != 1;
  kernel.ragged = K % kernel.step() != 0;
  kernel.cutSteps = format.groups(K) > 1 && format.groupLength(K) % kernel.step() != 0;
  kernel.fma = fma;
  return kernel;
}

SmallVector<Type> KernelLibrary::lutParts(const LutKernel &kernel) {
  Builder b(module.getContext());
  SmallVector<Type> elements{b.getI8Type(),
                             kernel.format.half ? Type(b.getF16Type()) : Type(b.getF32Type())};
  if (kernel.format.affine)
    elements.push_back(b.getI8Type());
  SmallVector<Type> types;
  constexpr int64_t any = ShapedType::kDynamic;
  // Of a layer, behind those before it.
  auto panels = [&](Type element, int64_t width) {
    auto layout = StridedLayoutAttr::get(module.getContext(), any, {any, width, 1});
    return MemRefType::get({any, any, width}, element, layout);
  };
  for (auto [number, element] : llvm::enumerate(elements)) {
    bool woven = kernel.woven && number == 0;
    types.push_back(kernel.isPacked(number) ? panels(element, woven ? 4 * lutPanel : lutPanel)
                                            : rows(element));
  }
  return types;
}

func::FuncOp KernelLibrary::decodePanels(const LutKernel &kernel) {
  Builder b(module.getContext());
  SmallVector<Type> types = lutParts(kernel);
  types.push_back(flat(b.getF32Type()));
  types.append(6, b.getIndexType());
  LutKernel named = kernel;
  named.fma = true;
  return find("decode_panels." + named.name(), types, [&](ImplicitLocOpBuilder &b, ValueRange a) {
    Decoder(b, kernel, a, sizes(b.getF32Type())).emit();
  });
}

} // namespace mad::kernels
