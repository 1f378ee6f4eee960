// SPDX-License-Identifier: MIT
// hosts: node deno bun
//
// data-objects.test.mjs - objects of the host as CBOR: classes of all kinds,
// what is refused and where, and objects that do what they can to disturb.

import { assert, test } from "./support/test.mjs";
import { Guest, inner } from "./support/guest.mjs";

const { readCbor } = await inner("data/cbor-read.js");
const { writeCbor } = await inner("data/cbor-write.js");
const { FormatError, LimitError, UnsupportedError, WrongTypeError } = await inner("errors.js");

const guest = new Guest();

/** Writes it, lets the guest read and write that, and reads it again. */
function roundTrip(value) {
  const bytes = writeCbor(value);
  assert.deepEqual(guest.scope(() => guest.encode(guest.decode(bytes))), bytes);
  return readCbor(bytes);
}

function thrown(run) {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

function refuses(value, message, kind = WrongTypeError) {
  const error = thrown(() => writeCbor(value));
  assert(error instanceof kind, `${error.name}: ${error.message}`);
  assert.match(error.message, message);
}

// ---- classes of the language ----------------------------------------------------

test("dates, patterns, boxed primitives, symbols", () => {
  for (const ms of [0, 1, -1, 1500, -1500, 0.5, 8.64e15, -8.64e15, NaN, 1732900000123]) {
    assert.equal(roundTrip(new Date(ms)).getTime(), new Date(ms).getTime());
  }
  for (const pattern of [/a/, /[\]/]\/x/gi, /\u{1f600}/u, /(?:)/, /a\nb/dgimsuy, /[a--b]/v]) {
    const back = roundTrip(pattern);
    assert.equal(`${back}`, `${pattern}`);
    assert.equal(back.lastIndex, 0);
  }
  for (const value of [1, -0, NaN, "x\ud800", true, false, 5n]) {
    const back = roundTrip(Object(value));
    assert.equal(typeof back, "object");
    assert.equal(back.valueOf(), value);
  }
  assert.equal(roundTrip(Symbol.for("a key")), Symbol.for("a key"));
  assert.equal(roundTrip(Symbol.for("\udc00")), Symbol.for("\udc00"));
});

test("Map and Set, of anything, with themselves in them", () => {
  const map = new Map([[1, "one"], ["1", { a: 1 }], [NaN, new Set([0, -0, NaN])]]);
  map.set(map, [map]).set({}, undefined);
  const back = roundTrip(map);
  assert.equal(back.get(NaN).has(0), true);
  assert.equal(back.get(back)[0], back);
  assert.deepEqual([...back.keys()].map((key) => typeof key), [
    "number",
    "string",
    "number",
    "object",
    "object",
  ]);
});

test("views keep their kind, place and buffer", () => {
  const buffer = new ArrayBuffer(32);
  new Uint8Array(buffer).forEach((_, i, all) => all[i] = i);
  const kinds = [Uint8Array, Uint8ClampedArray, Uint16Array, Uint32Array, BigUint64Array];
  kinds.push(Int8Array, Int16Array, Int32Array, BigInt64Array, Float32Array, Float64Array);
  if (typeof Float16Array !== "undefined") kinds.push(Float16Array);
  const views = kinds.flatMap((kind) => [new kind(buffer), new kind(buffer, 8, 2), new kind(2)]);
  views.push(new DataView(buffer, 3, 5), new DataView(buffer));
  const back = roundTrip({ views, buffer });
  views.forEach((view, i) => {
    assert.equal(
      Object.prototype.toString.call(back.views[i]),
      `${Object.prototype.toString.call(view)}`,
    );
    assert.equal(back.views[i].byteOffset, view.byteOffset);
    assert.equal(back.views[i].byteLength, view.byteLength);
    assert.equal(back.views[i].buffer === back.buffer, view.buffer === buffer);
  });
  assert.deepEqual([...new Uint8Array(back.buffer)], [...new Uint8Array(buffer)]);
});

test("memory that is shared, gone or another's", () => {
  if (typeof SharedArrayBuffer !== "undefined") {
    const shared = new Uint8Array(new SharedArrayBuffer(4), 1, 2);
    assert.equal(roundTrip(shared).buffer.byteLength, 2);
    refuses({ a: shared.buffer }, /^value\.a is a SharedArrayBuffer/);
  }
  const view = new Uint8Array(4);
  const { buffer } = view;
  structuredClone(buffer, { transfer: [buffer] });
  refuses([view], /^value\[0\] is .*memory that is gone/);
  refuses(new Map([[1, buffer]]), /^value\[0\] is .*memory that is gone/);
});

test("of a class of the host's own, the bytes that a view covers", () => {
  class Mine extends Uint8Array {}
  const secret = new Uint8Array(100).fill(7);
  const mine = new Mine(secret.buffer, 10, 2);
  assert.equal(roundTrip(mine).buffer.byteLength, 2);
  if (globalThis.Buffer) {
    const bytes = writeCbor([Buffer.from("ab"), Buffer.from("cd")]);
    assert.equal(bytes.length, 1 + 3 + 3);
  }
});

test("errors have their class, and what they carry", () => {
  class Mine extends RangeError {
    name = "Mine";
    code = "E_MINE";
  }
  const cause = new TypeError("inner");
  const list = [new Error("m", { cause }), new Mine("x"), new AggregateError([1, cause], "all")];
  list.push(new URIError("u"), Object.assign(new Error(""), { code: 5, other: 1 }));
  const back = roundTrip(list);
  list.forEach((error, i) => {
    assert.equal(back[i].name, error.name);
    assert.equal(back[i].message, error.message);
    assert.equal(back[i].stack, error.stack);
    assert.equal(back[i].code, error.code);
    assert.deepEqual(Object.keys(back[i]), []);
  });
  assert(back[0].cause instanceof TypeError && back[2] instanceof AggregateError);
  assert.equal(back[2].errors[1], back[0].cause);
  assert(!(back[1] instanceof RangeError));
  const dom = readCbor(writeCbor(new DOMException("gone", "AbortError")));
  assert(dom instanceof DOMException);
  assert.equal(`${dom.name} ${dom.message} ${dom.code}`, "AbortError gone 20");
  const self = new Error("self");
  self.cause = self;
  const again = roundTrip(self);
  assert.equal(again.cause, again);
});

test("an error that is not as usual", () => {
  const noStack = readCbor(
    Uint8Array.of(0xda, 0, 0x74, 0x6f, 0x65, 0xa1, 0x64, ...text("name"), 0x61, 0x78),
  );
  assert.equal(noStack.stack, "x: ");
  const odd = Object.assign(new Error("m"), { message: { toString: 5 }, stack: 7 });
  odd.name = Symbol.for("name");
  const back = readCbor(writeCbor(odd));
  assert.equal(back.name, "Error");
  assert.deepEqual(back.message, { toString: 5 });
  assert.equal(back.stack, 7);
});

function text(word) {
  return new TextEncoder().encode(word);
}

// ---- classes of the host's own --------------------------------------------------

test("an object of a class is its own enumerable properties", () => {
  class Point {
    #hidden = 1;
    x = 1;
    [Symbol.for("s")] = 2;
    get length() {
      return 5;
    }
    toJSON() {
      throw new Error("toJSON was called");
    }
  }
  const point = Object.defineProperty(new Point(), "unseen", { value: 3 });
  assert.deepEqual(roundTrip(point), { x: 1 });
  function Old() {
    this.own = 1;
  }
  Old.prototype.inherited = 2;
  assert.deepEqual(roundTrip(new Old()), { own: 1 });
  assert.deepEqual(
    roundTrip(Object.create({ inherited: 1 }, { own: { value: 1, enumerable: true } })),
    {
      own: 1,
    },
  );
  assert.deepEqual(roundTrip(Object.assign(Object.create(null), { a: 1 })), { a: 1 });
  assert.deepEqual(
    roundTrip((function () {
      return arguments;
    })(1, 2)),
    { 0: 1, 1: 2 },
  );
});

test("what extends a class of the language is that", () => {
  class List extends Array {}
  class Dictionary extends Map {
    get [Symbol.toStringTag]() {
      return "Dictionary";
    }
    get size() {
      return 99;
    }
    entries() {
      throw new Error("it was asked");
    }
  }
  class Day extends Date {
    getTime() {
      return 1;
    }
  }
  assert.deepEqual(roundTrip(List.of(1, 2)), [1, 2]);
  assert.equal(roundTrip(new Dictionary([[1, 2]])).get(1), 2);
  assert.equal(roundTrip(new Day(5)).getTime(), 5);
});

test("what only says that it is of a class is what it is", () => {
  for (const tag of ["Map", "Set", "Date", "RegExp", "ArrayBuffer", "Number", "String", "BigInt"]) {
    class Liar {
      own = 1;
      get [Symbol.toStringTag]() {
        return tag;
      }
    }
    assert.deepEqual(roundTrip(new Liar()), { own: 1 }, tag);
  }
  assert.deepEqual(roundTrip(Object.create(Map.prototype, { a: { value: 1, enumerable: true } })), {
    a: 1,
  });
  assert.deepEqual(roundTrip(Object.create(Date.prototype)), {});
});

// ---- what is refused --------------------------------------------------------------

test("what is no data is refused where it stands", () => {
  const f = () => {};
  refuses(f, /^value is a function/);
  refuses({ a: [0, 1, 2, { f }] }, /^value\.a\[3\]\.f is a function/);
  refuses({ "a b": { "": f } }, /^value\["a b"\]\[""\] is a function/);
  refuses(new Map([[1, 2], ["k", [f]]]), /^value\[1\]\[0\] is a function/);
  refuses([new Set([f])], /^value\[0\]\[0\] is a function/);
  refuses(new Error("e", { cause: { f } }), /^value\.cause\.f is a function/);
  refuses(
    new (class {
      f = f;
    })(),
    /^value\.f is a function/,
  );
  refuses([Symbol("unique")], /^value\[0\] is a symbol that is not from Symbol\.for/);
  refuses({ s: Symbol.iterator }, /^value\.s is a symbol/);
  refuses([Promise.resolve()], /^value\[0\] is a promise.*await it/);
  refuses([new WeakMap()], /^value\[0\] is a WeakMap/);
  refuses([new WeakSet()], /^value\[0\] is a WeakSet/);
  refuses([new WeakRef({})], /^value\[0\] is a WeakRef/);
  refuses([Object(Symbol.for("x"))], /^value\[0\] is an object of a symbol/);
  refuses([1n << (8n * 131072n)], /^value\[0\] is a BigInt of more than/);
  assert.deepEqual(roundTrip([1]), [1]);
});

test("where it stands is said in a line, however far in", () => {
  let deep = () => {};
  for (let i = 0; i < 300; i++) deep = { [`key${i}`]: deep };
  const { message } = thrown(() => writeCbor(deep));
  assert.match(message, /^value\.key299\.key298.*\.\.\..*\.key1\.key0 is a function/);
  assert(message.length < 400);
});

// ---- hostile objects ---------------------------------------------------------------

test("what a getter or a trap throws goes through", () => {
  const mine = new Error("mine");
  const fail = () => {
    throw mine;
  };
  const traps = ["get", "ownKeys", "getOwnPropertyDescriptor", "getPrototypeOf", "has"];
  const list = [Object.defineProperty({}, "a", { get: fail, enumerable: true })];
  list.push({
    a: [1, {
      get b() {
        return fail();
      },
    }],
  });
  list.push(Object.defineProperty(new Error("x"), "code", { get: fail }));
  list.push(Object.defineProperty(new (class {})(), Symbol.toStringTag, { get: fail }));
  for (const trap of traps.slice(0, 4)) list.push(new Proxy({ a: 1 }, { [trap]: fail }));
  list.push(new Proxy([1], { get: fail }));
  for (const value of list) {
    assert.equal(thrown(() => writeCbor(value)), mine);
    assert.equal(thrown(() => writeCbor([value, value])), mine);
  }
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  assert(thrown(() => writeCbor({ proxy })) instanceof TypeError);
  assert.deepEqual(roundTrip({ a: 1 }), { a: 1 });
});

test("a proxy is what it lets through", () => {
  assert.deepEqual(roundTrip(new Proxy({ a: 1, b: [2] }, {})), { a: 1, b: [2] });
  assert.deepEqual(roundTrip(new Proxy([1, , 3], {})), [1, , 3]);
  assert.deepEqual(roundTrip(new Proxy(new Map([[1, 2]]), {})), {});
  refuses([new Proxy(() => {}, {})], /^value\[0\] is a function/);
  const error = new Proxy(new TypeError("through"), {});
  assert.equal(readCbor(writeCbor(error)).message, "through");
  for (const length of [NaN, -1, 1.5, "2", 2 ** 60, {}, null, undefined]) {
    const list = new Proxy([1], { get: (of, key) => key === "length" ? length : of[key] });
    const raised = thrown(() => writeCbor(list));
    assert(raised instanceof WrongTypeError || raised instanceof LimitError, `${raised}`);
  }
  let calls = 0;
  const changing = new Proxy({}, {
    ownKeys: () => [`a${calls++}`, `b${calls}`],
    getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }),
    get: (_, key) => key,
  });
  for (let i = 0; i < 50; i++) {
    for (const [key, value] of Object.entries(roundTrip(changing))) assert.equal(key, value);
  }
});

test("getters run once, and may change what comes", () => {
  let runs = 0;
  const object = {
    first: 1,
    get a() {
      runs++;
      delete object.b;
      object.d = 4;
      return [1];
    },
    b: 2,
    c: 3,
  };
  const back = roundTrip(object);
  assert.equal(runs, 1);
  assert.equal(back.first, 1);
  assert.equal(back.c, 3);
  assert.equal(back.b, undefined);
  const list = [
    {
      get x() {
        return list.length = 1;
      },
    },
    2,
    3,
  ];
  assert.deepEqual(roundTrip(list), [{ x: 1 }, , ,]);
  const map = new Map([[{
    get k() {
      map.clear();
      return 1;
    },
  }, 2], [3, 4]]);
  assert.deepEqual([...roundTrip(map)], [[{ k: 1 }, 2], [3, 4]]);
  const grown = Object.defineProperty({}, "a", {
    enumerable: true,
    get() {
      for (let i = 0; i < 100; i++) grown[`k${i}`] = i;
      return 1;
    },
  });
  assert.equal(roundTrip(grown).a, 1);
  assert.equal(Object.keys(roundTrip(grown)).length, 101);
});

test("a getter may write data itself", () => {
  const inner = [];
  const object = {
    before: "x".repeat(50),
    get during() {
      inner.push(writeCbor({ in: ["y".repeat(5000)] }));
      return "z".repeat(60);
    },
    after: [1, 2, 3],
  };
  const bytes = writeCbor([object, object]);
  const back = readCbor(bytes);
  assert.equal(back[0], back[1]);
  assert.equal(back[0].during, "z".repeat(60));
  assert.equal(readCbor(inner[0]).in[0].length, 5000);
});

test("objects of many keys that contain what is shared", () => {
  for (const keys of [10, 23, 24, 25, 255, 256, 300, 70000]) {
    const shared = { s: 1 };
    const object = {};
    for (let i = 0; i < keys; i++) object[`k${i}`] = i % 9 ? i : shared;
    object.self = object;
    object.inner = { object, shared, ...Object.fromEntries(Object.entries(object).slice(0, 30)) };
    const first = roundTrip([object, shared, object.inner]);
    assert.equal(first[0].k0, first[1]);
    assert.equal(first[0].inner, first[2]);
    const back = roundTrip([shared, object, object]);
    assert.equal(back[1].k0, back[0]);
    assert.equal(back[1].self, back[2]);
    assert.equal(back[1].inner.shared, back[0]);
    assert.equal(Object.keys(back[1]).length, keys + 2);
  }
});

test("many references to one object stay small", () => {
  let value = [];
  for (let i = 0; i < 500; i++) value = [value, value];
  const bytes = writeCbor(value);
  assert(bytes.length < 5000);
  let back = readCbor(bytes);
  for (; back.length; back = back[0]) assert.equal(back[0], back[1]);
});

// ---- handles ---------------------------------------------------------------------------

test("the hooks are asked about what is no data, and about objects of classes", () => {
  class Handle {
    constructor(number) {
      this.number = number;
    }
  }
  const asked = [];
  const handle = (value) => {
    asked.push(value);
    if (value instanceof Handle) return value.number;
    return typeof value === "function" || value instanceof Promise ? 7 : undefined;
  };
  const f = () => {};
  const promise = Promise.resolve();
  const big = new Handle(2 ** 48 - 1);
  const value = [1, "x", {}, [], big, f, promise, new Date(0), big];
  const bytes = writeCbor(value, { handle });
  assert.deepEqual(asked, [big, f, promise, value[7], big]);
  const back = readCbor(bytes, { handle: (number) => ({ number }) });
  assert.deepEqual(back[4], { number: 2 ** 48 - 1 });
  assert.deepEqual(back[5], { number: 7 });
  assert.deepEqual(back[6], { number: 7 });
  const error = thrown(() => readCbor(bytes));
  assert(error instanceof FormatError);
  assert.match(error.message, /an unknown tag at byte/);
  const plain = writeCbor([big, [f]], { handle: (of) => ({ value: typeof of }) });
  assert.deepEqual(readCbor(plain), ["object", ["function"]]);
});

test("the hook of the reader may take the data away", () => {
  const bytes = writeCbor([() => {}, "later".repeat(30), new Uint8Array([5])], {
    handle: (value) => typeof value === "function" ? 1 : undefined,
  });
  const memory = new WebAssembly.Memory({ initial: 1 });
  new Uint8Array(memory.buffer).set(bytes, 100);
  const back = readCbor(new Uint8Array(memory.buffer, 100, bytes.length), {
    handle: () => memory.grow(1),
  });
  assert.equal(back[1], "later".repeat(30));
  assert.deepEqual([...back[2]], [5]);
});

test("what a hook throws goes through", () => {
  const mine = new RangeError("mine");
  const handle = () => {
    throw mine;
  };
  assert.equal(thrown(() => writeCbor([() => {}], { handle })), mine);
  const bytes = writeCbor([() => {}], { handle: () => 1 });
  assert.equal(thrown(() => readCbor(bytes, { handle })), mine);
});

test("what this host lacks is refused by name", () => {
  if (typeof Float16Array !== "undefined") return;
  const error = thrown(() => readCbor(Uint8Array.of(0xd8, 84, 0x42, 0, 0)));
  assert(error instanceof UnsupportedError);
  assert.match(error.message, /no Float16Array/);
  const handles = [];
  const bytes = Uint8Array.of(0x82, 0xd8, 84, 0x42, 0, 0, 0xda, 0, 0x74, 0x6f, 0x68, 7);
  thrown(() => readCbor(bytes, { handle: (number) => handles.push(number) }));
  assert.deepEqual(handles, [7]);
});
