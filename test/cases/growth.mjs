// The heap grows by megabytes and shrinks again between two sleeps.
// expect: 7 6291456
// expect: object 4999
// expect: 1.5 10 9
import { sleep } from "torpor:run";
let big = new Uint8Array(6 << 20);
big[5 << 20] = 7;
await sleep(5);
console.log(big[5 << 20], big.length);
const objects = Array.from({ length: 5000 }, (_, i) => ({ i, text: `object ${i}` }));
big = null;
await sleep(5);
console.log(objects[4999].text);
objects.length = 10;
await sleep(5);
const again = new Float64Array(100000).fill(1.5);
await sleep(5);
console.log(again.at(-1), objects.length, objects[9].i);
