// SPDX-License-Identifier: MIT
//
// url.js - class URL: its shape, its conversions, its errors. What it makes of
// addresses is tested by the public suite's data (suite/suite.mjs).

const parts = "href protocol username password host hostname port pathname search hash".split(" ");
const full = "https://me:pw@example.com:8080/a/b?q=1#top";

// Shape.
{
  check(typeof URL === "function"); // where it loads when it is first touched, it does now
  const global = Object.getOwnPropertyDescriptor(globalThis, "URL");
  same([global.writable, global.enumerable, global.configurable], [true, false, true], "global");
  same(Object.getOwnPropertyDescriptor(URL, "prototype").writable, false, "prototype");
  same([URL.length, URL.name], [1, "URL"]);
  same(
    Object.keys(URL.prototype).sort(),
    [
      ...parts,
      "origin",
      "searchParams",
      "toString",
      "toJSON",
    ].sort(),
  );
  same(Object.keys(URL).sort(), ["canParse", "parse"]);
  for (const name of [...parts, "origin", "searchParams"]) {
    const property = Object.getOwnPropertyDescriptor(URL.prototype, name);
    check(property.enumerable && property.configurable, name);
    same(property.get.name, `get ${name}`);
    same(property.set?.name, parts.includes(name) ? `set ${name}` : undefined);
  }
  const tag = Object.getOwnPropertyDescriptor(URL.prototype, Symbol.toStringTag);
  same({ ...tag }, { value: "URL", writable: false, enumerable: false, configurable: true });
  same(String(Object.prototype.toString.call(new URL(full))), "[object URL]");
  same(Object.getOwnPropertyNames(new URL(full)), []);
}

// Parts, and all ways to the whole.
{
  const url = new URL(full);
  same(parts.map((part) => url[part]), [
    full,
    "https:",
    "me",
    "pw",
    "example.com:8080",
    "example.com",
    "8080",
    "/a/b",
    "?q=1",
    "#top",
  ]);
  same(url.origin, "https://example.com:8080");
  same([url.toString(), url.toJSON(), `${url}`, JSON.stringify([url])], [
    full,
    full,
    full,
    JSON.stringify([full]),
  ]);
  same(new URL("../c?d", url).href, "https://me:pw@example.com:8080/c?d");
  same(new URL("//other/x", "http://base").href, "http://other/x");
  same(new URL(url).href, full, "an object is made a string");
  same(new URL("http://a", undefined).href, "http://a/");
}

// Setters.
{
  const url = new URL("http://example.com");
  url.protocol = "https";
  url.username = "ü";
  url.port = 81;
  url.pathname = "a b";
  url.search = "x=ä";
  url.hash = "#é";
  same(url.href, "https://%C3%BC@example.com:81/a%20b?x=%C3%A4#%C3%A9");
  url.port = "bad";
  url.host = "";
  same(url.host, "example.com:81");
  url.href = "data:text/plain,hi";
  same([url.origin, url.pathname, url.port], ["null", "text/plain,hi", ""]);
  const before = url.href;
  throws(() => url.href = "nothing", "TypeError");
  same(url.href, before);
  throws(() => {
    "use strict";
    url.origin = "x";
  }, "TypeError");
}

// Errors.
{
  check(throws(() => new URL("nope"), "TypeError").message.includes("'nope'"));
  check(throws(() => new URL("x", "y"), "TypeError").message.includes("'y'"));
  throws(() => new URL(), "TypeError");
  throws(() => URL("http://a"), "TypeError");
  throws(() => new URL(Symbol()), "TypeError");
  throws(() => new URL({ toString: null, valueOf: null }), "TypeError");
  throws(() => URL.prototype.href, "TypeError");
  throws(() => URL.prototype.toString.call({}), "TypeError");
  throws(
    () => Object.getOwnPropertyDescriptor(URL.prototype, "hash").set.call({}, "x"),
    "TypeError",
  );
  throws(() => URL.canParse(), "TypeError");
  throws(() => URL.parse(), "TypeError");
  const long = "ä".repeat(5000);
  check(throws(() => new URL(long), "TypeError").message.length < 200);
  const own = new Error("mine");
  try {
    new URL({
      toString() {
        throw own;
      },
    });
    check(false);
  } catch (error) {
    check(error === own, "what a conversion throws comes through");
  }
}

// canParse and parse.
{
  same([URL.canParse("http://a"), URL.canParse("a"), URL.canParse("a", "http://b")], [
    true,
    false,
    true,
  ]);
  same(URL.canParse("a", undefined), false);
  same([URL.parse("a"), URL.parse("a", "b"), URL.parse("a", "http://b").href], [
    null,
    null,
    "http://b/a",
  ]);
  same(Object.getPrototypeOf(URL.parse.call(class extends URL {}, "http://a")), URL.prototype);
}

// Strings that are not well-formed.
{
  same(new URL("http://a/\ud800x").href, "http://a/%EF%BF%BDx");
  same(new URL("http://a/\udc00\ud83d\ude00").pathname, "/%EF%BF%BD%F0%9F%98%80");
  same(new URL("http://a/?\ud800").searchParams.toString(), "%EF%BF%BD=");
  same(new URL("http://a/\0b").href, "http://a/%00b");
}

// Subclasses, and prototypes of all kinds.
{
  class Mine extends URL {
    get twice() {
      return this.href + this.href;
    }
  }
  const mine = new Mine("http://a");
  check(mine instanceof Mine && mine instanceof URL);
  same(mine.twice, "http://a/http://a/");
  const odd = function () {};
  odd.prototype = 1;
  same(Object.getPrototypeOf(Reflect.construct(URL, ["http://a"], odd)), URL.prototype);
  const failing = new Proxy(odd, {
    get() {
      throw new RangeError("no");
    },
  });
  throws(() => Reflect.construct(URL, ["http://a"], failing), "RangeError");
}

// Names of hosts.
{
  same(new URL("http://Bücher.Example/").host, "xn--bcher-kva.example");
  same(new URL("http://faß.de").host, "xn--fa-hia.de");
  same(new URL("http://%C3%BC.de").host, "xn--tda.de");
  throws(() => new URL("http://a b/"), "TypeError");
  same(new URL("http://0x7f.1/").host, "127.0.0.1");
  same(new URL("http://[::1:0]/").host, "[::1:0]");
}

// Long ones.
{
  const path = "/" + "a".repeat(100000);
  same(new URL("http://h" + path).pathname.length, path.length);
  same(new URL("http://h/?" + "ä".repeat(30000)).search.length, 1 + 6 * 30000);
}
