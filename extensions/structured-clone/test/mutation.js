// SPDX-License-Identifier: MIT
//
// mutation.js - code of the program that runs while its values are cloned.

const clone = structuredClone;

// Getters are called once each, in order, with the object.
const log = [];
const made = clone({
  get b() {
    log.push(["b", this.c]);
    return { x: 1 };
  },
  c: 2,
  get a() {
    log.push(["a"]);
    return undefined;
  },
  set s(value) {},
});
same(log, [["b", 2], ["a"]]);
same(made, { b: { x: 1 }, c: 2, a: undefined, s: undefined });

const deep = [];
clone([
  {
    get x() {
      deep.push(1);
      return {
        get y() {
          deep.push(2);
          return 0;
        },
      };
    },
  }, // deno-fmt-ignore-line
  { get z() { deep.push(3); return 0; } },
]); // deno-fmt-ignore-line
same(deep, [1, 2, 3], "depth first");

throws(() =>
  clone({
    get a() {
      throw new RangeError("own");
    },
  }), "RangeError");
let caught;
try {
  clone([{
    get a() {
      throw 5;
    },
  }]);
} catch (thrown) {
  caught = thrown;
}
same(caught, 5);

// What a getter takes away is gone, what it adds comes too late.
same(
  clone({
    get a() {
      delete this.b;
      this.c = 1;
      return 1;
    },
    b: 2,
  }),
  { a: 1 },
);
same(
  clone({
    get a() {
      Object.defineProperty(this, "b", { enumerable: false });
      return 1;
    },
    b: 2,
  }),
  { a: 1, b: 2 },
);
const shrinking = [1, 2, 3, 4];
Object.defineProperty(shrinking, 0, {
  get() {
    shrinking.length = 2;
    return 0;
  },
  enumerable: true,
});
same(clone(shrinking), [0, 2, , ,]);
const growing = [1, 2];
Object.defineProperty(growing, 0, {
  get() {
    growing.push(9);
    return 0;
  },
  enumerable: true,
});
same(clone(growing), [0, 2]);
const changing = {
  get a() {
    this.b = { later: true };
    return 1;
  },
  b: 0,
};
same(clone(changing), { a: 1, b: { later: true } });

// Maps and sets are as they were when the walk came to them.
const map = new Map();
map.set({
  get a() {
    map.clear();
    map.set(1, 1);
    return 1;
  },
}, { x: 1 }).set("k", "v");
same(clone(map), new Map([[{ a: 1 }, { x: 1 }], ["k", "v"]]));
const set = new Set();
set.add({
  get a() {
    set.clear();
    return 1;
  },
}).add(2);
same(clone(set), new Set([{ a: 1 }, 2]));

// An object that a getter drops may not be confused with a new one.
const dropped = [];
for (let i = 0; i < 300; i++) {
  dropped.push({
    get a() {
      dropped[i] = null;
      return { i };
    },
  });
}
same(clone(dropped).map((item) => item.a.i), Array.from({ length: 300 }, (_, i) => i));

// Clones within clones.
same(
  clone({
    get a() {
      return clone(
        new Map([[1, {
          get b() {
            return clone([2]);
          },
        }]]),
      );
    },
  }),
  { a: new Map([[1, { b: [2] }]]) },
);

// What the program does to builtins, prototypes and classes is not asked.
const touched = () => {
  throw new Error("the program was asked");
};
const { defineProperty, getOwnPropertyDescriptor } = Object;
let saved = null;
const spoil = (holder, name, descriptor) => {
  saved = { holder, name, old: getOwnPropertyDescriptor(holder, name), next: saved };
  defineProperty(holder, name, { configurable: true, ...descriptor });
};
const samples = [
  new Map([[1, [2]]]),
  new Set([1]),
  new Date(5),
  /a/g,
  [1, 2],
  { a: 1 },
  Object("s"),
  new Uint8Array([1, 2]),
  new DataView(new ArrayBuffer(2)),
  new ArrayBuffer(3),
  new TypeError("t"),
  new ArrayBuffer(2, { maxByteLength: 4 }),
  Object(1n),
  Object(true),
  Object(-0),
]; // deno-fmt-ignore-line
for (const [holder, names] of [
  [Map.prototype, ["set", "get", "forEach", "entries", "size", Symbol.iterator, "constructor"]],
  [Set.prototype, ["add", "forEach", "values", "size", Symbol.iterator, "constructor"]],
  [Date.prototype, ["getTime", "valueOf", Symbol.toPrimitive, "constructor"]],
  [RegExp.prototype, ["source", "flags", "exec", "constructor"]],
  [Array.prototype, ["push", "forEach", "constructor"]],
  [String.prototype, ["valueOf", "toString", Symbol.iterator]],
  [ArrayBuffer.prototype, ["slice", "byteLength", "resizable", "maxByteLength", "constructor"]],
  [Object.getPrototypeOf(Uint8Array.prototype), ["length", "buffer", "byteOffset", "byteLength"]],
  [Uint8Array.prototype, ["constructor"]],
  [DataView.prototype, ["buffer", "byteOffset", "byteLength", "constructor"]],
  [Number.prototype, ["valueOf"]],
  [BigInt.prototype, ["valueOf"]],
  [Boolean.prototype, ["valueOf"]],
  [globalThis, ["Map", "Set", "Date", "ArrayBuffer", "DataView", "TypeError"]],
  [Map, [Symbol.species]],
  [ArrayBuffer, [Symbol.species]],
]) {
  for (const name of names) {
    const old = Object.getOwnPropertyDescriptor(holder, name);
    if (old) spoil(holder, name, old.get ? { get: touched } : { value: touched, writable: true });
  }
}
for (const name of ["a", "x", "cause", "transfer"]) {
  spoil(Object.prototype, name, { get: touched, set: touched });
}
spoil(Array.prototype, 0, { get: touched, set: touched });
spoil(Array.prototype, 1, { get: touched, set: touched });
const results = Array(samples.length);
let failure;
try {
  for (let i = 0; i < samples.length; i++) {
    defineProperty(results, i, { value: clone(samples[i]), writable: true, enumerable: true });
  }
} catch (error) {
  failure = error;
}
for (; saved; saved = saved.next) {
  delete saved.holder[saved.name];
  if (saved.old) defineProperty(saved.holder, saved.name, saved.old);
}
if (failure) throw failure;
same(results, samples);

// Functions that a stack gives away are called without harm.
const given = new Set();
const { prepareStackTrace } = Error;
Error.prepareStackTrace = (_, sites) => {
  for (const site of sites) {
    if (site.isNative() || site.getFileName() === "structuredClone") given.add(site.getFunction());
  }
};
clone([new Error("e", { cause: [1] }), new Map([[1, new DOMException("d")]])]);
throws(() => clone(() => {}), "DataCloneError");
Error.prepareStackTrace = prepareStackTrace;
check(given.has(clone) && given.size > 2);
for (const called of given) {
  for (const args of [[], [[1]], [new Uint8Array(2), {}, 1, 1], [{}, "Map", []], [{}, "Map", [1]]]) {
    try {
      called(...args);
    } catch {}
  }
}
same(clone({ a: [1] }), { a: [1] });

// Own properties of that name do not shadow what is inside.
const odd = new Uint8Array([1, 2, 3]);
for (const name of ["length", "byteLength", "byteOffset", "buffer", "constructor"]) {
  Object.defineProperty(odd, name, { value: 1 });
}
same(clone(odd), new Uint8Array([1, 2, 3]));
const proto = JSON.parse('{"__proto__": {"polluted": 1}, "constructor": 5, "prototype": 6}');
const clean = clone(proto);
check(Object.getPrototypeOf(clean) === Object.prototype && Object.hasOwn(clean, "__proto__"));
same(Object.getOwnPropertyDescriptor(clean, "__proto__").value, { polluted: 1 });
check({}.polluted === undefined);
