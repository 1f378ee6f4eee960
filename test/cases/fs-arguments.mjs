// Module torpor:fs checks what it is given before it asks.
// expect: readFile: expected the path of a file
// expect: readFile: expected the path of a file
// expect: readFile: the only encoding is "utf8"
// expect: writeFile: expected a string or a Uint8Array
// expect: writeFile: expected a string or a Uint8Array
// expect: signal: expected an AbortSignal
// expect: no
// expect: no
// expect: changed my mind 0
import { readFile, writeFile } from "torpor:fs";
const controller = new AbortController();
controller.abort("no");
for (const attempt of [readFile(), readFile(""), readFile("x", "latin1"), writeFile("x", 5), writeFile("x"), readFile("x", { signal: 1 }), readFile("x", { signal: controller.signal }), writeFile("x", "", { signal: controller.signal })])
  await attempt.catch((error) => console.log(error.message ?? error));
const pending = new AbortController();
const reading = readFile("x", { encoding: "utf8", signal: pending.signal });
pending.abort("changed my mind");
await reading.catch((reason) => console.log(reason, performance.now()));
