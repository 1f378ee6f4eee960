// Asleep in every kind of statement: loops, labels, switches, finally blocks
// with a return, break or continue on its way.
// expect: returned 00
// expect: left by break
// expect: left by break
// expect: caught thrown 00
// expect: two
// expect: falls to three
// expect: 103
// expect: [ 0, 1, 2 ]
// expect: the break wins
import { sleep } from "torpor:run";
const after = (value) => sleep(1).then(() => value);
async function leave(how) {
  outer: for (let i = 0; i < 3; i++) {
    for (const j of [0, 1]) {
      try {
        if (how === "return") return `returned ${i}${j}`;
        if (how === "break") break outer;
        if (how === "continue") continue outer;
        if (how === "throw") throw `thrown ${i}${j}`;
      } finally { await sleep(1); how = i === 1 ? "break" : how; }
    }
  }
  return `left by ${how}`;
}
for (const how of ["return", "break", "continue", "throw"]) console.log(await leave(how).catch((error) => `caught ${error}`));
switch (await after(2)) { case await after(1): console.log("one"); case await after(2): console.log("two"); case 3: console.log("falls to three"); break; default: console.log("no"); }
let n = 0;
do { n++; } while ((await after(n)) < 4);
while ((await after(n)) > 2) n--;
for (let i = await after(0); i < (await after(2)); i += await after(1)) n += i;
if (await after(false)) n = 0; else n += 100;
console.log(n);
const funcs = [];
for (let i = 0; i < (await after(3)); i++) funcs.push(async () => { await sleep(3 - i); return i; });
console.log(await Promise.all(funcs.map((f) => f())));
const swallowed = await (async () => { for (;;) { try { return await after("lost"); } finally { await after(); break; } } return "the break wins"; })();
console.log(swallowed);
