// SPDX-License-Identifier: MIT
//
// hold.mjs - VMs that are disposed of when their test ends, for hosts whose
// JavaScript has no `using`.

import { test as register } from "./test.mjs";

const held = [];

/** Gives `vm` back, which the running test disposes of in the end. */
export function hold(vm) {
  held.push(vm);
  return vm;
}

/** As test of test.mjs; tests of a file run one after the other. */
export function test(name, run, options) {
  const whole = async () => {
    try {
      await run();
    } finally {
      release();
    }
  };
  register(name, whole, options);
}

function release() {
  for (const vm of held.splice(0).reverse()) vm.dispose();
}
