// atob, btoa and the typed arrays' own.
// expect: aGVsbG8= hello 255
// expect: InvalidCharacterError
// expect: InvalidCharacterError
// expect: SyntaxError
// expect: -_8= Uint8Array(2) [ 255, 0 ]
// expect: [ 105, 183, 29, 121 ] [ 105, 183, 29, 121 ] [ 105, 183, 29, 121 ] [ 105, 183, 29, 121 ]
// expect: no no no no no no
// expect: { read: 4, written: 3 } { read: 8, written: 5 } { read: 4, written: 3 } { read: 0, written: 0 }
console.log(btoa("hello"), atob("aGVsbG8="), atob(btoa("\x00\xff")).charCodeAt(1));
for (const wrong of [() => btoa("€"), () => atob("a"), () => Uint8Array.fromHex("0")]) try { wrong(); } catch (error) { console.log(error.name); }
console.log(new Uint8Array([251, 255]).toBase64({ alphabet: "base64url" }), Uint8Array.fromHex("ff00"));
// What has lines, whose characters take two bytes each or that was put together of parts is decoded alike.
const wide = "€abcdeQ==".slice(1), parts = ["ab", "cd", "eQ", "=="].reduce((all, part) => all + part, "");
console.log(...["abcdeQ==", " a\tb\ncd\re\fQ = = ", wide, parts].map((text) => [...Uint8Array.fromBase64(text)]));
const decodes = (text, options) => { try { Uint8Array.fromBase64(text, options); return "yes"; } catch { return "no"; } };
console.log(...["abcé", "abc€", "abc-", "abcde===", "abcd="].map((text) => decodes(text)), decodes("abcdeQ", { lastChunkHandling: "strict" }));
const set = (size, text) => new Uint8Array(size).setFromBase64(text);
console.log(set(3, "abcd\n????"), set(5, "abcd\nef8"), set(4, "abcdefgh"), set(0, "??"));
