//===- FuseRowsGroup.cpp - Which ops share rows -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Transforms/Entries.h"
#include "passes/Transforms/FuseRows.h"
#include "passes/Transforms/Kernels.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad::rows {

//===----------------------------------------------------------------------===//
// Dimensions through reshapes
//===----------------------------------------------------------------------===//

Atoms leavesOf(ArrayRef<Atom *> atoms) {
  Atoms leaves;
  for (Atom *atom : atoms)
    if (atom->parts.empty())
      leaves.push_back(atom);
    else
      leaves.append(leavesOf(atom->parts));
  return leaves;
}

static bool isUnit(Value memory, int64_t dim) {
  return cast<MemRefType>(memory.getType()).getDimSize(dim) == 1;
}

/// Equal values are equal sizes; a parameter of the entry goes by its name.
static OpFoldResult keyOf(OpFoldResult size) {
  auto argument = dyn_cast_if_present<BlockArgument>(dyn_cast<Value>(size));
  auto function =
      argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()) : func::FuncOp();
  if (!function || !isEntry(function))
    return size;
  ArrayAttr names = entryList(function, "dims");
  return argument.getArgNumber() < names.size() ? OpFoldResult(names[argument.getArgNumber()])
                                                : size;
}

/// The size of an entry's argument, as a text over its parameters.
static OpFoldResult keyOf(BlockArgument argument, int64_t dim) {
  auto function = dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp());
  if (!function || !isEntry(function))
    return {};
  EntryArguments arguments(function);
  RankedTensorType type = arguments.typeOf(function, argument.getArgNumber());
  if (!type)
    return {};
  return StringAttr::get(argument.getContext(), dimExpr(type, dim).str());
}

/// A size that is known to be the same as another with the same key; null: unknown.
static OpFoldResult sizeKey(Value memory, int64_t dim) {
  auto type = cast<MemRefType>(memory.getType());
  if (!type.isDynamicDim(dim))
    return IntegerAttr::get(IndexType::get(memory.getContext()), type.getDimSize(dim));
  if (auto argument = dyn_cast<BlockArgument>(memory))
    return keyOf(argument, dim);
  if (auto alloc = memory.getDefiningOp<memref::AllocOp>())
    return keyOf(alloc.getDynamicSizes()[type.getDynamicDimIndex(dim)]);
  if (auto expand = memory.getDefiningOp<memref::ExpandShapeOp>())
    return keyOf(expand.getMixedOutputShape()[dim]);
  return {};
}

OpFoldResult sizeKey(Value size) {
  if (auto dim = size.getDefiningOp<memref::DimOp>())
    if (std::optional<int64_t> number = dim.getConstantIndex())
      return sizeKey(dim.getSource(), *number);
  return keyOf(OpFoldResult(size));
}

Atom *Group::make(Value memory, int64_t dim) {
  atoms.push_back(std::make_unique<Atom>(Atom{memory, dim, {}}));
  return atoms.back().get();
}

/// Gives the dimensions `dims` of `memory`, which together are `from`, their own.
bool Group::distribute(ArrayRef<Atom *> from, Value memory, ArrayRef<int64_t> dims, Signature &to) {
  Atoms leaves = leavesOf(from);
  SmallVector<int64_t> targets;
  for (int64_t d : dims)
    if (!isUnit(memory, d))
      targets.push_back(d);
  if (leaves.empty() || targets.empty())
    return leaves.empty();
  if (targets.size() == 1) {
    to[targets[0]] = leaves;
    return true;
  }
  if (leaves.size() == 1) {
    for (int64_t d : targets)
      leaves[0]->parts.push_back(make(memory, d));
    for (auto [d, part] : llvm::zip(targets, leaves[0]->parts))
      to[d] = {part};
    return true;
  }
  if (leaves.size() != targets.size())
    return false;
  for (auto [d, leaf] : llvm::zip(targets, leaves)) {
    OpFoldResult size = sizeKey(memory, d);
    if (!size || size != sizeKey(leaf->memory, leaf->dim))
      return false;
    to[d] = {leaf};
  }
  return true;
}

bool Group::concat(const Signature &from, MemRefType type, ArrayRef<int64_t> dims, Atoms &to) {
  bool hasOther = false;
  for (int64_t d : dims) {
    hasOther |= from[d].empty() && type.getDimSize(d) != 1;
    to.append(from[d]);
  }
  return to.empty() || !hasOther;
}

/// The signature of what `view` reshapes.
std::optional<Signature> Group::below(Value view, const Signature &signature) {
  Operation *op = view.getDefiningOp();
  Value source = reshaped(view);
  auto type = cast<MemRefType>(view.getType());
  Signature result(cast<MemRefType>(source.getType()).getRank());
  bool good = true;
  if (auto expand = dyn_cast<memref::ExpandShapeOp>(op)) {
    for (auto [d, group] : llvm::enumerate(expand.getReassociationIndices()))
      good = good && concat(signature, type, group, result[d]);
  } else if (auto collapse = dyn_cast<memref::CollapseShapeOp>(op)) {
    for (auto [d, group] : llvm::enumerate(collapse.getReassociationIndices()))
      good = good && distribute(signature[d], source, group, result);
  } else {
    result = signature;
  }
  return good ? std::optional(result) : std::nullopt;
}

std::optional<Signature> Group::signatureOf(Value memory) {
  Value source = reshaped(memory);
  if (!source) {
    auto at = memories.find(baseOf(memory));
    if (at == memories.end() || at->second.root != memory || !at->second.isAligned)
      return {};
    return at->second.signature;
  }
  std::optional<Signature> from = signatureOf(source);
  if (!from)
    return {};
  Operation *op = memory.getDefiningOp();
  auto type = cast<MemRefType>(source.getType());
  Signature result(cast<MemRefType>(memory.getType()).getRank());
  bool good = true;
  if (auto expand = dyn_cast<memref::ExpandShapeOp>(op)) {
    for (auto [d, group] : llvm::enumerate(expand.getReassociationIndices()))
      good = good && distribute((*from)[d], memory, group, result);
  } else if (auto collapse = dyn_cast<memref::CollapseShapeOp>(op)) {
    for (auto [d, group] : llvm::enumerate(collapse.getReassociationIndices()))
      good = good && concat(*from, type, group, result[d]);
  } else {
    result = *from;
  }
  return good ? std::optional(result) : std::nullopt;
}

bool Group::coversRows(const Signature &signature) const {
  Atoms found;
  for (const Atoms &atoms : signature)
    found.append(leavesOf(atoms));
  Atoms all = leaves();
  llvm::sort(found);
  llvm::sort(all);
  return found == all;
}

//===----------------------------------------------------------------------===//
// Members
//===----------------------------------------------------------------------===//

Group::Group(GenericOp seed, ArrayRef<unsigned> dims, Accepts accepts) : accepts(accepts) {
  OpOperand *output = seed.getDpsInitOperand(0);
  AffineMap map = seed.getMatchingIndexingMap(output);
  Signature loops(seed.getNumLoops());
  for (unsigned d : dims) {
    auto loop = dyn_cast<AffineDimExpr>(map.getResult(d));
    if (!loop || !loops[loop.getPosition()].empty())
      return;
    if (isUnit(output->get(), d))
      continue;
    space.push_back(make(output->get(), d));
    loops[loop.getPosition()] = {space.back()};
  }
  if (!space.empty())
    join(seed, loops);
}

/// The loops of an op from memory of known rows that it accesses.
std::optional<Signature> Group::loopsOf(GenericOp op, bool written) {
  Signature loops(op.getNumLoops());
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<MemRefType>(operand.get().getType()))
      continue;
    auto at = memories.find(baseOf(operand.get()));
    if (at == memories.end() || at->second.isWritten != written)
      continue;
    std::optional<Signature> signature = signatureOf(operand.get());
    if (!signature) {
      if (written)
        return {};
      continue;
    }
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [e, rows] : llvm::zip(map.getResults(), *signature)) {
      auto loop = dyn_cast<AffineDimExpr>(e);
      if (rows.empty())
        continue;
      if (!loop)
        return {};
      Atoms &known = loops[loop.getPosition()];
      if (!known.empty() && leavesOf(known) != leavesOf(rows))
        return {};
      known = rows;
    }
  }
  return loops;
}

/// A contraction whose other operand is a matrix. In blocks of rows it is read again
/// for each, which only pays while that stays in the cache.
bool Group::isWideContraction(GenericOp op, const Signature &loops, bool &contraction) {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  auto product = [&](utils::IteratorType kind) -> std::optional<int64_t> {
    int64_t total = 1;
    for (auto [size, rows, type] : llvm::zip(sizes, loops, op.getIteratorTypesArray()))
      if (type == kind && rows.empty()) {
        if (ShapedType::isDynamic(size))
          return {};
        total *= size;
      }
    return total;
  };
  Atom *last = leaves().back();
  for (OpOperand *input : op.getDpsInputOperands()) {
    bool hasLast = false, hasRows = false;
    unsigned free = 0;
    for (AffineExpr e : op.getMatchingIndexingMap(input).getResults())
      if (auto loop = dyn_cast<AffineDimExpr>(e)) {
        Atoms rows = leavesOf(loops[loop.getPosition()]);
        hasLast |= llvm::is_contained(rows, last);
        hasRows |= !rows.empty();
        free += rows.empty() && sizes[loop.getPosition()] != 1;
      }
    if (hasLast || free < 2 || op.getNumReductionLoops() == 0)
      continue;
    contraction = true;
    auto reduced = product(utils::IteratorType::reduction);
    auto across = product(utils::IteratorType::parallel);
    constexpr int64_t few = 256, most = 1 << 18;
    if (reduced && across && *reduced * *across > most)
      return true;
    bool narrow = (reduced && *reduced <= few) || (across && *across <= few);
    if (!narrow && !(hasRows && (!reduced || !across)))
      return true;
  }
  return false;
}

/// Takes up what an operand does; false if the group cannot have it.
bool Group::note(OpOperand &operand, GenericOp op, const Signature &loops, bool dryRun) {
  Value view = operand.get();
  bool writes = op.isDpsInit(&operand);
  AffineMap map = op.getMatchingIndexingMap(&operand);
  std::optional<Signature> signature = Signature(map.getNumResults());
  for (auto [e, rows] : llvm::zip(map.getResults(), *signature)) {
    if (auto loop = dyn_cast<AffineDimExpr>(e))
      rows = loops[loop.getPosition()];
    else if (!isa<AffineConstantExpr>(e))
      return false; // windows
  }
  bool aligned = coversRows(*signature);
  Value root = rootOf(view);
  for (Value v = view; signature && v != root; v = reshaped(v))
    signature = below(v, *signature);
  aligned = aligned && signature;
  if (writes && !aligned)
    return false;
  Value base = baseOf(view);
  auto at = memories.find(base);
  if (at != memories.end()) {
    const Memory &m = at->second;
    bool same = aligned && m.isAligned && m.root == root;
    if (same)
      for (auto [x, y] : llvm::zip(*signature, m.signature))
        same = same && leavesOf(x) == leavesOf(y);
    if (!same && (writes || m.isWritten))
      return false;
    aligned = same;
  }
  if (dryRun)
    return true;
  bool isNew = at == memories.end();
  Memory &m = memories[base];
  if (isNew)
    m.root = root;
  m.isAligned = aligned;
  if (aligned)
    m.signature = *signature;
  m.isWritten |= writes;
  return true;
}

bool Group::isLegal(GenericOp op, const Signature &loops) {
  if (!coversRows(loops))
    return false;
  for (auto [rows, kind] : llvm::zip(loops, op.getIteratorTypesArray()))
    if (!rows.empty() && kind != utils::IteratorType::parallel)
      return false;
  if (accepts && !accepts(op, loops))
    return false;
  llvm::SetVector<Value> written;
  for (Value init : op.getDpsInits()) {
    if (!isa<MemRefType>(init.getType()))
      return false;
    written.insert(baseOf(init));
  }
  // Loads of computed elements: of memory that the group leaves alone.
  bool good = true;
  op.getBody()->walk([&](memref::LoadOp load) {
    Value base = baseOf(load.getMemRef());
    auto at = memories.find(base);
    good &= base && !written.contains(base) && (at == memories.end() || !at->second.isWritten);
  });
  op.getBody()->walk([&](Operation *inner) { good &= inner->getNumRegions() == 0 || inner == op; });
  for (OpOperand &operand : op->getOpOperands()) {
    if (!good || !isa<MemRefType>(operand.get().getType()))
      continue;
    good = baseOf(operand.get()) != nullptr;
    // An input that this op overwrites has to be the same rows.
    bool both = !op.isDpsInit(&operand) && written.contains(baseOf(operand.get()));
    if (both && (!llvm::is_contained(op.getDpsInits(), operand.get()) ||
                 llvm::none_of(op.getDpsInitsMutable(), [&](OpOperand &init) {
                   return init.get() == operand.get() &&
                          op.getMatchingIndexingMap(&init) == op.getMatchingIndexingMap(&operand);
                 })))
      return false;
    good = good && note(operand, op, loops, /*dryRun=*/true);
  }
  bool contraction = false;
  if (!good || isWideContraction(op, loops, contraction))
    return false;
  contracts |= contraction;
  return true;
}

bool Group::join(GenericOp op, Signature loops) {
  if (!isLegal(op, loops))
    return false;
  llvm::SetVector<Value> touched;
  for (OpOperand &operand : op->getOpOperands())
    if (isa<MemRefType>(operand.get().getType())) {
      note(operand, op, loops, /*dryRun=*/false);
      touched.insert(baseOf(operand.get()));
    }
  op.getBody()->walk([&](memref::LoadOp load) {
    Value base = baseOf(load.getMemRef());
    memories[base].isAligned = false;
    touched.insert(base);
  });
  for (Value base : touched)
    ++memories[base].uses;
  members.push_back({op, fillsBefore(op), std::move(loops)});
  return true;
}

Group::Verdict Group::visit(GenericOp op) {
  bool depends = false, shares = false, known = true;
  auto look = [&](Value memory, bool writes) {
    Value base = baseOf(memory);
    known &= base != nullptr;
    auto at = memories.find(base);
    if (!base || at == memories.end())
      return;
    depends |= at->second.isWritten || writes;
    shares |= at->second.isAligned;
  };
  for (OpOperand &operand : op->getOpOperands())
    if (isa<MemRefType>(operand.get().getType()))
      look(operand.get(), op.isDpsInit(&operand));
  op.getBody()->walk([&](memref::LoadOp load) { look(load.getMemRef(), false); });
  if (!known)
    return Verdict::Blocked;
  if (!depends && !shares)
    return Verdict::Apart;
  std::optional<Signature> loops = loopsOf(op, /*written=*/true);
  auto isEmpty = [](const Atoms &a) { return a.empty(); };
  if (loops && llvm::all_of(*loops, isEmpty))
    loops = loopsOf(op, /*written=*/false);
  if (loops && join(op, *loops))
    return Verdict::Joined;
  return depends ? Verdict::Blocked : Verdict::Apart;
}

//===----------------------------------------------------------------------===//
// Use
//===----------------------------------------------------------------------===//

bool Group::pays() const {
  // A reduction of rows, not of a row with a matrix.
  bool reduces = llvm::any_of(members, [&](const Member &member) {
    GenericOp op = member.op;
    return op.getNumReductionLoops() > 0 &&
           llvm::all_of(op.getDpsInputOperands(), [&](OpOperand *input) {
             Signature rows;
             for (AffineExpr e : op.getMatchingIndexingMap(input).getResults())
               if (auto loop = dyn_cast<AffineDimExpr>(e))
                 rows.push_back(member.loops[loop.getPosition()]);
             return coversRows(rows);
           });
  });
  bool reuses = llvm::any_of(memories, [&](const auto &entry) {
    const Memory &m = entry.second;
    if (!m.isAligned)
      return false;
    bool wide = false;
    // Of what is read in several shapes nothing is known.
    if (!m.root)
      return false;
    auto type = cast<MemRefType>(m.root.getType());
    if (!m.isAligned || int64_t(m.signature.size()) != type.getRank())
      return false;
    for (auto [d, rows] : llvm::enumerate(m.signature))
      wide |= rows.empty() && !isUnit(m.root, d);
    return wide && m.uses >= 2;
  });
  // Columns of a contraction are few: its own loops take more of them.
  return reduces && reuses && !(contracts && hasColumns());
}

bool Group::hasColumns() const {
  Atom *last = leaves().back();
  for (auto &[base, memory] : memories) {
    if (!memory.isAligned || memory.signature.size() < 2)
      continue;
    if (llvm::is_contained(leavesOf(memory.signature.back()), last) &&
        llvm::any_of(memory.signature, [](const Atoms &rows) { return rows.empty(); }))
      return true;
  }
  return false;
}

bool Group::isPrivate(Value base) const {
  const Memory &m = memories.find(base)->second;
  if (!m.isWritten || !m.isAligned || m.root != base || !base.getDefiningOp<memref::AllocOp>())
    return false;
  return hasOnlyUsers(base, [&](Operation *user) {
    return llvm::any_of(members, [&](const Member &member) {
      return member.op == user || llvm::is_contained(member.fills, user);
    });
  });
}

} // namespace mad::rows
