/* SPDX-License-Identifier: MIT */
/* ext-json.js - JSON as people write it.
 *
 *   $.parseExtJson(text)   JSON, and besides: comments, names without quotes,
 *                          strings in single quotes, commas at the end, numbers
 *                          with a sign or a leading point, hexadecimal, octal
 *                          and binary ones, NaN and Infinity */
(function ($) {
  "use strict";

  const { uncurry } = $;
  const { Number, String, SyntaxError } = $.global;
  const { parseInt } = Number;
  const charCode = uncurry(String.prototype.charCodeAt);
  const slice = uncurry(String.prototype.slice);
  const indexOf = uncurry(String.prototype.indexOf);
  const fromCode = String.fromCharCode;
  const { isNaN } = Number;

  /* Deepest nesting. */
  const DEPTH = 200;

  const escapes = { __proto__: null, b: "\b", f: "\f", n: "\n", r: "\r",
    t: "\t", v: "\v", 0: "\0" };
  const words = { __proto__: null, true: true, false: false, null: null,
    NaN: NaN, Infinity: Infinity };

  const isName = (c) =>
    (c >= "a" && c <= "z") || (c >= "A" && c <= "Z") || c === "_" ||
    c === "$" || (c >= "0" && c <= "9");

  const isSpace = (c) =>
    c === " " || c === "\t" || c === "\n" || c === "\r" || c === "\f" ||
    c === "\v" || c === "\u00a0" || c === "\ufeff";

  const parse = (given) => {
    const text = "" + given;
    let at = 0;
    let depth = 0;

    const fail = (what) => {
      let line = 1;
      let from = 0;
      for (;;) {
        const end = indexOf(text, "\n", from);
        if (end < 0 || end >= at) break;
        line++;
        from = end + 1;
      }
      return new SyntaxError(what + " in line " + line + ", column " +
        (at - from + 1));
    };

    const skipComment = () => {
      const end = text[at + 1] === "/" ? "\n" : "*/";
      if (end === "*/" && text[at + 1] !== "*") throw fail("unexpected '/'");
      const found = indexOf(text, end, at + 2);
      if (found < 0 && end === "*/") throw fail("a comment does not end");
      at = found < 0 ? text.length : found + end.length;
    };

    const skip = () => {
      while (at < text.length) {
        if (isSpace(text[at])) at++;
        else if (text[at] === "/") skipComment();
        else return;
      }
    };

    const hex = (size) => {
      const digits = slice(text, at, at + size);
      const code = parseInt(digits, 16);
      for (let i = 0; i < size; i++)
        if (isNaN(parseInt(digits[i], 16)))
          throw fail("expected " + size + " hexadecimal digits");
      at += size;
      return fromCode(code);
    };

    const escape = () => {
      const c = text[at++];
      if (c === "u") return hex(4);
      if (c === "x") return hex(2);
      if (c === "\n") return "";
      if (c === undefined) throw fail("a string does not end");
      return escapes[c] === undefined ? c : escapes[c];
    };

    const string = () => {
      const quote = text[at++];
      let out = "";
      let from = at;
      for (;;) {
        const c = text[at];
        if (c === undefined || c === "\n") throw fail("a string does not end");
        if (c === quote) break;
        if (c === "\\") {
          out += slice(text, from, at++);
          out += escape();
          from = at;
          continue;
        }
        if (charCode(c, 0) < 32 && c !== "\t")
          throw fail("a control character in a string");
        at++;
      }
      out += slice(text, from, at++);
      return out;
    };

    const word = () => {
      const from = at;
      while (at < text.length && isName(text[at])) at++;
      return slice(text, from, at);
    };

    const number = () => {
      const from = at;
      const sign = text[at] === "-" ? -1 : 1;
      if (text[at] === "-" || text[at] === "+") at++;
      const start = at;
      while (at < text.length &&
        (isName(text[at]) || text[at] === "." ||
          ((text[at] === "+" || text[at] === "-") &&
            (text[at - 1] === "e" || text[at - 1] === "E"))))
        at++;
      const digits = slice(text, start, at);
      const value = digits === "NaN" ? NaN : Number(digits);
      if (digits === "" || (isNaN(value) && digits !== "NaN")) {
        at = from;
        throw fail("expected a value");
      }
      return sign * value;
    };

    const enter = () => {
      if (++depth > DEPTH) throw fail("more than 200 levels");
      at++;
      skip();
    };

    /* Behind an item: whether the end is there. */
    const isEnd = (close) => {
      skip();
      if (text[at] === ",") {
        at++;
        skip();
      } else if (text[at] !== close) {
        throw fail("expected ',' or '" + close + "'");
      }
      return text[at] === close;
    };

    const array = () => {
      const out = [];
      enter();
      let end = text[at] === "]";
      while (!end) {
        $.push(out, value());
        end = isEnd("]");
      }
      at++;
      depth--;
      return out;
    };

    const key = () => {
      if (text[at] === '"' || text[at] === "'") return string();
      const name = word();
      if (name === "" || (name[0] >= "0" && name[0] <= "9"))
        throw fail("expected the name of a property");
      return name;
    };

    const object = () => {
      const out = {};
      enter();
      let end = text[at] === "}";
      while (!end) {
        const name = key();
        skip();
        if (text[at] !== ":") throw fail("expected ':'");
        at++;
        define(out, name, value());
        end = isEnd("}");
      }
      at++;
      depth--;
      return out;
    };

    const value = () => {
      skip();
      const c = text[at];
      if (c === "{") return object();
      if (c === "[") return array();
      if (c === '"' || c === "'") return string();
      const from = at;
      const name = word();
      if (name !== "" && words[name] !== undefined) return words[name];
      at = from;
      if (c === undefined) throw fail("the text ends");
      return number();
    };

    const result = value();
    skip();
    if (at < text.length) throw fail("unexpected text");
    return result;
  };

  const { defineProperty } = $.global.Object;
  const define = (object, name, value) =>
    defineProperty(object, name, { __proto__: null, value, writable: true,
      enumerable: true, configurable: true });

  $.parseExtJson = parse;
})
