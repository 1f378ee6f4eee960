// SPDX-License-Identifier: MIT
//
// decoders.js - the encodings of this extension: labels, a word of each, and what
// is not valid. Loaded after the extension encoding. Random bytes beside another
// implementation: ../../encoding/test/fuzz.mjs.

const decode = (label, list, options) =>
  new TextDecoder(label, options).decode(new Uint8Array(list));
const hex = (label, text, options) => decode(label, Uint8Array.fromHex(text), options);

// Each label gives the encoding's name.
for (
  const [label, name] of Object.entries({
    " GB2312 ": "gbk",
    "gb18030": "gb18030",
    "Big5-HKSCS": "big5",
    "x-euc-jp": "euc-jp",
    "windows-949": "euc-kr",
    "sjis": "shift_jis",
    "csISO2022JP": "iso-2022-jp",
    "x-user-defined": "x-user-defined",
    "866": "ibm866",
    "latin2": "iso-8859-2",
    "visual": "iso-8859-8",
    "logical": "iso-8859-8-i",
    "latin5": "windows-1254",
    "l9": "iso-8859-15",
    "koi8-ru": "koi8-u",
    "mac": "macintosh",
    "tis-620": "windows-874",
    "cp1251": "windows-1251",
    "x-mac-ukrainian": "x-mac-cyrillic",
    "latin1": "windows-1252",
    "utf8": "utf-8",
  })
) same(new TextDecoder(label).encoding, name);
for (const label of ["replacement", "hz-gb-2312", "iso-2022-kr", "nothing"]) {
  throws(() => new TextDecoder(label), "RangeError");
}

// A word of each.
for (
  const [label, bytes, text] of [
    ["gbk", "c4e3bac380", "你好€"],
    ["gb18030", "c4e39439fc36", "你😀"],
    ["big5", "a741a66e8862", "你好Ê̄"],
    ["euc-jp", "c6fccbdc8eb18fb0a1", "日本ｱ丂"],
    ["euc-kr", "c7d1b1b98141", "한국갂"],
    ["shift_jis", "93fa967bb180f040", "日本ｱ\x80\ue000"],
    ["iso-2022-jp", "1b2442467c4b5c1b284a5c7e1b2849311b284241", "日本¥‾ｱA"],
    ["x-user-defined", "4180ff", "A\uf780\uf7ff"],
    ["ibm866", "8fe0a8a2a5e2", "Привет"],
    ["koi8-r", "f0d2c9d7c5d4", "Привет"],
    ["windows-1251", "cff0e8e2e5f2", "Привет"],
    ["iso-8859-7", "cae1ebe7ece1a4", "Καλημα€"],
    ["windows-1255", "f9ecf5ed", "שלץם"],
    ["windows-874", "cac7d1ca", "สวัส"],
    ["macintosh", "8ea5db", "é•€"],
    ["iso-8859-15", "a4e9", "€é"],
    ["windows-1250", "8a9a", "Šš"],
  ]
) {
  same(hex(label, bytes, { fatal: true }), text, label);
}

// What is not valid: a byte that is ASCII is not lost with it.
for (
  const [label, bytes, text] of [
    ["gbk", "8141ff41", "\u4e04\ufffdA"],
    ["gb18030", "81", "\ufffd"],
    ["gb18030", "8130", "\ufffd"],
    ["gb18030", "813081", "\ufffd"],
    ["gb18030", "81308141", "\ufffd0\u4e04"],
    ["gb18030", "813041", "\ufffd0A"],
    ["gb18030", "fe39fe39", "\ufffd"],
    ["big5", "8141", "\ufffdA"],
    ["big5", "a7ff", "\ufffd"],
    ["euc-jp", "8fa1", "\ufffd"],
    ["euc-jp", "a141", "\ufffdA"],
    ["euc-jp", "8ee0", "\ufffd"],
    ["euc-kr", "8130", "\ufffd0"],
    ["shift_jis", "8139", "\ufffd9"],
    ["shift_jis", "a0", "\ufffd"],
    ["iso-2022-jp", "1b2842", ""],
    ["iso-2022-jp", "1b28421b2842", "\ufffd"],
    ["iso-2022-jp", "1b24", "\ufffd$"],
    ["iso-2022-jp", "1b", "\ufffd"],
    ["iso-2022-jp", "1b244246", "\ufffd"],
    ["iso-2022-jp", "80", "\ufffd"],
    ["windows-1253", "aa", "\ufffd"],
  ]
) {
  same(hex(label, bytes), text, `${label} ${bytes}`);
  if (text.includes("\ufffd")) throws(() => hex(label, bytes, { fatal: true }), "TypeError", bytes);
}

// In pieces it is the same as in one.
for (const [label, bytes] of [["gb18030", "9439fc36c4e3"], ["euc-jp", "8fb0a1c6fc"]]) {
  const list = Uint8Array.fromHex(bytes);
  const decoder = new TextDecoder(label, { fatal: true });
  let all = "";
  for (const byte of list) all += decoder.decode(new Uint8Array([byte]), { stream: true });
  same(all + decoder.decode(), hex(label, bytes));
}
