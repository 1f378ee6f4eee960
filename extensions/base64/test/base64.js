// SPDX-License-Identifier: MIT
//
// base64.js - the ten functions, beside plain JavaScript that does the same.

const bytes = (length, seed) => {
  const made = new Uint8Array(length);
  for (let i = 0, x = seed; i < length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    made[i] = x >>> 24;
  }
  return made;
};
const toHex = (array) => Array.from(array, (b) => b.toString(16).padStart(2, "0")).join("");
const toText = (array) => String.fromCharCode(...array);

for (
  const [holder, name, length] of [
    [globalThis, "atob", 1],
    [globalThis, "btoa", 1],
    [Uint8Array, "fromBase64", 1],
    [Uint8Array, "fromHex", 1],
    [Uint8Array.prototype, "toBase64", 0],
    [Uint8Array.prototype, "toHex", 0],
    [Uint8Array.prototype, "setFromBase64", 1],
    [Uint8Array.prototype, "setFromHex", 1],
  ]
) {
  const { value, enumerable, ...rest } = Object.getOwnPropertyDescriptor(holder, name);
  same([value.name, value.length, rest], [name, length, { writable: true, configurable: true }]);
  check(!Object.hasOwn(value, "prototype"));
  throws(() => new value(), "TypeError");
}

// ---- there and back -------------------------------------------------------------

for (let length = 0; length < 70; length++) {
  const array = bytes(length, length + 1);
  const hex = toHex(array);
  same(array.toHex(), hex);
  same(Uint8Array.fromHex(hex), array);
  same(Uint8Array.fromHex(hex.toUpperCase()), array);
  const base64 = btoa(toText(array));
  same(array.toBase64(), base64);
  same(Uint8Array.fromBase64(base64), array);
  same(atob(base64), toText(array));
  for (const room of [0, 1, 7, 8, 9, length, length + 3]) {
    const target = new Uint8Array(room).fill(0xaa);
    const written = Math.min(room, length);
    same(target.setFromHex(hex), { read: written * 2, written });
    same(toHex(target), hex.slice(0, written * 2) + "aa".repeat(room - written));
    if (room >= length) {
      same(target.setFromBase64(base64).written, length);
      same(target.subarray(0, length), array);
    }
  }
}
const large = bytes(100003, 5);
same(Uint8Array.fromHex(large.toHex()), large);
const part = new Uint8Array(new ArrayBuffer(20, { maxByteLength: 40 }), 3, 9);
same(part.setFromHex("00112233445566778899aabb"), { read: 18, written: 9 });
same(part.buffer.byteLength, 20);
same(new Uint8Array(part.buffer).toHex(), `000000001122334455667788${"00".repeat(8)}`);

// ---- errors -----------------------------------------------------------------------

const wrongs = [
  "0",
  "abc",
  "0g",
  "g0",
  " 0",
  "0 ",
  "0x",
  "\u00e9",
  "\u00e9\u00e9",
  "\u0660\u0661",
  "00\n",
  "-1",
  "0\u0000",
  "zz".repeat(20),
  "\ud800\udc00",
];
for (const wrong of wrongs) {
  for (let before = 0; before < 20; before++) {
    const text = "5a".repeat(before) + wrong;
    throws(() => Uint8Array.fromHex(text), "SyntaxError", text);
    const target = new Uint8Array(before + 30).fill(0xaa);
    throws(() => target.setFromHex(text), "SyntaxError", text);
    const written = text.length % 2 === 0 && /^[\0-\x7f]*$/.test(wrong) ? before : undefined;
    if (written !== undefined) {
      same(target.toHex(), "5a".repeat(before) + "aa".repeat(30), "what comes before");
    }
  }
}
same(new Uint8Array(1).setFromHex("ffzz"), { read: 2, written: 1 }, "not looked at");
for (const wrong of [undefined, null, 5, {}, [], Symbol(), Object("00"), 12n]) {
  throws(() => Uint8Array.fromHex(wrong), "TypeError");
  throws(() => new Uint8Array(2).setFromHex(wrong), "TypeError");
}
const { setFromHex } = Uint8Array.prototype;
for (
  const wrong of [
    undefined,
    null,
    {},
    new Int8Array(2),
    new Uint8ClampedArray(2),
    new DataView(new ArrayBuffer(1)),
    new Proxy(new Uint8Array(1), {}),
  ]
) { // deno-fmt-ignore-line
  throws(() => setFromHex.call(wrong, "00"), "TypeError");
}
const gone = new Uint8Array(4);
gone.buffer.transfer();
throws(() => gone.setFromHex("00"), "TypeError");
throws(() => gone.setFromHex(5), "TypeError");
const shrunk = new Uint8Array(new ArrayBuffer(8, { maxByteLength: 8 }), 4, 4);
shrunk.buffer.resize(4);
throws(() => shrunk.setFromHex("00"), "TypeError");
if (ArrayBuffer.prototype.transferToImmutable) {
  const fixed = new Uint8Array(new ArrayBuffer(2).transferToImmutable());
  throws(() => fixed.setFromHex("0011"), "TypeError");
  same(fixed.toHex(), "0000");
}
same(Uint8Array.fromHex.call(undefined, "0a"), new Uint8Array([10]), "'this' is not asked");
class Bytes extends Uint8Array {}
check(Object.getPrototypeOf(Bytes.fromHex("00")) === Uint8Array.prototype);
const sub = new Bytes(2);
same(sub.setFromHex("0102"), { read: 4, written: 2 });
same([...sub], [1, 2]);
throws(() => btoa("\u0100"), "InvalidCharacterError");
throws(() => atob("a"), "InvalidCharacterError");
throws(() => Uint8Array.fromBase64("a"), "SyntaxError");
