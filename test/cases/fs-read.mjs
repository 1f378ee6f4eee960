// Module torpor:fs checks what it is given before it asks.
// expect: TypeError readFile: expected the path of a file
// expect: TypeError readFile: expected the path of a file
// expect: TypeError readFile: the only encoding is "utf8"
// expect: TypeError writeFile: expected a string or a Uint8Array
// expect: TypeError writeFile: expected a string or a Uint8Array
// expect: TypeError signal: expected an AbortSignal
// expect: no 
// expect: no 
// expect: changed my mind 10
import { readFile, writeFile } from "torpor:fs";
const controller = new AbortController();
controller.abort("no");
for (const attempt of [readFile(), readFile(""), readFile("x", "latin1"), writeFile("x", 5), writeFile("x"), readFile("x", { signal: 1 }), readFile("x", { signal: controller.signal }), writeFile("x", "", { signal: controller.signal })])
  await attempt.catch((error) => console.log(error.name ?? error, error.message ?? ""));
const pending = new AbortController();
const reading = readFile("x", { encoding: "utf8", signal: pending.signal });
setTimeout(() => pending.abort("changed my mind"), 10);
await reading.catch((reason) => console.log(reason, performance.now()));
