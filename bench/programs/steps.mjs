/* SPDX-License-Identifier: MIT */
/* steps.mjs - a durable program that only takes steps: each wait is one. */
import { sleep } from "torpor:run";

let waits = 0;
for (;;) {
  await sleep(0);
  waits++;
  globalThis.waits = waits;
}
