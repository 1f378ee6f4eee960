// SPDX-License-Identifier: MIT
//
// stacks.test.mjs - recursion of every kind on the host's stack as it is, and
// what happens where that stack ends: an error that the program can catch, or a
// VM that is plainly broken, never one that goes on damaged.

import { assert, host, test } from "./support/test.mjs";
import { recurse, useAtEnds } from "./support/recursion.mjs";

// The engine asks nobody there how much of its stack is left. A web worker has half the stack of
// a page, which ends before the guest's.
const mayBreak = (name) => name === "proxy chain keys" || host === "worker";

test("recursion of every kind ends in an error that can be caught", async () => {
  const outcomes = await recurse();
  const broken = Object.keys(outcomes).filter((name) => outcomes[name] === "broken");
  assert.deepEqual(broken.filter((name) => !mayBreak(name)), []);
  assert(Object.keys(outcomes).length > 90, "they are many");
  assert(!Object.values(outcomes).includes("no error"), "none of them ends well");
}, { seconds: 300 });

// Below Bun's own test runner each end of the stack takes minutes to unwind.
(host === "bun" ? () => {} : test)(
  "at the end of the host's stack a VM stays whole, or is broken",
  async () => {
    await useAtEnds();
  },
  { seconds: 300 },
);
