// SPDX-License-Identifier: MIT
//
// base64.sleep.js - the functions across a snapshot.

globalThis.keptFromHex = Uint8Array.fromHex;
globalThis.kept = Uint8Array.fromHex("00ff10AB");
//// sleep
check(keptFromHex === Uint8Array.fromHex);
same(kept, new Uint8Array([0, 255, 16, 171]));
same(Uint8Array.fromHex("0123456789abcdefABCDEF00"), keptFromHex("0123456789abcdefABCDEF00"));
same(kept.setFromHex("a0b1c2"), { read: 6, written: 3 });
same(kept.toHex(), "a0b1c2ab");
throws(() => keptFromHex("0"), "SyntaxError");
