//===- Lexer.re - The tokens of the language, for re2c ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "frontend/Diag/Codes.h"
#include "frontend/Lex/Lexer.h"

using namespace mad;
using namespace mad::lex;

Token Lexer::scan() {
  const char *YYMARKER, *YYCTXMARKER;
  for (;;) {
    start = cursor;
    /*!re2c
      re2c:define:YYCTYPE = "unsigned char";
      re2c:define:YYCURSOR = cursor;
      re2c:define:YYLIMIT = limit;
      re2c:yyfill:enable = 0;
      re2c:eof = 0;
      re2c:indent:string = "  ";

      digits = [0-9] ("_"? [0-9])*;
      // `1..2` is a range and `a[1.]` no number: a fraction needs a digit behind the point.
      number = digits ("." digits)? ([eE] [+-]? digits)?;
      name   = [a-zA-Z_] [a-zA-Z0-9_]*;

      *          {
        unknownCharacter();
        return Token::Invalid;
      }
      [^\x00-\x7f]+ {
        std::string text(start, cursor);
        diagnostics.error(code::E0104, span(),
                          "`" + text +
                              "` stands outside strings and comments, where only ASCII is allowed");
        return Token::Invalid;
      }
      $          { return Token::End; }
      [ \t\r]+   { continue; }
      "\n"       { newLine = true; continue; }
      "//" [^\n]* { comment(); continue; }

      "use"      { return Token::Use; }
      "dim"      { return Token::Dim; }
      "const"    { return Token::Const; }
      "weight"   { return Token::Weight; }
      "from"     { return Token::From; }
      "transposed" { return Token::Transposed; }
      "as"       { return Token::As; }
      "record"   { return Token::Record; }
      "fn"       { return Token::Fn; }
      "export"   { return Token::Export; }
      "test"     { return Token::Test; }
      "let"      { return Token::Let; }
      "if"       { return Token::If; }
      "else"     { return Token::Else; }
      "true"     { return Token::True; }
      "false"    { return Token::False; }
      "and"      { return Token::And; }
      "or"       { return Token::Or; }
      "not"      { return Token::Not; }
      "with"     { return Token::With; }
      "over"     { return Token::Over; }
      "scan"     { return Token::Scan; }
      "collect"  { return Token::Collect; }
      "iterate"  { return Token::Iterate; }
      "while"    { return Token::While; }
      "for"      { return Token::For; }
      "in"       { return Token::In; }
      "by"       { return Token::By; }
      "where"    { return Token::Where; }
      "assert"   { return Token::Assert; }

      // Only before `[`, so that `max(a, b)` is a call and `all = [a, b]` names an argument.
      reduction  = "sum" | "prod" | "max" | "min" | "argmax" | "all" | "any";
      reduction / [ \t]* "[" { return Token::Reduction; }
      name       { return Token::Name; }
      number     { return number(); }
      number name { return malformedNumber(); }
      digits "." name { return malformedNumber(); }
      digits "." / [^.] { return malformedNumber(); }
      ["] ([^"\\\n] | "\\" [^\n])* ["] { return string(); }
      ["]        { return unfinishedString(); }

      "->"  { return Token::Arrow; }
      "=>"  { return Token::Becomes; }
      "<->" { return Token::BothWays; }
      "<=>" { return Token::Exchange; }
      "..." { return Token::Ellipsis; }
      ".."  { return Token::DotDot; }
      "."   { return Token::Dot; }
      "=="  { return Token::Equal; }
      "!="  { return Token::NotEqual; }
      "<="  { return Token::LessEqual; }
      ">="  { return Token::GreaterEqual; }
      "<"   { return Token::Less; }
      ">"   { return Token::Greater; }
      "="   { return Token::Assign; }
      "+"   { return Token::Plus; }
      "-"   { return Token::Minus; }
      "*"   { return Token::Star; }
      "/"   { return Token::Slash; }
      "%"   { return Token::Percent; }
      "@"   { return Token::At; }
      "^"   { return Token::Caret; }
      "("   { return Token::LeftParen; }
      ")"   { return Token::RightParen; }
      "["   { return Token::LeftBracket; }
      "]"   { return Token::RightBracket; }
      "{"   { return Token::LeftBrace; }
      "}"   { return Token::RightBrace; }
      ","   { return Token::Comma; }
      ":"   { return Token::Colon; }
      ";"   { return Token::Line; }
    */
  }
}
