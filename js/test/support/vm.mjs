// SPDX-License-Identifier: MIT
//
// vm.mjs - what tests of one VM begin with.

import { QuickJS } from "torpor-vm";

/** Runs `use` with a new VM, which ends afterwards. */
export async function withVM(use, options) {
  const vm = await QuickJS.create(options);
  try {
    return await use(vm);
  } finally {
    vm.dispose();
  }
}

/** What code gives, dumped; what it throws is thrown. */
export function run(vm, code, ...rest) {
  const result = vm.unwrapResult(vm.evalCode(code, ...rest));
  const value = vm.dump(result);
  result.dispose();
  return value;
}

/** What `make` throws, or undefined. */
export function thrownBy(make) {
  try {
    make();
  } catch (error) {
    return error;
  }
  return undefined;
}
