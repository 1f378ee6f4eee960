// SPDX-License-Identifier: MIT
//
// streaming.sleep.js - decoders that are in the middle of a character, or of a
// set of them, sleep.

globalThis.decoders = {};
globalThis.feed = (label, text) =>
  (decoders[label] ??= new TextDecoder(label, { fatal: true }))
    .decode(Uint8Array.fromHex(text), { stream: true });
same(feed("gb18030", "419439fc"), "A");
same(feed("big5", "a7"), "");
same(feed("euc-jp", "8fb0"), "");
same(feed("shift_jis", "93"), "");
same(feed("euc-kr", "c7"), "");
same(feed("iso-2022-jp", "1b2442467c4b"), "日");
same(feed("koi8-r", "f0"), "П");

//// sleep

same(feed("gb18030", "36"), "😀");
same(feed("big5", "41"), "你");
same(feed("euc-jp", "a1"), "丂");
same(feed("shift_jis", "fa"), "日");
same(feed("euc-kr", "d1"), "한");
same(feed("iso-2022-jp", "5c1b28"), "本");
same(feed("iso-2022-jp", "4241"), "A");
same(feed("koi8-r", "d2"), "р");
same(new TextDecoder("windows-1251").decode(new Uint8Array([0xcf])), "П");
