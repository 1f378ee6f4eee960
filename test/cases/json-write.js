// JSON.stringify writes what ECMAScript says: against the same in JavaScript, for
// random values with toJSON, replacers, getters, proxies and indentation.
// expect: 1500 0
let state = 99;
const next = (limit) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor(state / 4294967296 * limit);
};
const pick = (list) => list[next(list.length)];

// ---- As the standard has it -----------------------------------------------------

function quote(text) {
  const known = { '"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  let out = '"';
  for (const c of text) {
    const code = c.codePointAt(0);
    if (known[c]) out += known[c];
    else if (code < 32 || (code >= 0xd800 && code < 0xe000)) out += "\\u" + code.toString(16).padStart(4, "0");
    else out += c;
  }
  return out + '"';
}

function write(root, replacer, space) {
  const stack = [];
  let indent = "";
  let gap = "";
  if (typeof space === "number") gap = " ".repeat(Math.min(10, Math.max(0, space)));
  else if (typeof space === "string") gap = space.slice(0, 10);
  const list = Array.isArray(replacer) ? [...new Set(replacer.map(String))] : undefined;
  function property(holder, key) {
    let value = holder[key];
    if ((typeof value === "object" && value !== null) || typeof value === "function" || typeof value === "bigint") {
      const convert = value.toJSON;
      if (typeof convert === "function") value = convert.call(value, key);
    }
    if (typeof replacer === "function") value = replacer.call(holder, key, value);
    if (value instanceof Number) value = Number(value);
    else if (value instanceof String) value = String(value);
    else if (value instanceof Boolean) value = value.valueOf();
    else if (value instanceof BigInt) value = value.valueOf();
    if (value === null || typeof value === "boolean") return String(value);
    if (typeof value === "string") return quote(value);
    if (typeof value === "number") return isFinite(value) ? String(value) : "null";
    if (typeof value === "bigint") throw new TypeError("big");
    if (typeof value === "object" && typeof value !== "function") return compound(value);
    return undefined;
  }
  function compound(value) {
    if (stack.includes(value)) throw new TypeError("circular");
    stack.push(value);
    const before = indent;
    indent += gap;
    const isArray = Array.isArray(value);
    const parts = [];
    if (isArray) {
      const length = value.length;
      for (let i = 0; i < length; i++) parts.push(property(value, String(i)) ?? "null");
    } else {
      for (const key of list ?? Object.keys(value)) {
        const text = property(value, key);
        if (text !== undefined) parts.push(`${quote(key)}:${gap ? " " : ""}${text}`);
      }
    }
    const [open, close] = isArray ? "[]" : "{}";
    const inside = gap && parts.length ? `\n${indent}${parts.join(`,\n${indent}`)}\n${before}` : parts.join(",");
    stack.pop();
    indent = before;
    return open + inside + close;
  }
  return property({ "": root }, "");
}

// ---- Random values --------------------------------------------------------------

const texts = ["", "a", "key", "\n", '"', "\\x", "\ud800", "\udc00b", "\u{1f422}", "é", "long text ".repeat(9), "0", "10", "__proto__", "toJSON2"];
class Point { constructor(x) { this.x = x; } get y() { return 7; } toString() { return "p"; } }

function primitive() {
  return pick([
    () => next(1000) - 500, () => next(2 ** 31) * 2, () => next(1000) / 8, () => -0, () => NaN, () => Infinity, () => true, () => null,
    () => undefined, () => pick(texts), () => pick(texts) + pick(texts) + "x".repeat(next(9000)), () => Symbol("s"), () => () => 1,
    () => next(40) ? 5 : 10n, () => new Number(3), () => new String("boxed"), () => new Boolean(false), () => new Date(next(1e9)), () => /r/g,
    () => ({ toJSON(key) { return `json:${key}`; } }), () => ({ toJSON: 5, a: 1 }), () => Object(7n), () => new Error("m"), () => new Uint8Array([1, 2]),
  ])();
}

function made(depth) {
  if (depth === 0 || next(3) === 0) return primitive();
  const size = next(5);
  const value = pick([
    () => Array.from({ length: size }, () => made(depth - 1)),
    () => { const list = [1, , made(depth - 1)]; if (next(2)) list.extra = 1; return list; },
    () => Object.fromEntries(Array.from({ length: size }, () => [pick(texts), made(depth - 1)])),
    () => Object.defineProperties(new Point(made(depth - 1)), { [pick(texts)]: { value: made(depth - 1), enumerable: true } }),
    () => Object.assign(Object.create({ inherited: 1 }), { [next(30)]: 1, [next(30)]: made(depth - 1), [Symbol("s")]: 2 }),
    () => Object.defineProperty({ a: 1, b: made(depth - 1) }, "hidden", { value: 1, enumerable: false }),
    () => ({ get a() { delete this.b; return 1; }, b: 2, c: made(depth - 1) }),
    () => ({ get first() { this.later = 1; return 1; }, second: made(depth - 1) }),
    () => new Proxy({ p: 1, q: made(depth - 1) }, {}),
    () => new Proxy([1, made(depth - 1)], {}),
    () => new Map([[1, 2]]),
    () => Object.create(null, { bare: { value: 1, enumerable: true } }),
  ])();
  if (next(60) === 0) value.self = value;
  if (next(25) === 0) Object.defineProperty(value, "toJSON", { value(key) { return [key, typeof key]; }, configurable: true });
  return value;
}

const outcome = (writer, ...rest) => {
  try {
    return writer(...rest);
  } catch (error) {
    return error.name;
  }
};

let done = 0, wrong = 0;
for (let round = 0; round < 1500; round++) {
  const replacer = pick([
    undefined, undefined, undefined, null, ["a", "b", "key", 10, "x"], (key, value) => key === "a" ? undefined : value,
    function (key, value) { return typeof value === "number" ? `${typeof key}${key}${Array.isArray(this)}` : value; },
  ]);
  const space = pick([undefined, undefined, undefined, 0, 2, 20, "--", "\t", ""]);
  const after = state;
  const value = () => { state = after; return made(4); };
  if (outcome(JSON.stringify, value(), replacer, space) !== outcome(write, value(), replacer, space)) {
    wrong++;
    if (wrong === 1) console.log( outcome(JSON.stringify, value(), replacer, space), outcome(write, value(), replacer, space));
  }
  done++;
}
console.log(done, wrong);
