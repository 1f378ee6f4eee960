// SPDX-License-Identifier: MIT
//
// cases.test.mjs - the programs of test/cases/, which run in C as well: the same
// output, the same end, also when they sleep in the middle of their work.
//
// Each runs plainly twice, then with a sleep at every boundary in each way, then
// with one at a boundary alone, for some of them spread evenly.

import { assert, host, test } from "./support/test.mjs";
import { listCases, readCase, readModules } from "./support/case.mjs";
import { runCase } from "./support/case-run.mjs";
import { sameBytes, WAYS } from "./support/case-sleep.mjs";

// What cannot be the same in these hosts.
const EXCEPT = {
  "loop-builtin.js":
    "nothing can end built-in code that never polls: the host has one thread, and waits for it",
  ...(host === "worker" && smallerStack("calls", "parser", "tostring", "json", "regexp")),
};

// stacks.test.mjs looks at what happens there instead.
function smallerStack(...kinds) {
  const why = "a worker's stack may end before the guest's: then the VM is broken, and says so";
  return Object.fromEntries(kinds.map((kind) => [`recursion-${kind}.js`, why]));
}

// How often a case sleeps in one run, at how many boundaries it sleeps alone, and
// from how many on it is run with fewer sleeps.
const SLEEPS = 20;
const RUNS = 3;
const MANY = 2000;

function checkResult(found, given) {
  assert.equal(found.output, given.expected, `output (error: ${found.error})`);
  assert.equal(found.exit, given.exit, `how it ended: ${found.error}`);
  for (const text of given.errors) {
    assert(found.error.includes(text), `"${text}" is not in the error ${found.error}`);
  }
}

function checkSame(found, plain) {
  assert.equal(found.error, plain.error, "the error");
  assert.equal(found.boundaries, plain.boundaries, "boundaries");
  assert(sameBytes(found.final, plain.final), "the final snapshot is another");
}

function* plansFor(boundaries) {
  const isLong = boundaries > MANY;
  const step = Math.floor(boundaries / SLEEPS) + 1;
  const ways = isLong ? ["chain"] : WAYS;
  for (const way of ways) yield { way, sleep: "every", boundary: step };
  const runs = isLong ? 1 : Math.min(RUNS, boundaries);
  for (let i = 0; i < runs; i++) {
    const boundary = Math.floor((i * boundaries) / runs);
    yield { way: WAYS[i % WAYS.length], sleep: "once", boundary };
  }
}

function tell({ way, sleep, boundary }) {
  return sleep === undefined ? "once more" : `${way}, sleeping ${sleep} at ${boundary}`;
}

async function runPlans(given, modules, plain) {
  for (const plan of [{}, ...plansFor(plain.boundaries)]) {
    try {
      const found = await runCase(given, modules, plan);
      checkResult(found, given);
      checkSame(found, plain);
    } catch (error) {
      error.message = `${tell(plan)}: ${error.message}`;
      throw error;
    }
  }
}

const modules = await readModules();
for (const name of listCases(modules)) {
  if (name in EXCEPT) {
    console.log(`${name} is left out: ${EXCEPT[name]}`);
    continue;
  }
  const given = readCase(name, modules.get(name));
  test(name, async () => {
    const plain = await runCase(given, modules);
    checkResult(plain, given);
    // Where it ends depends on real time, or there is nothing to compare.
    if (given.deadline !== undefined || plain.exit === "trapped") return;
    await runPlans(given, modules, plain);
  });
}
