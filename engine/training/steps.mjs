/* SPDX-License-Identifier: MIT */
/* A durable program: a module that waits again and again. */
import { sleep } from "torpor:run";

let steps = 0;
const seen = [];
for (const name of ["a", "b", "c", "d"]) {
  await sleep(steps % 2 ? 5 : "1 ms");
  seen.push({ name, step: ++steps });
  globalThis.steps = steps;
}
globalThis.done = steps === 4;
export default { steps, seen };
