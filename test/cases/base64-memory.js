// Decoding needs memory for the string and for what it stands for, and for no copies.
// expect: 4500000
// expect: 3000000
// expect: { read: 6000000, written: 4500000 } 105
// expect: 4500000 i
// memory: 16777216
const text = "aWlp".repeat(1_500_000);
console.log(Uint8Array.fromBase64(text).length);
console.log(Uint8Array.fromHex(text.replaceAll("aWlp", "6969")).length);
const bytes = new Uint8Array(4_500_000);
console.log(bytes.setFromBase64(text), bytes.at(-1));
bytes.buffer.transfer(0);
const again = atob(text);
console.log(again.length, again.at(-1));
