// SPDX-License-Identifier: MIT
//
// main.mjs - a server that evaluates code of strangers, each request in a VM of
// its own from a warm snapshot, within limits; a line of log for each.
//
//   npm install torpor-vm && node main.mjs
//   curl -d 'mean([1, 2, 6])' http://127.0.0.1:8080
//
// PORT is the port, 0 any that is free. SIGTERM and SIGINT stop it.

import { createServer } from "node:http";
import { InterruptedError, TorporError, VMPool } from "torpor-vm";

const CODE_LARGEST = 64 << 10;
const ANSWER_LARGEST = 64 << 10;

// Loaded once; every VM starts from there.
const LIBRARY = `
  const sum = (list) => list.reduce((total, n) => total + n, 0);
  const mean = (list) => sum(list) / list.length;
`;

const pool = await VMPool.create({
  warm: (vm) => vm.unwrapResult(vm.evalCode(LIBRARY, "library.js")).dispose(),
  memoryLimit: 16 << 20,
  // Milliseconds for each call into a VM. Meanwhile nobody else is answered.
  deadline: 1000,
  console: () => {},
});

/** What is answered instead of a value. */
class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Gives a handle on; what was thrown is a refusal. */
function unwrap(vm, handle) {
  if (!handle.isException) return handle;
  throw new Refusal(422, messageOf(vm, handle));
}

function messageOf(vm, thrown) {
  const error = vm.dump(thrown);
  return error instanceof Error ? `${error.name}: ${error.message}` : `threw ${String(error)}`;
}

/** The value of code, which may use await, as JSON. */
async function evaluate(vm, code) {
  const promise = unwrap(vm, vm.evalCode(code, "request.js", { async: true }));
  vm.executePendingJobs();
  if (promise.promiseState === 0) throw new Refusal(422, "it waits for what never comes");
  const { value, error } = await vm.resolvePromise(promise);
  if (error) throw new Refusal(422, messageOf(vm, error));
  return toJson(vm.dump(value));
}

/** A small value may be an endless text: one array many times in another, and so on. */
function toJson(value) {
  let size = 0;
  const count = (key, item) => {
    size += key.length + (typeof item === "string" ? item.length : 4);
    if (size > ANSWER_LARGEST) throw new Refusal(422, "the answer is too long");
    return typeof item === "bigint" ? `${item}` : item;
  };
  try {
    return JSON.stringify(value, count) ?? "null";
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(422, "the answer is no JSON: it contains itself");
  }
}

function refusalOf(error) {
  if (error instanceof Refusal) return error;
  if (error instanceof InterruptedError) return new Refusal(422, "it took too long");
  // Its limits, or the VM broke: that of nobody else did.
  if (error instanceof TorporError) return new Refusal(422, error.message);
  return new Refusal(500, "the server has a fault");
}

async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > CODE_LARGEST) throw new Refusal(413, `code has at most ${CODE_LARGEST} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function answer(request) {
  if (request.method !== "POST") throw new Refusal(405, "POST the code");
  const code = await readBody(request);
  // What the code made ends with its VM, handles too.
  return pool.run((vm) => evaluate(vm, code));
}

const server = createServer(async (request, response) => {
  const begin = performance.now();
  let status = 200, body, told;
  try {
    body = await answer(request);
    told = `${body.length} characters`;
  } catch (error) {
    const refusal = refusalOf(error);
    ({ status } = refusal);
    body = JSON.stringify({ error: refusal.message });
    // Quoted: what strangers wrote stays on its line.
    told = JSON.stringify(refusal.message);
    if (status === 500) console.error(error);
  }
  const headers = { "Content-Type": "application/json" };
  if (status === 413) headers.Connection = "close";
  response.writeHead(status, headers).end(`${body}\n`);
  console.log(`${request.method} ${status} ${(performance.now() - begin).toFixed(1)} ms, ${told}`);
});
server.requestTimeout = 10_000;

function stop() {
  server.close(() => {
    pool.dispose();
    console.log("stopped");
  });
}
process.once("SIGTERM", stop);
process.once("SIGINT", stop);

server.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
