/* SPDX-License-Identifier: MIT */
/* Objects, classes, collections, texts and errors, as most programs use. */
class Counter {
  #count = 0;
  static made = 0;
  constructor() {
    Counter.made++;
  }
  get count() {
    return this.#count;
  }
  add(by = 1) {
    this.#count += by;
    return this;
  }
}

class Named extends Counter {
  toString() {
    return `${this.count}`;
  }
}

function* numbers(limit) {
  for (let i = 0; i < limit; i++) yield i;
}

const named = new Named().add(2);
const text = JSON.stringify({ a: [1, 2.5, null], b: `${named}` });
const { a: [first], ...rest } = JSON.parse(text);
const map = new Map([[1, "one"], ["two", 2]]);
const set = new Set([1, 2, 3]);
const list = [...numbers(2), ...set]
  .map((n) => n * 2)
  .filter((n) => n > 1)
  .sort((a, b) => a - b);
const bytes = new Uint8Array([1, 2, 3]);
const date = new Date(0).toISOString();
const parts = "a-b-c".split("-").join("+").replace(/b/g, (b) => b.toUpperCase());
let message = "";
try {
  undefined.property;
} catch (error) {
  message = error.message + error.stack;
}
for (const [key, value] of map) message += key + value;
for (const key of Object.keys(rest)) message += key;
globalThis.result = { list, first, bytes, date, parts, message, size: set.size };
globalThis.done = first === 1 && parts === "a+B+c" && list.length === 4;
