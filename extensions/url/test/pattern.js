// SPDX-License-Identifier: MIT
//
// pattern.js - class URLPattern: shape, arguments, results, errors. What it
// matches is tested by the public suite's data (suite/suite.mjs).

// Shape.
{
  same([URLPattern.length, URLPattern.name], [0, "URLPattern"]);
  same(Object.keys(URLPattern.prototype).sort(), [
    "exec",
    "hasRegExpGroups",
    "hash",
    "hostname",
    "password",
    "pathname",
    "port",
    "protocol",
    "search",
    "test",
    "username",
  ]);
  same(Object.prototype.toString.call(new URLPattern()), "[object URLPattern]");
  throws(() => URLPattern(), "TypeError");
  throws(() => URLPattern.prototype.hash, "TypeError");
  throws(() => URLPattern.prototype.test.call({}, "x"), "TypeError");
}

// Arguments.
{
  const any = new URLPattern();
  same([any.protocol, any.pathname, any.hasRegExpGroups], ["*", "*", false]);
  check(any.test("http://a/b") && any.test());
  same(new URLPattern(undefined).hash, "*");
  same(new URLPattern(null).hash, "*");
  same(new URLPattern("/x", "https://a.b").hostname, "a.b");
  same(new URLPattern({ pathname: "/x", baseURL: "https://a.b" }).hostname, "a.b");
  same(new URLPattern("/x", "https://a.b", { ignoreCase: true }).test("https://a.b/X"), true);
  same(new URLPattern({ pathname: "/x" }, { ignoreCase: true }).test({ pathname: "/X" }), true);
  same(new URLPattern({ pathname: "/x" }).test({ pathname: "/X" }), false);
  same(new URLPattern({ pathname: "/x" }, undefined).pathname, "/x");
  throws(() => new URLPattern("/x"), "TypeError", "it has no base");
  throws(() => new URLPattern({}, "https://a"), "TypeError");
  throws(() => new URLPattern("/x", "no base"), "TypeError");
  throws(() => new URLPattern("https://a/(("), "TypeError");
  throws(() => new URLPattern({ pathname: "/:a/:a" }), "TypeError");
  throws(() => new URLPattern({ pathname: "/([a--b)" }), "TypeError");
  throws(() => new URLPattern(Symbol()), "TypeError");
  throws(() => new URLPattern("/x", "https://a", 1), "TypeError");
  const failing = {
    get hash() {
      throw new RangeError("no");
    },
  };
  throws(() => new URLPattern(failing), "RangeError");
  throws(() => any.test({}, "https://a"), "TypeError");
  const order = [];
  new URLPattern(new Proxy({}, { get: (_, key) => void order.push(key) }));
  same(order, [
    "baseURL",
    "hash",
    "hostname",
    "password",
    "pathname",
    "port",
    "protocol",
    "search",
    "username",
  ]);
}

// Results.
{
  const pattern = new URLPattern("https://:sub.example.com/books/:id(\\d+)/:rest*");
  same(pattern.hasRegExpGroups, true);
  const result = pattern.exec("https://shop.example.com/books/12/a/b?q#h");
  same(Object.keys(result), [
    "hash",
    "hostname",
    "inputs",
    "password",
    "pathname",
    "port",
    "protocol",
    "search",
    "username",
  ]);
  same(result.inputs, ["https://shop.example.com/books/12/a/b?q#h"]);
  same(result.hostname, { groups: { sub: "shop" }, input: "shop.example.com" });
  same(result.pathname, { groups: { id: "12", rest: "a/b" }, input: "/books/12/a/b" });
  same(result.search, { groups: { 0: "q" }, input: "q" });
  same(pattern.exec("https://shop.example.com/books/x"), null);
  same(pattern.test("not an address"), false);
  same(pattern.exec("books/3/x", "https://x.example.com").inputs, [
    "books/3/x",
    "https://x.example.com",
  ]);
  const init = { pathname: "/a" };
  const optional = new URLPattern({ pathname: "/a{/:b}?" }).exec(init);
  same(optional.inputs, [{ pathname: "/a" }]);
  check(optional.inputs[0] !== init);
  check("b" in optional.pathname.groups && optional.pathname.groups.b === undefined);
  same(new URLPattern({ pathname: "/:__proto__" }).exec(init).pathname.groups.__proto__, "a");
  same(new URLPattern({ pathname: "/:größe" }).exec({ pathname: "/x" }).pathname.groups, {
    größe: "x",
  });
}

// Regular expressions with what only classes forbid, and with classes.
{
  const match = (pathname, input) => new URLPattern({ pathname }).test({ pathname: input });
  check(match("/(a-b::c&&d)", "/a-b::c&&d"));
  check(match("/((?:x/y)+)", "/x/yx/y"));
  check(match("/((?i-s:ab))", "/AB"));
  check(match("/([[a-z]&&[x-z]])", "/y") && !match("/([[a-z]&&[x-z]])", "/a"));
  check(!match("/(a-b)", "/ab"));
}

// A program may replace what it likes.
{
  const { exec } = RegExp.prototype;
  RegExp.prototype.exec = () => ({ length: 1e9 });
  RegExp.prototype[Symbol.match] = null;
  check(new URLPattern({ pathname: "/(x+)" }).test({ pathname: "/xx" }));
  check(!new URLPattern({ pathname: "/(x+)" }).test({ pathname: "/y" }));
  RegExp.prototype.exec = exec;
}

// Subclasses.
{
  class Route extends URLPattern {}
  check(new Route({ hash: "x" }) instanceof Route);
  same(new Route({ hash: "x" }).hash, "x");
}
