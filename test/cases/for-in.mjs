// An enumeration in progress, while properties come and go.
// expect: [ '1', '2', 'b', 'a', 'last', 'inherited' ]
// expect: 0 string
// expect: 0 [ '1' ]
import { sleep } from "torpor:run";
const base = { inherited: 1, hidden: 2 };
const object = Object.create(base, { hidden: { value: 3, enumerable: false } });
Object.assign(object, { b: 1, 2: "two", a: 2, 1: "one", gone: 3, last: 4 });
const seen = [];
for (const key in object) {
  seen.push(key);
  await sleep(5);
  if (key === "b") { delete object.gone; object.added = 5; delete base.none; }
}
console.log(seen);
const list = ["x", , "z"];
for (const index in list) { await sleep(1); console.log(index, typeof index); if (index === "0") list.length = 1; }
function* walk(o) { for (const key in o) yield key; }
const walking = walk("ab"), first = walking.next().value;
await sleep(5);
console.log(first, [...walking]);
