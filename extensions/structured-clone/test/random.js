// SPDX-License-Identifier: MIT
//
// random.js - random graphs, cloned and described; the sum of all descriptions
// and errors is what Node 24 gives for the same file.

let state = 2463534242;
const below = (n) => {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % n;
};
const pick = (list) => list[below(list.length)];

// ---- making ---------------------------------------------------------------------

const leaves = [
  () => below(1000) - 500,
  () => pick([undefined, null, true, false, -0, NaN, Infinity, 0.5, 2 ** 31]),
  () => "text ".repeat(below(4)) + String.fromCharCode(below(65536)),
  () => BigInt(below(100000)) ** BigInt(below(6)) * pick([1n, -1n]),
  () => new Date(below(5) ? below(1e9) * 1000 : NaN),
  () => Object.assign(pick([/a+/g, /[b]/iu, /\//y, /x/dv]), { lastIndex: below(5) }),
  () => Object(pick([5, -0, "boxed", "", true, false, 12n])),
  () => new ArrayBuffer(below(20)),
  () => new ArrayBuffer(below(20), { maxByteLength: 20 + below(9) }),
];
const rare = [
  () => () => {},
  () => Symbol("s"),
  () => Promise.resolve(),
  () => new WeakMap(),
  () => new Proxy({}, {}),
  () => [].keys(),
  () => Object(Symbol()),
];
const views = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint32Array,
  Float64Array,
  BigInt64Array,
  DataView,
];

function makeView(buffer) {
  const kind = pick(views);
  const size = kind.BYTES_PER_ELEMENT ?? 1;
  const elements = Math.floor(buffer.byteLength / size);
  const offset = below(elements + 1);
  const follows = buffer.resizable && below(2) === 0;
  const length = below(elements - offset + 1);
  return new kind(buffer, offset * size, follows ? undefined : length);
}

function makeError(value) {
  const kinds = [Error, TypeError, RangeError, SyntaxError, URIError, EvalError, ReferenceError];
  const kind = pick(kinds);
  const error = below(2) ? new kind(`message ${below(9)}`) : new kind();
  if (below(3) === 0) error.name = pick(["Other", "TypeError", "Error", ""]);
  if (below(2)) Object.defineProperty(error, "cause", { value: value(), configurable: true });
  return error;
}

function make(size, mayFail) {
  const made = [];
  const value = () => {
    if (mayFail && below(40) === 0) return pick(rare)();
    if (made.length > 0 && below(5) === 0) return pick(made);
    return below(3) && size > 0 ? container() : keep(pick(leaves)());
  };
  const keep = (object) => {
    if (object instanceof Object) made.push(object);
    return object;
  };
  const fill = (count, add) => {
    for (let i = below(count); i > 0; i--) add();
  };
  function container() {
    size--;
    const kind = below(8);
    if (kind < 2) {
      const object = keep(below(9) ? {} : new (class Named {})());
      fill(6, () => object[`${pick(["k", "", "__proto_", "9"])}${below(12)}`] = value());
      if (below(4) === 0) Object.defineProperty(object, "hidden", { value: 1 });
      if (below(4) === 0) object[Symbol("s")] = 1;
      return object;
    }
    if (kind < 4) {
      const array = keep(new (below(9) ? Array : class Named extends Array {})());
      fill(6, () => array.push(value()));
      if (below(4) === 0) array.length += below(4);
      if (below(4) === 0) array[array.length + below(3)] = value();
      if (below(5) === 0) array.more = value();
      return array;
    }
    if (kind === 4) {
      const map = keep(new Map());
      fill(5, () => map.set(value(), value()));
      return map;
    }
    if (kind === 5) {
      const set = keep(new Set());
      fill(5, () => set.add(value()));
      return set;
    }
    if (kind === 6) return keep(makeError(value));
    const buffers = made.filter((object) => object instanceof ArrayBuffer);
    return keep(makeView(buffers.length > 0 ? pick(buffers) : keep(new ArrayBuffer(16))));
  }
  return value();
}

// ---- describing -------------------------------------------------------------------

// All that can be seen of a graph, with a number for each object.
function describe(root, plain) {
  const numbers = new Map();
  const text = [];
  const queue = [];
  const name = (value) => {
    if (typeof value === "string") return JSON.stringify(value);
    if (typeof value === "bigint") return `${value}n`;
    if (Object.is(value, -0)) return "-0";
    if (!(value instanceof Object)) return String(value);
    if (!numbers.has(value)) {
      numbers.set(value, numbers.size);
      queue.push(value);
    }
    return `#${numbers.get(value)}`;
  };
  const inside = (value) => {
    if (value instanceof Map) return [...value].map((pair) => pair.map(name).join("=>"));
    if (value instanceof Set) return [...value].map(name);
    if (value instanceof Date) return [String(value.getTime())];
    if (value instanceof RegExp) return [`${value}`, plain ? 0 : value.lastIndex];
    if (value instanceof Error) {
      const own = (key) => Object.hasOwn(value, key) ? name(value[key]) : "none";
      return [own("message"), own("cause")];
    }
    if (value instanceof ArrayBuffer) {
      return [value.resizable, value.maxByteLength, ...new Uint8Array(value)];
    }
    if (ArrayBuffer.isView(value)) return [value.byteOffset, value.byteLength, name(value.buffer)];
    if (/Number|String|Boolean|BigInt/.test(value.constructor.name)) return [name(value.valueOf())];
    const keys = Object.keys(value).map((key) => `${key}:${name(value[key])}`);
    return Array.isArray(value) ? [value.length, ...keys] : keys;
  };
  const kind = (value) => {
    const tag = Object.prototype.toString.call(value);
    if (!(value instanceof Error)) return tag;
    const known = /^(Eval|Range|Reference|Syntax|Type|URI)Error$/.test(value.name);
    return plain ? (known ? value.name : "Error") : Object.getPrototypeOf(value).name;
  };
  text.push(name(root));
  for (const value of queue) text.push(`${kind(value)}(${inside(value).join()})`);
  return text.join("\n");
}

let sum = 0;
const add = (text) => {
  for (let i = 0; i < text.length; i++) sum = (Math.imul(sum, 31) + text.charCodeAt(i)) >>> 0;
};

for (let round = 0; round < 1500; round++) {
  const value = make(below(60), false);
  const made = describe(structuredClone(value));
  same(made, describe(value, true), `round ${round}`);
  add(made);
}
let failures = 0;
for (let round = 0; round < 1500; round++) {
  const value = make(below(40), true);
  try {
    add(describe(structuredClone(value)));
  } catch (error) {
    failures++;
    add(error.name);
  }
}
check(failures > 100 && failures < 1400);
same([failures, sum], [248, 483651882]);
