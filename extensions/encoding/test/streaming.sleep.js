// SPDX-License-Identifier: MIT
//
// streaming.sleep.js - decoders that are in the middle of a character sleep.

globalThis.encoder = new TextEncoder();
globalThis.decoders = {};
globalThis.feed = (name, ...list) => decoders[name].decode(new Uint8Array(list), { stream: true });
for (const label of ["utf-8", "utf-16le", "utf-16be", "windows-1252"]) {
  decoders[label] = new TextDecoder(label, { fatal: true });
}
decoders.marked = new TextDecoder();
decoders.kept = new TextDecoder("utf-8", { ignoreBOM: true });
same(feed("utf-8", 0x61, 0xf0, 0x9f, 0x98), "a");
same(feed("utf-16le", 0x3d, 0xd8, 0x00), "");
same(feed("utf-16be", 0xd8), "");
same(feed("windows-1252", 0x80), "€");
same(feed("marked", 0xef, 0xbb), "");
same(feed("kept", 0xef, 0xbb), "");
globalThis.bytes = encoder.encode("größe");

//// sleep

same(feed("utf-8", 0x80, 0x62), "😀b");
same(feed("utf-16le", 0xde), "😀");
same(feed("utf-16be", 0x3d, 0xde, 0x00), "😀");
same(feed("windows-1252", 0x99), "™");
same(feed("marked", 0xbf, 0x78), "x");
same(feed("kept", 0xbf, 0x78), "\ufeffx");
same(decoders["utf-8"].decode(), "");
same(new TextDecoder().decode(bytes), "größe");
same([...encoder.encode("€")], [0xe2, 0x82, 0xac]);
same(encoder.encodeInto("ab", bytes).written, 2);
same(new TextDecoder("latin1").encoding, "windows-1252");
throws(() => new TextDecoder("nothing"), "RangeError");
