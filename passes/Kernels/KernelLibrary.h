//===- KernelLibrary.h - Functions of a module for dense products -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A product C = A B of matrices of any size runs in three steps: the rows of A and the
// columns of B are packed into the order in which they are read, then tiles of C are
// computed in registers. Each step is a function of the module, made once for each
// combination of element types and called with ranges of blocks, so that pieces of
// the work can run on several threads.
//
// Packed rows: for block i, step k and r < 6, element (i * K + k) * 6 + r is
// A[i * height + r, k], or 0 where there is no such row or r >= height.
// Packed panels: for panel j, step k and c < NR, element (j * K + k) * NR + c is
// B[k, j * NR + c], or 0 where there is no such column.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_KERNELS_KERNELLIBRARY_H
#define MAD_PASSES_KERNELS_KERNELLIBRARY_H

#include "dialects/Lut/Format/Format.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/SymbolTable.h"
#include "passes/Kernels/TileTable.h"

namespace mad::kernels {

/// Marks the functions made here: they are as long as they must be, and never cut.
constexpr llvm::StringLiteral kernelAttribute = "kernel";

/// Which index of a matrix has neighbours in memory.
enum class Order { RowMajor, ColumnMajor };

/// How far apart the elements of neighbouring places of a window are.
enum class WindowStep { One, Two, Any };

/// Columns of a panel of codes, and of scales: a line of the cache of codes.
constexpr int64_t lutPanel = 64;

/// Elements that are read behind the end of rows that words are multiplied with.
constexpr int64_t behindWords = 31 + 256;

/// What a function that reads codes of few bits is made for.
struct LutKernel {
  lut::Format format;
  bool oneColumn = false; ///< scales, zeros or tables have one column for all
  bool ragged = false;    ///< K is no multiple of a step
  bool cutSteps = false;  ///< groups end inside of steps
  bool cutBlocks = false; ///< kernels on bytes: groups or K end inside of blocks of four steps
  bool oneSum = false;    ///< kernels on bytes: there is one group, in parts
  /// Parts lie in panels, [panels, rows, 64], but for shared tables and `oneColumn`.
  bool packed = false;
  bool packedTables = false; ///< tables of columns alone do
  bool woven = false;        ///< and codes in blocks of four steps, [panels, rows / 4, 256]
  bool fma = true;           ///< products are not rounded

  /// The kernel for a weight [K, M]. Parts of its shape are [rows, M].
  static LutKernel of(const lut::Format &format, int64_t K, int64_t M, bool fma);
  /// The same for activations of 8 bits (ByteCodes.h).
  static LutKernel ofBytes(const lut::Format &format, int64_t K, int64_t M);
  /// Blocks of four steps that a group has a part of, of a weight of K rows.
  int64_t blocks(int64_t K) const;
  /// Codes that are read together.
  int64_t step() const { return format.isBase3() ? 5 : 8; }
  /// One bit that stands for 1 and -1.
  bool signs() const {
    return format.family == lut::Family::Int && format.bits == 1 && !format.affine;
  }
  /// Each column has a table.
  bool ownTables() const {
    return format.family == lut::Family::Codebook && format.group == lut::Format::wholeRow;
  }
  /// The code, or twice that of one bit, in the middle of the range, which stands for 0 where there
  /// are no zero points.
  int64_t middle() const {
    return format.family == lut::Family::Ternary || signs() ? 1 : int64_t(1) << (format.bits - 1);
  }
  /// How often the sum of the activations of a group is added to that of their products with codes:
  /// what the middle of the codes stands for, or, of affine formats, a zero point, is taken off.
  int64_t timesSum() const { return format.affine ? -1 : -middle(); }
  /// Whether part `number` lies in panels.
  bool isPacked(unsigned number) const {
    bool perColumn = !oneColumn && (format.family != lut::Family::Codebook || ownTables());
    return number == 0 ? packed : perColumn && (packed || packedTables);
  }
  std::string name() const;
  /// Of kernels for words, for which rows and panels of codes make no difference.
  std::string nameOfWords() const;
};

struct ByteUnit;

/// Element types of factors are floats, or integers of at most 8 bits, signed unless they
/// say otherwise.
class KernelLibrary {
public:
  /// With the built-in parameters of the level, or those of a table.
  KernelLibrary(mlir::ModuleOp module, int level) : KernelLibrary(module, builtinTiles(level)) {}
  KernelLibrary(mlir::ModuleOp module, TileTable tiles)
      : module(module), symbols(module), tiles(std::move(tiles)) {}

  /// pack(A: [M, K], packed: [?], from, to, height): blocks `from` to `to`. Elements of a
  /// narrower type become `to`. A has any strides, unless it is row-major.
  mlir::func::FuncOp packRows(mlir::Type from, mlir::Type to, Order order);
  /// pack(B: [K, N] strided, packed: [?], from, to): panels `from` to `to`.
  mlir::func::FuncOp packPanels(mlir::Type from, mlir::Type to, Order order);
  /// pack(image of `rank` dimensions, packed: [?], offset, from, to, width, height, row
  /// stride, stride, 3 extents, 3 strides): panels `from` to `to` of the matrix whose
  /// column `i * width + j` is the window at place (i, j), i < height, and whose row
  /// (x, y, z) is an element of the window; the first panel comes first. In elements:
  /// `offset + i * row stride + j * stride + x * strides[0] + ...` from the image's first
  /// one. `stride` is 1 or 2 where `step` says so.
  mlir::func::FuncOp packWindows(mlir::Type from, mlir::Type to, int64_t rank, WindowStep step);
  /// multiply(rows: [?], panels: [?], C: [M, N] with neighbouring columns, K, block from, to,
  /// panel from, to, step from, to, height, add, apart): C = or += (if `add`) the
  /// product of the ranges: with `apart` its sum is added to C, else its products are, one
  /// after the other. `panels` may hold a narrower type than the sums. With `fma` products
  /// are not rounded. With `inPlace` the rows are those of A, [M, K] with neighbouring
  /// columns, instead of packed ones.
  mlir::func::FuncOp multiplyPanels(mlir::Type panels, mlir::Type sum, bool fma,
                                    bool inPlace = false);
  /// The same of operands in any order: multiply(rows: [?], panels: [?], C, row start, block
  /// stride, row stride, row step, panel start, panel stride, panel step, steps, block from,
  /// to, panel from, to, height, add, apart). Element (i * height + r, k) of A lies at row start +
  /// i * block stride + r * row stride + k * row step, element (k, j * NR + c) of B at panel start
  /// + j * panel stride + k * panel step + c. The last panel of B must be padded to NR columns
  /// where there are no `masks`, and where B is narrower than the sums.
  mlir::func::FuncOp multiplyStrided(mlir::Type panels, mlir::Type sum, bool fma);

  /// How functions take the parts of a weight.
  llvm::SmallVector<mlir::Type> lutParts(const LutKernel &kernel);
  /// decode(parts..., packed: [?], K, group, panel from, to, k from, to): a weight of few bits in
  /// f32, as packPanels writes its rows `k from` to `to`, from the first panel on. `parts` as the
  /// format has them, rows of neighbours; `group`: elements along K with one scale. `k from` is a
  /// multiple of 40.
  mlir::func::FuncOp decodePanels(const LutKernel &kernel);
  /// multiply(X: [T, K], parts..., Y: [T, M], K, group, column from, to): columns of Y = X W, for
  /// few rows. Sums of blocks along K, which end with groups, are scaled and added up.
  mlir::func::FuncOp multiplyCodes(const LutKernel &kernel);

  /// expand(words: [words, 2], starts: [M + 1, 4], dictionary: [65536, 8], codes: [K / 4, to -
  /// from], stage: [?], K, from, to): codes of 2 bits of columns `from` to `to`
  /// (LutDictionary.cpp).
  mlir::func::FuncOp expandWords();
  /// Bytes of the stage.
  static int64_t expandStage(int64_t K);

  /// multiply(words: [2 * words], starts: [4 * (M + 1)], terms: [4 * 65536], scales: [1, M or 1],
  /// rows: [?], Y: [T, M], K, row, count, column from, to): columns of Y = X W for `count` rows
  /// from `row` on, of which `wordRows` put `together`, 1 or 16, side by side (LutWords.cpp).
  mlir::func::FuncOp multiplyWords(const LutKernel &kernel, int64_t together);
  /// rows(X: [T, K], made: [?], row, count, from, to): element k of row t at place k * together + t
  /// of `made`, for k from `from` to `to`; 0 where there is none. Behind K there are `behindWords`.
  mlir::func::FuncOp wordRows(int64_t together);
  /// multiply(words, starts, dictionary: [8 * 65536], scales, row: [?], Y, K, row, count, column
  /// from, to): as `multiplyWords` of a row that `wordRowOfBytes` made, with VNNI and VBMI
  /// (LutWordBytes.cpp).
  mlir::func::FuncOp multiplyWordBytes(const LutKernel &kernel);
  /// row(X: [T, K], made: [wordRowBytes(K)], row, K): integers from -127 to 127 as bytes, zeros
  /// behind them, and in the last four bytes their sum.
  mlir::func::FuncOp wordRowOfBytes();
  static int64_t wordRowBytes(int64_t K);
  /// finite(X: [T, K], answer: [1]): 1 if no element is NaN or infinite, else 0.
  mlir::func::FuncOp allFinite();

  /// arrange(Q: [T, K], arranged: [?], sums: [?], sizes..., row from, to): activations of 8 bits in
  /// the order in which kernels read them (dialects/Lut/Format/Arrangement.h), rows `stride` bytes
  /// apart, and the sum of each group. `sizes`: K, elements along K with one scale, blocks of such
  /// a group, `stride`.
  mlir::func::FuncOp arrangeBytes(const LutKernel &kernel);
  /// multiply(arranged: [?], sums: [?], S: [T], parts..., Y: [T, M], sizes..., row from, to, column
  /// from, to): columns of `lut.gemm`, for few rows.
  mlir::func::FuncOp multiplyBytes(const LutKernel &kernel, const ByteUnit &unit);
  /// tables(Q: [T, K], tables: [?], sums: [?], sizes..., row from, to): what each four activations
  /// add for codes of one bit that stand for 1 and -1 (ByteTables.cpp), 8 bytes for each code of
  /// `stride`, and for each group what is left.
  mlir::func::FuncOp byteTables(const LutKernel &kernel);
  /// The same as `multiplyBytes`, from tables. From level 3 on.
  mlir::func::FuncOp multiplyByteTables(const LutKernel &kernel, const ByteUnit &unit);
  /// decode(parts..., panel: [?], scales: [?], zeros: [?], sizes..., group from, to, column): the
  /// codes of 64 columns as bytes, term by term, with scales of f32 and, of affine formats, zeros
  /// of i32. With `oneSum`: blocks from, to of the one group.
  mlir::func::FuncOp decodeBytes(const LutKernel &kernel, const ByteUnit &unit);
  /// multiply(arranged: [?], sums: [?], S: [T], panel: [?], scales: [?], zeros: [?], Y: [T, M],
  /// sizes..., row from, to, group from, to, column, factor): 64 columns of `lut.gemm` from what
  /// `decodeBytes` made. Y has the sums of the groups before, and is scaled with the last one. With
  /// `oneSum`: blocks from, to of the one group, and until it is whole Y has the bits of its sum.
  mlir::func::FuncOp multiplyBytePanel(const LutKernel &kernel, const ByteUnit &unit);
  /// has() -> i1: whether the CPU has the instructions that the level alone does not promise.
  mlir::func::FuncOp hasVnni(int level);
  /// As well, of VBMI.
  mlir::func::FuncOp hasVbmi();

  /// keep(memory: [?]): does nothing, but the memory is planned for.
  mlir::func::FuncOp keep(mlir::Type element);

  /// Memory of any strides, and of the stored type.
  static mlir::MemRefType matrix(mlir::Type element);
  static mlir::MemRefType strided(mlir::Type element, int64_t rank);
  /// Rows of neighbours, any distance apart.
  static mlir::MemRefType rows(mlir::Type element);
  /// Neighbours from any place on.
  static mlir::MemRefType flat(mlir::Type element);
  /// For sums of f32 or f64.
  TileSizes sizes(mlir::Type sum) const { return tiles.of(sum.getIntOrFloatBitWidth()); }

private:
  /// The answer of `ask`, which is kept.
  mlir::func::FuncOp known(const std::string &name,
                           llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &)> ask);
  /// The function of that name; makes it with `write`, at the start of its body, if
  /// there is none.
  mlir::func::FuncOp
  find(llvm::StringRef name, mlir::TypeRange arguments,
       llvm::function_ref<void(mlir::ImplicitLocOpBuilder &, mlir::ValueRange)> write);
  /// The same, with instructions that levels do not promise.
  mlir::func::FuncOp
  find(llvm::StringRef name, const ByteUnit &unit, mlir::TypeRange arguments,
       llvm::function_ref<void(mlir::ImplicitLocOpBuilder &, mlir::ValueRange)> write);

  mlir::ModuleOp module;
  mlir::SymbolTable symbols;
  TileTable tiles;
};

/// How elements of a type are held in memory and registers: integers have no sign.
mlir::Type stored(mlir::Type element);
/// `value`, or each element of a vector, of type `from` as the float type `to`, exactly.
mlir::Value widen(mlir::ImplicitLocOpBuilder &b, mlir::Value value, mlir::Type from, mlir::Type to);

/// Memory as another type of the same elements.
mlir::Value castTo(mlir::ImplicitLocOpBuilder &b, mlir::Value memory, mlir::MemRefType type);

/// A matrix as flat memory, and the distances of its rows and columns.
struct FlatMatrix {
  mlir::Value memory, rows, columns;
};
FlatMatrix flatten(mlir::ImplicitLocOpBuilder &b, mlir::Value matrix);

/// Writes a loop over [from, to).
void forRange(mlir::ImplicitLocOpBuilder &b, mlir::Value from, mlir::Value to, int64_t step,
              llvm::function_ref<void(mlir::Value)> body);
void forRange(mlir::ImplicitLocOpBuilder &b, mlir::Value from, mlir::Value to, mlir::Value step,
              llvm::function_ref<void(mlir::Value)> body);
/// The same index or vector, in a register of its own: LLVM knows nothing of where it comes from.
mlir::Value inRegister(mlir::ImplicitLocOpBuilder &b, mlir::Value value);
/// Writes a branch.
void when(mlir::ImplicitLocOpBuilder &b, mlir::Value condition, llvm::function_ref<void()> yes,
          llvm::function_ref<void()> no = nullptr);

/// How the reduction of a product, of `K` steps, is cut into passes. A sum of more than
/// `sumDepth` steps is one of sums of so many, whatever the tile sizes; else all passes go
/// on with the one sum. `inOrder`: products must be added one after the other.
struct Passes {
  mlir::Value steps;   ///< of a pass
  mlir::Value columns; ///< panels on a pass
  mlir::Value apart;   ///< i1: each pass is a sum of its own
};
Passes passesOf(mlir::ImplicitLocOpBuilder &b, const TileSizes &sizes, mlir::Type sum,
                mlir::Value K, bool inOrder);

/// Index arithmetic.
class Index {
public:
  explicit Index(mlir::ImplicitLocOpBuilder &b) : b(b) {}
  mlir::Value constant(int64_t value) const;
  mlir::Value add(mlir::Value x, mlir::Value y) const;
  mlir::Value add(mlir::Value x, int64_t y) const { return y ? add(x, constant(y)) : x; }
  mlir::Value sub(mlir::Value x, mlir::Value y) const;
  mlir::Value mul(mlir::Value x, mlir::Value y) const;
  mlir::Value mul(mlir::Value x, int64_t y) const { return y == 1 ? x : mul(x, constant(y)); }
  mlir::Value min(mlir::Value x, mlir::Value y) const;
  mlir::Value max(mlir::Value x, mlir::Value y) const;
  mlir::Value ceilDiv(mlir::Value x, mlir::Value y) const;
  mlir::Value ceilDiv(mlir::Value x, int64_t y) const { return ceilDiv(x, constant(y)); }
  mlir::Value less(mlir::Value x, mlir::Value y) const;        ///< x < y
  mlir::Value lessOrEqual(mlir::Value x, mlir::Value y) const; ///< x <= y

private:
  mlir::ImplicitLocOpBuilder &b;
};

} // namespace mad::kernels

#endif // MAD_PASSES_KERNELS_KERNELLIBRARY_H
