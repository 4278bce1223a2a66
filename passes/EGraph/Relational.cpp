//===- Relational.cpp - Finds several patterns that share variables ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Relational.h"
#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace mad::egraph {

Query::Query(const Language &language, const Rule &rule)
    : language(language), flags(rule.flags), numVariables(rule.variables), numOps(rule.opVariables),
      count(rule.variables) {
  for (const Pattern &pattern : rule.left)
    roots.push_back(addAtoms(pattern));
  orderVariables();
}

/// The variable of the pattern's root.
unsigned Query::addAtoms(const Pattern &pattern) {
  SmallVector<unsigned, 8> variable;
  for (const Pattern::Node &node : pattern.nodes) {
    if (node.isVariable()) {
      variable.push_back(node.variable);
      continue;
    }
    Atom atom;
    atom.symbol = node.symbol;
    atom.opVariable = node.opVariable;
    if (node.opVariable == none)
      atom.op = node.op;
    atom.flagged = language.isFlagged(node.symbol);
    atom.commutes = node.operands.size() == 2 && language.isCommutative(node.symbol);
    atom.variables.push_back(count);
    for (unsigned operand : node.operands)
      atom.variables.push_back(variable[operand]);
    variable.push_back(count++);
    atoms.push_back(std::move(atom));
  }
  return variable.back();
}

/// Variables of many atoms first, each next to one that is there already.
void Query::orderVariables() {
  auto has = [](const Atom &atom, unsigned v) { return is_contained(atom.variables, v); };
  SmallVector<bool> placed(count, false);
  for (unsigned step = 0; step < count; ++step) {
    unsigned best = none, bestScore = 0;
    for (unsigned v = 0; v < count; ++v) {
      if (placed[v])
        continue;
      unsigned atomsOf = 0, near = 0;
      for (const Atom &atom : atoms)
        if (has(atom, v)) {
          ++atomsOf;
          near |= any_of(order, [&](unsigned o) { return has(atom, o); });
        }
      unsigned score = 2 * atomsOf + 1000 * near + 1;
      if (best == none || score > bestScore)
        best = v, bestScore = score;
    }
    placed[best] = true;
    order.push_back(best);
  }
  for (Atom &atom : atoms)
    for (unsigned v : order)
      if (has(atom, v))
        atom.columns.push_back(v);
}

Query::Table Query::tableOf(const EGraph &graph, const Atom &atom) const {
  Table table;
  table.width = unsigned(atom.columns.size()) + 1;
  auto addRow = [&](Id id, Id node, ArrayRef<Id> operands) {
    auto value = [&](unsigned i) { return i == 0 ? id : graph.find(operands[i - 1]); };
    SmallVector<uint32_t, 8> row;
    for (unsigned column : atom.columns) {
      uint32_t first = none;
      for (auto [i, v] : enumerate(atom.variables))
        if (v == column) {
          if (first != none && first != value(i))
            return; // one variable, two values
          first = value(i);
        }
      row.push_back(first);
    }
    row.push_back(node);
    table.cells.insert(table.cells.end(), row.begin(), row.end());
  };
  for (Id id : graph.classesWith(atom.symbol))
    for (Id node : graph.nodesOf(id, atom.symbol)) {
      const Op &op = language.get(graph.op(node));
      ArrayRef<Id> operands = graph.operands(node);
      if (operands.size() + 1 != atom.variables.size() ||
          (atom.op != none && atom.op != graph.op(node) &&
           !(atom.flagged && language.get(atom.op).payload == op.payload)) ||
          (atom.flagged && (op.flags & flags) != flags))
        continue;
      addRow(id, node, operands);
      if (atom.commutes && graph.find(operands[0]) != graph.find(operands[1]))
        addRow(id, node, {operands[1], operands[0]});
    }
  // Rows are sorted by number, then brought into order.
  std::vector<uint32_t> rows(table.size());
  for (uint32_t i = 0; i < rows.size(); ++i)
    rows[i] = i;
  auto row = [&](uint32_t i) { return ArrayRef(table.cells).slice(i * table.width, table.width); };
  llvm::sort(rows, [&](uint32_t a, uint32_t b) {
    return std::lexicographical_compare(row(a).begin(), row(a).end(), row(b).begin(), row(b).end());
  });
  std::vector<uint32_t> cells;
  cells.reserve(table.cells.size());
  for (uint32_t i : rows)
    cells.insert(cells.end(), row(i).begin(), row(i).end());
  table.cells = std::move(cells);
  return table;
}

/// The state of a join: for each table the rows that agree with the values chosen so far.
struct Query::Join {
  struct Range {
    size_t low, high;
    unsigned column = 0; ///< the next one
  };
  const Query &query;
  const EGraph &graph;
  Matches &matches;
  size_t limit;
  std::vector<Table> tables;
  SmallVector<Range> ranges;
  SmallVector<uint32_t> values;

  /// The first row of a range whose next column is not below `value`, by doubled steps.
  size_t seek(unsigned t, size_t low, uint32_t value) const {
    const Range &range = ranges[t];
    size_t step = 1, high = low;
    while (high < range.high && tables[t].at(high, range.column) < value) {
      low = high + 1;
      high += step;
      step *= 2;
    }
    high = std::min(high, range.high);
    while (low < high) {
      size_t middle = low + (high - low) / 2;
      if (tables[t].at(middle, range.column) < value)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  }

  void emit() {
    std::vector<uint32_t> &rows = matches.rows;
    SmallVector<OpId, 4> ops(query.numOps, none);
    emitOps(0, ~0u, ops, rows);
  }

  /// What is left of a table are nodes that differ in their operations only.
  void emitOps(unsigned t, uint32_t flags, SmallVector<OpId, 4> &ops, std::vector<uint32_t> &rows) {
    if (t == tables.size()) {
      bool flagged = any_of(query.atoms, [](const Atom &atom) { return atom.flagged; });
      rows.push_back(flagged ? flags : 0);
      for (unsigned root : query.roots)
        rows.push_back(values[root]);
      rows.insert(rows.end(), values.begin(), values.begin() + query.numVariables);
      rows.insert(rows.end(), ops.begin(), ops.end());
      return;
    }
    const Atom &atom = query.atoms[t];
    for (size_t r = ranges[t].low; r < ranges[t].high && matches.size() <= limit; ++r) {
      OpId op = graph.op(tables[t].at(r, tables[t].width - 1));
      OpId before = none;
      if (atom.opVariable != none) {
        before = ops[atom.opVariable];
        if (before != none && before != op)
          continue;
        ops[atom.opVariable] = op;
      }
      emitOps(t + 1, atom.flagged ? flags & query.language.get(op).flags : flags, ops, rows);
      if (atom.opVariable != none)
        ops[atom.opVariable] = before;
    }
  }

  void run(unsigned depth) {
    if (matches.size() > limit)
      return;
    if (depth == query.order.size())
      return emit();
    const unsigned variable = query.order[depth];
    SmallVector<unsigned, 4> with;
    for (unsigned t = 0; t < tables.size(); ++t)
      if (is_contained(query.atoms[t].columns, variable))
        with.push_back(t);
    if (with.empty()) // of no atom: any class, which no rule means
      return;
    SmallVector<Range, 4> saved;
    for (unsigned t : with)
      saved.push_back(ranges[t]);
    SmallVector<size_t, 4> at;
    for (unsigned t : with)
      at.push_back(ranges[t].low);
    uint32_t value = 0;
    while (leap(with, at, value)) {
      for (auto [i, t] : enumerate(with)) {
        size_t end = value == none ? saved[i].high : seek(t, at[i], value + 1);
        ranges[t] = {at[i], end, saved[i].column + 1};
      }
      values[variable] = value;
      run(depth + 1);
      for (auto [i, t] : enumerate(with)) {
        at[i] = ranges[t].high;
        ranges[t] = saved[i];
      }
      if (matches.size() > limit)
        break;
    }
    for (auto [i, t] : enumerate(with))
      ranges[t] = saved[i];
  }

  /// The next value that all tables have, not below the given one.
  bool leap(ArrayRef<unsigned> with, SmallVectorImpl<size_t> &at, uint32_t &value) const {
    for (unsigned same = 0, i = 0; same < with.size(); i = (i + 1) % with.size()) {
      unsigned t = with[i];
      at[i] = seek(t, at[i], value);
      if (at[i] == ranges[t].high)
        return false;
      uint32_t found = tables[t].at(at[i], ranges[t].column);
      same = found == value ? same + 1 : 1;
      value = found;
    }
    return true;
  }
};

void Query::search(const EGraph &graph, Matches &matches, size_t limit) const {
  Join join{*this, graph, matches, limit, {}, {}, {}};
  for (const Atom &atom : atoms) {
    join.tables.push_back(tableOf(graph, atom));
    if (join.tables.back().size() == 0)
      return;
    join.ranges.push_back({0, join.tables.back().size()});
  }
  join.values.resize(count);
  join.run(0);
}

} // namespace mad::egraph
