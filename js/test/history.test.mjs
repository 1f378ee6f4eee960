// SPDX-License-Identifier: MIT
//
// history.test.mjs - random histories of many VMs against a model.

import { assert, test } from "./support/test.mjs";
import { runHistory } from "./support/history.mjs";

for (const seed of [1, 2]) {
  test(`a random history with seed ${seed}`, async () => {
    const done = await runHistory(seed, 1000);
    assert(Object.keys(done).length > 20, "all kinds of steps were taken");
  }, { seconds: 240 });
}
