//===- ExpandMathTables.cpp - Functions of f32 by tables in registers -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An instruction that permutes the lanes of a register reads a table of 16 or 32
// numbers at once. With one, exp needs a polynomial of degree 3 only, and tanh and erf
// are one polynomial of degree 5 without a division. A short argument is the index
// already: adding 1.5 * 2^m rounds to a multiple of 2^(m - 23), whose number stands in
// the lowest bits (Tang, "Table-driven implementation of the exponential function in
// IEEE floating-point arithmetic", 1989).
//
// Coefficients are minimax fits of the relative error over the interval of each entry,
// rounded to f32 one after another with the others fitted again.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "passes/Transforms/ExpandMathParts.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace mad::f32 {

// clang-format off
/// 2^(j / 16).
static constexpr float powers[16] = {
    1.0f, 1.04427373f, 1.09050775f, 1.13878858f, 1.18920708f, 1.24185777f, 1.29683959f, 1.35425556f,
    1.41421354f, 1.47682619f, 1.54221082f, 1.61049032f, 1.68179286f, 1.75625217f, 1.8340081f,
    1.91520655f};

/// Coefficient j of tanh(k / 4 + r), in row j.
static constexpr float tanhParts[6][32] = {
    {0.0f, 0.244918659f, 0.462117165f, 0.635148942f, 0.761594176f, 0.848283648f, 0.905148268f,
     0.941375554f, 0.964027584f, 0.978026092f, 0.986614287f, 0.991859734f, 0.995054781f,
     0.996997654f, 0.998177886f, 0.998894453f, 0.999329329f, 0.999593139f, 0.999753237f,
     0.999850333f, 0.999909222f, 0.999944925f, 0.999966621f, 0.999979734f, 0.999987721f,
     0.999992549f, 0.99999547f, 0.999997258f, 0.999998331f, 0.999998987f, 0.999999404f,
     0.999999642f},
    {1.0f, 0.940015018f, 0.786447763f, 0.59658581f, 0.419974357f, 0.280414879f, 0.180706635f,
     0.113812096f, 0.0706508234f, 0.0434649177f, 0.0265922267f, 0.0162142869f, 0.00986603741f,
     0.00599571504f, 0.00364088477f, 0.00220989226f, 0.00134095072f, 0.0008135424f,
     0.000493517437f, 0.000299362524f, 0.000181583237f, 0.000110139728f, 6.68045759e-05f,
     4.05195533e-05f, 2.45765477e-05f, 1.49065017e-05f, 9.04127683e-06f, 5.4838215e-06f,
     3.32610944e-06f, 2.01738862e-06f, 1.22360859e-06f, 7.42691498e-07f},
    {3.11893018e-07f, -0.230219334f, -0.363428414f, -0.378915638f, -0.319862545f, -0.237877369f,
     -0.163574353f, -0.107147895f, -0.0681111291f, -0.0424981266f, -0.0262304246f, -0.0160870887f,
     -0.00983140804f, -0.00598738622f, -0.00362829212f, -0.00221272232f, -0.00135478843f,
     -0.000809444347f, -0.000506665208f, -0.00031221431f, -0.000190711798f, -0.000108438595f,
     -7.92141873e-05f, -3.76527205e-05f, -2.9589808e-05f, -1.62876695e-05f, -4.27733039e-06f,
     -5.53536256e-06f, -3.18598609e-07f, 3.29706495e-07f, -9.29169983e-06f, -1.72700356e-06f},
    {-0.333355635f, -0.256993741f, -0.0942191705f, 0.0418092534f, 0.103597373f, 0.108307399f,
     0.0878165364f, 0.06292101f, 0.0421092808f, 0.0270879958f, 0.0170210898f, 0.0105465334f,
     0.00647987379f, 0.00396111142f, 0.00241400022f, 0.00146837335f, 0.000892146607f,
     0.000541697023f, 0.000328755705f, 0.000199478221f, 0.000121020108f, 7.34149435e-05f,
     4.45304577e-05f, 2.70114251e-05f, 1.63835884e-05f, 9.93738104e-06f, 6.02742693e-06f,
     3.65581195e-06f, 2.21737491e-06f, 1.34491745e-06f, 8.1571585e-07f, 3.76127878e-06f},
    {0.00047284583f, 0.138148651f, 0.163735658f, 0.0994003862f, 0.0288081393f, -0.0119651137f,
     -0.0243381988f, -0.0229782257f, -0.0177792534f, -0.013082427f, -0.00843313243f,
     -0.00480192434f, -0.00227510696f, -0.00134146784f, -0.00158191915f, -0.000394938863f,
     0.000497373811f, -0.000512057974f, 0.000684691826f, 0.000725493126f, 0.000524668139f,
     -0.000145260026f, 0.000772048777f, -0.000196957437f, 0.000312659453f, 8.34229359e-05f,
     -0.000307909853f, 1.4678991e-06f, -0.000193591317f, -0.000150887805f, 0.000515949156f,
     -3.76718754e-06f},
    {0.129985571f, 0.0742759556f, -0.0257015936f, -0.0637450442f, -0.0458322689f, -0.0190946683f,
     -0.00271600811f, 0.00370327383f, 0.00476064906f, 0.00395016f, 0.00285174954f, 0.00191067159f,
     0.00122993567f, 0.000769631879f, 0.000472534914f, 0.000290684286f, 0.000178681177f,
     0.000108045744f, 6.63441606e-05f, 4.02851983e-05f, 2.43583127e-05f, 1.46691218e-05f,
     8.99875704e-06f, 5.40622932e-06f, 3.29172394e-06f, 1.99389638e-06f, 1.20774848e-06f,
     7.3393511e-07f, 4.44981168e-07f, 2.69573775e-07f, 1.64665309e-07f, 1.29536556e-06f}};

/// Coefficient j of erf(k / 4 + r), in row j.
static constexpr float erfParts[6][16] = {
    {0.0f, 0.276326388f, 0.520499885f, 0.711155653f, 0.842700779f, 0.92290014f, 0.966105163f,
     0.986671686f, 0.995322287f, 0.998537302f, 0.999593019f, 0.999899387f, 0.999977887f,
     0.999995708f, 0.999999285f, 0.999999881f},
    {1.12837923f, 1.06001425f, 0.87878263f, 0.642931104f, 0.415107489f, 0.236521125f, 0.118930288f,
     0.0527749956f, 0.0206669867f, 0.00714231934f, 0.00217828411f, 0.000586277281f,
     0.000139253054f, 2.91890265e-05f, 5.39942675e-06f, 8.83978544e-07f},
    {-1.46284265e-05f, -0.264999032f, -0.439388424f, -0.482204616f, -0.415101171f, -0.29565987f,
     -0.178406119f, -0.092364952f, -0.0413453244f, -0.016079383f, -0.0054307864f, -0.00161680824f,
     -0.000405983505f, -0.000100588768f, -3.31436495e-05f, -2.40575241e-06f},
    {-0.375549227f, -0.309197634f, -0.146480381f, 0.0267739333f, 0.138371155f, 0.167534024f,
     0.138752282f, 0.0901577994f, 0.048222959f, 0.021724524f, 0.00835006963f, 0.00276030018f,
     0.000789054553f, 0.000195788161f, 4.22881749e-05f, 6.70586314e-06f},
    {-0.00727092521f, 0.126095071f, 0.182127848f, 0.150671035f, 0.0688509718f, -0.00528637413f,
     -0.0436137989f, -0.0474046767f, -0.0337108336f, -0.0185419638f, -0.00962117221f,
     -0.00299309753f, -0.00180960272f, 7.56572554e-05f, 0.000842781097f, -3.13394266e-05f},
    {0.141131207f, 0.0811300725f, 0.00833114143f, -0.0520740189f, -0.0690669715f, -0.0470079705f,
     -0.0149428006f, 0.00650182413f, 0.0130331414f, 0.0106482701f, 0.00612727273f, 0.00277143321f,
     0.00102557952f, 0.000317835627f, 8.34993916e-05f, 5.28884084e-05f}};
// clang-format on

//===----------------------------------------------------------------------===//
// Lanes
//===----------------------------------------------------------------------===//

namespace {

/// Reads a table of 16 or 32 numbers, or scales, by as many lanes as a register has.
class Lanes {
public:
  explicit Lanes(F32Builder &m) : m(m), b(m.b) {}

  /// The entries that the lowest bits of `index` name.
  Value lookUp(ArrayRef<float> table, Value index);
  /// y * 2^floor(n).
  Value scale(Value y, Value n);

private:
  int64_t native() const { return m.level() >= 4 ? 16 : 8; }
  Value call(StringRef name, Type result, ValueRange arguments) {
    return LLVM::CallIntrinsicOp::create(b, result, b.getStringAttr(name), arguments).getResult(0);
  }
  Value constant(ArrayRef<float> numbers) {
    auto type = VectorType::get(static_cast<int64_t>(numbers.size()), b.getF32Type());
    return arith::ConstantOp::create(b, DenseElementsAttr::get(type, numbers));
  }
  Value part(Value vector, int64_t from, int64_t count) {
    return vector::ShuffleOp::create(b, vector, vector,
                                     llvm::to_vector(llvm::seq(from, from + count)));
  }
  /// `compute` on vectors of as many lanes as registers have; null for other shapes.
  Value split(Value x, Value y, llvm::function_ref<Value(Value, Value)> compute);
  Value lookUpNative(ArrayRef<float> table, Value index);
  Value lookUpScalar(ArrayRef<float> table, Value index);

  F32Builder &m;
  ImplicitLocOpBuilder &b;
};

Value Lanes::split(Value x, Value y, llvm::function_ref<Value(Value, Value)> compute) {
  auto type = dyn_cast<VectorType>(x.getType());
  if (!type || type.getRank() != 1 || type.isScalable())
    return {};
  int64_t lanes = type.getNumElements();
  if (lanes == 4) { // half of a register, the other half is not used
    SmallVector<int64_t> twice{0, 1, 2, 3, 0, 1, 2, 3};
    auto wide = [&](Value v) -> Value { return vector::ShuffleOp::create(b, v, v, twice); };
    return part(compute(wide(x), y ? wide(y) : Value()), 0, 4);
  }
  int64_t step = std::min(lanes, native());
  if (step < 8 || lanes % step)
    return {};
  Value result;
  for (int64_t i = 0; i < lanes; i += step) {
    auto piece = [&](Value v) { return v && step < lanes ? part(v, i, step) : v; };
    Value computed = compute(piece(x), piece(y));
    if (result) {
      SmallVector<int64_t> all = llvm::to_vector(llvm::seq<int64_t>(0, i + step));
      result = vector::ShuffleOp::create(b, result, computed, all);
    } else {
      result = computed;
    }
  }
  return result;
}

/// Of 8 lanes, or 16 at level 4.
Value Lanes::lookUpNative(ArrayRef<float> table, Value index) {
  int64_t lanes = cast<VectorType>(index.getType()).getNumElements();
  auto type = VectorType::get(lanes, b.getF32Type());
  bool isPair = m.level() >= 4 && table.size() > static_cast<size_t>(lanes);
  SmallVector<Value> parts;
  for (size_t i = 0; i < table.size(); i += lanes * (isPair ? 2 : 1)) {
    Value low = constant(table.slice(i, lanes));
    if (isPair) {
      StringRef name =
          lanes == 16 ? "llvm.x86.avx512.vpermi2var.ps.512" : "llvm.x86.avx512.vpermi2var.ps.256";
      parts.push_back(call(name, type, {low, index, constant(table.slice(i + lanes, lanes))}));
    } else if (lanes == 16) {
      parts.push_back(call("llvm.x86.avx512.permvar.sf.512", type, {low, index}));
    } else {
      parts.push_back(call("llvm.x86.avx2.permps", type, {low, index}));
    }
  }
  // The next bits of the index choose among the parts: as the sign, which blends read.
  auto bits = [&](int32_t value) {
    auto ints = VectorType::get(lanes, b.getI32Type());
    return arith::ConstantOp::create(b, DenseElementsAttr::get(ints, value)).getResult();
  };
  for (int bit = isPair ? llvm::Log2_64(2 * lanes) : llvm::Log2_64(lanes); parts.size() > 1;
       ++bit) {
    Value sign = arith::ShLIOp::create(b, index, bits(31 - bit));
    Value high = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, sign, bits(0));
    SmallVector<Value> half;
    for (size_t i = 0; i < parts.size(); i += 2)
      half.push_back(arith::SelectOp::create(b, high, parts[i + 1], parts[i]));
    parts = half;
  }
  return parts[0];
}

Value Lanes::lookUpScalar(ArrayRef<float> table, Value index) {
  auto module = b.getInsertionBlock()->getParentOp()->getParentOfType<ModuleOp>();
  auto type = MemRefType::get(static_cast<int64_t>(table.size()), b.getF32Type());
  auto values = DenseElementsAttr::get(
      RankedTensorType::get(static_cast<int64_t>(table.size()), b.getF32Type()), table);
  memref::GlobalOp global;
  for (auto known : module.getOps<memref::GlobalOp>())
    if (known.getConstant() && known.getType() == type && known.getInitialValueAttr() == values)
      global = known;
  if (!global) {
    std::string name = "mad_table";
    for (unsigned i = 0; module.lookupSymbol(name); ++i)
      name = "mad_table_" + std::to_string(i);
    OpBuilder top = OpBuilder::atBlockBegin(module.getBody());
    global = memref::GlobalOp::create(top, b.getLoc(), name, top.getStringAttr("private"), type,
                                      values, /*constant=*/true, top.getI64IntegerAttr(64));
  }
  Value memory = memref::GetGlobalOp::create(b, type, global.getSymName());
  Value most =
      arith::ConstantOp::create(b, b.getI32IntegerAttr(static_cast<int32_t>(table.size()) - 1));
  Value at = arith::IndexCastUIOp::create(b, b.getIndexType(),
                                          arith::AndIOp::create(b, index, most).getResult());
  return memref::LoadOp::create(b, memory, at);
}

Value Lanes::lookUp(ArrayRef<float> table, Value index) {
  auto vector = dyn_cast<VectorType>(index.getType());
  if (!vector)
    return lookUpScalar(table, index);
  if (Value result = split(index, {}, [&](Value i, Value) { return lookUpNative(table, i); }))
    return result;
  int64_t count = vector.getNumElements();
  auto flat = VectorType::get(count, b.getI32Type());
  Value all = vector::ShapeCastOp::create(b, flat, index);
  SmallVector<Value> lanes;
  for (int64_t i = 0; i < count; ++i)
    lanes.push_back(lookUpScalar(table, vector::ExtractOp::create(b, all, i)));
  Value result = vector::FromElementsOp::create(b, VectorType::get(count, b.getF32Type()), lanes);
  return vector::ShapeCastOp::create(b, m.valueType(), result);
}

Value Lanes::scale(Value y, Value n) {
  if (m.level() < 4)
    return {};
  return split(y, n, [&](Value a, Value c) {
    auto type = cast<VectorType>(a.getType());
    bool wide = type.getNumElements() == 16;
    Value mask =
        arith::ConstantOp::create(b, wide ? b.getI16IntegerAttr(-1) : b.getI8IntegerAttr(-1));
    SmallVector<Value> arguments{a, c, a, mask};
    if (!wide)
      return call("llvm.x86.avx512.mask.scalef.ps.256", type, arguments);
    arguments.push_back(arith::ConstantOp::create(b, b.getI32IntegerAttr(4))); // current rounding
    return call("llvm.x86.avx512.mask.scalef.ps.512", type, arguments);
  });
}

} // namespace

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

/// 2^floor(k / 16) in two factors, for the k in the low bits of `bits`; neither is
/// denormal or infinite, and all but the last product are exact.
static Value scaleByParts(F32Builder &m, Value y, Value bits) {
  constexpr int32_t exponents = static_cast<int32_t>(0xFF800000), one = 0x3F800000;
  Value half = m.andBits(m.shiftLeft(bits, 18), m.bits(exponents));
  Value whole = m.andBits(m.shiftLeft(bits, 19), m.bits(exponents));
  y = m.mul(y, m.asNumber(m.addBits(half, m.bits(one))));
  return m.mul(y, m.asNumber(m.addBits(m.subBits(whole, half), m.bits(one))));
}

/// x = k / 16 ln 2 + r: 2^(k / 16) (1 + r P(r)).
Value expByTable(F32Builder &m, Value x) {
  constexpr float magic = 0x1.8p19f;
  // Below, the result is 0. NaN stays: these give the second then.
  Value inside = m.max(m.number(-104.5f), x);
  // Above 89 only k ends; r grows, and the result is infinite all the same. Compared as
  // integers, for which more units of the CPU serve. NaN comes back with r.
  Value most = m.bits(0x42B20000), bits = m.asBits(inside); // 89
  Value near = m.asNumber(m.select(m.lessBits(bits, most), bits, most));
  Value t = m.fma(near, m.number(log2e), m.number(magic));
  Value n = m.sub(t, m.number(magic));
  Value r = m.fma(n, m.number(-0.693147182f), inside);
  r = m.fma(n, m.number(1.90465421e-9f), r);
  Value q = m.mul(m.polynomial(r, {1.0f, 0.500016153f, 0.166667163f}), r);
  Lanes lanes(m);
  Value power = lanes.lookUp(powers, m.asBits(t));
  Value y = m.fma(power, q, power);
  Value scaled = lanes.scale(y, n);
  return scaled ? scaled : scaleByParts(m, y, m.asBits(t));
}

/// An odd function whose parts are tables of coefficients around multiples of 1/4. The
/// last part reaches up to `end`, where it rounds to 1.
template <size_t count>
static Value oddByTable(F32Builder &m, Value x, const float (&parts)[6][count], float end) {
  constexpr float magic = 0x1.8p21f;
  Value a = m.abs(x), last = m.number((count - 1) * 0.25f);
  Value t = m.add(m.min(last, a), m.number(magic));
  Value r = m.sub(m.min(m.number(end), a), m.sub(t, m.number(magic)));
  Lanes lanes(m);
  Value index = m.asBits(t), y = lanes.lookUp(parts[5], index);
  for (int j = 4; j >= 0; --j)
    y = m.fma(y, r, lanes.lookUp(parts[j], index));
  return m.withSign(y, x);
}

Value tanhByTable(F32Builder &m, Value x) { return oddByTable(m, x, tanhParts, 9.02f); }

Value erfByTable(F32Builder &m, Value x) { return oddByTable(m, x, erfParts, 4.125f); }

} // namespace mad::f32
