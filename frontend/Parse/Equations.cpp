//===- Equations.cpp - Nodes of differential equations ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An `ode` becomes a function of its states, its parameters and the time, whose result is
// the derivative of each state, in their order.
//
//===----------------------------------------------------------------------===//
#include "frontend/Diag/Codes.h"
#include "frontend/Parse/Driver.h"
#include <algorithm>
#include <cctype>

using namespace mad;
using namespace mad::syntax;
using lex::Token;

static bool isNameChar(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

static size_t behindBlanks(std::string_view text, size_t at) {
  return std::min(text.find_first_not_of(" \t", at), text.size());
}

/// `der`, `linear` and `noise` are words where a statement of an ode begins with one of them and
/// `(`.
bool Driver::isDerWord() const {
  if (!inOde || lookahead.token != Token::Name ||
      (lookahead.text != "der" && lookahead.text != "linear" && lookahead.text != "noise"))
    return false;
  size_t next = behindBlanks(text, lookahead.span.end);
  return (previous.token == Token::Line || previous.token == Token::LeftBrace) &&
         next < text.size() && text[next] == '(';
}

/// `event` is a word where a statement of an ode begins with `event name:`.
bool Driver::isEventWord() const {
  if (!inOde || lookahead.token != Token::Name || lookahead.text != "event" ||
      (previous.token != Token::Line && previous.token != Token::LeftBrace))
    return false;
  size_t begin = behindBlanks(text, lookahead.span.end), end = begin;
  while (end < text.size() && isNameChar(text[end]))
    ++end;
  size_t next = behindBlanks(text, end);
  return end != begin && next < text.size() && text[next] == ':';
}

/// `solve` is a word before `name(` or `module.name(`, else a name like others.
bool Driver::isSolveWord() const {
  if (lookahead.token != Token::Name || lookahead.text != "solve" || previous.token == Token::Fn ||
      previous.token == Token::Dot)
    return false;
  size_t begin = behindBlanks(text, lookahead.span.end), end = begin;
  while (end < text.size() && (isNameChar(text[end]) || text[end] == '.'))
    ++end;
  std::string_view name = text.substr(begin, end - begin);
  if (begin == lookahead.span.end || name.empty() ||
      std::isdigit(static_cast<unsigned char>(name[0])) || name[0] == '.')
    return false;
  for (std::string_view word : {"and", "or", "max", "to", "by", "over", "while", "in", "with",
                                "from", "collect", "else", "where"})
    if (name == word)
      return false;
  size_t next = behindBlanks(text, end);
  return next < text.size() && text[next] == '(';
}

Node *Driver::odeName(std::string_view doc, Span nameSpan, std::string_view name) {
  Node *node = make(Kind::Fn, nameSpan, nameSpan, name, {}, ast::IsOde);
  node->doc = doc;
  return node;
}

Node *Driver::unknowns(Span span, Nodes states, Nodes parameters, Node *time) {
  for (Node *state : states) {
    state->flags |= ast::Unknown;
    if ((state->flags & ~ast::Unknown) || state->kids[1])
      error(code::E0134, state->span,
            "`" + std::string(state->text) + "` is a state of an ode: a name and a type")
          .help = "parameters stand behind a `;`, the time behind another one";
    for (std::string_view field : {"t", "status", "stats"})
      if (state->text == field)
        error(code::E0134, state->span,
              "no state is called `" + std::string(field) +
                  "`: the solution has a field of this name")
            .help = "`t` is its time, `status` says how it ended, `stats` counts steps";
  }
  if (time) {
    time->flags |= ast::Time;
    bool scalar = time->kids[0] && time->kids[0]->kind == Kind::TensorType &&
                  time->kids[0]->kids.empty() && !time->kids[1];
    if ((time->flags & ~ast::Time) || !scalar)
      error(code::E0134, time->span,
            "`" + std::string(time->text) + "` is the time of an ode: one number, as in `t: f64`");
    parameters.push_back(time);
  }
  for (Node *parameter : parameters)
    if (parameter->flags & ast::IsState)
      error(code::E0134, parameter->span,
            "`state` is for exported functions: the first parameters of an ode are its states");
  states.insert(states.end(), parameters.begin(), parameters.end());
  return make(Kind::Params, span, span, {}, std::move(states));
}

Node *Driver::der(Span span, Span word, Span nameSpan, std::string_view state, Node *value) {
  const std::string_view which = text.substr(word.begin, word.end - word.begin);
  const bool isLinear = which == "linear";
  const uint16_t flags = isLinear ? ast::Linear : which == "noise" ? ast::Noise : ast::None;
  Node *node = make(Kind::Der, span, nameSpan, state, {value}, flags);
  (isLinear ? linears : ders).push_back(node);
  return node;
}

/// The guard is the difference of both sides.
Node *Driver::event(Span span, Span nameSpan, std::string_view name, Nodes kids) {
  Node *node = make(Kind::Event, span, nameSpan, name, std::move(kids));
  events.push_back(node);
  auto complain = [&](const Node *at, std::string message, std::string help) {
    error(code::E0134, at->span, std::move(message)).help = std::move(help);
  };
  Node *&guard = node->kids[0];
  const Node *direction = node->kids[1], *action = node->kids[2];
  if (guard->kind == Kind::Binary && guard->text == "==")
    guard = binary(guard->span, guard->kids[0], guard->nameSpan, "-", guard->kids[1]);
  else if (guard->kind != Kind::Error) {
    complain(guard, "an event is where two numbers are equal",
             "write `event " + std::string(name) + ": x == 0.0`");
    guard = failed(guard->span);
  }
  if (direction && direction->text != "rising" && direction->text != "falling")
    complain(direction,
             "an event is `rising` or `falling`, found `" + std::string(direction->text) + "`",
             "without a word it is both");
  if (action && action->kind == Kind::Name && action->text != "stop")
    complain(action,
             "behind `=>` an event has `stop` or new states, found `" + std::string(action->text) +
                 "`",
             "write `=> stop` or `=> { u = -u }`");
  return node;
}

/// Adds what events add to the results of an ode, by their names in the body: the guards, then for
/// each event with new states all of them.
void Driver::eventValues(const Node &params, const Node &body, Nodes &values) {
  Nodes of = std::move(events);
  events.clear();
  auto complain = [&](Span at, std::string message) -> Diagnostic & {
    return error(code::E0134, at, std::move(message));
  };
  auto add = [&](const Node *event, std::string text) {
    file.strings.push_back(std::move(text));
    values.push_back(make(Kind::Name, event->span, event->nameSpan, file.strings.back()));
  };
  auto isState = [&](std::string_view name) {
    return std::any_of(params.kids.begin(), params.kids.end(),
                       [&](const Node *p) { return (p->flags & ast::Unknown) && p->text == name; });
  };
  if (!of.empty() && isState("events"))
    complain(of[0]->span, "no state is called `events` where there are events: the solution has a "
                          "field of this name");
  for (size_t i = 0; i < of.size(); ++i) {
    if (std::find(body.kids.begin(), body.kids.end(), of[i]) == body.kids.end())
      complain(of[i]->span, "an event stands in a block inside of the ode");
    for (size_t k = 0; k < i; ++k)
      if (of[k]->text == of[i]->text)
        complain(of[i]->nameSpan, "there are two events `" + std::string(of[i]->text) + "`")
            .notes.push_back({"the first one is here", of[k]->nameSpan, true});
    add(of[i], "event(" + std::string(of[i]->text) + ")");
  }
  for (const Node *event : of) {
    if (!event->kids[2] || event->kids[2]->kind != Kind::Arguments)
      continue;
    const Nodes &resets = event->kids[2]->kids;
    for (size_t i = 0; i < resets.size(); ++i) {
      if (resets[i]->kind != Kind::Named)
        continue;
      if (!isState(resets[i]->text))
        complain(resets[i]->nameSpan,
                 "`" + std::string(resets[i]->text) + "` is no state of this ode");
      for (size_t k = 0; k < i; ++k)
        if (resets[k]->text == resets[i]->text)
          complain(resets[i]->nameSpan, "`" + std::string(resets[i]->text) + "` is given twice");
    }
    for (const Node *p : params.kids)
      if (p->flags & ast::Unknown)
        add(event, "event(" + std::string(event->text) + ")." + std::string(p->text));
  }
}

/// The first `noise(u)` of each state u that has one, in the order of the states.
static Nodes noiseOf(const Node &params, const Nodes &ders) {
  Nodes found;
  for (const Node *p : params.kids)
    for (Node *d : ders)
      if ((p->flags & ast::Unknown) && (d->flags & ast::Noise) && d->text == p->text) {
        found.push_back(d);
        break;
      }
  return found;
}

/// The body with its result: the derivatives by their names in the body, `der(u)`.
Node *Driver::derivatives(const Node &params, Node *body) {
  Nodes values, of = std::move(ders);
  ders.clear();
  if (body->kind != Kind::Block || params.kind != Kind::Params) {
    events.clear();
    linears.clear();
    return body;
  }
  bool good = true;
  auto complain = [&](Span at, std::string message) -> Diagnostic & {
    good = false;
    return error(code::E0134, at, std::move(message));
  };
  auto nameOf = [](const Node *d) {
    return (d->flags & ast::Noise ? "noise(" : "der(") + std::string(d->text) + ")";
  };
  for (const Node *d : of) {
    bool known = std::any_of(params.kids.begin(), params.kids.end(), [&](const Node *p) {
      return (p->flags & ast::Unknown) && p->text == d->text;
    });
    if (!known)
      complain(d->nameSpan, "`" + std::string(d->text) + "` is no state of this ode");
    else if (std::find(body->kids.begin(), body->kids.end(), d) == body->kids.end())
      complain(d->span, "`" + nameOf(d) + "` stands in a block inside of the ode").help =
          "choose the value: `" + nameOf(d) + " = if c { a } else { b }`";
  }
  for (const Node *p : params.kids) {
    if (!(p->flags & ast::Unknown))
      continue;
    std::string name = "der(" + std::string(p->text) + ")";
    const Node *first = nullptr;
    for (const Node *d : of) {
      if (d->text != p->text || (d->flags & ast::Noise))
        continue;
      if (first)
        complain(d->span, "`" + name + "` is given twice")
            .notes.push_back({"the first one is here", first->span, true});
      first = first ? first : d;
    }
    if (!first && !hasErrors(body->span))
      complain(p->span, "the state `" + std::string(p->text) + "` has no derivative").help =
          "write `" + name + " = ...` in the body";
    file.strings.push_back(name);
    values.push_back(make(Kind::Name, first ? first->span : p->span,
                          first ? first->nameSpan : p->nameSpan, file.strings.back()));
  }
  if (body->kids.back() && body->kids.back()->kind != Kind::Error)
    complain(body->kids.back()->span, "an ode has no result but its derivatives").help =
        "write `der(u) = ...` for a state u";
  if (auto noise = noiseOf(params, of); !noise.empty() && !events.empty())
    complain(noise[0]->span, "an ode has noise or events, not both").help =
        "paths with noise cross a guard infinitely often where they cross it once";
  eventValues(params, *body, values);
  for (const Node *d : noiseOf(params, of)) {
    for (const Node *other : of)
      if (other != d && (other->flags & ast::Noise) && other->text == d->text)
        complain(other->span, "`" + nameOf(d) + "` is given twice")
            .notes.push_back({"the first one is here", d->span, true});
    file.strings.push_back(nameOf(d));
    values.push_back(make(Kind::Name, d->span, d->nameSpan, file.strings.back()));
  }
  good &= linearParts(params, *body, values);
  if (!good)
    return failed(body->span);
  Nodes lines = body->kids;
  lines.back() = paren(body->span, std::move(values), Kind::Tuple);
  return make(Kind::Block, body->span, body->nameSpan, {}, std::move(lines));
}

/// Adds the linear parts of derivatives to the results of an ode, by their names in the body.
bool Driver::linearParts(const Node &params, const Node &body, Nodes &values) {
  Nodes of = std::move(linears);
  linears.clear();
  bool good = true;
  auto complain = [&](Span at, std::string message) -> Diagnostic & {
    good = false;
    return error(code::E0134, at, std::move(message));
  };
  for (const Node *p : params.kids) {
    const Node *first = nullptr;
    for (const Node *l : of) {
      if (l->text != p->text || !(p->flags & ast::Unknown))
        continue;
      std::string name = "linear(" + std::string(p->text) + ")";
      if (first)
        complain(l->span, "`" + name + "` is given twice")
            .notes.push_back({"the first one is here", first->span, true});
      first = l;
      if (std::find(body.kids.begin(), body.kids.end(), l) == body.kids.end())
        complain(l->span, "`" + name + "` stands in a block inside of the ode");
      file.strings.push_back(name);
      values.push_back(make(Kind::Name, l->span, l->nameSpan, file.strings.back()));
    }
  }
  for (const Node *l : of)
    if (std::none_of(params.kids.begin(), params.kids.end(), [&](const Node *p) {
          return (p->flags & ast::Unknown) && p->text == l->text;
        }))
      complain(l->nameSpan, "`" + std::string(l->text) + "` is no state of this ode");
  return good;
}

Node *Driver::ode(Node *named, Span span, Nodes parts) {
  const Nodes guards = events;
  bool isInferred = !linears.empty();
  for (const Node *line : ders)
    isInferred |= (line->flags & ast::Noise) != 0;
  parts[3] = derivatives(*parts[1], parts[3]);
  // The types of the states are those of their derivatives.
  Nodes types;
  if (parts[1]->kind == Kind::Params)
    for (const Node *p : parts[1]->kids)
      if ((p->flags & ast::Unknown) && p->kids[0])
        types.push_back(p->kids[0]);
  // Guards are numbers of the element type of the states, resets are states.
  const Nodes states = types;
  for (const Node *guard : guards)
    if (!states.empty())
      types.push_back(make(Kind::TensorType, guard->span, states[0]->nameSpan, states[0]->text));
  for (const Node *guard : guards)
    if (guard->kids[2] && guard->kids[2]->kind == Kind::Arguments)
      types.insert(types.end(), states.begin(), states.end());
  // A linear part and noise may have one of several types, so all are found from the body.
  if (!types.empty() && !isInferred)
    parts[2] = paren(parts[1]->span, std::move(types), Kind::TupleType);
  return fn(named, span, std::move(parts));
}

Node *Driver::solve(Span span, Span word, Nodes kids, Span toSpan, std::string_view to) {
  if (to != "to") {
    error(code::E0120, toSpan, "found `" + std::string(to) + "`, expected `to`").help =
        "a `solve` states where it begins and ends: `from 0.0 to 1.0`";
    return failed(span);
  }
  return make(Kind::Solve, span, word, {}, std::move(kids));
}
