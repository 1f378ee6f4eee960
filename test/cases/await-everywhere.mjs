// Asleep in the middle of every kind of expression.
// expect: 6 a-b [ 1, 2, 3 ]
// expect: { key: 'value', more: 1 } default
// expect: 5 [ 7, 2 ] set
// expect: unset inner { p: 1, q: 2 } true true bigint
// expect: 2 twice 2 9
// expect: one|two|1,2 yes
// expect: [ 12, 20 ] 2 36
import { sleep } from "torpor:run";
const trail = [];
const after = async (value, ms = 1) => { trail.push(value); await sleep(ms); return value; };
const object = { n: 1, nested: { list: [1, 2] }, add(a, b) { return this.n + a + b; } };
console.log(object.add(await after(2), await after(3)), `${await after("a")}-${await after("b")}`, [await after(1), ...(await after([2, 3]))]);
console.log({ [await after("key")]: await after("value"), ...(await after({ more: 1 })) }, (await after(null))?.x ?? (await after("default")));
object.n += await after(10);
object.nested.list[await after(0)] *= await after(7);
object.late ||= await after("set");
object.n &&= await after(5);
console.log(object.n, object.nested.list, object.late);
const { x = await after("unset"), y: [z = await after("inner")] = [], ...others } = await after({ p: 1, q: 2 });
console.log(x, z, others, (await after(4)) > (await after(3)), (await after("n")) in (await after(object)), typeof (await after(1n)));
console.log(new (await after(Array))(await after(2)).length, await (await after(after))("twice"), (await after(1), await after(2)), (-(await after(3))) ** 2);
const tag = (strings, ...values) => strings.raw.join("|") + values.join();
console.log(tag`one${await after(1)}two${await after(2)}`, (await after(true)) ? await after("yes") : await after("no"));
let i = 0;
const list = [10, 20];
list[i++] += (i++, await after(i));
console.log(list, i, trail.length);
