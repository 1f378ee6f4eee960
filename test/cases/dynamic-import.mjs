// import() before and after sleeping gives the same namespace.
// expect: counter is evaluated
// expect: true 1
// expect: 1 1
// expect: function function true
import { sleep } from "torpor:run";
const first = await import("./modules/counter.mjs");
first.increment();
await sleep(100);
const again = await import("./modules/counter.mjs");
console.log(first === again, again.count);
const parts = await Promise.all(["reexport", "inner/leaf"].map((name) => import(`./modules/${name}.mjs`)));
console.log(parts[0].renamed, parts[1].leaf());
const fs = await import("torpor:fs");
console.log(typeof fs.readFile, typeof fs.writeFile, fs === (await import("torpor:fs")));
