// SPDX-License-Identifier: MIT
//
// text-encoder.js - class TextEncoder.

const encoder = new TextEncoder();
const bytes = (text) => [...encoder.encode(text)];

// Shape.
{
  check(typeof TextEncoder === "function"); // where it loads when it is first touched, it does now
  const global = Object.getOwnPropertyDescriptor(globalThis, "TextEncoder");
  same([global.writable, global.enumerable, global.configurable], [true, false, true]);
  same([TextEncoder.length, TextEncoder.name], [0, "TextEncoder"]);
  same(Object.keys(TextEncoder.prototype).sort(), ["encode", "encodeInto", "encoding"]);
  same([encoder.encode.length, encoder.encodeInto.length], [0, 2]);
  same(encoder.encoding, "utf-8");
  same(Object.prototype.toString.call(encoder), "[object TextEncoder]");
  same(new TextEncoder("utf-16le").encoding, "utf-8", "arguments mean nothing");
  throws(() => TextEncoder(), "TypeError");
  throws(() => TextEncoder.prototype.encoding, "TypeError");
  throws(() => TextEncoder.prototype.encode.call({}, "x"), "TypeError");
  check(new (class extends TextEncoder {})().encode("x") instanceof Uint8Array);
}

// encode.
{
  same(encoder.encode(), new Uint8Array(0));
  same(encoder.encode(undefined), new Uint8Array(0));
  same(encoder.encode(""), new Uint8Array(0));
  same(bytes(null), [0x6e, 0x75, 0x6c, 0x6c]);
  same(bytes("a\0b"), [0x61, 0, 0x62]);
  same(bytes("é€😀"), [0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80]);
  const mark = [0xef, 0xbf, 0xbd];
  same(bytes("\ud800"), mark);
  same(bytes("a\udc00b\ud800\ud800"), [0x61, ...mark, 0x62, ...mark, ...mark]);
  same(bytes("\ud83d\ude00\ude00"), [0xf0, 0x9f, 0x98, 0x80, ...mark]);
  same(bytes("\ud7ff\ue000"), [0xed, 0x9f, 0xbf, 0xee, 0x80, 0x80]);
  throws(() => encoder.encode(Symbol()), "TypeError");
  throws(() =>
    encoder.encode({
      toString() {
        throw new RangeError();
      },
    }), "RangeError");
  const result = encoder.encode("xyz");
  same([result.byteOffset, result.buffer.byteLength], [0, 3]);
}

// Long ones, of each kind, take other ways to the same bytes.
{
  const decoder = new TextDecoder();
  for (
    const part of ["plain ", "Größe ", "длинный ", "漢字かな ", "😀 mixed ", "x€", "\ud800 alone "]
  ) {
    for (const count of [1, 50, 3000]) {
      const text = part.repeat(count);
      const whole = encoder.encode(text);
      same(decoder.decode(whole), text.replace(/\ud800(?![\udc00-\udfff])/g, "\ufffd"), part);
      const one = bytes(part);
      same(whole.length, one.length * count, part);
      same([...whole.subarray(-one.length)], one, part);
    }
  }
  const rope = "é".repeat(300) + "€".repeat(300);
  same(encoder.encode(rope).length, 1500);
  const latest = "a".repeat(1000) + "\udc00";
  same([...encoder.encode(latest).subarray(-3)], [0xef, 0xbf, 0xbd]);
}

// encodeInto.
{
  const into = (text, size) => {
    const array = new Uint8Array(size);
    const result = encoder.encodeInto(text, array);
    same(Object.keys(result), ["read", "written"]);
    return [result.read, result.written, [...array.subarray(0, result.written)]];
  };
  same(into("abc", 10), [3, 3, [97, 98, 99]]);
  same(into("abc", 2), [2, 2, [97, 98]]);
  same(into("", 0), [0, 0, []]);
  same(into("é", 1), [0, 0, []]);
  same(into("aé", 2), [1, 1, [97]]);
  same(into("😀", 3), [0, 0, []]);
  same(into("😀x", 4), [2, 4, [0xf0, 0x9f, 0x98, 0x80]]);
  same(into("\ud800x", 3), [1, 3, [0xef, 0xbf, 0xbd]]);
  same(into("\ud800x", 2), [0, 0, []]);
  for (const part of ["aé€😀", "aé", "a"]) {
    const text = part.repeat(200);
    const whole = encoder.encode(text);
    for (let room = 0; room < 12; room++) {
      const [read, written, some] = into(text, room);
      same(some, [...whole.subarray(0, written)]);
      same(encoder.encode(text.slice(0, read)).length, written);
      check(room - written < 4);
    }
    same(into(text, whole.length).slice(0, 2), [text.length, whole.length]);
  }
  const view = new Uint8Array(new ArrayBuffer(8), 2, 3);
  same({ ...encoder.encodeInto("abcdef", view) }, { read: 3, written: 3 });
  same([...new Uint8Array(view.buffer)], [0, 0, 97, 98, 99, 0, 0, 0]);
  same(encoder.encodeInto("ab", new Uint8Array(new SharedArrayBuffer(1))).written, 1);
  const gone = new Uint8Array(4);
  gone.buffer.transfer();
  same({ ...encoder.encodeInto("ab", gone) }, { read: 0, written: 0 });
  for (const no of [[], new Uint8ClampedArray(2), new Int8Array(2), new ArrayBuffer(2), null]) {
    throws(() => encoder.encodeInto("x", no), "TypeError");
  }
  throws(() => encoder.encodeInto("x"), "TypeError");
}
