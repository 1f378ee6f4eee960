// SPDX-License-Identifier: MIT
//
// buffers.js - buffers, views on them, and transferring them.

const clone = structuredClone;
const filled = (length, options) => {
  const buffer = new ArrayBuffer(length, options);
  new Uint8Array(buffer).forEach((_, i, bytes) => bytes[i] = i * 7 + 1);
  return buffer;
};

// ---- buffers --------------------------------------------------------------------

for (const length of [0, 1, 3, 8, 1000, 100001]) {
  const buffer = filled(length);
  const made = clone(buffer);
  check(made !== buffer && !made.resizable && !buffer.detached);
  same(made, buffer);
  for (const more of [0, 1, 1000]) {
    const resizable = filled(length, { maxByteLength: length + more });
    const wide = clone(resizable);
    same(wide, resizable);
    same([wide.resizable, wide.maxByteLength], [true, length + more]);
  }
}
const one = filled(4);
const two = clone(one);
new Uint8Array(two)[0] = 99;
same(new Uint8Array(one)[0], 1);
const gone = filled(4);
gone.transfer();
throws(() => clone(gone), "DataCloneError");
if (ArrayBuffer.prototype.transferToImmutable) {
  const fixed = clone(filled(4).transferToImmutable());
  check(fixed.immutable);
  same(new Uint8Array(fixed), new Uint8Array(filled(4)));
}

// ---- typed arrays ----------------------------------------------------------------

const kinds = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  BigInt64Array,
  BigUint64Array,
  Float32Array,
  Float64Array,
  Float16Array,
];
for (const kind of kinds) {
  const size = kind.BYTES_PER_ELEMENT;
  const buffer = filled(size * 6);
  for (const [offset, length] of [[0, 6], [0, 0], [2, 3], [6, 0], [5, 1], [1, undefined]]) {
    const view = new kind(buffer, offset * size, length);
    const made = clone(view);
    same(made, view, kind.name);
    same([made.byteOffset, made.length], [view.byteOffset, view.length]);
    same(made.buffer, buffer, "the whole buffer");
    same(Object.prototype.toString.call(made), `[object ${kind.name}]`);
  }
}
const wide = filled(16);
const views = clone({ a: new Uint8Array(wide, 4), b: new DataView(wide, 2, 6), wide });
check(views.a.buffer === views.wide && views.b.buffer === views.wide);
same([views.b.byteOffset, views.b.byteLength], [2, 6]);
class Bytes extends Uint8Array {}
check(Object.getPrototypeOf(clone(new Bytes(2))) === Uint8Array.prototype);
const dressed = new Uint8Array(2);
dressed.more = 1;
same(Reflect.ownKeys(clone(dressed)), ["0", "1"]);

// ---- views of buffers that change their length -------------------------------------

// Whether a view follows its buffer, which only resizing tells.
const follows = (view) => {
  const { buffer, byteLength } = view;
  const old = buffer.byteLength;
  buffer.resize(buffer.maxByteLength);
  const grown = view.byteLength !== byteLength;
  buffer.resize(old);
  return grown;
};
for (const kind of [...kinds, DataView]) {
  const size = kind.BYTES_PER_ELEMENT ?? 1;
  for (const [elements, odd] of [[0, 0], [1, 0], [4, 0], [4, size - 1]]) {
    for (const room of [0, 1, 3]) {
      const length = elements * size + odd;
      const buffer = filled(length, { maxByteLength: length + room * size });
      const before = new Uint8Array(buffer.slice());
      for (const offset of [0, 1, 4]) {
        if (offset > elements) continue;
        for (const count of [undefined, elements - offset, 0, 1]) {
          if (count > elements - offset) continue;
          const view = new kind(buffer, offset * size, count);
          const made = clone(view);
          const text = `${kind.name} ${length}+${room * size} at ${offset} of ${count}`;
          same([made.byteOffset, made.byteLength], [view.byteOffset, view.byteLength], text);
          same(new Uint8Array(made.buffer), new Uint8Array(buffer), text);
          same(new Uint8Array(buffer), before, `${text}: the source is as it was`);
          if (room > 0 || odd === 0) same(follows(made), follows(view), text);
        }
      }
    }
  }
}
const shrunk = filled(8, { maxByteLength: 8 });
const outside = [new Uint8Array(shrunk, 4, 4), new DataView(shrunk, 6), new Uint8Array(shrunk, 6)];
shrunk.resize(4);
for (const view of outside) throws(() => clone(view), "DataCloneError");
const lost = filled(8);
const dangling = [new Uint8Array(lost), new DataView(lost), new Uint8Array(lost, 8)];
lost.transfer();
for (const view of dangling) throws(() => clone(view), "DataCloneError");

// ---- transferring ----------------------------------------------------------------------

for (const options of [undefined, { maxByteLength: 100 }]) {
  const buffer = filled(16, options);
  const copy = buffer.slice();
  const made = clone(
    { buffer, view: new Uint16Array(buffer, 2, 3), data: new DataView(buffer, 1) },
    {
      transfer: [buffer],
    },
  );
  check(buffer.detached && buffer.byteLength === 0);
  same(new Uint8Array(made.buffer), new Uint8Array(copy));
  check(made.view.buffer === made.buffer && made.data.buffer === made.buffer);
  same([made.view.byteOffset, made.view.length, made.data.byteLength], [2, 3, 15]);
  same([made.buffer.resizable, made.buffer.maxByteLength], [!!options, options ? 100 : 16]);
}
const unused = filled(3);
same(clone("x", { transfer: [unused] }), "x");
check(unused.detached);
const others = [filled(1), filled(2), filled(0), ...Array.from({ length: 20 }, () => filled(5))];
same(clone(others, { transfer: new Set(others) }).map((buffer) => buffer.byteLength), [
  1,
  2,
  0,
  ...Array(20).fill(5),
]);
check(others.every((buffer) => buffer.detached));

const kept = filled(3);
for (
  const wrong of [{}, [], new Uint8Array(kept), kept.constructor, new Map(), new Proxy(kept, {})]
) {
  throws(() => clone(1, { transfer: [kept, wrong] }), "DataCloneError");
}
throws(() => clone(1, { transfer: [kept, kept] }), "DataCloneError");
for (const wrong of [1, "text", null, true, Symbol(), {}, { length: 0 }]) {
  throws(() => clone(1, { transfer: wrong }), "TypeError", String(wrong));
}
for (const wrong of [1, "x", null, undefined, Symbol(), 1n]) {
  throws(() => clone(1, { transfer: [kept, {}, wrong] }), "TypeError");
}
throws(() => clone(() => {}, { transfer: [kept] }), "DataCloneError");
throws(() =>
  clone({
    get a() {
      throw new RangeError();
    },
  }, { transfer: [kept] }), "RangeError");
check(!kept.detached && kept.byteLength === 3, "an error leaves buffers as they are");
throws(() => clone(1, { transfer: [gone] }), "DataCloneError");
throws(() => clone(gone, { transfer: [gone] }), "DataCloneError");
throws(() =>
  clone(1, {
    get transfer() {
      throw new RangeError();
    },
  }), "RangeError");
throws(() =>
  clone(1, {
    transfer: {
      *[Symbol.iterator]() {
        yield kept;
        throw new EvalError();
      },
    },
  }), "EvalError");
check(!kept.detached);

// Getters see the buffer whole, and what they write comes along.
const live = filled(4);
const written = clone({
  first: live,
  get then() {
    new Uint8Array(live)[0] = 200;
    return live.byteLength;
  },
}, { transfer: [live] });
same([new Uint8Array(written.first)[0], written.then], [200, 4]);
const resized = filled(4, { maxByteLength: 64 });
const grown = clone({
  first: resized,
  get then() {
    resized.resize(32);
    return 1;
  },
  view: new Uint8Array(resized),
}, { transfer: [resized] });
same([grown.first.byteLength, grown.view.length], [32, 32]);
const stolen = filled(4);
throws(() =>
  clone({
    get a() {
      stolen.transfer();
      return 1;
    },
  }, { transfer: [stolen] }), "DataCloneError");

// Shared memory is for agents that may share it; here is one.
if (typeof SharedArrayBuffer === "function" && typeof process !== "object") {
  const memory = new SharedArrayBuffer(4);
  throws(() => clone(memory), "DataCloneError");
  throws(() => clone(new Int32Array(memory)), "DataCloneError");
  throws(() => clone(1, { transfer: [memory] }), "DataCloneError");
}
