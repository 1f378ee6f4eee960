// SPDX-License-Identifier: MIT
//
// smoke.test.mjs - the package is there, and so are the data of the tests.

import { assert, listData, readText, test } from "./support/test.mjs";
import { QuickJS } from "torpor-vm";

test("a VM adds", async () => {
  const vm = await QuickJS.create();
  assert.equal(vm.dump(vm.evalCode("1 + 2 + 3")), 6);
  vm.dispose();
});

test("data of tests can be read", async () => {
  const cases = await listData("cases/");
  assert(cases.length > 100, "there are cases");
  assert.match(await readText("cases/README.md"), /^# Cases/);
});
