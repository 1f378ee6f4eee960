// SPDX-License-Identifier: MIT
//
// matrix-host.mjs - what each JavaScript host does for matrix.mjs: puts programs to sleep, and
// wakes what others put to sleep. Bytes are base64.

import { packSnapshot, QuickJS } from "torpor-vm";

/** Randomness that is the same each time: that of sleeper.c. */
function repeating() {
  let state = 1;
  return (bytes) => {
    for (let i = 0; i < bytes.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      bytes[i] = state >>> 24;
    }
  };
}

/** A clock that stands still, and that randomness. */
export function standStill() {
  return { now: () => 1700000000000n * 1000000n, random: repeating() };
}

/** With the extensions of a program, whose modules are base64 as well. */
function optionsOf({ extensions = [] }, modules) {
  const given = extensions.map((name) => ({ name, wasm: decode(modules[name]) }));
  return { wasi: standStill(), extensions: given };
}

function encode(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

function decode(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

/** Evaluates, runs all jobs, and leaves no handle. */
export function evaluate(vm, code) {
  const value = vm.unwrapResult(vm.evalCode(code, "sleeper.js"));
  vm.executePendingJobs();
  const text = value.toString();
  value.dispose();
  return text;
}

/**
 * Three files of each program: whole, the difference after one more step, and that whole, packed.
 */
async function sleep(programs, modules) {
  const files = {};
  for (const [name, program] of Object.entries(programs)) {
    const { steps, more } = program;
    const vm = await QuickJS.create(optionsOf(program, modules));
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

async function ask(pieces, code, how) {
  const vm = await QuickJS.restore(pieces, how);
  const answer = evaluate(vm, code);
  vm.dispose();
  return answer;
}

/** What woken programs answer to their question: from the chain, and from the packed file. */
async function wake(programs, modules, files) {
  const answers = {};
  for (const [name, program] of Object.entries(programs)) {
    const { question } = program;
    const how = optionsOf(program, modules);
    const [whole, difference, packed] = ["whole", "difference", "packed"]
      .map((kind) => decode(files[`${name}.${kind}`]));
    const chain = await ask([whole, difference], question, how);
    answers[name] = [chain, await ask(packed, question, how)];
  }
  return answers;
}

/** `given` maps the name of a host to its files; without it, makes some. */
export async function play({ programs, modules, given }) {
  if (given === undefined) return sleep(programs, modules);
  const answers = {};
  for (const [host, files] of Object.entries(given)) {
    answers[host] = await wake(programs, modules, files);
  }
  return answers;
}
