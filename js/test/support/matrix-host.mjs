// SPDX-License-Identifier: MIT
//
// matrix-host.mjs - what each JavaScript host does for matrix.mjs: puts programs to sleep, and
// wakes what others put to sleep. Bytes are base64.

import { packSnapshot, QuickJS } from "torpor-vm";

const options = { wasi: { now: () => 1700000000000n * 1000000n } };

function encode(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

function decode(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

// Evaluates, runs all jobs, and leaves no handle.
function evaluate(vm, code) {
  const value = vm.unwrapResult(vm.evalCode(code, "sleeper.js"));
  vm.executePendingJobs();
  const text = value.toString();
  value.dispose();
  return text;
}

/**
 * Three files of each program: whole, the difference after one more step, and that whole, packed.
 */
async function sleep(programs) {
  const files = {};
  for (const [name, { steps, more }] of Object.entries(programs)) {
    const vm = await QuickJS.create(options);
    for (const step of steps) evaluate(vm, step);
    const whole = vm.snapshot();
    evaluate(vm, more);
    const difference = vm.snapshot({ since: whole });
    files[`${name}.whole`] = encode(whole.bytes);
    files[`${name}.difference`] = encode(difference.bytes);
    files[`${name}.packed`] = encode(await packSnapshot(vm.snapshot().bytes));
    vm.dispose();
  }
  return files;
}

async function ask(pieces, code) {
  const vm = await QuickJS.restore(pieces, options);
  const answer = evaluate(vm, code);
  vm.dispose();
  return answer;
}

/** What woken programs answer to their question: from the chain, and from the packed file. */
async function wake(programs, files) {
  const answers = {};
  for (const [name, { question }] of Object.entries(programs)) {
    const [whole, difference, packed] = ["whole", "difference", "packed"]
      .map((kind) => decode(files[`${name}.${kind}`]));
    answers[name] = [await ask([whole, difference], question), await ask(packed, question)];
  }
  return answers;
}

/** `given` maps the name of a host to its files; without it, makes some. */
export async function play({ programs, given }) {
  if (given === undefined) return sleep(programs);
  const answers = {};
  for (const [host, files] of Object.entries(given)) answers[host] = await wake(programs, files);
  return answers;
}
