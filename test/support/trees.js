// SPDX-License-Identifier: MIT
// trees.js - random trees of values, and a line that says all of one.
//
// make(seed) gives a tree with every kind of value that docs/cbor.md lists, in
// which objects, buffers and views occur again. describe(value) is the line that
// tools/read-cbor prints for the same bytes; two trees are alike, in values,
// order and identity, when their lines are.

function randomFrom(seed) {
  let state = BigInt(seed) * 0x9e3779b97f4a7c15n;
  return (below) => {
    state = BigInt.asUintN(64, state * 6364136223846793005n + 1442695040888963407n);
    return Number((state >> 33n) % BigInt(below));
  };
}

function make(seed) {
  const random = randomFrom(seed);
  const objects = [], buffers = [], views = [];
  const pick = (list) => list[random(list.length)];
  const keep = (object) => (objects.push(object), object);
  let left = 60;

  function text() {
    const pieces = ["a", "key", "\u00e9", "\u20ac", "\u{1f600}", "\ud800",
      "\udfff", "\0", "0", "12", "long ".repeat(10), "__proto__", ""];
    let all = "";
    for (let i = random(3); i >= 0; i--) all += pick(pieces);
    return all;
  }

  function number() {
    return pick([0, -0, 1, -1, 23, 24, 255, 256, 65536, -257, 1.5, 1 / 3, 1e300,
      2 ** 53, 2 ** 53 - 1, -(2 ** 53), 1 - 2 ** 53, NaN, Infinity, -Infinity,
      2 ** -24, 65504, 65505.5, 3.4028234663852886e38, 5e-324, random(1e9)]);
  }

  function bigint() {
    const big = BigInt(random(2 ** 30)) ** BigInt(random(9));
    return random(2) ? big : -big;
  }

  function buffer() {
    if (buffers.length > 0 && random(3)) return pick(buffers);
    const made = new ArrayBuffer(8 * random(4));
    const bytes = new Uint8Array(made);
    for (let i = 0; i < bytes.length; i++) bytes[i] = random(256);
    buffers.push(made);
    return made;
  }

  function view() {
    if (views.length > 0 && !random(4)) return pick(views);
    const kind = pick([Uint8Array, Uint8ClampedArray, Uint16Array, Uint32Array,
      BigUint64Array, Int8Array, Int16Array, Int32Array, BigInt64Array,
      Float16Array, Float32Array, Float64Array, DataView]);
    const on = buffer(), each = kind.BYTES_PER_ELEMENT ?? 1;
    const all = on.byteLength / each;
    const from = random(2) ? 0 : random(all + 1);
    const length = from || random(2) ? random(all - from + 1) : all;
    const made = new kind(on, from * each, length);
    views.push(made);
    return made;
  }

  function error() {
    const kind = pick([Error, TypeError, RangeError, SyntaxError]);
    const made = keep(random(4) ? new kind(text())
      : new AggregateError([value(), value()], text()));
    if (random(2)) made.cause = value();
    if (random(2)) made.code = pick(["E_CODE", 5, text()]);
    return made;
  }

  function array() {
    const made = keep([]);
    for (let i = random(6); i > 0; i--) {
      if (random(5)) made.push(value());
      else made.length++;
    }
    return made;
  }

  function object() {
    const made = keep({});
    for (let i = random(5); i > 0; i--)
      Object.defineProperty(made, text(), {value: value(), writable: true,
        enumerable: random(8) > 0, configurable: true});
    return made;
  }

  function collection(made, add) {
    keep(made);
    for (let i = random(4); i > 0; i--) add(made);
    return made;
  }

  function value() {
    if (left-- <= 0) return null;
    if (objects.length > 0 && !random(6)) return pick(objects);
    switch (random(19)) {
      case 0: return undefined;
      case 1: return null;
      case 2: return random(2) === 0;
      case 3: case 4: return number();
      case 5: return bigint();
      case 6: return text();
      case 7: return Symbol.for(text());
      case 8: case 9: return array();
      case 10: case 11: return object();
      case 12: return collection(new Map(), (m) => m.set(value(), value()));
      case 13: return collection(new Set(), (s) => s.add(value()));
      case 14: return keep(new Date(pick([0, 1, -1, 1500, NaN, 8.64e15,
        -8.64e15, random(2 ** 40)])));
      case 15: return keep(new RegExp(pick(["a", "\\/x", "[\u00e9]", "(?:)"]),
        pick(["", "g", "gi", "dsuy", "v"])));
      case 16: return keep(Object(pick([1, -0, "boxed\ud800", true, 5n])));
      case 17: return random(2) ? view() : buffer();
      default: return error();
    }
  }

  const first = keep([]);
  while (left > 0) first.push(value());
  return first;
}

function describe(tree) {
  const met = [];
  const tags = new Map([["Uint8Array", 64], ["Uint8ClampedArray", 68],
    ["Uint16Array", 69], ["Uint32Array", 70], ["BigUint64Array", 71],
    ["Int8Array", 72], ["Int16Array", 77], ["Int32Array", 78],
    ["BigInt64Array", 79], ["Float16Array", 84], ["Float32Array", 85],
    ["Float64Array", 86], ["DataView", 7630710]]);
  const hex = (number, digits) => number.toString(16).padStart(digits, "0");
  const double = (number) => hex(new DataView(
    new Float64Array([number]).buffer).getBigUint64(0, true), 16);
  const units = (text) => {
    let all = "";
    for (let i = 0; i < text.length; i++) all += hex(text.charCodeAt(i), 4);
    return all;
  };

  function fields(object, keys) {
    return `{${keys.map((k) => `${units(k)}:${line(object[k])}`).join()}}`;
  }

  function kindOf(object) {
    return Object.prototype.toString.call(object).slice(8, -1);
  }

  function describeObject(object) {
    const kind = kindOf(object);
    if (tags.has(kind))
      return `V${tags.get(kind)} ${object.byteOffset} ${object.byteLength} ` +
        line(object.buffer);
    switch (kind) {
      case "Array": {
        const items = [];
        for (let i = 0; i < object.length; i++)
          items.push(Object.hasOwn(object, i) ? line(object[i]) : "~");
        return `[${items.join()}]`;
      }
      case "Map":
        return `M(${[...object].map(([k, v]) => `${line(k)}=${line(v)}`)
          .join()})`;
      case "Set": return `S(${[...object].map(line).join()})`;
      case "Date": return "D" + double(object.getTime());
      case "RegExp": return `R${units(object.source)}/${units(object.flags)}`;
      case "Number": case "String": case "Boolean": case "BigInt":
        return "O" + line(object.valueOf());
      case "ArrayBuffer":
        return "B" + [...new Uint8Array(object)].map((b) => hex(b, 2)).join("");
      case "Error":
        return "E" + fields(object, ["name", "message", "stack", "cause",
          "code", "errors"].filter((k) => object[k] !== undefined));
      default: return fields(object, Object.keys(object));
    }
  }

  function line(value) {
    switch (typeof value) {
      case "undefined": return "u";
      case "boolean": return value ? "t" : "f";
      case "number": return "d" + double(value);
      case "bigint": return "i" + value;
      case "string": return "s" + units(value);
      case "symbol": return "y" + units(Symbol.keyFor(value));
    }
    if (value === null) return "n";
    const number = met.indexOf(value);
    if (number >= 0) return "#" + number;
    met.push(value);
    return describeObject(value);
  }

  return line(tree);
}
