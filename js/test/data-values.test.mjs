// SPDX-License-Identifier: MIT
// hosts: node deno bun
//
// data-values.test.mjs - values of the host as CBOR and back, kind by kind: the
// guest writes and reads the same bytes.

import { assert, test } from "./support/test.mjs";
import { Guest, inner } from "./support/guest.mjs";

const { readCbor } = await inner("data/cbor-read.js");
const { writeCbor } = await inner("data/cbor-write.js");
const { FormatError, LimitError } = await inner("errors.js");

const guest = new Guest();

function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytesOf(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Writes it, lets the guest read and write that, and reads it again. */
function roundTrip(value, message) {
  const bytes = writeCbor(value);
  const again = guest.scope(() => guest.encode(guest.decode(bytes)));
  const equal = again.length === bytes.length && again.every((byte, i) => byte === bytes[i]);
  assert(equal, `${message}: ${hex(bytes.slice(0, 99))}, ${hex(again.slice(0, 99))} in the guest`);
  return readCbor(bytes);
}

function same(value, message) {
  const back = roundTrip(value, message);
  assert.equal(back, value, message);
}

function randomFrom(seed) {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

// ---- numbers ------------------------------------------------------------------

test("numbers at the edges of their forms", () => {
  const edges = [0, 23, 24, 255, 256, 65535, 65536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53];
  for (const edge of edges) {
    for (const number of [edge - 1, edge, edge + 1, edge + 0.5]) {
      same(number, `${number}`);
      same(-number, `${-number}`);
    }
  }
  for (const number of [NaN, Infinity, -Infinity, 5e-324, 1.7976931348623157e308, 2 ** -24]) {
    same(number, `${number}`);
  }
});

test("every half, and floats near singles", () => {
  for (let bits = 0; bits < 65536; bits++) {
    const value = readCbor(Uint8Array.of(0xf9, bits >> 8, bits));
    const written = writeCbor(value);
    if (Number.isInteger(value) && !Object.is(value, -0)) continue;
    assert.equal(hex(written), Number.isNaN(value) ? "f97e00" : hex([0xf9, bits >> 8, bits & 255]));
  }
  const random = randomFrom(7);
  const view = new DataView(new ArrayBuffer(8));
  const list = [];
  for (let i = 0; i < 5000; i++) {
    view.setUint32(0, random(2 ** 32));
    view.setUint32(4, random(3) ? 0 : random(2 ** 32));
    list.push(view.getFloat64(0), view.getFloat32(0), Math.fround(view.getFloat64(0)));
  }
  assert.deepEqual(roundTrip(list), list);
});

test("bigints of all sizes", () => {
  for (const bits of [0, 1, 7, 8, 63, 64, 65, 127, 128, 1000, 65536]) {
    for (const more of [-1n, 0n, 1n]) {
      same((1n << BigInt(bits)) + more);
      same(-((1n << BigInt(bits)) + more));
    }
  }
  assert.equal(readCbor(bytesOf("1b0020000000000000")), 2n ** 53n);
  assert.equal(readCbor(bytesOf("3b001ffffffffffffe")), -(2 ** 53 - 1));
  assert.equal(readCbor(bytesOf("3b001fffffffffffff")), -(2n ** 53n));
  assert.equal(readCbor(bytesOf("3bffffffffffffffff")), -(2n ** 64n));
});

// ---- text ---------------------------------------------------------------------

test("texts of all lengths and alphabets", () => {
  const lengths = [0, 1, 8, 12, 15, 16, 17, 22, 23, 24, 25, 63, 64, 65, 95, 96, 97];
  lengths.push(254, 255, 256, 257, 4095, 4096, 4097, 65535, 65536, 70000);
  const letters = ["a", "\0", "\x7f", "\x80", "\u00e9", "\u07ff", "\u0800", "\u20ac", "\ufeff"];
  letters.push("\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{1f600}", "\u{10ffff}");
  letters.push("\ud800", "\udbff", "\udc00", "\udfff", "\udc00\ud800");
  for (const length of lengths) {
    for (const letter of letters) {
      const name = `${length} times ${JSON.stringify(letter)}`;
      same(letter.repeat(length), name);
      if (length < 300) same("x".repeat(length) + letter, `x and ${name}`);
      if (length < 300) same(`${letter}${"x".repeat(length)}`, `${name} and x`);
    }
  }
});

test("equal texts in a row, and others of the same ends", () => {
  const list = [];
  for (let i = 0; i < 3000; i++) list.push(`item ${i % 100}`, `a${i % 7}b`, `a${i % 3}${i}b`);
  assert.deepEqual(roundTrip(list), list);
});

test("text that is no UTF-8 is refused where it is none", () => {
  const bad = ["80", "c0", "c1bf", "c3", "c341", "e0a0", "e09fbf", "eda080", "edbfbf", "f08fbfbf"];
  bad.push("f4908080", "f5808080", "ff", "e282", "f09f98", "c3c3", "e28228");
  for (const part of bad) {
    for (const before of [0, 1, 10, 15, 20, 64, 100, 5000]) {
      const text = [...new Uint8Array(before).fill(0x61), ...bytesOf(part)];
      const head = [0x7a, 0, 0, text.length >> 8, text.length & 255];
      const error = refused(() => readCbor(Uint8Array.from([...head, ...text])));
      assert.equal(error.message, `CBOR: text that is not UTF-8 at byte ${5 + before}`);
    }
  }
});

function refused(run, kind = FormatError) {
  try {
    run();
  } catch (error) {
    assert(error instanceof kind, `${error.name}: ${error.message}`);
    return error;
  }
  throw new Error("it was not refused");
}

// ---- arrays and objects -------------------------------------------------------

test("holes stay holes, at every place", () => {
  // deno-lint-ignore no-sparse-arrays
  for (const list of [[,], [, 1], [1, , 2], [1, 2, ,], [undefined, , null], new Array(40)]) {
    const back = roundTrip(list);
    assert.equal(back.length, list.length);
    for (let i = 0; i < list.length; i++) assert.equal(i in back, i in list, `${i}`);
  }
  const long = Array.from({ length: 70000 }, (_, i) => i);
  delete long[3], delete long[69000];
  long.length = 70010;
  const back = roundTrip(long);
  assert.equal(back.length, 70010);
  for (let i = 0; i < 70010; i++) {
    if (back[i] !== long[i] || i in back !== i in long) assert(false, i);
  }
});

test("arrays of all lengths", () => {
  for (const length of [0, 1, 2, 3, 4, 15, 16, 17, 23, 24, 255, 256, 65536, 65537]) {
    const list = Array.from({ length }, (_, i) => (i % 3 ? `${i}` : { i }));
    const back = roundTrip(list, `${length}`);
    assert.equal(back.length, length);
    const differs = list.findIndex((item, i) => back[i] !== item && back[i]?.i !== i);
    assert.equal(differs, -1, `${length}`);
  }
});

test("objects of many shapes, and of many keys", () => {
  const random = randomFrom(11);
  const names = ["a", "b", "id", "name", "", "0", "7", "-1", "\u00e9", "\u{1f600}", "\ud800x"];
  names.push("constructor", "toString", "__proto__", "a longer name than others", "hasOwnProperty");
  for (let i = 0; i < 400; i++) names.push(`key${i}`);
  const list = [];
  for (let i = 0; i < 6000; i++) {
    const object = {};
    const most = random(20) ? 6 : 40;
    for (let k = random(most); k >= 0; k--) {
      const key = names[random(random(3) ? 16 : names.length)];
      define(object, key, random(3) ? random(1000) : { [names[random(16)]]: i });
    }
    list.push(object);
  }
  const back = roundTrip(list);
  list.forEach((object, i) => assert.deepEqual(Object.keys(back[i]), Object.keys(object), `${i}`));
  assert.deepEqual(back, list);
});

function define(object, key, value) {
  Object.defineProperty(object, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

test("a key that is there twice is refused, however often it was read", () => {
  const twice = [
    ["a2616b01616b02", 4], /* {k, k} */
    ["a3616101616202616103", 7], /* {a, b, a} */
    ["a2616b0178016b02", 4], /* the same with a longer head */
    ["a278016b01616b02", 5],
    ["a3616b01616c02616b03", 7],
  ];
  for (const [text, at] of twice) {
    const bytes = bytesOf(text);
    for (let i = 0; i < 10; i++) {
      const { message } = refused(() => readCbor(bytes));
      assert.equal(message, `CBOR: a key that was there before at byte ${at}`, text);
      readCbor(bytesOf("a2616b01616c02"));
      readCbor(bytesOf("a3616101616202616303"));
    }
  }
});

test("objects of one shape that is often there have their own values", () => {
  for (const keys of [1, 2, 3, 7, 8, 9, 16, 17]) {
    const list = Array.from(
      { length: 500 },
      (_, i) =>
        Object.fromEntries(Array.from({ length: keys }, (_, k) => [`k${keys}_${k}`, i * k % 5])),
    );
    assert.deepEqual(roundTrip(list), list, `${keys}`);
  }
});

test("__proto__ is a key like any other", () => {
  const object = JSON.parse('{"__proto__":{"x":1},"constructor":2,"y":3}');
  for (let i = 0; i < 100; i++) {
    const back = roundTrip(object);
    assert.equal(Object.getPrototypeOf(back), Object.prototype);
    assert.deepEqual(Object.keys(back), ["__proto__", "constructor", "y"]);
    assert.equal(Object.getOwnPropertyDescriptor(back, "__proto__").value.x, 1);
    assert.equal(back.x, undefined);
  }
  const shared = { o: object, again: object };
  assert.deepEqual(Object.keys(roundTrip(shared).o), ["__proto__", "constructor", "y"]);
  assert.equal({}.x, undefined);
});

test("what Object.prototype has neither gets in the way nor is written", () => {
  let set = 0;
  const names = ["setterKey", "enumerableKey", "frozenKey"];
  Object.defineProperty(Object.prototype, "setterKey", {
    set: () => set++,
    get: () => "wrong",
    configurable: true,
  });
  Object.defineProperty(Object.prototype, "frozenKey", { value: 1, configurable: true });
  Object.defineProperty(Object.prototype, "enumerableKey", {
    value: 1,
    enumerable: true,
    configurable: true,
  });
  try {
    for (let i = 0; i < 100; i++) {
      const back = roundTrip({ setterKey: i, frozenKey: [i], other: 1 });
      assert.equal(JSON.stringify(back), `{"setterKey":${i},"frozenKey":[${i}],"other":1}`);
    }
    assert.equal(hex(writeCbor({ a: 1 })), "a1616101");
    assert.equal(set, 0);
  } finally {
    for (const name of names) delete Object.prototype[name];
  }
});

// ---- limits -------------------------------------------------------------------

test("values are nested as deep as docs/cbor.md says, of every kind", () => {
  const wraps = {
    array: (value) => [value],
    object: (value) => ({ a: value }),
    map: (value) => new Map([[1, value]]),
    set: (value) => new Set([value]),
    error: (value) => new Error("e", { cause: value }),
    large: (value) => Object.fromEntries([...Array(20).keys()].map((i) => [`k${i}`, value])),
  };
  delete wraps.large;
  for (const [name, wrap] of Object.entries(wraps)) {
    let value = 1;
    for (let i = 0; i < 512; i++) value = wrap(value);
    readCbor(writeCbor(value));
    const error = refused(() => writeCbor(wrap(value)), LimitError);
    assert.match(error.message, /nested more than 512 deep/, name);
    assert(error.message.length < 400, error.message);
  }
});

test("all 2,048 items inside each other are read", () => {
  const nested = (count) => Uint8Array.from([...new Uint8Array(count).fill(0x81), 0x80]);
  let depth = 0;
  for (let value = readCbor(nested(2047)); value; value = value[0]) depth++;
  assert.equal(depth, 2048);
  const error = refused(() => readCbor(nested(2048)));
  assert.equal(error.message, "CBOR: nesting that is too deep at byte 2048");
  refused(() => readCbor(new Uint8Array(1e6).fill(0x81)));
  refused(() => readCbor(new Uint8Array(1e6).fill(0xc1)));
});

test("where the host's stack ends first it is a LimitError", () => {
  const data = new Uint8Array(2000).fill(0x81);
  data[1999] = 0x80;
  let deep = [];
  for (let i = 0; i < 500; i++) deep = [deep];
  // Goes down to the end of the stack; on the way back up, every 50 calls, tries.
  function tryAtDepths(run, depth, errors) {
    try {
      tryAtDepths(run, depth + 1, errors);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      errors.add(error.constructor);
    }
    if (depth % 50 || errors.size > 1 || depth === 0) return;
    try {
      run();
    } catch (error) {
      errors.add(error.constructor);
    }
  }
  for (const run of [() => readCbor(data), () => writeCbor(deep)]) {
    const errors = new Set();
    tryAtDepths(run, 0, errors);
    assert.deepEqual([...errors], [RangeError, LimitError]);
    run();
  }
});

test("data of more than 256 MiB is refused", () => {
  const most = 256 * 1024 * 1024;
  refused(() => writeCbor(new Uint8Array(most)), LimitError);
  const half = new Uint8Array(most / 2);
  refused(() => writeCbor([half, half.slice()]), LimitError);
  refused(() => writeCbor(new Array(most + 1)), LimitError);
  refused(() => writeCbor("x".repeat(most)), LimitError);
  refused(() => readCbor(new Uint8Array(most + 1)), LimitError);
  assert.equal(readCbor(writeCbor(new Uint8Array(1 << 24))).length, 1 << 24);
});

test("lengths beyond the data allocate nothing", () => {
  for (const head of ["9a", "ba", "5a", "7a", "d901029a", "d90103ba", "da00746f65ba"]) {
    const bytes = bytesOf(`${head}7fffffff0000`);
    const error = refused(() => readCbor(bytes));
    assert.match(error.message, /a length beyond the end of the data at byte/);
  }
  refused(() => readCbor(bytesOf("9b001fffffffffffff00")));
  refused(() => readCbor(bytesOf("5bffffffffffffffff00")));
});

// ---- memory -------------------------------------------------------------------

test("what is written and read has memory of its own", () => {
  const first = writeCbor("secret ".repeat(100));
  const kept = hex(first);
  const second = writeCbor([1]);
  writeCbor("other ".repeat(200));
  assert.equal(hex(first), kept);
  assert.equal(second.buffer.byteLength, 2);
  const bytes = writeCbor([new Uint8Array([1, 2, 3]), "text", new Float64Array([1])]);
  const value = readCbor(bytes);
  bytes.fill(0);
  assert.deepEqual([...value[0]], [1, 2, 3]);
  assert.equal(value[0].buffer.byteLength, 3);
  assert.equal(value[2][0], 1);
});
