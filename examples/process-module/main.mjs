// SPDX-License-Identifier: MIT
// Three processes at once: what they print comes as they print it.
import { open } from "./process.so";

const decoder = new TextDecoder();

async function show(name, command) {
  const stream = open(command, "r");
  for (let data; (data = await stream.read()) !== null;)
    console.log(`${name}: ${decoder.decode(data).trim()}`);
  return `${name}: ${await stream.close()}`;
}

const all = Promise.all([
  show("first", "echo one; sleep 0.4; echo three"),
  show("second", "sleep 0.2; echo two; exit 7"),
  show("third", "sleep 0.6; kill -TERM $$"),
]);
console.log("started");
console.log(await all);

const sorter = open("sort", "w");
sorter.write("cherry\napple\nbanana\n");
console.log("sorted:", await sorter.close());
