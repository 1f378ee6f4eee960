// The program is asleep at its top level, variables and all.
// expect: 5 ms 5
// expect: 1 s 1000
// expect: 3 days 259200000
// expect: [ 259201005, 518402010, 777603015 ] 7
// expect: 42
import { sleep, step } from "torpor:run";
let total = 0;
for (const part of ["5 ms", "1 s", "3 days"]) {
  const before = Date.now();
  await sleep(part);
  total += Date.now() - before;
  console.log(part, Date.now() - before);
}
const results = await Promise.all([1, 2, 3].map(async (n) => { await sleep(n * 10); return n * total; }));
console.log(results, step());
export const answer = await sleep(1).then(() => 42);
console.log(answer);
