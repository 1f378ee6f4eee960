// atob, btoa and the typed arrays' own.
// expect: aGVsbG8= hello 255
// expect: InvalidCharacterError
// expect: InvalidCharacterError
// expect: SyntaxError
// expect: -_8= Uint8Array(2) [ 255, 0 ]
console.log(btoa("hello"), atob("aGVsbG8="), atob(btoa("\x00\xff")).charCodeAt(1));
for (const wrong of [() => btoa("€"), () => atob("a"), () => Uint8Array.fromHex("0")]) try { wrong(); } catch (error) { console.log(error.name); }
console.log(new Uint8Array([251, 255]).toBase64({ alphabet: "base64url" }), Uint8Array.fromHex("ff00"));
