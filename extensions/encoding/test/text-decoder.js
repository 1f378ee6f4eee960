// SPDX-License-Identifier: MIT
//
// text-decoder.js - class TextDecoder, with the encodings of this extension.

const decode = (list, ...args) => new TextDecoder(...args).decode(new Uint8Array(list));
const fatal = { fatal: true };

// Shape.
{
  same([TextDecoder.length, TextDecoder.name], [0, "TextDecoder"]);
  same(Object.keys(TextDecoder.prototype).sort(), ["decode", "encoding", "fatal", "ignoreBOM"]);
  same(TextDecoder.prototype.decode.length, 0);
  const decoder = new TextDecoder();
  same([decoder.encoding, decoder.fatal, decoder.ignoreBOM], ["utf-8", false, false]);
  same(Object.prototype.toString.call(decoder), "[object TextDecoder]");
  throws(() => TextDecoder(), "TypeError");
  throws(() => TextDecoder.prototype.fatal, "TypeError");
  throws(() => TextDecoder.prototype.decode.call({}), "TypeError");
  check(new (class Mine extends TextDecoder {})() instanceof TextDecoder);
}

// Labels and options.
{
  for (const label of ["utf8", "UTF-8", " \t\n\f\rUtf-8 ", "unicode-1-1-utf-8", undefined]) {
    same(new TextDecoder(label).encoding, "utf-8");
  }
  for (const label of ["utf-16", "ucs-2", "unicode", "csunicode"]) {
    same(new TextDecoder(label).encoding, "utf-16le");
  }
  same(new TextDecoder("unicodefffe").encoding, "utf-16be");
  for (const label of ["latin1", "ascii", "ISO-8859-1", "l1", "iso_8859-1:1987", "x-cp1252"]) {
    same(new TextDecoder(label).encoding, "windows-1252");
  }
  for (
    const label of [
      "",
      " ",
      "utf",
      "utf-8\0",
      "\0utf-8",
      "utf 8",
      "utf-8 utf8",
      "x".repeat(99),
      null,
    ]
  ) {
    throws(() => new TextDecoder(label), "RangeError");
  }
  throws(() => new TextDecoder(Symbol()), "TypeError");
  throws(() => new TextDecoder("utf-8", 1), "TypeError");
  same(new TextDecoder("utf-8", null).fatal, false);
  same(new TextDecoder("utf-8", { fatal: 1, ignoreBOM: "x" }).ignoreBOM, true);
  const order = [];
  const watched = new Proxy({}, { get: (_, key) => void order.push(key) });
  throws(() => new TextDecoder("no such", watched), "RangeError");
  same(order, ["fatal", "ignoreBOM"]);
}

// What may be decoded.
{
  const buffer = new Uint8Array([97, 98, 99, 100]).buffer;
  const text = (input) => new TextDecoder().decode(input);
  same([text(), text(undefined), text(new ArrayBuffer(0))], ["", "", ""]);
  same(text(buffer), "abcd");
  same(text(new Uint8Array(buffer, 1, 2)), "bc");
  same(text(new Uint16Array(buffer, 2)), "cd");
  same(text(new Float32Array(buffer)), "abcd");
  same(text(new DataView(buffer, 1, 2)), "bc");
  same(text(new BigInt64Array(0)), "");
  const shared = new SharedArrayBuffer(2);
  new Uint8Array(shared).set([120, 121]);
  same(text(shared), "xy");
  same(text(new Uint8Array(shared, 1)), "y");
  const gone = new Uint8Array([97]);
  gone.buffer.transfer();
  same(text(gone), "");
  const goneBuffer = new ArrayBuffer(1);
  goneBuffer.transfer();
  same(text(goneBuffer), "");
  const elastic = new ArrayBuffer(4, { maxByteLength: 8 });
  const fixed = new Uint8Array(elastic, 2, 2);
  elastic.resize(1);
  same(text(fixed), "");
  for (const no of [null, 1, "x", {}, [97], Symbol(), new Map()]) {
    throws(() => text(no), "TypeError");
  }
  throws(() => new TextDecoder().decode(buffer, 1), "TypeError");
  const view = new DataView(buffer, 1, 2);
  for (const lie of [-1, 3, 1e9, NaN, 2 ** 40]) {
    Object.defineProperty(view, "byteOffset", { value: lie, configurable: true });
    Object.defineProperty(view, "byteLength", { value: lie, configurable: true });
    check(text(view).length <= 4, "a view that lies");
  }
  const resized = new Uint8Array(new ArrayBuffer(4, { maxByteLength: 4 }));
  const options = {
    get stream() {
      resized.buffer.resize(0);
      return false;
    },
  };
  same(new TextDecoder().decode(resized, options), "");
}

// UTF-8 that is not valid: one U+FFFD for each longest beginning of a character.
{
  const cases = [
    [[0xff], "\ufffd"],
    [[0x80, 0x41], "\ufffdA"],
    [[0xc0, 0x80], "\ufffd\ufffd"],
    [[0xc1, 0xbf], "\ufffd\ufffd"],
    [[0xc2], "\ufffd"],
    [[0xc2, 0x41], "\ufffdA"],
    [[0xe0, 0x80, 0x80], "\ufffd\ufffd\ufffd"],
    [[0xe2, 0x82], "\ufffd"],
    [[0xe2, 0x82, 0x41], "\ufffdA"],
    [[0xed, 0xa0, 0x80], "\ufffd\ufffd\ufffd"],
    [[0xf0, 0x80, 0x80, 0x80], "\ufffd\ufffd\ufffd\ufffd"],
    [[0xf0, 0x9f, 0x98], "\ufffd"],
    [[0xf0, 0x9f, 0x41], "\ufffdA"],
    [[0xf4, 0x90, 0x80, 0x80], "\ufffd\ufffd\ufffd\ufffd"],
    [[0xf5, 0x80], "\ufffd\ufffd"],
    [[0xf0, 0x9f, 0xf0, 0x9f, 0x98, 0x80], "\ufffd😀"],
  ];
  for (const [list, expected] of cases) {
    same(decode(list), expected);
    throws(() => decode(list, "utf-8", fatal), "TypeError");
    const long = [...new Array(40).fill(0x61), ...list, ...new Array(40).fill(0x62)];
    same(decode(long), "a".repeat(40) + expected + "b".repeat(40));
  }
  same(decode([0xf4, 0x8f, 0xbf, 0xbf]), "\u{10ffff}");
  same(decode([0xed, 0x9f, 0xbf, 0xee, 0x80, 0x80]), "\ud7ff\ue000");
  same(decode([0x41, 0, 0x42]), "A\0B");
}

// Marks of byte order.
{
  same(decode([0xef, 0xbb, 0xbf, 0x61]), "a");
  same(decode([0xef, 0xbb, 0xbf, 0x61], "utf-8", { ignoreBOM: true }), "\ufeffa");
  same(decode([0xef, 0xbb, 0xbf, 0xef, 0xbb, 0xbf]), "\ufeff");
  same(decode([0x61, 0xef, 0xbb, 0xbf]), "a\ufeff");
  same(decode([0xff, 0xfe, 0x61, 0], "utf-16le"), "a");
  same(decode([0xff, 0xfe, 0x61, 0], "utf-16be"), "\ufffe\u6100");
  same(decode([0xfe, 0xff, 0, 0x61], "utf-16be"), "a");
  same(decode([0xef, 0xbb, 0xbf], "latin1"), "ï»¿");
  const decoder = new TextDecoder();
  same(decoder.decode(new Uint8Array([0xef, 0xbb]), { stream: true }), "");
  same(decoder.decode(new Uint8Array([0xbf, 0x61])), "a");
  same(decoder.decode(new Uint8Array([0xef, 0xbb, 0xbf, 0x62])), "b", "each text has its own");
}

// UTF-16.
{
  const le = (text) =>
    [...text].length && Array.from(
      { length: text.length * 2 },
      (_, i) => text.charCodeAt(i >> 1) >> 8 * (i & 1) & 255,
    );
  same(decode(le("aé€😀"), "utf-16le"), "aé€😀");
  same(decode(le("\ud800a"), "utf-16le"), "\ufffda");
  same(decode(le("\udc00\ud800"), "utf-16le"), "\ufffd\ufffd");
  same(decode(le("\ud800\ud83d\ude00"), "utf-16le"), "\ufffd😀");
  same(decode([0x61], "utf-16le"), "\ufffd");
  same(decode([0x3d, 0xd8, 0x61], "utf-16le"), "\ufffd");
  same(decode([0xd8, 0x3d, 0xde, 0], "utf-16be"), "😀");
  throws(() => decode([0x61], "utf-16le", fatal), "TypeError");
  throws(() => decode([0, 0xd8], "utf-16le", fatal), "TypeError");
  throws(() => decode([0, 0xdc, 0x61, 0], "utf-16le", fatal), "TypeError");
}

// windows-1252 has a character for each byte.
{
  const all = decode(Array.from({ length: 256 }, (_, i) => i), "windows-1252", fatal);
  same(all.length, 256);
  same(all.slice(0, 128), String.fromCharCode(...Array(128).keys()));
  same(all.slice(128, 160), "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ");
  same(all.slice(160), String.fromCharCode(...Array.from({ length: 96 }, (_, i) => 160 + i)));
}

// A decoder that has refused something starts afresh.
{
  const decoder = new TextDecoder("utf-8", fatal);
  throws(() => decoder.decode(new Uint8Array([0x61, 0xff]), { stream: true }), "TypeError");
  same(decoder.decode(new Uint8Array([0x62])), "b");
}

// In pieces of every size it is the same as in one.
{
  const text = "\ufeffaé€😀\ufffd 漢字 plain ASCII that is long enough for words of eight";
  const whole = new TextEncoder().encode(text);
  for (let size = 1; size < 12; size++) {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    let all = "";
    for (let at = 0; at < whole.length; at += size) {
      all += decoder.decode(whole.subarray(at, at + size), { stream: true });
    }
    same(all + decoder.decode(), text);
  }
  const decoder = new TextDecoder();
  same(decoder.decode(new Uint8Array([0xe2, 0x82]), { stream: true }), "");
  same(decoder.decode(), "\ufffd");
  same(decoder.decode(new Uint8Array([0xf0]), { stream: true }), "");
  same(decoder.decode(new Uint8Array([0x41]), { stream: true }), "\ufffdA");
  const twos = new TextDecoder("utf-16be");
  same(twos.decode(new Uint8Array([0xd8]), { stream: true }), "");
  same(twos.decode(new Uint8Array([0x3d, 0xde]), { stream: true }), "");
  same(twos.decode(new Uint8Array([0]), { stream: true }), "😀");
}

// Of a buffer that was resized, what is there now.
{
  const buffer = new ArrayBuffer(4, { maxByteLength: 8 });
  const views = [
    buffer,
    new Uint8Array(buffer, 1),
    new DataView(buffer, 2),
    new Uint16Array(buffer),
    new Uint8Array(buffer, 1, 3), // does not follow its buffer
  ];
  const shared = new SharedArrayBuffer(2, { maxByteLength: 4 });
  const decode = (data) => new TextDecoder().decode(data);
  for (
    const [size, ...texts] of [
      [4, "abcd", "bcd", "cd", "abcd", "bcd"],
      [8, "abcdefgh", "bcdefgh", "cdefgh", "abcdefgh", "bcd"],
      [3, "abc", "bc", "c", "ab", ""],
      [1, "a", "", "", "", ""],
      [0, "", "", "", "", ""],
    ]
  ) {
    buffer.resize(size);
    new Uint8Array(buffer).forEach((_, i, bytes) => bytes[i] = 0x61 + i);
    same(views.map(decode), texts);
    const { written } = new TextEncoder().encodeInto("0123456789", views[1]);
    same(written, Math.max(size - 1, 0));
  }
  const growing = new Uint8Array(shared);
  shared.grow(3);
  same(decode(growing.fill(0x62)), "bbb");
  same(new TextEncoder().encodeInto("abcdef", growing).written, 3);
}
