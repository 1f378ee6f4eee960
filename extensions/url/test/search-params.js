// SPDX-License-Identifier: MIT
//
// search-params.js - class URLSearchParams, alone and as part of a URL.

const P = URLSearchParams;
const text = (init) => new P(init).toString();

// Shape.
{
  same([P.length, P.name], [0, "URLSearchParams"]);
  same(Object.keys(P.prototype).sort(), [
    "append",
    "delete",
    "entries",
    "forEach",
    "get",
    "getAll",
    "has",
    "keys",
    "set",
    "size",
    "sort",
    "toString",
    "values",
  ]);
  check(P.prototype[Symbol.iterator] === P.prototype.entries);
  same(Object.getOwnPropertyDescriptor(P.prototype, Symbol.iterator).enumerable, false);
  const lengths = ["append", "delete", "get", "getAll", "has", "set", "sort", "forEach", "keys"];
  same(lengths.map((name) => P.prototype[name].length), [2, 1, 1, 1, 1, 2, 0, 1, 0]);
  same(Object.prototype.toString.call(new P()), "[object URLSearchParams]");
}

// What the constructor takes.
{
  same(text(), "");
  same(text(undefined), "");
  same(text(null), "null=");
  same(text("?a=1&b=%20&c=+&&d"), "a=1&b=+&c=+&d=");
  same(text(12), "12=");
  same(text({ a: 1, b: undefined }), "a=1&b=undefined");
  same(text([["a", 1], ["b", "2"], ["a", 3]]), "a=1&b=2&a=3");
  same(text(new Map([["x", "y"]])), "x=y");
  same(text(new P("q=1")), "q=1");
  same(text([new Set(["k", "v"])]), "k=v");
  same(text([new String("kv")]), "k=v");
  same(text(Object.create({ inherited: 1 }, { hidden: { value: 2 } })), "");
  same(text({ a: "\ud800", "\udc00": 1 }), "a=%EF%BF%BD&%EF%BF%BD=1");
  same(text({ "\ud800": 1, x: 2, "\udc00": 3 }), "%EF%BF%BD=3&x=2");
  same(text(Object.defineProperty({ a: 1 }, Symbol.iterator, { value: null })), "a=1");
  same(text(function () {}), "");
  throws(() => new P([["a"]]), "TypeError");
  throws(() => new P([["a", "b", "c"]]), "TypeError");
  throws(() => new P(["ab"]), "TypeError", "a string is no pair");
  throws(() => new P([1]), "TypeError");
  throws(() => new P([null]), "TypeError");
  throws(() => new P([{}]), "TypeError");
  throws(() => new P({ [Symbol.iterator]: 1 }), "TypeError");
  throws(() =>
    new P({
      [Symbol.iterator]() {
        return 1;
      },
    }), "TypeError");
  throws(() => new P({ [Symbol()]: 1 }), "TypeError", "a symbol is no name");
  throws(() => new P(Symbol()), "TypeError");
  throws(() => P(), "TypeError");
  const failing = {
    get a() {
      throw new RangeError("no");
    },
  };
  throws(() => new P(failing), "RangeError");
  const order = [];
  const watched = new Proxy({ b: 1, a: 2 }, {
    ownKeys: (target) => (order.push("keys"), Reflect.ownKeys(target)),
    getOwnPropertyDescriptor: (
      target,
      key,
    ) => (order.push(`own ${key}`), Reflect.getOwnPropertyDescriptor(target, key)),
    get: (target, key) => (order.push(`get ${String(key)}`), target[key]),
  });
  same(text(watched), "b=1&a=2");
  same(order, ["get Symbol(Symbol.iterator)", "keys", "own b", "get b", "own a", "get a"]);
}

// Reading and changing.
{
  const p = new P("a=1&b=2&a=3");
  same([p.get("a"), p.get("z"), p.getAll("a"), p.getAll("z")], ["1", null, ["1", "3"], []]);
  same([p.has("a"), p.has("z"), p.has("a", "3"), p.has("a", 2), p.has("a", undefined)], [
    true,
    false,
    true,
    false,
    true,
  ]);
  same(p.size, 3);
  p.append("c", "é&=+ ");
  same(p.toString(), "a=1&b=2&a=3&c=%C3%A9%26%3D%2B+");
  p.set("a", "x");
  same(p.toString(), "a=x&b=2&c=%C3%A9%26%3D%2B+");
  p.set("new", "");
  p.append("b", "3");
  p.delete("b", "2");
  same(p.toString(), "a=x&c=%C3%A9%26%3D%2B+&new=&b=3");
  p.delete("c");
  p.delete("new", undefined);
  same(p.toString(), "a=x&b=3");
  same(text("*-._~!'()"), "*-._%7E%21%27%28%29=");
  for (const name of ["append", "set"]) {
    throws(() => p[name](), "TypeError");
    throws(() => p[name]("x"), "TypeError");
  }
  for (const name of ["get", "getAll", "has", "delete", "forEach"]) {
    throws(() => p[name](), "TypeError");
    throws(() => p[name].call({}, "x"), "TypeError");
  }
}

// Order is that of UTF-16, and stays among equals.
{
  const p = new P("z=b&a=b&z=a&a=a");
  p.sort();
  same(p.toString(), "a=b&a=a&z=b&z=a");
  const q = new P([["\ufffd", "1"], ["\u{1f308}", "2"], ["é", "3"], ["e\ufffd", "4"]]);
  q.sort();
  same([...q.values()], ["4", "3", "2", "1"]);
}

// Iterating.
{
  const p = new P("a=1&b=2&c=3");
  same([...p], [["a", "1"], ["b", "2"], ["c", "3"]]);
  same([[...p.keys()], [...p.values()]], [["a", "b", "c"], ["1", "2", "3"]]);
  const iterator = p.entries();
  check(iterator[Symbol.iterator]() === iterator);
  same(Object.prototype.toString.call(iterator), "[object URLSearchParams Iterator]");
  const proto = Object.getPrototypeOf(iterator);
  same(Object.getPrototypeOf(proto), Object.getPrototypeOf(Object.getPrototypeOf([].values())));
  same(Object.getOwnPropertyDescriptor(proto, "next").enumerable, true);
  throws(() => proto.next.call({}), "TypeError");
  same(iterator.next(), { value: ["a", "1"], done: false });
  p.delete("b");
  same(iterator.next(), { value: ["c", "3"], done: false });
  same(iterator.next(), { value: undefined, done: true });
  p.append("d", "4");
  same(iterator.next().done, true);
  const seen = [];
  const self = {};
  p.forEach(function (value, key, all) {
    seen.push([value, key, all === p, this === self]);
    if (seen.length === 1) p.delete("a");
  }, self);
  same(seen, [["1", "a", true, true], ["4", "d", true, true]]);
  throws(() => p.forEach(1), "TypeError");
  throws(() =>
    p.forEach(() => {
      throw new RangeError("stop");
    }), "RangeError");
}

// With a URL, both ways.
{
  const url = new URL("http://a/?x=1#h");
  const p = url.searchParams;
  check(url.searchParams === p);
  p.append("y", "é");
  same(url.href, "http://a/?x=1&y=%C3%A9#h");
  url.search = "?new=2";
  same([...p], [["new", "2"]]);
  p.delete("new");
  same([url.href, url.search], ["http://a/#h", ""]);
  url.href = "http://b/?c=3";
  same(p.get("c"), "3");
  throws(() => url.href = "bad", "TypeError");
  same(p.get("c"), "3");
  p.set("c", "'");
  same(url.search, "?c=%27");
  p.sort();
  same(url.search, "?c=%27");
  url.hash = "k";
  same([...p], [["c", "'"]]);
  const other = new P(p);
  other.append("z", "1");
  same(url.search, "?c=%27", "a copy is apart");
  same(new URL("http://a/?b=~").href, "http://a/?b=~");
  const opaque = new URL("data:space    ?x");
  opaque.searchParams.delete("x");
  check(!opaque.href.includes("?"));
}

// Parameters outlive their URL; and many of them.
{
  const p = (() => new URL("http://a/?x=1").searchParams)();
  for (let i = 0; i < 1000; i++) p.append("k" + i, i);
  same([p.size, p.get("k999")], [1001, "999"]);
  same(new P(Array.from({ length: 5000 }, (_, i) => [i, i])).size, 5000);
  same(new P("a&".repeat(20000)).size, 20000);
}
