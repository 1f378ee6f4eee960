// SPDX-License-Identifier: MIT
//
// browser-run.mjs - runs the listed tests of a file, in a page or a web worker.

import { listed } from "./test.mjs";

function withTimeout(promise, ms) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done in ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function tell(error) {
  return error instanceof Error ? `${error.name}: ${error.message}\n${error.stack}` : String(error);
}

/** Runs all tests that are listed; calls `report` for each of them, then with
 * how many there were. */
export async function runListed(report) {
  for (const { name, run, timeout } of listed) {
    const begin = performance.now();
    let error;
    try {
      await withTimeout(run(), timeout);
    } catch (thrown) {
      error = tell(thrown);
    }
    const ms = Math.round(performance.now() - begin);
    await report({ name, ms, ...(error !== undefined && { error }) });
  }
  await report({ count: listed.length });
}
