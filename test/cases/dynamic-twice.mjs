// Modules that are asked for while they are being loaded, and again after one
// of them failed.
// expect: shared begins
// expect: a begins shared
// expect: b begins shared
// expect: b ends
// expect: a ends
// expect: true a [ 'b' ] Module
// expect: throws is evaluated
// expect: 0 while evaluated
// expect: 1 while evaluated
// expect: TypeError true
import { sleep } from "torpor:run";
const both = [import("./modules/slow-a.mjs"), import("./modules/slow-a.mjs")];
await sleep(5);
both.push(import("./modules/slow-b.mjs"));
const [one, two, three] = await Promise.all(both);
console.log(one === two, one.a, Object.keys(three), one[Symbol.toStringTag]);
for (let i = 0; i < 2; i++) {
  try { await import("./modules/throws.mjs"); } catch (error) { console.log(i, error.message); }
  await sleep(5);
}
const again = await import("./modules/slow-a.mjs");
try { again.a = 1; } catch (error) { console.log(error.name, again === one); }
