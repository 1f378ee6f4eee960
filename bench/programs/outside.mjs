/* SPDX-License-Identifier: MIT */
/* outside.mjs - what a runtime does with the world, in whatever runtime runs it.
 * Its argument says what:
 *
 *   timers   20,000 timers of 0 to 9 milliseconds, all at once
 *   pipe     100 MB that a process writes to its standard output
 *   spawn    100 processes, one after another
 *
 * Prints a line of JSON: milliseconds of each turn, and what came of it. */
const { Bun, Deno } = globalThis;
const node = globalThis.process?.versions?.node;

/* [the work, a function that runs a program and gives the sum of its output] */
async function adapt() {
  if (Deno) {
    return [Deno.args[0], async (file, args) => {
      const child = new Deno.Command(file, { args, stdout: "piped" }).spawn();
      const size = await sum(child.stdout);
      await child.status;
      return size;
    }];
  }
  if (Bun) {
    return [Bun.argv[2], async (file, args) => {
      const child = Bun.spawn([file, ...args], { stdout: "pipe" });
      const size = await sum(child.stdout);
      await child.exited;
      return size;
    }];
  }
  if (node) {
    const { spawn } = await import("node:child_process");
    return [process.argv[2], async (file, args) => {
      const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
      const ended = new Promise((resolve) => child.on("exit", resolve));
      const size = await sum(child.stdout);
      await ended;
      return size;
    }];
  }
  const { args } = await import("torpor:script");
  const { spawn } = await import("process");
  return [args()[0], async (file, words) => {
    const child = spawn(file, words);
    const size = await sum(child.stdout);
    await child.status;
    return size;
  }];
}

async function sum(chunks) {
  let size = 0;
  for await (const chunk of chunks) size += chunk.length;
  return size;
}

const [work, run] = await adapt();
const works = {
  timers: () =>
    new Promise((resolve) => {
      let left = 20000;
      for (let i = 0; i < 20000; i++) {
        setTimeout(() => --left === 0 && resolve(20000), i % 10);
      }
    }),
  pipe: () => run("head", ["-c", "100000000", "/dev/zero"]),
  spawn: async () => {
    let ended = 0;
    for (let i = 0; i < 100; i++) ended += (await run("true", [])) + 1;
    return ended;
  },
};

const samples = [];
let check = 0;
for (let turn = 0; turn < 4; turn++) {
  const began = performance.now();
  check = await works[work]();
  samples.push(performance.now() - began);
}
console.log(JSON.stringify({ samples: samples.slice(1), check }));
