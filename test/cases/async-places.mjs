// An error that comes from outside says which line waited for it.
// expect: async-places.mjs:16
// expect: async-places.mjs:18
// exit: thrown
// error: no such file
// error: at load (async-places.mjs:10
import { readFile } from "torpor:fs";
const line = (error) => /[\w-]+\.mjs:\d+/.exec(error.stack)[0];
async function load(name) {
  return await readFile(name);
}
const timeout = AbortSignal.timeout(5);
const aborted = () => new Promise((_, reject) =>
  timeout.addEventListener("abort", () => reject(timeout.reason)));
try {
  await aborted();
} catch (error) { console.log(line(error)); }
try { await readFile("missing"); } catch (error) { console.log(line(error)); }
await load("missing");
