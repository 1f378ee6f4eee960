/* SPDX-License-Identifier: MIT */
/* fetch.mjs - 500 fetches at once, again and again, in whatever runtime runs
 * it; FETCH_URL is where. Prints a line of JSON: milliseconds of each turn, and
 * the bytes that came. */
const url = globalThis.process?.env?.FETCH_URL ??
  (await import("torpor:script")).args()[0];
const samples = [];
let check = 0;

async function get() {
  const response = await fetch(url);
  return (await response.text()).length;
}

for (let turn = 0; turn < 8; turn++) {
  const began = performance.now();
  const all = [];
  for (let i = 0; i < 500; i++) all.push(get());
  const sizes = await Promise.all(all);
  samples.push(performance.now() - began);
  check = sizes.reduce((a, b) => a + b);
}
console.log(JSON.stringify({ samples: samples.slice(1), check }));
