// SPDX-License-Identifier: MIT
//
// stacks-small.test.mjs - the same on stacks that are smaller than Node's own:
// in a process and in a worker thread.
//
// hosts: node24

import { spawnSync } from "node:child_process";
import { Worker } from "node:worker_threads";
import { assert, test } from "./support/test.mjs";

const CODE = `
  import { recurse, useAtEnds } from ${
  JSON.stringify(new URL("./support/recursion.mjs", import.meta.url).href)
};
  const outcomes = Object.values(await recurse());
  const count = (name) => outcomes.filter((one) => one === name).length;
  const ends = await useAtEnds();
  const result = { all: outcomes.length, broken: count("broken"), noError: count("no error"), ends };
`;

function check({ all, noError }) {
  assert(all > 90, "all of them ran");
  assert.equal(noError, 0);
}

for (const kib of [150, 500]) {
  test(`with --stack-size=${kib}`, () => {
    const code = `${CODE} console.log("RESULT" + JSON.stringify(result));`;
    const { stdout, stderr, status, signal } = spawnSync(
      process.execPath,
      [`--stack-size=${kib}`, "--input-type=module", "--eval", code],
      { encoding: "utf8", cwd: new URL(".", import.meta.url), timeout: 240_000 },
    );
    assert.equal(signal, null, stderr);
    assert.equal(status, 0, stderr);
    check(JSON.parse(stdout.match(/RESULT(.*)/)[1]));
  }, { seconds: 250 });
}

test("in a worker thread with 1 MB", async () => {
  const code =
    `${CODE} const { parentPort } = await import("node:worker_threads"); parentPort.postMessage(result);`;
  const url = new URL(`data:text/javascript,${encodeURIComponent(code)}`);
  const worker = new Worker(url, { resourceLimits: { stackSizeMb: 1 } });
  const result = await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (status) => reject(new Error(`it ended with ${status}`)));
  });
  await worker.terminate();
  check(result);
}, { seconds: 250 });
