// Views of one buffer in use by functions that sleep, while it grows, shrinks
// and moves.
// expect: 8 2 8 Uint8Array(8) [ 0, 1, 2, 3, 4, 5, 6, 7 ]
// expect: Uint8Array(3) [ 0, 1, 2 ] 0 0
// expect: 4096 63
// expect: 0 16 true
// expect: true 9223372036854775808n 0.10000000149011612
import { sleep } from "torpor:run";
let buffer = new ArrayBuffer(4, { maxByteLength: 65536 });
const bytes = new Uint8Array(buffer), fixed = new Uint16Array(buffer, 0, 2);
const filling = (async () => { for (let i = 0; i < bytes.length; i++) { bytes[i] = i; await sleep(1); } return bytes.length; })();
await sleep(2);
buffer.resize(8);
console.log(bytes.length, fixed.length, await filling, bytes);
buffer.resize(3);
console.log(bytes, fixed.length, fixed.byteOffset);
buffer.resize(65536);
new Float64Array(buffer).fill(0.5);
await sleep(5);
console.log(new Float64Array(buffer).reduce((a, b) => a + b), bytes[65535]);
const moving = (async () => { await sleep(5); return bytes.length; })();
buffer = buffer.transfer(16);
console.log(await moving, buffer.byteLength, buffer.resizable);
const pieces = Array.from({ length: 64 }, (_, i) => new Uint8Array(1024).fill(i));
await sleep(5);
for (let i = 0; i < 64; i += 2) pieces[i] = null;
await sleep(5);
console.log(pieces.filter(Boolean).every((piece, i) => piece[1023] === 2 * i + 1), new BigUint64Array([1n << 63n])[0], new Float32Array([0.1])[0]);
