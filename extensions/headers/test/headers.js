// SPDX-License-Identifier: MIT
//
// headers.js - Headers by the Fetch Standard and Web IDL.

const own = Object.getOwnPropertyDescriptor;
const list = (headers) => [...headers];

// ---- the class ------------------------------------------------------------------

same(own(globalThis, "Headers"), {
  value: Headers,
  writable: true,
  enumerable: false,
  configurable: true,
});
same([Headers.name, Headers.length, typeof Headers], ["Headers", 0, "function"]);
same(own(Headers, "prototype"), {
  value: Headers.prototype,
  writable: false,
  enumerable: false,
  configurable: false,
});
same(own(Headers.prototype, "constructor"), {
  value: Headers,
  writable: true,
  enumerable: false,
  configurable: true,
});
same(own(Headers.prototype, Symbol.toStringTag), {
  value: "Headers",
  writable: false,
  enumerable: false,
  configurable: true,
});
same(String(new Headers()), "[object Headers]");
const lengths = {
  append: 2,
  delete: 1,
  get: 1,
  getSetCookie: 0,
  has: 1,
  set: 2,
  entries: 0,
  forEach: 1,
  keys: 0,
  values: 0,
};
same(Object.keys(Headers.prototype).sort(), Object.keys(lengths).sort());
for (const [name, length] of Object.entries(lengths)) {
  const { value, writable, enumerable, configurable } = own(Headers.prototype, name);
  same([value.name, value.length, writable, enumerable, configurable], [
    name,
    length,
    true,
    true,
    true,
  ]);
  check(!Object.hasOwn(value, "prototype"), `${name} is no constructor`);
  const args = ["a", "b"].slice(0, length);
  for (const wrong of [undefined, null, {}, Headers.prototype, new Map()]) {
    throws(() => value.apply(wrong, args), "TypeError", name);
  }
  if (length > 0) throws(() => new Headers()[name](...args.slice(1)), "TypeError", name);
}
check(Headers.prototype[Symbol.iterator] === Headers.prototype.entries);
same(own(Headers.prototype, Symbol.iterator).enumerable, false);
throws(() => Headers(), "TypeError");
throws(() => Headers.call(new Headers()), "TypeError");

// ---- names and values --------------------------------------------------------------

const headers = new Headers();
same(headers.get("a"), null);
same(headers.append("Content-Type", "text/plain"), undefined);
same(headers.get("content-TYPE"), "text/plain");
headers.append("content-type", " \t\r\n more \n\r\t ");
same(headers.get("Content-Type"), "text/plain, more");
headers.append("Content-Type", "");
same(headers.get("Content-Type"), "text/plain, more, ");
check(headers.has("CONTENT-type") && !headers.has("content"));
headers.set("content-Type", "one");
same(headers.get("Content-Type"), "one");
same(headers.delete("CONTENT-TYPE"), undefined);
same(headers.get("content-type"), null);
headers.delete("never");

const isToken = (code) => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/.test(String.fromCharCode(code));
for (let code = 0; code < 300; code++) {
  const c = String.fromCharCode(code);
  for (const name of [c, `a${c}`, `${c}b`]) {
    const made = new Headers();
    if (isToken(code)) {
      made.append(name, "v");
      same(list(made), [[name.toLowerCase(), "v"]]);
    } else {
      for (const use of ["append", "set"]) throws(() => made[use](name, "v"), "TypeError", name);
      for (const use of ["get", "has", "delete"]) throws(() => made[use](name), "TypeError", name);
      throws(() => new Headers([[name, "v"]]), "TypeError");
      same(list(made), []);
    }
  }
  const spaces = code === 9 || code === 10 || code === 13 || code === 32;
  const refused = code === 0 || code === 10 || code === 13 || code > 255;
  for (
    const [value, kept] of [[`a${c}b`, `a${c}b`], [c, spaces ? "" : c], [
      `x${c}`,
      `x${spaces ? "" : c}`,
    ]]
  ) { // deno-fmt-ignore-line
    const made = new Headers([["k", "old"]]);
    const wrong = refused && !(spaces && value !== `a${c}b`);
    if (wrong) {
      throws(() => made.set("k", value), "TypeError", `value with ${code}`);
      throws(() => made.append("k", value), "TypeError");
      same(made.get("k"), "old");
    } else {
      made.set("k", value);
      same(made.get("k"), kept, `value with ${code}`);
    }
  }
}
throws(() => headers.append("", "v"), "TypeError");
throws(() => headers.get(""), "TypeError");
for (const wrong of ["\u0100", "a\ud800", "\u{1f600}", "\uffff"]) {
  throws(() => headers.append("k", wrong), "TypeError");
  throws(() => headers.append(wrong, "v"), "TypeError");
}
headers.set("latin", "\u00e9\u0080\u00ff");
same(headers.get("latin"), "\u00e9\u0080\u00ff");
headers.set(undefined, undefined);
headers.set(null, null);
headers.set(5, { toString: () => "object" });
same([headers.get("undefined"), headers.get("null"), headers.get("5")], [
  "undefined",
  "null",
  "object",
]); // deno-fmt-ignore-line
throws(() => headers.set(Symbol(), ""), "TypeError");
throws(() => headers.set("k", Symbol()), "TypeError");

// Both are converted before either is looked at.
const order = [];
const tell = (name, text) => ({ toString: () => (order.push(name), text) });
throws(() => headers.append(tell("name", "a b"), tell("value", "v")), "TypeError");
throws(() => headers.append(tell("name", "\u0100"), tell("never", "v")), "TypeError");
throws(() => headers.set(tell("name", "a\0"), tell("value", "v")), "TypeError");
same(order, ["name", "value", "name", "name", "value"]);
const big = "v".repeat(100000);
headers.set("big", big);
headers.append("big", big);
same(headers.get("big").length, 200002);

// ---- order, set-cookie ---------------------------------------------------------------

const cookies = new Headers([["Set-Cookie", "a=1"], ["x", "1"], ["set-cookie", "b=2"], ["X", "2"]]);
cookies.append("SET-COOKIE", "a=1");
cookies.append("accept", "*/*");
same(list(cookies), [["accept", "*/*"], ["set-cookie", "a=1"], ["set-cookie", "b=2"], [
  "set-cookie",
  "a=1",
], ["x", "1, 2"]]); // deno-fmt-ignore-line
same(cookies.get("set-cookie"), "a=1, b=2, a=1");
same(cookies.getSetCookie(), ["a=1", "b=2", "a=1"]);
check(cookies.getSetCookie() !== cookies.getSetCookie());
same(list(new Headers(cookies)), list(cookies));
cookies.set("Set-Cookie", "only");
same(cookies.getSetCookie(), ["only"]);
cookies.delete("set-Cookie");
same([cookies.getSetCookie(), cookies.has("set-cookie")], [[], false]);
same(list(cookies), [["accept", "*/*"], ["x", "1, 2"]]);
const sorted = new Headers();
for (const name of ["b", "B1", "a", "~", "!", "z-", "z", "_", "10", "9"]) sorted.append(name, name);
same([...sorted.keys()], ["!", "10", "9", "_", "a", "b", "b1", "z", "z-", "~"]);
same([...sorted.values()], ["!", "10", "9", "_", "a", "b", "B1", "z", "z-", "~"]);

// ---- iterators ------------------------------------------------------------------------

const iterator = new Headers({ a: 1, b: 2 }).entries();
const proto = Object.getPrototypeOf(iterator);
same(Object.prototype.toString.call(iterator), "[object Headers Iterator]");
const above = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
check(Object.getPrototypeOf(proto) === above);
check(iterator[Symbol.iterator]() === iterator);
same(Reflect.ownKeys(proto).map(String).sort(), ["Symbol(Symbol.toStringTag)", "next"]);
const { value: next, ...flags } = own(proto, "next");
same([next.name, next.length, flags], ["next", 0, {
  writable: true,
  enumerable: true,
  configurable: true,
}]); // deno-fmt-ignore-line
same(iterator.next(), { value: ["a", "1"], done: false });
same(iterator.next(), { value: ["b", "2"], done: false });
same(iterator.next(), { value: undefined, done: true });
same(iterator.next(), { value: undefined, done: true });
for (const wrong of [undefined, {}, new Headers(), [].values()]) {
  throws(() => next.call(wrong), "TypeError");
}
// An iterator is a position in the list as it is now.
const live = new Headers({ b: 1, d: 2 });
const seen = [];
for (const [name] of live) {
  seen.push(name);
  if (name === "b") live.append("c", "late");
  if (name === "d") live.append("a", "before");
  if (seen.length > 9) break;
}
same(seen, ["b", "c", "d", "d"]);
const walked = [];
const walking = new Headers({ a: 1, b: 2, c: 3 });
walking.forEach(function (value, name, object) {
  walked.push([value, name, object === walking, this.tag]);
  if (name === "a") walking.delete("b");
  if (name === "c") walking.append("d", 4);
}, { tag: "t" });
same(walked, [["1", "a", true, "t"], ["3", "c", true, "t"], ["4", "d", true, "t"]]);
same(walking.forEach(() => 5), undefined);
throws(() => walking.forEach({}), "TypeError");
throws(() =>
  walking.forEach(() => {
    throw new RangeError();
  }), "RangeError");
const ended = new Headers({ a: 1 }).keys();
ended.next();
same(ended.next().done, true);

// ---- subclasses ------------------------------------------------------------------------

class Special extends Headers {
  get(name) {
    return `special ${super.get(name)}`;
  }
}
const special = new Special({ a: 1 });
check(special instanceof Special && special instanceof Headers);
same(special.get("a"), "special 1");
same(list(special), [["a", "1"]]);
const odd = Reflect.construct(Headers, [], Object.assign(function () {}, { prototype: 5 }));
check(Object.getPrototypeOf(odd) === Headers.prototype);
