// SPDX-License-Identifier: MIT
//
// case.mjs - what cases are made with. A case calls methods and properties of
// quickjs-wasi, for quickjs-wasi-compare.test.mjs: it runs with both packages.
//
// A case gets the VM and the module. It gives data, or throws. One that differs
// names its row in differences.mjs, and says what ours gives.

/** Every case: { name, run, options, differs, ours, alone: not with theirs }. */
export const cases = [];

export function add(name, run, more = {}) {
  cases.push({ name, run, options: undefined, differs: undefined, ...more });
}

/** Lets what was promised happen. */
export const wait = () => new Promise((resolve) => setTimeout(resolve, 5));

/** What a run that throws comes to. */
export function caught(run) {
  try {
    return run();
  } catch (error) {
    return describeError(error);
  }
}

/** An exception of the guest by its words; of other errors only that there is one. */
export function describeError(error) {
  if (!(error instanceof Error)) return { threw: typeof error };
  return error.handle === undefined ? "refused" : `${error.name}: ${error.message}`;
}

/** What `look` makes of each piece of code, evaluated. */
export const each = (codes, look) => (vm) =>
  codes.map((code) => caught(() => look(vm.evalCode(code), vm)));

/** The message of what a run throws. */
export function caughtHost(run) {
  try {
    return run();
  } catch (error) {
    return error.message;
  }
}

/** Makes a host function a global. */
export const withFunction = (vm, name, fn) => vm.setProp(vm.global, name, vm.newFunction(name, fn));
