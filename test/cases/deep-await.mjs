// Hundreds of functions and generators that wait for each other, all asleep at
// once.
// expect: 400
// expect: [ 0, 1 ] 199
// expect: bottom
// expect: again
// expect: 4498500
import { sleep } from "torpor:run";
const nest = async (n) => (n === 0 ? (await sleep(5), 0) : 1 + (await nest(n - 1)));
console.log(await nest(400));
function* chain(n) { if (n > 0) yield* chain(n - 1); yield n; }
const chained = chain(200), head = [chained.next().value, chained.next().value];
await sleep(5);
console.log(head, [...chained].length);
async function* relay(n) { if (n === 0) { yield "bottom"; await sleep(3); yield "again"; } else yield* relay(n - 1); }
for await (const value of relay(30)) console.log(value);
const list = { next: null };
let end = list;
for (let i = 0; i < 3000; i++) end = end.next = { i, next: null };
await sleep(5);
let length = 0;
for (let node = list.next; node; node = node.next) length += node.i;
console.log(length);
