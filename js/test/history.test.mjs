// SPDX-License-Identifier: MIT
// hosts: node deno bun page
//
// history.test.mjs - random histories of many VMs against a model.
//
// Not in a worker, whose stack ends before the guest's: what recurses there breaks its VM.

import { assert, test } from "./support/test.mjs";
import { runHistory } from "./support/history.mjs";

for (const seed of [1, 2]) {
  test(`a random history with seed ${seed}`, async () => {
    const done = await runHistory(seed, 1000);
    assert(Object.keys(done).length > 20, "all kinds of steps were taken");
  }, { seconds: 240 });
}
