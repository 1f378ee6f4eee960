// SPDX-License-Identifier: MIT
//
// main.mjs - code of strangers within limits on memory, time, work and output,
// and the ways in which it ends.
//
//   npm install torpor-vm && node main.mjs

import { InterruptedError, QuickJS, TrappedError } from "torpor-vm";

const PROGRAMS = {
  "good": `console.log("hello"); [1, 2, 3].map((n) => n * n)`,
  "throws": `null.size`,
  "eats memory": `const all = []; for (;;) all.push(new Array(1e5).fill(0))`,
  "catches that": `try { for (let s = "x"; ; s += s); } catch (error) { error.message }`,
  "recurses": `(function f() { return f() + 1 })()`,
  "loops": `for (;;);`,
  "slow pattern": `/^(a+)+$/.test("a".repeat(40) + "b")`,
  "floods": `for (;;) console.log("all work and no play")`,
  "looks around": `typeof process + typeof require + typeof fetch`,
  "compiles": `eval("6 * 7")`,
  "compiles slyly": `(() => {}).constructor("return 6 * 7")()`,
  "imports": `import("node:fs").catch((error) => console.log(error.name)); "later"`,
  "promises for ever": `(function again() { Promise.resolve().then(again) })()`,
};

/** What a VM for strangers has. */
const LIMITS = {
  memoryLimit: 32 << 20,
  maxStackSize: 256 << 10,
  // Milliseconds for each call into the VM.
  deadline: 1000,
  intrinsics: { omit: ["eval"] },
};
const LINES_MOST = 3;

async function judge(code) {
  let lines = 0;
  const vm = await QuickJS.create({
    ...LIMITS,
    // Asked now and then while code of the program runs.
    interruptHandler: () => lines > LINES_MOST,
    console: (_level, text) => ++lines <= LINES_MOST && console.log(`  | ${text}`),
  });
  try {
    const result = vm.evalCode(code, "script.js");
    if (result.isException) return `threw ${describe(vm, result)}`;
    vm.executePendingJobs();
    return `result ${JSON.stringify(vm.dump(result))}`;
  } catch (error) {
    if (error instanceof InterruptedError) return "interrupted; the VM could go on";
    if (error instanceof TrappedError) return "trapped; the VM is broken";
    throw error;
  } finally {
    vm.dispose(); // and all that is in it
  }
}

/** "TypeError: no (script.js:1:11)" */
function describe(vm, thrown) {
  const { name, message, stack } = vm.dump(thrown);
  const place = /\w+\.js:\d+:\d+/.exec(stack);
  return `${name}: ${message}${place ? ` (${place[0]})` : ""}`;
}

for (const [name, code] of Object.entries(PROGRAMS)) {
  console.log(`${name}: ${await judge(code)}`);
}

// Fuel is counted in steps, not in time: equal programs end at the same one, on every machine.
async function countSteps(fuel) {
  const vm = await QuickJS.create({ fuel });
  try {
    vm.evalCode("let steps = 0; for (;;) steps++");
    return 0;
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error;
    vm.fuel = 1000;
    return vm.evalCode("steps").toNumber();
  } finally {
    vm.dispose();
  }
}

const counts = [await countSteps(50_000), await countSteps(50_000)];
console.log(`with equal fuel equally far: ${counts[0] === counts[1] && counts[0] > 0}`);
